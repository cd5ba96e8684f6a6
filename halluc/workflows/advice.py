"""Recommends remedies for the errors of a run; for a study of remedies, reports their effects on dev."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from halluc.analysis import error_analysis, run_figures
from halluc.analysis.error_analysis import Errors
from halluc.analysis.remedies import (
    ADAPTER_RATE,
    GAZETTEER,
    INTERVAL,
    LAYERS,
    NEEDS,
    REMEDIES,
    RUN,
    UNLABELLED,
    Remedy,
    adapter_rate,
)
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.loading import load as load_config
from halluc.config.rendering import plain
from halluc.core import latest, messages
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.messages import conclude
from halluc.reporting.words import error_sentences
from halluc.runs import evaluations
from halluc.runs.advice import Advice, AdvisedRemedy, ErrorAnalysis, StudyAdvice, UnfitRemedy
from halluc.runs.directory import RunDir
from halluc.runs.records import read_json
from halluc.runs.training_facts import speed
from halluc.task import build
from halluc.wording import formats
from halluc.wording.formats import FEW
from halluc.workflows import augmentation, distillation, remedy_comparison, remedy_studies, reports, training_options
from halluc.workflows.job import Job

SPLIT = "dev"
# Remedies for a smaller share of the errors are not recommended, nor confidence remedies for a smaller calibration
# error.
LEAST_SHARE, LEAST_ECE = 0.2, 0.02
NO_KEY = "the config of this task does not have this key"


@dataclass(frozen=True)
class AdviceOptions:
    """Options: the config to write, its number of seeds and maximum number of arms; files that remedies need."""

    write: Path | None = None
    seeds: int = 3
    most: int = 8
    unlabelled: tuple[str, ...] = ()
    gazetteer: str | None = None


def advise(target: Path, overrides: Sequence[str], options: AdviceOptions) -> Advice | StudyAdvice:
    """For a run, or the newest evaluated run of a config: its errors on dev, and remedies for them. For a study: the
    effects of its arms on dev.

    Raises:
        HallucError R101, R112, C107: there is no run, or no dev split, or no intact evaluation of it. C011, E401: the
            config cannot be written. For a study as ``remedy_comparison.advise``.
    """
    target = latest.resolve(target)
    if overrides and target.is_dir():
        raise HallucError("C011", "--set needs a CONFIG, not a folder", help=f"halluc advise {target}")
    study = reports.study_target(target, overrides)
    if study is not None:
        result: Advice | StudyAdvice = remedy_comparison.advise(study, target, options.write)
    else:
        result = _advise_run(reports.run_target(target, overrides), options)
    messages.put(result)
    if isinstance(result, StudyAdvice):
        for sentence in result.conclusion:
            conclude(sentence)
        if result.file is not None:
            conclude(f"config: {result.file}")
    elif result.study is not None:
        conclude(
            f"study: {result.study.file}, about {formats.seconds(result.study.seconds)}; halluc run {result.study.file}"
        )
    return result


def _advise_run(run: RunDir, options: AdviceOptions) -> Advice:
    fitting = _Fitting(run, options)
    _refuse_without_dev(run, fitting)
    measured = run_figures.read(run, SPLIT, keep_lines=False)
    analysis, errors = error_analysis.analysis(measured)
    task = measured.table.task
    analysis.sentences = error_sentences.sentences(analysis, task, error_analysis.mean_confidence(measured.table))
    advised: list[AdvisedRemedy] = []
    unfit: list[UnfitRemedy] = []
    for remedy in REMEDIES if analysis.errors >= FEW else ():
        share, too_little = _addressed_errors(remedy, analysis, errors)
        why = too_little or fitting.unfit(remedy)
        if why is not None:
            unfit.append(UnfitRemedy(name=remedy.name, why=why))
        else:
            advised.append(fitting.advise(remedy, share, analysis.errors))
    advised.sort(key=lambda one: (one.command is not None, -(one.errors or 0), one.training))
    arms = [one for one in advised if one.command is None]
    for one in arms[options.most :]:
        advised.remove(one)
        unfit.append(UnfitRemedy(name=one.name, why=f"not among the first {options.most} (--most)"))
    result = Advice(run=str(run.path), analysis=analysis, remedies=advised, unfit=unfit)
    if options.write is None:
        return result
    if not arms:
        help = "run halluc advise without --write to see why"
        raise HallucError(
            "C011", "no remedy that needs training is recommended, so there is no study to write", help=help
        )
    study = remedy_studies.write_study(options.write, run, fitting.loaded, advised, options.seeds)
    return result.model_copy(update={"study": study})


def _refuse_without_dev(run: RunDir, fitting: _Fitting) -> None:
    """
    Raises:
        HallucError C107: there is no dev split. R112: it is not evaluated.
    """
    if fitting.loaded.experiment.data.reference(SPLIT) is None:
        help = "set a dev split, then train and evaluate; nothing may be chosen on test"
        raise HallucError("C107", f"advice needs `data.dev`, but the config of {run.path} has none", help=help)
    if not run.ledger(SPLIT).is_file():
        help = f"evaluate it first: {evaluations.command(run, SPLIT)}"
        raise HallucError("R112", f"{run.path} has no ledger of {SPLIT}", help=help)


def _addressed_errors(remedy: Remedy, analysis: ErrorAnalysis, errors: Errors) -> tuple[int | None, str | None]:
    """How many errors a remedy addresses, None for a confidence remedy; and, if that is too few, the reason."""
    if remedy.of_confidence:
        ece = analysis.ece.interval[0] if analysis.ece is not None and analysis.ece.interval is not None else 0.0
        return None, None if ece >= LEAST_ECE else "there is no significant calibration error"
    result = errors.addressed(remedy.kinds, unseen_alone=remedy.unseen)
    if result < LEAST_SHARE * analysis.errors:
        return result, f"it addresses {formats.percent(result / analysis.errors)} of the errors"
    return result, None


@dataclass
class _Fitting:
    """Decides which remedies fit a run, from its config, its task, and its data."""

    run: RunDir
    wanted: AdviceOptions
    _known: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def loaded(self) -> LoadedConfig:
        return self._load([])

    def _load(self, overrides: Sequence[str]) -> LoadedConfig:
        return load_config(self.run.config, overrides, table=TABLE, stored=True)

    def unfit(self, remedy: Remedy) -> str | None:
        """Why a remedy cannot be an arm; None if it can."""
        values = self._values
        missing = next((NEEDS[need] for need in remedy.needs if need in values and values[need] is None), None)
        try:
            loaded = self._load(self.overrides(remedy))
            task = build(loaded.experiment.task)
            augmentation.refuse_unfit(loaded, task)
            training_options.refuse_unfit(loaded, task)
            if missing is None:
                distillation.refuse_unfit(Job(loaded))
        except HallucError as error:
            first = error.errors[0] if isinstance(error, ManyErrors) else error
            if first.code == "C101":
                return NO_KEY
            return first.message if missing is None else missing
        lacking = missing or next((NEEDS[need] for need in remedy.needs if not self._has(need)), None)
        return "the run already has it" if lacking is None and loaded.tree == self.loaded.tree else lacking

    def overrides(self, remedy: Remedy) -> list[str]:
        """The remedy as ``--set`` arguments; a key that is a mapping is set as a whole."""
        return [
            f"{path}={plain(value)}"
            for section, keys in self.config(remedy).items()
            for path, value in ([(section, keys)] if section == "augment" else
                                [(f"{section}.{key}", value) for key, value in keys.items()])
        ]  # fmt: skip

    def config(self, remedy: Remedy) -> dict[str, Any]:
        filled: dict[str, Any] = _fill_placeholders(remedy.config, self._values)
        return filled

    def advise(self, remedy: Remedy, errors: int | None, total: int) -> AdvisedRemedy:
        sets = [part for override in self.overrides(remedy) for part in ("--set", override)]
        evaluate = ["halluc", "eval", "--run", str(self.run.path), "--split", SPLIT, *sets]
        return AdvisedRemedy(
            name=remedy.name,
            why=remedy.why,
            source=remedy.source,
            errors=errors,
            share=None if errors is None else errors / total,
            config=self.config(remedy),
            training=remedy.training,
            prediction=remedy.prediction,
            command=None if remedy.has_arm else shlex.join(evaluate),
        )

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        """The values of placeholders in the configs of remedies; None if unknown."""
        layers, known = _read_json(self.run.model / "config.json").get("num_hidden_layers"), speed(self.run)
        # All layers are trained in the second half of the steps.
        interval = known.steps // (2 * (layers + 1)) if isinstance(layers, int) and layers > 0 and known else 0
        return {
            RUN: str(self.run.path) if self.run.model.is_dir() else None,
            UNLABELLED: list(self.wanted.unlabelled) or None,
            GAZETTEER: self.wanted.gazetteer,
            LAYERS: layers // 2 if isinstance(layers, int) and layers > 1 else None,
            INTERVAL: interval or None,
            ADAPTER_RATE: adapter_rate(self.loaded.experiment.train.learning_rate),
        }

    def _has(self, need: str) -> bool:
        if need not in self._known:
            checks: Mapping[str, Callable[[], bool]] = {
                "spans": lambda: self._task.examples.has_spans,
                "labelled texts": lambda: not self._task.examples.has_spans and self._task.wording.words.has_labels,
                "documents": self._knows_documents,
                "cased": lambda: not self._drops_case() or getattr(self.loaded.experiment.task, "casing", False),
                "uncased": self._drops_case,
                "mask token": self._has_mask_token,
                "adapters": lambda: find_spec("peft") is not None,
                "pre-trained": lambda: self.loaded.experiment.model.name is not None,
                "decoding": lambda: evaluations.read(self.run, SPLIT).decoding == "argmax",
                "plain training split": lambda: self.loaded.experiment.augment is None,
                "uncalibrated": lambda: _read_json(self.run.confidence).get("temperature", 1.0) == 1.0,
            }
            self._known[need] = checks[need]() if need in checks else self._values[need] is not None
        return self._known[need]

    @property
    def _task(self) -> Any:
        return build(self.loaded.experiment.task)

    def _knows_documents(self) -> bool:
        """Whether the file of the training split has more than one document."""
        try:
            return any(example.origin.document for example in Job(self.loaded).train().examples)
        except HallucError:
            return False  # the files are elsewhere: the study will report it

    def _drops_case(self) -> bool:
        return _read_json(self.run.model / "tokenizer_config.json").get("do_lower_case") is True

    def _has_mask_token(self) -> bool:
        files = ("tokenizer_config.json", "special_tokens_map.json")
        return any(_read_json(self.run.model / name).get("mask_token") is not None for name in files)


def _read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is none."""
    try:
        result = read_json(file)
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def _fill_placeholders(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, Mapping):
        return {key: _fill_placeholders(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill_placeholders(value, values) for value in node]
    return values.get(node, node) if isinstance(node, str) else node
