"""One split of a config being read: what its file gives, and which of it is the split's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from halluc.core import registry
from halluc.core.errors import data_error
from halluc.data.config import DataConfig
from halluc.data.reader import Raw, Reader
from halluc.data.rows.references import HUB, SplitName, resolve
from halluc.data.rows.row import BadLine, LeftOut, Notice
from halluc.data.shares import Share, has_documents, is_part, place_of

Given = Raw | BadLine | LeftOut | Notice


class SplitReader:
    """Reads the split of a config as often as it is asked to.

    Args:
        by_document: where other splits are held out of the same file, whether the file has documents; None where this
            is not known yet.
    """

    def __init__(
        self, config: DataConfig, table: registry.Table, split: SplitName, by_document: bool | None = None
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
            if most is None:
                yield from self.reader.read(self.reference, self.split)
                return
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
        share, count = self._share(bool(self.by_document)), 0
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
        first = -1
        for item in self.items():
            if isinstance(item, (BadLine, LeftOut, Notice)):
                continue
            source, _, document = place_of(item)
            if is_part(source, self.source):
                first = document if first < 0 else first
                self.by_document = bool(self.by_document) or document != first
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
