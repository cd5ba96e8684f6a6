"""Two tasks that are no classifiers, against the protocols of ``halluc.task`` alone: translation and reading a text
for an answer. They show that the six parts do not presuppose labels, tokens that are labelled, or gold.

``mypy`` reads this file in strict mode: the assignments at its end hold the tasks to the protocols.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy
import torch

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.config.section import Section
from halluc.core.claims import Claim, Evidence, Judged, rounded
from halluc.core.edits import Editable
from halluc.core.examples import Corpus, Example, Origin, Pair, Span, surface
from halluc.core.figures import Report
from halluc.core.significance import Figure, Ranked, Ratio, Sheet
from halluc.data.inputs import InputText
from halluc.data.predictions import ExternalPrediction
from halluc.data.rows.references import SplitName
from halluc.data.statistics import Count, Words
from halluc.engine.runtime import Runtime
from halluc.gap.forecast import Gap, Proportion, SplitGap
from halluc.gap.novelty import CONTENT_WORDS, MENTIONS, NoveltyUnits
from halluc.gap.units import EXAMPLES, Strata, UnitKind, WithheldUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Nearest, Novelty, Prediction, Record
from halluc.task import Asserted, Task, Wording
from halluc.tasks.dialogue.config import DialogueConfig
from halluc.tasks.dialogue.task import Dialogue
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.examples import AnswerPrediction, ContextQuestion
from halluc.tasks.question_answering.task import QuestionAnswering
from halluc.tasks.summarisation.config import SummarisationConfig
from halluc.tasks.summarisation.task import Summarisation
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification
from halluc.tasks.text_generation.source_text import Sourced, WrittenText
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification
from halluc.tasks.translation.config import TranslationConfig as TranslationTaskConfig
from halluc.tasks.translation.task import Translation as TranslationTask
from halluc.wording.nouns import CardText, Nouns

ALL = Strata(("all",), lambda example: 0, has_free=False)


def words(examples: str, labelled: str) -> Words:
    return Words("words", labelled, labelled, labelled, (Count(examples, lambda example: 1),))


# --- what both have ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loaded:
    """No weights: both tasks predict by a rule."""

    model: torch.nn.Module
    tokenizer: Any = None
    commit: str | None = None
    outputs: tuple[str, ...] = ()


E = TypeVar("E", bound=Example)


class Encoded(Generic[E]):
    """The examples themselves."""

    def __init__(self, examples: Sequence[E]) -> None:
        self.examples = examples
        self.notes = {"words": sum(len(example.tokens) for example in examples)}
        self.lengths = [len(example.tokens) for example in examples]
        self.weights = [1] * len(examples)

    def collate(self, indexes: Sequence[int]) -> Any:
        raise NotImplementedError("a rule is not trained")

    def loss(self, outputs: object, batch: Any) -> Any:
        raise NotImplementedError("a rule is not trained")

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[index].id for index in indexes]


class Rule(Generic[E]):
    """What both models have beside their rule."""

    notes: ClassVar[Mapping[str, str]] = {}
    gold_notes: ClassVar[frozenset[str]] = frozenset()
    columns: ClassVar[Mapping[str, str]] = {}

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> Loaded:
        return Loaded(torch.nn.Identity())

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> Loaded:
        return Loaded(torch.nn.Identity())

    def encode(self, examples: Sequence[E], loaded: Loaded) -> Encoded[E]:
        return Encoded(examples)

    def decoding(self, outputs: Sequence[str], asked: Decoding) -> Decoding | None:
        return None

    def findings(self, corpus: Corpus[E], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        yield f"{notes['words']:,} words"


class Placement:
    """What a training split shows: surfaces, as often as they occur."""

    label_counts: Mapping[str, int] | None = None

    def __init__(self, times: Mapping[str, int]) -> None:
        self.times = dict(times)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.times), encoding="utf-8")

    def novelty(self, claim: Claim) -> Novelty:
        return "shown" if claim.text in self.times else "not shown"

    def is_confusable(self, claim: Claim) -> bool:
        return False

    def nearest(self, claim: Claim) -> Nearest | None:
        return None

    def is_withheld(self, claim: Claim) -> bool:
        return False


class Surfaces(Generic[E]):
    """Knowledge of surfaces: the words of the targets, or whole answers, as ``surfaces`` of an example has them."""

    novelties: ClassVar[tuple[Novelty, ...]] = ("shown", "not shown")
    reported: ClassVar[tuple[Novelty, ...]] = novelties
    units: ClassVar[Mapping[str, UnitKind]] = {"example": EXAMPLES}
    splits_read: ClassVar[tuple[SplitName, ...]] = ("train",)

    def surfaces(self, example: E) -> Sequence[str]:
        raise NotImplementedError

    def of(self, splits: Mapping[SplitName, Corpus[E]]) -> Placement:
        found = [one for example in splits["train"] for one in self.surfaces(example)]
        return Placement({one: found.count(one) for one in found})

    def load(self, path: Path) -> Placement:
        return Placement(json.loads(path.read_text(encoding="utf-8")))

    def from_coverage(self, coverage: Placement, withheld: WithheldUnits | None) -> Placement:
        return coverage

    def strata(self, examples: Sequence[E]) -> Strata:
        return ALL

    def whole_texts(self, coverage: Placement) -> None:
        return None

    def gap(self, coverage: Placement, examples: Iterable[E]) -> SplitGap:
        there = [one for example in examples for one in self.surfaces(example)]
        new = sum(one not in coverage.times for one in there)
        unseen = Proportion(new / len(there) if there else None, len(there))
        unknown = Proportion(None, 0)
        return SplitGap(Gap(len(there), unknown, unseen, unseen, unknown), {}, "words")


CARD = CardText(does="does", prediction_note="nothing", gap="the gap,", definition="figures")


class Report1(Generic[E]):
    """The classification report of one share."""

    def report(self, examples: Sequence[E], predictions: Sequence[Any]) -> Report:
        raise NotImplementedError

    def text(self, report: Report) -> str:
        return "\n".join(f"{name} {value:.4f}" for name, value in report.items())


# --- translation: the output is a text, judged by the source ---------------------------------------------------------


@dataclass(frozen=True)
class Translated:
    """A source text, and its translation where there is one."""

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    target: tuple[str, ...] = ()

    @property
    def annotation(self) -> tuple[str, ...]:
        return self.target

    @property
    def labels(self) -> tuple[str, ...]:
        return ()

    @property
    def pairs(self) -> Sequence[Pair]:
        return ()


@dataclass(frozen=True)
class Written:
    """A text that a model wrote; ``places`` are the words in it that assert something.

    ``scores`` are (1, 2) for each of them: the logits of the word that was written, and of all others together.
    """

    id: str
    text: tuple[str, ...]
    places: tuple[int, ...]
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()


class TranslationLine(Prediction):
    """``gold`` is the reference translation; nothing is judged by it."""

    gold: list[str]
    predicted: list[str]
    confidences: list[float | None]


class TranslatedText(Record):
    line: int
    text: str | None
    translation: list[str]
    abstained: list[str]


class TranslationExamples:
    Line: ClassVar[type[Prediction]] = TranslationLine
    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]] = {"jsonl": None}
    takes_pairs: ClassVar[bool] = False
    has_spans: ClassVar[bool] = False
    units: ClassVar[NoveltyUnits] = CONTENT_WORDS
    inference: ClassVar[InferenceSchema] = InferenceSchema(TranslatedText, lambda record, asked: [record])

    def labels(self, corpus: Corpus[Translated]) -> tuple[str, ...]:
        return ()

    def classes(self, corpus: Corpus[Translated]) -> tuple[str, ...]:
        return ()

    def untrainable_reason(self, corpus: Corpus[Translated]) -> str | None:
        return None if any(example.target for example in corpus) else "no translation"

    def trains_on(self, example: Translated) -> bool:
        return bool(example.target)

    def texts(self, example: Translated) -> Iterable[Sequence[str]]:
        yield example.tokens

    def editable(self, example: Translated) -> Editable:
        """Nothing may change: the translation would no longer be one."""
        return Editable(example.tokens, locked=((0, len(example.tokens)),))

    def rebuild(self, example: Translated, edited: Editable, identity: str, origin: Origin) -> Translated:
        return replace(example, id=identity, origin=origin, tokens=edited.tokens)

    def record(self, example: Translated) -> dict[str, Any]:
        return {"id": example.id, "source": " ".join(example.tokens), "target": " ".join(example.target)}

    def of_input(self, identity: str, origin: Origin, text: InputText) -> Translated:
        return Translated(identity, origin, text.tokens)

    def line(self, example: Translated, prediction: Written) -> TranslationLine:
        return TranslationLine(
            id=example.id,
            tokens=list(example.tokens),
            gold=list(example.target),
            predicted=list(prediction.text),
            confidences=[rounded(one) for one in prediction.confidences],
        )

    def of_line(self, line: TranslationLine) -> Translated:
        return Translated(line.id, Origin("", 0), tuple(line.tokens), tuple(line.gold))

    def ranges(self, line: TranslationLine) -> Sequence[tuple[int, int, str]]:
        return ()

    def border(self, line: TranslationLine) -> int | None:
        return None

    def answer(self, text: InputText, prediction: Written | None, asserted: Sequence[Asserted]) -> TranslatedText:
        withdrawn = [one.claim.text for one in asserted if one.abstained]
        written = list(prediction.text) if prediction else []
        return TranslatedText(line=text.line, text=text.text, translation=written, abstained=withdrawn)


class Dictionary(Rule[Translated]):
    """Writes word by word: the word of a dictionary, or else the source's own."""

    WORDS: ClassVar[Mapping[str, str]] = {"il": "he", "voit": "sees", "Londres": "London", "sept": "7", "deux": "3"}

    def predict(
        self,
        model: torch.nn.Module,
        encoded: Encoded[Translated],
        budget: int,
        runtime: Runtime,
        decoding: Decoding | None,
    ) -> list[Written]:
        return [self.write(example) for example in encoded.examples]

    def write(self, example: Translated) -> Written:
        text = tuple(self.WORDS.get(word, word) for word in example.tokens)
        places = tuple(place for place, word in enumerate(text) if kind_of(word) is not None)
        scores = tuple(numpy.array([[2.0 if text[place] != example.tokens[place] else 3.0, 0.0]]) for place in places)
        sure = tuple(float(1 / (1 + numpy.exp(rows[0, 1] - rows[0, 0]))) for rows in scores)
        return Written(example.id, text, places, sure, scores)

    def imported(self, examples: Sequence[Translated], imported: Sequence[ExternalPrediction]) -> list[Written]:
        return []


def kind_of(word: str) -> str | None:
    """What a word of a translation asserts: that the source has this number, or this name."""
    return "number" if re.fullmatch(r"\d+", word) else "name" if word[:1].isupper() else None


class SourceJudge:
    """Numbers and names of the output, by the source alone: there is no gold.

    A claim has its place in the output, not in the source.
    """

    reasons: ClassVar[tuple[str, ...]] = ()
    SAME: ClassVar[Mapping[str, str]] = {"London": "Londres", "7": "sept", "2": "deux"}

    def claims(self, example: Translated, prediction: Written) -> tuple[Claim, ...]:
        found = []
        for place, confidence in zip(prediction.places, prediction.confidences, strict=True):
            word = prediction.text[place]
            where = Span(place, place + 1, str(kind_of(word)))
            found.append(Claim(example.id, "word", word, where, where.label, confidence))
        return tuple(found)

    def gold(self, example: Translated) -> tuple[Claim, ...]:
        return ()

    def judge(self, example: Translated, claims: Sequence[Claim]) -> Judged:
        return Judged(tuple(self._judged(example, claim) for claim in claims), ())

    def _judged(self, example: Translated, claim: Claim) -> Claim:
        if {claim.text, self.SAME.get(claim.text, claim.text)} & set(example.tokens):
            return replace(claim, verdict="supported")
        return replace(claim, verdict="unsupported", reason="not_in_source")


class TranslationFigures(Report1[Translated]):
    primary: ClassVar[str] = "words_right"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("words_right",),)
    names: ClassVar[tuple[str, ...]] = ("words_right",)
    protocols: ClassVar[tuple[str, ...]] = ("words at the same place",)
    excluded: ClassVar[frozenset[str]] = frozenset(
        # No claim is distorted, and without gold nothing is omitted.
        ("hallucination_rate_wide", "distortion_rate", "false_claim_rate", "negative_sentence_rate",
         "omission_rate", "recall")
    )  # fmt: skip
    named: ClassVar[Mapping[str, str]] = {}

    def headline(self, examples: Sequence[Translated], predictions: Sequence[Written]) -> dict[str, float]:
        sheet = Sheet(len(examples))
        (figure,) = self.figures(examples, predictions, sheet)
        return {"words_right": float(figure.formula(sheet.totals()))}

    def figures(
        self, examples: Sequence[Translated], predictions: Sequence[Written], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        pairs = list(zip(examples, predictions, strict=True))
        right = [sum(a == b for a, b in zip(one.target, said.text, strict=False)) for one, said in pairs]
        there = [len(one.target) for one in examples]
        share = Ratio((sheet.column(numpy.array(right)),), (sheet.column(numpy.array(there)),))
        return [Figure("words_right", {}, self.protocols[0], sum(there), share)]

    def after_abstention(
        self,
        examples: Sequence[Translated],
        predictions: Sequence[Written],
        remaining: numpy.ndarray,
        sheet: Sheet,
    ) -> list[Figure]:
        return []

    def ranked(self, examples: Sequence[Translated], predictions: Sequence[Written]) -> list[Ranked]:
        return []

    def report(self, examples: Sequence[Translated], predictions: Sequence[Written]) -> Report:
        return dict(self.headline(examples, predictions))


class TargetKnowledge(Surfaces[Translated]):
    def surfaces(self, example: Translated) -> Sequence[str]:
        return example.target


TRANSLATION_WORDING = Wording(
    words("texts", "translations"),
    Nouns(
        unit="word", gold="translation", golds="translations", claims="numbers and names",
        unsupported="not in the source", nothing="no translation", counted="words", gap_of="words",
        novelty="whether training showed the word", loss_of="loss of a word", annotated="translations",
        card=CARD,
    ),
)  # fmt: skip


class TranslationConfig(Section):
    type: Literal["toy_translation"] = "toy_translation"


class Translation:
    """Translates word by word."""

    name: ClassVar[str] = "toy_translation"
    head: ClassVar[tuple[str, ...]] = ("ForConditionalGeneration",)
    Config: ClassVar[type[Section]] = TranslationConfig

    def __init__(self, config: TranslationConfig) -> None:
        self.examples = TranslationExamples()
        self.model = Dictionary()
        self.judge = SourceJudge()
        self.figures = TranslationFigures()
        self.knowledge = TargetKnowledge()
        self.wording = TRANSLATION_WORDING

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> Translation:
        return cls(TranslationConfig())


# --- question answering: start and end logits, and texts that hold no answer -----------------------------------------


@dataclass(frozen=True)
class Asked:
    """A text and a question; ``answer`` is None where the text holds none."""

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    question: tuple[str, ...]
    answer: Span | None = None

    @property
    def annotation(self) -> tuple[tuple[str, ...], Span | None]:
        return self.question, self.answer

    @property
    def labels(self) -> list[str]:
        return [label for _, label in self.pairs]

    @property
    def pairs(self) -> Sequence[Pair]:
        return () if self.answer is None else ((surface(self.tokens, self.answer), "answer"),)


@dataclass(frozen=True)
class Answered:
    """``scores`` are (2, tokens) of the one claim: start logits, then end logits, as many as its text has tokens;
    ``claimed`` are the first and the last token of the answer."""

    id: str
    answer: Span | None
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()
    claimed: tuple[int, ...] = ()


class AnswerLine(Prediction):
    question: list[str]
    gold: list[tuple[int, int]]
    predicted: list[tuple[int, int, float | None]]


class AnswerRecord(Record):
    line: int
    answer: str | None
    novelty: Novelty | None


class AnswerExamples:
    Line: ClassVar[type[Prediction]] = AnswerLine
    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]] = {"jsonl": None}
    takes_pairs: ClassVar[bool] = True
    has_spans: ClassVar[bool] = True
    units: ClassVar[NoveltyUnits] = MENTIONS
    inference: ClassVar[InferenceSchema] = InferenceSchema(AnswerRecord, lambda record, asked: [record])

    def labels(self, corpus: Corpus[Asked]) -> tuple[str, ...]:
        return ()

    def classes(self, corpus: Corpus[Asked]) -> tuple[str, ...]:
        return ()

    def untrainable_reason(self, corpus: Corpus[Asked]) -> str | None:
        return None if any(example.answer for example in corpus) else "no answer"

    def trains_on(self, example: Asked) -> bool:
        return True

    def texts(self, example: Asked) -> Iterable[Sequence[str]]:
        yield example.tokens

    def editable(self, example: Asked) -> Editable:
        return Editable(example.tokens, () if example.answer is None else (example.answer,))

    def rebuild(self, example: Asked, edited: Editable, identity: str, origin: Origin) -> Asked:
        answer = edited.spans[0] if edited.spans else None
        return replace(example, id=identity, origin=origin, tokens=edited.tokens, answer=answer)

    def record(self, example: Asked) -> dict[str, Any]:
        return {"id": example.id, "tokens": list(example.tokens), "question": list(example.question)}

    def of_input(self, identity: str, origin: Origin, text: InputText) -> Asked:
        return Asked(identity, origin, text.tokens, ())

    def line(self, example: Asked, prediction: Answered) -> AnswerLine:
        gold, said = example.answer, prediction.answer
        return AnswerLine(
            id=example.id,
            tokens=list(example.tokens),
            question=list(example.question),
            gold=[gold[:2]] if gold else [],
            predicted=[(said.start, said.end, rounded(prediction.confidences[0]))] if said else [],
        )

    def of_line(self, line: AnswerLine) -> Asked:
        gold = next((Span(start, end, "answer") for start, end in line.gold), None)
        return Asked(line.id, Origin("", 0), tuple(line.tokens), tuple(line.question), gold)

    def ranges(self, line: AnswerLine) -> Sequence[tuple[int, int, str]]:
        return ()

    def border(self, line: AnswerLine) -> int | None:
        return None

    def answer(self, text: InputText, prediction: Answered | None, asserted: Sequence[Asserted]) -> AnswerRecord:
        said = asserted[0] if asserted else None
        return AnswerRecord(
            line=text.line, answer=said.claim.text if said else None, novelty=said.novelty if said else None
        )


class Reader(Rule[Asked]):
    """Start and end logits by a rule: a capitalised word is 2, a number 4, for both; under 1 there is no answer.

    A question with `who` takes names alone.
    """

    def predict(
        self, model: torch.nn.Module, encoded: Encoded[Asked], budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[Answered]:
        return [self.read(example) for example in encoded.examples]

    def read(self, example: Asked) -> Answered:
        of_kind = {"name": 2.0, "number": 0.0 if "who" in example.question else 4.0}
        logits = numpy.array([of_kind.get(str(kind_of(word)), 0.0) for word in example.tokens])
        best = int(logits.argmax())
        if logits[best] < 1:
            return Answered(example.id, None, ())
        sure = float(numpy.exp(logits[best]) / numpy.exp(logits).sum())
        rows = numpy.stack([logits, logits])
        return Answered(example.id, Span(best, best + 1, "answer"), (sure,), (rows,), (best, best))

    def imported(self, examples: Sequence[Asked], imported: Sequence[ExternalPrediction]) -> list[Answered]:
        return []


class ToyAnswerJudge:
    """An answer that is not empty is a claim; it is distorted where it overlaps the gold answer."""

    reasons: ClassVar[tuple[str, ...]] = ("boundary",)

    def claims(self, example: Asked, prediction: Answered) -> tuple[Claim, ...]:
        if prediction.answer is None:
            return ()
        return (self._claim(example, prediction.answer, prediction.confidences[0]),)

    def gold(self, example: Asked) -> tuple[Claim, ...]:
        return () if example.answer is None else (self._claim(example, example.answer),)

    def judge(self, example: Asked, claims: Sequence[Claim]) -> Judged:
        return Judged(tuple(self._judged(example, claim) for claim in claims), () if claims else self.gold(example))

    def _judged(self, example: Asked, claim: Claim) -> Claim:
        there, said = example.answer, claim.where
        assert said is not None
        if there is None:
            return replace(claim, verdict="unsupported", reason="no_answer")
        if said == there:
            return replace(claim, verdict="supported", evidence=Evidence(there))
        if said.start < there.end and there.start < said.end:
            return replace(claim, verdict="distorted", reason="boundary", evidence=Evidence(there))
        return replace(claim, verdict="unsupported", reason="other_answer", evidence=Evidence(touched=(there,)))

    def _claim(self, example: Asked, span: Span, confidence: float | None = None) -> Claim:
        return Claim(example.id, "answer", surface(example.tokens, span), span, span.label, confidence)


class ToyAnswerFigures(Report1[Asked]):
    primary: ClassVar[str] = "exact_match"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("exact_match",),)
    names: ClassVar[tuple[str, ...]] = ("exact_match", "answered_without_answer")
    protocols: ClassVar[tuple[str, ...]] = ("the same tokens, or no answer",)
    excluded: ClassVar[frozenset[str]] = frozenset()
    named: ClassVar[Mapping[str, str]] = {"claimed_without_gold": "answered_without_answer"}

    def headline(self, examples: Sequence[Asked], predictions: Sequence[Answered]) -> dict[str, float]:
        sheet = Sheet(len(examples))
        (figure,) = self.figures(examples, predictions, sheet)
        return {"exact_match": float(figure.formula(sheet.totals()))}

    def figures(
        self, examples: Sequence[Asked], predictions: Sequence[Answered], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        right = numpy.array([one.answer == said.answer for one, said in zip(examples, predictions, strict=True)])
        share = Ratio((sheet.column(right),), (sheet.column(numpy.ones(len(right))),))
        return [Figure("exact_match", {}, self.protocols[0], len(right), share)]

    def after_abstention(
        self, examples: Sequence[Asked], predictions: Sequence[Answered], remaining: numpy.ndarray, sheet: Sheet
    ) -> list[Figure]:
        return []

    def ranked(self, examples: Sequence[Asked], predictions: Sequence[Answered]) -> list[Ranked]:
        return []

    def report(self, examples: Sequence[Asked], predictions: Sequence[Answered]) -> Report:
        return dict(self.headline(examples, predictions))


class ToyAnswerKnowledge(Surfaces[Asked]):
    def surfaces(self, example: Asked) -> Sequence[str]:
        return [text for text, _ in example.pairs]


ANSWER_WORDING = Wording(
    words("questions", "answers"),
    Nouns(
        unit="answer", gold="answer", golds="answers", claims="answers given",
        unsupported="hallucinated", nothing="no answer", counted="answers", gap_of="answers",
        novelty="whether the answer occurs in training", loss_of="loss of an answer", annotated="answers",
        card=CARD,
        reasons={"boundary": "with a wrong boundary"},
    ),
)  # fmt: skip


class AnswerConfig(Section):
    type: Literal["toy_answers"] = "toy_answers"


class ToyQuestionAnswering:
    """Answers a question by a part of a text, or not at all."""

    name: ClassVar[str] = "toy_answers"
    head: ClassVar[tuple[str, ...]] = ("ForQuestionAnswering",)
    Config: ClassVar[type[Section]] = AnswerConfig

    def __init__(self, config: AnswerConfig) -> None:
        self.examples = AnswerExamples()
        self.model = Reader()
        self.judge = ToyAnswerJudge()
        self.figures = ToyAnswerFigures()
        self.knowledge = ToyAnswerKnowledge()
        self.wording = ANSWER_WORDING

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> ToyQuestionAnswering:
        return cls(AnswerConfig())


# These tasks, and those of halluc, are what the protocols ask for.
TRANSLATION: Task[Translated, Written] = Translation(TranslationConfig())
ANSWERS: Task[Asked, Answered] = ToyQuestionAnswering(AnswerConfig())
SPANS: Task[Tagged, TagPrediction] = TokenClassification(TokenClassificationConfig(type="token_classification"))
TRANSLATIONS: Task[Sourced, WrittenText] = TranslationTask(TranslationTaskConfig(type="translation"))
SUMMARIES: Task[Sourced, WrittenText] = Summarisation(SummarisationConfig(type="summarisation"))
REPLIES: Task[Sourced, WrittenText] = Dialogue(DialogueConfig(type="dialogue"))
LABELS: Task[Labelled, TextPrediction] = TextClassification(TextClassificationConfig(type="text_classification"))
QUESTIONS: Task[ContextQuestion, AnswerPrediction] = QuestionAnswering(
    QuestionAnsweringConfig(type="question_answering")
)
