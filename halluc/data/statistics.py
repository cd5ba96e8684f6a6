"""What a task calls its examples and what is labelled in them, and what is counted of a split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from halluc.core.examples import Example
from halluc.tasks.text_classification.labelled_text import Labelled


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
    """

    tokens: str
    labelled: str
    annotation: str
    mended: str
    counts: tuple[Count, ...]

    @property
    def examples(self) -> str:
        return self.counts[0].name

    def count(self, examples: Iterable[Example]) -> dict[str, int]:
        """Every count of a split, by name, in their order; one pass."""
        sums = [0] * len(self.counts)
        for example in examples:
            for place, count in enumerate(self.counts):
                sums[place] += count.of(example)
        return {count.name: found for count, found in zip(self.counts, sums, strict=True)}


def _one(example: Example) -> int:
    return 1


def _tokens(example: Example) -> int:
    return len(example.tokens)


def _labelled(example: Example) -> int:
    return len(example.labels)


def _nothing(example: Example) -> int:
    return not example.labels


def _is_pair(example: Example) -> int:
    return isinstance(example, Labelled) and example.second is not None


SENTENCES = Words(
    tokens="tokens",
    labelled="mentions",
    annotation="tags",
    mended="tags or spans",
    counts=(
        Count("sentences", _one),
        Count("tokens", _tokens),
        Count("mentions", _labelled),
        Count("entity_free", _nothing, is_share=True, legend="sentences without any mention"),
    ),
)


def _of_texts(unlabelled: Count) -> Words:
    return Words(
        tokens="words",
        labelled="labels",
        annotation="labels",
        mended="labels",
        counts=(
            Count("texts", _one),
            Count("words", _tokens),
            Count("labels", _labelled),
            unlabelled,
            Count("pairs", _is_pair, is_share=True),
        ),
    )


# Of one label a text, and of any number.
TEXTS = _of_texts(Count("out_of_scope", _nothing, is_share=True, legend="texts without a label"))
LABEL_SETS = _of_texts(Count("without_label", _nothing, is_share=True))
