"""The words of a task, from which reports build their sentences, headings and glossary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from halluc.core.figures import HALLUCINATION, OMISSION
from halluc.runs.schema import MetricResult
from halluc.wording import formats


class FigureLookup:
    """If two figures have the same name and slice, computed by different protocols, the first is the primary one."""

    def __init__(self, metrics: Iterable[MetricResult]) -> None:
        self.all = list(metrics)
        self._found: dict[tuple[str, frozenset[tuple[str, str]]], MetricResult] = {}
        for metric in self.all:
            self._found.setdefault((metric.name, frozenset(metric.by.items())), metric)

    def get(self, name: str, **by: str) -> MetricResult | None:
        """The figure of a slice, by default of all; None if it was not computed."""
        return self._found.get((name, frozenset(by.items())))

    def value(self, name: str, **by: str) -> float | None:
        """Its value; also None if it is undefined."""
        result = self.get(name, **by)
        return None if result is None else result.value

    def n(self, name: str, **by: str) -> int:
        """Its denominator; 0 if it was not computed."""
        result = self.get(name, **by)
        return 0 if result is None else result.n

    def slices(self, name: str, key: str) -> list[str]:
        """The values of ``key`` for which a figure was computed without other slices, in the order of the file."""
        return list(dict.fromkeys(metric.by[key] for metric in self.named(name) if metric.by.keys() == {key}))

    def only_class(self) -> str | None:
        """The class that a classifier predicts for every example; None if it predicts others, or gold has no other."""
        classes = self.slices("label_precision", "label")
        claimed = [label for label in classes if self.n(HALLUCINATION, label=label)]
        gold = [label for label in classes if self.n(OMISSION, label=label)]
        every = self.n(HALLUCINATION) == self.n("hallucinated_examples") >= formats.FEW
        return claimed[0] if every and len(claimed) == 1 and {*gold} - {*claimed} else None

    def named(self, name: str) -> list[MetricResult]:
        """All slices and protocols of a figure."""
        return [metric for metric in self.all if metric.name == name]


def count(metric: MetricResult | None) -> int:
    """The numerator of a share; 0 if it is unknown."""
    return 0 if metric is None else round((metric.value or 0) * metric.n)


# A sentence about a figure, from the figure and all others.
Meaning = Callable[[MetricResult, FigureLookup], str]


def read_texts(module: str) -> dict[str, Any]:
    """The content of the YAML file next to a Python module, which has the same name."""
    texts: dict[str, Any] = yaml.safe_load(Path(module).with_suffix(".yaml").read_text(encoding="utf-8"))
    return texts


@dataclass(frozen=True)
class CardText:
    """The text of a task on a model card.

    ``does`` is followed by the labels, ``prediction_note`` follows "each prediction also says", ``gap`` precedes
    "forecast from the training split alone". ``definition`` explains the figures. ``usage`` is code for transformers,
    if its ``pipeline`` supports the task, with the pipeline's name and its display name; ``TEXT`` in it is a
    placeholder for a text. ``usages`` has whole programs for models without a pipeline, by the key of ``task`` that
    needs them. ``unconstrained`` says what the pipeline does if the run uses constrained decoding.
    """

    does: str
    prediction_note: str
    gap: str
    definition: str
    usage: str = ""
    pipeline: Sequence[str] | None = None
    usages: Mapping[str, str] = field(default_factory=dict)
    unconstrained: str = ""


@dataclass(frozen=True)
class Nouns:
    """The words of a task.

    ``gold`` and ``golds`` name the annotation (singular and plural), ``claims`` the predictions, ``unit`` is what
    has a novelty; ``novelty`` says how novelty is defined. ``unsupported`` describes a claim without support. In a list
    of errors, the numbers of claims are followed by ``invented`` if they are unsupported, by ``outside`` if they are
    about examples without gold, and by one of the ``reasons`` if they are distorted. ``annotated`` names all
    annotations, which are ``found``, ``partly`` or ``missed``.
    ``nothing`` describes an example without gold, ``no_label`` is its class in tables. ``counted`` is the denominator
    of a gap, ``gap_of`` the same in a sentence.

    ``in_training`` has a clause for each novelty, such as "seen in training", and ``buckets`` its name in tables.
    ``is_placed``: a claim has its own position in the text. ``drawn`` says how an example is displayed, ``search`` what
    can be searched in it. ``glossary`` explains terms, ``meanings`` the main figures of a report.
    """

    unit: str
    gold: str
    golds: str
    claims: str
    unsupported: str
    novelty: str
    annotated: str
    counted: str
    gap_of: str
    loss_of: str
    card: CardText
    invented: str = "hallucinated"
    outside: str = ""
    found: str = "found"
    partly: str = "with another label"
    missed: str = "not found"
    nothing: str = "nothing"
    no_label: str = ""
    gap_note: str = ""
    in_training: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, str] = field(default_factory=dict)
    novelty_heading: str = "in training"
    reasons: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    is_placed: bool = False
    drawn: str = "The predicted and annotated labels are shown above each text."
    search: str = "a word of the text or a label"
    glossary: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Mapping[str, Any], **others: Any) -> Nouns:
        """The words in a YAML file of a task; ``others`` are those that only code knows."""
        return cls(**{**texts, "card": CardText(**texts["card"])}, **others)

    def bucket(self, novelty: str) -> str:
        """The name of a novelty bucket in a list of buckets."""
        return self.buckets.get(novelty, formats.visible(novelty))

    def about_training(self, novelty: str) -> str:
        """The clause about training for a claim in a bucket."""
        return self.in_training.get(novelty, formats.visible(novelty))

    def reason(self, reason: str) -> str:
        """Why a claim is distorted, such as "wrong boundary"."""
        return self.reasons.get(reason, reason).removeprefix("with a ").removeprefix("with ")

    def class_name(self, label: str) -> str:
        return self.nothing if label == self.no_label else label
