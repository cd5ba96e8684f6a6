"""What a task calls its examples and what is labelled in them, and what is counted of a split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from halluc.core.examples import Example


@dataclass(frozen=True)
class Count:
    """A number of a split: the sum of what ``of`` says of its examples.

    ``name`` stands in files, and for people with blanks for underscores. ``is_share``: it counts examples, so that a
    share of them can be told beside it. ``legend`` says what it is where the name does not.
    """

    name: str
    of: Callable[[Example], int]
    is_share: bool = False
    legend: str = ""


_PLURAL = re.compile(r"s\b")


def counted(count: int, things: str) -> str:
    """As `1 text out of scope` or `1,350 texts out of scope`: the first word that ends in s names the things."""
    return f"{count:,} {things if count != 1 else _PLURAL.sub('', things, count=1)}"


_OF_ONE = {"are": "is", "were": "was"}


def counted_with(count: int, what: str, verb: str) -> str:
    """As `1 sentence repeats`, `1,350 sentences repeat`; ``what`` may be several words, as `tags or spans`."""
    if count != 1:
        return f"{count:,} {what} {verb}"
    one = " ".join(word.removesuffix("s") for word in what.split(" "))
    return f"1 {one} {_OF_ONE.get(verb, verb + 's')}"


@dataclass(frozen=True)
class Words:
    """What people call the pieces of an example, that which is labelled in it and that which labels it, in the plural.

    ``mended`` is what a reader may have mended. ``counts`` begins with that of the examples, under their name.
    ``figure`` chooses a checkpoint. ``has_surfaces``: what is labelled are parts of an example, which have to be
    spelled as those of train to be known. ``has_blanks``: a token that is a blank is no oddity. ``has_labels``: there
    are labels at all. ``lone`` tells whether the only example of a split, by the name of the split and its file, is
    likely more than one.
    """

    tokens: str
    labelled: str
    annotation: str
    mended: str
    counts: tuple[Count, ...]
    figure: str = "F1"
    has_surfaces: bool = False
    has_blanks: bool = False
    has_labels: bool = True
    lone: Callable[[str, str, Example], str | None] = lambda split, source, example: None

    @property
    def examples(self) -> str:
        return self.counts[0].name

    def count(self, examples: Iterable[Example]) -> dict[str, int]:
        """Every count of a split, by name, in their order; one pass."""
        sums = [0] * len(self.counts)
        for example in examples:
            for place, count in enumerate(self.counts):
                sums[place] += count.of(example)
        return {count.name: result for count, result in zip(self.counts, sums, strict=True)}


def one(example: Example) -> int:
    return 1


def tokens(example: Example) -> int:
    return len(example.tokens)


def labelled(example: Example) -> int:
    return len(example.labels)


def unlabelled(example: Example) -> int:
    return not example.labels
