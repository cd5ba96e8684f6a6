"""Fits methods and filters on the training split, and plans the number of copies of each example."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.augmentation.filters import filters as filtering
from halluc.augmentation.filters.filters import Filter
from halluc.augmentation.methods.base import SYNTHESIZER, Augmenter, Lexicon, OptionError, Synthesizer, Workspace, build
from halluc.augmentation.pipeline.candidates import CandidateMaker, Method, PartError
from halluc.augmentation.pipeline.lines import LineMaker
from halluc.augmentation.pipeline.plan import DevErrors, Focus, copies
from halluc.augmentation.pipeline.tally import CorpusCounts, Sample
from halluc.components import TABLE
from halluc.core import registry
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.task import Examples


@dataclass(frozen=True)
class AugmentJob:
    """The arguments of an augmentation: ``source`` is the training split, which is read several times, ``held_out`` dev
    and test.

    ``config`` is the section ``augment``. If ``fits`` is false, only a plan is needed, so methods and filters that use
    a model are not fitted. ``epochs`` is the number of epochs that get their own new examples.
    """

    examples: Examples[Any, Any]
    source: Iterable[Any]
    held_out: Sequence[Iterable[Any]]
    config: Any
    seed: int
    workspace: Workspace
    dev_errors: DevErrors | None = None
    fits: bool = True
    epochs: int = 1


@dataclass(frozen=True)
class Prepared:
    """All that a candidate depends on; ``plan`` has the number of copies of each example."""

    job: AugmentJob
    line_maker: LineMaker
    filters: tuple[Filter, ...]
    plan: array[int]
    before: CorpusCounts
    sample: Sample[Sequence[str]]

    @property
    def wanted(self) -> int:
        return sum(self.plan)

    def close(self) -> None:
        """End the programs that methods started."""
        for method in self.line_maker.maker.methods:
            method.component.close()


def prepare(job: AugmentJob) -> Prepared:
    """Read the training split, dev and test, and build methods and filters.

    Raises:
        PartError: a method or filter does not support its config. HallucError: a corpus cannot be read.
    """
    config = job.config
    units = job.examples.units
    filters = tuple(filtering.build(one, units) for one in config.filters)
    before, separator = CorpusCounts(), "~"
    sample: Sample[Sequence[str]] = Sample()

    def observed_examples() -> Iterator[Editable]:
        nonlocal separator
        for example in job.source:
            editable = job.examples.editable(example)
            for one in filters:
                one.record(editable)
            before.add(len(editable.tokens), example.labels, len(units.of(editable)))
            sample.offer(editable.tokens)
            separator = max(separator, _separator(example.id), key=len)
            yield editable

    training = Lexicon.of(observed_examples(), words=_learns_words(config.methods), units=units)
    for corpus in job.held_out:
        for example in corpus:
            editable = job.examples.editable(example)
            for one in filters:
                one.record_held_out(editable)
    methods = [_method(number, one, training, job) for number, one in enumerate(config.methods)]
    for number, one in enumerate(filters):
        if job.fits:
            try:
                one.fit(job.examples, job.workspace)
            except OptionError as error:
                raise PartError("filters", number, error) from error
    maker = CandidateMaker(methods, filters, job.seed, config.attempts, config.unchangeable == "copy")
    line_maker = LineMaker(maker, job.examples, separator, job.seed, training)
    plan = copies(_weights(job, training, before), config.added(before.examples), job.seed)
    if job.epochs > 1:  # copy c belongs to epoch (c - 1) % epochs
        plan = array("I", (count * job.epochs for count in plan))
    return Prepared(job, line_maker, filters, plan, before, sample)


def _learns_words(methods: Sequence[Any]) -> bool:
    """Whether a method, or a step of one, uses the words of the training split."""
    named = [step.type for one in methods for step in (one, *getattr(one, "methods", ()))]
    kinds = TABLE["augmenter"]
    return any("words" in registry.load(TABLE, "augmenter", name).learns for name in named if name in kinds)


def _method(number: int, config: Any, training: Lexicon, job: AugmentJob) -> Method:
    steps = tuple(step.type for step in getattr(config, "methods", (config,)))
    try:
        if config.type in TABLE[SYNTHESIZER]:
            component: Augmenter | Synthesizer = registry.load(TABLE, SYNTHESIZER, config.type)(config)
        else:
            component = build(config, training)
        if job.fits or not component.uses_model:
            component.fit(_Editables(job), job.workspace)
    except HallucError as error:
        raise PartError("methods", number, error) from error
    # Methods of the same type are distinguished by their number.
    same = [one.type for one in job.config.methods].count(config.type)
    name = config.type if same == 1 else f"{config.type}.{number}"
    return Method(name, steps, config.share, component)


@dataclass(frozen=True)
class _Editables:
    """The training split for ``fit``, which may be iterated several times."""

    job: AugmentJob

    def __iter__(self) -> Iterator[Editable]:
        return map(self.job.examples.editable, self.job.source)


def _weights(job: AugmentJob, training: Lexicon, before: CorpusCounts) -> array[float]:
    if job.config.focus == "uniform":
        return array("d", [-1.0]) * before.examples
    focus, editable = Focus(job.config.focus, training, before.labels, job.dev_errors), job.examples.editable
    return array("d", (focus.weight(editable(example), example.labels) for example in job.source))


def _separator(identity: str) -> str:
    """A separator between the id of an example and the number of a copy, such that ids of copies differ from this
    id."""
    ending = re.search(r"~+(?=\d+$)", identity)
    return f"{ending[0]}~" if ending else "~"
