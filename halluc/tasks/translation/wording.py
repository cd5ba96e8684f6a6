"""The words for texts and their translations."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import nouns, words

WORDING = Wording(words("pairs", "translations", "BLEU"), nouns(__file__))
