"""The lines of text generation tasks: ``predictions/<split>.jsonl``, and the output of ``predict``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from halluc.core.claims import rounded
from halluc.runs.schema import Novelty, Prediction, Record
from halluc.task import Asserted

# How many turns are shown before a reply.
MOST_TURNS = 4


class GenerationLine(Prediction):
    """The line of ``predictions/<split>.jsonl``; ``gold`` are the references.

    ``parts`` are the names and token ranges of the input, whose exact text is ``text``. ``predicted`` are the claims:
    tokens of ``written``, the tokenized output, then kind and confidence. ``log_probability`` is the mean per output
    token, of ``pieces`` tokens; null if another tool wrote the output. ``ended`` is false for an output that was cut at
    the limit, ``repeated`` true for an output that other, different inputs also have.
    """

    has_own_text: ClassVar[bool] = True

    gold: list[str]
    text: str
    parts: list[tuple[str, int, int]]
    language: str = ""
    source_language: str = ""
    predicted: list[tuple[int | None, int | None, str, float | None]]
    output: str
    written: list[str]
    log_probability: float | None = None
    pieces: int = 0
    ended: bool = True
    repeated: bool = False

    @property
    def example(self) -> tuple[str, tuple[str, ...], tuple[Any, ...]]:
        return self.id, tuple(self.tokens), (*self.gold, self.text, *self.parts)

    def related_texts(self, record: Literal["claim", "omission"]) -> list[tuple[str, str]]:
        """The input or its parts (only the last turns), and the reference for a claim, the output for an omission."""
        other = ("reference", self.gold[0] if self.gold else "") if record == "claim" else ("output", self.output)
        if len(self.parts) == 1:
            return [("input", self.text), other]
        parts: dict[str, list[str]] = {}
        turns: list[tuple[str, str]] = []
        for name, start, end in self.parts:
            first, _, speaker = name.partition(":")
            text = " ".join(self.tokens[start:end])
            if speaker:
                turns.append((speaker, text))
            else:
                parts.setdefault(first, []).append(text)
        return [*((name, " ".join(texts)) for name, texts in parts.items()), *turns[-MOST_TURNS:], other]

    @property
    def reference(self) -> list[str]:
        """The tokens of the first reference, to which the positions of gold refer."""
        from halluc.tasks.text_generation.source_text import words_of

        return list(words_of(self.gold[0])) if self.gold else []


class StatedClaim(Record):
    """A claim of a written text; ``start`` and ``end`` are tokens, null for a claim about the whole text."""

    kind: str
    text: str
    start: int | None
    end: int | None
    confidence: float | None
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool

    @classmethod
    def of(cls, asserted: Asserted) -> StatedClaim:
        claim = asserted.claim
        start, end, _ = claim.mark
        return cls(
            kind=claim.label,
            text=claim.text,
            start=start,
            end=end,
            confidence=rounded(claim.confidence),
            novelty=asserted.novelty,
            confusable=asserted.confusable,
            abstained=asserted.abstained,
        )


class WrittenRecord(Record):
    """The output of ``predict`` for a text: the text that the model wrote, and its claims."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    output: str
    log_probability: float | None
    ended: bool
    claims: list[StatedClaim]
