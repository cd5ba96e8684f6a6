"""A trained model on texts that come in chunks: each text, in its place, as the record that is written of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from halluc.analysis import verdicts
from halluc.commands.terminal import Talk
from halluc.core.claims import Claim
from halluc.core.examples import Corpus, Origin
from halluc.data.inputs import InputText, Item
from halluc.data.rows.row import BadLine
from halluc.data.statistics import counted
from halluc.runs.schema import Problem, Record, UnreadText
from halluc.task import Asserted
from halluc.workflows import assessment, run_state
from halluc.workflows.trained_models import Trained


@dataclass(frozen=True)
class Predictor:
    """``notes`` adds up how words became model input (see ``encoding`` of eval/<split>.json)."""

    model: assessment.Model
    trained: Trained
    source: str
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def load(cls, trained: Trained, source: str, talk: Talk) -> Predictor:
        if trained.run is not None:
            run_state.warn_changed_model(trained.run)
            run_state.warn_changed_confidence(trained.run)
        return cls(assessment.Model.load(trained.loaded, trained.reference, talk), trained, source)

    @property
    def computes(self) -> str:
        """Device and precision, in words."""
        return f"{self.model.engine.device.type}, {self.model.engine.precision}"

    @property
    def unknown_share(self) -> float | None:
        """See ``assessment.unknown_share``, of all texts so far."""
        return assessment.unknown_share(self.notes)

    def told(self) -> Iterator[str]:
        """What a person should know of how the texts so far became model input."""
        task = self.model.task
        for note, told in task.model.notes.items():
            if self.notes[note] and note not in task.model.gold_notes:
                yield counted(self.notes[note], told)

    def records(self, chunk: Sequence[Item]) -> Iterator[Record]:
        """One record an item, in their order."""
        texts = [item for item in chunk if isinstance(item, InputText) and item.tokens]
        said = iter(self._said(texts))
        for item in chunk:
            if isinstance(item, BadLine):
                yield UnreadText(line=item.line, error=Problem(code=item.code, message=item.problem, help=item.help))
            else:
                prediction, claims = next(said) if item.tokens else (None, ())
                yield self.model.task.examples.answer(item, prediction, [self._asserted(claim) for claim in claims])

    def _said(self, texts: Sequence[InputText]) -> list[tuple[Any, tuple[Claim, ...]]]:
        """What the model says of each text, with calibrated confidence, and what it claims by that."""
        if not texts:
            return []
        # Ids of the input may repeat: a line is a text's own.
        task = self.model.task
        examples = tuple(task.examples.of_input(f"line-{t.line}", Origin(self.source, t.line), t) for t in texts)
        predicted = self.model.predict(Corpus("input", examples, self.source))
        self.notes.update(predicted.notes)
        predictions = verdicts.calibrated(predicted.predictions, self.trained.temperature)
        return [(said, task.judge.claims(example, said)) for example, said in zip(examples, predictions, strict=True)]

    def _asserted(self, claim: Claim) -> Asserted:
        knowledge, threshold = self.trained.knowledge, self.trained.threshold
        withdrawn = threshold is not None and claim.confidence is not None and claim.confidence < threshold
        if knowledge is None:
            return Asserted(claim, None, None, withdrawn)
        return Asserted(claim, knowledge.novelty(claim), knowledge.is_confusable(claim), withdrawn)
