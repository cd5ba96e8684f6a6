"""Comparison of answers, as in the script of SQuAD and, for Chinese, in that of CMRC 2018.

Sources: Rajpurkar et al. 2016 and 2018 (``evaluate-v2.0.py``); Cui et al. 2019 (``cmrc2018_evaluate.py``). Text between
Chinese characters, which the latter splits with NLTK, is split into words and single punctuation characters.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Literal

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)
# The characters that the script of CMRC 2018 removes.
_SIGNS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』")
_MIXED = re.compile(r"[\u4e00-\u9fa5]|[^\W\u4e00-\u9fa5]+|[^\w\s]")

Comparison = Literal["squad", "cmrc"]


def normalise_answer(answer: str, form: Comparison) -> str:
    """A normalised answer, for exact match."""
    if form == "cmrc":
        return "".join(sign for sign in answer.lower().strip() if sign not in _SIGNS)
    plain = "".join(sign for sign in answer.lower() if sign not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def units(answer: str, form: Comparison) -> list[str]:
    """The units of F1: words; for Chinese, each character, and other words and numbers."""
    if form == "cmrc":
        return _MIXED.findall(normalise_answer(answer, form))
    return normalise_answer(answer, form).split()


def exact(answer: str, gold: str, form: Comparison) -> bool:
    return normalise_answer(answer, form) == normalise_answer(gold, form)


def f1(answer: str, gold: str, form: Comparison) -> float:
    """F1 of the units of two answers, in [0, 1]: over common units, or for Chinese over the longest common sequence."""
    one, other = units(answer, form), units(gold, form)
    if not one or not other:
        return float(one == other)
    common = _longest_common_run(one, other) if form == "cmrc" else (Counter(one) & Counter(other)).total()
    return 2 * common / (len(one) + len(other))


def shares_unit(answer: str, gold: str, form: Comparison) -> bool:
    return not set(units(answer, form)).isdisjoint(units(gold, form))


def _longest_common_run(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest sequence of units that both have."""
    longest, row = 0, [0] * (len(other) + 1)
    for unit in one:
        row = [0, *(row[place] + 1 if unit == there else 0 for place, there in enumerate(other))]
        longest = max(longest, *row)
    return longest
