"""The words for texts and their labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from halluc.core.examples import Example
from halluc.core.labels import OUT_OF_SCOPE
from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.task import Wording
from halluc.wording import formats
from halluc.wording.nouns import CardText, FigureLookup, Nouns, count

# A split of one text that is longer than this is probably a whole file.
_LONG = 1_000


def _lone(split: str, source: str, example: Example) -> str | None:
    size = len(example.tokens)
    return f"all of it is one text of {size:,} words; write each text on its own line" if size > _LONG else None


def _is_pair(example: Any) -> int:
    return example.second is not None


def _of_texts(without_label: Count) -> Words:
    return Words(
        tokens="words",
        labelled="labels",
        annotation="labels",
        repaired="labels",
        counts=(
            Count("texts", example_count),
            Count("words", tokens),
            Count("labels", labelled),
            without_label,
            Count("pairs", _is_pair, is_share=True),
        ),
        has_blanks=True,
        single_example_warning=_lone,
    )


# For one label per text, and for several.
TEXTS = _of_texts(Count("out_of_scope", unlabelled, is_share=True, legend="texts without a label"))
LABEL_SETS = _of_texts(Count("without_label", unlabelled, is_share=True))


_OF_BANK = """\
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

model = AutoModelForTokenClassification.from_pretrained(".")  # the folder of this card
tokenizer = AutoTokenizer.from_pretrained(".")
with torch.no_grad():
    logits = model(**tokenizer(TEXT, return_tensors="pt")).logits[0].mean(0)
label = model.config.id2label[int(logits.argmax())]
print(label, model.config.text_classification["answers"].get(label))"""
CARD = CardText(
    does="classifies texts as",
    prediction_note="the novelty of the text",
    gap="The share of content words that are not in the training split",
    definition=(
        "A hallucination is a predicted label that is not annotated (for out-of-scope texts, any label); an omission "
        "is an annotated label of a text for which nothing is predicted. The gap ratio is the error rate of the "
        "texts with the highest novelty divided by that of the texts with the lowest. Novelty is the share of "
        "content words that are not in training, in quarters of dev."
    ),
    usage='classify = pipeline("text-classification", model=model)\nprint(classify(TEXT))',
    pipeline=("text-classification", "Text Classification"),
    usages={"retrieval": _OF_BANK},
)
GLOSSARY = {
    "claim": "A statement of the model: here, a predicted label of a text.",
    "annotation": "The annotated labels of the text, or none. Claims are compared with them.",
    "supported": "The claim equals the annotation: it is correct.",
    "unsupported": "The annotation has another label or none. This is a hallucination.",
    "omission": "A label of a text for which nothing is predicted. It is not a hallucination. Both rates are shown, "
    "because a model that predicts little makes few errors.",
    "out of scope": "A text to which no label applies. Any label predicted for it is a hallucination.",
    "hallucination rate": "Unsupported claims out of all claims. The omission rate is the share of the annotated labels"
    " that is omitted.",
    "false claims": "Wrong claims: here, the unsupported ones. Over-claim is their share among the claims of one "
    "novelty class.",
    "least new to newest (q1 to q4)": "The share of a text's content words that are not in the training data, in "
    "quarters by the quartiles of dev (without dev, of the training texts). Unseen is all but the lowest quarter.",
    "gap": "The share of content words that are not in the training data. The forecast (Good–Turing) uses only the "
    "training data; the excess is the measured share minus the forecast.",
    "gap ratio": "The error rate of the texts with the highest novelty (q4) divided by that of the texts with the "
    "lowest (q1).",
    "absent": "For a flipped claim: one of the two runs does not make it, or withdraws it. Another label of the"
    " same text counts as another claim.",
}


def _accuracy(metric: MetricResult, figures: FigureLookup) -> str:
    if not metric.n:
        return "No text has a label: the figure is 0 by convention."
    outside = figures.n("out_of_scope_acceptance")
    excluded = f" ({outside:,} more are out of scope)" if outside else ""
    return (
        f"{formats.percent(metric.value)} of the {metric.n:,} texts that have a label get the annotated one{excluded}."
    )


def _acceptance(metric: MetricResult, figures: FigureLookup) -> str:
    """The predictions for texts out of scope, and how well the confidence separates them."""
    text = f"{count(metric):,} of the {metric.n:,} out-of-scope texts get a label"
    ranked = figures.value("out_of_scope_auroc")
    if ranked is None:
        return f"{text}."
    pairs = f"in {formats.percent(ranked)} of pairs of a text in scope and one out of scope"
    return f"{text}; {pairs}, the model is less confident about the one out of scope."


def _ndcg(metric: MetricResult, figures: FigureLookup) -> str:
    return (
        f"How well the {metric.n:,} groups with and without the positive label are ranked by its probability: 1 if "
        "its texts are first in every group."
    )


_ONE = Nouns(
    unit="text",
    gold="label",
    golds="labels",
    claims="predicted labels",
    unsupported="wrong",
    novelty="the share of a text's content words that are not in training",
    annotated="texts with a label",
    counted="words",
    gap_of="content words",
    loss_of="loss of a text",
    card=CARD,
    invented="on texts with another label",
    outside="on texts out of scope",
    found="predicted correctly",
    partly="with another label predicted",
    missed="without a prediction",
    nothing="out of scope",
    no_label=OUT_OF_SCOPE,
    gap_note="By label, unseen words are in no training text of this label; new words are in no training text at all.",
    in_training={
        "q1": "of the least new texts (q1)",
        "q2": "of less new texts (q2)",
        "q3": "of newer texts (q3)",
        "q4": "of the newest texts (q4)",
    },
    buckets={"q1": "least new", "q2": "less new", "q3": "newer", "q4": "newest"},
    novelty_heading="novelty",
    sections={"unsupported": "Unsupported: wrong labels", "omission": "Omitted: annotated, but not predicted"},
    glossary=GLOSSARY,
    meanings={"accuracy": _accuracy, "out_of_scope_acceptance": _acceptance, "ndcg": _ndcg},
)
_SEVERAL = replace(
    _ONE,
    nothing="no label",
    annotated="annotated labels",
    found="predicted",
    missed="not predicted",
    card=replace(
        CARD,
        usage=CARD.usage.replace("(TEXT)", "(TEXT, top_k=None)"),
        definition=CARD.definition.replace(" (for out-of-scope texts, any label)", "").replace(
            "an annotated label of a text for which nothing is predicted",
            "a label that is annotated and not predicted",
        ),
    ),
    glossary={term: text for term, text in GLOSSARY.items() if term != "out of scope"}
    | {"omission": GLOSSARY["omission"].replace("of a text for which nothing is", "that is annotated and not")},
)


def wording(multi_label: bool) -> Wording:
    return Wording(LABEL_SETS, _SEVERAL) if multi_label else Wording(TEXTS, _ONE)
