"""Filters, which reject candidates. They are shown the training split, dev and test first; filters that compare
candidates get them in the order of the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.filters import text_hashes
from halluc.augmentation.filters.minhash import bands
from halluc.augmentation.filters.text_hashes import HashSet
from halluc.augmentation.methods.base import Workspace
from halluc.components import TABLE
from halluc.config.section import OpenShare, Section, Share
from halluc.core import registry
from halluc.core.edits import Editable
from halluc.gap.novelty import MENTIONS, NoveltyUnits
from halluc.task import Examples

FILTER = "filter"

Keys = tuple[int, ...]


@dataclass
class Candidate:
    """A new example before it is accepted, with its original.

    ``form_only``: only the spelling of its words was changed (case, noise). ``is_copy``: it should equal the original.
    ``source`` is ``parent`` as an example of the task. ``sampled``: it has no original; ``parent`` is the example that
    it replaces.
    """

    parent: Editable
    edited: Editable
    form_only: bool
    is_copy: bool
    source: Any = None
    sampled: bool = False

    @cached_property
    def exact_hash(self) -> int:
        return text_hashes.exact_hash(self.edited.tokens)

    @cached_property
    def normalised_hash(self) -> int:
        return text_hashes.normalised_hash(self.edited.tokens)


class Filter:
    """Rejects candidates; ``keys`` and ``memory`` are for filters that compare candidates with each other. ``units``
    are the units of novelty. With ``uses_model``, the filter is applied after the others, to many candidates at a time
    (``results``)."""

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

    def record(self, example: Editable) -> None:
        """Record an example of the training split."""

    def record_held_out(self, example: Editable) -> None:
        """Record an example of dev or test."""

    def fit(self, examples: Examples[Any, Any], workspace: Workspace) -> None:
        """Load or train the model that judges candidates.

        Raises:
            OptionError: it is not available.
        """

    def refuses(self, candidate: Candidate) -> bool:
        """Whether the candidate is rejected independently of other candidates."""
        return False

    def results(self, candidates: Sequence[Candidate]) -> list[Editable | None]:
        """The result for each candidate: unchanged, with other labels, or None if it is rejected."""
        return [None if self.refuses(one) else one.edited for one in candidates]

    def keys(self, candidate: Candidate) -> Keys:
        """Keys that no previously accepted candidate may have."""
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
        # The memory grows in one process only, but `refuses` must give the same result in all processes.
        self.training = HashSet()
        self.memory: HashSet = HashSet()

    def record(self, example: Editable) -> None:
        self.training.update((text_hashes.exact_hash(example.tokens), text_hashes.normalised_hash(example.tokens)))

    def refuses(self, candidate: Candidate) -> bool:
        return any(key in self.training for key in self.keys(candidate))

    def keys(self, candidate: Candidate) -> Keys:
        if candidate.is_copy:
            return ()
        return (candidate.exact_hash,) if candidate.form_only else (candidate.exact_hash, candidate.normalised_hash)


class LeakConfig(Section):
    type: Literal["leak"]


class Leak(Filter):
    """Rejects a candidate that equals a dev or test example, exactly or after normalisation, or has its target."""

    Config: ClassVar[type[Section]] = LeakConfig

    def __init__(self, config: LeakConfig) -> None:
        self.config = config
        self.held_out = HashSet()
        self.targets = HashSet()

    def record_held_out(self, example: Editable) -> None:
        self.held_out.add(text_hashes.normalised_hash(example.tokens))
        if example.target:
            self.targets.add(text_hashes.normalised_hash((example.target,)))

    def refuses(self, candidate: Candidate) -> bool:
        if candidate.normalised_hash in self.held_out:
            return True
        target = candidate.edited.target
        return target != candidate.parent.target and text_hashes.normalised_hash((target,)) in self.targets


class LengthRatioConfig(Section):
    type: Literal["length_ratio"]
    min: Share = Field(default=0.5, description="minimum length, relative to the original example")
    max: float = Field(default=2.0, ge=1, le=1_000, description="maximum length, relative to the original example")


class LengthRatio(Filter):
    """Rejects a candidate that is much shorter or longer than what it was made from, in tokens.

    Examples sampled by a synthesizer have no original, and pass.
    """

    Config: ClassVar[type[Section]] = LengthRatioConfig

    def refuses(self, candidate: Candidate) -> bool:
        if candidate.sampled:
            return False
        before, after = len(candidate.parent.tokens), len(candidate.edited.tokens)
        return not self.config.min * before <= after <= self.config.max * before


class NearDuplicateConfig(Section):
    type: Literal["near_duplicate"]
    threshold: OpenShare = Field(
        default=0.8, description="Jaccard similarity of word trigrams above which two examples are duplicates"
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
    min: Share = Field(
        default=0.0,
        description="minimum share of mentions that are not in the training split; for texts, of content words",
    )
    max: Share = Field(default=1.0, description="maximum share of them that are not in the training split")

    @model_validator(mode="after")
    def _min_below_max(self) -> NoveltyConfig:
        if self.min > self.max:
            raise ValueError(f"the novelty filter's `min: {self.min}` is more than its `max: {self.max}`")
        return self


class Novelty(Filter):
    """Rejects a candidate by the share of its mentions, or of a text's content words, that training does not show.

    A candidate without any passes.
    """

    Config: ClassVar[type[Section]] = NoveltyConfig

    def __init__(self, config: NoveltyConfig) -> None:
        self.config = config
        self.known = HashSet()

    def record(self, example: Editable) -> None:
        self.known.update(map(text_hashes.exact_hash, self.units.of(example)))

    def refuses(self, candidate: Candidate) -> bool:
        units = self.units.of(candidate.edited)
        if not units:
            return False  # sentences without mentions are needed too
        new = sum(text_hashes.exact_hash(unit) not in self.known for unit in units) / len(units)
        return not self.config.min <= new <= self.config.max


def build(config: Section, units: NoveltyUnits = MENTIONS) -> Filter:
    """The filter of a config; ``units`` are the units of novelty."""
    result: Filter = registry.load(TABLE, FILTER, config.type)(config)  # type: ignore[attr-defined]
    result.units = units
    return result
