"""Back-translation as in Sennrich et al. 2016: synthetic sources for target texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.methods.base import MethodConfig, OptionError, Rejected, Synthesizer, Workspace, errors_of_key
from halluc.augmentation.models.cached_answers import cached_answers
from halluc.augmentation.models.plain_texts import TextPool, length_key, refuse_missing, text_lines
from halluc.augmentation.translation.config import EngineConfig
from halluc.augmentation.translation.engine import as_line, open_engine, translate_lines
from halluc.config.section import DISTINCT, ExampleCount, PositiveShare, Reference
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import Draws

_COUNTS = ("lines", "texts", "repeated", "empty", "unchanged", "length", "kept")


class SyntheticSourceConfig(MethodConfig):
    type: Literal["synthetic_source"]
    model: Reference | None = Field(
        default=None, description="what translates: a run of the same task, trained in the other direction"
    )
    engine: EngineConfig | None = Field(
        default=None,
        description="what translates instead of `model`: an engine of `back_translation`. Its direction is that from "
        "the language of the targets to that of the sources; of two only `forward` is used",
    )
    texts: Annotated[list[Reference], Field(min_length=1, max_length=1_000), DISTINCT] | None = Field(
        default=None,
        description="text files in the language of the targets, one text per line, optionally compressed; null: the "
        "targets of the training split",
    )
    most: ExampleCount = Field(default=100_000, description="the number of lines that are read of `texts`")
    length_min: PositiveShare = Field(
        default=0.5, description="least length of a source, as a share of the target's tokens"
    )
    length_max: float = Field(
        default=2.0, ge=1, le=100, description="maximum length, relative to the number of tokens of the original"
    )

    @model_validator(mode="after")
    def _has_one_translator(self) -> SyntheticSourceConfig:
        if (self.model is None) == (self.engine is None):
            raise ValueError("`synthetic_source` needs either `model`, a run, or `engine`")
        return self


class SyntheticSource(Synthesizer):
    """Adds pairs of a real target and a source that was translated from it (Sennrich et al. 2016).

    A new example has the target of the example that it replaces, or a line of ``texts`` at about the same quantile of
    length.
    """

    Config: ClassVar[type[MethodConfig]] = SyntheticSourceConfig
    uses_model: ClassVar[bool] = True

    def __init__(self, config: SyntheticSourceConfig) -> None:
        """
        Raises:
            OptionError D101: a file does not exist, or is not a regular file.
        """
        self.config = config
        self._counts: Counter[str] = Counter()
        self._facts: dict[str, Any] = {}
        self._by_target: dict[str, Editable] = {}
        self._places: dict[str, str] = {}
        self._pool = TextPool()
        with errors_of_key("texts"):
            refuse_missing(config.texts or (), "texts")

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Translate all texts, and keep those with a usable source.

        Raises:
            OptionError C103: no training example has a target text, or the model is of another task or direction. D146:
                the files have no text. D147: no source is usable. Others: the engine or model cannot be loaded.
                HallucError D104, D114: a line that cannot be read.
        """
        targets: dict[str, None] = {}
        for example in examples:
            targets[example.target] = None
            self._pool.keys.append(length_key(example))
        targets.pop("", None)
        if not targets:
            message = "no training example has a target text: there is nothing to translate"
            raise OptionError("type", "C103", message, "this method is for tasks whose model writes a text")
        texts = list(targets) if self.config.texts is None else list(self._new_texts(targets))
        if not texts:
            named = ", ".join(self.config.texts or ())
            raise OptionError("texts", "D146", f"{named}: no text that is not a training target", None, EXIT_DATA)
        assert workspace.tokens is not None, "set by the workflow"
        for target, source in zip(texts, self._translate(texts, workspace), strict=True):
            tokens = workspace.tokens(source)
            # If tokens were normalised, the text is made of them.
            text = source if "".join(tokens) == "".join(source.split()) else " ".join(tokens)
            pair = Editable(tokens, target=target, text=text)
            reason = self._fault(pair, len(workspace.tokens(target)))
            self._counts[reason or "kept"] += 1
            if reason is None:
                self._by_target[target] = pair
        self._counts["texts"] = len(texts)
        if not self._by_target:
            phrase = ", ".join(f"{self._counts[name]:,} {name}" for name in ("empty", "unchanged", "length"))
            key = "engine" if self.config.model is None else "model"
            help = "does it translate from the language of the targets to that of the sources?"
            raise OptionError(
                key, "D147", f"of {len(texts):,} translations none can be used: {phrase}", help, EXIT_DATA
            )
        self._pool.texts = list(self._by_target.values())
        self._pool.sort()

    def _new_texts(self, targets: Iterable[str]) -> Iterator[str]:
        """The lines of the files that are not a training target, each once."""
        seen = {as_line(target) for target in targets}
        for line in islice(text_lines(self.config.texts or ()), self.config.most):
            self._counts["lines"] += 1
            text = as_line(line.text)
            if text and text not in seen:
                seen.add(text)
                self._places[text] = line.place
                yield text
            else:
                self._counts["repeated"] += bool(text)

    def _translate(self, texts: Sequence[str], workspace: Workspace) -> list[str]:
        lines = [as_line(text) for text in texts]
        if self.config.model is not None:
            assert workspace.translator is not None, "set by the workflow"
            with errors_of_key("model"):
                translator = workspace.translator(self.config.model)
            self._facts = {"model": self.config.model}
            answers = cached_answers(
                lines, translator, workspace.folder, name="synthetic-source", file="sources.jsonl", doing="translating"
            )
            return [as_line(str(answer)) for answer in answers]
        assert self.config.engine is not None, "either `model` or `engine` is set"
        engine = open_engine(self.config.engine, allow_commands=workspace.allow_commands)
        self._facts = {key: value for key, value in engine.facts.items() if key != "backward"}
        try:
            return translate_lines(engine.forward, lines, [Draws.of("synthetic_source", line) for line in lines])
        finally:
            engine.close()

    def _fault(self, pair: Editable, length: int) -> str | None:
        """Why a pair is rejected; ``length`` is that of the target in tokens."""
        if not pair.tokens:
            return "empty"
        if pair.text.casefold() == as_line(pair.target).casefold():
            return "unchanged"
        ratio = len(pair.tokens) / max(1, length)
        return None if self.config.length_min <= ratio <= self.config.length_max else "length"

    def sample(self, like: Editable, draws: Draws) -> Editable:
        if any(start == end for start, end in like.locked):
            raise Rejected("several parts")
        if self.config.texts is not None:
            return self._pool.draw(like, draws)
        if like.target not in self._by_target:
            raise Rejected("no translation")
        return self._by_target[like.target]

    def source_of(self, example: Editable) -> str | None:
        return self._places.get(example.target)

    def facts(self) -> dict[str, Any]:
        """The model or engine, and the numbers of lines, texts and translations by outcome."""
        return {**self._facts, **{name: self._counts[name] for name in _COUNTS}} if self._counts else {}
