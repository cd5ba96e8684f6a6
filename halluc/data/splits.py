"""One split of a config being read: what its file gives, and which of it is the split's own.

Splits are held out of train by a hash of each document or example, so that neither order nor seed decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from halluc.core import registry
from halluc.core.errors import data_error
from halluc.core.rng import keyed_seed
from halluc.data.config import DataConfig
from halluc.data.reader import Raw, Reader
from halluc.data.rows.references import HUB, SPLITS, SplitName, resolve
from halluc.data.rows.row import BadLine, LeftOut, Notice

Given = Raw | BadLine | LeftOut | Notice


def is_part(source: str, file: str) -> bool:
    """Whether the file of an example is the one that a split is read from, or stands in that folder."""
    return source == file or source.startswith(f"{file}/")


def has_documents(items: Iterable[Raw], file: str) -> bool:
    """Whether a file says which documents its examples are of."""
    return len({item.origin.document for item in items if is_part(item.origin.file, file)}) > 1


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
        held_out = [split for split in SPLITS if self.config.is_held_out(split)]
        return not held_out or (self.split != "train" and self.split not in held_out)

    def has(self, item: Raw) -> bool:
        """Whether an example is the split's; what is read beside the file of train is of the split as it is."""
        if self.is_whole or not is_part(item.origin.file, self.file):
            return True
        key = f"document {item.origin.document}" if self.by_document else " ".join(item.tokens).casefold()
        place, config = keyed_seed("dev_share", key) / 2**64, self.config
        if config.is_held_out("dev") and place < (config.dev_share or 0):
            return self.split == "dev"
        is_test = config.is_held_out("test") and place >= 1 - (config.test_share or 0)
        return self.split == ("test" if is_test else "train")


class SplitReader:
    """Reads the split of a config as often as it is asked to.

    Args:
        by_document: where other splits are held out of the same file, whether the file has documents; ``examples``
            finds it out.
    """

    def __init__(
        self, config: DataConfig, table: registry.Table, split: SplitName, by_document: bool = False
    ) -> None:  # fmt: skip
        reference = config.reference(split)
        assert reference is not None, "a split that the config names"
        self.config, self.split, self.by_document = config, split, by_document
        self.reference, self.source = reference, source_of(reference, split)
        self.reader: Reader = registry.load(table, "reader", config.task)(config)

    def items(self) -> Iterator[Given]:
        """All that the file gives; where all of it is the split's, no more examples than are asked for."""
        most, count = self.config.max_examples if self._share(False).is_whole else None, 0
        try:
            for item in self.reader.read(self.reference, self.split):
                yield item
                count += not isinstance(item, (BadLine, LeftOut, Notice))
                if count == most:
                    return
        except OSError as error:
            raise data_error("D101", f"cannot read {self.reference}: {error.strerror or error}") from None

    def own(self, items: list[Raw]) -> list[Raw]:
        """The examples that are the split's, of all those of its file."""
        if self._share(False).is_whole:
            return items
        share = self._share(has_documents(items, self.source))
        return [item for item in items if share.has(item)][: self.config.max_examples]

    def stream(self) -> Iterator[Raw | BadLine]:
        """The same one after another, with the lines that cannot be read."""
        share, count = self._share(self.by_document), 0
        if share.is_whole:  # as it nearly always is, and then ``items`` counts
            yield from (item for item in self.items() if not isinstance(item, (LeftOut, Notice)))
            return
        for item in self.items():
            if isinstance(item, BadLine):
                yield item
            elif not isinstance(item, (LeftOut, Notice)) and share.has(item):
                yield item
                count += 1
                if count == self.config.max_examples:
                    return

    def examples(self) -> Iterator[Raw]:
        """What can be read of the whole file, which shows whether it has documents."""
        documents: set[int] = set()
        for item in self.items():
            if isinstance(item, (BadLine, LeftOut, Notice)):
                continue
            if is_part(item.origin.file, self.source):
                documents.add(item.origin.document)
            self.by_document = len(documents) > 1
            yield item

    def _share(self, by_document: bool) -> Share:
        return Share(self.config, self.split, self.source, by_document)


def source_of(reference: str, split: SplitName) -> str:
    """The name of what a reference names: a file's path, a folder, or a data set of the hub.

    Raises:
        HallucError D101: no such file.
    """
    if reference.startswith(HUB):
        return reference
    path = Path(reference).expanduser()
    return str(path if path.is_dir() else resolve(reference, split))
