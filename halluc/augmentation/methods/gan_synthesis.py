"""A sequence GAN that writes labelled text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import MethodConfig, Rejected, Synthesizer, Workspace
from halluc.augmentation.models.gan.config import AdversarialConfig, CollapseConfig, LikelihoodConfig
from halluc.core.edits import Editable
from halluc.core.rng import Draws

if TYPE_CHECKING:
    from halluc.augmentation.models.gan.synthesis import GanModel

Temperature = Annotated[float, Field(ge=0.1, le=10)]


class GanSynthesisConfig(MethodConfig):
    type: Literal["gan_synthesis"]
    variant: Literal["seqgan", "relgan"] = Field(
        default="relgan",
        description="seqgan: policy gradient with rollouts (Yu et al. 2017); relgan: relativistic loss on "
        "Gumbel-softmax samples (Nie et al. 2019)",
    )
    vocabulary: int = Field(default=3000, ge=50, le=100_000, description="maximum number of word pieces")
    longest: int = Field(
        default=64,
        ge=4,
        le=1024,
        description="maximum number of word pieces and label tokens of an example; longer training examples are not "
        "used, longer samples are rejected",
    )
    embedding: int = Field(default=128, ge=4, le=4096, description="width of the embeddings of the generator")
    width: int = Field(default=256, ge=4, le=4096, description="width of the LSTM of the generator")
    filters: int = Field(default=64, ge=4, le=1024, description="convolutions of each width in the discriminator")
    likelihood: LikelihoodConfig = Field(default=LikelihoodConfig(), description="maximum-likelihood pre-training")
    adversarial: AdversarialConfig = Field(default=AdversarialConfig(), description="adversarial training")
    collapse: CollapseConfig = Field(
        default=CollapseConfig(), description="when adversarial training stops and the last good state is restored"
    )
    sample_from: Literal["gan", "likelihood", "better"] = Field(
        default="gan",
        description="gan; likelihood: the generator with only maximum-likelihood training; better: likelihood, "
        "unless the GAN is better",
    )
    temperature: Temperature | None = Field(
        default=None,
        description="temperature of sampling; null: the one of `temperatures` that is best on held-out examples",
    )
    temperatures: tuple[Temperature, ...] = Field(
        default=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        min_length=1,
        max_length=50,
        strict=False,
        description="temperatures at which the GAN and likelihood alone are compared on held-out examples",
    )


class GanSynthesis(Synthesizer):
    """Writes new labelled sentences by a sequence GAN (SeqGAN or RelGAN) that is conditional on labels.

    A generator (LSTM) is trained by likelihood on word pieces with label tokens, then against a convolutional
    discriminator. If that collapses, training stops and the last good generator is restored. The generator trained only
    by likelihood is always compared with it (Caccia et al. 2020), and the manifest says which one is better.
    """

    Config: ClassVar[type[MethodConfig]] = GanSynthesisConfig
    uses_model: ClassVar[bool] = True

    def __init__(self, config: GanSynthesisConfig) -> None:
        self.config = config
        self._model: GanModel | None = None

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Train the GAN, or load it if it was trained before on the same examples.

        Raises:
            OptionError C147: every example has locked words. D144: too few examples. D145: the training diverges.
            HallucError E401: the fitted model cannot be written.
        """
        from halluc.augmentation.models.gan.synthesis import fit

        self._model = fit(self.config, examples, workspace)

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        assert self._model is not None, "it is fitted first"
        return self._model.sample(like, draws)

    def facts(self) -> dict[str, Any]:
        return {} if self._model is None else self._model.facts
