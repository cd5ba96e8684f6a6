"""Progress of reading the files of a config."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from halluc.core.errors import HallucError
from halluc.core.messages import progress
from halluc.data.config import DataConfig
from halluc.data.rows.streams import watched


@contextlib.contextmanager
def reading(config: DataConfig) -> Iterator[None]:
    """A progress bar of the bytes read from the files of a config; only on a terminal."""
    try:
        total = sum(path.stat().st_size for path in config.paths())
    except (HallucError, OSError):  # reported when they are read
        total = 0
    done = 0
    with progress("bytes read", logged=False) as tick:

        def read(count: int) -> None:
            nonlocal done
            done += count
            tick(done, total)

        with watched(read) if total else contextlib.nullcontext():
            yield
