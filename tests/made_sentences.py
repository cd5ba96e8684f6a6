"""Sentences with names in them, and what a model might say of them; all drawn by keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from halluc.core.rng import Draws

# Of each label the last two are never in train: one shares a word with a name that is, the other none.
NAMES = {
    "PER": ["Anna Berg", "Olaf Lind", "Maria Voss", "Jan Kerr", "Ida Holm", "Per Dahl", "Anna Field", "Lea Stern"],
    "LOC": ["Oslo", "Paris", "Gdansk", "Porto Seda", "Lima", "Ravenna", "Porto Novo", "Kyoto"],
    "ORG": ["Acme Corp", "Reuters", "Talvio Motors", "Helix Pharma", "Orion Press", "Acme Rail", "Union Bank"],
    "MISC": ["German", "World Cup", "Italian", "World Prize", "Nordic"],
}
# Words that a careless model takes for names; the last two are names elsewhere, and no names where they open a line.
TEMPTING = ("Friday", "President", "Police", "Shares", "Parliament", "Oslo", "Reuters")
KNOWN = {"Oslo": "LOC", "Reuters": "ORG"}
FRAMES = ("said in", "visited", "bought shares of", "was told by", "lost to", "wrote of", "waits for")


class MadeExample(NamedTuple):
    """A sentence, its gold (start, end, label), and what the model says: (start, end, label, confidence)."""

    tokens: Sequence[str]
    gold: Sequence[tuple[int, int, str]] = ()
    predicted: Sequence[tuple[int, int, str, float]] = ()


class Rates(NamedTuple):
    """How often a model takes a tempting word for a name, passes over a name, and tells a name wrongly: half of those
    by another label, half without the last word where there are several."""

    hallucinated: float = 0.1
    omitted: float = 0.05
    distorted: float = 0.05

    def times(self, factor: float) -> Rates:
        return Rates(*(min(1.0, factor * rate) for rate in self))


def made_sentences(split: str, count: int) -> Iterator[MadeExample]:
    """Sentences with their gold alone."""
    for number in range(count):
        draws = Draws.of("made sentence", split, number)
        tokens: list[str] = [draws.choice(TEMPTING), ","]
        gold = []
        for place in range(draws.below(4)):
            label = draws.choice(list(NAMES))
            names = NAMES[label][:-2] if split == "train" else NAMES[label]
            name = draws.choice(names).split()
            gold.append((len(tokens), len(tokens) + len(name), label))
            tokens += [*name, *(draws.choice(FRAMES).split() if place < 2 else ["then"])]
        yield MadeExample([*tokens, str(number), "."], gold)


def drawn_examples(sentences: Sequence[MadeExample], rates: Rates, key: object) -> list[MadeExample]:
    """The sentences with what a model of these rates says of them, drawn by the key."""
    return [_drawn(sentence, rates, Draws.of("said", key, n)) for n, sentence in enumerate(sentences)]


def _drawn(sentence: MadeExample, rates: Rates, draws: Draws) -> MadeExample:
    said: list[tuple[int, int, str, float]] = []
    if draws.chance(rates.hallucinated):
        label = KNOWN.get(sentence.tokens[0]) or draws.choice(list(NAMES))
        said.append((0, 1, label, _confidence(draws, 0.3)))
    for start, end, label in sentence.gold:
        if draws.chance(rates.omitted):
            continue
        wrong = draws.chance(rates.distorted)
        shorter = wrong and end - start > 1 and draws.chance(0.5)
        told = draws.choice([other for other in NAMES if other != label]) if wrong and not shorter else label
        said.append((start, end - shorter, told, _confidence(draws, 0.4 if wrong else 0.7)))
    return sentence._replace(predicted=said)


def _confidence(draws: Draws, least: float) -> float:
    return round(least + (0.999 - least) * draws.uniform(), 6)
