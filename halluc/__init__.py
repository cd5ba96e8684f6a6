"""halluc: measure where a fine-tuned model asserts what its data do not support, and test what reduces it.

The Python API (docs/python.md) is loaded on first use: ``import halluc`` imports neither torch nor numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from halluc.api import (
        HallucError,
        advise,
        audit,
        augment,
        check,
        doctor,
        evaluate,
        export,
        init,
        list_runs,
        load,
        predict,
        probe,
        push,
        report,
        run,
        train,
        tune,
    )

__version__ = "0.1.0"
__all__ = ["HallucError", "advise", "audit", "augment", "check", "doctor", "evaluate", "export", "init", "list_runs"]
__all__ += ["load", "predict", "probe", "push", "report", "run", "train", "tune"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("halluc.api"), name)
    raise AttributeError(f"module 'halluc' has no attribute {name!r}")
