"""The words for questions, contexts and answers."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.task import Wording
from halluc.tasks.question_answering.examples import NO_ANSWER
from halluc.wording import formats
from halluc.wording.nouns import CardText, FigureLookup, Nouns, count

QUESTIONS = Words(
    tokens="tokens",
    labelled="answers",
    annotation="answers",
    repaired="answers",
    counts=(
        Count("questions", example_count),
        Count("tokens", tokens),
        Count("answerable", labelled),
        Count("unanswerable", unlabelled, is_share=True, legend="questions without an answer in their context"),
    ),
    figure="F1",
    has_blanks=True,
)

CARD = CardText(
    does="extracts answers to questions from a text, or gives no answer:",
    prediction_note="whether the answer occurs in training",
    gap="The share of answers that are not an answer in the training split",
    definition=(
        "A hallucination is an answer to a question without an answer in its context, or an answer that shares no "
        "word with an annotated answer. A distorted answer shares a word with an annotated answer but is not equal "
        "to it. An omission is an answerable question without an answer. The gap ratio is the error rate of answers "
        "new to training divided by that of answers seen in training."
    ),
)
GLOSSARY = {
    "claim": "A statement of the model: here, an answer to a question.",
    "annotation": "The annotated answers in the context, or none. Claims are compared with them.",
    "supported": "The claim equals an annotated answer, ignoring case, punctuation and articles: it is correct.",
    "distorted": "The answer shares a word with an annotated answer but differs: it is too long, too short, or at "
    "another place.",
    "unsupported": "The question has no answer in its context, or the answer shares no word with an annotated "
    "answer. This is a hallucination.",
    "omission": "An answerable question that gets no answer. It is not a hallucination. Both rates are shown, "
    "because a model that gives few answers makes few errors.",
    "hallucination rate": "Unsupported claims out of all claims. The distortion rate is the share that is distorted,"
    " the omission rate the share of the answerable questions without an answer.",
    "false answers": "The share of the unanswerable questions that get an answer.",
    "false claims": "Wrong claims: unsupported and distorted. Over-claim is their share among the claims of one "
    "novelty class.",
    "seen, partial, new": "Seen: the same text answers a training question. Partial: it shares a content word with "
    "such an answer. New: neither. Unseen is partial or new.",
    "gap": "The share of answers that answer no training question. The forecast (Good–Turing) uses only the training "
    "data; the excess is the measured share minus the forecast.",
    "gap ratio": "The error rate of answers new to training divided by that of answers seen in training.",
    "absent": "For a flipped claim: one of the two runs gives no answer, or withdraws it.",
}


def _f1(metric: MetricResult, figures: FigureLookup) -> str:
    exact = figures.value("exact_match")
    equal = "" if exact is None else f" {formats.percent(exact)} of them are answered exactly."
    return f"The mean word overlap with the annotated answers, over {metric.n:,} questions.{equal}"


def _exact(metric: MetricResult, figures: FigureLookup) -> str:
    return f"{count(metric):,} of {metric.n:,} questions are answered exactly, or correctly without an answer."


def _false(metric: MetricResult, figures: FigureLookup) -> str:
    text = f"{count(metric):,} of the {metric.n:,} unanswerable questions get an answer"
    ranked = figures.value("no_answer_auroc")
    if ranked is None:
        return f"{text}."
    pairs = f"in {formats.percent(ranked)} of pairs of an answerable and an unanswerable question"
    return f"{text}; {pairs}, the no-answer score is higher for the unanswerable one."


ANSWERS = Nouns(
    unit="answer",
    gold="answer",
    golds="answers",
    claims="answers given",
    unsupported="hallucinated",
    outside="to unanswerable questions",
    novelty="whether the answer occurs in training",
    annotated="annotated answers",
    counted="answers",
    gap_of="answers",
    loss_of="loss of an answer",
    card=CARD,
    invented="other than the annotated answer",
    found="given exactly",
    partly="partly correct",
    missed="not given",
    nothing="no answer",
    no_label=NO_ANSWER,
    in_training={
        "seen": "seen as an answer in training",
        "partial": "partly seen in training",
        "new": "new to training",
    },
    reasons={"boundary": "with a wrong boundary", "place": "sharing a word, at another place"},
    sections={
        "unsupported": "Unsupported: hallucinated answers",
        "distorted": "Distorted: shares words with an annotated answer",
        "omission": "Omitted: answerable, but not answered",
    },
    is_placed=True,
    drawn="The question is before the context; predicted and annotated answers are marked above the context.",
    search="a word of question, context or answer",
    glossary=GLOSSARY,
    meanings={"answer_f1": _f1, "exact_match": _exact, "false_answer_rate": _false},
)

WORDING = Wording(QUESTIONS, ANSWERS)
