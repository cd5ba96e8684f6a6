"""Experiment trackers: TensorBoard, MLflow and W&B get the content of events.jsonl and eval/.

A tracker that fails warns once and is then disabled: it never stops a training.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Protocol

from halluc.core.errors import require_package
from halluc.core.files import write_json
from halluc.core.messages import warn
from halluc.runs.directory import RunDir
from halluc.runs.events import Evaluated, Event, Started, Step, Stopped
from halluc.runs.records import read_json
from halluc.runs.schema import MetricResult

# In a run: the ids of the run in its trackers, so that the same tracker run is continued; and the trackers' own files.
IDS_FILE, FOLDER = "trackers.json", "trackers"


@dataclass(frozen=True)
class Tracked:
    """The tracked run: ``config`` by dotted key, ``tags`` are its fingerprint, ``key`` is its id in the tracker (None:
    not created yet)."""

    run: RunDir
    name: str
    experiment: str
    runs_dir: Path
    config: Mapping[str, Any]
    tags: Mapping[str, str]
    key: str | None = None


class Tracker(Protocol):
    """One open run of a tracker; any method may raise any exception."""

    key: str

    def scalars(self, values: Mapping[str, float], step: int) -> None: ...

    def text(self, name: str, content: str) -> None: ...

    def close(self, status: str) -> None: ...


class TensorBoardTracker:
    """Event files in the run; steps that are repeated after an interruption replace the earlier ones."""

    def __init__(self, tracked: Tracked, resumed_step: int | None = None) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
        from tensorboard.plugins.text import metadata
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.event, self.summary, self.tensor, self.metadata = event_pb2, summary_pb2, tensor_pb2, metadata
        self.key = str(Path(FOLDER) / "tensorboard")
        self.writer: Any = EventFileWriter(str(tracked.run.path / self.key))
        if resumed_step is not None:
            session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._add(resumed_step + 1, session_log=session)
        if tracked.key is None:
            for name, values in (("config", tracked.config), ("fingerprint", tracked.tags)):
                lines = [f"    {key}: {value}" for key, value in values.items()]  # indented: code, in Markdown
                self.text(name, "\n".join(lines))

    def _add(self, step: int, **content: Any) -> None:
        self.writer.add_event(self.event.Event(wall_time=time.time(), step=step, **content))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        results = [self.summary.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(step, summary=self.summary.Summary(value=results))

    def text(self, name: str, content: str) -> None:
        tensor = self.tensor.TensorProto(dtype="DT_STRING", string_val=[content.encode("utf-8")])
        about = self.metadata.create_summary_metadata(display_name=name, description="")
        value = self.summary.Summary.Value(tag=name, tensor=tensor, metadata=about)
        self._add(0, summary=self.summary.Summary(value=[value]))

    def close(self, status: str) -> None:
        self.writer.close()


class MlflowTracker:
    """A run on the server of MLFLOW_TRACKING_URI, or in a database in ``runs_dir``. Metrics are sent in batches."""

    # Maximum length of a parameter value, and maximum number per request.
    LONGEST, MOST_PARAMS, MOST_METRICS = 500, 100, 1_000
    # No usage statistics are sent, and a training does not wait for minutes for a server that does not answer.
    DEFAULTS: ClassVar = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",  # the package sets the level when it is imported
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to --json
    }
    # Seconds between two batches.
    PAUSE = 5.0

    def __init__(self, tracked: Tracked, resumed_step: int | None = None) -> None:
        for variable, value in self.DEFAULTS.items():
            os.environ.setdefault(variable, value)
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        folder = tracked.runs_dir.resolve()
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        self.client: Any = MlflowClient(uri or f"sqlite:///{folder}/mlflow.db")
        self.waiting: list[Any] = []
        self.sent = time.monotonic()
        if tracked.key is not None:
            self.key = tracked.key
            self.client.update_run(self.key, status="RUNNING")
            return
        existing = self.client.get_experiment_by_name(tracked.experiment)
        artifacts = None if uri else (folder / "mlflow-artifacts" / tracked.experiment).as_uri()
        experiment = (
            existing.experiment_id if existing else self.client.create_experiment(tracked.experiment, artifacts)
        )
        run = self.client.create_run(experiment, run_name=tracked.name, tags=dict(tracked.tags))
        self.key = str(run.info.run_id)
        params = [Param(key, str(value)[: self.LONGEST]) for key, value in tracked.config.items()]
        for start in range(0, len(params), self.MOST_PARAMS):
            self.client.log_batch(self.key, params=params[start : start + self.MOST_PARAMS])

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        self.waiting += [Metric(name, value, now, step) for name, value in values.items()]
        if len(self.waiting) >= self.MOST_METRICS or time.monotonic() - self.sent > self.PAUSE:
            self._send()

    def _send(self) -> None:
        for start in range(0, len(self.waiting), self.MOST_METRICS):
            self.client.log_batch(self.key, metrics=self.waiting[start : start + self.MOST_METRICS])
        self.waiting, self.sent = [], time.monotonic()

    def text(self, name: str, content: str) -> None:
        self.client.log_text(self.key, content, name)

    def close(self, status: str) -> None:
        self._send()
        self.client.set_terminated(self.key, {"done": "FINISHED", "interrupted": "KILLED"}.get(status, "FAILED"))


class WandbTracker:
    """A run of W&B: offline, in files of the run, unless WANDB_MODE differs; without facts about the machine."""

    def __init__(self, tracked: Tracked, resumed_step: int | None = None) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        folder = tracked.run.path / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self.key = tracked.key or uuid.uuid4().hex[:12]
        settings = wandb.Settings(
            silent=True, console="off", host="hidden",
            disable_git=True, disable_code=True, save_code=False, x_disable_stats=True,
            x_disable_meta=True, x_disable_machine_info=True, x_save_requirements=False,
        )  # fmt: skip
        self.run: Any = wandb.init(
            project=tracked.experiment, name=tracked.name, id=self.key, dir=str(folder), mode=mode, settings=settings,
            resume="allow" if mode == "online" else None, allow_val_change=True, reinit="create_new",
            config={**tracked.config, "fingerprint": dict(tracked.tags)},
        )  # fmt: skip
        # Figures of an evaluation come after the last step of training, and W&B requires increasing steps.
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        self.run.log({**values, "step": step})

    def text(self, name: str, content: str) -> None:
        file = Path(self.run.dir) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        self.run.save(str(file), base_path=self.run.dir, policy="now")

    def close(self, status: str) -> None:
        self.run.finish(exit_code=0 if status == "done" else 1)


_KINDS: dict[str, Callable[[Tracked, int | None], Tracker]] = {
    "tensorboard": TensorBoardTracker,
    "mlflow": MlflowTracker,
    "wandb": WandbTracker,
}


def refuse_missing(names: Sequence[str]) -> None:
    """
    Raises:
        HallucError E420: the package of a tracker, which has its name, is not installed.
    """
    for name in names:
        require_package(name, f"`loggers: [{name}]`", name)


class Trackers:
    """All trackers of a run: a listener for its training, and a receiver of figures for its evaluation."""

    def __init__(self, names: Sequence[str], tracked: Tracked) -> None:
        self.names, self.tracked = names, tracked
        self.open: dict[str, Tracker] = {}
        self.status: str | None = None

    def __enter__(self) -> Trackers:
        return self

    def begin(self, resumed_step: int | None = None) -> None:
        """Open each tracker's run, continuing the existing one if there is one."""
        known = self._known()
        for name in self.names:
            with self._disabled_on_error(name):
                key = known.get(name)
                tracked = replace(self.tracked, key=key if isinstance(key, str) else None)
                self.open[name] = _KINDS[name](tracked, resumed_step)
        keys = {name: tracker.key for name, tracker in self.open.items()}
        if keys and {**known, **keys} != known:
            write_json(self.tracked.run.path / IDS_FILE, {**known, **keys})

    def _known(self) -> dict[str, Any]:
        try:
            result = read_json(self.tracked.run.path / IDS_FILE)
        except (OSError, ValueError):
            return {}  # none, or damaged: new tracker runs are created
        return result if isinstance(result, dict) else {}

    @contextlib.contextmanager
    def _disabled_on_error(self, name: str) -> Iterator[None]:
        """An exception of a tracker is reported once, and the tracker is disabled."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a foreign tool, which may raise anything
            self.open.pop(name, None)
            text = " ".join(str(error).split())[:300]
            warn(f"{name} is disabled for {self.tracked.run.path}: {type(error).__name__}: {text}")

    def _each(self, do: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.open.items()):
            with self._disabled_on_error(name):
                do(tracker)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self.begin(event.resumed_step or None)
        elif isinstance(event, Step):
            values = {"loss": event.loss, "learning_rate": event.learning_rate, "grad_norm": event.grad_norm}
            self._scalars({f"train/{name}": value for name, value in values.items()}, event.step)
        elif isinstance(event, Evaluated):
            self._scalars({f"dev/{name}": value for name, value in event.metrics.items()}, event.step)
        elif isinstance(event, Stopped):
            self.status = "interrupted" if event.interrupted else "done"

    def _scalars(self, values: Mapping[str, float], step: int) -> None:
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        self._each(lambda tracker: tracker.scalars(finite, step))

    def figures(self, split: str, metrics: Sequence[MetricResult], step: int) -> None:
        """The overall figures of an evaluation, each with the limits of its interval."""
        values: dict[str, float] = {}
        for one in metrics:
            if not one.by and one.value is not None:
                name = f"eval/{split}/{one.name}"
                values.setdefault(name, one.value)
                for end, value in zip(("low", "high"), one.interval or (), strict=False):
                    values.setdefault(f"{name}/{end}", value)
        self._scalars(values, step)

    def text(self, name: str, path: Path) -> None:
        """Send a text file of the run."""
        self._each(lambda tracker: tracker.text(name, path.read_text(encoding="utf-8")))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        status = "failed" if isinstance(error, Exception) else self.status
        self._each(lambda tracker: tracker.close(status or ("done" if error is None else "interrupted")))
