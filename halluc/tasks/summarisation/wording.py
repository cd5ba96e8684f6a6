"""The words for documents and their summaries."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, nouns, words
from halluc.wording.nouns import CardText

CARD = CardText(
    does="summarises texts.",
    prediction_note="which names, numbers and sentences of it the document has",
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
    nouns(
        "summary",
        "summaries",
        card=CARD,
        unsupported="Unsupported: neither in the document nor in a reference",
        drawn="Marked in each summary is the claim; below it stand document and reference.",
        glossary={
            **GLOSSARY,
            "lead-3": "The first three sentences of the document, or turns of a dialogue, as its summary.",
            "central": "The two sentences of the document with most of its frequent words, as its summary.",
        },
    ),
)
