"""Cross-entropy of all encoder tasks, by softmax or sigmoid: class weights, label smoothing, focal loss.

torch is imported only when a loss is computed, because commands that start without torch use the config class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from halluc.config.section import MOST_LABELS, Section, Text

if TYPE_CHECKING:
    import torch

# Target that the loss ignores: of padding, special pieces, all but the first piece of a word, and unknown labels.
UNLABELLED = -100
# The maximum weight of a class with `balanced`; the minimum is its inverse.
MOST_BALANCED = 10.0

_ByLabel = dict[Text, Annotated[float, Field(gt=0, le=1_000)]]


def _form(weights: Any) -> str:
    """The form of ``class_weights``, so that an error message refers to the intended form."""
    return "by_label" if isinstance(weights, dict) else "word"


ClassWeights = Annotated[
    Annotated[Literal["none", "balanced"], Tag("word")]
    | Annotated[_ByLabel, Field(max_length=MOST_LABELS), Tag("by_label")],
    Discriminator(_form),
]


class LossConfig(Section):
    """The keys of ``task`` about the loss."""

    type: str
    loss: Literal["cross_entropy", "focal"] = Field(
        default="cross_entropy",
        description="focal: focal loss, which reduces the weight of correct predictions (Lin et al. 2017)",
    )
    focal_gamma: float = Field(
        default=2.0, ge=0, le=100, description="gamma of `loss: focal`: how much their weight is reduced"
    )
    class_weights: ClassWeights = Field(
        default="none",
        description="weights of the classes in the loss. balanced: inverse frequency, limited to .1 to 10; or "
        "weights by label, such as {PER: 2, O: 0.5}; other labels have the weight 1",
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="label smoothing: share of the target that is spread over all classes"
    )

    @model_validator(mode="after")
    def _gamma_requires_focal(self) -> LossConfig:
        if self.focal_gamma != 2.0 and self.loss != "focal":
            raise ValueError("`task.focal_gamma` requires `loss: focal`")
        return self


@dataclass(frozen=True)
class Loss:
    """Computes the loss of examples (tokens, or texts) from their logits.

    ``weights`` has one weight per output; with several labels per example it applies to the presence of the label.
    """

    multi_label: bool = False
    kind: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: float = 2.0
    smoothing: float = 0.0
    weights: tuple[float, ...] | None = None

    @classmethod
    def of(cls, config: LossConfig, weights: tuple[float, ...] | None, *, multi_label: bool = False) -> Loss:
        return cls(multi_label, config.loss, config.focal_gamma, config.label_smoothing, weights)

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of each example.

        Args:
            logits: (examples, outputs).
            labels: (examples,) class numbers; the loss of ``UNLABELLED`` is 0. With several labels per example,
                (examples, outputs) of 0 and 1; the loss is then the mean over outputs.

        Returns:
            (examples,) float32.
        """
        return (self._sigmoid if self.multi_label else self._softmax)(logits.float(), labels, self._weights(logits))

    def summed(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss summed over examples with one label each, a scalar; shapes as above."""
        from torch.nn import functional

        if self.kind == "focal":
            return self(logits, labels).sum()
        # torch's own sum: summing the losses of examples rounds differently, so that earlier trainings would not be
        # reproduced exactly.
        return functional.cross_entropy(
            logits.float(),
            labels,
            self._weights(logits),
            ignore_index=UNLABELLED,
            reduction="sum",
            label_smoothing=self.smoothing,
        )

    def _weights(self, logits: torch.Tensor) -> torch.Tensor | None:
        import torch

        return None if self.weights is None else torch.tensor(self.weights, device=logits.device)

    def _softmax(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        from torch.nn import functional

        losses = functional.cross_entropy(
            logits, labels, weights, ignore_index=UNLABELLED, reduction="none", label_smoothing=self.smoothing
        )
        if self.kind == "focal":
            right = logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[:, None])[:, 0].exp()
            losses = losses * self._focal_factor(right)
        return losses

    def _sigmoid(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        from torch.nn import functional

        smooth = labels * (1 - self.smoothing) + self.smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none", pos_weight=weights)
        if self.kind == "focal":
            losses = losses * self._focal_factor((logits * (2 * labels - 1)).sigmoid())
        return losses.mean(-1)

    def _focal_factor(self, right: torch.Tensor) -> torch.Tensor:
        """The factor of focal loss, from the probability of the correct class.

        The bound avoids an infinite gradient if the probability rounds to 1 and gamma is below 1.
        """
        return (1 - right).clamp(min=1e-12) ** self.gamma


def divergence(logits: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """The mean of both Kullback-Leibler divergences between two softmax distributions, in nats.

    Args:
        logits, others: (…, classes); the result is (…).
    """
    one, other = logits.float().log_softmax(-1), others.float().log_softmax(-1)
    # KL(p || q) + KL(q || p) = sum over (p - q) (log p - log q)
    return ((one.exp() - other.exp()) * (one - other)).sum(-1) / 2


def class_weights(
    config: LossConfig, classes: Sequence[str], gold: Iterable[Collection[str]], *, multi_label: bool = False
) -> tuple[float, ...] | None:
    """The weight of each output; None if all are equal.

    Args:
        classes: the class of each output; outputs of the same class have the same weight.
        gold: the classes of each training example (token, or text); used only for ``balanced``.
    """
    configured = config.class_weights
    if configured == "none" or not configured:
        return None
    weights = balanced_weights(gold, multi_label=multi_label) if configured == "balanced" else configured
    return tuple(weights.get(name, 1.0) for name in classes)


def balanced_weights(gold: Iterable[Collection[str]], *, multi_label: bool = False) -> dict[str, float]:
    """Weights of classes by inverse frequency, from .1 to 10.

    With one label per example ``n / (k * n_c)``, for ``n`` examples of ``k`` classes and ``n_c`` of this one; with
    several, the number of examples without the label divided by the number with it.
    """
    count: Counter[str] = Counter()
    examples = 0
    for names in gold:
        count.update(names)
        examples += 1
    rarity = {name: (examples - n if multi_label else examples / len(count)) / n for name, n in count.items()}
    return {name: min(MOST_BALANCED, max(1 / MOST_BALANCED, weight)) for name, weight in rarity.items()}
