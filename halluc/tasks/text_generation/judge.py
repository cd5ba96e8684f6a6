"""The judge of text generation tasks: it compares the statements of an output with the source and with references.

A name, number, date or quotation is supported if it occurs in the evidence, a sentence if its grounding score reaches
the threshold. No claim is distorted.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from halluc.core.claims import Claim, Evidence, Judged
from halluc.core.examples import Span
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.config import ClaimsConfig, GroundingConfig
from halluc.tasks.text_generation.degeneration import is_oscillatory
from halluc.tasks.text_generation.grounding import REFERENCE_THRESHOLDS, THRESHOLDS, SentenceScorer, make_scorer
from halluc.tasks.text_generation.languages import folded_words, language_of
from halluc.tasks.text_generation.name_models import names_by_model
from halluc.tasks.text_generation.statements import (
    EvidenceTexts,
    Statement,
    sort_statements,
    statements,
)

if TYPE_CHECKING:
    from halluc.tasks.text_generation.source_text import Sourced, SourcePart, WrittenText

SENTENCE = "sentence"
_TOKENIZER = Tokenizer()


@dataclass(frozen=True)
class EvidenceRule:
    """Which texts of an example are evidence.

    ``parts`` are names of parts, with or without the text after a colon; None: all. ``references`` says whether
    references are also evidence. Without ``is_same_language``, as in translation, sentences are compared only with
    references.
    """

    parts: tuple[str, ...] | None = None
    references: bool = True
    is_same_language: bool = True

    def sources(self, example: Sourced) -> list[str]:
        return [example.text(part) for part in self._parts(example)]

    def speakers(self, example: Sourced) -> list[str]:
        """The texts after the colon in names of parts; outputs may contain them, because the prompt does."""
        return list(dict.fromkeys(name for part in self._parts(example) if (name := part.name.partition(":")[2])))

    def _parts(self, example: Sourced) -> list[SourcePart]:
        return [
            part
            for part in example.parts
            if self.parts is None or {part.name, part.name.partition(":")[0]} & set(self.parts)
        ]


@dataclass(frozen=True, slots=True)
class WrittenClaim(Claim):
    """A claim of a text in ``language``, since the language of a short claim such as a date cannot be detected."""

    language: str = ""


class GenerationJudge:
    """Claims are the statements of the output.

    ``claims`` sets the verdict of the sentences of an oscillatory or detached output, which do not depend on the
    evidence; ``judge`` does not change these verdicts.
    """

    reasons: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        claims: ClaimsConfig | None = None,
        grounding: GroundingConfig | None = None,
        rule: EvidenceRule | None = None,
    ) -> None:
        claims = claims or ClaimsConfig()
        self._kinds = frozenset(claims.kinds)
        self._name_model = claims.name_model
        self._grounding = grounding or GroundingConfig()
        self._rule = rule or EvidenceRule()

    @cached_property
    def _scorer(self) -> SentenceScorer:
        return make_scorer(self._grounding.scorer, self._grounding.model)

    @cached_property
    def _scorer_of_references(self) -> SentenceScorer:
        return self._scorer if self._grounding.model else make_scorer(self._grounding.scorer, with_statements=False)

    def statements(self, text: str, example: Sourced) -> tuple[Statement, ...]:
        """The statements of a text that are claims, as configured."""
        read = statements(text, example.language, example.known_words(text))
        found = [one for one in read if one.kind in self._kinds]
        if self._name_model is None or "name" not in self._kinds:
            return tuple(found)
        return sort_statements([*(one for one in found if one.kind != "name"), *names_by_model(self._name_model, text)])

    def claims(self, example: Sourced, prediction: WrittenText) -> tuple[Claim, ...]:
        statements = self.statements(prediction.text, example)
        reason = self._degeneration(example, prediction, statements) if statements else None
        claims = _claims(example.id, prediction.text, statements, prediction.confidences, example.language)
        return tuple(
            replace(claim, verdict="unsupported", reason=reason) if reason and claim.kind == SENTENCE else claim
            for claim in claims
        )

    def gold(self, example: Sourced) -> tuple[Claim, ...]:
        """The names, numbers, dates and quotations of the first reference."""
        if not example.targets:
            return ()
        text = example.targets[0]
        results = [one for one in self.statements(text, example) if one.kind != SENTENCE]
        return tuple(_claims(example.id, text, results, [None] * len(results), example.language))

    def judge(self, example: Sourced, claims: Sequence[Claim]) -> Judged:
        """Verdict and reason of each claim; gold without a matching claim is omitted.

        Reasons: ``not_in_source`` for a statement, ``not_grounded``, ``oscillatory`` and ``detached`` for a sentence,
        ``no_evidence`` for an unverifiable one.
        """
        sources, references = self._evidence(example)
        languages = [*[example.source_language] * len(sources), *[example.language] * len(references)]
        evidence = EvidenceTexts([*sources, *references], languages)
        texts = [claim.text for claim in claims if claim.kind == SENTENCE and claim.verdict is None]
        spoken = next((_language(claim, example.language) for claim in claims), example.language)
        grounded = iter(self._verify(texts, sources, references, spoken))
        judged = []
        for claim in claims:
            if claim.verdict is not None:
                judged.append(claim)
            elif claim.kind == SENTENCE:
                judged.append(_verdict(claim, next(grounded), "not_grounded"))
            else:
                is_stated = evidence.states(claim.label, claim.text, _language(claim, example.language))
                judged.append(_verdict(claim, is_stated, "not_in_source"))
        return _match_claims(judged, self.gold(example), example.language)

    def _evidence(self, example: Sourced) -> tuple[list[str], list[str]]:
        """The sources, including the names of their speakers, and the references that are evidence."""
        references = list(example.targets) if self._rule.references and self._grounding.references else []
        return [*self._rule.sources(example), *self._rule.speakers(example)], references

    def _verify(
        self, texts: Sequence[str], sources: Sequence[str], references: Sequence[str], language: str
    ) -> list[bool | None]:
        """Whether each sentence is grounded in all sources together or in a reference; None if it cannot be judged."""
        name, own = self._grounding.scorer, self._grounding.threshold
        by_source = any(map(str.strip, sources)) and (self._rule.is_same_language or self._grounding.cross_lingual)
        evidence = [*([sources] if by_source else ()), *([one] for one in references)]
        if not evidence or not texts:
            return [None] * len(texts)
        scorer = self._scorer if by_source else self._scorer_of_references
        least = (THRESHOLDS if by_source else REFERENCE_THRESHOLDS)[name] if own is None else own
        scores = [scorer.scores(texts, read, language) for read in evidence]
        return [max(each) >= least for each in zip(*scores, strict=True)]

    @property
    def is_grounded_by_sources(self) -> bool:
        """Whether sentences can be compared with the sources, which may be in another language."""
        return self._rule.is_same_language or self._grounding.cross_lingual

    def grounding(self, example: Sourced, text: str) -> float:
        """The mean score of the sentences of a text against the sources, 0 to 1; 0 for a text without a sentence.

        References are not used: they are gold.
        """
        language = language_of(text, example.language)
        sentences = [one.text for one in statements(text, language) if one.kind == SENTENCE]
        sources = [*self._rule.sources(example), *self._rule.speakers(example)]
        scores = self._scorer.scores(sentences, sources, language) if sentences else []
        return sum(scores) / len(scores) if scores else 0.0

    def _degeneration(self, example: Sourced, prediction: WrittenText, statements: Sequence[Statement]) -> str | None:
        """The reason why the sentences of an output are unsupported, independent of their content; None for others."""
        if is_oscillatory(prediction.text, self._rule.sources(example)):
            return "oscillatory"
        if not prediction.repeated:
            return None
        # A repeated output is right for this source if it equals a reference, or is grounded.
        words = folded_words(prediction.text)
        texts = [one.text for one in statements if one.kind == SENTENCE]
        is_right = any(words == folded_words(target) for target in example.targets) or (
            bool(texts)
            and all(self._verify(texts, *self._evidence(example), language_of(prediction.text, example.language)))
        )
        return None if is_right else "detached"


# Kinds of gold that a claim may state in another form: a longer name, a more precise date.
_OTHER_FORMS = frozenset({"name", "date", "quotation"})


def _match_claims(claims: Sequence[Claim], gold: Sequence[Claim], language: str) -> Judged:
    """The claims with equal gold as evidence, of equal claims only the first, and other gold that they state.

    A name of several words may also be stated by a sentence, as in lower case. Other gold is omitted.
    """
    known: dict[tuple[str, str], list[Claim]] = {}
    for one in gold:
        known.setdefault(_key(one, language), []).append(one)
    results = []
    for claim in claims:
        same = [] if claim.kind == SENTENCE else known.pop(_key(claim, language), [])
        marks = [one.mark for one in same]
        results.append(replace(claim, evidence=Evidence(marks[0], tuple(marks[1:])) if marks else claim.evidence))
    omitted = []
    # All claims together decide most cases: the time is linear if they do not state the gold.
    every = EvidenceTexts(["\n".join(claim.text for claim in claims)], [_language(one, language) for one in claims[:1]])
    for one in (one for some in known.values() for one in some):
        place = None
        if one.label in _OTHER_FORMS and every.states(one.label, one.text, _language(one, language)):
            place = next((at for at in _places(results, one) if _states(results[at], one, language)), None)
        if place is None:
            omitted.append(one)
        else:
            evidence = results[place].evidence
            touched = (*evidence.touched, one.mark)
            results[place] = replace(results[place], evidence=Evidence(evidence.matched, touched))
    return Judged(tuple(results), tuple(omitted))


def _places(claims: Sequence[Claim], gold: Claim) -> Iterator[int]:
    """The claims that may state gold in another form, sentences last."""
    yield from (place for place, claim in enumerate(claims) if claim.label == gold.label)
    if gold.label == "name" and " " in gold.text:
        yield from (place for place, claim in enumerate(claims) if claim.kind == SENTENCE)


def _states(claim: Claim, gold: Claim, language: str) -> bool:
    text = EvidenceTexts([claim.text], [_language(claim, language)])
    return text.states(gold.label, gold.text, _language(gold, language))


def _key(claim: Claim, language: str) -> tuple[str, str]:
    """The key for comparing claims: that of the statement, or its words."""
    words = " ".join(folded_words(claim.text))
    if claim.label not in ("number", "date"):
        return claim.label, words
    read = (one.key for one in statements(claim.text, _language(claim, language)) if one.kind == claim.label)
    return claim.label, next(read, words)


def _language(claim: Claim, statements: str) -> str:
    """The language of the text with the claim, if known."""
    return claim.language if isinstance(claim, WrittenClaim) else statements


def _verdict(claim: Claim, is_supported: bool | None, reason: str) -> Claim:
    if is_supported is None:
        return replace(claim, verdict="unverifiable", reason="no_evidence")
    return replace(claim, verdict="supported") if is_supported else replace(claim, verdict="unsupported", reason=reason)


def _claims(
    identity: str, text: str, result: Sequence[Statement], confidences: Sequence[float | None], language: str
) -> Iterator[Claim]:
    """Statements as claims about the tokens of their text; an unknown language is detected from the whole text."""
    spoken = language_of(text, language)
    bounds, _ = _TOKENIZER.cut(text)
    starts, ends = [start for start, _ in bounds], [end for _, end in bounds]
    for one, confidence in zip(result, confidences, strict=True):
        first, last = bisect.bisect_right(ends, one.start), bisect.bisect_left(starts, one.end)
        where = Span(first, last, one.kind)
        kind = SENTENCE if one.kind == SENTENCE else "statement"
        yield WrittenClaim(identity, kind, one.text, where, one.kind, confidence, language=spoken)
