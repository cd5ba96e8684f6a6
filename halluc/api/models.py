"""The part of the API for trained models, lists of runs, and the installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from halluc.api.calls import Callbacks, Messages, Progress, Source, optional_path
from halluc.core.messages import listening

if TYPE_CHECKING:  # each function imports its workflow: `import halluc` loads neither numpy nor torch
    from halluc.runs.results import DoctorResult, ExportResult, ListedRun, ProbeResult, PushResult
    from halluc.runs.schema import Record
    from halluc.workflows.prediction import Predictor


def load(
    model: Source, overrides: Sequence[str] = (), *, members: Sequence[str] = (), messages: Messages | None = None
) -> Predictor:
    """Load a trained model for prediction: a run directory (``runs/x/latest``), an export, or another model.

    Loading takes seconds; the result can be used by several threads. With ``members``, further runs or models, it is an
    ensemble that decides by the mean of their probabilities. ``overrides`` change settings of the run that the trained
    model does not depend on, such as the files of a gazetteer.

    Raises:
        HallucError: there is no run or model, or it is damaged.
    """
    from halluc.workflows import prediction

    with listening(Callbacks(messages, None)):
        return prediction.load(str(model), members=members, overrides=overrides)


def predict(
    model: Source,
    texts: Iterable[str | tuple[str, str] | Mapping[str, Any]],
    *,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[Record]:
    """Predict texts, pairs of texts, or mappings with the fields of the run's data: returns the records that ``halluc
    predict`` writes.

    The model is loaded in each call; see ``load``.

    Raises:
        HallucError: as ``load``.
    """
    listener = Callbacks(messages, progress)
    with listener.bar("predicting", "texts", True) as tick:
        return load(model, messages=messages).predict(texts, progress=tick)


def probe(
    target: Source,
    overrides: Sequence[str] = (),
    *,
    patterns: Source,
    facts: Source,
    checkpoint: str | None = None,
    relations: Sequence[str] = (),
    sample: int | None = None,
    most_patterns: int | None = None,
    threshold: float = 0.5,
    name: str = "facts",
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> ProbeResult:
    """Probe the language model of a run, and its base model, for facts, as ``halluc probe``: the figures of each model.

    Args:
        target: a run, or a config.
        checkpoint: another model to probe instead; ``target`` is then a config.
        sample: the maximum number of facts per relation.

    Raises:
        HallucError: patterns or facts are invalid, or the model cannot be probed.
    """
    from halluc.workflows import probing

    options = probing.ProbeOptions(
        Path(patterns), Path(facts), tuple(relations), sample, most_patterns, threshold, name=name
    )  # fmt: skip
    with listening(Callbacks(messages, progress)):
        return probing.probe(Path(target), overrides, options, checkpoint)


def export(
    run: Source,
    *,
    format: Literal["onnx", "torch"] = "onnx",
    quantize: Literal["int8"] | None = None,
    tolerance: float = 0.005,
    output: Source | None = None,
    force: bool = False,
    messages: Messages | None = None,
) -> ExportResult:
    """Export the model of a run, as ``halluc export``: the folder, and the content of export.json.

    Args:
        tolerance: the maximum decrease of the primary figure on dev.
        force: replace an earlier export.

    Raises:
        HallucError: run, task or options are not suitable, the model cannot be exported, or it is worse (code G101).
    """
    from halluc.workflows import exporting

    with listening(Callbacks(messages, None)):
        options = exporting.ExportOptions(format, quantize, tolerance, optional_path(output), force)
        return exporting.export(str(run), options)


def push(
    run: Source,
    name: str,
    *,
    with_report: bool = False,
    private: bool = False,
    dry_run: bool = True,
    messages: Messages | None = None,
) -> PushResult:
    """Publish the model of a run with its card and config, as ``halluc push``: its files and the commit.

    Args:
        name: ``hub:NAME`` or ``hub:ORGANISATION/NAME``.
        with_report: publish also the report, which quotes texts of the corpus.
        private: make a new repository private, and refuse one that is public.
        dry_run: send nothing; pass False to publish.

    Raises:
        HallucError: the run has no model or no model card, or the hub refuses.
    """
    from halluc.workflows import publishing

    with listening(Callbacks(messages, None)):
        return publishing.push(Path(run), name, private=private, with_report=with_report, yes=not dry_run)


def list_runs(folder: Source = "runs") -> list[ListedRun]:
    """The runs and studies of a folder with state and main figures, newest first, as ``halluc runs``.

    Raises:
        HallucError: the folder does not exist, or has no run.
    """
    from halluc.workflows import run_listing

    with listening(Callbacks(None, None)):
        return run_listing.list_runs(Path(folder))


def doctor() -> DoctorResult:
    """Versions, devices, and what halluc and each extra need, as ``halluc doctor``.

    ``missing`` in the result lists required packages that are not installed, or have another version.

    Raises:
        HallucError: halluc runs from a folder without being installed.
    """
    from halluc.workflows import diagnosis

    with listening(Callbacks(None, None)):
        return diagnosis.diagnose()
