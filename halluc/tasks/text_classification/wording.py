"""How people speak of texts and their labels."""

from __future__ import annotations

from halluc.data.statistics import LABEL_SETS, TEXTS, Words


class TextWording:
    def __init__(self, multi_label: bool) -> None:
        self.words: Words = LABEL_SETS if multi_label else TEXTS
