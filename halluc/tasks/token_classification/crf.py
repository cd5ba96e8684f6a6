"""A linear-chain conditional random field over the tags of a sentence (Lafferty et al. 2001): exact likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy
import torch
from safetensors.numpy import save_file

from halluc.core.labels import scheme_of
from halluc.engine.references import ModelSource
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.token_classification.viterbi import CRF_FILE, SavedChain, Transitions, transitions

# Added to the scores of illegal transitions: its exponential is 0 in float32, and unlike infinity it causes no NaN.
_ILLEGAL = -1e4
# Transition scores are the parameters multiplied by this: their learning rate is higher than that of the encoder.
_RATE = 30.0


class Chains(NamedTuple):
    """Runs of words, padded: logits (chains, words, tags), targets and mask of words, both (chains, words), and whether
    a chain begins and ends with its sentence, both (chains,)."""

    logits: torch.Tensor
    targets: torch.Tensor
    mask: torch.Tensor
    begins: torch.Tensor
    ends: torch.Tensor


class LinearChain(torch.nn.Module):
    """Scores of the transitions between tags, of tags that begin a sentence and of tags that end one.

    Transitions that are illegal in the tag scheme are impossible. A sequence y of a sentence with logits e has the
    score ``start[y_1] + sum_t e[t, y_t] + sum_t step[y_t-1, y_t] + end[y_n]``.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        super().__init__()
        scheme = scheme_of(tags)
        assert scheme is not None, "a model that halluc builds has IOB2 tags"
        self.tags = tuple(tags)
        count = len(self.tags)
        self.start = torch.nn.Parameter(torch.zeros(count))
        self.step = torch.nn.Parameter(torch.zeros(count, count))
        self.end = torch.nn.Parameter(torch.zeros(count))
        for name, legal in transitions(self.tags, scheme)._asdict().items():
            self.register_buffer(f"{name}_penalty", torch.from_numpy((~legal) * _ILLEGAL).float(), persistent=False)

    def scores(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Start (tags,), step (tags before, tags) and end (tags,), the illegal ones very low."""
        results = []
        for name in Transitions._fields:
            parameter = getattr(self, name)
            # The gradient is not multiplied, because gradient clipping uses its norm.
            results.append(parameter + (_RATE - 1) * parameter.detach() + getattr(self, f"{name}_penalty"))
        return results[0], results[1], results[2]

    def loss(self, chains: Chains) -> torch.Tensor:
        """The negative log-likelihood of the targets, summed, in nats; a word without a target may have any tag."""
        logits = chains.logits.float()
        known = (chains.targets != UNLABELLED) & chains.mask
        gold = torch.nn.functional.one_hot(chains.targets.clamp(min=0), logits.shape[-1]).bool() | ~known[..., None]
        return (self._log_sums(logits, chains) - self._log_sums(logits.masked_fill(~gold, _ILLEGAL), chains)).sum()

    def _log_sums(self, logits: torch.Tensor, chains: Chains) -> torch.Tensor:
        """The log of the summed exponential scores of all sequences (forward algorithm), (chains,)."""
        start, step, end = self.scores()
        total = logits[:, 0] + start * chains.begins[:, None]
        for place in range(1, logits.shape[1]):
            reached = torch.logsumexp(total[:, :, None] + step, dim=1) + logits[:, place]
            total = torch.where(chains.mask[:, place, None], reached, total)
        return torch.logsumexp(total + end * chains.ends[:, None], dim=-1)

    def weights(self) -> Transitions:
        """The scores as arrays of doubles, minus infinity where a transition is illegal."""
        parts = (part.detach().double().cpu().numpy() for part in self.scores())
        return Transitions(*(numpy.where(part <= _ILLEGAL / 2, -numpy.inf, part) for part in parts))

    def save_own_file(self, folder: Path) -> None:
        """Write ``crf.safetensors``: start, step and end as in ``weights``."""
        save_file(self.weights()._asdict(), folder / CRF_FILE)

    def read(self, source: ModelSource) -> None:
        """Load the file of ``save_own_file`` from the folder of the model.

        Raises:
            HallucError E411: the file is missing or damaged, or has other tags.
        """
        for name, scores in SavedChain.read(source, self.tags).transitions._asdict().items():
            getattr(self, name).data.copy_(torch.from_numpy(scores).nan_to_num(neginf=0.0) / _RATE)
