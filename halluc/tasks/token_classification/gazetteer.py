"""A gazetteer as model input: names that occur in a sentence are marked, by label.

The labels are fixed in training, but a trained model may be used with other names. A name matches consecutive tokens
if both are equal without white space, so tokens may be words or characters. Matching is case-sensitive. From left to
right, the longest name at each position is used, and the search continues after it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

from halluc.core.edits import Range
from halluc.core.errors import HallucError
from halluc.data.word_files import read_gazetteer
from halluc.tasks.token_classification.tagged_sentence import Tagged

# The key of the task in config.json, and in it, that of the labels.
_TASK, GAZETTEER = "token_classification", "gazetteer"
# How many names a warning shows.
_SHOWN = 5


class Match(NamedTuple):
    """A name in a sentence: its tokens (half open), and the numbers of its labels."""

    start: int
    end: int
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Gazetteer:
    """``names``, without white space, with the numbers of their labels; ``longest`` is the maximum number of
    characters."""

    labels: tuple[str, ...]
    names: Mapping[str, tuple[int, ...]]
    longest: int

    @classmethod
    def read(cls, files: Iterable[str], labels: Sequence[str], owner: str) -> Gazetteer:
        """The names of all files. ``owner`` says whose labels they are, for messages.

        Raises:
            HallucError: as ``read_gazetteer``.
        """
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        for file in files:
            for label, names in read_gazetteer(file, labels, owner).items():
                for name in names:
                    numbers["".join(name)].add(labels.index(label))
        return cls(tuple(labels), {n: tuple(sorted(of)) for n, of in numbers.items()}, max(map(len, numbers)))

    def matches(self, tokens: Sequence[str]) -> list[Match]:
        matches: list[Match] = []
        start = 0
        while start < len(tokens):
            end, text, best = start, "", None
            while end < len(tokens) and len(text) <= self.longest:
                text += tokens[end]
                end += 1
                if (labels := self.names.get(text)) is not None:
                    best = Match(start, end, labels)
            if best is not None:
                matches.append(best)
            start = start + 1 if best is None else best.end
        return matches


@dataclass(frozen=True)
class MarkedNames:
    """The names in each example, as features of its words: two per label, for the first word and for the others."""

    matches: Sequence[Sequence[Match]]
    labels: int

    @property
    def count(self) -> int:
        return sum(map(len, self.matches))

    def features(
        self,
        shape: tuple[int, ...],
        words: Sequence[tuple[Sequence[tuple[int, int]], Mapping[int, Range]]],
        dropped: Iterator[bool],
    ) -> numpy.ndarray:
        """(rows, pieces, 2 x labels) of 0 and 1.

        Args:
            shape: rows and pieces.
            words: for each row its examples, each with the number of its first word, and the pieces of words by number.
            dropped: for each name of each row whether it is dropped.
        """
        values = numpy.zeros((*shape, 2 * self.labels), dtype=numpy.float32)
        for row, (examples, pieces) in enumerate(words):
            for match, begin in ((match, begin) for example, begin in examples for match in self.matches[example]):
                if next(dropped):
                    continue
                for word in range(match.start, match.end):
                    if begin + word in pieces:
                        start, end = pieces[begin + word]
                        for label in match.labels:
                            values[row, start:end, 2 * label + (word > match.start)] = 1
        return values


def contradictions(gazetteer: Gazetteer, examples: Iterable[Tagged]) -> Iterator[str]:
    """A warning if names in the training split mostly have another label than in the gazetteer.

    A name counts for the label of a mention with the same tokens, and for no label if it touches no mention; other
    names are not counted.
    """
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        spans = {(span.start, span.end): span.label for span in example.spans}
        inside = {at for start, end in spans for at in range(start, end)}
        for start, end, _ in gazetteer.matches(example.tokens):
            label = spans.get((start, end), "" if inside.isdisjoint(range(start, end)) else None)
            if label is not None:
                seen[" ".join(example.tokens[start:end])][label] += 1
    bad = []
    for name, counts in seen.items():
        (most, times), known = counts.most_common(1)[0], gazetteer.names["".join(name.split())]
        if most not in [gazetteer.labels[number] for number in known]:
            text = " or ".join(gazetteer.labels[number] for number in known)
            what = most or "no mention"
            bad.append((times, f"`{name}`: {text} in the gazetteer, {what} {times} of {counts.total()} times"))
    if bad:
        listed = "; ".join(text for _, text in sorted(bad, key=lambda one: (-one[0], one[1]))[:_SHOWN])
        yield (
            f"the gazetteer contradicts the training split for {len(bad):,} of the {len(seen):,} names that occur "
            f"there: {listed}{'; …' if len(bad) > _SHOWN else ''}"
        )


def store_setting(settings: Any, name: str, value: Any) -> None:
    """Store a setting of the task in a model's settings (config.json)."""
    setattr(settings, _TASK, {**(getattr(settings, _TASK, None) or {}), name: value})


def stored_setting(settings: Any, name: str) -> Any:
    """A stored setting of the task; None if there is none."""
    stored = getattr(settings, _TASK, None)
    return stored.get(name) if isinstance(stored, dict) else None


def labels_of(settings: Any) -> tuple[str, ...]:
    """The labels of names that a model accepts; empty if it was trained without a gazetteer."""
    return tuple(stored_setting(settings, GAZETTEER) or ())


def refuse_untrained(labels: Sequence[str]) -> None:
    """
    Raises:
        HallucError C222: the model has no gazetteer input.
    """
    if not labels:
        message = "`task.gazetteer` is set, but the model was trained without one"
        raise HallucError("C222", message, help="train it with `task.gazetteer`, or remove the key")
