"""The examples of text generation tasks, and the outputs of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar

from halluc.core.claims import rounded
from halluc.core.edits import Editable, Range
from halluc.core.examples import Corpus, Origin
from halluc.data.inputs import InputText
from halluc.gap.novelty import CONTENT_WORDS, NoveltyUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Prediction, Record
from halluc.task import Asserted
from halluc.tasks.defaults import ExamplesDefaults
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.paired_mentions import edit_targets, paired_mentions, statement_ranges
from halluc.tasks.text_generation.records import GenerationLine, StatedClaim, WrittenRecord
from halluc.tasks.text_generation.source_text import (
    LANGUAGE,
    Sourced,
    SourcePart,
    WrittenText,
    restore_spaces,
    words_of,
)


class WrittenAnswer(Record):
    """A response of ``halluc serve``; a subclass has the text."""

    claims: list[StatedClaim]
    log_probability: float | None
    ended: bool


def inference_schema(answer: type[WrittenAnswer], text: str) -> InferenceSchema:
    """
    Args:
        text: the field of ``answer`` with the text that the model wrote.
    """

    def answers(record: WrittenRecord, parameters: Record) -> list[WrittenAnswer]:
        values: dict[str, Any] = {name: getattr(record, name) for name in WrittenAnswer.model_fields}
        return [answer(**values | {text: record.output})]

    return InferenceSchema(answer, answers)


class GenerationExamples(ExamplesDefaults):
    """Inputs with references. A subclass defines ``record``.

    ``changing`` are the names of the parts that augmentation may change; None: all. ``part`` is the name of the part of
    a plain text.
    """

    Line: ClassVar[type[Prediction]] = GenerationLine
    has_spans: ClassVar[bool] = False
    units: ClassVar[NoveltyUnits] = CONTENT_WORDS
    changing: ClassVar[frozenset[str] | None] = None
    part: ClassVar[str] = "source"

    def __init__(self, judge: GenerationJudge) -> None:
        self.judge = judge

    def labels(self, corpus: Corpus[Sourced]) -> tuple[str, ...]:
        return ()

    def untrainable_reason(self, corpus: Corpus[Sourced]) -> str | None:
        return None if any(map(self.trains_on, corpus)) else "no target text"

    def trains_on(self, example: Sourced) -> bool:
        return bool(example.targets)

    def texts(self, example: Sourced) -> Iterable[Sequence[str]]:
        """The exact texts of input and first target."""
        yield from ((text,) for text in (example.full_text, *example.targets[:1]))

    def editable(self, example: Sourced) -> Editable:
        """The input. Names, numbers, dates and quotations are locked, because the target may contain them, and so are
        parts that augmentation may not change; an empty locked range separates two parts. Spans are those locked names
        and numbers that can be replaced in input and targets together."""
        locked = self._locked_ranges(example)
        spans = tuple(one.source for one in paired_mentions(example, locked))
        target = example.targets[0] if example.targets else ""
        return Editable(example.tokens, spans, tuple(locked), target=target)

    def _locked_ranges(self, example: Sourced) -> list[Range]:
        locked: set[Range] = {(part.start, part.start) for part in example.parts[1:]}
        for part in example.parts:
            if self.changing is not None and part.name.partition(":")[0] not in self.changing:
                locked.add((part.start, part.end))
            else:
                locked.update(place for place, _ in statement_ranges(example, part))
        return sorted(locked)

    def rebuild(self, example: Sourced, edited: Editable, identity: str, origin: Origin) -> Sourced:
        if edited.text:  # both sides are new
            spaces = _spaces(edited.text, edited.tokens)
            whole = (SourcePart(example.parts[0].name, 0, len(edited.tokens)),)
            changes: dict[str, Any] = {"spaces": spaces, "parts": whole, "targets": (edited.target,)}
            return replace(example, id=identity, origin=origin, tokens=edited.tokens, **changes)
        locked = self._locked_ranges(example)
        borders = (edited.locked[locked.index((part.start, part.start))][0] for part in example.parts[1:])
        ranges = pairwise((0, *borders, len(edited.tokens)))
        parts = tuple(SourcePart(part.name, *place) for part, place in zip(example.parts, ranges, strict=False))
        spaces = restore_spaces(example.tokens, example.spaces, edited.tokens)
        targets = edit_targets(example, paired_mentions(example, locked), edited)
        return replace(
            example, id=identity, origin=origin, tokens=edited.tokens, spaces=spaces, parts=parts, targets=targets
        )

    def of_input(self, identity: str, origin: Origin, text: InputText) -> Sourced:
        """The input from the reader, or a plain text as a single part."""
        if isinstance(text.details, Sourced):
            return replace(text.details, id=identity, origin=origin)
        spaces: tuple[str, ...] = ("", *(" " for _ in text.tokens[1:]), "")
        if text.bounds is not None and text.text is not None:
            ends = [end for _, end in text.bounds]
            between = [text.text[end:start] for end, (start, _) in zip(ends, text.bounds[1:], strict=False)]
            spaces = ("", *between, "")
        return Sourced(identity, origin, text.tokens, spaces, (SourcePart(self.part, 0, len(text.tokens)),))

    def line(self, example: Sourced, prediction: WrittenText) -> GenerationLine:
        return GenerationLine(
            id=example.id,
            tokens=list(example.tokens),
            gold=list(example.targets),
            text=example.full_text,
            parts=[(part.name, part.start, part.end) for part in example.parts],
            language=example.language,
            source_language=example.source_language,
            predicted=[(*one.mark, rounded(one.confidence)) for one in self.judge.claims(example, prediction)],
            output=prediction.text,
            written=list(words_of(prediction.text)),
            log_probability=rounded(prediction.logprob),
            pieces=prediction.tokens,
            ended=prediction.ended,
            repeated=prediction.repeated,
        )

    def of_line(self, line: GenerationLine) -> Sourced:
        tokens, spaces = tuple(line.tokens), _spaces(line.text, line.tokens)
        parts, targets = tuple(SourcePart(*part) for part in line.parts), tuple(line.gold)
        return Sourced(
            line.id, Origin("", 0), tokens, spaces, parts, targets, line.language, line.source_language
        )  # fmt: skip

    def answer(self, text: InputText, prediction: WrittenText | None, asserted: Sequence[Asserted]) -> Record:
        return WrittenRecord(
            id=text.id,
            line=text.line,
            text=text.details.full_text if isinstance(text.details, Sourced) else text.text,
            tokens=list(text.tokens),
            output=prediction.text if prediction else "",
            log_probability=rounded(prediction.logprob) if prediction else None,
            ended=prediction is None or prediction.ended,
            claims=[StatedClaim.of(one) for one in asserted],
        )


def record_targets(targets: Sequence[str]) -> str | list[str] | None:
    """The targets in a record: a text or a list of texts, None if there is none."""
    return list(targets) if len(targets) > 1 else next(iter(targets), None)


def language_of_record(example: Sourced) -> dict[str, str]:
    return {LANGUAGE: example.language} if example.language else {}


def _spaces(text: str, tokens: Sequence[str]) -> tuple[str, ...]:
    """The characters of the text before each token, and finally those after the last."""
    spaces, done = [], 0
    for token in tokens:
        start = text.index(token, done)
        spaces.append(text[done:start])
        done = start + len(token)
    return (*spaces, text[done:])
