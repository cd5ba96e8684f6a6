"""The words for sentences, mentions and tags."""

from __future__ import annotations

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.task import Wording
from halluc.wording.nouns import CardText, Nouns

# A single sentence that is longer, or has more sentence ends, is probably a whole file.
_LONG, _MOST_ENDS = 100, 2
_ENDS = frozenset(".!?…。！？।؟")


def _lone(split: str, source: str, example: Example) -> str | None:
    """A single sentence cannot be trained on either."""
    size, ends = len(example.tokens), sum(token in _ENDS for token in example.tokens)
    if not ((split == "train" and size > 2) or size > _LONG or ends > _MOST_ENDS):
        return None
    do = "end each sentence with a blank line, or set `data.sentence_column`"
    if ".json" in source:
        do = "write a record for each sentence"
    return f"all of it is one sentence of {size:,} tokens: {do}"


SENTENCES = Words(
    tokens="tokens",
    labelled="mentions",
    annotation="tags",
    repaired="tags or spans",
    counts=(
        Count("sentences", example_count),
        Count("tokens", tokens),
        Count("mentions", labelled),
        Count("entity_free", unlabelled, is_share=True, legend="sentences without any mention"),
    ),
    figure="entity F1",
    has_surfaces=True,
    single_example_warning=_lone,
)


CARD = CardText(
    does="finds mentions (named entities) in text and labels them as",
    prediction_note="whether the mention occurs in training",
    gap="The share of mentions that are not in the training split with the same label",
    definition=(
        "A hallucination is a predicted mention (claim) that shares no token with any annotated mention. A distorted "
        "claim overlaps an annotated mention but has another label or boundary, or repeats part of it. An omission "
        "is an annotated mention that no prediction overlaps. The gap ratio is the error rate of predicted mentions "
        "new to training divided by that of mentions seen in training."
    ),
    usage='find = pipeline("token-classification", model=model, aggregation_strategy="first")\nprint(find(TEXT))',
    pipeline=("token-classification", "Token Classification"),
    unconstrained=(
        "This pipeline takes the most probable tag of each word independently. The figures of this card use the "
        "constrained decoding of `halluc predict`, so some predictions may differ."
    ),
)
GLOSSARY = {
    "claim": "A statement of the model: here, a predicted mention, a span of text with a label.",
    "annotation": "The annotated mentions. Claims are compared with them.",
    "supported": "The claim equals the annotation: it is correct.",
    "distorted": "The claim overlaps an annotated mention, but has a wrong label, a wrong boundary, both, or repeats "
    "part of a mention that is already found.",
    "unsupported": "The claim overlaps no annotated mention. This is a hallucination.",
    "omission": "An annotated mention that no claim overlaps. It is not a hallucination. Both rates are shown, "
    "because a model that predicts little makes few errors.",
    "hallucination rate": "Unsupported claims out of all claims. Wide counts wrong labels too. The distortion rate is"
    " the share that is distorted, the omission rate the share of the annotation that is omitted.",
    "false claims": "Wrong claims: unsupported and distorted (1 − precision). Over-claim is their share among the "
    "claims of one novelty class.",
    "seen, partial, new": "Seen: the training data has the same words with the same label. Partial: it has some of "
    "the words. New: it has none of them. Unseen is partial or new.",
    "gap": "The share of mentions that are not in the training data. The forecast (Good–Turing) uses only the "
    "training data; the excess is the measured share minus the forecast.",
    "gap ratio": "The error rate of mentions new to training divided by that of mentions seen in training.",
    "absent": "For a flipped claim: one of the two runs does not make it, or withdraws it. A changed boundary"
    " counts as two claims.",
}
MENTIONS = Nouns(
    unit="mention",
    gold="mention",
    golds="mentions",
    claims="predicted mentions",
    unsupported="hallucinated",
    novelty="whether the mention occurs in training with this label",
    annotated="annotated mentions",
    counted="mentions",
    gap_of="mentions",
    loss_of="loss of a labelled token",
    card=CARD,
    found="found with the right boundary and label",
    partly="found in part or with a wrong label",
    in_training={"seen": "seen in training", "partial": "partly in training", "new": "new to training"},
    reasons={
        "label": "with a wrong label",
        "boundary": "with a wrong boundary",
        "both": "with a wrong label and boundary",
        "duplicate": "repeating part of a mention",
    },
    sections={
        "unsupported": "Unsupported: hallucinated mentions",
        "distorted": "Distorted: a wrong label or boundary",
        "omission": "Omitted: annotated, but not found at all",
    },
    is_placed=True,
    drawn="Predicted labels are shown above the text, annotated ones below it.",
    search="a word of the sentence or of a mention",
    glossary=GLOSSARY,
)


WORDING = Wording(SENTENCES, MENTIONS)
