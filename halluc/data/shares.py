"""Splits that are held out of train: by a hash of each document or example, so that neither order nor seed decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from halluc.core.rng import keyed_seed
from halluc.data.config import DataConfig
from halluc.data.reader import Raw
from halluc.data.rows.references import SplitName


def place_of(item: Raw) -> tuple[str, int, int]:
    """File, line and document of an example."""
    origin = item.origin
    return origin.file, origin.line, origin.document


def is_part(source: str, file: str) -> bool:
    """Whether the file of an example is the one that a split is read from, or stands in that folder."""
    return source == file or source.startswith(f"{file}/")


def has_documents(items: Iterable[Raw], file: str) -> bool:
    """Whether a file says which documents its examples are of."""
    first: int | None = None
    for item in items:
        source, _, document = place_of(item)
        if is_part(source, file):
            if first is not None and document != first:
                return True
            first = document
    return False


@dataclass(frozen=True)
class Share:
    """The examples of one split in the ``file`` that train is read from, which others are held out of.

    Whole documents go to one split with ``by_document``; else equal texts do.
    """

    config: DataConfig
    split: SplitName
    file: str
    by_document: bool

    @property
    def is_whole(self) -> bool:
        """Whether the split is all of its file."""
        config = self.config
        held_out = config.is_held_out("dev") or config.is_held_out("test")
        return not held_out or (self.split != "train" and not config.is_held_out(self.split))

    def has(self, item: Raw) -> bool:
        source, _, document = place_of(item)
        if self.is_whole or not is_part(source, self.file):  # what is read beside it is of the split as it is
            return True
        key = f"document {document}" if self.by_document else " ".join(item.tokens).casefold()
        return self._split(keyed_seed("dev_share", key) / 2**64) == self.split

    def _split(self, share: float) -> SplitName:
        dev, test = (self.config.is_held_out(one) for one in ("dev", "test"))
        if dev and share < (self.config.dev_share or 0):
            return "dev"
        return "test" if test and share >= 1 - (self.config.test_share or 0) else "train"
