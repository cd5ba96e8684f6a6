"""Confidence in an output: its likelihood under the model, or agreement with samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from halluc.tasks.text_generation.encoding import EncodedSequences
from halluc.tasks.text_generation.languages import folded_words
from halluc.tasks.text_generation.statements import EvidenceTexts, Statement

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime


def shares(claims: Sequence[Statement], samples: Sequence[str], language: str) -> tuple[float, ...]:
    """For each claim the share of samples that state it; a sample states a sentence if it contains all of its words in
    sequence."""
    evidence = [EvidenceTexts([sample], [language]) for sample in samples]
    words = [f" {' '.join(folded_words(sample))} " for sample in samples]
    results = []
    for claim in claims:
        if claim.kind == "sentence":
            sequence = f" {' '.join(folded_words(claim.text))} "
            count = sum(sequence in one for one in words)
        else:
            count = sum(one.states(claim.kind, claim.text, language) for one in evidence)
        results.append(count / len(samples))
    return tuple(results)


# The maximum number of logits in memory: half a gigabyte.
_MOST_LOGITS = 1 << 27


def mean_log_probabilities(
    model: torch.nn.Module, encoded: EncodedSequences, budget: int, runtime: Runtime
) -> list[float]:  # fmt: skip
    """``(1/L) sum log p`` of the pieces of each target, including the end piece (Guerreiro et al. 2023)."""
    import torch

    from halluc.engine.inference import forward

    means = [0.0] * len(encoded.examples)
    settings: Any = model.config
    budget = min(budget, max(1, _MOST_LOGITS // settings.vocab_size))
    for batch, logits in forward(model, encoded, budget, runtime):
        of_labels, labels = encoded.predicting_logits(logits, batch), batch.labels
        is_target = labels >= 0
        chosen = of_labels.gather(2, labels.clamp(min=0)[..., None])[..., 0] - torch.logsumexp(of_labels, -1)
        sums = (chosen * is_target).sum(1) / is_target.sum(1).clamp(min=1)
        for index, value in zip(batch.indexes, sums.tolist(), strict=True):
            means[index] = min(0.0, value)
    return means
