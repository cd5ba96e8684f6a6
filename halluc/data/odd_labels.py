"""Labels that are perhaps not meant so: two for one, and one for every example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

# So many labels with one example each are no chance; and so many are named.
_LEAST, _MOST_NAMED = 10, 5


def odd_labels(splits: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """What to tell of the labels of each split, with their counts."""
    total = Counter({label: 0 for labels in splits.values() for label in labels})
    for labels in splits.values():
        total.update(labels)
    alike: dict[str, list[str]] = {}
    for label in sorted(total):
        alike.setdefault("".join(label.split()).casefold(), []).append(label)
    several = [labels for labels in alike.values() if len(labels) > 1]
    if several:
        listed = "; ".join(
            " and ".join(f"`{one}` ({total[one]:,})" for one in labels) for labels in several[:_MOST_NAMED]
        )
        more = f"; and {len(several) - _MOST_NAMED:,} more" if len(several) > _MOST_NAMED else ""
        yield f"labels that differ in case or blanks alone: {listed}{more}; are they one label?"
    train = splits.get("train", {})
    if len(train) >= _LEAST and max(train.values()) == 1:
        yield f"train: each of its {len(train):,} labels stands there once; is it the label that is read?"
