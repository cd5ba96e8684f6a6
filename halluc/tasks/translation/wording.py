"""The words for texts and their translations."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, nouns, words
from halluc.wording.nouns import CardText

CARD = CardText(
    does="translates texts.",
    prediction_note="which names and numbers of it the source has",
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
    nouns(
        "translation",
        "translations",
        card=CARD,
        unsupported="Unsupported: neither in the source nor in a reference",
        drawn="Marked in each translation is the claim; above it stands the source, below it the reference.",
        glossary=GLOSSARY,
    ),
)
