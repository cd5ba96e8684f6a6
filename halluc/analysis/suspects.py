"""Suspects: annotation that is probably wrong or missing, ranked (DEFINITIONS, section 8).

They are ranked by the probability of the annotation under a model that was not trained on the example (self-confidence:
Northcutt et al. 2021, "Confident Learning"; per span: Klie et al. 2023, "Annotation Error Detection").
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from halluc.core.claims import Claim, Judged, Mark
from halluc.core.examples import Example, Span
from halluc.runs.audits import SuspectKind
from halluc.task import AnnotatedPrediction, AnyTask

Probability = Callable[[Sequence[Claim]], float]
Tokens = tuple[str, ...]


class Occurrence(NamedTuple):
    """An occurrence of a surface, with its label there; None if it is not annotated."""

    example: int
    start: int | None
    end: int | None
    label: str | None


@dataclass(frozen=True)
class Suspect:
    """A suspicious annotation.

    ``example`` is the number of the example. ``annotated`` is the gold at the place, ``proposed`` its replacement; one
    of them may be empty. ``confidence`` is the probability of the annotation, under a model that was not trained on the
    example. ``others`` are the other occurrences of the same surface, and ``consistency`` the share of them with the
    same annotation; None if there are none.
    """

    kind: SuspectKind
    example: int
    annotated: tuple[Claim, ...]
    proposed: tuple[Claim, ...]
    confidence: float
    others: tuple[Occurrence, ...] = ()
    consistency: float | None = None

    @property
    def claims(self) -> tuple[Claim, ...]:
        return (*self.annotated, *self.proposed)

    @property
    def shown(self) -> Claim:
        """The claim whose other occurrences are searched: the annotated one, if any."""
        return self.claims[0]


@dataclass
class Surfaces:
    """The occurrences of surfaces in a corpus.

    With ``has_spans``, every sequence of tokens that equals a surface is an occurrence, annotated or not, unless it
    overlaps another annotation. Otherwise only annotations are occurrences.
    """

    examples: Sequence[Example]
    gold: Sequence[Sequence[Claim]]
    has_spans: bool
    where: dict[Tokens, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))

    def look_up(self, claims: Iterable[Claim]) -> None:
        """Find every occurrence of the surfaces of these claims."""
        keys = {self.key(self._number[claim.example_id], claim) for claim in claims}
        if not self.has_spans:
            for number, of_example in enumerate(self.gold):
                for claim in of_example:
                    self.where[(claim.text,)].append(Occurrence(number, *claim.mark))
            return
        lengths: dict[str, set[int]] = defaultdict(set)
        for key in keys:
            lengths[key[0]].add(len(key))
        for number, example in enumerate(self.examples):
            spans = [claim.where for claim in self.gold[number] if claim.where is not None]
            label = {span[:2]: span.label for span in spans}
            annotated = {at for span in spans for at in range(span.start, span.end)}
            for start, token in enumerate(example.tokens):
                for size in lengths.get(token, ()):
                    place, key = (start, start + size), example.tokens[start : start + size]
                    # Near the end of the text, a key is shorter than its place.
                    is_surface = len(key) == size and key in keys
                    if is_surface and (place in label or annotated.isdisjoint(range(*place))):
                        self.where[key].append(Occurrence(number, *place, label.get(place)))

    @cached_property
    def _number(self) -> Mapping[str, int]:
        return {one.id: number for number, one in enumerate(self.examples)}

    def key(self, example: int, claim: Claim) -> Tokens:
        """The surface of a claim: its tokens, or its text if it is about the whole example."""
        if not self.has_spans or claim.where is None:
            return (claim.text,)
        return self.examples[example].tokens[claim.where.start : claim.where.end]

    def completed(self, suspect: Suspect) -> Suspect:
        """The suspect with the other occurrences of its surface."""
        claim = suspect.shown
        start, end = claim.mark[:2]
        label = next((one.label for one in suspect.annotated if one.mark[:2] == (start, end)), None)
        own = (suspect.example, start, end)
        others = tuple(one for one in self.where.get(self.key(suspect.example, claim), ()) if one[:3] != own)
        same = sum(one.label == label for one in others)
        return replace(suspect, others=others, consistency=same / len(others) if others else None)


def find(task: AnyTask, examples: Sequence[Any], opinions: Sequence[AnnotatedPrediction]) -> list[Suspect]:
    """The suspects of a split, the most suspicious first.

    Args:
        opinions: the prediction for each example, of a model that was not trained on it.
    """
    gold = [task.judge.gold(example) for example in examples]
    is_placed = task.wording.nouns.is_placed  # the spans of a relation are not its annotation
    surfaces = Surfaces(examples, gold, is_placed)
    suspects: list[Suspect] = []
    for number, (example, opinion) in enumerate(zip(examples, opinions, strict=True)):
        judged = task.judge.judge(example, task.judge.claims(example, opinion.prediction))
        suspects += _disagreements(number, judged, gold[number], opinion.probability)
    surfaces.look_up([claim for one in (*gold, *(s.claims for s in suspects)) for claim in one])
    taken = {(one.example, *claim.mark[:2]) for one in suspects for claim in one.claims}
    if is_placed:
        others = _of_spans(surfaces, gold)
    else:
        lines = [task.examples.line(*one) for one in zip(examples, (one.prediction for one in opinions), strict=True)]
        others = _of_wholes(examples, [tuple(task.examples.ranges(line)) for line in lines], gold)
    for number, annotated, proposed in others:
        claims = (*annotated, *proposed)
        if not any((number, *claim.mark[:2]) in taken for claim in claims):
            probability = opinions[number].probability(claims)
            suspects.append(Suspect("inconsistent", number, annotated, proposed, probability))
    return sorted(map(surfaces.completed, suspects), key=_rank)


def _rank(suspect: Suspect) -> tuple[float, float, int, Any]:
    consistency = 1.0 if suspect.consistency is None else suspect.consistency
    return suspect.confidence, consistency, suspect.example, suspect.shown.mark[0] or 0


def _disagreements(number: int, judged: Judged, gold: Sequence[Claim], probability: Probability) -> Iterator[Suspect]:
    """A suspect for each place where the model's claims differ from gold; overlapping ones are merged."""
    by_mark = {claim.mark: claim for claim in gold}
    places: list[tuple[set[Mark], list[Claim]]] = []
    for claim in judged.claims:
        if claim.verdict in ("supported", "unverifiable"):
            continue
        evidence = claim.evidence
        marks = {*evidence.touched, *([evidence.matched] if evidence.matched else [])}
        joined = [place for place in places if place[0] & marks]
        places = [place for place in places if not place[0] & marks]
        of_all = [one for _, claims in joined for one in claims]
        places.append((marks.union(*(place[0] for place in joined)), [*of_all, claim]))
    for marks, claims in places:
        annotated = tuple(by_mark[mark] for mark in sorted(marks, key=lambda mark: mark[0] or 0))
        yield Suspect(_kind(annotated, claims), number, annotated, tuple(claims), probability((*annotated, *claims)))
    for omission in judged.omissions:
        yield Suspect("unlikely", number, (omission,), (), probability((omission,)))


def _kind(annotated: Sequence[Claim], claims: Sequence[Claim]) -> SuspectKind:
    if not annotated:
        return "missing"
    same = [claim.mark[:2] for claim in annotated] == [claim.mark[:2] for claim in claims]
    return "wrong_label" if same else "wrong_boundary"


Inconsistency = tuple[int, tuple[Claim, ...], tuple[Claim, ...]]


def _of_spans(surfaces: Surfaces, gold: Sequence[Sequence[Claim]]) -> Iterator[Inconsistency]:
    """Places whose surface mostly has another annotation between the same two tokens (ignoring case)."""
    contexts: dict[tuple[Tokens, str, str], list[Occurrence]] = defaultdict(list)
    for key, places in surfaces.where.items():
        for place in places:
            tokens = surfaces.examples[place.example].tokens
            assert place.start is not None and place.end is not None, "surfaces of spans have places"
            before = tokens[place.start - 1].casefold() if place.start else ""
            after = tokens[place.end].casefold() if place.end < len(tokens) else ""
            contexts[key, before, after].append(place)
    for (key, _, _), places in contexts.items():
        usual = _usual(place.label for place in places)
        for place in places:
            if usual is not None and place.label != usual[0]:
                annotated = [one for one in gold[place.example] if one.mark[:2] == place[1:3]]
                yield place.example, tuple(annotated), _proposal(surfaces, place, key, usual[0])


def _proposal(surfaces: Surfaces, place: Occurrence, key: Tokens, label: str | None) -> tuple[Claim, ...]:
    if label is None:
        return ()
    assert place.start is not None and place.end is not None, "surfaces of spans have places"
    kind = next(claim.kind for of_example in surfaces.gold for claim in of_example)
    identity = surfaces.examples[place.example].id
    return (Claim(identity, kind, " ".join(key), Span(place.start, place.end, label), label),)


def _usual(labels: Iterable[str | None]) -> tuple[str | None] | None:
    """The label of more than half of the places, in a tuple; None if all agree, or if there is none."""
    counts = Counter(labels)
    label, most = counts.most_common(1)[0]
    return (label,) if most < counts.total() < 2 * most else None


def _of_wholes(
    examples: Sequence[Any], marked: Sequence[Any], gold: Sequence[Sequence[Claim]]
) -> Iterator[Inconsistency]:
    """Examples whose text (ignoring case), with the same marked parts (head, tail), has mostly other labels."""
    alike: dict[Any, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        alike[tuple(token.casefold() for token in example.tokens), marked[number]].append(number)
    for numbers in alike.values():
        labels = {number: frozenset(claim.label for claim in gold[number]) for number in numbers}
        usual, most = Counter(labels.values()).most_common(1)[0]
        if not most < len(numbers) < 2 * most:
            continue
        model = next(number for number in numbers if labels[number] == usual)
        for number in numbers:
            if labels[number] != usual:
                moved = tuple(replace(claim, example_id=examples[number].id) for claim in gold[model])
                wrong = tuple(claim for claim in gold[number] if claim.label not in usual)
                yield number, wrong, tuple(claim for claim in moved if claim.label not in labels[number])
