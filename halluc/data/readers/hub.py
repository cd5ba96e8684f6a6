"""Data sets of the Hugging Face hub, through ``datasets`` (the extra ``hub``)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.config.bounds import Text
from halluc.core import hub
from halluc.core.errors import HallucError, cut, environment_error
from halluc.data.readers.base import SPLITS, BadLine, RawSentence, SplitName, TaggedDataConfig

REFERENCE = re.compile(r"hub:(?P<name>[^@#]+)(@(?P<revision>[^#]+))?(#(?P<split>.+))?")
_HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


class HubConfig(TaggedDataConfig):
    format: Literal["hub"]
    subset: Text | None = Field(default=None, description="the data set's configuration, where it has several")
    tokens_field: Text = Field(default="tokens", description="the column of words")
    tags_field: Text = Field(default="ner_tags", description="the column of tags, as text or as class numbers")

    @model_validator(mode="after")
    def _all_on_the_hub(self) -> HubConfig:
        if self.tokens_field == self.tags_field:
            raise ValueError(
                f"`data.tokens_field` and `data.tags_field` are both `{cut(self.tags_field)}`: they must differ"
            )
        for split in SPLITS:
            reference = self.reference(split)
            if reference:
                check_reference(reference, split)
        return self


class HubReader:
    """Data sets of the Hugging Face hub: `hub:NAME@REVISION#SPLIT`; needs the network and the extra `hub`."""

    makes: ClassVar[str] = "token_classification"
    Config: ClassVar[type[TaggedDataConfig]] = HubConfig

    def __init__(self, config: HubConfig) -> None:
        self.config = config

    def read(self, reference: str, split: SplitName) -> Iterator[RawSentence | BadLine]:
        table = load_table(reference, split, self.config.subset)
        for field in (self.config.tokens_field, self.config.tags_field):
            if field not in table.column_names:
                have = ", ".join(table.column_names)
                raise HallucError("C112", f"`{reference}` has no column `{field}`", help=f"it has: {have}")
        names = class_names(table.features[self.config.tags_field])
        if not len(table):
            yield BadLine("D102", reference, 1, "the split is empty")
        for number, row in enumerate(table, 1):
            tokens, tags = row[self.config.tokens_field], row[self.config.tags_field]
            if not tokens or tags is None or len(tokens) != len(tags):
                problem = f"{len(tokens)} tokens but {len(tags or ())} tags" if tokens else "an empty sentence"
                yield BadLine("D108" if tokens else "D106", reference, number, problem)
                continue
            # -1 is how the hub hides the labels of a test split.
            unknown = [tag for tag in tags if names and not (isinstance(tag, int) and 0 <= tag < len(names))]
            if unknown:
                yield BadLine("D121", reference, number, f"{unknown[0]} is no class of `{self.config.tags_field}`")
                continue
            told = tuple(names[tag] if names else str(tag) for tag in tags)
            yield RawSentence(f"{split}-{number}", reference, (number,) * len(tokens), 0, tuple(tokens), tags=told)


def check_reference(reference: str, split: SplitName) -> None:
    """Raises ValueError where a reference has not the form of a data set's name."""
    if not REFERENCE.fullmatch(reference):
        raise ValueError(f"`data.{split}` must be of the form `hub:NAME@REVISION#SPLIT`, not `{reference}`")


def load_table(reference: str, split: SplitName, subset: str | None) -> Any:
    """The rows of a data set of the hub.

    Raises:
        HallucError E402: the package ``datasets`` is not here. E403: the data set is not to be had. E412: it is not in
            the local cache, and the hub cannot be reached.
    """
    try:
        import datasets
    except ImportError:
        help = "pip install 'halluc[hub]'"
        raise environment_error("E402", f"`{reference}` needs the package `datasets`", help) from None
    match = REFERENCE.fullmatch(reference)
    assert match is not None  # the config checked it
    reason = hub.unreachable()
    try:
        with _offline(datasets.config) if reason is not None else contextlib.nullcontext():
            return datasets.load_dataset(
                match["name"], subset, revision=match["revision"], split=match["split"] or _HUB_SPLITS[split]
            )
    except (OSError, ValueError, RuntimeError) as error:
        if reason is not None and isinstance(error, ConnectionError):
            raise hub.not_here(reference, reason) from error
        told = str(error).split("\n", 1)[0]
        help = "is the network there, and are name, revision, subset and split right?"
        raise environment_error("E403", f"cannot load `{reference}`: {told}", help) from error


@contextlib.contextmanager
def _offline(settings: Any) -> Iterator[None]:
    """Have ``datasets`` look in its cache alone, as under HF_DATASETS_OFFLINE, without trying the network again."""
    before, settings.HF_HUB_OFFLINE = settings.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        settings.HF_HUB_OFFLINE = before


def class_names(feature: Any) -> list[str] | None:
    """The names behind class numbers, or None where tags are text."""
    inner = getattr(feature, "feature", feature)
    return getattr(inner, "names", None)
