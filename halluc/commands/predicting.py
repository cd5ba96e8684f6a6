"""A trained model on texts that come in chunks: each text, in its place, as the record that is written of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from halluc.commands import assessment, judging
from halluc.commands.locating import Trained
from halluc.commands.terminal import Talk
from halluc.core.claims import Claim
from halluc.core.examples import Corpus, Origin, Tagged
from halluc.data.readers.base import BadLine
from halluc.data.texts import InputText, Item
from halluc.runs.schema import PredictedClaim, PredictedText, Problem, Record, UnreadText


@dataclass(frozen=True)
class Predictor:
    """``notes`` adds up how words became model input (see ``encoding`` of eval/<split>.json)."""

    model: assessment.Model
    trained: Trained
    source: str
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def load(cls, trained: Trained, source: str, talk: Talk) -> Predictor:
        return cls(assessment.Model.load(trained.loaded, trained.reference, talk), trained, source)

    @property
    def computes(self) -> str:
        """Device and precision, in words."""
        return f"{self.model.engine.device.type}, {self.model.engine.precision}"

    def records(self, chunk: Sequence[Item]) -> Iterator[Record]:
        """One record an item, in their order."""
        texts = [item for item in chunk if isinstance(item, InputText) and item.tokens]
        claimed = iter(self._claims(texts))
        for item in chunk:
            if isinstance(item, BadLine):
                yield UnreadText(line=item.line, error=Problem(code=item.code, message=item.problem, help=item.help))
            else:
                yield self._record(item, next(claimed) if item.tokens else ())

    def _claims(self, texts: Sequence[InputText]) -> list[tuple[Claim, ...]]:
        """What the model claims of each text, with calibrated confidence."""
        if not texts:
            return []
        # Ids of the input may repeat: a line is a text's own.
        examples = tuple(Tagged(f"line-{t.line}", Origin(self.source, t.line), t.tokens, ()) for t in texts)
        predicted = self.model.predict(Corpus("input", examples, self.source))
        self.notes.update(predicted.notes)
        predictions = judging.calibrated(predicted.predictions, self.trained.temperature)
        return [self.model.task.claims(*pair) for pair in zip(examples, predictions, strict=True)]

    def _record(self, text: InputText, claims: Sequence[Claim]) -> PredictedText:
        spans = [self._span(text, claim) for claim in claims]
        return PredictedText(id=text.id, line=text.line, text=text.text, tokens=list(text.tokens), spans=spans)

    def _span(self, text: InputText, claim: Claim) -> PredictedClaim:
        assert claim.where is not None
        assert claim.confidence is not None
        knowledge, threshold = self.trained.knowledge, self.trained.threshold
        start, end = text.characters(claim.where) or (None, None)
        return PredictedClaim(
            start=claim.where.start,
            end=claim.where.end,
            start_char=start,
            end_char=end,
            text=claim.text if text.text is None else text.text[start:end],
            label=claim.label,
            confidence=round(claim.confidence, 6),
            novelty=knowledge.novelty(claim.text, claim.label) if knowledge else None,
            confusable=knowledge.is_confusable(claim.text, claim.label) if knowledge else None,
            abstained=threshold is not None and claim.confidence < threshold,
        )
