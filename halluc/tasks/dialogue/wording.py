"""The words for dialogues and replies."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import nouns, words

WORDING = Wording(words("turns", "replies", "F1 with the reference"), nouns(__file__))
