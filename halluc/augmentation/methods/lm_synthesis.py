"""A language model that writes labelled sentences: DAGA (Ding et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from halluc.augmentation.methods.base import (
    MethodConfig,
    OptionError,
    Rejected,
    Synthesizer,
    Workspace,
    refuse_all_locked,
)
from halluc.augmentation.models.causal_config import LmSynthesisConfig
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import Draws

if TYPE_CHECKING:
    from halluc.augmentation.models.language_model import LanguageModel

FEWEST_EXAMPLES = 50


class LmSynthesis(Synthesizer):
    """Writes new labelled sentences with a language model that is trained on the training split (DAGA).

    Labels are written into the token stream (Ding et al. 2020); here a mention is enclosed in label tokens, and the
    tokens at the beginning are the labels of the text. A sample gets the labels of the example that it replaces, so
    that the share of sentences without mentions stays the same. Samples that are not a valid example, or have other
    labels, are rejected.
    """

    Config: ClassVar[type[MethodConfig]] = LmSynthesisConfig
    uses_model: ClassVar[bool] = True

    def __init__(self, config: LmSynthesisConfig) -> None:
        self.config = config
        self._model: LanguageModel | None = None

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Train the model, or load the one trained with the same data and settings.

        Raises:
            OptionError C147: every example has locked words. D144: fewer than 50 examples. D142: an unlabelled file
                without text. E420: a package is missing. HallucError E401, E410, E411, T101, T102.
        """
        from halluc.augmentation.models.labelled_stream import refuse_locked
        from halluc.augmentation.models.language_model import LanguageModel

        read = locked = 0
        for example in examples:
            read += 1
            try:
                refuse_locked(example)
            except Rejected:
                locked += 1
        refuse_all_locked(read, locked)
        if read < FEWEST_EXAMPLES:
            message = f"{read} training examples are too few for a language model, which needs {FEWEST_EXAMPLES}"
            help = "use a larger training split, or remove this method"
            raise OptionError("type", "D144", message, help, EXIT_DATA)
        self._model = LanguageModel.fitted(self.config, examples, workspace)

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        assert self._model is not None, "call `fit` first"
        return self._model.sample_many(like, draws)

    def facts(self) -> dict[str, Any]:
        return {} if self._model is None else self._model.facts
