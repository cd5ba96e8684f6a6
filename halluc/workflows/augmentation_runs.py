"""Chooses the run of an augmented corpus, makes the corpus completely or by shards, or shows a preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halluc.augmentation.pipeline.shards import Shard
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell, load_study
from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.core.files import elsewhere, recover
from halluc.core.messages import conclude, put
from halluc.runs import directory
from halluc.runs.results import AugmentResult, PreviewResult, ReplayResult, ShardResult
from halluc.workflows import augmentation, augmented_corpus, cells, job, nearest_run, run_locations
from halluc.workflows import replay as replaying
from halluc.workflows.cell_selection import EVERY_CELL, Selection, choose, parse_shard
from halluc.workflows.job import Job

_NO_SECTION = "add a section `augment` (docs/augmentation.md)"


@dataclass(frozen=True)
class PreviewOptions:
    """Shows something instead of making a corpus: some pairs before and after, or one line made again."""

    preview: int | None = None
    replay: str | None = None


NO_PREVIEW = PreviewOptions()
Made = AugmentResult | ShardResult | PreviewResult | ReplayResult


def augment(
    config: Path,
    overrides: Sequence[str] = (),
    *,
    run: Path | None = None,
    selection: Selection = EVERY_CELL,
    options: PreviewOptions = NO_PREVIEW,
) -> Sequence[Made]:
    """Make the augmented corpus of an experiment, or of every cell of a study that has augmentation.

    Raises:
        HallucError or ManyErrors: problems with config, data or run, or with cells.
    """
    if run is not None or (selection.shard and not load_study(config, overrides, table=TABLE).axes):
        return _augment_named_run(job.load(config, overrides), overrides, run, selection, options)
    if options == NO_PREVIEW:
        _, chosen = cells.begin(config, overrides, selection)
    else:  # a preview of a study leaves no record
        chosen = choose(load_study(config, overrides, table=TABLE), selection)
    chosen_cells = [cell for cell in chosen if cell.loaded.experiment.augment is not None]
    if not chosen_cells:
        raise HallucError("C107", "this config has no augmentation", help=_NO_SECTION)
    if options != NO_PREVIEW:
        return _preview(Job.of(chosen_cells[0]), None, options)

    def make_cell(cell: Cell) -> AugmentResult:
        result = Job.of(cell)
        home = run_locations.run_of(cell).path
        result.run = (
            _run_to_fill(cell.loaded) if cell.slug is None else run_locations.claim(home, cell.loaded, "augment")
        )
        return _make(result, overrides)

    results, _ = cells.for_each(
        chosen_cells,
        make_cell,
        lambda made: f"{made.made:,} new examples and {made.originals:,} originals",
        done=_is_done,
    )
    return results


@elsewhere("choose another path for `--run`")
def _augment_named_run(
    loaded: LoadedConfig, overrides: Sequence[str], run: Path | None, selection: Selection, options: PreviewOptions
) -> Sequence[Made]:
    """Make the corpus, or a shard of it, in the run directory of ``--run``."""
    if loaded.experiment.augment is None:
        raise HallucError("C107", "this config has no augmentation", help=_NO_SECTION)
    if run is None:
        help = "use the same directory for all shards: --run DIR"
        raise HallucError("C012", "--shard needs --run, so that all shards write to the same run", help=help)
    Selection(selection.only, None, selection.fresh).refuse("--run takes one run")
    run = latest.resolve(run)
    if options != NO_PREVIEW:
        return _preview(Job(loaded), run, options)
    target = run_locations.claim(run, loaded, "augment", help="use an empty folder")
    target_job = Job(loaded, run=target)
    if selection.shard is None:
        return [_make(target_job, overrides)]
    share = Shard(*parse_shard(selection.shard))
    count = augmentation.shard(target_job, share)
    conclude(f"shard {share.number} of {share.of}: candidates for {count:,} examples")
    conclude(f"when all are done: halluc augment … --run {run}, without --shard, merges them")
    result = ShardResult(run=str(target.path), shard=f"{share.number}/{share.of}", examples=count)
    put(result)
    return [result]


def _preview(cell: Job, run: Path | None, options: PreviewOptions) -> Sequence[Made]:
    if options.replay is not None:
        target = directory.open_run(run) if run is not None else _newest(cell)
        if not _has_corpus(target):
            raise HallucError("R105", f"{target.path} has no augmented corpus", help="make it first: halluc augment")
        cell.run = target
        return [replaying.replay(cell, options.replay)]
    assert options.preview is not None
    return replaying.preview(cell, options.preview)


def _has_corpus(run: directory.RunDir) -> bool:
    return augmented_corpus.manifest(run) is not None


def _newest(cell: Job) -> directory.RunDir:
    """The run of a cell, or the newest run with the augmented corpus of this config."""
    if cell.slug is not None:
        return run_locations.run_of(cell)
    loaded = cell.loaded
    result = directory.newest(loaded.home, loaded.sha256, _has_corpus)
    if result is None:
        nearest = nearest_run.description(loaded, _has_corpus)
        message = f"no run in {loaded.home} has the augmented corpus of this config{nearest}"
        raise HallucError("R105", message, help="make it first: halluc augment")
    return result


def _is_done(cell: Cell) -> bool:
    target = run_locations.run_of(cell)
    return target.augment.is_dir() and augmented_corpus.is_current(target, cell.loaded)


def _run_to_fill(loaded: LoadedConfig) -> directory.RunDir:
    """The newest run of this config, unless it was trained on another corpus than the one to be made."""
    newest = directory.newest(loaded.home, loaded.sha256)
    if newest is not None and (augmented_corpus.is_current(newest, loaded) or not newest.is_begun()):
        return newest
    return run_locations.create(loaded, "augment")


def _make(cell: Job, overrides: Sequence[str]) -> AugmentResult:
    target = cell.target
    with target.locked():
        recover(target.augment)
        if augmented_corpus.is_current(target, cell.loaded):
            manifest = augmented_corpus.manifest(target)
            conclude(f"{target.augment} already exists: nothing to do")
        else:
            with target.stage("augment", list(overrides)):
                manifest = augmentation.ensure(cell)
    assert manifest is not None, "the config asks for augmentation"
    result = AugmentResult(run=str(target.path), **dict(manifest))
    put(result)
    return result
