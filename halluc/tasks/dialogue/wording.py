"""The words for dialogues and replies."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, nouns, words
from halluc.wording.nouns import CardText

CARD = CardText(
    does="writes the next reply in a dialogue.",
    prediction_note="which names, numbers and sentences of it the knowledge and the dialogue have",
    gap="The share of names, numbers, dates and quotations that no training reply states",
    definition=(
        "A hallucination is a name, a number, a date or a quotation of the reply that neither knowledge, persona nor"
        " the dialogue before it has, or a sentence that none of them stands behind. An omission is a name, a number,"
        " a date or a quotation of the reference that the reply lacks. The gap ratio says how many times as often"
        " statements new to training are wrong as those seen in training."
    ),
)
WORDING = Wording(
    words("turns", "replies", "F1 with the reference"),
    nouns(
        "reply",
        "replies",
        card=CARD,
        unsupported="Unsupported: neither in the knowledge nor in the dialogue",
        drawn="Marked in each reply is the claim; below it stand knowledge, dialogue and reference.",
        glossary={
            **GLOSSARY,
            "supported": "Knowledge, persona or an earlier turn says the same.",
            "unsupported": "None of them says it. This is a hallucination, also where a person replied so.",
            "knowledge-F1": "How many words reply and knowledge share, as F1 (Shuster et al. 2021).",
        },
    ),
)
