"""What a task is. The engine, the ledger and the commands know tasks by this protocol only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy

from halluc.config.schema import Decoding, ModelConfig, Section
from halluc.core.claims import Claim
from halluc.core.edits import Editable
from halluc.core.examples import Corpus, Origin
from halluc.data.inputs import InputText
from halluc.data.joining import Stated
from halluc.data.rows.references import SplitName
from halluc.data.statistics import Words
from halluc.gap.matching import Strata
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import Novelty, Prediction, Record


class Encoded(Protocol):
    """Examples as a model takes them (see ``engine.loop.Features``), with what a person should know of it.

    ``notes`` counts whatever the task has names for; ``words`` and ``unknown_words``, where they are there, tell
    whether the tokenizer suits the texts.
    """

    lengths: Sequence[int]
    weights: Sequence[int]
    notes: dict[str, int]

    def collate(self, indexes: Sequence[int]) -> Any: ...

    def loss(self, outputs: object, batch: Any) -> Any: ...

    def ids(self, indexes: Sequence[int]) -> list[str]: ...


class Saved(Protocol):
    """What can be kept in a file."""

    def save(self, path: Path) -> None: ...


class Asserted(NamedTuple):
    """A claim about a new text, and what ``predict`` tells beside it.

    ``novelty`` and ``confusable`` are None where the training split is not known.
    """

    claim: Claim
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool


class Task(Protocol):
    """Token classification, text classification, …: one file each.

    ``scores`` names its set of figures (see ``metrics.base``), and ``primary`` the one that chooses a checkpoint where
    the config names none. ``detectors`` judge its claims. The three may depend on the config. A prediction has
    an ``id``, ``confidences`` and the ``scores`` behind them, one a claim (see ``commands.judging.scores``). One that
    tells other probabilities too has a method ``scaled``, which gives it with those that they are at a temperature.

    ``head`` ends the names of the transformers classes that do the task, as in ``BertForTokenClassification``.
    ``noun`` is what its examples are, in the plural, and ``words`` what else people call things there, and what is
    counted of a split; it may depend on the config. ``notes`` are the words of the terminal for what ``Encoded.notes``
    counts and a person should know, ``columns`` the headings under which ``check --deep`` shows such counts, and
    ``longest``, the pieces of the longest feature. ``gold_notes`` are the notes that mean nothing without gold.

    ``formats`` are those that ``augment.format`` may ask for.

    ``units`` are what ``gap.unit`` may withhold; ``covers`` are the splits that ``coverage`` is made from, as they are
    trained on: before augmentation, and after withholding. ``takes_pairs``: whether a text may be two of them.
    ``shows``: what augmentation measures novelty in, the mentions of an example or the content words of its text.
    """

    name: ClassVar[str]
    primary: str
    scores: str
    detectors: tuple[str, ...]
    head: ClassVar[str]
    noun: ClassVar[str]
    words: Words
    notes: ClassVar[Mapping[str, str]]
    gold_notes: ClassVar[frozenset[str]]
    columns: ClassVar[Mapping[str, str]]
    formats: ClassVar[tuple[str, ...]]
    units: ClassVar[tuple[str, ...]]
    covers: ClassVar[tuple[SplitName, ...]]
    takes_pairs: ClassVar[bool]
    shows: ClassVar[Literal["mentions", "words"]]
    Config: ClassVar[type[Section]]

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a model's own ``config.json`` says of how the task is to be set for it."""
        ...

    def labels(self, corpus: Corpus[Any]) -> tuple[str, ...]:
        """The labels that a corpus shows, sorted."""
        ...

    def classes(self, corpus: Corpus[Any]) -> tuple[str, ...]:
        """What a model of these labels tells apart, as ``class_weights`` names it: labels, and that there is none."""
        ...

    def lacks(self, corpus: Corpus[Any]) -> str | None:
        """What a training split does not have without which there is nothing to learn, as "no mention"."""
        ...

    def strata(self, examples: Sequence[Any]) -> Strata:
        """The groups of a training split that withholding with ``control: matched`` keeps alike in size."""
        ...

    def coverage(self, splits: Mapping[SplitName, Corpus[Any]]) -> Saved:
        """What training shows; ``save`` writes the ``coverage.json`` that ``read_coverage`` reads."""
        ...

    def read_coverage(self, path: Path) -> Saved:
        """What a run keeps.

        Raises:
            HallucError R120: damaged. R121: of another version of halluc.
        """
        ...

    def knowledge(self, coverage: Any, withheld: WithheldUnits | None) -> Any:
        """What a ledger asks (``hallucination.ledger.Knowledge``), from ``coverage`` and what was withheld."""
        ...

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str, texts: Iterable[Sequence[str]] = ()
    ) -> Any:
        """A model with a fresh head over ``labels``, and its tokenizer; ``texts`` are the tokens of the training split,
        which a model from scratch learns its vocabulary from."""
        ...

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> Any:
        """A trained model and its tokenizer, wherever they were trained; ``names`` are the data's for its labels."""
        ...

    def encode(self, examples: Sequence[Any], encoder: Any) -> Encoded: ...

    def decoding(self, outputs: Sequence[str], asked: Decoding) -> Decoding | None:
        """How a model with these ``outputs`` is decoded where ``asked`` is wanted; None where nothing is to choose."""
        ...

    def decode(
        self, encoded: Any, outputs: Iterable[tuple[Any, numpy.ndarray]], decoding: Decoding | None = ...
    ) -> list[Any]:
        """Predictions, one an example, in the order of the examples; ``decoding`` as the method of that name gives it.

        What it has to tell of the examples, it adds to ``encoded.notes``.
        """
        ...

    def predictions_of(self, examples: Sequence[Any], stated: Sequence[Stated]) -> list[Any]:
        """What another tool says of examples, one prediction each, as ``decode`` gives them; without ``scores``.

        Raises:
            HallucError or ManyErrors D1xx: a prediction that the task cannot have.
        """
        ...

    def told(self, corpus: Corpus[Any], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        """What a person should know of a split that was predicted on: its ``Encoded.notes``, and how its labels and
        the model's ``outputs`` go together."""
        ...

    def line(self, example: Any, prediction: Any) -> Prediction:
        """The line of ``predictions/<split>.jsonl``, of the type that ``runs.schema.PREDICTIONS`` has for the task."""
        ...

    def claims(self, example: Any, prediction: Any) -> tuple[Claim, ...]:
        """What the prediction asserts about the example."""
        ...

    def trains_on(self, example: Any) -> bool:
        """Whether a model learns from this example of the training split: else it is not augmented either."""
        ...

    def editable(self, example: Any) -> Editable:
        """Its text and what labels it, with all locked that the label depends on."""
        ...

    def rebuild(self, example: Any, edited: Editable, identity: str, origin: Origin) -> Any:
        """The example that an edited text makes, ``example`` being what it was made from."""
        ...

    def record(self, example: Any) -> dict[str, Any]:
        """The line of ``augment/train.jsonl``, which the reader of the task reads back without any option."""
        ...

    def labels_of(self, example: Any) -> Sequence[str]:
        """A label for each thing that is labelled in it."""
        ...

    def gold(self, example: Any) -> tuple[Claim, ...]:
        """What the example's annotation says, in the same form."""
        ...

    def example_of(self, identity: str, origin: Origin, text: InputText) -> Any:
        """A new text as an example without annotation."""
        ...

    def record_of(self, text: InputText, prediction: Any, asserted: Sequence[Asserted]) -> Record:
        """The line that ``predict`` writes of a text; ``prediction`` is None where the text is blank."""
        ...
