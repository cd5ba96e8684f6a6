"""How people speak of texts and their translations."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, IN_TRAINING, words
from halluc.wording.nouns import CardText, Nouns

CARD = CardText(
    does="translates texts.",
    tells="which names and numbers of it the source has",
    gap="The share of names, numbers, dates and quotations that no training translation states",
    definition=(
        "A hallucination is a name, a number, a date or a quotation of the translation that neither the source nor a"
        " reference has, or an output that repeats itself or that many sources share. An omission is one of the"
        " reference that the translation lacks. The gap ratio says how many times as often statements new to training"
        " are wrong as those seen in training."
    ),
)
WORDING = Wording(
    words("pairs", "translations", "BLEU"),
    Nouns(
        one="statement",
        gold="statement",
        golds="statements",
        claims="statements",
        unsupported="unsupported",
        novelty="whether translations of training state it",
        annotated="statements of the reference",
        counted="statements",
        gap_of="names, numbers, dates and quotations",
        loss_of="loss of a statement",
        card=CARD,
        found="stated",
        partly="stated as something else",
        missed="not stated",
        nothing="no statement",
        in_training=IN_TRAINING,
        sections={
            "unsupported": "Unsupported: neither in the source nor in a reference",
            "omission": "Omitted: in the reference, but not in the translation",
        },
        is_placed=True,
        drawn="Marked in each translation is the claim; above it stands the source, below it the reference.",
        search="a word of the translation or a kind of claim",
        glossary=GLOSSARY,
    ),
)
