"""The coverage of whole texts: training texts, their content words, and the quartiles of novelty (DEFINITIONS, section
2)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy
from pydantic import SerializerFunctionWrapHandler, model_serializer

from halluc.core.examples import Example
from halluc.gap.coverage import REMAKE, CoverageFile, SurfaceCoverage
from halluc.gap.stopwords import text_words
from halluc.runs.records import read_record
from halluc.runs.schema import Novelty, Record

Edges = tuple[float, float, float]
# From the lowest share of new words to the highest.
QUARTERS: tuple[Novelty, ...] = ("q1", "q2", "q3", "q4")


class WordCoverage(Record):
    """``texts`` of coverage.json: the frequency of each content word, and the edges of the quartiles of novelty."""

    words: dict[str, int]
    edges: Edges
    edges_of: Literal["dev", "train"]


class PartCoverage(Record):
    """``parts`` of coverage.json, for texts with groups: the groups, and the second texts of pairs."""

    groups: list[str]
    seconds: list[str]


class TextCoverageFile(CoverageFile):
    """``coverage.json`` of whole texts; its surfaces are the texts."""

    texts: WordCoverage
    parts: PartCoverage | None = None

    @model_serializer(mode="wrap")
    def _omit_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        record: dict[str, Any] = handler(self)
        return record if self.parts is not None else {key: value for key, value in record.items() if key != "parts"}


@dataclass(frozen=True)
class TextCoverage(SurfaceCoverage):
    """The texts of a training split by label, and its lower-case content words with their frequencies.

    ``edges`` are the quartiles of the share of new words in the dev texts; without dev, in the training texts, each
    compared with all others. They are fixed at training, so that all splits and models have the same classes of
    novelty. ``groups`` and ``seconds``, for texts with groups, are the groups and the second texts of pairs.
    """

    word_counts: Mapping[str, int]
    edges: Edges
    edges_of: Literal["dev", "train"]
    groups: frozenset[str] = frozenset()
    seconds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, examples: Iterable[Any], dev: Iterable[Example] = ()) -> TextCoverage:
        """Count a training split; the words of texts without a label count too."""
        split = list(examples)
        # The words of a large split would fill the memory, so they are extracted again when they are needed.
        word_counts = Counter(chain.from_iterable(map(_example_words, split)))
        others = [new_share(_example_words(example), word_counts) for example in dev]
        shares = others or _unique_shares(split)
        base, grouped = SurfaceCoverage.of(split), [one for one in split if getattr(one, "group", None) is not None]
        return cls(
            base.surfaces, base.sentences, base.tokens, base.mentions,
            word_counts=dict(word_counts), edges=_quartiles(shares), edges_of="dev" if others else "train",
            groups=frozenset(example.group for example in grouped),
            seconds=frozenset(example.second_text for example in grouped if example.second is not None),
        )  # fmt: skip

    def new_share(self, text: str) -> float:
        """The share of the content words of a text, with repetitions, that do not occur in the split."""
        return new_share(text_words(text), self.word_counts)

    def novelty(self, text: str) -> Novelty:
        """The quartile of a text: ``q1`` up to the first edge, ``q4`` above the third."""
        return QUARTERS[bisect_left(self.edges, self.new_share(text))]

    def word_counts_of(self, label: str) -> Mapping[str, int]:
        """The content words of the label's texts, with their frequencies there."""
        result: Counter[str] = Counter()
        for text, known in self.of_label(label).items():
            for word in text_words(text):
                result[word] += known.count
        return result

    def file(self) -> TextCoverageFile:
        words = WordCoverage(words=dict(self.word_counts), edges=self.edges, edges_of=self.edges_of)
        parts = PartCoverage(groups=sorted(self.groups), seconds=sorted(self.seconds)) if self.groups else None
        return TextCoverageFile(**dict(super().file()), texts=words, parts=parts)

    @classmethod
    def load(cls, path: Path) -> TextCoverage:
        """Read the file that ``save`` wrote.

        Raises:
            HallucError R120: damaged, or of mentions. R121: written by another version of halluc.
        """
        file = read_record(path, TextCoverageFile, damaged="R120", other_version="R121", help=REMAKE)
        base, texts = SurfaceCoverage.of_file(file), file.texts
        return cls(
            base.surfaces, base.sentences, base.tokens, base.mentions,
            word_counts=texts.words, edges=texts.edges, edges_of=texts.edges_of,
            groups=frozenset(file.parts.groups if file.parts else ()),
            seconds=frozenset(file.parts.seconds if file.parts else ()),
        )  # fmt: skip


def new_share(words: Sequence[str], known: Mapping[str, int]) -> float:
    """The share of ``words`` that are not ``known``; 0 if there are no words."""
    return sum(word not in known for word in words) / len(words) if words else 0.0


def _example_words(example: Example) -> list[str]:
    return text_words(" ".join(example.tokens))


def _unique_shares(texts: Sequence[Example]) -> list[float]:
    """The share of the words of each text that occur in no other text."""
    texts_with = Counter(word for example in texts for word in set(_example_words(example)))
    shared = {word: count for word, count in texts_with.items() if count > 1}
    return [new_share(_example_words(example), shared) for example in texts]


def _quartiles(shares: Sequence[float]) -> Edges:
    if not shares:
        return (0.0, 0.0, 0.0)
    low, middle, high = numpy.quantile(shares, (0.25, 0.5, 0.75)).tolist()
    return (low, middle, high)
