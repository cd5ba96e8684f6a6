"""Statistics of samples of a fitted synthesizer, for the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from halluc.augmentation.methods.base import Rejected
from halluc.augmentation.pipeline.tally import distinct
from halluc.core.edits import Editable
from halluc.core.rng import Draws, keyed_generator

_SHOWN = 20
SampleMany = Callable[[Sequence[Editable], Sequence[Draws]], list[Editable | Rejected]]


def sample_statistics(examples: Sequence[Editable], sample_many: SampleMany, seed: int, count: int) -> dict[str, Any]:
    """Sample replacements of ``count`` training examples, drawn with the seed, and count the results.

    ``rejected`` counts samples that are not a valid example, by reason; ``copied`` those that equal a training example;
    ``new_mentions`` the distinct mentions (text and label) that the training split does not have. ``distinct_2`` is the
    share of distinct bigrams (Li et al. 2016), also of as many training examples. ``samples`` are the first samples,
    with label tokens.
    """
    order = keyed_generator("sample statistics", seed).permutation(len(examples))[:count].tolist()
    like = [examples[number] for number in order]
    samples = sample_many(like, [Draws.of("sample statistics", seed, number) for number in range(len(like))])
    valid = [one for one in samples if isinstance(one, Editable)]
    rejected = Counter(one.reason for one in samples if isinstance(one, Rejected))
    known = {mention for example in examples for mention in _mentions(example)}
    written = {mention for example in valid for mention in _mentions(example)}
    originals = {(example.tokens, example.spans) for example in examples}
    facts: dict[str, Any] = {
        "sampled": len(samples),
        "rejected": dict(sorted(rejected.items())),
        "copied": sum((one.tokens, one.spans) in originals for one in valid),
        "distinct_2": {
            name: distinct([one.tokens for one in some], 2) for name, some in (("training", like), ("sampled", valid))
        },
        "mean_tokens": {"training": _mean_tokens(like), "sampled": _mean_tokens(valid)},
    }
    if known:
        facts["mentions"] = len(written)
        facts["new_mentions"] = len(written - known)
        facts["without_mention"] = {"training": _empty_share(like), "sampled": _empty_share(valid)}
    return {"samples_are_like": {**facts, "samples": [as_text(one) for one in valid[:_SHOWN]]}}


def as_text(example: Editable) -> str:
    """An example on one line, with mentions between label tokens."""
    opens = {start: f"<{label}> " for start, _, label in example.spans}
    closes = {end - 1: f" </{label}>" for _, end, label in example.spans}
    words = (f"{opens.get(at, '')}{token}{closes.get(at, '')}" for at, token in enumerate(example.tokens))
    return " ".join(words)


def _mentions(example: Editable) -> list[tuple[str, tuple[str, ...]]]:
    return [(label, example.tokens[start:end]) for start, end, label in example.spans]


def _mean_tokens(examples: Sequence[Editable]) -> float | None:
    return round(sum(len(one.tokens) for one in examples) / len(examples), 2) if examples else None


def _empty_share(examples: Sequence[Editable]) -> float | None:
    return round(sum(not one.spans for one in examples) / len(examples), 4) if examples else None
