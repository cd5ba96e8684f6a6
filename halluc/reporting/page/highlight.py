"""Sentences with spans, as pieces for a template: claims above the text, gold below it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from halluc.core.claims import Mark
from halluc.reporting.collect.claim_selection import MOST_TOKENS
from halluc.runs.reports import ShownClaim
from halluc.wording.formats import visible

# The styles of spans, besides the verdict of the selected claim.
OTHER, GOLD, AGREED, OMISSION = "other", "gold", "agreed", "omission"


@dataclass(frozen=True)
class Layer:
    """A span that a piece belongs to: its label, its style, and whether the span begins with this piece."""

    label: str
    style: str
    begins: bool


@dataclass(frozen=True)
class GridSpan:
    """A span above or below a group of pieces; ``columns`` are those of a CSS grid with a column for each text."""

    layer: Layer
    kind: Literal["span", "gold"]  # a claim, or annotation
    columns: str


@dataclass(frozen=True)
class Group:
    """Pieces that are connected by spans, in order, gaps as separate texts; ``gap`` precedes the first piece.

    A piece without spans is a group of its own, without ``spans``.
    """

    gap: str
    texts: list[str]
    spans: list[GridSpan]


@dataclass(frozen=True)
class Piece:
    """Tokens that belong to the same spans; ``gap`` is the space between them and the previous piece."""

    gap: str
    text: str
    claim: Layer | None
    gold: Layer | None


Span = tuple[int, int, str]

# Tokens without a space before them, including English contractions of treebanks; and without one after them.
_CLOSING = re.compile(r"[.,;:!?%)\]}»”’…]+$|n't$|'(s|S|re|ve|ll|d|m)$")
_OPENING = frozenset("([{«“‘$£€#")


def pieces(shown: ShownClaim, *, is_placed: bool = True) -> list[Piece]:
    """The tokens shown, split where any span begins or ends.

    The claim itself has the style of its verdict, other claims ``other``, or ``agreed`` together with equal gold; for
    an omission the gold has the style ``omission``. Labels of the whole text are not drawn.

    Args:
        is_placed: whether the claim has a position of its own.
    """
    line = shown.line
    golds, own = spans_of_marks(shown.gold), spans_of_marks([(line.start, line.end, line.label)] if is_placed else [])
    others = [span for span in spans_of_marks(one[:3] for one in shown.others) if span not in own]
    # The parts that a claim about the whole relates, such as a pair of spans, are drawn like the claim.
    claims = [(span, str(line.verdict) if line.record == "claim" else OTHER) for span in shown.marked]
    claims += [(span, OTHER) for span in others if span not in golds]
    gold = [(span, AGREED if span in others else GOLD) for span in golds if span not in own or line.record == "claim"]
    if line.record == "claim":
        claims += [(span, str(line.verdict)) for span in own]
    else:
        gold += [(span, OMISSION) for span in own]
    return style_tokens(shown.tokens, shown.first, claims, gold)


def spans_of_marks(marks: Iterable[Mark]) -> list[Span]:
    """The marks that have a position in the text."""
    return [(start, end, label) for start, end, label in marks if start is not None and end is not None]


def halves(tokens: Sequence[str], first: int, second: int | None) -> list[str]:
    """A text for display; for a pair each of its texts, as far as shown.

    Args:
        tokens: those from ``first`` on. second: the first token of the example's second text.
    """
    cut = -1 if second is None else second - first
    parts = (tokens[:cut], tokens[cut:]) if 0 <= cut <= len(tokens) else (tokens,)
    return [display_text(part) for part in parts]


def beginning(text: str) -> str:
    """The beginning of a text, whose tokens are joined by one space, for display."""
    tokens = text.split(" ")
    return display_text(tokens[:MOST_TOKENS]) + (" …" if len(tokens) > MOST_TOKENS else "")


def edit_pieces(tokens: Sequence[str], edits: Sequence[tuple[int, int]], second: int | None) -> list[list[Piece]]:
    """An example with the tokens that edits touched as separate pieces; for a pair each of its texts."""
    spans = [((start, end, ""), "edit") for start, end in edits]
    texts = [(0, tokens)] if second is None else [(0, tokens[:second]), (second, tokens[second:])]
    return [style_tokens(text, first, spans, []) for first, text in texts]


def style_tokens(
    tokens: Sequence[str], first: int, claims: Sequence[tuple[Span, str]], gold: Sequence[tuple[Span, str]]
) -> list[Piece]:
    """Tokens, split at the ends of spans, each with a style. The offsets of spans count from the beginning of the
    example, whose token ``first`` is the first of ``tokens``."""
    last = first + len(tokens)
    cuts = {first, last, *(end for (start, stop, _), _ in (*claims, *gold) for end in (start, stop))}
    places = sorted(cut for cut in cuts if first <= cut <= last)
    result = []
    for start, end in pairwise(places):
        inside = tokens[start - first : end - first]
        gap = space_between(tokens[start - first - 1], inside[0]) if start > first else ""
        result.append(Piece(gap, display_text(inside), _layer(claims, start, first), _layer(gold, start, first)))
    return result


def _layer(spans: Iterable[tuple[Span, str]], place: int, first: int) -> Layer | None:
    """The last span that covers a position: the selected claim is last, so it hides others."""
    layer = None
    for (start, end, label), style in spans:
        if start <= place < end:
            layer = Layer(label, style, place == max(start, first))
    return layer


def groups(result: Iterable[Piece]) -> list[Group]:
    """Pieces as the page draws them: a span is one box over all of its pieces, at least as wide as its label."""
    grouped: list[list[Piece]] = []
    for piece in result:
        layers = [layer for layer in (piece.claim, piece.gold) if layer is not None]
        if any(not layer.begins for layer in layers):
            grouped[-1].append(piece)
        else:
            grouped.append([piece])
    return [_group(pieces) for pieces in grouped]


def _group(pieces: Sequence[Piece]) -> Group:
    texts = [pieces[0].text, *(part for piece in pieces[1:] for part in (piece.gap, piece.text))]
    rows: dict[Literal["span", "gold"], list[Layer | None]] = {
        "span": [piece.claim for piece in pieces],
        "gold": [piece.gold for piece in pieces],
    }
    return Group(
        pieces[0].gap,
        texts,
        [
            GridSpan(layer, kind, f"{2 * start + 1} / {2 * end}")
            for kind, layers in rows.items()
            for layer, start, end in _runs(layers)
        ],
    )


def _runs(layers: Sequence[Layer | None]) -> Iterator[tuple[Layer, int, int]]:
    """Each span with its first piece and the one after its last."""
    starts = [n for n, layer in enumerate(layers) if n == 0 or not _continues(layers[n - 1], layer)]
    for start, end in pairwise([*starts, len(layers)]):
        if (layer := layers[start]) is not None:
            yield layer, start, end


def _continues(before: Layer | None, layer: Layer | None) -> bool:
    if before is None or layer is None:
        return before is layer
    return not layer.begins and (before.label, before.style) == (layer.label, layer.style)


def display_text(tokens: Sequence[str]) -> str:
    """Tokens as display text; without spaces in scripts that do not use them."""
    parts = [visible(tokens[0])] if tokens else []
    for before, token in pairwise(tokens):
        parts += [space_between(before, token), visible(token)]
    return "".join(parts)


def surface(text: str) -> str:
    """A surface, whose tokens are joined by one space, for display."""
    return display_text(text.split(" "))


def space_between(before: str, after: str) -> str:
    """The space between two tokens: tokenized corpora do not have the original blanks, so this is a guess."""
    if not before or not after:
        return " "
    is_joined = _CLOSING.match(after) or before in _OPENING or (_is_unspaced(before[-1]) and _is_unspaced(after[0]))
    return "" if is_joined else " "


def _is_unspaced(char: str) -> bool:
    """Whether a character is Han, Kana, their punctuation or a full-width form, or is Thai, Lao or Khmer."""
    if char.isascii():
        return False
    name = unicodedata.name(char, "")
    return name.startswith(("CJK ", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI ", "LAO ", "KHMER ")) or (
        "\u3000" <= char <= "\u303f"
    )
