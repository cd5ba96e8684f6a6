"""Plans the number of new examples for each training example: the requested size, distributed by the focus."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from halluc.augmentation.methods.base import Lexicon
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.gap.novelty import MENTIONS
from halluc.gap.stopwords import is_content, text_words

# The maximum weight of a mention, so that a single name does not dominate the corpus.
_MOST_HITS = 3


@dataclass(frozen=True)
class DevErrors:
    """The errors of an earlier run on dev: ``shares``, by label, of claims and gold that were over-claimed or omitted;
    and ``words``, how often each content word occurs in such a mention, or text, of a label."""

    shares: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, mentions: Iterable[tuple[str, str, bool]], content: Callable[[str], list[str]] = MENTIONS.words
    ) -> DevErrors:
        """From (text, label, whether it is an error) of every claim and every omission; ``content`` returns the content
        words."""
        total: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        words: Counter[tuple[str, str]] = Counter()
        for text, label, went_wrong in mentions:
            total[label] += 1
            if went_wrong:
                wrong[label] += 1
                words.update((label, word) for word in content(text))
        return cls({label: wrong[label] / count for label, count in total.items()}, words)


class Focus:
    """The weight of an example: its share of the new examples.

    ``counts`` are the frequencies of labels in the training split.
    """

    def __init__(
        self, kind: str, training: Lexicon, counts: Mapping[str, int], dev_errors: DevErrors | None = None
    ) -> None:
        self.kind = "errors" if kind == "gap" and dev_errors is not None else kind
        self.dev_errors = dev_errors or DevErrors()
        self.counts = counts
        self.mentions, self.examples_with = training.mentions, training.examples_with

    def weight(self, example: Editable, labels: Sequence[str]) -> float:
        """The relative weight of an example with labels; -1 for examples without labels, and for uniform focus."""
        if not labels or self.kind == "uniform":
            return -1.0
        if not example.spans:
            return self._text_weight(text_words(" ".join(example.tokens)), labels)
        return sum(self._mention_weight(example, span) for span in example.spans)

    def _text_weight(self, words: Sequence[str], labels: Sequence[str]) -> float:
        """``balance``: the rarity of its labels; ``gap``: the share of its content words that occur in no other
        training text; ``errors``: for each label its error share, and the share of the text's content words that occur
        in its errors."""
        if self.kind == "balance":
            return sum(1 / self.counts[label] for label in labels)
        if self.kind == "gap":
            return _mean([self.examples_with.get((word,)) == 1 for word in words])
        shares, known = self.dev_errors.shares, self.dev_errors.words
        return sum(shares.get(label, 0.0) + _mean([(label, word) in known for word in words]) for label in labels)

    def _mention_weight(self, example: Editable, span: Span) -> float:
        """``balance``: the rarity of its label; ``gap``: 1 for a mention that occurs once in training, or with another
        label too; ``errors``: the error share of its label, and the number of its errors that share a content word."""
        mention, label = example.tokens[span.start : span.end], span.label
        if self.kind == "balance":
            return 1 / self.counts[label]
        if self.kind == "gap":
            seen_once = self.mentions.get(label, {}).get(mention) == 1
            return float(seen_once or any(mention in of for other, of in self.mentions.items() if other != label))
        hits = sum(self.dev_errors.words.get((label, word), 0) for word in filter(is_content, mention))
        return self.dev_errors.shares.get(label, 0.0) + min(hits, _MOST_HITS)


def _mean(flags: Sequence[bool]) -> float:
    """The share that is true; 0 if there are none."""
    return sum(flags) / len(flags) if flags else 0.0


def copies(weights: array[float], added: int, seed: int) -> array[int]:
    """The number of new examples for each example, ``added`` in all; ``weights`` are those of ``Focus.weight``.

    Examples without labels keep their share of the corpus, since a corpus of only labelled examples teaches a model to
    over-claim. The rest is distributed by weight with systematic sampling: the numbers differ from exact shares by less
    than one.
    """
    plan = array("I", bytes(4 * len(weights)))
    labelled = sum(weight >= 0 for weight in weights)
    total = sum(weight for weight in weights if weight >= 0)
    scale = labelled / total if total else 0.0
    unit = added / len(weights) if len(weights) else 0.0
    start, reached, planned = Draws.of(seed, "copies").uniform(), 0.0, 0
    for number, weight in enumerate(weights):
        reached += 1.0 if weight < 0 or not total else weight * scale
        upto = min(added, int(reached * unit + start)) if number + 1 < len(weights) else added
        plan[number] = upto - planned
        planned = upto
    return plan
