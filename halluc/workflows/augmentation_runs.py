"""The augmented corpora of runs: which run one is made in, whole or by shards, and what is looked at instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halluc.augmentation.pipeline.shards import Shard
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell, load_study
from halluc.config.rendering import annotated
from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.core.files import elsewhere, recover
from halluc.core.messages import conclude, put
from halluc.runs import directory, matrix
from halluc.runs.directory import RunDir
from halluc.runs.results import AugmentResult, PreviewResult, ReplayResult, ShardResult
from halluc.workflows import augmentation, cells, job, nearest_run, run_locations
from halluc.workflows import replay as replaying
from halluc.workflows.cell_selection import EVERY_CELL, Selection, choose
from halluc.workflows.job import Job

_NO_SECTION = "give it a section `augment` (docs/augmentation.md)"


@dataclass(frozen=True)
class Look:
    """What is looked at instead of making a corpus: so many pairs before and after, or one line made anew."""

    preview: int | None = None
    replay: str | None = None


NO_LOOK = Look()
Made = AugmentResult | ShardResult | PreviewResult | ReplayResult


def augment(
    config: Path,
    overrides: Sequence[str] = (),
    *,
    run: Path | None = None,
    selection: Selection = EVERY_CELL,
    look: Look = NO_LOOK,
) -> Sequence[Made]:
    """Make the augmented corpus of an experiment, or of every cell of a study that asks for one.

    Raises:
        HallucError or ManyErrors: what is wrong with config, data or run, or with cells.
    """
    if run is not None or (selection.shard and not _has_matrix(config, overrides)):
        return _named(job.load(config, overrides), overrides, run, selection, look)
    if look == NO_LOOK:
        _, chosen = cells.begin(config, overrides, selection)
    else:  # nothing is noted of a study that is only looked at
        chosen = choose(load_study(config, overrides, table=TABLE), selection)
    asked = [cell for cell in chosen if cell.loaded.experiment.augment is not None]
    if not asked:
        raise HallucError("C107", "this config asks for no augmentation", help=_NO_SECTION)
    if look != NO_LOOK:
        return _look(Job.of(asked[0]), None, look)
    made: list[Made] = []

    def one(cell: Cell) -> str:
        found = Job.of(cell)
        found.run = run_locations.claim(cell, "augment") if cell.slug is not None else _place(cell.loaded)
        result = _make(found, overrides)
        made.append(result)
        return f"{result.made:,} new beside {result.originals:,} originals"

    cells.each(asked, one, done=_is_done)
    return made


def _has_matrix(config: Path, overrides: Sequence[str]) -> bool:
    return bool(load_study(config, overrides, table=TABLE).axes)


@elsewhere("choose another place for `--run`")
def _named(
    loaded: LoadedConfig, overrides: Sequence[str], run: Path | None, selection: Selection, look: Look
) -> Sequence[Made]:
    """In a run directory that was named outright, whole or a shard of it."""
    if loaded.experiment.augment is None:
        raise HallucError("C107", "this config asks for no augmentation", help=_NO_SECTION)
    if run is None:
        help = "name one directory for all shards: --run DIR"
        raise HallucError("C012", "--shard without --run: the shards would not meet", help=help)
    Selection(selection.only, None, selection.fresh).refuse("--run names one run")
    run = latest.resolve(run)
    if look != NO_LOOK:
        return _look(Job(loaded), run, look)
    target = matrix.cell(run, lambda new: directory.fill(
        new, run_locations.new_record(loaded, "augment"), annotated(loaded), loaded.files))  # fmt: skip
    if target.read().config_sha256 != loaded.sha256:
        raise HallucError("R104", f"{run} holds a run of another config", help="name an empty folder")
    found = Job(loaded, run=target)
    if selection.shard is None:
        return [_make(found, overrides)]
    share = _share(selection.shard)
    count = augmentation.shard(found, share)
    conclude(f"shard {share.number} of {share.of}: candidates for {count:,} examples")
    conclude(f"when all are done: halluc augment … --run {run}, without --shard, puts them together")
    result = ShardResult(run=str(target.path), shard=f"{share.number}/{share.of}", examples=count)
    put(result)
    return [result]


def _share(text: str) -> Shard:
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        help = "the first of four shards is `--shard 1/4`, the last `--shard 4/4`"
        raise HallucError("C013", f"`--shard {text}` is not of the form I/N, with I from 1 to N", help=help)
    return Shard(int(match[1]), int(match[2]))


def _look(found: Job, run: Path | None, look: Look) -> Sequence[Made]:
    if look.replay is not None:
        target = directory.open_run(run) if run is not None else _newest(found)
        if augmentation.manifest(target) is None:
            help = "make it first: halluc augment"
            raise HallucError("R105", f"{target.path} holds no augmented corpus", help=help)
        found.run = target
        return [replaying.replay(found, look.replay)]
    assert look.preview is not None
    return replaying.preview(found, look.preview)


def _newest(cell: Job) -> RunDir:
    """The run of a cell, or the newest that has the augmented corpus of this config."""
    if cell.slug is not None:
        return run_locations.run_of(cell)
    settings = cell.loaded.experiment
    home = Path(settings.runs_dir)
    found = directory.newest(
        home, settings.name, cell.loaded.sha256, lambda run: augmentation.manifest(run) is not None
    )
    if found is None:
        nearest = nearest_run.told(cell.loaded, lambda run: augmentation.manifest(run) is not None)
        message = f"no run in {home / settings.name} holds the augmented corpus of this config{nearest}"
        raise HallucError("R105", message, help="make it first: halluc augment")
    return found


def _is_done(cell: Cell) -> bool:
    target = run_locations.run_of(cell)
    made = augmentation.manifest(target) if target.augment.is_dir() else None
    return made is not None and made.fingerprint == augmentation.fingerprint(cell.loaded)


def _place(loaded: LoadedConfig) -> RunDir:
    """The newest run of this config, if it is not trained on another corpus than the one that is to be made."""
    settings = loaded.experiment
    newest = directory.newest(Path(settings.runs_dir), settings.name, loaded.sha256)
    if newest is not None:
        made = augmentation.manifest(newest)
        if made is not None and made.fingerprint == augmentation.fingerprint(loaded):
            return newest
        if not newest.model.is_dir() and not newest.has_checkpoint():
            return newest
    return run_locations.create(loaded, "augment")


def _make(found: Job, overrides: Sequence[str]) -> AugmentResult:
    target = found.target
    with target.locked():
        recover(target.augment)
        made = augmentation.manifest(target)
        if made is not None and made.fingerprint == augmentation.fingerprint(found.loaded):
            conclude(f"{target.augment} is there already: nothing is left to do")
        else:
            with target.stage("augment", list(overrides)):
                made = augmentation.ensure(found)
    assert made is not None, "the config asks for augmentation"
    result = AugmentResult(run=str(target.path), **dict(made))
    put(result)
    return result
