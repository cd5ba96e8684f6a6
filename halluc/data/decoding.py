"""Where tags become spans: decides the scheme over all splits, then decodes, refuses or repairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from halluc.core.errors import MOST_SHOWN, data_error, refuse
from halluc.core.examples import Origin, Span, Tagged
from halluc.core.files import line_at
from halluc.core.labels import (
    MOST_CHARACTERS,
    Scheme,
    SchemeEvidence,
    UnknownTag,
    illegal,
    label_fault,
    read_spans,
    split_tag,
)
from halluc.data.readers.base import MEND, BadLine, RawSentence, TaggedDataConfig

# Where a config says what is read as labels.
_LABEL_KEYS = ("tag_column", "tags_field", "spans_field")

# Of so many different sequences of tags, what they mean is kept: most sentences have one that was met before.
_MOST_KEPT = 1 << 16


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


class Decoding:
    """Makes examples of sentences with tags or spans; ``repairs`` is what it mended, ``bad`` takes what it cannot read.

    ``scheme`` is None as long as no tags were seen.
    """

    def __init__(self, config: TaggedDataConfig, bad: list[BadLine], scheme: Scheme | None = None) -> None:
        self.config, self.bad, self.scheme = config, bad, scheme
        self.note = ""
        self.repairs: list[Finding] = []
        self._decoded: dict[tuple[str, ...], tuple[Span, ...]] = {}
        self._unfit: set[str] = set()

    def decide_scheme(self, sentences: Iterable[RawSentence]) -> None:
        if self.config.scheme != "auto":
            self.scheme, self.note = self.config.scheme, "named by the config"
            return
        evidence, any_tags = SchemeEvidence(), False
        seen: set[tuple[str, ...]] = set()
        for sentence in sentences:
            if sentence.tags is not None and sentence.tags not in seen:
                any_tags = True
                if len(seen) < _MOST_KEPT:  # the same tags, met again, show nothing that was not seen before
                    seen.add(sentence.tags)
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
        self.scheme, self.note = scheme, note

    def tagged(self, sentence: RawSentence) -> Tagged | None:
        spans = sentence.spans
        for repair in sentence.repairs:
            self.repairs.append(Finding(Place(sentence.file, sentence.lines[0]), repair))
        if sentence.tags is not None:
            decoded = self._decoded.get(sentence.tags)
            if decoded is None:
                decoded = self._decode(sentence, sentence.tags)
            if decoded is None:
                return None
            spans = decoded
        if not self._are_named(sentence, spans or ()):
            return None
        origin = Origin(sentence.file, sentence.lines[0], sentence.document)
        return Tagged(sentence.id, origin, sentence.tokens, spans or ())

    def _decode(self, sentence: RawSentence, tags: tuple[str, ...]) -> tuple[Span, ...] | None:
        scheme = self.scheme
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
                self.repairs.append(Finding(Place(sentence.file, sentence.lines[position]), what))
        if wrong and self.config.bad_tags == "error":
            return None
        spans = read_spans(tags, scheme)
        if not wrong and len(self._decoded) < _MOST_KEPT:
            self._decoded[tags] = spans
        return spans

    def _are_named(self, sentence: RawSentence, spans: Iterable[Span]) -> bool:
        """Whether every label is one, by the rule of all tasks. Each that is none is told once, where it first stands;
        of sentences that are left out, each is told."""
        sound, leaves_out = True, self.config.on_bad_line == "skip"
        for span in spans:
            fault = label_fault(span.label)
            if fault is None:
                continue
            sound = False
            if leaves_out or span.label not in self._unfit:
                self._unfit.add(span.label)
                help = MEND if len(span.label) <= MOST_CHARACTERS else self._where_labels_are_named()
                self._bad("D123", sentence, sentence.lines[span.start], fault, help, span.label)
            if leaves_out:
                break
        return sound

    def _where_labels_are_named(self) -> str:
        keys = (f"`data.{key}`" for key in _LABEL_KEYS if key in type(self.config).model_fields)
        return f"is this the label? see {' and '.join(keys)}"

    def _bad(self, code: str, sentence: RawSentence, line: int, problem: str, help: str, tag: str) -> None:
        text = line_at(Path(sentence.file), line) if len(self.bad) < MOST_SHOWN else None
        column = text.rfind(tag) + 1 if text and tag in text else None
        self.bad.append(BadLine(code, sentence.file, line, problem, help, text, column, len(tag)))


def _unknown(tag: str, scheme: Scheme) -> tuple[str, str]:
    """What to say of a tag that ``scheme`` does not have."""
    try:
        split_tag(tag)
    except UnknownTag as error:
        if tag[:2] in ("U-", "L-"):
            return str(error), "BILOU is BIOES by other names: write S- for U- and E- for L-"
        return str(error), "a tag is O, or a prefix, a hyphen and a label, as B-PER: is `data.tag_column` right?"
    return f"`{tag}` is no tag of {scheme.upper()}", "is `data.scheme` right?"
