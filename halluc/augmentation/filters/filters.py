"""What rejects a candidate. Each filter is told the training split, and dev and test where it asks for them, before
the first candidate; those with a memory are asked in the order of the examples, whoever made the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.filters import text_hashes
from halluc.augmentation.filters.minhash import bands
from halluc.augmentation.filters.text_hashes import HashSet
from halluc.augmentation.methods.base import Rate, Workspace
from halluc.components import TABLE
from halluc.config.section import Section
from halluc.core import registry
from halluc.core.edits import Editable
from halluc.gap.novelty import MENTIONS, NoveltyUnits
from halluc.task import Examples

FILTER = "filter"

Keys = tuple[int, ...]


@dataclass
class Candidate:
    """A new example before it is taken: what it was made from, and how.

    ``form_only``: only the writing of its words was changed (case, noise). ``is_copy``: it is meant to be equal.
    ``source`` is the example of the task that ``parent`` was made from. ``sampled``: it was made from nothing;
    ``parent`` is the example whose place it takes.
    """

    parent: Editable
    edited: Editable
    form_only: bool
    is_copy: bool
    source: Any = None
    sampled: bool = False

    @cached_property
    def exact(self) -> int:
        return text_hashes.exact(self.edited.tokens)

    @cached_property
    def normalised(self) -> int:
        return text_hashes.normalised(self.edited.tokens)


class Filter:
    """Rejects candidates; ``keys`` and ``memory`` are for those that compare candidates with each other. ``units``
    are what novelty is measured in. Where ``uses_model``, many candidates are asked about at a time (``results``), and
    after all other filters."""

    Config: ClassVar[type[Section]]
    uses_model: ClassVar[bool] = False
    config: Any
    memory: HashSet | None = None
    units: NoveltyUnits = MENTIONS

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def name(self) -> str:
        return str(self.config.type)

    def see(self, example: Editable) -> None:
        """Take note of an example of the training split."""

    def see_held_out(self, example: Editable) -> None:
        """Take note of an example of dev or test."""

    def fit(self, examples: Examples[Any, Any], workspace: Workspace) -> None:
        """Make ready what judges candidates of the task.

        Raises:
            OptionError: it cannot be had.
        """

    def refuses(self, candidate: Candidate) -> bool:
        """Whether it is rejected for itself, whatever other candidates there are."""
        return False

    def results(self, candidates: Sequence[Candidate]) -> list[Editable | None]:
        """What becomes of each candidate: as it is, with other labels, or None if it is rejected."""
        return [None if self.refuses(one) else one.edited for one in candidates]

    def keys(self, candidate: Candidate) -> Keys:
        """What it must share with no candidate that was taken before."""
        return ()


class UnchangedConfig(Section):
    type: Literal["unchanged"]


class Unchanged(Filter):
    """Rejects a candidate that equals what it was made from."""

    Config: ClassVar[type[Section]] = UnchangedConfig

    def refuses(self, candidate: Candidate) -> bool:
        return not candidate.is_copy and candidate.edited.tokens == candidate.parent.tokens


class DuplicateFilterConfig(Section):
    type: Literal["duplicate"]


class DuplicateFilter(Filter):
    """Rejects a candidate that equals a training example or another candidate, exactly or after normalisation."""

    Config: ClassVar[type[Section]] = DuplicateFilterConfig

    def __init__(self, config: DuplicateFilterConfig) -> None:
        self.config = config
        # Two sets: what was taken grows in one process only, and `refuses` must say the same in all.
        self.training = HashSet()
        self.memory: HashSet = HashSet()

    def see(self, example: Editable) -> None:
        self.training.update((text_hashes.exact(example.tokens), text_hashes.normalised(example.tokens)))

    def refuses(self, candidate: Candidate) -> bool:
        return any(key in self.training for key in self.keys(candidate))

    def keys(self, candidate: Candidate) -> Keys:
        if candidate.is_copy:
            return ()
        return (candidate.exact,) if candidate.form_only else (candidate.exact, candidate.normalised)


class LeakConfig(Section):
    type: Literal["leak"]


class Leak(Filter):
    """Rejects a candidate that equals a dev or test example, exactly or after normalisation, or has its target."""

    Config: ClassVar[type[Section]] = LeakConfig

    def __init__(self, config: LeakConfig) -> None:
        self.config = config
        self.held_out = HashSet()
        self.targets = HashSet()

    def see_held_out(self, example: Editable) -> None:
        self.held_out.add(text_hashes.normalised(example.tokens))
        if example.target:
            self.targets.add(text_hashes.normalised((example.target,)))

    def refuses(self, candidate: Candidate) -> bool:
        # Equal texts are equal after normalisation too.
        if candidate.normalised in self.held_out:
            return True
        target = candidate.edited.target
        return target != candidate.parent.target and text_hashes.normalised((target,)) in self.targets


class LengthRatioConfig(Section):
    type: Literal["length_ratio"]
    min: float = Field(default=0.5, ge=0, le=1, description="the least length, in lengths of what it was made from")
    max: float = Field(
        default=2.0, ge=1, le=1_000, description="the greatest length, in lengths of what it was made from"
    )


class LengthRatio(Filter):
    """Rejects a candidate that is much shorter or longer than what it was made from, in tokens.

    What a synthesizer samples was made from nothing, and passes.
    """

    Config: ClassVar[type[Section]] = LengthRatioConfig

    def refuses(self, candidate: Candidate) -> bool:
        if candidate.sampled:
            return False
        before, after = len(candidate.parent.tokens), len(candidate.edited.tokens)
        return not self.config.min * before <= after <= self.config.max * before


class NearDuplicateConfig(Section):
    type: Literal["near_duplicate"]
    threshold: float = Field(
        default=0.8, gt=0, lt=1, description="the share of common word triples (Jaccard) from which two are alike"
    )


class NearDuplicate(Filter):
    """Rejects a candidate that shares most word triples with another candidate (MinHash; Broder 1997)."""

    Config: ClassVar[type[Section]] = NearDuplicateConfig

    def __init__(self, config: NearDuplicateConfig) -> None:
        self.config = config
        self.memory: HashSet = HashSet()

    def keys(self, candidate: Candidate) -> Keys:
        return () if candidate.is_copy else bands(candidate.edited.tokens, self.config.threshold)


class NoveltyConfig(Section):
    type: Literal["novelty"]
    min: Rate = Field(
        default=0.0,
        description="the least share of its mentions that the training split does not show; of texts without mentions, "
        "of its content words",
    )
    max: Rate = Field(default=1.0, description="the greatest share of them that it does not show")

    @model_validator(mode="after")
    def _in_order(self) -> NoveltyConfig:
        if self.min > self.max:
            raise ValueError(f"the novelty filter's `min: {self.min}` is more than its `max: {self.max}`")
        return self


class Novelty(Filter):
    """Rejects a candidate by the share of its mentions, or of a text's content words, that training does not show.

    One without any passes.
    """

    Config: ClassVar[type[Section]] = NoveltyConfig

    def __init__(self, config: NoveltyConfig) -> None:
        self.config = config
        self.known = HashSet()

    def see(self, example: Editable) -> None:
        self.known.update(map(text_hashes.exact, self.units.of(example)))

    def refuses(self, candidate: Candidate) -> bool:
        units = self.units.of(candidate.edited)
        if not units:
            return False  # sentences without mentions are as needed as others
        new = sum(text_hashes.exact(unit) not in self.known for unit in units) / len(units)
        return not self.config.min <= new <= self.config.max


def build(config: Section, units: NoveltyUnits = MENTIONS) -> Filter:
    """The filter that a config names; ``units`` are what novelty is measured in."""
    made: Filter = registry.load(TABLE, FILTER, config.type)(config)  # type: ignore[attr-defined]
    made.units = units
    return made
