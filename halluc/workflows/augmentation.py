"""From a config's ``augment`` to the augmented corpus in a run; used by ``augment`` and ``train``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from halluc.analysis import verdicts
from halluc.augmentation.methods.base import AUGMENTER, OptionError, Workspace
from halluc.augmentation.pipeline import corpus as pipeline
from halluc.augmentation.pipeline import plan, shards
from halluc.augmentation.pipeline.candidates import COPY, Method, PartError
from halluc.augmentation.pipeline.preparation import AugmentJob, Prepared, prepare
from halluc.components import TABLE
from halluc.config import yaml
from halluc.config.loading import LoadedConfig
from halluc.core import registry
from halluc.core.errors import HallucError, Location, refuse
from halluc.core.messages import progress, say, tell
from halluc.core.processes import commands_allowed
from halluc.data.corpora import are_small, read_corpora, stream_corpora
from halluc.data.tokenization import Tokenizer
from halluc.runs import directory, provenance
from halluc.runs.directory import MANIFEST
from halluc.runs.schema import AugmentFile, LedgerLine
from halluc.task import AnyTask
from halluc.workflows import augmented_corpus, labelling, translating
from halluc.workflows.job import Job

# A method without any example may never have been tried: it is reported only if that is less likely than this.
_CHANCE = 1e-6


def ensure(job: Job) -> AugmentFile | None:
    """Make the augmented corpus of a run if it is missing or stale; None if the config has no augmentation.

    Call it as the run's only writer. Raises the errors of ``open_prepared`` and ``pipeline.make``.
    """
    if job.settings.augment is None:
        return None
    wanted, target = augmented_corpus.fingerprint(job.loaded), job.target
    current = augmented_corpus.manifest(target)
    if current is not None and current.fingerprint == wanted:
        noted = target.read().augment or {}
        # Record the manifest if the process was killed before it wrote run.json. A manifest that another program
        # changed is not recorded, so that a report names it.
        if "manifest_sha256" not in noted or noted.get("fingerprint") != current.fingerprint:
            _note(target, current)
        return current
    if current is not None:
        say(f"{target.augment} was made from other data or by another version of halluc, and is made again")
    with open_prepared(job) as ready:
        with progress("augmenting") as tick:
            current = pipeline.make(ready, target.augment, wanted, tick)
        _note(target, current)
        for line in _notes(current, job.task, ready.line_maker.maker.methods):
            tell(line)
    return current


def _note(target: directory.RunDir, result: AugmentFile) -> None:
    """Record in ``run.json`` how the corpus was made, with the hash of its manifest."""
    record = target.read()
    noted = result.model_dump(mode="json", exclude={"refused_examples"})
    record.augment = {**noted, "manifest_sha256": provenance.file_sha256(target.augment / MANIFEST)}
    target.write(record)


def shard(job: Job, share: shards.Shard) -> int:
    """Try the candidates of one shard of the examples; returns its number of examples."""
    with open_prepared(job) as ready, progress("augmenting") as tick:
        return pipeline.make_shard(ready, job.target.augment, augmented_corpus.fingerprint(job.loaded), share, tick)


def plan_summary(job: Job) -> dict[str, Any] | None:
    """What augmentation would do: how many new examples, from how many, with which methods; None if it is not
    configured.

    Raises the errors of ``open_prepared``.
    """
    if job.settings.augment is None:
        return None
    with open_prepared(job, fits=False) as ready:
        chosen = sum(1 for copies in ready.plan if copies)
        methods = [method.name for method in ready.line_maker.maker.methods]
        return {"new": ready.wanted, "parents": chosen, "most": max(ready.plan, default=0), "methods": methods}


@contextlib.contextmanager
def open_prepared(job: Job, *, fits: bool = True) -> Iterator[Prepared]:
    """Methods, filters and plan of a config's augmentation, as a context; with ``fits`` false, no method trains a
    model.

    Raises:
        HallucError C103: the task does not support the requested format, or a method does not support the task. Others:
            a corpus, a file that a method names, or the ledger that `from` names cannot be read; a method cannot do
            what is configured (reported at its key), here or while candidates are made.
    """
    try:
        with contextlib.closing(_prepare(job, fits)) as ready:
            yield ready
    except PartError as problem:
        raise _locate_error(problem, job.loaded) from None


def _prepare(job: Job, fits: bool) -> Prepared:
    settings, task = job.settings, job.task
    refuse_unfit(job.loaded, task)
    if settings.data.train is None:
        raise HallucError("C107", "augmentation needs `data.train`", help="set the training split")
    section, (learned, others) = settings.augment, _splits_of(job)
    return prepare(
        AugmentJob(
            task.examples,
            learned,
            others,
            section,
            settings.seed,
            Workspace(
                Path(settings.runs_dir) / directory.FITTED,
                settings.seed,
                commands_allowed(),
                labelling.labellers(job),
                partial(labelling.PlainTextLabeller.of, job=job),
                partial(translating.RunTranslator.of, job=job),
                Tokenizer.of(settings.data).tokens,
            ),
            _dev_errors(section, task),
            fits,
            augmented_corpus.epochs(job.loaded),
        )
    )


def refuse_unfit(loaded: LoadedConfig, task: AnyTask) -> None:
    """Refuse formats that the task does not support, and methods that have nothing to do in its examples.

    Raises:
        HallucError C103, or ManyErrors of these.
    """
    section = loaded.experiment.augment
    if section is None:
        return
    results: list[HallucError] = []
    if section.format not in task.examples.formats:
        help = f"of {task.name} it is one of {', '.join(task.examples.formats)}"
        where = loaded.origins.get(("augment", "format"))
        results.append(HallucError("C103", f'`augment.format` cannot be "{section.format}"', where, help))
    for path, step in _steps(section.methods, ("augment", "methods")):
        instead = registry.load(TABLE, AUGMENTER, step.type).instead if step.type in TABLE[AUGMENTER] else None
        if instead is not None and not task.examples.has_spans:
            message = f"`{step.type}` needs mentions, but the {task.wording.words.examples} of {task.name} have none"
            results.append(HallucError("C103", message, loaded.origins.get((*path, "type")), instead))
    refuse(results)


def _steps(methods: Sequence[Any], path: yaml.Path) -> Iterator[tuple[yaml.Path, Any]]:
    """Every method, and every step of one, with its place in the config."""
    for number, method in enumerate(methods):
        yield (*path, number), method
        yield from _steps(getattr(method, "methods", ()), (*path, number, "methods"))


def _splits_of(job: Job) -> tuple[Iterable[Any], list[Iterable[Any]]]:
    """The examples that a model learns from, and the other splits: in memory, or read again in each iteration."""
    data, task = job.settings.data, job.task
    is_small = are_small(data)
    splits: dict[Any, Any] = dict(read_corpora(data, TABLE).splits if is_small else stream_corpora(data, TABLE))
    train = splits.pop("train")
    learned = _TrainingExamples(task, train if job.settings.gap is None else job.train().examples)
    return tuple(learned) if is_small else learned, list(splits.values())


class _TrainingExamples:
    """The examples that a model learns from, read again in each iteration."""

    def __init__(self, task: AnyTask, source: Iterable[Any]) -> None:
        self._task, self._source = task, source

    def __iter__(self) -> Iterator[Any]:
        return filter(self._task.examples.trains_on, self._source)


def _locate_error(problem: PartError, loaded: LoadedConfig) -> HallucError:
    """A method's error with the location of its key."""
    error = problem.error
    if error.where is not None or not isinstance(error, OptionError):
        return error
    part = ("augment", problem.part, problem.number)
    places = (loaded.origins.get((*part, key)) for key in (error.key, "type"))
    where: Location | None = next(filter(None, places), None)
    return HallucError(error.code, error.message, where, error.help, error.exit_code)


def _dev_errors(config: Any, task: AnyTask) -> plan.DevErrors | None:
    """The surfaces and labels of errors in the dev ledger of the run that `from` names."""
    if config.focus_run is None:
        return None
    file = directory.open_run(Path(config.focus_run)).ledger("dev")
    if not file.is_file():
        help = f"evaluate that run on dev first: halluc eval --run {config.focus_run} --split dev"
        raise HallucError("R132", f"`augment.from`: {file} does not exist", help=help)
    result = ((line.text, *one) for line in verdicts.read_ledger(file) for one in _outcomes(line, task))
    return plan.DevErrors.of(result, task.examples.units.words)


def _outcomes(line: LedgerLine, task: AnyTask) -> Iterator[tuple[str, bool]]:
    """The label of a ledger line, and whether it is an error; for a whole text also the gold that was missed."""
    yield line.label, line.verdict != "supported"
    if not task.examples.has_spans and line.verdict != "supported":
        yield from ((label, True) for _, _, label in line.touched or ())


def _notes(file: AugmentFile, task: AnyTask, methods: Sequence[Method] = ()) -> Iterator[str]:
    """Messages about an augmented corpus; ``methods`` are those configured."""
    kept = ", ".join(f"{count:,} {method}" for method, count in file.kept.items())
    yield f"augmented: {file.originals:,} originals, {file.made:,} new" + (f" ({kept})" if kept else "")
    refused = [f"{sum(by.values()):,} {reason}" for reason, by in file.refused.items()]
    if refused:
        yield f"rejected candidates: {', '.join(refused)}"
    if file.made < file.wanted:
        reasons = {"given up because all attempts were rejected": file.given_up, "unchangeable": file.unchangeable}
        why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
        yield f"warning: {file.wanted - file.made:,} fewer than the {file.wanted:,} requested: {why}"
    yield from _method_warnings(file, task.wording.words.examples, methods)
    before, new, units = file.before, file.new, task.examples.units
    share, noun = f"{units.free}_share", units.name.replace("_", " ")
    new_share = _share(new[f"new_{units.singular}_share"])
    fresh = f"{new_share} of the {noun} in the new examples do not occur in the training split"
    without = f"{task.wording.words.examples} {units.without}"
    free = f"{without}: {_share(before[share])} of the originals, {_share(new[share])} of the new; "
    yield free + fresh if before[share] or task.examples.has_spans else fresh
    yield f"distinct-2: {_share(before['distinct_2'])} in the originals, {_share(new['distinct_2'])} in the new"
    for method, facts in file.methods.items():
        if facts.get("verdict"):
            yield f"{method}: {facts['verdict']}"
    rate = file.made / file.seconds if file.seconds else 0.0
    yield f"made in {file.seconds:.1f} s, {rate:,.0f} a second"


def _method_warnings(file: AugmentFile, noun: str, methods: Sequence[Method]) -> Iterator[str]:
    """Warnings about methods that changed no example, and about a corpus that consists mostly of copies."""
    refused = {method for by in file.refused.values() for method in by}
    total = sum(method.share for method in methods)
    for method in methods:
        was_tried = (1 - method.share / total) ** file.wanted < _CHANCE
        if was_tried and method.name not in file.kept and method.name not in refused:
            yield f"warning: `{method.name}` could not change any of the {noun}"
    copied = file.kept.get(COPY, 0)
    if 2 * copied > file.made:
        yield (
            f"warning: {copied:,} of the new {noun} are plain copies, because no method could change their sources; "
            "`augment.unchangeable: skip` removes them"
        )


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}".removeprefix("0")
