"""The nouns of a task for its examples and annotation, and the counts of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from halluc.core.examples import Example


@dataclass(frozen=True)
class Count:
    """A count of a split: the sum of ``of`` over its examples.

    ``name`` is used in files, and in messages with spaces instead of underscores. ``is_share``: it counts examples, so
    that its share can be shown too. ``legend`` explains a name that is not clear by itself.
    """

    name: str
    of: Callable[[Example], int]
    is_share: bool = False
    legend: str = ""


@dataclass(frozen=True)
class Words:
    """The plural nouns for the tokens of an example, for its annotated items, and for its annotation.

    ``repaired`` is what a reader may have repaired. ``counts`` begins with the count of examples, under their name.
    ``figure`` is the figure that selects a checkpoint. ``has_surfaces``: parts of an example are labelled, and they are
    known only if train has the same spelling. ``has_blanks``: a blank is a normal token. ``has_labels``: the task has
    labels. ``single_example_warning``, called with a split, its file, and its only example, returns a warning if this
    example is probably several.
    """

    tokens: str
    labelled: str
    annotation: str
    repaired: str
    counts: tuple[Count, ...]
    figure: str = "F1"
    has_surfaces: bool = False
    has_blanks: bool = False
    has_labels: bool = True
    single_example_warning: Callable[[str, str, Example], str | None] = lambda split, source, example: None

    @property
    def examples(self) -> str:
        return self.counts[0].name

    def count(self, examples: Iterable[Example]) -> dict[str, int]:
        """Every count of a split, by name, in order; one pass."""
        sums = [0] * len(self.counts)
        for example in examples:
            for place, count in enumerate(self.counts):
                sums[place] += count.of(example)
        return {count.name: result for count, result in zip(self.counts, sums, strict=True)}


def example_count(example: Example) -> int:
    return 1


def tokens(example: Example) -> int:
    return len(example.tokens)


def labelled(example: Example) -> int:
    return len(example.labels)


def unlabelled(example: Example) -> int:
    return not example.labels
