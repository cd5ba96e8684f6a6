"""Reads all splits of a config: one scheme for all, spans at the border, every finding kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from halluc.core import registry
from halluc.core.errors import MOST_SHOWN, HallucError, Location, data_error, refuse
from halluc.core.examples import Corpus, Origin, Span, Tagged
from halluc.core.files import line_at
from halluc.core.labels import Scheme, SchemeEvidence, UnknownTag, illegal, read_spans, split_tag
from halluc.data.readers.base import SPLITS, BadLine, DataConfig, RawSentence, Reader, SplitName, resolve


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was repaired or left out, and where."""

    where: Place
    what: str


@dataclass
class Corpora:
    """The splits that were read and what reading found. ``scheme`` is None where the files give spans."""

    splits: dict[SplitName, Corpus[Tagged]]
    scheme: Scheme | None = None
    scheme_note: str = ""
    repairs: list[Finding] = field(default_factory=list)
    skipped: list[Finding] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        return [Path(corpus.source) for corpus in self.splits.values() if Path(corpus.source).is_file()]


def read_corpora(config: DataConfig, table: registry.Table, splits: Sequence[SplitName] = SPLITS) -> Corpora:
    """Read the splits that the config names, of those asked for.

    Raises:
        HallucError or ManyErrors, code D…: what cannot be read, with file and line, up to 20 shown.
    """
    raw: dict[SplitName, list[RawSentence]] = {}
    bad: list[BadLine] = []
    missing: list[HallucError] = []
    for split in splits:
        if config.reference(split) is None:
            continue
        raw[split] = []
        try:
            for item in _raw(config, table, split):
                if isinstance(item, BadLine):
                    bad.append(item)
                else:
                    raw[split].append(item)
        except HallucError as error:
            missing.append(error)
    refuse(missing)
    return _Border(config, raw, bad).corpora()


# So many bad lines are gathered before they are told, or forgotten where the config leaves them out.
_MOST_BAD = 1000


class Streamed:
    """A split that is read anew each time it is iterated, in constant memory: what ``read_corpora`` would give.

    The first time through finds what cannot be read; it raises at the end, as ``read_corpora`` does.
    """

    def __init__(self, config: DataConfig, table: registry.Table, split: SplitName, scheme: Scheme | None) -> None:
        self.config, self.table, self.split, self.scheme = config, table, split, scheme

    def __iter__(self) -> Iterator[Tagged]:
        border = _Border(self.config, {}, [])
        border.found.scheme = self.scheme
        count = 0
        for item in _raw(self.config, self.table, self.split):
            if isinstance(item, BadLine):
                border.bad.append(item)
                example = None
            else:
                example = border.tagged(item)
                border.found.repairs.clear()
            if example is not None:
                count += 1
                yield example
            elif len(border.bad) > _MOST_BAD:  # a file of nothing but bad lines must not fill the memory
                border.refuse()
                del border.bad[1:]  # one is kept, which tells that there were some
        border.refuse()
        if not count:
            raise border.nothing(self.split)


def stream_corpora(
    config: DataConfig, table: registry.Table, splits: Sequence[SplitName] = SPLITS
) -> dict[SplitName, Streamed]:
    """The splits that the config names, to be read as often as they are iterated.

    Raises:
        HallucError D101: a file is not there. D120: the tags belong to no one scheme.
    """
    named = [split for split in splits if config.reference(split) is not None]
    border = _Border(config, {}, [])
    border.decide_scheme(sentence for split in named for sentence in _sentences(config, table, split))
    return {split: Streamed(config, table, split, border.found.scheme) for split in named}


def _sentences(config: DataConfig, table: registry.Table, split: SplitName) -> Iterator[RawSentence]:
    return (item for item in _raw(config, table, split) if not isinstance(item, BadLine))


def _raw(config: DataConfig, table: registry.Table, split: SplitName) -> Iterator[RawSentence | BadLine]:
    reader: Reader = registry.load(table, "reader", config.format)(config)  # type: ignore[attr-defined]
    reference = config.reference(split)
    assert reference is not None
    try:
        yield from reader.read(reference, split)
    except OSError as error:
        raise data_error("D101", f"cannot read {reference}: {error.strerror or error}") from None


def _nothing(config: DataConfig, split: SplitName, help: str) -> HallucError:
    reference = config.reference(split)
    assert reference is not None
    return data_error("D102", "nothing to read", Location(_source(reference, split)), help)


def _source(reference: str, split: SplitName) -> str:
    return reference if reference.startswith("hub:") else str(resolve(reference, split))


def _unknown(tag: str, scheme: Scheme) -> tuple[str, str]:
    """What to say of a tag that ``scheme`` does not have."""
    try:
        split_tag(tag)
    except UnknownTag as error:
        if tag[:2] in ("U-", "L-"):
            return str(error), "BILOU is BIOES by other names: write S- for U- and E- for L-"
        return str(error), "a tag is O, or a prefix, a hyphen and a label, as B-PER: is `data.tag_column` right?"
    return f"`{tag}` is no tag of {scheme.upper()}", "is `data.scheme` right?"


class _Border:
    """Where tags become spans: decides the scheme over all splits, then decodes, refuses or repairs."""

    def __init__(self, config: DataConfig, raw: dict[SplitName, list[RawSentence]], bad: list[BadLine]) -> None:
        self.config = config
        self.raw = raw
        self.bad = bad
        self.found = Corpora({})

    def corpora(self) -> Corpora:
        self.decide_scheme(sentence for sentences in self.raw.values() for sentence in sentences)
        decoded = {split: [self.tagged(s) for s in sentences] for split, sentences in self.raw.items()}
        self.refuse()
        self.found.skipped = [Finding(Place(b.file, b.line), b.problem) for b in self.bad]
        for split, examples in decoded.items():
            kept = tuple(example for example in examples if example is not None)
            if not kept:
                raise self.nothing(split)
            reference = self.config.reference(split)
            assert reference is not None
            self.found.splits[split] = Corpus(split, kept, _source(reference, split))
        return self.found

    def nothing(self, split: SplitName) -> HallucError:
        help = "every line was skipped; see `halluc check`" if self.bad else "it holds no sentence"
        return _nothing(self.config, split, help)

    def refuse(self) -> None:
        """Raise what cannot be read, where the config does not leave it out."""
        if self.config.on_bad_line == "error":
            refuse(one.error() for one in self.bad)
        # A file of which nothing can be read is an error, however forgiving the config.
        refuse(one.error() for one in self.bad if one.code == "D102")

    def decide_scheme(self, sentences: Iterable[RawSentence]) -> None:
        if self.config.scheme != "auto":
            self.found.scheme, self.found.scheme_note = self.config.scheme, "named by the config"
            return
        evidence, any_tags = SchemeEvidence(), False
        for sentence in sentences:
            if sentence.tags is not None:
                any_tags = True
                try:
                    evidence.add(sentence.tags, [Place(sentence.file, line) for line in sentence.lines])
                except UnknownTag:
                    continue  # told when the sentence is decoded
        if not any_tags:
            return
        scheme, note = evidence.decide()
        if scheme is None:
            help = "set `data.scheme` (with `data.bad_tags: repair` the reading of conlleval is used)"
            undecided = data_error("D120", f"the tags belong to no one scheme: {note}", help=help)
            refuse([undecided, *(one.error() for one in self.bad)])
        assert scheme is not None
        self.found.scheme, self.found.scheme_note = scheme, note

    def tagged(self, sentence: RawSentence) -> Tagged | None:
        spans = sentence.spans
        for repair in sentence.repairs:
            self.found.repairs.append(Finding(Place(sentence.file, sentence.lines[0]), repair))
        if sentence.tags is not None:
            decoded = self._decode(sentence, sentence.tags)
            if decoded is None:
                return None
            spans = decoded
        origin = Origin(sentence.file, sentence.lines[0], sentence.document)
        return Tagged(sentence.id, origin, sentence.tokens, spans or ())

    def _decode(self, sentence: RawSentence, tags: tuple[str, ...]) -> tuple[Span, ...] | None:
        scheme = self.found.scheme
        assert scheme is not None
        try:
            wrong = illegal(tags, scheme)
        except UnknownTag as error:
            line = sentence.lines[error.position]
            problem, help = _unknown(error.tag, scheme)
            self._bad("D121", sentence, line, problem, help, error.tag)
            return None
        for position in wrong:
            before = tags[position - 1] if position else "the start"
            what = f"{tags[position]} after {before} is not legal in {scheme.upper()}"
            if scheme in ("bioes", "bmes") and position == len(tags) - 1 and tags[position][0] in "BIM":
                what = f"{tags[position]} at the end is never closed, as {scheme.upper()} asks"
            if self.config.bad_tags == "error":
                help = "set `data.bad_tags: repair` to read it as conlleval does"
                self._bad("D122", sentence, sentence.lines[position], what, help, tags[position])
            else:
                self.found.repairs.append(Finding(Place(sentence.file, sentence.lines[position]), what))
        if wrong and self.config.bad_tags == "error":
            return None
        return read_spans(tags, scheme)

    def _bad(self, code: str, sentence: RawSentence, line: int, problem: str, help: str, tag: str) -> None:
        text = line_at(Path(sentence.file), line) if len(self.bad) < MOST_SHOWN else None
        column = text.rfind(tag) + 1 if text and tag in text else None
        self.bad.append(BadLine(code, sentence.file, line, problem, help, text, column, len(tag)))
