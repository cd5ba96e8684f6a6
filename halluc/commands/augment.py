"""``halluc augment``: the training split made larger, with labels kept, and a record of every edit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halluc.augmentation.pipeline.layout import TRAIN
from halluc.augmentation.pipeline.shards import Shard
from halluc.commands.terminal import Talk, is_main_process, put_json, say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell, load_study
from halluc.config.rendering import annotated
from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.core.files import elsewhere, recover
from halluc.runs import directory, matrix
from halluc.runs.directory import RunDir
from halluc.workflows import augmentation, cells, experiment, nearest_run
from halluc.workflows import replay as replaying
from halluc.workflows.cell_selection import Selection, choose

_NO_SECTION = "give it a section `augment` (docs/augmentation.md)"


@dataclass(frozen=True)
class Look:
    """What is looked at instead of making a corpus: so many pairs before and after, or one line made anew."""

    preview: int | None = None
    replay: str | None = None


def run(
    config: Path, overrides: Sequence[str], *, run: Path | None, selection: Selection, look: Look, talk: Talk
) -> None:
    """Make the augmented corpus of an experiment, or of every cell of a study that asks for one."""
    if run is not None or (selection.shard and not _has_matrix(config, overrides)):
        _named(experiment.load(config, overrides), overrides, run, selection, look, talk)
        return
    if look == Look():
        _, chosen = cells.begin(config, overrides, selection)
    else:  # nothing is noted of a study that is only looked at
        chosen = choose(load_study(config, overrides, table=TABLE), selection)
    asked = [cell for cell in chosen if cell.loaded.experiment.augment is not None]
    if not asked:
        raise HallucError("C107", "this config asks for no augmentation", help=_NO_SECTION)
    if look != Look():
        _look(asked[0], None, look, talk)
        return
    cells.each(asked, lambda cell: _one(cell, overrides, talk), done=_is_done, talk=talk)


def _has_matrix(config: Path, overrides: Sequence[str]) -> bool:
    return bool(load_study(config, overrides, table=TABLE).axes)


@elsewhere("choose another place for `--run`")
def _named(
    loaded: LoadedConfig, overrides: Sequence[str], run: Path | None, selection: Selection, look: Look, talk: Talk
) -> None:
    """In a run directory that was named outright, whole or a shard of it."""
    if loaded.experiment.augment is None:
        raise HallucError("C107", "this config asks for no augmentation", help=_NO_SECTION)
    if run is None:
        help = "name one directory for all shards: --run DIR"
        raise HallucError("C012", "--shard without --run: the shards would not meet", help=help)
    Selection(selection.only, None, selection.fresh).refuse("--run names one run")
    run = latest.resolve(run)
    cell = Cell(None, {}, loaded)
    if look != Look():
        _look(cell, run, look, talk)
        return
    target = matrix.cell(run, lambda new: directory.fill(
        new, experiment.new_record(loaded, "augment"), annotated(loaded), loaded.files))  # fmt: skip
    if target.read().config_sha256 != loaded.sha256:
        raise HallucError("R104", f"{run} holds a run of another config", help="name an empty folder")
    if selection.shard is None:
        _make(loaded, target, overrides, talk)
        return
    share = _share(selection.shard)
    count = augmentation.shard(loaded, target, share, talk)
    if talk is not Talk.JSON:
        say(f"shard {share.number} of {share.of}: candidates for {count:,} examples")
        say(f"when all are done: halluc augment … --run {run}, without --shard, puts them together")
    else:
        put_json({"run": str(target.path), "shard": f"{share.number}/{share.of}", "examples": count})


def _share(text: str) -> Shard:
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        help = "the first of four shards is `--shard 1/4`, the last `--shard 4/4`"
        raise HallucError("C013", f"`--shard {text}` is not of the form I/N, with I from 1 to N", help=help)
    return Shard(int(match[1]), int(match[2]))


def _look(cell: Cell, run: Path | None, look: Look, talk: Talk) -> None:
    if look.replay is not None:
        target = directory.open_run(run) if run is not None else _newest(cell)
        if augmentation.manifest(target) is None:
            help = "make it first: halluc augment"
            raise HallucError("R105", f"{target.path} holds no augmented corpus", help=help)
        replaying.replay(cell.loaded, target, look.replay, as_json=talk is Talk.JSON)
    else:
        assert look.preview is not None
        replaying.preview(cell.loaded, look.preview, as_json=talk is Talk.JSON)


def _newest(cell: Cell) -> RunDir:
    """The run of a cell, or the newest that has the augmented corpus of this config."""
    if cell.slug is not None:
        return experiment.run_of(cell)
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
    target = experiment.run_of(cell)
    made = augmentation.manifest(target) if target.augment.is_dir() else None
    return made is not None and made.fingerprint == augmentation.fingerprint(cell.loaded)


def _one(cell: Cell, overrides: Sequence[str], talk: Talk) -> None:
    loaded = cell.loaded
    _make(loaded, experiment.claim(cell, "augment") if cell.slug is not None else _place(loaded), overrides, talk)


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
    return experiment.create(loaded, "augment")


def _make(loaded: LoadedConfig, target: RunDir, overrides: Sequence[str], talk: Talk) -> None:
    with target.locked():
        recover(target.augment)
        known = augmentation.manifest(target)
        if known is not None and known.fingerprint == augmentation.fingerprint(loaded):
            say(f"{target.augment} is there already: nothing is left to do")
            made = known
        else:
            with target.stage("augment", list(overrides)):
                made_now = augmentation.ensure(loaded, target, talk)
                assert made_now is not None
                made = made_now
    if talk is Talk.JSON:
        if is_main_process():
            put_json({"run": str(target.path), **made.model_dump(mode="json")})
    else:
        say(f"augmented corpus: {target.augment / TRAIN}")
