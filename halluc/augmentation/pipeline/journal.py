"""Append-only files with a journal of their valid sizes, from which an interrupted run resumes."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from halluc.core.errors import HallucError
from halluc.core.files import make_folder, write_json, writing
from halluc.runs.directory import PROVENANCE

# The folder and files of a corpus in progress: originals, new examples, their provenance, and a note of each.
PARTIAL = ".partial"
ORIGINALS, CANDIDATES, NOTES = "originals.jsonl", "candidates.jsonl", "notes.jsonl"
JOURNALLED = (ORIGINALS, CANDIDATES, PROVENANCE, NOTES)

# The maximum work that an interruption loses, in seconds.
_EVERY = 5.0


def last_commit(folder: Path, names: tuple[str, ...], fingerprint: str) -> dict[str, Any] | None:
    """The last commit (``sizes`` and ``state``) of a journal with this ``fingerprint``, if its files are complete."""
    try:
        known: dict[str, Any] = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        whole = all(known["sizes"][name] <= (folder / name).stat().st_size for name in names)
        return known if whole and known["fingerprint"] == fingerprint else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Journal:
    """Writes lines to named files in ``folder``; after an interruption, they are restored to the last ``commit``.

    A journal of another ``fingerprint``, or a damaged one, is started again.
    """

    def __init__(self, folder: Path, names: tuple[str, ...], fingerprint: str) -> None:
        self.folder, self.names, self.fingerprint = folder, names, fingerprint
        self.state: dict[str, Any] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._committed = time.monotonic()

    def __enter__(self) -> Journal:
        make_folder(self.folder)
        known = last_commit(self.folder, self.names, self.fingerprint)
        self.state = known["state"] if known else {}
        for name in self.names:
            with writing(self.folder / name):
                file = self._files[name] = (self.folder / name).open("r+b" if known else "wb")
                if known:
                    file.truncate(known["sizes"][name])
                    file.seek(0, os.SEEK_END)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for name, file in self._files.items():
            # The first error is the one to report.
            with writing(self.folder / name) if error is None else contextlib.suppress(OSError):
                file.close()

    def write(self, name: str, line: str) -> None:
        with writing(self.folder / name):
            self._files[name].write(line.encode("utf-8") + b"\n")

    def is_due(self) -> bool:
        return time.monotonic() - self._committed > _EVERY

    def commit(self, state: dict[str, Any]) -> None:
        sizes = {}
        for name, file in self._files.items():
            with writing(self.folder / name):
                file.flush()
                os.fsync(file.fileno())
                sizes[name] = file.tell()
        write_json(self.folder / "progress.json", {"fingerprint": self.fingerprint, "sizes": sizes, "state": state})
        self._committed = time.monotonic()

    def lines(self, name: str) -> Iterator[Any]:
        """The lines of a file, parsed as JSON; call it before anything is written."""
        with (self.folder / name).open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield json.loads(line)
                except ValueError:
                    help = f"remove {self.folder} and start again"
                    raise HallucError("R130", f"{self.folder / name} is damaged on line {number}", help=help) from None
