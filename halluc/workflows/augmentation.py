"""From a config's ``augment`` to the augmented corpus in a run: what ``augment`` and ``train`` share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from halluc import __version__
from halluc.analysis import ledger
from halluc.augmentation.methods.base import OptionError, Workspace
from halluc.augmentation.pipeline import corpus as pipeline
from halluc.augmentation.pipeline.layout import MANIFEST, TRAIN
from halluc.augmentation.pipeline.plan import Trouble
from halluc.augmentation.pipeline.preparation import AugmentJob, MethodError, Prepared, prepare
from halluc.augmentation.pipeline.shards import Shard
from halluc.components import TABLE
from halluc.config.bounds import LINE_BYTES_BOUND
from halluc.config.hashing import section_in_hash, sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.core import registry
from halluc.core.errors import HallucError, Location
from halluc.core.examples import Corpus
from halluc.core.messages import progress, say, tell
from halluc.core.permissions import commands_allowed
from halluc.data.corpora import read_corpora, stream_corpora
from halluc.runs import directory, provenance
from halluc.runs.directory import RunDir
from halluc.runs.records import read_record
from halluc.runs.schema import AugmentFile, LedgerLine
from halluc.task import AnyTask
from halluc.workflows import augmentation_checks, augmentation_notes
from halluc.workflows.job import Job

# Fitted models and caches of all runs in a `runs_dir`, by fingerprint.
FITTED = ".fitted"


def ensure(job: Job) -> AugmentFile | None:
    """Make the augmented corpus of a run where it is missing or stale; None where the config asks for none.

    Call it as the run's only writer. Raises what ``prepared`` and ``pipeline.make`` do.
    """
    if job.settings.augment is None:
        return None
    wanted, target = fingerprint(job.loaded), job.target
    made = manifest(target)
    if made is not None and made.fingerprint == wanted:
        if not _is_noted(target.read().augment or {}, made):
            _note(target, made)  # a kill came between the manifest and run.json
        return made
    if made is not None:
        say(f"{target.augment} was made from other data or by another halluc: it is made anew")
    with closing(prepared(job)) as ready:
        with progress("augmenting") as tick:
            made = pipeline.make(ready, target.augment, wanted, tick)
        _note(target, made)
        for line in augmentation_notes.told(made, job.task, ready.press.maker.methods):
            tell(line)
    return made


def _note(target: RunDir, made: AugmentFile) -> None:
    """Record in ``run.json`` how the corpus was made, with the hash of its manifest."""
    record = target.read()
    noted = made.model_dump(mode="json", exclude={"refused_examples"})
    record.augment = {**noted, "manifest_sha256": provenance.file_sha256(target.augment / MANIFEST)}
    target.write(record)


def _is_noted(noted: dict[str, Any], made: AugmentFile) -> bool:
    """A manifest that was changed since it was noted is not noted again: a report then names it."""
    return "manifest_sha256" in noted and noted.get("fingerprint") == made.fingerprint


def shard(job: Job, share: Shard) -> int:
    """Try the candidates of one share of the examples; returns how many examples it has."""
    with closing(prepared(job)) as ready, progress("augmenting") as tick:
        return pipeline.make_shard(ready, job.target.augment, fingerprint(job.loaded), share, tick)


def manifest(target: RunDir) -> AugmentFile | None:
    """``augment/manifest.json``; None where there is none, or one of another version of halluc.

    Raises:
        HallucError R130: it is damaged, or train.jsonl is not there beside it.
    """
    file, help = target.augment / MANIFEST, f"remove {target.augment}: it is then made anew"
    try:
        made = read_record(file, AugmentFile, damaged="R130", other_version="R131", help=help)
    except FileNotFoundError:
        return None
    if not (target.augment / TRAIN).is_file():
        raise HallucError("R130", f"{target.augment / TRAIN} is not there, and {file} says that it is", help=help)
    return made


def corpus(job: Job) -> Corpus[Any]:
    """The augmented training split of a run."""
    path = job.target.augment / TRAIN
    data = registry.load(TABLE, "reader", job.task.name).Config(
        format="jsonl", train=str(path), max_line_bytes=LINE_BYTES_BOUND
    )
    return read_corpora(data, TABLE, ("train",)).splits["train"]


def fingerprint(loaded: LoadedConfig) -> str:
    """Hash of all that the augmented corpus depends on, contents of files included."""
    tree, data = loaded.tree, loaded.experiment.data
    return sha256_of_tree(
        {
            "halluc": __version__,
            "augment": {key: value for key, value in tree["augment"].items() if key != "workers"},
            **{section: section_in_hash(tree, section) for section in ("data", "task", "gap", "seed")},
            "inputs": list(provenance.input_hashes(data.paths()).values()),
            "files": list(provenance.input_hashes(files(loaded)).values()),
        }
    )


def files(loaded: LoadedConfig) -> list[Path]:
    """The files, corpora aside, that the config's augmentation reads: gazetteers, synonyms, a ledger."""
    section = loaded.experiment.augment
    if section is None:
        return []
    named = [Path(text).expanduser() for text in _texts(loaded.tree["augment"])]
    if section.focus_run is not None:
        named.append(directory.open_run(Path(section.focus_run)).ledger("dev"))
    return [path for path in named if path.is_file()]


def _texts(node: Any) -> Iterator[str]:
    """Every text in a section, in lists too, as methods stand in one."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, (dict, list)):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _texts(part)


def planned(job: Job) -> dict[str, Any] | None:
    """What augmentation would do: how many new examples, of how many, and by what; None where none is asked for.

    Raises what ``prepared`` does.
    """
    if job.settings.augment is None:
        return None
    ready = prepared(job, fits=False)
    chosen = sum(1 for copies in ready.plan if copies)
    methods = [method.name for method in ready.press.maker.methods]
    return {"new": ready.wanted, "parents": chosen, "most": max(ready.plan, default=0), "methods": methods}


def prepared(job: Job, *, fits: bool = True) -> Prepared:
    """Methods, filters and plan of a config's augmentation; without ``fits``, no method trains a model.

    Raises:
        HallucError C103: the task cannot be written in the format asked for, or a method is not for it. Others: a
            corpus, a file that a method names, or the ledger that `from` names cannot be read; a method cannot do what
            it is asked for, at its key.
    """
    settings, task = job.settings, job.task
    augmentation_checks.refuse_unfit(job.loaded, task)
    streams = stream_corpora(settings.data, TABLE)
    source: Any = streams.pop("train", None)
    if source is None:
        raise HallucError("C107", "augmentation needs `data.train`", help="name the training split")
    if settings.gap is not None:
        source = job.train().examples
    asked, learned, others = settings.augment, _Learned(task, source), list(streams.values())
    try:
        return prepare(
            AugmentJob(
                task.examples,
                learned,
                others,
                asked,
                settings.seed,
                Workspace(Path(settings.runs_dir) / FITTED, settings.seed, commands_allowed()),
                _trouble(asked, task),
                fits,
            )
        )
    except MethodError as problem:
        raise _placed(problem, job.loaded) from None


class _Learned:
    """The examples that a model learns from, read anew each time."""

    def __init__(self, task: AnyTask, source: Iterable[Any]) -> None:
        self._task, self._source = task, source

    def __iter__(self) -> Iterator[Any]:
        return filter(self._task.examples.trains_on, self._source)


def _placed(problem: MethodError, loaded: LoadedConfig) -> HallucError:
    """A method's error at the key that it is about."""
    error = problem.error
    if error.where is not None or not isinstance(error, OptionError):
        return error
    method = ("augment", "methods", problem.number)
    places = (loaded.origins.get((*method, key)) for key in (error.key, "type"))
    where: Location | None = next(filter(None, places), None)
    return HallucError(error.code, error.message, where, error.help, error.exit_code)


def _trouble(config: Any, task: AnyTask) -> Trouble | None:
    """What the dev ledger of the run that `from` names shows as over-claimed or omitted."""
    if config.focus_run is None:
        return None
    file = directory.open_run(Path(config.focus_run)).ledger("dev")
    if not file.is_file():
        help = f"evaluate that run on dev first: halluc eval --run {config.focus_run} --split dev"
        raise HallucError("R132", f"`augment.from`: {file} is not there", help=help)
    found = ((line.text, *one) for line in ledger.read(file) for one in _went(line, task))
    return Trouble.of(found, task.examples.units.words)


def _went(line: LedgerLine, task: AnyTask) -> Iterator[tuple[str, bool]]:
    """The label that a line is about, and whether it went wrong; of a whole text also the gold that was missed."""
    yield line.label, line.verdict != "supported"
    if not task.examples.has_spans and line.verdict != "supported":
        yield from ((label, True) for _, _, label in line.touched or ())
