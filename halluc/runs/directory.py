"""The run directory: created or searched, locked by one writer, and the only interface between commands."""

from __future__ import annotations

import contextlib
import datetime
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from halluc.core import latest, locks
from halluc.core.errors import HallucError, did_you_mean, environment_error
from halluc.core.files import make_folder, remedy, unwritable, write_json, write_text
from halluc.runs.records import content_sha256, read_json, read_record
from halluc.runs.schema import RunFile, Stage

RUN_FILE = latest.RUN_FILE
CONFIG_FILE = "config.yaml"
LOCK_FILE = ".lock"
# In ``RunDir.augment``.
TRAIN, PROVENANCE, MANIFEST = "train.jsonl", "provenance.jsonl", "manifest.json"
# In `runs_dir`: models fitted by augmentation, by fingerprint, each with this record.
FITTED, FITTED_RECORD = ".fitted", "fitted.json"
RUN_NAME = re.compile(r"\d{8}-\d{6}-(?P<hash>[0-9a-f]{6})(?:-\d+)?")
_USE_FOLDER = "use a folder under `runs_dir` that `halluc train` created"


@dataclass(frozen=True)
class RunDir:
    """A folder that belongs to one experiment."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def has_checkpoint(self) -> bool:
        """Whether an interrupted training can be resumed here."""
        return any(self.checkpoints.glob("step-*"))

    def is_begun(self) -> bool:
        """Whether a training has written something: a checkpoint or a model."""
        return self.has_checkpoint() or self.model.is_dir()

    def is_trained(self) -> bool:
        """Whether the training of this run's config is finished, and recorded as such in ``run.json``, after
        ``model/``.

        A model that was removed since (``model_removed``) counts; one of an earlier total of epochs, whose training is
        being continued, does not.

        Raises:
            HallucError R101, R102: ``run.json`` is damaged, or of another version.
        """
        if not (self.path / RUN_FILE).is_file():
            return False
        record = self.read()
        stage = record.stages.get("train")
        if stage is None or stage.status != "done" or record.model_sha256 not in (None, record.config_sha256):
            return False
        return self.model.is_dir() or record.model_removed is not None

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def data(self) -> Path:
        """The result of ``halluc check`` for the splits that the run was trained on."""
        return self.path / "data.json"

    @property
    def config(self) -> Path:
        return self.path / CONFIG_FILE

    @property
    def coverage(self) -> Path:
        """The coverage of the training split, written by ``gap.coverage``."""
        return self.path / "coverage.json"

    @property
    def withheld(self) -> Path:
        """What was withheld from the training split, written by ``gap.withhold``."""
        return self.path / "withheld.json"

    def base(self, number: int) -> Path:
        """The coverage of the training split of an earlier run that this run's model started from; 1 is the last
        one."""
        return self.path / "base" / f"{number:02d}.json"

    @property
    def bases(self) -> list[Path]:
        """All of these files, the last training first."""
        return sorted((self.path / "base").glob("[0-9][0-9].json"))

    @property
    def confidence(self) -> Path:
        return self.path / "confidence.json"

    @property
    def augment(self) -> Path:
        """The folder of the augmented corpus, written by ``augment.pipeline``."""
        return self.path / "augment"

    def ledger(self, split: str) -> Path:
        return self.path / "ledger" / f"{split}.jsonl"

    def predictions(self, split: str) -> Path:
        return self.path / "predictions" / f"{split}.jsonl"

    def evaluation(self, split: str) -> Path:
        return self.path / "eval" / f"{split}.json"

    def probe(self, name: str) -> Path:
        """The figures of a probe with facts."""
        return self.path / "probe" / f"{name}.json"

    def probe_lines(self, name: str) -> Path:
        """The answers to a probe with facts."""
        return self.path / "probe" / f"{name}.jsonl"

    def audit(self, split: str, suffix: str = "jsonl") -> Path:
        """The suspects of a split, as ``jsonl``, or as a page or import file."""
        return self.path / "audit" / f"{split}.{suffix}"

    def regold(self, name: str) -> RunDir:
        """The files of an evaluation against other gold, in a folder of the run named after that gold."""
        return RunDir(self.path / "regold" / name)

    def report(self, split: str, suffix: str) -> Path:
        """The classification report, as ``txt`` or ``json``."""
        return self.path / "eval" / f"{split}_classification_report.{suffix}"

    def read(self) -> RunFile:
        """``run.json``.

        Raises:
            HallucError R101: missing, damaged or of another version of halluc.
        """
        file, help = self.path / RUN_FILE, "restore it, or train again"
        try:
            return read_record(file, RunFile, damaged="R101", other_version="R102", help=help)
        except FileNotFoundError:
            newest = self.path / latest.LATEST
            runs = [newest] if latest.is_pointer(newest) else sorted(folders(self.path), key=_age)
            help = f"it contains runs: use one of them, such as {runs[-1]}" if runs else _USE_FOLDER
            raise HallucError("R101", f"{self.path} is not a run directory: it has no {RUN_FILE}", help=help) from None

    def is_record_changed(self) -> bool:
        """Whether another program changed ``run.json``; False for runs of earlier versions, which have no hash."""
        try:
            content = read_json(self.path / RUN_FILE)
        except (OSError, ValueError):
            return False  # missing or damaged: an error when it is read
        if not isinstance(content, dict) or content.get("sha256") is None:
            return False
        recorded = content.pop("sha256")
        return bool(content.get("is_edited") or content_sha256(content) != recorded)

    def write(self, run: RunFile) -> None:
        """Write ``run.json`` with its hash; earlier edits stay on record."""
        run.is_edited = run.is_edited or self.is_record_changed()
        content = run.model_dump(mode="json", exclude={"sha256"})
        write_json(self.path / RUN_FILE, {**content, "sha256": content_sha256(content)})

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock; the system releases it when the process ends, however it ends.

        Raises:
            HallucError R103: another process writes here. E401: see ``locks.locked``.
        """
        with locks.locked(self.path / LOCK_FILE, self.path):
            yield

    @contextlib.contextmanager
    def stage(self, command: str, arguments: list[str]) -> Iterator[Stage]:
        """Record in ``run.json`` that ``command`` runs here, and how it ended; earlier details stay until they are
        replaced."""
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        earlier = self.read().stages.get(command)
        resolved = [latest.resolve_override(argument) for argument in arguments]
        stage = Stage(status="running", started=started, arguments=resolved, detail=earlier.detail if earlier else {})
        clock = time.monotonic()
        self._note(command, stage)
        try:
            yield stage
        except BaseException as error:
            stage.status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            with contextlib.suppress(HallucError):  # on a full disk: the first error is the one to report
                self._note(command, stage, clock)
            raise
        stage.status = "done"
        self._note(command, stage, clock)

    def _note(self, command: str, stage: Stage, began: float | None = None) -> None:
        stage.seconds = None if began is None else round(time.monotonic() - began, 2)
        run = self.read()
        run.stages[command] = stage
        run.command, run.status = command, stage.status
        run.seconds = round(sum(one.seconds or 0 for one in run.stages.values()), 2)
        self.write(run)


def create(home: Path, run: RunFile, config_text: str, sources: tuple[Path, ...]) -> RunDir:
    """Create ``home/<time>-<hash>``; two created in the same second get different folders."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    base = f"{stamp}-{run.config_sha256[:6]}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            path = home / (base if attempt == 1 else f"{base}-{attempt}")
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                break
    except OSError as error:
        raise environment_error("E401", f"cannot make a run in {home}: {error.strerror}", remedy(home, error)) from None
    return fill(RunDir(path), run, config_text, sources)


def fill(directory: RunDir, run: RunFile, config_text: str, sources: tuple[Path, ...]) -> RunDir:
    """Write the initial files of a run: the resolved config, its sources, ``run.json``."""
    write_text(directory.config, config_text)
    for number, source in enumerate(sources):
        target = directory.path / "source" / f"{number:02d}-{source.name}"
        make_folder(target.parent)
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise unwritable(target, error) from error
    directory.write(run)
    return directory


def folders(home: Path) -> list[Path]:
    """The folders of runs in ``home``, without the link ``latest``."""
    return [path for path in _entries(home) if (path / RUN_FILE).is_file()]


def _entries(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    return [path for path in home.iterdir() if not (path.is_symlink() and path.name.startswith((latest.LATEST, ".")))]


def _all_newest_first(home: Path) -> list[RunDir]:
    """The folders in ``home`` that may be runs, even without a ``run.json``; not cells of a study."""
    paths = [path for path in _entries(home) if path.is_dir() and "=" not in path.name]
    return [RunDir(path) for path in sorted(paths, key=_age, reverse=True)]


def newest(home: Path, config_sha256: str, suits: Callable[[RunDir], bool] = lambda run: True) -> RunDir | None:
    """The newest matching run in ``home`` whose config decides the same model; without cells of a study."""
    runs = newest_first(home)
    return next((run for run, record in runs if record.config_sha256 == config_sha256 and suits(run)), None)


def newest_intact(home: Path, config_sha256: str, suits: Callable[[RunDir], bool]) -> RunDir | None:
    """The same, unless a newer run of the config has a damaged ``run.json``.

    Raises:
        HallucError R119: names the damaged run.
    """
    result = newest(home, config_sha256, suits)
    damaged = newest_unreadable(home, result, lambda run: run.is_begun() and is_named(run, config_sha256))
    if damaged is not None and damaged[1].code != "R102":  # of another version of halluc
        run, error = damaged
        help = f"restore {run.path / RUN_FILE} from a backup, or use another run with --run"
        raise HallucError("R119", f"the newest run of this config is damaged: {error.message}", help=help)
    return result


def is_named(run: RunDir, config_sha256: str) -> bool:
    """Whether the name of a run's folder contains the hash of this config."""
    named = RUN_NAME.fullmatch(run.path.name)
    return named is not None and named["hash"] == config_sha256[:6]


def newest_unreadable(
    home: Path, newer_than: RunDir | None, may_be: Callable[[RunDir], bool]
) -> tuple[RunDir, HallucError] | None:
    """The newest unreadable run that is newer than ``newer_than`` and may be the one searched for."""
    for run in _all_newest_first(home):
        if run == newer_than:
            break
        if may_be(run):
            try:
                run.read()
            except HallucError as error:
                return run, error
    return None


def newest_first(home: Path) -> Iterator[tuple[RunDir, RunFile]]:
    """The readable runs in ``home``, except cells of a study, newest first."""
    for directory in _all_newest_first(home):
        with contextlib.suppress(HallucError):  # not a run, of another version, or damaged: not the one searched for
            yield directory, directory.read()


def _age(path: Path) -> tuple[str, int]:
    """The folder's time stamp, then its number among folders of the same second."""
    parts = path.name.split("-")
    number = int(parts[3]) if len(parts) > 3 and parts[3].isdecimal() else 1
    return "-".join(parts[:2]), number


def open_run(path: Path) -> RunDir:
    """A run that the user gave by path.

    Raises:
        HallucError R101, R102: it does not exist, is not a run, or has another version. R115: ``latest`` is damaged.
    """
    path = latest.resolve(path)
    directory = RunDir(path)
    if not path.is_dir():
        near = did_you_mean(path.name, _sibling_names(path))
        help = _USE_FOLDER if near is None else f"did you mean `{path.with_name(near)}`?"
        raise HallucError("R101", f"no such run directory: {path}", help=help)
    directory.read()
    return directory


def _sibling_names(path: Path) -> list[str]:
    """The names of folders next to a path that does not exist, for suggestions."""
    try:
        return [one.name for one in path.parent.iterdir() if one.is_dir() or latest.is_pointer(one)]
    except OSError:
        return []
