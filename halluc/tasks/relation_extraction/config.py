"""The keys of ``task`` under ``type: relation_extraction``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from halluc.tasks.mention_masking import MentionLossConfig


class RelationExtractionConfig(MentionLossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset({"mention_masking"})

    type: Literal["relation_extraction"]
    markers: Literal["plain", "typed"] = Field(
        default="plain",
        description="the markers around head and tail. typed: the entity type, if the data has one, follows the "
        "opening marker (Zhou & Chen 2022)",
    )
    representation: Literal["start", "mean", "cls"] = Field(
        default="start",
        description="the hidden states that are classified. start: those of the two opening markers (Baldini Soares "
        "et al. 2019); mean: the mean states of head and tail; cls: only the first state",
    )
