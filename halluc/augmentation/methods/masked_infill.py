"""Words filled in by a masked language model: context words, or the words of mentions (MELM; Zhou et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.methods.base import (
    Augmenter,
    Changed,
    Lexicon,
    OptionError,
    Rate,
    RateConfig,
    Rejected,
    Workspace,
)
from halluc.config.section import DISTINCT, Reference, Section, Text
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import Draws

if TYPE_CHECKING:
    from halluc.augmentation.models.masked import MaskedFiller

FEWEST_TEXTS = 20


class MaskedFitConfig(Section):
    """How the masked language model is trained before it fills in words."""

    epochs: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="maximum number of epochs, each with new masks; null: enough for 20,000 texts, 3 to 30",
    )
    texts: Annotated[list[Reference], Field(max_length=100), DISTINCT] = Field(
        default=[],
        description="unlabelled text files for training, in addition to the training split: one sentence per "
        "line, split into tokens at white space; .jsonl: the field `tokens` or `text`",
    )
    lines: int = Field(
        default=20_000, ge=1, le=10_000_000, description="maximum number of lines that are read from `texts`"
    )
    patience: int = Field(
        default=2,
        ge=1,
        le=1_000,
        description="early stopping: stop after this many epochs without lower loss on held-out texts",
    )
    learning_rate: float | None = Field(
        default=None, gt=0, le=1, description="peak learning rate; null: 5.0e-5, or 3.0e-4 if the head is random"
    )
    batch_tokens: int = Field(
        default=1_024, ge=1, le=10_000_000, description="batch size in word pieces, without padding"
    )
    held_out: float = Field(
        default=0.05,
        ge=0.001,
        le=0.5,
        description="held-out share of the training split, whose perplexity selects the epoch",
    )
    masked: float = Field(
        default=0.15, gt=0, le=0.9, description="share of the words outside mentions that are masked in training"
    )
    masked_mentions: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="share of the words of mentions that are masked in training; only if mentions are filled",
    )


class MaskedInfillConfig(RateConfig):
    type: Literal["masked_infill"]
    model: Reference = Field(
        description="a masked language model: a folder, `hub:NAME@REVISION`, or `package:IMPORT_NAME/FOLDER`"
    )
    fill: Literal["context", "mentions", "both"] = Field(
        default="context",
        description="context: words outside mentions; mentions: words of mentions, given their label (MELM), which "
        "needs `fit`",
    )
    fit: MaskedFitConfig | None = Field(
        default=None,
        description="train the model on the training split first; needed if its masked-LM head has no weights. null: "
        "no training",
    )
    mention_rate: Rate = Field(
        default=0.5, description="average share of the words of mentions that are filled (at least one word)"
    )
    label_words: Annotated[dict[Text, Text], Field(max_length=20_000)] = Field(
        default={},
        description="words that describe a label, such as {PER: person}: the embeddings of its markers are "
        "initialised with them. Default: the label itself, with common abbreviations written out",
    )
    function_words: bool = Field(
        default=False, description="whether English function words (the, not, by) are also replaced and inserted"
    )
    temperature: float = Field(
        default=1.0,
        ge=0.05,
        le=10,
        description="temperature: below 1 insertions are less diverse, above 1 more diverse",
    )
    top_k: int = Field(
        default=10, ge=0, le=100_000, description="sample only from this many most probable words; 0: all"
    )
    longest: int = Field(
        default=128,
        ge=32,
        le=4_096,
        description="maximum number of word pieces per input; longer texts are split",
    )

    @property
    def fills_context(self) -> bool:
        return self.fill != "mentions"

    @property
    def fills_mentions(self) -> bool:
        return self.fill != "context"

    @model_validator(mode="after")
    def _mentions_need_a_fit(self) -> MaskedInfillConfig:
        if self.fills_mentions and self.fit is None:
            raise ValueError(f"`fill: {self.fill}` needs `fit`: the model must learn the labels, as in `fit: {{}}`")
        return self


class MaskedInfill(Augmenter):
    """Replaces words by what a masked language model puts there: context words, or words of mentions (MELM).

    All pieces of a word are masked together, and only whole words of letters replace it, in its case, never the same
    word nor a neighbouring one. Words that the training split has only in mentions are not used outside of mentions.
    For mentions the model is trained with markers of the label around each of their words (Zhou et al. 2022).
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
        self._filler = MaskedFiller.ready(self.config, self._training, examples, workspace)

    def change(self, example: Editable, draws: Draws) -> Changed:
        (made,) = self.change_many([example], [draws])
        if isinstance(made, Rejected):
            raise made
        return made

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        assert self._filler is not None, "it is fitted first"
        return list(self._filler.change_many(examples, draws))

    def facts(self) -> dict[str, Any]:
        return {} if self._filler is None else self._filler.facts
