"""Part 1 of tasks whose model writes a text: the example, and the model's output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from halluc.core.claims import Claim, rounded
from halluc.core.edits import Editable, Range
from halluc.core.examples import Corpus, Origin
from halluc.data.inputs import InputText
from halluc.gap.novelty import CONTENT_WORDS, NoveltyUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Prediction, Record
from halluc.task import Asserted
from halluc.tasks.defaults import ExamplesDefaults
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.paired_mentions import edited_targets, paired_mentions, stated_ranges
from halluc.tasks.text_generation.records import GenerationLine, StatedClaim, WrittenRecord
from halluc.tasks.text_generation.source_text import Sourced, SourcePart, spaced_again, words_of

if TYPE_CHECKING:
    import numpy


class WrittenAnswer(Record):
    """``claims`` are the claims of the text; a subclass also has the text."""

    claims: list[StatedClaim]
    log_probability: float | None
    ended: bool


def inference_of(answer: type[WrittenAnswer], text: str) -> InferenceSchema:
    """
    Args:
        text: the field of ``answer`` with the text that the model wrote.
    """

    def answers(record: WrittenRecord, asked: Record) -> list[WrittenAnswer]:
        result: dict[str, Any] = {name: getattr(record, name) for name in WrittenAnswer.model_fields}
        result[text] = record.output
        return [answer(**result)]

    return InferenceSchema(answer, answers)


@dataclass(frozen=True)
class WrittenText:
    """The model's output for one input.

    ``logprob`` is the mean log-probability per token of the output (Seq-Logprob; Guerreiro et al. 2023), including the
    end token, of ``tokens`` tokens; None and 0 if another tool wrote it. Its exponential is the confidence of every
    claim, with one row (1, 2) in ``scores``: the logarithms of it and of its complement. ``ended`` is false if the
    output was cut at the limit, ``repeated`` true if other, different inputs of the same split have the same output.
    ``perturbed`` is the result of perturbation tests: None if it was not tested.
    """

    id: str
    text: str
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()
    logprob: float | None = None
    tokens: int = 0
    ended: bool = True
    repeated: bool = False
    perturbed: tuple[Any, ...] | None = None

    @property
    def claimed(self) -> tuple[int, ...]:
        """The first output of each row, even if its complement is larger."""
        return (0,) * len(self.scores)


class GenerationExamples(ExamplesDefaults):
    """Inputs with references. A subclass writes the record that its reader reads.

    ``changing`` are the names of the parts that augmentation may change; None: all.
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

    def lacks(self, corpus: Corpus[Sourced]) -> str | None:
        return None if any(map(self.trains_on, corpus)) else "no target text"

    def trains_on(self, example: Sourced) -> bool:
        return bool(example.targets)

    def texts(self, example: Sourced) -> Iterable[Sequence[str]]:
        """The exact texts of both sides, for a tokenizer from scratch."""
        yield (example.whole,)
        yield from ((target,) for target in example.targets[:1])

    def editable(self, example: Sourced) -> Editable:
        """The input. Locked are names, numbers, dates and quotations, which the target may contain too, and parts that
        do not change; an empty locked range separates two parts. Spans are the locked names and numbers that can be
        replaced in input and targets together."""
        locked = self._locked(example)
        spans = tuple(one.source for one in paired_mentions(example, locked))
        target = example.targets[0] if example.targets else ""
        return Editable(example.tokens, spans, tuple(locked), target=target)

    def _locked(self, example: Sourced) -> list[Range]:
        held: set[Range] = {(part.start, part.start) for part in example.parts[1:]}
        for part in example.parts:
            if self.changing is not None and part.name.partition(":")[0] not in self.changing:
                held.add((part.start, part.end))
            else:
                held.update(place for place, _ in stated_ranges(example, part))
        return sorted(held)

    def rebuild(self, example: Sourced, edited: Editable, identity: str, origin: Origin) -> Sourced:
        if edited.text:  # both sides are new
            spaces = _spaces(edited.text, edited.tokens)
            whole = (SourcePart(example.parts[0].name, 0, len(edited.tokens)),)
            made = replace(example, tokens=edited.tokens, spaces=spaces, parts=whole, targets=(edited.target,))
            return replace(made, id=identity, origin=origin)
        locked = self._locked(example)
        starts = [
            0,
            *(edited.locked[locked.index((part.start, part.start))][0] for part in example.parts[1:]),
            len(edited.tokens),
        ]
        parts = tuple(
            SourcePart(part.name, start, end)
            for part, start, end in zip(example.parts, starts, starts[1:], strict=False)
        )
        spaces = spaced_again(example.tokens, example.spaces, edited.tokens)
        targets = edited_targets(example, paired_mentions(example, locked), edited)
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
            text=example.whole,
            parts=[(part.name, part.start, part.end) for part in example.parts],
            language=example.language,
            source_language=example.source_language,
            predicted=[_placed(claim) for claim in self.judge.claims(example, prediction)],
            output=prediction.text,
            written=list(words_of(prediction.text)),
            log_probability=None if prediction.logprob is None else round(prediction.logprob, 6),
            pieces=prediction.tokens,
            ended=prediction.ended,
            repeated=prediction.repeated,
        )

    def of_line(self, line: GenerationLine) -> Sourced:
        tokens = tuple(line.tokens)
        parts = tuple(SourcePart(*part) for part in line.parts)
        return Sourced(
            line.id,
            Origin("", 0),
            tokens,
            _spaces(line.text, tokens),
            parts,
            tuple(line.gold),
            line.language,
            line.source_language,
        )

    def answer(self, text: InputText, prediction: WrittenText | None, asserted: Sequence[Asserted]) -> Record:
        return WrittenRecord(
            id=text.id,
            line=text.line,
            text=text.details.whole if isinstance(text.details, Sourced) else text.text,
            tokens=list(text.tokens),
            output=prediction.text if prediction else "",
            log_probability=None if prediction is None or prediction.logprob is None else round(prediction.logprob, 6),
            ended=prediction is None or prediction.ended,
            claims=[StatedClaim.of(one) for one in asserted],
        )


def _placed(claim: Claim) -> tuple[int | None, int | None, str, float | None]:
    start, end = (claim.where.start, claim.where.end) if claim.where else (None, None)
    return start, end, claim.label, rounded(claim.confidence)


def _spaces(text: str, tokens: Sequence[str]) -> tuple[str, ...]:
    """The characters between tokens, which together with the tokens make up the text."""
    spaces, done = [], 0
    for token in tokens:
        start = text.index(token, done)
        spaces.append(text[done:start])
        done = start + len(token)
    return (*spaces, text[done:])
