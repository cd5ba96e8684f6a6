"""Gates: bounds for the figures of an evaluation; exit code 5 if one is not met."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache, partial

from halluc.analysis import comparison, run_figures, scoring
from halluc.analysis.run_figures import FigureKey
from halluc.config.evaluation import GateConfig
from halluc.config.loading import LoadedConfig
from halluc.core import latest
from halluc.core.errors import EXIT_GATE, HallucError, did_you_mean, refuse
from halluc.core.files import expanded
from halluc.data.rows.references import DEMO, HUB, SplitName
from halluc.runs import directory
from halluc.runs.directory import RunDir
from halluc.runs.reports import GateResult
from halluc.runs.schema import EvalFile, MetricResult
from halluc.runs.studies import Delta
from halluc.task import build

# The number of slices with a value that are named if the requested slice has none.
_MOST_NAMED = 10


def refuse_invalid(loaded: LoadedConfig) -> None:
    """Check the gates before anything is computed.

    Raises:
        HallucError or ManyErrors C103: a gate names an unknown figure, or the split that the model is trained on.
    """
    if not loaded.experiment.gates:
        return
    task = build(loaded.experiment.task)
    known, named = scoring.names(task), task.figures.named
    results = []
    for name, gate in loaded.experiment.gates.items():
        if name not in known:
            near = named.get(name) or did_you_mean(name, known)
            help = f"did you mean `{near}`?" if near else f"one of {', '.join(known)}"
            results.append(
                HallucError("C103", f"`gates.{name}` is not a figure", loaded.origins.get(("gates", name)), help)
            )
        elif gate.baseline is not None and not expanded(latest.resolve_text(gate.baseline)).is_dir():
            message = f"`gates.{name}`: there is no run {gate.baseline}"
            where = loaded.origins.get(("gates", name, "baseline"))
            results.append(HallucError("R101", message, where, "set it to the folder of an evaluated run"))
        elif gate.split is not None and is_trained_on(loaded, gate.split):
            message = f"`gates.{name}` cannot be checked on {gate.split}, because the model is trained on this split"
            where = loaded.origins.get(("gates", name, "split"))
            results.append(HallucError("C103", message, where, "set dev or test, or remove `split`"))
    refuse(results)


def refuse_uncheckable(loaded: LoadedConfig, evaluated: Sequence[SplitName]) -> None:
    """Check before training that the evaluation can check each gate.

    Raises:
        HallucError C107: no split of ``evaluated`` is allowed for the gate.
    """
    for name, gate in loaded.experiment.gates.items():
        if not any(_counts(loaded, gate, split) for split in evaluated):
            message = f"`gates.{name}` cannot be checked on any of the evaluated splits: {', '.join(evaluated)}"
            help = "a gate needs a split that the model is not trained on: see `data.test` and `eval.splits`"
            raise HallucError("C107", message, loaded.origins.get(("gates", name)), help)


def is_trained_on(loaded: LoadedConfig, split: str) -> bool:
    """Whether a split is the training split, or another name of the same file."""
    if split == "train":
        return True
    data = loaded.experiment.data
    if data.is_held_out(split):
        return False
    name, trained = data.reference(split), data.reference("train")
    if name is None or trained is None or name.startswith(DEMO) or (name.startswith(HUB) and "#" not in name):
        return False  # such a reference means different examples in different splits
    return bool(os.path.realpath(name) == os.path.realpath(trained))


def refuse_broken(loaded: LoadedConfig, results: Sequence[GateResult]) -> None:
    """
    Raises:
        HallucError or ManyErrors G100, exit code 5: every bound that is not met, with figure, bound and value.
    """
    refuse(
        HallucError("G100", f"gate not met: {one.text}", loaded.origins.get(("gates", one.name)), exit_code=EXIT_GATE)
        for one in results
        if not one.met
    )


def judged(loaded: LoadedConfig, files: Sequence[EvalFile], run: RunDir, *, is_fresh: bool = False) -> list[GateResult]:
    """The result of every gate of the config for these evaluations of a run, in order.

    Raises:
        HallucError C103: a baseline is `latest`, which is the run itself. R101, R112: a baseline is not a run, or was
            not evaluated on the split. R113: it was evaluated on other examples.
    """
    compared = cache(partial(_compared, run, is_fresh))
    # Some figures have another name in comparisons than in evaluations.
    other_names = {own: name for name, own in build(loaded.experiment.task).figures.named.items()}
    results = []
    for name, gate in loaded.experiment.gates.items():
        result = _judged(loaded, name, gate, files)
        if gate.baseline is not None and result.split is not None:
            try:
                deltas = compared(gate.baseline, result.split)
            except HallucError as error:
                where = loaded.origins.get(("gates", name, "baseline"))
                message = f"`gates.{name}` cannot be compared with its baseline: {error.message}"
                raise HallucError(error.code, message, where, error.help, error.exit_code) from None
            by = tuple(sorted(gate.by.items()))
            result = _against_baseline(
                result, gate, deltas.get((name, by)) or deltas.get((other_names.get(name, name), by))
            )
        results.append(result)
    return results


def _compared(run: RunDir, is_fresh: bool, baseline: str, split: str) -> dict[FigureKey, Delta]:
    """The figures of a run minus those of its baseline, paired over examples."""
    other = directory.open_run(expanded(latest.resolve_text(baseline)))
    if other.path.resolve() == run.path.resolve() and baseline.rstrip("/").endswith("latest"):
        raise HallucError("C103", f"{baseline} is the run itself", help="set the baseline to its own folder")
    known: dict[bytes, run_figures.Example] = {}
    first = run_figures.read(other, split, known, keep_lines=False)
    own = run_figures.read(run, split, known, keep_lines=False, is_fresh=is_fresh)
    run_figures.refuse_different_examples(first, own)
    return comparison.deltas(first, own)


def _against_baseline(result: GateResult, gate: GateConfig, delta: Delta | None) -> GateResult:
    """A gate on the difference from a baseline; bounds of the value itself must be satisfied too."""
    what = f"{result.name} {result.by or ''}".strip() + f" on {result.split}"
    if delta is None or delta.difference is None:
        text = (
            f"{what} cannot be compared with {gate.baseline}: it is undefined, or comparisons of runs do not include it"
        )
        return result.model_copy(update={"met": False, "text": text})
    met, text = _change_held(what, gate, delta.difference, delta.interval)
    if not result.met:  # `min` or `max` is not met
        met, text = False, result.text
    elif met and (gate.min is not None or gate.max is not None):
        text = f"{result.text}; {text}"
    value = {"difference": delta.difference, "difference_interval": delta.interval}
    return result.model_copy(update={"met": met, "text": text, **value})


def _change_held(
    what: str, gate: GateConfig, difference: float, interval: tuple[float, float] | None
) -> tuple[bool, str]:
    low = high = difference
    text = f"{what} is {difference:+.4f} from {gate.baseline}"
    if gate.use == "interval":
        if interval is None and difference:
            return False, f"{text}, and the difference has no interval"
        low, high = interval or (0.0, 0.0)  # without an interval, no example differs
        text += f" [{low:+.4f}, {high:+.4f}]"
    limits = []
    if gate.max_increase is not None:
        limits.append(f"increase by at most {gate.max_increase:g}")
        if high > gate.max_increase:
            return False, f"{text}, and may {limits[-1]}"
    if gate.max_decrease is not None:
        limits.append(f"decrease by at most {gate.max_decrease:g}")
        if low < -gate.max_decrease:
            return False, f"{text}, and may {limits[-1]}"
    return True, f"{text}, and may {' and '.join(limits)}"


def _judged(loaded: LoadedConfig, name: str, gate: GateConfig, files: Sequence[EvalFile]) -> GateResult:
    """The result of a gate on the last split that is allowed for it, without its baseline."""
    file = next((file for file in reversed(files) if _counts(loaded, gate, file.split)), None)
    what = f"{name} {gate.by}" if gate.by else name
    text = f"{what} was not evaluated on {gate.split or 'a split that the model is not trained on'}"
    bounds = gate.model_dump(include={"min", "max", "use", "max_increase", "max_decrease", "baseline"})
    result = GateResult(name=name, by=gate.by, met=False, text=text, **bounds)
    if file is None:
        return result
    own = [metric for metric in file.metrics if metric.name == name]
    match = next((metric for metric in own if metric.by == gate.by), None)
    if match is None or match.value is None:
        met, text = False, f"{what} on {file.split} is not measured: {_why_none(own, gate, match)}"
    else:
        met, text = _held(f"{what} on {file.split}", gate, match, match.value)
    value, interval = (match.value, match.interval) if match is not None else (None, None)
    return result.model_copy(
        update={"met": met, "text": text, "split": file.split, "value": value, "interval": interval}
    )


def _counts(loaded: LoadedConfig, gate: GateConfig, split: str) -> bool:
    return gate.split in (None, split) and not is_trained_on(loaded, split)


def _why_none(own: Sequence[MetricResult], gate: GateConfig, metric: MetricResult | None) -> str:
    """Why a figure has no value: its denominator is 0, or the slice in the gate's `by` does not exist.

    Args:
        own: the figures of this name. metric: the one that the gate names, if it exists.
    """
    if metric is not None:
        return f"its denominator is 0 (n = {metric.n})"
    measured = [one.by for one in own if one.value is not None and one.by.keys() == gate.by.keys()]
    others = f"; measured are: {', '.join(map(str, measured[:_MOST_NAMED]))}" if measured and gate.by else ""
    return f"there are no such examples in the split{others}{', …' if len(measured) > _MOST_NAMED else ''}"


def _held(what: str, gate: GateConfig, metric: MetricResult, value: float) -> tuple[bool, str]:
    """Whether a figure satisfies the bounds, and which: all of them, or the first violated one."""
    low = high = value
    if gate.use == "interval":
        if metric.interval is None:
            return False, f"{what} has no interval"
        low, high = metric.interval
    text = f"{what} is {value:.4f}" + (f" [{low:.4f}, {high:.4f}]" if gate.use == "interval" else "")
    if gate.min is not None and low < gate.min:
        return False, f"{text}, and must be at least {gate.min:g}"
    if gate.max is not None and high > gate.max:
        return False, f"{text}, and must be at most {gate.max:g}"
    limits = [
        f"at {end} {bound:g}" for end, bound in {"least": gate.min, "most": gate.max}.items() if bound is not None
    ]
    return True, f"{text}, and must be {' and '.join(limits)}" if limits else text
