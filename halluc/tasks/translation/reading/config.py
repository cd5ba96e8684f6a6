"""The keys of ``data`` of translation."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from halluc.config.section import Reference, Text
from halluc.data.config import Column, DataConfig
from halluc.data.rows.compressed import unpacked_name
from halluc.data.rows.references import DEMO, HUB, SPLITS, SplitName
from halluc.data.rows.row import Format
from halluc.data.tokenization import TokenizationKeys, Tokenize

# Files of records, which are not parallel lines.
_RECORDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab", ".tmx", ".parquet", ".arrow")


class ParallelConfig(DataConfig, TokenizationKeys):
    task: ClassVar[str] = "translation"
    formats: ClassVar[tuple[Format, ...]] = ("jsonl", "json", "csv", "table", "hub", "tmx", "text")
    field_keys: ClassVar[tuple[str, ...]] = ("source_field", "target_field")
    train_target: Reference | None = Field(
        default=None,
        description="a file with the translations of `train`, one per line; `train` then has the sources, one per line",
    )
    dev_target: Reference | None = Field(default=None, description="the same for `dev`")
    test_target: Reference | None = Field(default=None, description="the same for `test`")
    source_field: Column = Field(
        default="source", description="the field of the source text, such as `source`, or `translation.en`"
    )
    target_field: Column = Field(
        default="target", description="the field of the translation, a text or a list of references"
    )
    source_language: Text | None = Field(
        default=None,
        description="code of the source language, such as `en`; in `translation: {en: …, de: …}` and in TMX it "
        "selects the source; null: the first language",
    )
    target_language: Text | None = Field(
        default=None, description="code of the target language; null: the second language"
    )
    tokenize: Tokenize = Field(
        default="words",
        description="how sources are split into tokens: words and punctuation, white space, or characters",
    )

    def target_of(self, split: SplitName) -> str | None:
        """The file of the translations of a split; a held-out split uses that of train."""
        given: str | None = getattr(self, f"{'train' if self.is_held_out(split) else split}_target")
        return given

    def extra_files(self, split: SplitName) -> tuple[str, ...]:
        target = self.target_of(split)
        return () if target is None else (target,)

    @model_validator(mode="after")
    def _files_are_pairs(self) -> Self:
        for split in SPLITS:
            if getattr(self, f"{split}_target") is not None and getattr(self, split) is None:
                raise ValueError(f"`data.{split}_target` needs `data.{split}`, the file with the sources")
            for key in (split, f"{split}_target") if getattr(self, f"{split}_target") is not None else ():
                name = unpacked_name(getattr(self, key))
                if name.startswith((DEMO, HUB)) or name.endswith(_RECORDS):
                    raise ValueError(
                        f"`data.{key}` must be a plain text file, one text per line, because `data.{split}_target` is "
                        "set: remove the latter, or convert the file"
                    )
        if self.source_field == self.target_field:
            raise ValueError("`data.source_field` and `data.target_field` are the same: they must differ")
        if self.source_language is not None and self.source_language == self.target_language:
            raise ValueError("`data.source_language` and `data.target_language` are the same: they must differ")
        return self
