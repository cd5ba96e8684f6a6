"""The words of a task: what people call its examples, claims and gold, and how sentences about its figures are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from halluc.core.figures import figure
from halluc.runs.schema import MetricResult
from halluc.wording import formats
from halluc.wording.figure_lookup import Figures

# A sentence on a figure, from the figure and all others.
Meaning = Callable[[MetricResult, Figures], str]


@dataclass(frozen=True)
class Nouns:
    """The words of a task.

    ``one`` and ``many`` are what claims are about, ``gold`` and ``golds`` what is annotated, and can be missed;
    ``claims`` is what is predicted, ``unsupported`` what is said of a claim that nothing supports, ``exact`` of gold
    that is found, ``nothing`` of an example without any annotation, whose label is ``no_label`` in tables. ``counted``
    is what a gap is a share of, and ``gap_of`` the same in a sentence; ``novelty`` says what novelty is.

    ``has_places``: claims are about parts of an example, and may be distorted. ``several``: labels an example.
    ``reasons`` are those of distortions, as clauses; ``buckets`` of novelty, as names in tables, and ``in_training`` as
    clauses about a claim. ``meanings`` has the sentences for figures at the head of a report. ``does``: what a
    model does, as a model card says it before the labels; ``pipeline``: the name of the task in transformers, and for
    people.
    """

    one: str
    many: str
    gold: str
    golds: str
    claims: str
    unsupported: str
    nothing: str
    counted: str
    gap_of: str
    novelty: str
    loss_of: str
    has_places: bool
    exact: str = "found"
    several: bool = False
    no_label: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, str] = field(default_factory=dict)
    in_training: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    gap_note: str = ""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    does: str = ""
    pipeline: tuple[str, str] | None = None

    def tells(self, name: str) -> bool:
        """Whether a figure says something that no other one says."""
        return self.has_places or not figure(name).of_places

    def bucket(self, novelty: str) -> str:
        """A bucket of novelty as it is called among the others."""
        return self.buckets.get(novelty, formats.visible(novelty))

    def about_training(self, novelty: str) -> str:
        """What a bucket says of a claim."""
        return self.in_training.get(novelty) or f"{self.bucket(novelty)} ({novelty})"

    @property
    def section_titles(self) -> dict[str, str]:
        """What the kinds of claims are headed by."""
        return {**formats.SECTION_TITLES, **self.titles}

    def class_name(self, label: str) -> str:
        """A class in a table of mistakes."""
        return self.nothing if label == self.no_label else label
