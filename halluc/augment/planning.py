"""How many new examples each training example is to have: the size asked for, spent where the focus says."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from halluc.augment.base import Training
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.gap.stopwords import is_content

# No mention counts for more than this many troubles, lest one name take the whole corpus.
_MOST_HITS = 3


@dataclass(frozen=True)
class Trouble:
    """What an earlier run got wrong on dev: by label the share of its claims and gold that were over-claimed or
    omitted, and how often each content word stands in such a mention of the label."""

    shares: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, mentions: Iterable[tuple[str, str, bool]]) -> Trouble:
        """From (text, label, whether it went wrong) of every claim and every omission."""
        total: dict[str, int] = {}
        wrong: dict[str, int] = {}
        words: dict[tuple[str, str], int] = {}
        for text, label, went_wrong in mentions:
            total[label] = total.get(label, 0) + 1
            if went_wrong:
                wrong[label] = wrong.get(label, 0) + 1
                for word in filter(is_content, text.split()):
                    words[label, word] = words.get((label, word), 0) + 1
        return cls({label: wrong.get(label, 0) / count for label, count in total.items()}, words)


class Focus:
    """Gives an example its weight: how much of the new examples it gets, beside the others.

    ``counts`` says how often each label stands in the training split.
    """

    def __init__(
        self, kind: str, training: Training, counts: Mapping[str, int], trouble: Trouble | None = None
    ) -> None:  # fmt: skip
        self._of = {"uniform": _nothing, "balance": self._rarity, "gap": self._gap}[kind]
        if kind == "gap" and trouble is not None:
            self._of = self._troubled
        self.trouble = trouble or Trouble()
        self.counts = counts
        self.mentions = training.mentions

    def weight(self, example: Editable, labels: Sequence[str]) -> float:
        """The weight of an example with mentions, in units that are its own; -1 for one without.

        Labels of an example without mentions are labels of the whole.
        """
        labelled = example.spans or [Span(0, len(example.tokens), label) for label in labels]
        if not labelled or self._of is _nothing:
            return -1.0
        return sum(self._of(example, span) for span in labelled)

    def _rarity(self, example: Editable, span: Span) -> float:
        return 1 / self.counts[span.label]

    def _gap(self, example: Editable, span: Span) -> float:
        """1 for a mention that training shows once, or with another label too."""
        mention = example.tokens[span.start : span.end]
        seen_once = self.mentions.get(span.label, {}).get(mention) == 1
        confusable = any(mention in of for label, of in self.mentions.items() if label != span.label)
        return float(seen_once or confusable)

    def _troubled(self, example: Editable, span: Span) -> float:
        """The label's share of trouble, and the troubled mentions of the label that share a content word."""
        words = filter(is_content, example.tokens[span.start : span.end])
        hits = sum(self.trouble.words.get((span.label, word), 0) for word in words)
        return self.trouble.shares.get(span.label, 0.0) + min(hits, _MOST_HITS)


def _nothing(example: Editable, span: Span) -> float:
    return 0.0


def copies(weights: array[float], added: int, seed: int) -> array[int]:
    """How many new examples each example gets, ``added`` in all; ``weights`` are those of ``Focus.weight``.

    Examples without mentions keep their share of the corpus: a corpus of nothing but mentions teaches a model to claim
    too much. The rest is shared out by weight. It is systematic sampling: the counts differ from what the weights ask
    for by less than one.
    """
    plan = array("I", bytes(4 * len(weights)))
    bearing = sum(weight >= 0 for weight in weights)
    total = sum(weight for weight in weights if weight >= 0)
    scale = bearing / total if total else 0.0
    unit = added / len(weights) if len(weights) else 0.0
    start, reached, given = Draws.of(seed, "copies").uniform(), 0.0, 0
    for number, weight in enumerate(weights):
        reached += 1.0 if weight < 0 or not total else weight * scale
        upto = min(added, int(reached * unit + start)) if number + 1 < len(weights) else added
        plan[number] = upto - given
        given = upto
    return plan
