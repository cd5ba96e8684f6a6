"""The words for sentences, pairs and relations."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled
from halluc.task import Wording
from halluc.tasks.relation_extraction.examples import NO_RELATION
from halluc.wording.nouns import CardText, Nouns

PAIRS = Words(
    tokens="tokens",
    labelled="relations",
    annotation="pairs or relations",
    mended="spans or relations",
    counts=(
        Count("sentences", one),
        Count("tokens", tokens),
        Count("relations", labelled),
        Count(NO_RELATION, unlabelled, is_share=True, legend="pairs without a relation"),
    ),
    figure="micro F1",
)


CARD = CardText(
    does="labels pairs of marked spans in a sentence with their relation:",
    prediction_note="whether training showed the pair",
    gap="The share of related pairs that the training split does not show with the same relation",
    definition=(
        "A hallucination is an invented relation: one that is predicted (claimed) of a pair that has none. A distorted"
        " one is another relation than the annotated one, or has the wrong direction. An omission is an annotated"
        " relation of a pair for which none is predicted. The gap ratio says how many times as often predicted"
        " relations of pairs that are new to training are wrong as those of pairs seen in training."
    ),
)
GLOSSARY = {
    "claim": "One thing that the model asserts: here, a predicted relation of a marked pair of spans, head and tail.",
    "annotation": "The relation that people gave the pair, or none. Claims are compared with it.",
    "supported": "The annotation says the same: the claim is right.",
    "distorted": "The annotation has another relation, or the same one in the other direction.",
    "unsupported": "The annotation has no relation: it is invented. This is a hallucination.",
    "omission": "An annotated relation of a pair for which none is predicted. It is not a hallucination. Both rates are"
    " shown, because a model that predicts little makes few errors.",
    "hallucination rate": "Unsupported claims out of all claims. Wide counts wrong labels too. The distortion rate is"
    " the share that is distorted, the omission rate the share of the annotation that is omitted.",
    "false claims": "Claims that are wrong: the unsupported and the distorted ones, 1 less precision. Over-claim is"
    " their share among the claims of one novelty.",
    "seen, partial, new": "Whether the training data shows the pair with the same relation; the head or the tail of it"
    " with the relation, or the pair with another one; or neither. Unseen is partial or new.",
    "gap": "The share of related pairs that the training data never shows. The forecast (Good–Turing) is made from the"
    " training data alone; the excess is what came beyond it.",
    "gap ratio": "How many times as often relations of pairs new to training are wrong as those of pairs seen in"
    " training.",
    "absent": "Of a claim that flipped: one of the two runs does not make it, or withdraws it. Another relation of the"
    " same pair counts as another claim.",
}
RELATIONS = Nouns(
    one="pair",
    gold="relation",
    golds="relations",
    claims="predicted relations",
    unsupported="invented",
    novelty="whether training showed head and tail with that relation",
    annotated="annotated relations",
    counted="pairs",
    gap_of="related pairs",
    loss_of="loss of a pair",
    card=CARD,
    found="predicted with the right direction",
    partly="with another relation or direction predicted",
    missed="not predicted",
    nothing="no relation",
    no_label=NO_RELATION,
    in_training={
        "seen": "of pairs seen in training",
        "partial": "of pairs partly in training",
        "new": "of pairs new to training",
    },
    reasons={"label": "with a wrong relation", "direction": "with a wrong direction"},
    sections={
        "unsupported": "Unsupported: invented relations",
        "distorted": "Distorted: another relation or the wrong direction",
        "omission": "Omitted: annotated, but no relation predicted",
    },
    drawn="Head and tail are marked in each sentence; above it stand the predicted and the annotated relation.",
    search="a word of the sentence or a relation",
    glossary=GLOSSARY,
)


WORDING = Wording(PAIRS, RELATIONS)
