"""The words for texts and their translations."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import GLOSSARY, nouns, words
from halluc.wording.nouns import CardText

CARD = CardText(
    does="translates texts.",
    prediction_note="which names and numbers of the translation occur in the source",
    gap="The share of names, numbers, dates and quotations that do not occur in training translations",
    definition=(
        "A hallucination is a name, number, date or quotation of the translation that is not in the source or a "
        "reference, or an output that repeats itself or is shared by many sources. An omission is a name, number, "
        "date or quotation of the reference that is missing in the translation. The gap ratio is the error rate of "
        "statements new to training divided by that of statements seen in training."
    ),
)
WORDING = Wording(
    words("pairs", "translations", "BLEU"),
    nouns(
        "translation",
        "translations",
        card=CARD,
        unsupported="Unsupported: neither in the source nor in a reference",
        drawn="The claim is marked in each translation; above it is the source, below it the reference.",
        glossary=GLOSSARY,
    ),
)
