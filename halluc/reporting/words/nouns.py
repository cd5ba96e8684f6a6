"""What claims are about, in plain words: mentions in a text, or whole texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from halluc.core.figures import figure
from halluc.core.labels import OUT_OF_SCOPE
from halluc.data.statistics import Words
from halluc.reporting import formats
from halluc.runs.reports import AnyReport, Mistake, Outcome, RunReport, SplitRow
from halluc.runs.schema import MetricResult, Novelty
from halluc.tasks.text_classification import wording as of_texts
from halluc.tasks.token_classification import wording as of_sentences

# Only where a text may have several labels.
_SEVERAL = "subset_accuracy"


@dataclass(frozen=True)
class Nouns:
    """The words of a task.

    ``one`` and ``many`` are what claims are about, ``gold`` and ``golds`` what is annotated, and can be missed;
    ``claims`` is what is predicted, ``unsupported`` what is said of a claim that nothing supports, ``nothing`` of an
    example without any annotation. ``counted`` is what a gap is a share of, and ``statistics`` what is
    counted of a split. Only where claims have places in the text can one be distorted. ``several``: labels
    a text.
    """

    one: str
    many: str
    gold: str
    golds: str
    claims: str
    unsupported: str
    nothing: str
    counted: str
    statistics: Words
    loss_of: str
    has_places: bool
    several: bool = False

    def tells(self, name: str) -> bool:
        """Whether a figure says something that no other one says."""
        return self.has_places or not figure(name).of_places


SPANS = Nouns(
    one="mention",
    many="mentions",
    gold="mention",
    golds="mentions",
    claims="predicted mentions",
    unsupported="invented",
    nothing="nothing",
    counted="mentions",
    statistics=of_sentences.SENTENCES,
    loss_of="loss of a labelled token",
    has_places=True,
)
TEXTS = Nouns(
    one="text",
    many="texts",
    gold="label",
    golds="labels",
    claims="predicted labels",
    unsupported="wrong",
    nothing="out of scope",
    counted="words",
    statistics=of_texts.TEXTS,
    loss_of="loss of a text",
    has_places=False,
)
LABEL_SETS = Nouns(
    **{
        **vars(TEXTS),
        **{"nothing": "no label", "statistics": of_texts.LABEL_SETS, "several": True},
    }
)


def of(task: str | None, metrics: Iterable[MetricResult] = ()) -> Nouns:
    """The words of a task; ``metrics`` tell whether its texts may have several labels."""
    if task != "text_classification":
        return SPANS
    return LABEL_SETS if any(metric.name == _SEVERAL for metric in metrics) else TEXTS


def of_report(report: AnyReport) -> Nouns:
    return of(report.task, report.metrics if isinstance(report, RunReport) else ())


_IN_TRAINING = {"seen": "seen in training", "partial": "partly in training", "new": "new to training"}


def about_training(found: Novelty) -> str:
    """What a bucket says of a claim."""
    return _IN_TRAINING.get(found) or f"{formats.novelty(found)} ({found})"


def section_titles(words: Nouns) -> dict[str, str]:
    """What the kinds of claims are headed by."""
    if words.has_places:
        return formats.SECTION_TITLES
    own = {"unsupported": "Unsupported: wrong labels", "omission": "Omitted: annotated, but not predicted"}
    return {**formats.SECTION_TITLES, **own}


def counts(found: Sequence[SplitRow]) -> dict[str, str]:
    """What is counted of some splits, with its heading; nothing that is 0 in each."""
    names = dict.fromkeys(name for row in found for name, count in row.counts.items() if count)
    return {name: name.replace("_", " ") for name in names}


def mistakes(found: Iterable[Mistake]) -> list[list[str]]:
    """Rows of what was annotated, what was claimed, and how often."""
    return [[_scope(one.gold), _scope(one.predicted), formats.count(one.n)] for one in found]


def _scope(label: str) -> str:
    return TEXTS.nothing if label == OUT_OF_SCOPE else label


def by_novelty(rows: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes by novelty, under the names that people read."""
    return [row.model_copy(update={"name": formats.novelty(row.name)}) for row in rows]
