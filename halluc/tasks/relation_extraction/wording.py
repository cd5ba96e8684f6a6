"""The words for sentences, pairs and relations."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.task import Wording
from halluc.tasks.relation_extraction.examples import NO_RELATION
from halluc.wording.nouns import CardText, Nouns

PAIRS = Words(
    tokens="tokens",
    labelled="relations",
    annotation="pairs or relations",
    repaired="spans or relations",
    counts=(
        Count("sentences", example_count),
        Count("tokens", tokens),
        Count("relations", labelled),
        Count(NO_RELATION, unlabelled, is_share=True, legend="pairs without a relation"),
    ),
    figure="micro F1",
)


CARD = CardText(
    does="predicts the relation between two marked spans in a sentence:",
    prediction_note="whether the pair occurs in training",
    gap="The share of related pairs that are not in the training split with the same relation",
    definition=(
        "A hallucination is a predicted relation (claim) of a pair that has no relation. A distorted claim has "
        "another relation than the annotation, or the wrong direction. An omission is an annotated relation of a "
        "pair for which none is predicted. The gap ratio is the error rate of predicted relations of pairs new to "
        "training divided by that of pairs seen in training."
    ),
)
GLOSSARY = {
    "claim": "A statement of the model: here, a predicted relation of a marked pair of spans, head and tail.",
    "annotation": "The annotated relation of the pair, or none. Claims are compared with it.",
    "supported": "The claim equals the annotation: it is correct.",
    "distorted": "The annotation has another relation, or the same one in the other direction.",
    "unsupported": "The annotation has no relation. This is a hallucination.",
    "omission": "An annotated relation of a pair for which none is predicted. It is not a hallucination. Both rates "
    "are shown, because a model that predicts little makes few errors.",
    "hallucination rate": "Unsupported claims out of all claims. Wide counts wrong labels too. The distortion rate is"
    " the share that is distorted, the omission rate the share of the annotation that is omitted.",
    "false claims": "Wrong claims: unsupported and distorted (1 − precision). Over-claim is their share among the "
    "claims of one novelty class.",
    "seen, partial, new": "Seen: the training data has the pair with the same relation. Partial: it has head or tail "
    "with the relation, or the pair with another relation. New: neither. Unseen is partial or new.",
    "gap": "The share of related pairs that are not in the training data. The forecast (Good–Turing) uses only the "
    "training data; the excess is the measured share minus the forecast.",
    "gap ratio": "The error rate of relations of pairs new to training divided by that of pairs seen in training.",
    "absent": "For a flipped claim: one of the two runs does not make it, or withdraws it. Another relation of the"
    " same pair counts as another claim.",
}
RELATIONS = Nouns(
    unit="pair",
    gold="relation",
    golds="relations",
    claims="predicted relations",
    unsupported="hallucinated",
    novelty="whether head and tail occur in training with this relation",
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
        "unsupported": "Unsupported: hallucinated relations",
        "distorted": "Distorted: another relation or the wrong direction",
        "omission": "Omitted: annotated, but no relation predicted",
    },
    drawn="Head and tail are marked in each sentence; the predicted and the annotated relation are shown above it.",
    search="a word of the sentence or a relation",
    glossary=GLOSSARY,
)


WORDING = Wording(PAIRS, RELATIONS)
