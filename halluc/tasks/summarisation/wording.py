"""The words for documents and their summaries."""

from __future__ import annotations

from halluc.task import Wording
from halluc.tasks.text_generation.generation_words import nouns, words

WORDING = Wording(words("documents", "summaries", "ROUGE-2"), nouns(__file__))
