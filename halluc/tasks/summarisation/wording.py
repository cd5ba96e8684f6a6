"""How people speak of documents and their summaries."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, IN_TRAINING, words
from halluc.wording.nouns import CardText, Nouns

CARD = CardText(
    does="summarises texts.",
    tells="which names, numbers and sentences of it the document has",
    gap="The share of names, numbers, dates and quotations that no training summary states",
    definition=(
        "A hallucination is a name, a number, a date or a quotation of the summary that neither the document nor a"
        " reference has, or a sentence that neither stands behind. An omission is a name, a number, a date or a"
        " quotation of the reference that the summary lacks. The gap ratio says how many times as often statements new"
        " to training are wrong as those seen in training."
    ),
)
WORDING = Wording(
    words("documents", "summaries", "ROUGE-2"),
    Nouns(
        one="statement",
        gold="statement",
        golds="statements",
        claims="statements",
        unsupported="unsupported",
        novelty="whether summaries of training state it",
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
            "unsupported": "Unsupported: neither in the document nor in a reference",
            "omission": "Omitted: in the reference, but not in the summary",
        },
        is_placed=True,
        drawn="Marked in each summary is the claim; below it stand document and reference.",
        search="a word of the summary or a kind of claim",
        glossary={
            **GLOSSARY,
            "lead-3": "The first three sentences of the document, or turns of a dialogue, as its summary.",
            "central": "The two sentences of the document with most of its frequent words, as its summary.",
        },
    ),
)
