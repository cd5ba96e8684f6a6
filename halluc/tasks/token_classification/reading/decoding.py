"""Converts tags to spans: decides the tag scheme of each split, then decodes, refuses or repairs tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from halluc.core.errors import MOST_SHOWN, HallucError
from halluc.core.examples import Span
from halluc.core.files import line_at
from halluc.core.labels import MOST_CHARACTERS, UnknownTag, illegal, label_fault, read_spans
from halluc.data.reader import Annotation, ExampleBuilder
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, Notice
from halluc.runs.data import Renamed
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.tag_notation import STANDARD, may_be_outside, outside_key
from halluc.tasks.token_classification.reading.tag_schemes import (
    MOST_KEPT,
    TagReading,
    TagStatistics,
    are_plain,
    decide,
    label_keys,
    summary,
)
from halluc.tasks.token_classification.tagged_sentence import RawSentence, Tagged

_Sentences = Mapping[SplitName, Iterable[RawSentence]]


class TagDecoder(ExampleBuilder):
    """Builds examples from sentences with tags or spans; ``repairs`` are the repairs, ``bad`` what cannot be read.

    ``readings`` has the splits with tags. ``renamed`` counts the mentions of each label that the config renames.
    """

    def __init__(
        self, config: SpansConfig, bad: list[BadLine], readings: Mapping[SplitName, TagReading] | None = None
    ) -> None:
        super().__init__(config, bad)
        self.readings: Mapping[SplitName, TagReading] = readings or {}
        self.renamed: Counter[str] = Counter(dict.fromkeys(config.rename_labels, 0))
        self._unfit: set[str] = set()

    def prepare(self, splits: _Sentences, others: _Sentences | None = None) -> None:
        """Determine how the tags of each split are read.

        Args:
            others: the other splits, which are used only if ``splits`` are ambiguous. So the reading of a split does
                not depend on which splits a command needs.

        Raises:
            HallucError or ManyErrors D120: no reading fits.
        """
        statistics = {split: TagStatistics.of(items) for split, items in splits.items()}
        evidence: dict[SplitName, TagStatistics] = {}
        if others and not are_plain(statistics, self.config):
            for split, items in others.items():
                with suppress(HallucError):  # a missing file is no evidence
                    evidence[split] = TagStatistics.of(items)
        self.readings = decide(statistics, self.config, self.bad, evidence)

    def with_bad(self, bad: list[BadLine]) -> TagDecoder:
        return TagDecoder(self.config, bad, self.readings)

    def annotation(self) -> Annotation:
        scheme, note = summary(self.readings)
        new = self.config.rename_labels
        return Annotation(
            scheme, note,
            schemes={split: one.scheme for split, one in self.readings.items()},
            renamed={old: Renamed(label=new[old], mentions=count) for old, count in self.renamed.items()},
        )  # fmt: skip

    def example(self, sentence: RawSentence, split: SplitName) -> Tagged | None:
        spans = sentence.spans
        for repair in sentence.repairs:
            self.repairs.append(Notice(sentence.file, sentence.lines[0], repair))
        if sentence.tags is not None:
            reading = self.readings[split]
            decoded = reading.spans.get(sentence.tags)
            if decoded is None:
                decoded = self._decode(sentence, sentence.tags, reading)
            if decoded is None:
                return None
            spans = decoded
        if self.renamed and spans:
            spans = tuple(self._rename_labels(spans))
        if not self._are_valid(sentence, spans or ()):
            return None
        return Tagged(sentence.id, sentence.origin, sentence.tokens, spans or ())

    def _rename_labels(self, spans: Iterable[Span]) -> Iterator[Span]:
        for span in spans:
            if span.label not in self.renamed:
                yield span
                continue
            self.renamed[span.label] += 1
            label = self.config.rename_labels[span.label]
            if label is not None:
                yield span._replace(label=label)

    def _decode(self, sentence: RawSentence, tags: tuple[str, ...], reading: TagReading) -> tuple[Span, ...] | None:
        scheme = reading.scheme
        try:
            canonical = reading.canonical(tags)
            wrong = illegal(canonical, scheme)
        except UnknownTag as error:
            line = sentence.lines[error.position]
            problem, help = self._unknown(error.tag, reading)
            self._bad("D121", sentence, line, problem, help, error.tag)
            return None
        for position in wrong:
            before = tags[position - 1] if position else "the start"
            what = f"{tags[position]} after {before} is not valid in {scheme.upper()}"
            if scheme not in ("iob1", "iob2") and position == len(tags) - 1 and canonical[position][0] in "BIM":
                what = f"{tags[position]} at the end is never closed, which {scheme.upper()} requires"
            if self.config.bad_tags == "error":
                help = "set `data.bad_tags: repair` to read it as conlleval does"
                self._bad("D122", sentence, sentence.lines[position], what, help, tags[position])
            else:
                self.repairs.append(Notice(sentence.file, sentence.lines[position], what))
        if wrong and self.config.bad_tags == "error":
            return None
        spans = read_spans(canonical, scheme)
        if not wrong and len(reading.spans) < MOST_KEPT:
            reading.spans[tags] = spans
        return spans

    def _are_valid(self, sentence: RawSentence, spans: Iterable[Span]) -> bool:
        """Whether every label is valid. An invalid label is reported at its first occurrence; if sentences are
        skipped, at each occurrence."""
        are_valid, skips = True, self.config.on_bad_line == "skip"
        for span in spans:
            fault = label_fault(span.label)
            if fault is None:
                continue
            are_valid = False
            if skips or span.label not in self._unfit:
                self._unfit.add(span.label)
                help = MEND if len(span.label) <= MOST_CHARACTERS else self._keys_of_labels()
                self._bad("D123", sentence, sentence.lines[span.start], fault, help, span.label)
            if skips:
                break
        return are_valid

    def _keys_of_labels(self) -> str:
        spans = [] if self.config.format == "conll" else ["spans_field"]
        keys = (f"`data.{key}`" for key in (*label_keys(self.config), *spans))
        return f"check whether this is the label: see {' and '.join(keys)}"

    def _bad(self, code: str, sentence: RawSentence, line: int, problem: str, help: str, tag: str) -> None:
        text = line_at(Path(sentence.file), line) if len(self.bad) < MOST_SHOWN else None
        column = text.rfind(tag) + 1 if text and tag in text else None
        self.bad.append(BadLine(code, sentence.file, line, problem, help, text, column, len(tag)))

    def _unknown(self, tag: str, reading: TagReading) -> tuple[str, str]:
        """The error for a tag that cannot be read."""
        if reading.notation.split(tag) is not None:
            return f"`{tag}` is not a tag of {reading.scheme.upper()}", "check `data.scheme`"
        if may_be_outside(tag):
            return f"`{tag}` is not a tag", f"if it means O, set {outside_key(tag)}"
        of_key = f"check `data.{label_keys(self.config)[0]}`"
        if reading.notation != STANDARD:
            return f"`{tag}` is not a tag", f"{reading.notation} in this split: {of_key}"
        return f"`{tag}` is not a tag", f"a tag must be O, or a prefix, a hyphen and a label, such as B-PER: {of_key}"
