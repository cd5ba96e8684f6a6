"""What a task is: six parts, each a protocol over the task's own example and prediction.

General code knows tasks by this module only. A task is one folder under ``halluc/tasks`` and one row in
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
from halluc.core.ranked import Ranked, Report
from halluc.core.significance import Figure, Sheet
from halluc.data.inputs import InputText
from halluc.data.predictions import Stated
from halluc.data.rows.references import SplitName
from halluc.data.statistics import Words
from halluc.gap.forecast import SplitGap
from halluc.gap.knowledge import TrainingCoverage, TrainingKnowledge, WholeTexts
from halluc.gap.matching import Strata
from halluc.gap.novelty import NoveltyUnits
from halluc.gap.units import UnitKind, WithheldUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import EvalFile, Novelty, Prediction, Record
from halluc.wording.nouns import Nouns

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.runtime import Runtime


class Asserted(NamedTuple):
    """A claim about a new text; ``novelty`` and ``confusable`` are None where the training split is not known."""

    claim: Claim
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool


class Predicted(Protocol):
    """A prediction of any task, a dataclass: the id of its example, and one confidence for each claim.

    ``scores`` are the logits behind the confidences, (rows, outputs) for each claim, for calibration; empty where
    another tool predicted. The number of outputs may differ between claims. A prediction whose claimed output is not
    always the largest of a row names the output of each row in ``claimed``; one that states other probabilities too
    has a method ``scaled(temperature)``.
    """

    @property
    def id(self) -> str: ...
    @property
    def confidences(self) -> Sequence[float | None]: ...
    @property
    def scores(self) -> Sequence[numpy.ndarray]: ...


class AnnotatedPrediction(NamedTuple):
    """A prediction for an example, and how probable the model finds the example's annotation.

    ``probability`` takes claims about the example, its gold or predicted ones, and gives the probability, 0 to 1, of
    what is annotated at their places: their label, another one, or nothing.
    """

    prediction: Any
    probability: Callable[[Sequence[Claim]], float]


class Loaded(Protocol):
    """A model with its tokenizer; ``outputs`` are the names of the head's outputs, ``commit`` is that of the hub."""

    @property
    def model(self) -> torch.nn.Module: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def commit(self) -> str | None: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...


class Encoded(Protocol):
    """Examples as a model takes them (``engine.loop.Features``), with what a person should know of it.

    ``notes`` counts whatever ``Model.notes`` has words for; ``words`` and ``unknown_words``, where they are there,
    tell whether the tokenizer suits the texts.
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
    """What an example is, how it is written, and what an augmenter may touch.

    ``Line`` is the type of a line of ``predictions/<split>.jsonl``. ``formats`` are the values of ``augment.format``,
    each with the function (source, target) that converts ``augment/train.jsonl``. ``takes_pairs``: whether one input
    may be two texts. ``has_spans``: whether parts of an example are labelled, and not the whole. ``units`` are what
    augmentation measures novelty in. ``inference`` is how ``halluc serve`` answers.
    """

    Line: ClassVar[type[Prediction]]
    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]]
    takes_pairs: ClassVar[bool]
    has_spans: ClassVar[bool]
    units: ClassVar[NoveltyUnits]
    inference: ClassVar[InferenceSchema]

    def labels(self, corpus: Corpus[ExampleT]) -> tuple[str, ...]:
        """The labels that a corpus shows, sorted, or none. D1xx: labels that the task cannot have."""

    def classes(self, corpus: Corpus[ExampleT]) -> tuple[str, ...]:
        """What a model of these labels tells apart, as ``class_weights`` names it: labels, and that there is none."""

    def lacks(self, corpus: Corpus[ExampleT]) -> str | None:
        """What a training split does not have without which there is nothing to learn, as "no mention"."""

    def trains_on(self, example: ExampleT) -> bool:
        """Whether a model learns from this example of the training split: else it is not augmented either."""

    def texts(self, example: ExampleT) -> Iterable[Sequence[str]]:
        """The texts, as tokens or as one whole, from which the tokenizer of a model from scratch is learned."""

    def editable(self, example: ExampleT) -> Editable:
        """Its text and what labels it, with all locked that the label depends on."""

    def rebuild(self, example: ExampleT, edited: Editable, identity: str, origin: Origin) -> ExampleT:
        """The example that an edited text makes, ``example`` being what it was made from."""

    def record(self, example: ExampleT) -> dict[str, Any]:
        """The line of ``augment/train.jsonl``, which the reader of the task reads back without any option."""

    def of_input(self, identity: str, origin: Origin, text: InputText) -> ExampleT:
        """A new text as an example without annotation."""

    def line(self, example: ExampleT, prediction: PredictionIn) -> Prediction:
        """The line of ``predictions/<split>.jsonl``, a ``Line``."""

    def of_line(self, line: Any) -> ExampleT:
        """The example of a ``Line``, with its gold and without a place in a file."""

    def ranges(self, line: Any) -> Sequence[tuple[int, int, str]]:
        """The tokens of a ``Line`` that are marked wherever the example is shown, as head and tail of a relation."""

    def border(self, line: Any) -> int | None:
        """Of a pair of texts the token of a ``Line`` with which the second begins."""

    def answer(self, text: InputText, prediction: PredictionIn | None, asserted: Sequence[Asserted]) -> Record:
        """The line that ``predict`` writes of a text; ``prediction`` is None where the text is blank."""


class Model(Protocol[ExampleT, PredictionT, LoadedT, EncodedT]):
    """What is trained, with which loss, and how it predicts; it takes what it has loaded and encoded itself.

    ``notes`` describe on the terminal what ``Encoded.notes`` counts; ``columns`` are the headings of these counts, and
    of ``longest``, the pieces of the longest feature, in ``check --deep``. ``gold_notes`` mean nothing without gold.

    A model that keeps more than weights, such as a threshold, has a method
    ``fit_on_dev(model, examples, predictions, fitting)`` too: it fits that on the examples of dev where ``fitting``
    (examples,) is true, keeps it in the model's config, and returns the predictions of all with it. Training calls it
    for each evaluation, and for the weights that are published. Where there is no dev, training calls
    ``train_without_dev(model, examples)`` once instead, with the training examples, if the model has it.

    Other optional methods, for agreement within documents, ensembles, distillation, audits and further tests:
    CONTRIBUTING.md, step 2.
    """

    notes: ClassVar[Mapping[str, str]]
    gold_notes: ClassVar[frozenset[str]]
    columns: ClassVar[Mapping[str, str]]

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str, texts: Iterable[Sequence[str]] = ()
    ) -> LoadedT:
        """A model to be trained for ``labels``; ``texts`` are those of train, for a vocabulary from scratch."""

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> LoadedT:
        """A trained model and its tokenizer, wherever they were trained; ``names`` are the data's for its labels.

        Raises:
            HallucError C203, C204: names or a model that do not suit.
        """

    def encode(self, examples: Sequence[ExampleT], loaded: LoadedT, /) -> EncodedT:
        """What ``predict`` needs beside the weights (a tokenizer that decodes text) goes with it."""

    def decoding(self, outputs: Sequence[str], asked: Decoding) -> Decoding | None:
        """How a model with these ``outputs`` is decoded where ``asked`` is wanted; None where nothing is to choose."""

    def predict(
        self, model: torch.nn.Module, encoded: EncodedT, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[PredictionT]:
        """Predictions, one an example, in the order of the examples.

        It owns the forward passes (``engine.inference.forward``), or ``generate`` where text is written. What it has
        to tell of the examples, it adds to ``encoded.notes``.

        Args:
            budget: padded word pieces a pass. decoding: as the method of that name gives it.
        """

    def imported(self, examples: Sequence[ExampleT], stated: Sequence[Stated]) -> list[PredictionT]:
        """What another tool says of examples, one prediction each, without ``scores``.

        Raises:
            HallucError or ManyErrors D1xx: a prediction that the task cannot have.
        """

    def findings(self, corpus: Corpus[ExampleT], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        """What a person should know of a predicted split: its ``Encoded.notes``, and labels that the model lacks."""


class Judge(Protocol[ExampleIn, PredictionIn]):
    """What a prediction asserts about an example, and what the evidence says of it (DEFINITIONS, section 1).

    ``reasons`` are those for which a claim is distorted, in the order of tables: the distortion rate is told by each.
    """

    reasons: ClassVar[tuple[str, ...]]

    def claims(self, example: ExampleIn, prediction: PredictionIn) -> tuple[Claim, ...]:
        """What the prediction asserts about the example."""

    def gold(self, example: ExampleIn) -> tuple[Claim, ...]:
        """What the example's annotation says, in the same form; empty where it is judged by its source alone."""

    def judge(self, example: ExampleIn, claims: Sequence[Claim]) -> Judged:
        """The claims with verdict, reason and evidence, in their order, and the gold that none touches.

        All evidence is in the example: its gold, its source text, its knowledge.
        """


class Figures(Protocol[ExampleIn, PredictionIn]):
    """The figures of the field that belong to the task, named in ``figure_rows.py``. Every ledger has rates too.

    ``primary`` chooses a checkpoint where the config names none. ``families`` are the overall figures that may choose
    one, more is better; those of one family are shown together. ``names`` has every figure that ``figures`` may give,
    those that a gate may bound; ``protocols`` are those whose overall figures stand for a whole evaluation. ``excluded``
    are the rates of a ledger that are not counted here. ``named`` are the task's own names for figures of a ledger:
    ``f1``, of claims and gold, ``recall``, of gold, and ``claimed_without_gold``, of examples without gold.
    """

    primary: ClassVar[str]
    families: ClassVar[tuple[tuple[str, ...], ...]]
    names: ClassVar[tuple[str, ...]]
    protocols: ClassVar[tuple[str, ...]]
    excluded: ClassVar[frozenset[str]]
    named: ClassVar[Mapping[str, str]]

    def headline(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn]) -> dict[str, float]:
        """The overall figures of the families, by name: what chooses checkpoints, so it has to be quick."""

    def figures(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn], sheet: Sheet) -> list[Figure]:
        """Every figure, counted in columns of ``sheet``, which has a row an example."""

    def kept(
        self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn], remaining: numpy.ndarray, sheet: Sheet
    ) -> list[Figure]:
        """Figures after abstention, with ``{"claims": "kept"}``; ``remaining`` claims stand of each example."""

    def ranked(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn]) -> list[Ranked]:
        """The figures that need an order."""

    def report(self, examples: Sequence[ExampleIn], predictions: Sequence[PredictionIn]) -> Report:
        """The classification report: tables of plain values, by name."""

    def text(self, report: Report) -> str:
        """The same for people, as classification_report.txt has it."""


class Knowledge(Protocol[ExampleT]):
    """What a training split knows, and what is new to it (DEFINITIONS, section 2).

    ``novelties`` is the scale of a claim's novelty, the best known first; ``reported`` are those that have figures even
    where no claim has them. ``units`` are what ``gap.unit`` may withhold; ``covers`` are the splits that ``of`` reads,
    before augmentation and after withholding.
    """

    novelties: ClassVar[tuple[Novelty, ...]]
    reported: ClassVar[tuple[Novelty, ...]]
    units: ClassVar[Mapping[str, UnitKind]]
    covers: ClassVar[tuple[SplitName, ...]]

    def of(self, splits: Mapping[SplitName, Corpus[ExampleT]]) -> TrainingCoverage:
        """What training shows; ``save`` writes the ``coverage.json`` that ``load`` reads."""

    def load(self, path: Path) -> TrainingCoverage:
        """What a run keeps. R120: it is damaged. R121: it is of another version of halluc."""

    def asked(self, coverage: Any, withheld: WithheldUnits | None) -> TrainingKnowledge:
        """What the ledger asks, from ``coverage`` and what was withheld."""

    def strata(self, examples: Sequence[ExampleT]) -> Strata:
        """The groups of a training split that withholding with ``control: matched`` keeps alike in size."""

    def whole_texts(self, coverage: Any) -> WholeTexts | None:
        """The coverage where novelty is that of whole texts, else None."""

    def gap(self, coverage: Any, examples: Iterable[ExampleT]) -> SplitGap:
        """The gap of a split against what training shows, forecast and counted, overall and by label."""


class Wording(NamedTuple):
    """How people speak of the task: of its examples and what is counted of a split, and in the sentences of reports."""

    words: Words
    nouns: Nouns


class Task(Protocol[ExampleT, PredictionT]):
    """A task: its name and config, and its six parts, which may depend on the config.

    A task whose config asks something of the corpora has a method ``refuse_unfit(corpora, settings)`` too, which raises
    for those that cannot be used with it; ``settings`` are the config's section ``eval``.

    ``head`` are the ends of the names of the transformers classes that do it, as in ``BertForTokenClassification``.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Section]]
    head: ClassVar[tuple[str, ...]]

    # Properties, as a protocol's plain attribute would have to be of exactly its type.
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
        """What a model's own ``config.json`` says of how the task is to be set for it."""

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> Task[ExampleT, PredictionT]:
        """The task as it was set when a file with figures of these protocols was written."""


# A task where its example and prediction do not matter.
AnyTask = Task[Any, Any]


def task_class(name: str, table: registry.Table = TABLE) -> type[AnyTask]:
    """The class of a task by its name.

    Raises:
        HallucError C110: there is no such task.
    """
    result: type[AnyTask] = registry.load(table, "task", name)
    return result


def build(section: Any, table: registry.Table = TABLE) -> AnyTask:
    """The task that a config's section ``task`` sets."""
    component: Callable[[Any], AnyTask] = task_class(section.type, table)
    return component(section)


def evaluated(file: EvalFile) -> AnyTask:
    """The task as it was set when a file of figures was written."""
    return task_class(file.task).evaluated({one.protocol for one in file.metrics})
