"""A language model that writes labelled sentences: DAGA (Ding et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from halluc.augmentation.methods.base import (
    MethodConfig,
    ModelSynthesizer,
    Workspace,
    refuse_all_locked,
    refuse_too_few,
)
from halluc.augmentation.models.causal_config import LmSynthesisConfig
from halluc.core.edits import Editable

FEWEST_EXAMPLES = 50


class LmSynthesis(ModelSynthesizer):
    """Writes new labelled sentences with a language model that is trained on the training split (DAGA).

    Labels are written into the token stream (Ding et al. 2020); here a mention is enclosed in label tokens, and the
    tokens at the beginning are the labels of the text. A sample gets the labels of the example that it replaces, so
    that the share of sentences without mentions stays the same. Samples that are not a valid example, or have other
    labels, are rejected.
    """

    Config: ClassVar[type[MethodConfig]] = LmSynthesisConfig

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Train the model, or load the one trained with the same data and settings.

        Raises:
            OptionError C147: every example has locked words. D144: fewer than 50 examples. D142: an unlabelled file
                without text. E420: a package is missing. HallucError E401, E410, E411, T101, T102.
        """
        from halluc.augmentation.models.labelled_stream import has_locked_words
        from halluc.augmentation.models.language_model import LanguageModel

        is_locked = [has_locked_words(example) for example in examples]
        refuse_all_locked(len(is_locked), sum(is_locked))
        refuse_too_few(len(is_locked), FEWEST_EXAMPLES, "a language model")
        self.model = LanguageModel.fit_or_load(self.config, examples, workspace)
