"""Memory while many records are read at once."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's cycle collector out of a stretch that makes many objects and no cycles, such as reading records.

    It would go through all of them again and again as they grow: a ledger is then read in three times the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
