"""Before the first candidate: what the training split teaches the methods and filters, and how many copies each
example is to have."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.augmentation.filters import filters as filtering
from halluc.augmentation.filters.filters import Filter
from halluc.augmentation.methods.base import SYNTHESIZER, Augmenter, Lexicon, Synthesizer, Workspace, build
from halluc.augmentation.pipeline.candidates import Maker, Method
from halluc.augmentation.pipeline.diversity import TextSample
from halluc.augmentation.pipeline.lines import Press
from halluc.augmentation.pipeline.plan import Focus, Trouble, copies
from halluc.augmentation.pipeline.tally import CorpusCounts
from halluc.components import TABLE
from halluc.core import registry
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.task import Examples


@dataclass(frozen=True)
class AugmentJob:
    """What is to be made: ``source`` is the training split, which is read several times, ``held_out`` dev and test.

    ``config`` is the section ``augment``. Where ``fits`` is false, only what is planned is asked for, and methods that
    train a model are left as they are.
    """

    examples: Examples[Any, Any]
    source: Iterable[Any]
    held_out: Sequence[Iterable[Any]]
    config: Any
    seed: int
    workspace: Workspace
    trouble: Trouble | None = None
    fits: bool = True


@dataclass(frozen=True)
class Prepared:
    """Everything that a candidate depends on; ``plan`` has the number of copies of each example."""

    job: AugmentJob
    press: Press
    filters: tuple[Filter, ...]
    plan: array[int]
    before: CorpusCounts
    sample: TextSample

    @property
    def wanted(self) -> int:
        return sum(self.plan)

    def close(self) -> None:
        """End the programs that methods started."""
        for method in self.press.maker.methods:
            method.made_by.close()


class MethodError(Exception):
    """What a method of the config cannot do: its number, and the error that says what."""

    def __init__(self, number: int, error: HallucError) -> None:
        super().__init__(error.message)
        self.number, self.error = number, error


def prepare(job: AugmentJob) -> Prepared:
    """Read the training split, dev and test, and build methods and filters.

    Raises:
        MethodError: a method cannot do what its config asks. HallucError: a corpus cannot be read.
    """
    config = job.config
    units = job.examples.units
    filters = tuple(filtering.build(one, units) for one in config.filters)
    before, sample, tildes = CorpusCounts(), TextSample(), _Tildes()

    def observed() -> Iterator[Editable]:
        for example in job.source:
            editable = job.examples.editable(example)
            for one in filters:
                one.see(editable)
            before.add(len(editable.tokens), example.labels, len(units.of(editable)))
            sample.offer(editable.tokens)
            tildes.see(example.id)
            yield editable

    training = Lexicon.of(observed(), words=_learns_words(config.methods), units=units)
    for corpus in job.held_out:
        for example in corpus:
            editable = job.examples.editable(example)
            for one in filters:
                one.see_held_out(editable)
    methods = [_method(number, one, training, job) for number, one in enumerate(config.methods)]
    maker = Maker(methods, filters, job.seed, config.attempts, config.unchangeable == "copy")
    press = Press(maker, job.examples, tildes.separator, job.seed, training)
    plan = copies(_weights(job, training, before), config.added(before.examples), job.seed)
    return Prepared(job, press, filters, plan, before, sample)


def _learns_words(methods: Sequence[Any]) -> bool:
    """Whether a method, or a step of one, draws from the words of the training split."""
    named = [step.type for one in methods for step in (one, *getattr(one, "methods", ()))]
    kinds = TABLE["augmenter"]
    return any("words" in registry.load(TABLE, "augmenter", name).learns for name in named if name in kinds)


def _method(number: int, config: Any, training: Lexicon, job: AugmentJob) -> Method:
    steps = tuple(step.type for step in getattr(config, "methods", (config,)))
    try:
        if config.type in TABLE[SYNTHESIZER]:
            made_by: Augmenter | Synthesizer = registry.load(TABLE, SYNTHESIZER, config.type)(config)
        else:
            made_by = build(config, training)
        if job.fits or not made_by.uses_model:
            made_by.fit(_Editables(job), job.workspace)
    except HallucError as error:
        raise MethodError(number, error) from error
    # Two methods of one type are told apart by their number.
    same = [one.type for one in job.config.methods].count(config.type)
    name = config.type if same == 1 else f"{config.type}.{number}"
    return Method(name, steps, config.share, made_by)


@dataclass(frozen=True)
class _Editables:
    """The training split as methods see it; it can be iterated over several times."""

    job: AugmentJob

    def __iter__(self) -> Iterator[Editable]:
        return map(self.job.examples.editable, self.job.source)


def _weights(job: AugmentJob, training: Lexicon, before: CorpusCounts) -> array[float]:
    if job.config.focus == "uniform":
        return array("d", [-1.0]) * before.examples
    focus, editable = Focus(job.config.focus, training, before.labels, job.trouble), job.examples.editable
    return array("d", (focus.weight(editable(example), example.labels) for example in job.source))


class _Tildes:
    """Finds what may stand between an id and the number of a copy without making the id of another example."""

    def __init__(self) -> None:
        self._longest = 0

    def see(self, identity: str) -> None:
        if "~" in identity and (ending := re.search(r"(~+)\d+$", identity)):
            self._longest = max(self._longest, len(ending[1]))

    @property
    def separator(self) -> str:
        return "~" * (self._longest + 1)
