"""Part 3 of tasks whose model writes a text: what it states, judged by the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from halluc.core.claims import Claim, Evidence, Judged
from halluc.core.examples import Span
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.source_text import Sourced, words_of
from halluc.tasks.text_generation.statements import Statement, statements

if TYPE_CHECKING:
    from halluc.tasks.text_generation.examples import WrittenText

_WORDS = Tokenizer()


class GenerationJudge:
    """Each name and number of an output is supported where the input or a reference has it."""

    reasons: ClassVar[tuple[str, ...]] = ()

    def stated(self, text: str, language: str) -> tuple[Statement, ...]:
        """The statements of an output that are claims."""
        return tuple(statements(text, language))

    def claims(self, example: Sourced, prediction: WrittenText) -> tuple[Claim, ...]:
        found = self.stated(prediction.text, example.language)
        return tuple(
            _claim(example, one, prediction.text, confidence)
            for one, confidence in zip(found, prediction.confidences, strict=True)
        )

    def gold(self, example: Sourced) -> tuple[Claim, ...]:
        """The names and numbers of the first reference."""
        if not example.targets:
            return ()
        text = example.targets[0]
        found = (one for one in statements(text, example.language) if one.kind != "sentence")
        return tuple(_claim(example, one, text, None) for one in found)

    def judge(self, example: Sourced, claims: Sequence[Claim]) -> Judged:
        evidence = " ".join((example.whole, *example.targets)).casefold()
        gold: dict[str, list[Claim]] = {}
        for one in self.gold(example):
            gold.setdefault(one.text.casefold(), []).append(one)
        judged = []
        for claim in claims:
            same = gold.pop(claim.text.casefold(), []) if claim.kind != "sentence" else []
            marks = [one.mark for one in same]
            found = Evidence(marks[0] if marks else None, tuple(marks[1:]))
            judged.append(self._judged(replace(claim, evidence=found), evidence))
        return Judged(tuple(judged), tuple(one for some in gold.values() for one in some))

    def _judged(self, claim: Claim, evidence: str) -> Claim:
        if claim.kind == "sentence":
            return replace(claim, verdict="unverifiable", reason="another_language")
        if claim.text.casefold() in evidence:
            return replace(claim, verdict="supported")
        return replace(claim, verdict="unsupported", reason="not_in_source")


def _claim(example: Sourced, one: Statement, text: str, confidence: float | None) -> Claim:
    bounds, _ = _WORDS.cut(text)
    first = next(number for number, (_, end) in enumerate(bounds) if end > one.start)
    last = next(number for number, (_, end) in enumerate(bounds) if end >= one.end)
    kind = "sentence" if one.kind == "sentence" else "statement"
    surface = " ".join(words_of(one.text))
    return Claim(example.id, kind, surface, Span(first, last + 1, one.kind), one.kind, confidence)
