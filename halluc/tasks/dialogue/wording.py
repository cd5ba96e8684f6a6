"""The words for dialogues and replies."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, nouns, words
from halluc.wording.nouns import CardText

CARD = CardText(
    does="writes the next reply in a dialogue.",
    prediction_note="which names, numbers and sentences of the reply occur in the knowledge and the dialogue",
    gap="The share of names, numbers, dates and quotations that do not occur in training replies",
    definition=(
        "A hallucination is a name, number, date or quotation of the reply that is not in the knowledge, the persona "
        "or the dialogue history, or a sentence that they do not support. An omission is a name, number, date or "
        "quotation of the reference that is missing in the reply. The gap ratio is the error rate of statements new "
        "to training divided by that of statements seen in training."
    ),
)
WORDING = Wording(
    words("turns", "replies", "F1 with the reference"),
    nouns(
        "reply",
        "replies",
        card=CARD,
        unsupported="Unsupported: neither in the knowledge nor in the dialogue",
        drawn="The claim is marked in each reply; below it are knowledge, dialogue and reference.",
        glossary={
            **GLOSSARY,
            "supported": "Knowledge, persona or an earlier turn states the same.",
            "unsupported": "None of them states it. This is a hallucination, even in a human reply.",
            "knowledge-F1": "Word overlap of reply and knowledge, as F1 (Shuster et al. 2021).",
        },
    ),
)
