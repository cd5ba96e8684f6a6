"""Words filled in by a masked language model: context words, or the words of mentions (MELM; Zhou et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from halluc.augmentation.methods.base import (
    Augmenter,
    Changed,
    Lexicon,
    OptionError,
    RateConfig,
    Rejected,
    Workspace,
)
from halluc.augmentation.models.masked_config import MaskedInfillConfig
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import Draws

if TYPE_CHECKING:
    from halluc.augmentation.models.masked import MaskedFiller

FEWEST_TEXTS = 20


class MaskedInfill(Augmenter):
    """Replaces words by what a masked language model puts there: context words, or words of mentions (MELM).

    All pieces of a word are masked together. It is replaced by a whole word of letters in its case, never by itself or
    a neighbouring word. Words that the training split has only in mentions are not used outside of mentions. For
    mentions the model is trained with markers of the label around each of their words (Zhou et al. 2022).
    """

    Config: ClassVar[type[RateConfig]] = MaskedInfillConfig
    uses_model: ClassVar[bool] = True
    learns: ClassVar[frozenset[Literal["words"]]] = frozenset({"words"})

    def __init__(self, config: MaskedInfillConfig, training: Lexicon) -> None:
        self.config = config
        self._training = training
        self._filler: MaskedFiller | None = None

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Load the model, train it, or load the one trained with the same data and settings.

        Raises:
            OptionError C147: there are no mentions to fill. D144: fewer than 20 texts to train on. D142: a file without
                text. E411: the model has no mask token, or no weights for its head. HallucError E401, E410, E411, E412,
                T101, T102.
        """
        from halluc.augmentation.models.masked import MaskedFiller

        if self.config.fit is not None:
            read = mentions = 0
            for example in examples:
                read, mentions = read + bool(example.tokens), mentions + len(example.spans)
            if self.config.fill == "mentions" and not mentions:
                message = "`fill: mentions` has nothing to fill: the training split has no mentions"
                raise OptionError("fill", "C147", message, "set `fill: context`")
            if read < FEWEST_TEXTS:
                message = f"{read} training examples are too few: `fit` needs {FEWEST_TEXTS}"
                help = "use a larger training split, or remove this method"
                raise OptionError("fit", "D144", message, help, EXIT_DATA)
        self._filler = MaskedFiller.fit_or_load(self.config, self._training, examples, workspace)

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        assert self._filler is not None, "call `fit` first"
        return list(self._filler.change_many(examples, draws))

    def facts(self) -> dict[str, Any]:
        return {} if self._filler is None else self._filler.facts
