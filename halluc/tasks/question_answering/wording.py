"""The words for questions, contexts and answers."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.task import Wording
from halluc.tasks.question_answering.examples import NO_ANSWER
from halluc.wording import formats
from halluc.wording.nouns import CardText, FigureLookup, Nouns, count

QUESTIONS = Words(
    tokens="tokens",
    labelled="answers",
    annotation="answers",
    mended="answers",
    counts=(
        Count("questions", one),
        Count("tokens", tokens),
        Count("answerable", labelled),
        Count("unanswerable", unlabelled, is_share=True, legend="questions without an answer in their context"),
    ),
    figure="F1",
    has_blanks=True,
)

CARD = CardText(
    does="answers questions with a part of a text, or not at all:",
    prediction_note="whether training showed the answer",
    gap="The share of answers that answer no question of the training split",
    definition=(
        "A hallucination is an invented answer: one that is given to a question without an answer in its context, or"
        " that shares no word with an annotated answer. A distorted answer shares a word with one and is not equal to"
        " it. An omission is an answerable question without an answer. The gap ratio says how many times as often"
        " answers that are new to training are wrong as those seen in training."
    ),
)
GLOSSARY = {
    "claim": "One thing that the model asserts: here, an answer that it gives to a question.",
    "annotation": "The answers that people marked in the context, or that there is none. Claims are compared with it.",
    "supported": "An annotated answer is the same, apart from case, punctuation and articles: the claim is right.",
    "distorted": "The answer shares a word with an annotated one and is another: it is too long, too short, or stands"
    " elsewhere.",
    "unsupported": "The question has no answer in its context, or the answer shares no word with an annotated one: it"
    " is invented. This is a hallucination.",
    "omission": "An answerable question that gets no answer. It is not a hallucination. Both rates are shown, because a"
    " model that answers little makes few errors.",
    "hallucination rate": "Unsupported claims out of all claims. The distortion rate is the share that is distorted,"
    " the omission rate the share of the answerable questions without an answer.",
    "false answers": "The share of the unanswerable questions that get an answer.",
    "false claims": "Claims that are wrong: the unsupported and the distorted ones. Over-claim is their share among the"
    " claims of one novelty.",
    "seen, partial, new": "Whether the answer, as it is written, answers a training question; shares a content word"
    " with such an answer; or neither. Unseen is partial or new.",
    "gap": "The share of answers that answer no training question. The forecast (Good–Turing) is made from the training"
    " data alone; the excess is what came beyond it.",
    "gap ratio": "How many times as often answers new to training are wrong as those seen in training.",
    "absent": "Of a claim that flipped: one of the two runs gives no answer, or withdraws it.",
}


def _f1(metric: MetricResult, figures: FigureLookup) -> str:
    exact = figures.value("exact_match")
    equal = "" if exact is None else f" {formats.percent(exact)} of them are answered exactly."
    return f"The mean overlap of words with the annotated answers, over {metric.n:,} questions.{equal}"


def _exact(metric: MetricResult, figures: FigureLookup) -> str:
    return f"{count(metric):,} of {metric.n:,} questions are answered exactly, or rightly not at all."


def _false(metric: MetricResult, figures: FigureLookup) -> str:
    said = f"{count(metric):,} of the {metric.n:,} unanswerable questions get an answer"
    ranked = figures.value("no_answer_auroc")
    if ranked is None:
        return f"{said}."
    pairs = f"in {formats.percent(ranked)} of pairs of an answerable and an unanswerable question"
    return f"{said}; {pairs}, the score of no answer is higher for the unanswerable one."


ANSWERS = Nouns(
    one="answer",
    gold="answer",
    golds="answers",
    claims="answers given",
    unsupported="invented",
    outside="to unanswerable questions",
    novelty="whether training showed the answer",
    annotated="annotated answers",
    counted="answers",
    gap_of="answers",
    loss_of="loss of an answer",
    card=CARD,
    invented="other than the annotated answer",
    found="given exactly",
    partly="given in part",
    missed="not given",
    nothing="no answer",
    no_label=NO_ANSWER,
    in_training={
        "seen": "seen as an answer in training",
        "partial": "partly seen in training",
        "new": "new to training",
    },
    reasons={"boundary": "with a wrong boundary", "place": "with a word in common, elsewhere"},
    sections={
        "unsupported": "Unsupported: invented answers",
        "distorted": "Distorted: shares words with an annotated answer",
        "omission": "Omitted: answerable, but not answered",
    },
    is_placed=True,
    drawn="Before the context stands the question; over the context stand the given and the annotated answer.",
    search="a word of question, context or answer",
    glossary=GLOSSARY,
    meanings={"answer_f1": _f1, "exact_match": _exact, "false_answer_rate": _false},
)

WORDING = Wording(QUESTIONS, ANSWERS)
