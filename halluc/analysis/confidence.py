"""Calibrates the model's confidence on dev: a temperature, and the threshold below which claims are withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy

from halluc.analysis import abstention, calibration, verdicts
from halluc.config.evaluation import EvalConfig, GuaranteeConfig
from halluc.core.claims import Judged
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.messages import tell
from halluc.gap.knowledge import TrainingKnowledge
from halluc.runs.schema import ConfidenceFile
from halluc.task import ExampleT, PredictionT, Task


def needs_dev(settings: EvalConfig) -> bool:
    """Whether anything is to be fitted before a split can be evaluated."""
    return settings.calibration != "none" or (settings.abstain is not None and settings.abstain.guarantee is not None)


def fit(
    task: Task[ExampleT, PredictionT],
    dev: Corpus[ExampleT] | None,
    predictions: Sequence[PredictionT],
    settings: EvalConfig,
    knowledge: TrainingKnowledge | None = None,
) -> ConfidenceFile:
    """Fit the temperature on one half of dev, and the threshold on the other, as configured (DEFINITIONS, section 3).

    ``dev`` is None if nothing has to be fitted; ``knowledge`` gives the novelty of claims.

    Raises:
        HallucError C107: thresholds by novelty are configured, but the training split is unknown.
    """
    abstain = settings.abstain
    if dev is None:
        return ConfidenceFile(threshold=abstain.threshold if abstain else None)
    fitting = abstention.halves([example.id for example in dev])
    judged = verdicts.verdicts(task, dev.examples, predictions)
    example = numpy.repeat(numpy.arange(len(judged)), [len(one.claims) for one in judged])
    verdict = numpy.array([claim.verdict or "" for one in judged for claim in one.claims], dtype=numpy.str_)
    # Unverifiable claims are neither right nor unsupported: both fits ignore them.
    judgeable = verdict != "unverifiable"
    temperature = 1.0
    if settings.calibration == "temperature":
        temperature = _temperature(*verdicts.scores(predictions), verdict == "supported", judgeable & fitting[example])
    file = ConfidenceFile(
        temperature=temperature,
        threshold=abstain.threshold if abstain else None,
        fitted_on={"split": "dev", "examples": len(dev), "temperature_half": int(fitting.sum())},
    )
    if abstain is None or abstain.guarantee is None:
        return file
    bound = abstain.guarantee
    confidence = numpy.array([c for p in verdicts.calibrated(predictions, temperature) for c in p.confidences])
    claims = (example[judgeable], confidence[judgeable], verdict[judgeable] == "unsupported", fitting)
    guarantee = (bound.max_rate, bound.probability, bound.unit)
    if abstain.by is not None:
        classes = numpy.array(_classes(abstain.by, judged, knowledge), dtype=numpy.str_)
        by_class = abstention.choose_by_class(classes[judgeable], *claims, *guarantee)
        return file.model_copy(
            update={"by": abstain.by, "guarantees": {name: asdict(one) for name, one in by_class.items()}}
        )
    choice = abstention.choose(*claims, *guarantee)
    return file.model_copy(update={"threshold": choice.threshold, "guarantee": asdict(choice)})


def _classes(by: str, judged: Sequence[Judged], knowledge: TrainingKnowledge | None) -> list[str]:
    """The label, or the novelty, of each claim."""
    claims = [claim for one in judged for claim in one.claims]
    if by == "label":
        return [claim.label for claim in claims]
    if knowledge is None:
        message = "`eval.abstain.by: novelty` needs the training split, which is unknown"
        raise HallucError("C107", message, help="set `data.train`, or use `by: label`")
    return [knowledge.novelty(claim) for claim in claims]


def _temperature(
    rows: numpy.ndarray,
    claim: numpy.ndarray,
    claimed: numpy.ndarray | None,
    right: numpy.ndarray,
    fitting: numpy.ndarray,
) -> float:
    """The temperature fitted on the claims for which ``fitting`` is true."""
    number = numpy.cumsum(fitting) - 1  # the number of each claim among them
    inside = fitting[claim]
    return round(
        calibration.fit_temperature(
            rows[inside], number[claim[inside]], right[fitting], None if claimed is None else claimed[inside]
        ),
        6,
    )


def announce(file: ConfidenceFile, settings: EvalConfig, fits_on_dev: bool = False) -> None:
    """Report what was fitted.

    Args:
        fits_on_dev: the model has its own threshold, which is fitted on dev, including the testing half.
    """
    if settings.calibration == "temperature":
        tell(f"confidence: temperature {file.temperature:.3f}, fitted on half of dev")
    abstain = settings.abstain
    if abstain is None:
        return
    guarantee = abstain.guarantee
    if guarantee is None:
        tell(f"abstention: claims with a confidence below {file.threshold:g} are withdrawn")
        return
    if file.by is not None:
        _announce_classes(file, guarantee)
        return
    bound = f"at most {guarantee.max_rate:.0%} unsupported claims, with probability {guarantee.probability:g}"
    if file.threshold is None:
        why = (file.guarantee or {}).get("why_none", "")
        tell(f"no abstention: no threshold on dev can guarantee {bound} ({why}); nothing is withdrawn", style="yellow")
    else:
        chosen = (
            "the checkpoint and the threshold of the model: train with the guarantee to fit the threshold on the "
            "other half"
            if fits_on_dev
            else "the checkpoint"
        )
        tell(
            f"abstention: claims with a confidence below {file.threshold:.3f} are withdrawn: {bound}, on data "
            f"exchangeable with dev (which also chose {chosen})"
        )


def _announce_classes(file: ConfidenceFile, abstain: GuaranteeConfig) -> None:
    """A line for each class, and the guarantee for all of them."""
    tell(
        f"abstention by {file.by}: at most {abstain.max_rate:.0%} unsupported claims among the kept claims of each "
        f"class, with joint probability {abstain.probability:g} ({len(file.guarantees)} classes, Bonferroni)"
    )
    for name, one in file.guarantees.items():
        threshold, why = one.get("threshold"), one.get("why_none", "")
        what = f"below {threshold:.3f} are withdrawn" if threshold is not None else f"are all withdrawn: {why}"
        tell(f"  {name}: claims {what}", style=None if threshold is not None else "yellow")
