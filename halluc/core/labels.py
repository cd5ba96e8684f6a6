"""Converts spans to tags and back: IOB1, IOB2, BIOES, BMES, BILOU and IO; and checks names of labels.

Readers convert tags to spans, and all later code uses spans. Tags are read like conlleval does (Tjong Kim Sang & De
Meulder 2003): every sequence has a meaning, even if it is invalid. ``illegal`` reports where a sequence violates its
scheme.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Literal

from halluc.core.characters import is_invisible, printable_cell
from halluc.core.examples import Span

Scheme = Literal["iob1", "iob2", "bioes", "bmes", "bilou", "io"]
# The schemes that can represent any spans; IO cannot represent adjacent spans of one label.
SCHEMES: tuple[Scheme, ...] = ("iob1", "iob2", "bioes", "bmes", "bilou")

PREFIXES: dict[Scheme, frozenset[str]] = {
    "iob1": frozenset("BIO"),
    "iob2": frozenset("BIO"),
    "bioes": frozenset("BIOESW"),
    "bmes": frozenset("BMESOW"),
    "bilou": frozenset("BILOU"),
    "io": frozenset("IO"),
}
# Prefixes that may occur together in one file. BMEWO writes W- for S-.
_TOGETHER = ("BI", "BIES", "BIEW", "BMES", "BMEW", "BILU")
# The model output, and the table row, of a text without a label.
OUT_OF_SCOPE = "out_of_scope"
# Prefixes with the same meaning, and their names in BIOES.
_CANONICAL = {"M": "I", "L": "E", "U": "S", "W": "S"}
_OUTSIDE = ("O", "")
# A longer label is probably a text: the columns of text and label were swapped.
MOST_CHARACTERS = 1_000
# Characters that change the direction of the following text, so that a label would be displayed wrongly.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def label_fault(label: str) -> str | None:
    """Why a label of a corpus, model or config cannot be shown in a table or written in a config; None if it can."""
    if len(label) > MOST_CHARACTERS:
        return f"a label with {len(label):,} characters: `{printable_cell(label)}`"
    return _fault(label)


@lru_cache(maxsize=1 << 14)
def _fault(label: str) -> str | None:
    if not label:
        return "an empty label"
    if is_invisible(label):
        return f"a label without visible characters: `{printable_cell(label)}`"
    for char in label:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs", "Zl", "Zp") or char in _TURNS:
            what = "an unpaired surrogate," if category == "Cs" else "the control character"
            odd = "a line break" if char in "\r\n\u2028\u2029" else f"{what} U+{ord(char):04X}"
            return f"{odd} in a label: `{printable_cell(label)}`"
    return None


class UnknownTag(ValueError):
    def __init__(self, tag: str, position: int, scheme: Scheme | None = None) -> None:
        self.tag, self.position, self.scheme = tag, position, scheme
        super().__init__(f"`{tag}` is not a tag" + (f" of {scheme.upper()}" if scheme else ""))


def split_tag(tag: str, position: int = 0, scheme: Scheme | None = None) -> tuple[str, str]:
    """``"B-PER"`` to ``("B", "PER")``; ``"O"`` to ``("O", "")``.

    Raises:
        UnknownTag: not ``O`` and not prefix, hyphen, label; or a prefix that ``scheme`` does not have.
    """
    if tag == "O":
        return "O", ""
    allowed = PREFIXES[scheme] if scheme else frozenset("BIESM")
    if len(tag) < 3 or tag[1] != "-" or tag[0] not in allowed or tag[0] == "O":
        raise UnknownTag(tag, position, scheme)
    return tag[0], tag[2:]


def read_spans(tags: Sequence[str], scheme: Scheme | None = None) -> tuple[Span, ...]:
    """The spans of a tag sequence as conlleval reads it, which is seqeval's default mode.

    Valid sequences of any scheme are read as the scheme defines; an inside tag without a begin tag starts a span.

    Raises:
        UnknownTag: see ``split_tag``.
    """
    spans: list[Span] = []
    start, last, last_label = -1, "O", ""
    for position, tag in enumerate(tags):
        prefix, label = split_tag(tag, position, scheme)
        prefix = _CANONICAL.get(prefix, prefix)
        opens = prefix != "O" and (prefix in "BS" or last in "OES" or label != last_label)
        if start >= 0 and (opens or prefix == "O"):
            spans.append(Span(start, position, last_label))
            start = -1
        if opens:
            start = position
        last, last_label = prefix, label
    if start >= 0:
        spans.append(Span(start, len(tags), last_label))
    return tuple(spans)


def illegal(tags: Sequence[str], scheme: Scheme) -> list[int]:
    """Positions whose tag is invalid there (the last position for a span that is never closed).

    Raises:
        UnknownTag: see ``split_tag``.
    """
    wrong: list[int] = []
    last = _OUTSIDE
    for position, tag in enumerate(tags):
        current = split_tag(tag, position, scheme)
        if not may_follow(last, current, scheme):
            wrong.append(position)
        last = current
    if not may_follow(last, _OUTSIDE, scheme) and (not wrong or wrong[-1] != len(tags) - 1):
        wrong.append(len(tags) - 1)
    return wrong


def may_follow(before: tuple[str, str], tag: tuple[str, str], scheme: Scheme) -> bool:
    """Whether ``scheme`` allows a tag after another, both as returned by ``split_tag``.

    A sentence starts after an O and ends before one.
    """
    (last, last_label), (prefix, label) = before, tag
    opened = last in "BIM"
    continues = opened and label == last_label
    if scheme == "iob2":
        return prefix != "I" or continues
    if scheme == "iob1":
        return prefix != "B" or continues
    return scheme == "io" or (continues if prefix in "IMEL" else not opened)


def scheme_of(tags: Iterable[str]) -> Scheme | None:
    """The scheme of a model, from its set of tags; None if they fit no scheme.

    B- and I- tags are IOB2, unless a label has only I-: in IOB2 it could not begin. Labels that all have I- are then
    IOB1. With E- or S- tags, each label needs S-, or B- and E-.

    Raises:
        UnknownTag: see ``split_tag``.
    """
    prefixes: dict[str, set[str]] = {}
    for tag in tags:
        prefix, label = split_tag(tag)
        if label:
            prefixes.setdefault(label, set()).add(prefix)
    used = set().union(*prefixes.values())
    if used <= set("BI"):
        if not any("I" in of and "B" not in of for of in prefixes.values()):
            return "iob2"
        return "iob1" if all("I" in of for of in prefixes.values()) else None
    whole = all(
        ("S" in of or "B" in of) and ("B" in of) == ("E" in of) and ("B" in of or not of & set("IM"))
        for of in prefixes.values()
    )
    if not whole or "S" not in used or used >= set("IM"):
        return None
    return "bmes" if "M" in used else "bioes"


def write_tags(length: int, spans: Iterable[Span], scheme: Scheme = "iob2") -> list[str]:
    """The tags of ``length`` tokens under ``spans``.

    Raises:
        ValueError: a span is empty, outside the tokens, or overlaps another; in IO, two of one label touch.
    """
    tags = ["O"] * length
    end_before, label_before = 0, ""
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= length or span.start < end_before:
            raise ValueError(f"{span} is empty, outside 0..{length}, or overlaps another span")
        size = span.end - span.start
        touches = span.start == end_before and span.label == label_before
        if scheme == "io" and touches:
            raise ValueError(f"{span} is adjacent to another {span.label}, which IO cannot represent")
        if scheme in ("iob1", "io"):
            prefixes = ("B" if touches else "I") + "I" * (size - 1)
        elif scheme == "iob2":
            prefixes = "B" + "I" * (size - 1)
        else:
            inside = "M" if scheme == "bmes" else "I"
            end, single = ("L", "U") if scheme == "bilou" else ("E", "S")
            prefixes = single if size == 1 else "B" + inside * (size - 2) + end
        tags[span.start : span.end] = [f"{prefix}-{span.label}" for prefix in prefixes]
        end_before, label_before = span.end, span.label
    return tags


def tag_set(labels: Iterable[str]) -> list[str]:
    """The IOB2 tags of a model over ``labels``: O first, then B and I of each label in sorted order."""
    return ["O", *(f"{prefix}-{label}" for label in sorted(labels) for prefix in "BI")]


Tag = tuple[str, str]


@dataclass
class SchemeEvidence:
    """Pairs of neighbouring tags as evidence for their scheme; places have any type.

    ``first`` is the first place of each prefix.
    """

    inside_opens: object | None = None
    begin_opens: object | None = None
    first: dict[str, object] = field(default_factory=dict)

    def add(self, before: Tag, tag: Tag, where: object) -> None:
        """Add a tag and its predecessor, both as returned by ``split_tag``; a sentence starts after an O."""
        prefix, label = tag
        if prefix == "O":
            return
        self.first.setdefault(prefix, where)
        if label != before[1]:
            if prefix == "I":
                self.inside_opens = self.inside_opens or where
            elif prefix == "B":
                self.begin_opens = self.begin_opens or where

    def decide(self) -> tuple[Scheme | None, str]:
        """The scheme and the reason, or None and the contradiction."""
        used = self.first.keys()
        contradiction = self._contradiction()
        if contradiction is not None:
            return None, contradiction
        if "M" in used:
            return "bmes", "M- tags"
        if "L" in used or "U" in used:
            return "bilou", "L- or U- tags"
        if "W" in used and "I" not in used:
            return "bmes", "W- tags, as in BMEWO"
        if used & set("ESW"):
            return "bioes", "E- or S- tags" + ("" if "I" in used else "; BMES would give the same")
        if self.inside_opens is None:
            return "iob2", "every span starts with B-" if used else "no entities: IOB1 would give the same"
        if "B" not in used:
            return "iob1", "I- tags alone, as in IO; adjacent mentions of the same label are read as one"
        if self.begin_opens is None:
            return "iob1", "spans start with I-, and every B- follows the same label"
        return (
            None,
            f"I- opens a span ({self.inside_opens}), as in IOB1, and B- opens one ({self.begin_opens}), as in IOB2",
        )

    def others(self) -> frozenset[Scheme]:
        """The schemes between which these tags do not decide; other files of the corpus may."""
        if not self.first:
            return frozenset(PREFIXES)
        if self.decide()[0] is None and self.first.keys() <= set("BI"):
            return frozenset(("iob1", "iob2"))
        if self.first.keys() <= set("BES") and self.first.keys() & set("ES"):
            return frozenset(("bioes", "bmes"))
        return frozenset()

    def _contradiction(self) -> str | None:
        """Two prefixes that do not occur together in any scheme."""
        for one, other in combinations(sorted(self.first), 2):
            if not any(one in prefixes and other in prefixes for prefixes in _TOGETHER):
                both = f"both {one}- ({self.first[one]}) and {other}- ({self.first[other]})"
                return (
                    f"{both} are inside spans"
                    if {one, other} == set("IM")
                    else f"{both}, a combination that no scheme has"
                )
        return None
