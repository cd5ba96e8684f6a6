"""Shared parts of the functions of the API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

from halluc.core.messages import Level, Listener, Tick

Source = str | PathLike[str]
Messages = Callable[[str], object]
Progress = Callable[[str, int, int], object]


class Callbacks(Listener):
    """Passes messages and progress to the caller of the API."""

    level = Level.NORMAL

    def __init__(self, messages: Messages | None, progress: Progress | None) -> None:
        self.messages, self.progress = messages, progress

    def say(self, text: str, style: str | None = None) -> None:
        if self.messages is not None and text:
            self.messages(text)

    @contextlib.contextmanager
    def bar(self, what: str, unit: str, logged: bool) -> Iterator[Tick]:
        name = what

        def tick(done: int, total: int, what: str | None = None) -> None:
            if self.progress is not None:
                self.progress(name, done, total)

        yield tick


def optional_path(path: Source | None) -> Path | None:
    return None if path is None else Path(path)
