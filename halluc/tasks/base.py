"""What a task is. The engine, the ledger and the commands know tasks by this protocol only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy

from halluc.config.schema import ModelConfig, Section
from halluc.core.claims import Claim
from halluc.core.edits import Editable
from halluc.core.examples import Corpus, Origin


class Encoded(Protocol):
    """Examples as a model takes them (see ``engine.loop.Features``), with what a person should know of it."""

    lengths: Sequence[int]
    weights: Sequence[int]
    notes: dict[str, int]

    def collate(self, indexes: Sequence[int]) -> Any: ...

    def loss(self, outputs: object, batch: Any) -> Any: ...

    def ids(self, indexes: Sequence[int]) -> list[str]: ...


class Task(Protocol):
    """Token classification, text classification, …: one file each.

    ``scores`` names its set of figures (see ``metrics.base``), and ``primary`` the one that chooses a checkpoint where
    the config names none. ``detectors`` judge its claims. A prediction has an ``id``, ``confidences`` and the
    ``scores`` behind them, one a claim.
    """

    name: ClassVar[str]
    primary: ClassVar[str]
    scores: ClassVar[str]
    detectors: ClassVar[tuple[str, ...]]
    Config: ClassVar[type[Section]]

    def labels(self, corpus: Corpus[Any]) -> tuple[str, ...]:
        """The labels that a corpus shows, sorted."""
        ...

    def build(self, config: ModelConfig, labels: Sequence[str], attention: str) -> Any:
        """A model with a fresh head over ``labels``, and its tokenizer."""
        ...

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> Any:
        """A trained model and its tokenizer, wherever they were trained; ``names`` are the data's for its labels."""
        ...

    def encode(self, examples: Sequence[Any], encoder: Any) -> Encoded: ...

    def decode(self, encoded: Any, outputs: Iterable[tuple[Any, numpy.ndarray]]) -> list[Any]:
        """Predictions, one an example, in the order of the examples."""
        ...

    def claims(self, example: Any, prediction: Any) -> tuple[Claim, ...]:
        """What the prediction asserts about the example."""
        ...

    def editable(self, example: Any) -> Editable:
        """Its text and what labels it, with all locked that the label depends on."""
        ...

    def rebuild(self, example: Any, edited: Editable, identity: str, origin: Origin) -> Any:
        """The example that an edited text makes, ``example`` being what it was made from."""
        ...

    def record(self, example: Any) -> dict[str, Any]:
        """The line of ``augment/train.jsonl``, which ``data.readers.jsonl`` reads back."""
        ...

    def gold(self, example: Any) -> tuple[Claim, ...]:
        """What the example's annotation says, in the same form."""
        ...
