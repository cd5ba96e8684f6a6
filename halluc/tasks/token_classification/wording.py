"""How people speak of sentences, mentions and tags."""

from __future__ import annotations

from halluc.data.statistics import SENTENCES, Words


class MentionWording:
    words: Words = SENTENCES
