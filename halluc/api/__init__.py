"""The Python API: the commands as functions that return typed objects instead of printing them.

Paths are paths of configs, run directories and models, as on the command line; ``overrides`` have the form of ``--set``
(``["train.epochs=1"]``). ``messages`` is called with each line that a command would print, and ``progress`` with a
description, the number done, and the total; nothing is printed. ``allow_commands`` allows the config to start the
programs that it names. Every error that is not a bug is a ``HallucError``, with ``code``, ``message``, ``where``,
``help`` and ``exit_code``.
"""

from __future__ import annotations

from halluc.api.experiments import advise, audit, augment, check, evaluate, init, report, run, train, tune
from halluc.api.models import doctor, export, list_runs, load, predict, probe, push
from halluc.core.errors import HallucError

__all__ = ["HallucError", "advise", "audit", "augment", "check", "doctor", "evaluate", "export", "init", "list_runs"]
__all__ += ["load", "predict", "probe", "push", "report", "run", "train", "tune"]
