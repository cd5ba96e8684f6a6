"""The words for documents and their summaries."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, nouns, words
from halluc.wording.nouns import CardText

CARD = CardText(
    does="summarises texts.",
    prediction_note="which names, numbers and sentences of the summary occur in the document",
    gap="The share of names, numbers, dates and quotations that do not occur in training summaries",
    definition=(
        "A hallucination is a name, number, date or quotation of the summary that is not in the document or a "
        "reference, or a sentence that they do not support. An omission is a name, number, date or quotation of the "
        "reference that is missing in the summary. The gap ratio is the error rate of statements new to training "
        "divided by that of statements seen in training."
    ),
)
WORDING = Wording(
    words("documents", "summaries", "ROUGE-2"),
    nouns(
        "summary",
        "summaries",
        card=CARD,
        unsupported="Unsupported: neither in the document nor in a reference",
        drawn="The claim is marked in each summary; below it are document and reference.",
        glossary={
            **GLOSSARY,
            "lead-3": "The first three sentences of the document, or turns of a dialogue, as its summary.",
            "central": "The two most central sentences of the document, as its summary.",
        },
    ),
)
