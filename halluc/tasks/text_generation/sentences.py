"""Sentence segmentation by rules for Latin scripts, Chinese and Japanese; a line break also ends a sentence."""

from __future__ import annotations

import regex

from halluc.tasks.text_generation.languages import WORDS, Language

# Sentence ends, with following quotes and brackets. Possessive, so that no run of dots is scanned twice.
_END = regex.compile(r"(?:[.!?…]++[\"'”’»)\]]*+(?=\s|\Z)|[。！？]++[”’」』）)\"]*+|[؟।]++|\n++)")
_WORD_BEFORE = regex.compile(r"[\p{L}\p{N}.&]{1,20}\Z")
_NEXT = regex.compile(r"\s*+[\"'“„«‘(\[¿¡–—-]*+\s*+(.)", regex.DOTALL)
_HAS_WORD = regex.compile(r"[\p{L}\p{N}]")
# The number of characters after an end that are examined.
_AHEAD = 40


def sentence_spans(text: str, language: Language) -> list[tuple[int, int]]:
    """Start and end of each sentence, without surrounding blanks; sentences without a letter or digit are left out."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if _ends(text, match, language):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    return [bounds for one in spans if (bounds := trim_range(text, *one)) is not None]


def trim_range(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A range without the blanks at its ends; None if there is no letter or digit in it."""
    if not _HAS_WORD.search(text, start, end):
        return None
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return start, end


def _ends(text: str, match: regex.Match[str], language: Language) -> bool:
    """Whether a sentence ends here: not after an abbreviation, an initial or a German ordinal, and not before a
    lower-case letter."""
    end = match[0]
    if end[0] not in ".…!?" or (end[0] in "!?" and language not in ("fr",) and len(end) > 1):
        return True
    following = _NEXT.match(text, match.end(), min(len(text), match.end() + _AHEAD))
    if following is not None and following[1].islower() and text[match.start() - 1 : match.start()] != " ":
        # A text without capitals: a lower-case letter follows each end.
        return end[0] in "!?" or not _has_capitals(text)
    if end != ".":
        return True
    before = _WORD_BEFORE.search(text, max(0, match.start() - 20), match.start())
    if before is None:
        return True
    word = before[0].lower()
    if word.rstrip(".") in WORDS[language].abbreviations:
        return following is None
    if len(word) == 1 and word.isalpha() and before[0].isupper() and before[0] != "I":
        return following is None
    return not (language == "de" and word.isdigit() and len(word) <= 2 and following is not None)


def _has_capitals(text: str) -> bool:
    return any(char.isupper() for char in text[:2_000])
