"""The words of a task, of which reports make their sentences, headings and glossary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from halluc.runs.schema import MetricResult
from halluc.wording import formats
from halluc.wording.figure_lookup import FigureLookup

# A sentence on a figure, from the figure and all others.
Meaning = Callable[[MetricResult, FigureLookup], str]


@dataclass(frozen=True)
class CardText:
    """What a model card says of a task.

    ``does`` stands before the labels, ``tells`` behind "each prediction also says", ``gap`` before "forecast from the
    training split alone". ``definition`` explains the figures. ``usage`` is code for transformers, where its
    ``pipeline`` has the task, under that name and for people; ``TEXT`` in it stands for a text. ``usages`` has whole
    programs for models that no pipeline fits, by the key of ``task`` that asks for them. ``unconstrained`` says what
    the pipeline does where the run decodes under constraints.
    """

    does: str
    prediction_note: str
    gap: str
    definition: str
    usage: str = ""
    pipeline: tuple[str, str] | None = None
    usages: Mapping[str, str] = field(default_factory=dict)
    unconstrained: str = ""


@dataclass(frozen=True)
class Nouns:
    """The words of a task.

    ``gold`` and ``golds`` are what is annotated, ``claims`` what is predicted, ``one`` what novelty is of, and
    ``novelty`` what that means. ``unsupported`` is said of a claim without support. In a list of errors ``invented``
    stands behind the number of such claims, ``outside`` behind that of claims about examples without gold, and each of
    the ``reasons`` behind that of distorted claims.
    ``annotated`` is split into ``found``, ``partly`` and ``missed``. ``nothing`` is said of an example without gold,
    ``no_label`` is its class in tables. ``counted`` is what a gap is a share of, ``gap_of`` the same in a sentence.

    ``in_training`` has a clause for each novelty, as "seen in training", and ``buckets`` its name in tables.
    ``is_placed``: a claim has a place of its own in the text. ``drawn`` says how an example is drawn, ``search`` what
    can be searched in it. ``glossary`` explains terms, ``meanings`` figures at the head of a report.
    """

    one: str
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
    invented: str = "invented"
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
    drawn: str = "Over each text stand the predicted and the annotated labels."
    search: str = "a word of the text or a label"
    glossary: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)

    def bucket(self, novelty: str) -> str:
        """A bucket of novelty as it is called among the others."""
        return self.buckets.get(novelty, formats.visible(novelty))

    def about_training(self, novelty: str) -> str:
        """What a bucket says of a claim."""
        return self.in_training.get(novelty, formats.visible(novelty))

    def reason(self, reason: str) -> str:
        """Why a claim is distorted, as "wrong boundary"."""
        return self.reasons.get(reason, reason).removeprefix("with a ").removeprefix("with ")

    def class_name(self, label: str) -> str:
        """A class in a table of mistakes."""
        return self.nothing if label == self.no_label else label
