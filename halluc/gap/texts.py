"""What a training split knows of whole texts: beside the texts, the content words that it shows, and which share of
them is new in the texts to come (DEFINITIONS, section 2)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy

from halluc.core.examples import Example
from halluc.gap.coverage import REMAKE, Coverage, CoverageFile
from halluc.gap.matching import Strata
from halluc.gap.stopwords import text_words
from halluc.runs.records import read_record
from halluc.runs.schema import TEXT_NOVELTIES, Novelty, Record
from halluc.tasks.text_classification.labelled_text import Labelled

Edges = tuple[float, float, float]
# Tokens of a text, from and to; texts of like length are matched with each other.
LENGTHS = ((0, 5), (6, 10), (11, 20), (21, 40), (41, 80), (81, 160), (161, None))


class ShownWords(Record):
    """``texts`` of coverage.json: how often each content word stands in the split, and the edges of novelty."""

    words: dict[str, int]
    edges: Edges
    edges_of: Literal["dev", "train"]


class TextCoverageFile(CoverageFile):
    """``coverage.json`` of whole texts; its surfaces are the texts."""

    texts: ShownWords


class _EitherFile(CoverageFile):
    """A ``coverage.json`` that is still to tell what it is of."""

    texts: ShownWords | None = None


@dataclass(frozen=True)
class TextCoverage(Coverage):
    """The texts of a training split by label, and its content words, lower-cased, with the times that each occurs.

    ``edges`` are the quartiles of the shares of new words in the texts of dev, fixed when the run is trained, so that
    all splits and models are judged by the same; without dev, those of the training texts, each against all others.
    """

    shown: Mapping[str, int]
    edges: Edges
    edges_of: Literal["dev", "train"]

    @classmethod
    def of(cls, examples: Iterable[Example], dev: Iterable[Example] = ()) -> TextCoverage:
        """Count a training split; texts without a label show words too."""
        split = list(examples)
        # Words are cut anew where they are needed again: those of a large split would fill the memory.
        shown = Counter(chain.from_iterable(map(_words_of, split)))
        others = [new_share(_words_of(example), shown) for example in dev]
        shares = others or _each_against_the_others(split)
        made = Coverage.of(split)
        return cls(
            made.surfaces, made.sentences, made.tokens, made.mentions,
            shown=dict(shown), edges=_quartiles(shares), edges_of="dev" if others else "train",
        )  # fmt: skip

    def new_share(self, text: str) -> float:
        """The share of its content words that the split never shows, each counted as often as it occurs."""
        return new_share(text_words(text), self.shown)

    def novelty(self, text: str) -> Novelty:
        """The quarter of dev that a text would fall into: ``q1`` up to the first edge, ``q4`` above the third."""
        return TEXT_NOVELTIES[bisect_left(self.edges, self.new_share(text))]

    def shown_with(self, label: str) -> Mapping[str, int]:
        """The content words of the label's texts, with the times that each occurs there."""
        texts = self.of_label(label).items()
        found = Counter(chain.from_iterable(text_words(text) for text, _ in texts))
        for text, known in texts:
            if known.count > 1:
                for word in text_words(text):
                    found[word] += known.count - 1
        return found

    def file(self) -> TextCoverageFile:
        texts = ShownWords(words=dict(self.shown), edges=self.edges, edges_of=self.edges_of)
        return TextCoverageFile(**dict(super().file()), texts=texts)

    @classmethod
    def load(cls, path: Path) -> TextCoverage:
        """Read what ``save`` wrote.

        Raises:
            HallucError R120: damaged, or of mentions. R121: of another version of halluc.
        """
        return _of_texts(read_record(path, TextCoverageFile, damaged="R120", other_version="R121", help=REMAKE))


def read_coverage(path: Path) -> Coverage:
    """What a run's training split knows, of mentions or of whole texts: the file says which.

    Raises:
        FileNotFoundError: there is none. HallucError R120: damaged. R121: of another version of halluc.
    """
    file = read_record(path, _EitherFile, damaged="R120", other_version="R121", help=REMAKE)
    return Coverage.of_file(file) if file.texts is None else _of_texts(file)


def new_share(words: Sequence[str], shown: Mapping[str, int]) -> float:
    """The share of ``words`` that is not ``shown``; 0 where there is none."""
    return sum(word not in shown for word in words) / len(words) if words else 0.0


def by_class_and_length(examples: Sequence[Labelled]) -> Strata:
    """Training texts by their labels and their length; where whole labels go, by how many labels they have instead of
    by which: else fraction 0 had to do without them too."""
    classes = {labels: number for number, labels in enumerate(sorted({example.labels for example in examples}))}
    counts = sorted({_number(example) for example in examples})
    return Strata(
        names=tuple(f"{' + '.join(labels) or NO_LABEL}, {length}" for labels in classes for length in _LENGTH_NAMES),
        of=lambda example: classes[example.labels] * len(LENGTHS) + _length(example),
        has_free=False,
        noun="text",
        thing="label",
        free="without_label",
        distinct="distinct_texts",
        for_labels=Strata(
            names=tuple(f"{_MANY_NAMES[count]}, {length}" for count in counts for length in _LENGTH_NAMES),
            of=lambda example: counts.index(_number(example)) * len(LENGTHS) + _length(example),
            has_free=False,
            noun="text",
            thing="label",
            free="without_label",
            distinct="distinct_texts",
        ),
    )


_LENGTH_NAMES = tuple(f"{low}-{high} tokens" if high else f"{low}+ tokens" for low, high in LENGTHS)
NO_LABEL = "no label"
_MANY_NAMES = (NO_LABEL, "1 label", "2 labels", "3+ labels")


def _length(example: Labelled) -> int:
    return sum(len(example.tokens) >= low for low, _ in LENGTHS) - 1


def _number(example: Labelled) -> int:
    return min(len(example.labels), len(_MANY_NAMES) - 1)


def _words_of(example: Example) -> list[str]:
    return text_words(" ".join(example.tokens))


def _each_against_the_others(texts: Sequence[Example]) -> list[float]:
    """The share of the words of each text that no other one shows."""
    holding = Counter(word for example in texts for word in set(_words_of(example)))
    elsewhere = {word: count for word, count in holding.items() if count > 1}
    return [new_share(_words_of(example), elsewhere) for example in texts]


def _quartiles(shares: Sequence[float]) -> Edges:
    if not shares:
        return (0.0, 0.0, 0.0)
    low, middle, high = numpy.quantile(shares, (0.25, 0.5, 0.75)).tolist()
    return (low, middle, high)


def _of_texts(file: TextCoverageFile | _EitherFile) -> TextCoverage:
    made, texts = Coverage.of_file(file), file.texts
    assert texts is not None
    return TextCoverage(
        made.surfaces, made.sentences, made.tokens, made.mentions,
        shown=texts.words, edges=texts.edges, edges_of=texts.edges_of,
    )  # fmt: skip
