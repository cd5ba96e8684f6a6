"""What a task is: six parts, each a protocol over the task's own example and prediction.

Task-independent code uses tasks only through this module. A task is one folder under ``halluc/tasks`` and one row in
``halluc.components``; CONTRIBUTING.md shows how to add one. Only ``Model`` imports torch, when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

from halluc.components import TABLE
from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.config.section import Section
from halluc.core import registry
from halluc.core.claims import Claim, Judged
from halluc.core.edits import Editable
from halluc.core.examples import Corpus, Example, Origin
from halluc.core.figures import Report
from halluc.core.significance import Figure, Ranked, Sheet
from halluc.data.inputs import InputText
from halluc.data.predictions import ExternalPrediction
from halluc.data.rows.references import SplitName
from halluc.data.statistics import Words
from halluc.gap.forecast import SplitGap
from halluc.gap.knowledge import TrainingCoverage, TrainingKnowledge, WholeTexts
from halluc.gap.novelty import NoveltyUnits
from halluc.gap.units import Strata, UnitKind, WithheldUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import EvalFile, Novelty, Prediction, Record
from halluc.wording.nouns import Nouns

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.runtime import Runtime


class Asserted(NamedTuple):
    """A claim about a new text; ``novelty`` and ``confusable`` are None without the coverage of a training split."""

    claim: Claim
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool


class Predicted(Protocol):
    """A prediction of any task, a dataclass: the id of its example, and one confidence for each claim.

    ``scores`` are the logits from which the confidences are computed, (rows, outputs) for each claim, for calibration;
    empty for predictions of other tools. The number of outputs may differ between claims. If the claimed output is not
    always the argmax of its row, ``claimed`` has its index in each row. If a prediction has further probabilities, it
    has a method ``scaled(temperature)``.
    """

    @property
    def id(self) -> str: ...
    @property
    def confidences(self) -> Sequence[float | None]: ...
    @property
    def scores(self) -> Sequence[numpy.ndarray]: ...


class AnnotatedPrediction(NamedTuple):
    """A prediction for an example, with the model's probability of the example's annotation.

    ``probability`` takes claims about the example, gold or predicted, and returns the probability, 0 to 1, of the
    annotation at their positions: their label, another one, or none.
    """

    prediction: Any
    probability: Callable[[Sequence[Claim]], float]


class Loaded(Protocol):
    """A model with its tokenizer; ``outputs`` are the names of the head's outputs, ``commit`` is that on the hub."""

    @property
    def model(self) -> torch.nn.Module: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def commit(self) -> str | None: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...


class Encoded(Protocol):
    """Encoded examples, the input of a model (``engine.features.Features``), with notes for the user.

    ``notes`` has the counts that ``Model.notes`` describes; ``words`` and ``unknown_words``, if present, show whether
    the tokenizer suits the texts.
    """

    notes: dict[str, int]

    @property
    def lengths(self) -> Sequence[int]: ...
    @property
    def weights(self) -> Sequence[int]: ...
    def collate(self, indexes: Sequence[int]) -> Any: ...
    def loss(self, outputs: object, batch: Any) -> Any: ...
    def ids(self, indexes: Sequence[int]) -> list[str]: ...


ExampleT = TypeVar("ExampleT", bound=Example)
PredictionT = TypeVar("PredictionT", bound=Predicted)
ExampleIn = TypeVar("ExampleIn", bound=Example, contravariant=True)
PredictionIn = TypeVar("PredictionIn", bound=Predicted, contravariant=True)
LoadedT = TypeVar("LoadedT", bound=Loaded)
EncodedT = TypeVar("EncodedT", bound=Encoded)


class Examples(Protocol[ExampleT, PredictionIn]):
    """What an example is, how it is written, and what an augmenter may change.

    ``Line`` is the type of a line of ``predictions/<split>.jsonl``. ``formats`` are the values of ``augment.format``,
    each with the function (source, target) that converts ``augment/train.jsonl``. ``takes_pairs``: whether an input may
    be a pair of texts. ``has_spans``: whether parts of an example are labelled, and not the whole. ``units`` are the
    units in which augmentation measures novelty. ``inference`` defines the responses of ``halluc serve``.
    """

    Line: ClassVar[type[Prediction]]
    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]]
    takes_pairs: ClassVar[bool]
    has_spans: ClassVar[bool]
    units: ClassVar[NoveltyUnits]
    inference: ClassVar[InferenceSchema]

    def labels(self, corpus: Corpus[ExampleT]) -> tuple[str, ...]:
        """The labels that occur in a corpus, sorted; may be empty. D1xx: labels that the task cannot have."""

    def classes(self, corpus: Corpus[ExampleT]) -> tuple[str, ...]:
        """The names that ``class_weights`` may use: the labels, and the class for no label."""

    def untrainable_reason(self, corpus: Corpus[ExampleT]) -> str | None:
        """Why nothing can be learned from a training split, such as "no mention"; None if something can."""

    def trains_on(self, example: ExampleT) -> bool:
        """Whether a model is trained on this example of the training split; if not, it is not augmented either."""

    def texts(self, example: ExampleT) -> Iterable[Sequence[str]]:
        """The texts, each as tokens or as one string, on which a tokenizer from scratch is trained."""

    def editable(self, example: ExampleT) -> Editable:
        """Its text and its labels, with everything locked that the label depends on."""

    def rebuild(self, example: ExampleT, edited: Editable, identity: str, origin: Origin) -> ExampleT:
        """The ``example`` with its edited text."""

    def record(self, example: ExampleT) -> dict[str, Any]:
        """The line of ``augment/train.jsonl``, which the reader of the task can read with default options."""

    def of_input(self, identity: str, origin: Origin, text: InputText) -> ExampleT:
        """A new text as an example without annotation."""

    def line(self, example: ExampleT, prediction: PredictionIn) -> Prediction:
        """The line of ``predictions/<split>.jsonl``, a ``Line``."""

    def of_line(self, line: Any) -> ExampleT:
        """The example of a ``Line``, with its gold and without a file position."""

    def ranges(self, line: Any) -> Sequence[tuple[int, int, str]]:
        """Ranges of tokens (start, end, name) of a ``Line`` that are always marked, such as head and tail."""

    def border(self, line: Any) -> int | None:
        """For a pair of texts, the first token of the second text of a ``Line``."""

    def answer(self, text: InputText, prediction: PredictionIn | None, asserted: Sequence[Asserted]) -> Record:
        """The line that ``predict`` writes for a text; ``prediction`` is None if the text is blank."""


class Model(Protocol[ExampleT, PredictionT, LoadedT, EncodedT]):
    """What is trained, with which loss, and how it predicts.

    ``notes`` describe on the terminal what ``Encoded.notes`` counts; ``columns`` are the headings of these counts, and
    of ``longest``, the pieces of the longest input, in ``check --deep``. ``gold_notes`` are meaningless without gold.

    If a model has parameters outside the weights, such as a threshold, it has a method ``fit_on_dev(model, examples,
    predictions, fitting)``. It fits them on the dev examples where ``fitting`` (examples,) is true, stores them in the
    model's config, and returns the predictions of all examples with them. Training calls it at each evaluation, and for
    the final weights. Without dev, training instead calls ``train_without_dev(model, examples)`` once, with the
    training examples, if the model has this method.

    Other optional methods, for agreement within documents, ensembles, distillation, audits and further tests, are
    documented in CONTRIBUTING.md, step 2.
    """

    notes: ClassVar[Mapping[str, str]]
    gold_notes: ClassVar[frozenset[str]]
    columns: ClassVar[Mapping[str, str]]

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> LoadedT:
        """A model to train for ``labels``; ``texts`` are the training texts, for a tokenizer from scratch."""

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> LoadedT:
        """A trained model and its tokenizer, of any origin; ``names`` map its labels to those of the data.

        Raises:
            HallucError C203, C204: the names or the model are not suitable.
        """

    def encode(self, examples: Sequence[ExampleT], loaded: LoadedT, /) -> EncodedT:
        """Encode examples, with everything that ``predict`` needs besides the weights (such as the tokenizer)."""

    def decoding(self, outputs: Sequence[str], requested: Decoding) -> Decoding | None:
        """How to decode a model with these ``outputs`` for ``eval.decode``; None if the task has no choice."""

    def predict(
        self, model: torch.nn.Module, encoded: EncodedT, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[PredictionT]:
        """Predictions, one per example, in the order of the examples.

        Notes about the examples are added to ``encoded.notes``.

        Args:
            budget: padded word pieces per forward pass. decoding: the value returned by ``decoding``.
        """

    def imported(self, examples: Sequence[ExampleT], imported: Sequence[ExternalPrediction]) -> list[PredictionT]:
        """Predictions of another tool, one per example, without ``scores``.

        Raises:
            HallucError or ManyErrors D1xx: a prediction that is invalid for the task.
        """

    def findings(self, corpus: Corpus[ExampleT], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        """Messages about a predicted split: its size, its ``Encoded.notes``, and labels that the model lacks."""


class Judge(Protocol[ExampleIn, PredictionIn]):
    """What a prediction asserts about an example, and how the evidence supports it (DEFINITIONS, section 1).

    ``reasons`` are those of distorted claims, in the order of table rows: the distortion rate is reported for each.
    """

    reasons: ClassVar[tuple[str, ...]]

    def claims(self, example: ExampleIn, prediction: PredictionIn) -> tuple[Claim, ...]:
        """The claims of the prediction about the example."""

    def gold(self, example: ExampleIn) -> tuple[Claim, ...]:
        """The example's annotation, as claims; empty if predictions are judged by the source alone."""

    def judge(self, example: ExampleIn, claims: Sequence[Claim]) -> Judged:
        """The claims with verdict, reason and evidence, in order, and the gold that no claim touches.

        All evidence is in the example: its gold, its source text, its knowledge.
        """


class Figures(Protocol[ExampleIn, PredictionIn]):
    """The metrics of the task, named in ``figure_rows.py``; the rates of claims are computed for every task.

    ``primary`` is the figure that selects the checkpoint by default. ``families`` are the overall figures by which a
    checkpoint may be selected, higher is better; the figures of a family are shown together. ``names`` has every figure
    that ``figures`` may return; gates may bound them. ``protocols`` are those whose overall figures count for a whole
    evaluation. ``excluded`` are rates of claims that are meaningless for the task and not computed. ``named`` are the
    task's own names for general figures: ``f1``, of claims and gold, ``recall``, of gold, and ``claimed_without_gold``,
    of examples without gold.

    A task whose figures need more than the claims has a method ``of_lines(examples, lines, sheet)``. It returns the
    figures by which runs and arms are compared, from the stored ``Line`` of each example.
    """

    primary: ClassVar[str]
    families: ClassVar[tuple[tuple[str, ...], ...]]
    names: ClassVar[tuple[str, ...]]
    protocols: ClassVar[tuple[str, ...]]
    excluded: ClassVar[frozenset[str]]
    named: ClassVar[Mapping[str, str]]

    def headline(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn]) -> dict[str, float]:
        """The overall figures of the families, by name. It is called at each evaluation, so it must be fast."""

    def figures(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn], sheet: Sheet) -> list[Figure]:
        """Every figure, from columns of ``sheet``, which has a row per example."""

    def after_abstention(
        self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn], remaining: numpy.ndarray, sheet: Sheet
    ) -> list[Figure]:
        """Figures after abstention, with ``{"claims": "kept"}``.

        Args:
            remaining: (examples,) how many claims each example keeps.
        """

    def ranked(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn]) -> list[Ranked]:
        """The figures that depend on the order of predictions."""

    def report(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn]) -> Report:
        """The classification report: tables of plain values, by name."""

    def text(self, report: Report) -> str:
        """The same as text, for classification_report.txt."""


class Knowledge(Protocol[ExampleT]):
    """What a training split contains, and what is new compared with it (DEFINITIONS, section 2).

    ``novelties`` is the scale of a claim's novelty, from known to new; ``reported`` are those that get figures even if
    no claim has them. ``units`` are the values of ``gap.unit``; ``splits_read`` are the splits that ``of`` reads,
    before augmentation and after withholding.
    """

    novelties: ClassVar[tuple[Novelty, ...]]
    reported: ClassVar[tuple[Novelty, ...]]
    units: ClassVar[Mapping[str, UnitKind]]
    splits_read: ClassVar[tuple[SplitName, ...]]

    def of(self, splits: Mapping[SplitName, Corpus[ExampleT]]) -> TrainingCoverage:
        """The coverage of training data; ``save`` writes the ``coverage.json`` that ``load`` reads."""

    def load(self, path: Path) -> TrainingCoverage:
        """The coverage stored in a run. R120: it is damaged. R121: it was written by another version of halluc."""

    def from_coverage(self, coverage: Any, withheld: WithheldUnits | None) -> TrainingKnowledge:
        """The novelty of claims, from ``coverage`` and what was withheld."""

    def strata(self, examples: Sequence[ExampleT]) -> Strata:
        """The groups whose proportions withholding with ``control: matched`` preserves."""

    def whole_texts(self, coverage: Any) -> WholeTexts | None:
        """The coverage if novelty is measured on whole texts, otherwise None."""

    def gap(self, coverage: Any, examples: Iterable[ExampleT]) -> SplitGap:
        """The gap between a split and the training data, forecast and observed, overall and by label."""


class Wording(NamedTuple):
    """The words for a task's examples and counts, and for the sentences of reports."""

    words: Words
    nouns: Nouns


class Task(Protocol[ExampleT, PredictionT]):
    """A task: its name and config, and its six parts, which may depend on the config.

    If the config has requirements on the corpora, the task has a method ``refuse_unfit(corpora, settings)``, which
    raises if they are not met; ``settings`` is the config's section ``eval``.

    ``head`` are the suffixes of the names of its transformers classes, as in ``BertForTokenClassification``.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Section]]
    head: ClassVar[tuple[str, ...]]

    # Properties, since a plain attribute of a protocol would have to have exactly this type.
    @property
    def examples(self) -> Examples[ExampleT, PredictionT]: ...
    @property
    def model(self) -> Model[ExampleT, PredictionT, Any, Any]: ...
    @property
    def judge(self) -> Judge[ExampleT, PredictionT]: ...
    @property
    def figures(self) -> Figures[ExampleT, PredictionT]: ...
    @property
    def knowledge(self) -> Knowledge[ExampleT]: ...
    @property
    def wording(self) -> Wording: ...
    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of the task's config that a model's ``config.json`` implies."""

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> Task[ExampleT, PredictionT]:
        """The task with the settings under which a file with figures of these protocols was written."""


# A task, if the types of its example and prediction do not matter.
AnyTask = Task[Any, Any]


def task_class(name: str, table: registry.Table = TABLE) -> type[AnyTask]:
    """The class of a task, by name.

    Raises:
        HallucError C110: the task is unknown.
    """
    result: type[AnyTask] = registry.load(table, "task", name)
    return result


def build(section: Any, table: registry.Table = TABLE) -> AnyTask:
    """The task for a config's section ``task``."""
    component: Callable[[Any], AnyTask] = task_class(section.type, table)
    return component(section)


def evaluated(file: EvalFile) -> AnyTask:
    """The task with the settings under which a file of figures was written."""
    return task_class(file.task).evaluated({one.protocol for one in file.metrics})
