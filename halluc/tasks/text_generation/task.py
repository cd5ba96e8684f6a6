"""What the tasks have alike whose model writes a text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from halluc.config.section import Section


class GenerationTask:
    """A subclass names itself and its config, and sets its parts."""

    name: ClassVar[str]
    head: ClassVar[tuple[str, ...]] = ("ForConditionalGeneration",)
    Config: ClassVar[type[Section]]

    def __init__(self, config: Any) -> None:
        self.config = config

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> Self:
        return cls(cls.Config.model_validate({"type": cls.name}))
