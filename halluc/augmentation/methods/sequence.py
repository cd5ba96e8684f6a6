"""Several methods, one after the other, on the same example."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Several
from typing import Any, ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Changed, Lexicon, MethodConfig, Rejected, Workspace, build
from halluc.core.edits import Editable
from halluc.core.rng import Draws


class SequenceConfig(MethodConfig):
    type: Literal["sequence"]
    methods: list[Any] = Field(
        min_length=1, max_length=100, description="the methods, in order, each with its own keys"
    )


class Sequence(Augmenter):
    """Chains methods: each gets the result of the previous one."""

    Config: ClassVar[type[MethodConfig]] = SequenceConfig

    def __init__(self, config: SequenceConfig, training: Lexicon) -> None:
        self.steps = [build(step, training) for step in config.methods]
        # If one step changes words, the result is compared by its words.
        self.changes_form_only = all(step.changes_form_only for step in self.steps)  # type: ignore[misc]
        self.uses_model = any(step.uses_model for step in self.steps)  # type: ignore[misc]

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        for step in self.steps:
            step.fit(examples, workspace)

    def facts(self) -> dict[str, Any]:
        named = {f"{number}.{step.config.type}": step.facts() for number, step in enumerate(self.steps, 1)}  # type: ignore[attr-defined]
        return {name: facts for name, facts in named.items() if facts}

    def close(self) -> None:
        for step in self.steps:
            step.close()

    def change_many(self, examples: Several[Editable], draws: Several[Draws]) -> list[Changed | Rejected]:
        results: list[Changed | Rejected] = [Changed(example, ()) for example in examples]
        for step in self.steps:
            going = [(number, one) for number, one in enumerate(results) if isinstance(one, Changed)]
            after = step.change_many([one.edited for _, one in going], [draws[number] for number, _ in going])
            for (number, before), one in zip(going, after, strict=True):
                results[number] = one if isinstance(one, Rejected) else Changed(one.edited, before.steps + one.steps)
        return results
