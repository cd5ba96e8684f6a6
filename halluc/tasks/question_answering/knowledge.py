"""The answers in a training split, and the novelty of an answer (DEFINITIONS, section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import regex

from halluc.core.claims import Claim
from halluc.gap.novelty import NearestMentions, SurfaceKnowledge
from halluc.gap.stopwords import text_words
from halluc.gap.units import EXAMPLES, Strata, UnitKind, held_units, mention_units
from halluc.runs.schema import Novelty
from halluc.tasks.defaults import SurfacesOfTraining
from halluc.tasks.question_answering.examples import ANSWER, NO_ANSWER, ContextQuestion

_WORDS = regex.compile(r"\p{Han}|[^\W\p{Han}]+")
_STRATA = Strata(
    (NO_ANSWER, ANSWER), lambda example: int(bool(example.pairs)), has_free=True, noun="question", thing="answer",
    free=NO_ANSWER, distinct="answers",
)  # fmt: skip


# Distinct questions, with any context; and distinct contexts, with all their questions.
question_units = held_units("question", lambda example: [" ".join(example.question.tokens)])
context_units = held_units("context", lambda example: [" ".join(example.context.words)])


@dataclass(frozen=True)
class KnownAnswers(SurfaceKnowledge):
    """*seen*: a training question has this answer; *partial*: one has an answer with a common content word (in Chinese,
    a common character); *new*: neither."""

    def novelty_of(self, text: str, label: str) -> Novelty:
        if self.coverage.knows(text, label):
            return "seen"
        return "new" if self._words.isdisjoint(content_words(text)) else "partial"

    def is_confusable(self, claim: Claim) -> bool:
        return False

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for text in self.coverage.of_label(ANSWER) for word in content_words(text))

    @cached_property
    def _mentions(self) -> NearestMentions:
        return NearestMentions(self.coverage, content_words)


def content_words(text: str) -> list[str]:
    """The content words of an answer in lower case; for Chinese its characters."""
    return text_words(" ".join(_WORDS.findall(text)))


class AnswerKnowledge(SurfacesOfTraining):
    """The answers of the training split."""

    units: ClassVar[Mapping[str, UnitKind]] = {
        "answer": UnitKind(mention_units, "answers"),
        "question": UnitKind(question_units, "questions"),
        "context": UnitKind(context_units, "contexts"),
        "example": EXAMPLES,
    }
    Known: ClassVar[type[SurfaceKnowledge]] = KnownAnswers
    counted: ClassVar[str] = "answers"

    def strata(self, examples: Sequence[ContextQuestion]) -> Strata:
        return _STRATA
