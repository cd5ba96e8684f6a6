"""Labelled texts: JSON Lines, CSV and TSV, ``LABEL text`` lines, an object of lists, and data sets of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from halluc.core.errors import HallucError
from halluc.core.examples import Labelled
from halluc.core.rng import keyed_seed
from halluc.data.readers.base import HUB, BadLine, DataConfig, Mended, SplitName, parts, resolve
from halluc.data.readers.hub import class_names, load_table
from halluc.data.readers.jsonl import Unreadable
from halluc.data.readers.texts_config import TextsConfig
from halluc.data.readers.texts_forms import Source
from halluc.data.readers.texts_found import Found, of_record
from halluc.data.readers.texts_making import Maker

_COPIED = "is this the right file, and was it copied whole?"
_IDS = "ids must differ: mend it, or see `data.id_field`"


class TextsReader:
    """Labelled texts, or pairs: JSON Lines, CSV/TSV, `LABEL text` lines, an object of lists, the hub; out of scope."""

    makes: ClassVar[str] = "text_classification"
    Config: ClassVar[type[DataConfig]] = TextsConfig

    def __init__(self, config: TextsConfig) -> None:
        self.config = config

    def read(self, reference: str, split: SplitName) -> Iterator[Labelled | Mended | BadLine]:
        ids = _Ids()
        yield from self._texts(reference, split, ids)
        for name in self.config.beside(split):
            yield from self._texts(name, split, ids, outside=True)

    def _texts(
        self, reference: str, split: SplitName, ids: _Ids, outside: bool = False
    ) -> Iterator[Labelled | Mended | BadLine]:
        """The texts of one file, as examples; of a file that dev is held out of, those of this split."""
        file, texts = self._found(reference, split, outside)
        prefix, maker = f"{split}-oos" if outside else split, Maker(self.config, file, outside)
        count = told = 0
        for one in texts:
            count += 1
            if isinstance(one, BadLine):
                told += 1
                yield one
                continue
            try:
                number = one.number or one.line
                example, repairs = maker.example(one, f"{prefix}-{number}")
                ids.add(example.id, prefix, number, one.line)
            except Unreadable as bad:
                told += 1
                yield one.bad(file, bad)
                continue
            if outside or self._belongs(example, split):
                told += 1
                yield Mended(example, repairs) if repairs else example
        if not count:
            yield BadLine("D102", file, 1, "there is no text in it", _COPIED)
        elif not told:
            help = "`data.dev_share` left it none: name another share, or a `dev` of its own"
            yield BadLine("D102", file, 1, f"no text for {split}", help)

    def _found(self, reference: str, split: SplitName, outside: bool) -> tuple[str, Iterator[Found | BadLine]]:
        """The name of a file or data set, and the texts in it."""
        if reference.startswith(HUB):
            return reference, self._rows(reference, split)
        path, keys = resolve(reference, split), parts(reference)[1]
        return str(path), Source(self.config, path, keys, outside).texts()

    def _rows(self, reference: str, split: SplitName) -> Iterator[Found | BadLine]:
        """The rows of a data set of the hub; class numbers become names."""
        config = self.config
        table = load_table(reference, split, config.subset)
        fields = [config.text_field, *([] if config.second_field is None else [config.second_field])]
        for field in map(str, [*fields, config.label_field]):
            if field not in table.column_names:
                have = ", ".join(table.column_names)
                raise HallucError("C112", f"`{reference}` has no column `{field}`", help=f"it has: {have}")
        label = str(config.label_field)
        names = class_names(table.features[label])
        for number, row in enumerate(table, 1):
            try:
                yield of_record({**row, label: _named(row[label], names)}, config, number, "")
            except Unreadable as bad:
                yield BadLine(bad.code, reference, number, bad.problem, bad.help)

    def _belongs(self, example: Labelled, split: SplitName) -> bool:
        """Whether a text is of this split, where dev is held out of train: by a hash of it, so that copies go together
        and neither order nor seed decide."""
        config = self.config
        if not config.held_out or split == "test":
            return True
        assert config.dev_share is not None
        share = keyed_seed("dev_share", " ".join(example.tokens).casefold()) / 2**64
        return (share < config.dev_share) == (split == "dev")


class _Ids:
    """Which ids were met. Numbers differ by themselves, and are kept only once a file gives an id of its own."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._first: tuple[str, int] | None = None  # the prefix and the number of the first text with such an id

    def add(self, identity: str, prefix: str, number: int, line: int) -> None:
        """Raises ``Unreadable`` for an id that was met before; ``number`` is what the text has without one."""
        own = identity != f"{prefix}-{number}"
        if self._first is None:
            if not own:
                return
            self._first = prefix, number
        if identity in self._lines:
            raise Unreadable("D112", f"id `{identity}` stands already on line {self._lines[identity]}", _IDS)
        begin, _, end = identity.rpartition("-")
        if own and begin == self._first[0] and end.isdecimal() and int(end) < self._first[1]:
            raise Unreadable("D112", f"id `{identity}` is that of text {end}, which has none of its own", _IDS)
        self._lines[identity] = line


def _named(given: Any, names: list[str] | None) -> Any:
    """The names of class numbers; other labels as they are.

    Raises:
        Unreadable: a number has no name, as -1, by which the hub hides the labels of a test split.
    """
    if names is None or given is None:
        return given
    if isinstance(given, list):
        return [_named(one, names) for one in given]
    if not isinstance(given, int) or not 0 <= given < len(names):
        raise Unreadable("D123", f"{given} is no class of the label", "a test split may hide its labels: take dev")
    return names[given]
