"""The tag codec: spans to and from IOB1, IOB2, BIOES, BMES, BILOU and IO.

Schemes are normalised once, where data enters; everything behind the readers sees spans. Reading is the one of
conlleval (Tjong Kim Sang & De Meulder 2003), which gives every sequence a meaning, legal or not; ``illegal`` tells
separately where a sequence breaks its scheme.
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
# The schemes that can write any spans; IO cannot, where mentions of one label touch.
SCHEMES: tuple[Scheme, ...] = ("iob1", "iob2", "bioes", "bmes", "bilou")

PREFIXES: dict[Scheme, frozenset[str]] = {
    "iob1": frozenset("BIO"),
    "iob2": frozenset("BIO"),
    "bioes": frozenset("BIOESW"),
    "bmes": frozenset("BMESOW"),
    "bilou": frozenset("BILOU"),
    "io": frozenset("IO"),
}
# Prefixes that one file may have together. W- is what BMEWO calls S-.
_TOGETHER = ("BI", "BIES", "BIEW", "BMES", "BMEW", "BILU")
# Of a text without a label: what a model's output for it is called, and its row in tables.
OUT_OF_SCOPE = "out_of_scope"
# Prefixes that mean the same, under the name that BIOES has for them.
_CANONICAL = {"M": "I", "L": "E", "U": "S", "W": "S"}
_OUTSIDE = ("O", "")
# A label is a name. A longer one is a text, as where the columns of text and label are taken for each other.
MOST_CHARACTERS = 1_000
# What turns the direction of all that follows, so that a table, or a page, shows other labels than there are.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def label_fault(label: str) -> str | None:
    """What is wrong with a label that no table could show, nor a person name in a config; None where nothing is.

    It is the rule of every task, wherever a label comes from: a corpus, a model or a config.
    """
    if len(label) > MOST_CHARACTERS:
        return f"a label of {len(label):,} characters: `{printable_cell(label)}`"
    return _fault(label)


@lru_cache(maxsize=1 << 14)
def _fault(label: str) -> str | None:
    """Each distinct label is looked at once: a corpus has few, and millions of places where they stand."""
    if not label:
        return "an empty label"
    if is_invisible(label):
        return f"a label that shows nothing: `{printable_cell(label)}`"
    for char in label:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs", "Zl", "Zp") or char in _TURNS:
            what = "half of a character," if category == "Cs" else "the control character"
            odd = "a line break" if char in "\r\n\u2028\u2029" else f"{what} U+{ord(char):04X}"
            return f"{odd} in a label: `{printable_cell(label)}`"
    return None


class UnknownTag(ValueError):
    """A string that is no tag at all, or none of the scheme's."""

    def __init__(self, tag: str, position: int, scheme: Scheme | None = None) -> None:
        self.tag, self.position, self.scheme = tag, position, scheme
        super().__init__(f"`{tag}` is no tag" + (f" of {scheme.upper()}" if scheme else ""))


def split_tag(tag: str, position: int = 0, scheme: Scheme | None = None) -> tuple[str, str]:
    """``"B-PER"`` to ``("B", "PER")``; ``"O"`` to ``("O", "")``.

    Raises:
        UnknownTag: not ``O`` nor prefix, hyphen, label; or a prefix that ``scheme`` does not have.
    """
    if tag == "O":
        return "O", ""
    allowed = PREFIXES[scheme] if scheme else frozenset("BIESM")
    if len(tag) < 3 or tag[1] != "-" or tag[0] not in allowed or tag[0] == "O":
        raise UnknownTag(tag, position, scheme)
    return tag[0], tag[2:]


def read_spans(tags: Sequence[str], scheme: Scheme | None = None) -> tuple[Span, ...]:
    """The spans of a tag sequence in the reading of conlleval, which is seqeval's default mode.

    Legal sequences of any scheme read as their scheme means them; an orphaned inside tag opens a span.

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
    """Positions whose tag may not stand where it stands (the last position for a span that is never closed).

    Raises:
        UnknownTag: see ``split_tag``.
    """
    wrong: list[int] = []
    last = _OUTSIDE
    for position, tag in enumerate(tags):
        result = split_tag(tag, position, scheme)
        if not may_follow(last, result, scheme):
            wrong.append(position)
        last = result
    if not may_follow(last, _OUTSIDE, scheme) and (not wrong or wrong[-1] != len(tags) - 1):
        wrong.append(len(tags) - 1)
    return wrong


def may_follow(before: tuple[str, str], tag: tuple[str, str], scheme: Scheme) -> bool:
    """Whether ``scheme`` allows a tag behind another, both as ``split_tag`` gives them.

    A sentence begins behind an O and ends before one.
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
    """The scheme of a model, from the set of its tags; None where they fit none.

    B- and I- tags are read as IOB2, unless a label has I- alone: in IOB2 it could not begin. I- tags alone are IOB1
    without mentions that touch. With E- or S- tags, each label needs S-, or B- and E-.

    Raises:
        UnknownTag: see ``split_tag``.
    """
    prefixes: dict[str, set[str]] = {}
    for tag in tags:
        prefix, label = split_tag(tag)
        if label:
            prefixes.setdefault(label, set()).add(prefix)
    there = set().union(*prefixes.values())
    if there <= set("BI"):
        if not any("I" in of and "B" not in of for of in prefixes.values()):
            return "iob2"
        return "iob1" if all("I" in of for of in prefixes.values()) else None
    whole = all(
        ("S" in of or "B" in of) and ("B" in of) == ("E" in of) and ("B" in of or not of & set("IM"))
        for of in prefixes.values()
    )
    if not whole or "S" not in there or there >= set("IM"):
        return None
    return "bmes" if "M" in there else "bioes"


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
            raise ValueError(f"{span} touches another {span.label}: IO cannot tell them apart")
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
    """What pairs of neighbouring tags show of their scheme; ``where`` is any mark of a place.

    ``first`` is where each prefix stands first.
    """

    inside_opens: object | None = None
    begin_opens: object | None = None
    first: dict[str, object] = field(default_factory=dict)

    def add(self, before: Tag, tag: Tag, where: object) -> None:
        """A tag and the one before it, both as ``split_tag`` gives them; a sentence begins behind an O."""
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
        """The scheme and why, or None and what contradicts what."""
        there = self.first
        odd = self._contradiction()
        if odd is not None:
            return None, odd
        if "M" in there:
            return "bmes", "M- tags"
        if "L" in there or "U" in there:
            return "bilou", "L- or U- tags"
        if "W" in there and "I" not in there:
            return "bmes", "W- tags, as in BMEWO"
        if there.keys() & set("ESW"):
            return "bioes", "E- or S- tags" + ("" if "I" in there else "; BMES would read the same")
        if self.inside_opens is None:
            return "iob2", "every span opens with B-" if there else "no entity: IOB1 would read the same"
        if "B" not in there:
            return "iob1", "I- tags alone, as in IO; mentions of one label that touch are read as one"
        if self.begin_opens is None:
            return "iob1", "I- opens spans, and every B- follows its own label"
        return (
            None,
            f"I- opens a span ({self.inside_opens}), as in IOB1, and B- opens one ({self.begin_opens}), as in IOB2",
        )

    def others(self) -> frozenset[Scheme]:
        """Schemes that the tags fit as well as the one that ``decide`` names, or as badly as any where it names none:
        other files of the corpus may tell which it is."""
        if not self.first:
            return frozenset(PREFIXES)
        if self.decide()[0] is None and self.first.keys() <= set("BI"):
            return frozenset(("iob1", "iob2"))
        if self.first.keys() <= set("BES") and self.first.keys() & set("ES"):
            return frozenset(("bioes", "bmes"))
        return frozenset()

    def _contradiction(self) -> str | None:
        """Two prefixes that no scheme has together."""
        for one, other in combinations(sorted(self.first), 2):
            if not any(one in prefixes and other in prefixes for prefixes in _TOGETHER):
                both = f"both {one}- ({self.first[one]}) and {other}- ({self.first[other]})"
                return f"{both} stand inside spans" if {one, other} == set("IM") else f"{both}, which no scheme has"
        return None
