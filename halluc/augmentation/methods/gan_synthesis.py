"""A sequence GAN that writes labelled text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from halluc.augmentation.methods.base import MethodConfig, ModelSynthesizer, Workspace
from halluc.augmentation.models.gan.config import GanSynthesisConfig
from halluc.core.edits import Editable


class GanSynthesis(ModelSynthesizer):
    """Writes new labelled sentences by a sequence GAN (SeqGAN or RelGAN) that is conditional on labels.

    A generator (LSTM) is trained by likelihood on word pieces with label tokens, then against a convolutional
    discriminator. If that collapses, training stops and the last good generator is restored. The generator trained only
    by likelihood is always compared with it (Caccia et al. 2020), and the manifest says which one is better.
    """

    Config: ClassVar[type[MethodConfig]] = GanSynthesisConfig

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Train the GAN, or load it if it was trained before on the same examples.

        Raises:
            OptionError C147: every example has locked words. D144: too few examples. D145: the training diverges.
            HallucError E401: the fitted model cannot be written.
        """
        from halluc.augmentation.models.gan.synthesis import fit

        self.model = fit(self.config, examples, workspace)
