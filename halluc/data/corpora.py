"""Reads the splits of a config, and collects all errors and findings.

Splits are held out of train by a hash of each document or text, independent of order and seed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from halluc.core import registry
from halluc.core.errors import MOST_SHOWN, HallucError, Location, data_error, refuse
from halluc.core.examples import Corpus
from halluc.core.memory import uncollected
from halluc.core.packed import Packed
from halluc.core.rng import keyed_seed
from halluc.data.config import DataConfig
from halluc.data.reader import Annotation, ExampleBuilder, Raw, Reader
from halluc.data.rows.reading import is_compressed
from halluc.data.rows.references import HUB, SPLITS, SplitName, resolve
from halluc.data.rows.row import MEND, BadLine, LeftOut, Notice, excerpt, folded

# Reading stops at more bad lines than this number plus this many per example: the file has another format.
_MOST_BROKEN, _SHARE_BROKEN = 100_000, 10

Item = Raw | BadLine | LeftOut | Notice


def is_part(source: str, file: str) -> bool:
    """Whether the source of an example is the file of a split, or in its folder."""
    return source == file or source.startswith(f"{file}/")


def has_documents(items: Iterable[Raw], file: str) -> bool:
    """Whether the examples of a file have different document numbers."""
    documents = (item.origin.document for item in items if is_part(item.origin.file, file))
    first = next(documents, None)
    return any(document != first for document in documents)


@dataclass(frozen=True)
class Share:
    """Decides which examples in the ``file`` of train belong to a split, if splits are held out of it.

    With ``by_document``, all examples of a document are in the same split, otherwise all equal texts.
    """

    config: DataConfig
    split: SplitName
    file: str
    by_document: bool

    @cached_property
    def is_whole(self) -> bool:
        """Whether the whole file belongs to the split."""
        held_out = [split for split in SPLITS if self.config.is_held_out(split)]
        return not held_out or (self.split != "train" and self.split not in held_out)

    def has(self, item: Raw) -> bool:
        """Whether an example belongs to the split; additional files of train belong to it completely."""
        if self.is_whole or not is_part(item.origin.file, self.file):
            return True
        key = f"document {item.origin.document}" if self.by_document else " ".join(item.tokens).casefold()
        place, config = keyed_seed("dev_share", key) / 2**64, self.config
        if config.is_held_out("dev") and place < (config.dev_share or 0):
            return self.split == "dev"
        is_test = config.is_held_out("test") and place >= 1 - (config.test_share or 0)
        return self.split == ("test" if is_test else "train")


class SplitReader:
    """Reads a split of a config, repeatedly if necessary.

    Args:
        by_document: the result of ``divides_documents``; only ``stream`` needs it.
    """

    def __init__(self, config: DataConfig, table: registry.Table, split: SplitName, by_document: bool = False) -> None:
        reference = config.reference(split)
        assert reference is not None, "a split of the config"
        self.config, self.split, self.by_document = config, split, by_document
        self.reference, self.source = reference, source_of(reference, split)
        self.reader: Reader = registry.load(table, "reader", config.task)(config)

    def items(self) -> Iterator[Item]:
        """All items of the file; if the whole file belongs to the split, at most ``max_examples`` examples."""
        most, count = self.config.max_examples if self._share(False).is_whole else None, 0
        try:
            for item in self.reader.read(self.reference, self.split):
                yield item
                count += not isinstance(item, (BadLine, Notice))
                if count == most:
                    return
        except OSError as error:
            raise data_error("D101", f"cannot read {self.reference}: {error.strerror or error}") from None

    def own(self, items: Packed[Raw]) -> Packed[Raw]:
        """The examples of the split, of all those in its file."""
        share = self._share(has_documents(items, self.source))
        if share.is_whole:  # ``items`` has applied ``max_examples``
            return items
        return Packed(islice((item for item in items if share.has(item)), self.config.max_examples))

    def stream(self) -> Iterator[Raw | BadLine]:
        """The examples of the split one by one, and the lines that cannot be read."""
        share, count = self._share(self.by_document), 0
        for item in self.items():
            if isinstance(item, BadLine):
                yield item
            elif not isinstance(item, Notice) and share.has(item):
                yield item
                count += 1
                if count == self.config.max_examples:
                    return

    def examples(self) -> Iterator[Raw]:
        """All readable items of the whole file."""
        return (item for item in self.items() if not isinstance(item, (BadLine, Notice)))

    def divides_documents(self) -> bool:
        """Whether other splits are held out of the same file, and it has documents."""
        return not self._share(False).is_whole and has_documents(self.examples(), self.source)

    def _share(self, by_document: bool) -> Share:
        return Share(self.config, self.split, self.source, by_document)


def source_of(reference: str, split: SplitName) -> str:
    """The name of a reference's source: a file's path, a folder, or a data set of the hub.

    Raises:
        HallucError D101: no such file.
    """
    if reference.startswith(HUB):
        return reference
    path = Path(reference).expanduser()
    return str(path if path.is_dir() else resolve(reference, split))


@dataclass
class Corpora:
    """The splits that were read, and the findings.

    ``mappings`` describes for each split which fields were read; ``notices`` has messages about files.
    """

    splits: dict[SplitName, Corpus[Any]]
    annotation: Annotation = field(default_factory=Annotation)
    repairs: list[Notice] = field(default_factory=list)
    skipped: list[Notice] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    mappings: dict[SplitName, str] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        named = dict.fromkeys(name for corpus in self.splits.values() for name in (corpus.source, *corpus.inputs))
        return [path for path in map(Path, named) if path.is_file()]


@uncollected()
def read_corpora(config: DataConfig, table: registry.Table, splits: Sequence[SplitName] = SPLITS) -> Corpora:
    """Read the requested splits that the config has.

    Raises:
        HallucError or ManyErrors, code D…: what cannot be read, with file and line, up to 20 shown.
    """
    raw: dict[SplitName, Packed[Raw]] = {}
    bad: list[BadLine] = []
    missing: list[HallucError] = []
    corpora = Corpora({})
    for split in _named(config, splits):
        raw[split] = Packed()
        broken: list[BadLine] = []
        try:
            reader = SplitReader(config, table, split)
            for item in reader.items():
                if isinstance(item, BadLine):
                    broken.append(_with_excerpt(item, len(broken)))
                    if len(broken) > _MOST_BROKEN + _SHARE_BROKEN * len(raw[split]):
                        read = f"{len(broken):,} lines could not be read so far, and {len(raw[split]):,} examples were"
                        raise replace(broken[0], problem=f"{broken[0].problem}; {read}").error()
                elif isinstance(item, Notice):
                    (corpora.skipped if isinstance(item, LeftOut) else corpora.notices).append(item)
                else:
                    raw[split].append(item)
            raw[split] = reader.own(raw[split])
            corpora.mappings[split] = reader.reader.mapping
        except HallucError as error:
            # Two splits may be parts of one file: the error names the first one, which is set in the config.
            if all((error.code, error.message) != (one.code, one.message) for one in missing):
                missing.append(error)
        bad += broken
    corpora.skipped, corpora.notices = list(dict.fromkeys(corpora.skipped)), list(dict.fromkeys(corpora.notices))
    refuse(missing)
    builder = registry.load(table, "reader", config.task).Builder(config, list(dict.fromkeys(bad)))
    builder.prepare(raw, _other_splits(config, table, raw))
    return _built(builder, raw, corpora)


def _named(config: DataConfig, splits: Sequence[SplitName] = SPLITS) -> list[SplitName]:
    return [split for split in splits if config.reference(split) is not None]


def _other_splits(
    config: DataConfig, table: registry.Table, read: Collection[SplitName]
) -> dict[SplitName, Iterator[Raw]]:
    """The readable items of the splits that are not ``read``; a file is opened when its items are iterated."""

    def examples(split: SplitName) -> Iterator[Raw]:
        yield from SplitReader(config, table, split).examples()

    return {split: examples(split) for split in _named(config) if split not in read}


def _with_excerpt(bad: BadLine, before: int) -> BadLine:
    """A bad line with only the part of its text that is shown, to save memory."""
    if bad.text is None:
        return bad
    if before >= MOST_SHOWN:
        return replace(bad, text=None, column=None)
    text, column = excerpt(bad.text, None if bad.column is None else bad.column - 1)
    return replace(bad, text=text, column=column)


# The number of bad lines that are collected before they are reported, or dropped if the config allows bad lines.
_MOST_BAD = 1000


class Streamed:
    """A split that is read again in each iteration, in constant memory; the examples equal those of ``read_corpora``.

    An iteration raises the errors of unreadable lines at its end.
    """

    def __init__(self, builder: ExampleBuilder, table: registry.Table, split: SplitName, by_document: bool) -> None:
        self.builder, self.table, self.split, self.by_document = builder, table, split, by_document

    def __iter__(self) -> Iterator[Any]:
        config, bad = self.builder.config, list[BadLine]()
        builder = self.builder.with_bad(bad)
        count = 0
        for item in SplitReader(config, self.table, self.split, self.by_document).stream():
            if isinstance(item, BadLine):
                bad.append(_with_excerpt(item, len(bad)))
                example = None
            else:
                example = builder.example(item, self.split)
                builder.repairs.clear()
            if example is not None:
                count += 1
                yield example
            elif len(bad) > _MOST_BAD:  # a file of only bad lines must not fill the memory
                _refuse(config, bad)
                del bad[1:]  # the first one shows ``_no_examples`` that there were some
        _refuse(config, bad)
        if not count:
            raise _no_examples(config, self.split, bad)


# Examples take up to ten times as much memory as the bytes of their files.
_MOST_BYTES = 1 << 25


def are_small(config: DataConfig) -> bool:
    """Whether all splits of a config are plain files, and together small enough to be read into memory.

    Raises:
        HallucError D101: one cannot be read.
    """
    if any(reference.startswith(HUB) for reference in map(config.reference, SPLITS) if reference is not None):
        return False
    paths = set(config.paths())
    return sum(path.stat().st_size for path in paths) <= _MOST_BYTES and not any(map(is_compressed, paths))


def stream_corpora(
    config: DataConfig, table: registry.Table, splits: Sequence[SplitName] = SPLITS
) -> dict[SplitName, Streamed]:
    """The splits of the config, each read again whenever it is iterated.

    Raises:
        HallucError D101: a file does not exist. D120: no scheme fits all tags.
    """
    readers = {split: SplitReader(config, table, split) for split in _named(config, splits)}
    builder = registry.load(table, "reader", config.task).Builder(config, [])
    builder.prepare(
        {split: reader.examples() for split, reader in readers.items()}, _other_splits(config, table, readers)
    )
    return {split: Streamed(builder, table, split, reader.divides_documents()) for split, reader in readers.items()}


def _built(builder: ExampleBuilder, raw: dict[SplitName, Packed[Raw]], corpora: Corpora) -> Corpora:
    """Fill ``corpora`` with the examples of each split; ``raw`` is emptied to save memory."""
    config, bad = builder.config, builder.bad
    built: dict[SplitName, Sequence[Any]] = {}
    for split in list(raw):
        examples_or_none = (builder.example(item, split) for item in raw[split])
        built[split] = Packed(example for example in examples_or_none if example is not None).settled()
        del raw[split], examples_or_none
    _refuse(config, bad)
    corpora.skipped += [LeftOut(b.file, b.line, b.problem) for b in bad]
    corpora.repairs, corpora.annotation = builder.repairs, builder.annotation()
    for split, examples in built.items():
        if not examples:
            raise _no_examples(config, split, bad)
        source, *others = (source_of(name, split) for name in (config.reference(split), *config.extra_files(split)))
        corpora.splits[split] = Corpus(split, examples, source, tuple(others))
    return corpora


def _no_examples(config: DataConfig, split: SplitName, bad: Sequence[BadLine]) -> HallucError:
    where = Location(source_of(config.reference(split) or "", split))
    for name in ("test", "dev"):
        if config.is_held_out(name) and split in ("train", name):
            help = f"`data.{name}_share` takes a part of train: set another share, or a separate `{name}`"
            return data_error("D102", f"no examples are left for {split}", where, help)
    help = "all lines were skipped; see `halluc check`" if bad else "it has no examples"
    return data_error("D102", "nothing to read", where, help)


def _refuse(config: DataConfig, bad: Sequence[BadLine]) -> None:
    """Raise the errors of lines that cannot be read, unless the config allows bad lines.

    A file without any readable line, and parallel files of different lengths, are errors in any case: the pairs before
    the end may be wrong too.
    """
    refuse(
        folded(
            one if one.help else replace(one, help=MEND)
            for one in bad
            if config.on_bad_line == "error" or one.code in ("D102", "D125")
        )
    )
