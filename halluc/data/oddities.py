"""Finds tokens and labels that are probably mistakes: tokens that differ from others only in invisible characters or in
Unicode forms of their letters; two spellings of one label; a different label for each example."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from halluc.core.characters import is_invisible
from halluc.core.examples import Corpus, Pair
from halluc.core.quantities import quantity_with_verb
from halluc.data.statistics import Words
from halluc.data.tokenization import HIDDEN, ZERO_WIDTH_SPACE, normalised

_MOST_PLACES = 3
_GLUE = "\0"  # replaces a hidden token between two halves of a word
# The kinds of differences between tokens, with a description, and the key that makes the tokens equal.
_KINDS = {
    "hidden": ("by invisible characters", "`data.strip_invisible: true`"),
    "decomposed": ("in the encoding of letters with marks", "`data.normalise: nfc`"),
    "compatible": ("by the form of letters, such as full-width letters or ligatures", "`data.normalise: nfkc`"),
}
# Kinds of compatibility characters (Unicode) that are the same letter in another form; ² differs in meaning from 2.
_SAME_LETTER = {"<wide>", "<narrow>", "<compat>", "<initial>", "<medial>", "<final>", "<isolated>"}


@dataclass(frozen=True)
class _Forms:
    """A token without hidden characters (``bare``); that in NFC; and that with compatible letters replaced."""

    bare: str
    composed: str
    compatible: str

    @classmethod
    def of(cls, token: str) -> _Forms:
        bare = HIDDEN.sub("", token)
        composed = normalised(bare, "nfc")
        return cls(bare, composed, _compatible(composed))


def _compatible(token: str) -> str:
    if unicodedata.is_normalized("NFKC", token) or not any(map(str.isalnum, token)):
        return token
    same = {char for char in token if unicodedata.decomposition(char).split(" ")[0] in _SAME_LETTER}
    return normalised("".join(normalised(char, "nfkc") if char in same else char for char in token), "nfc")


def odd_tokens(splits: Mapping[Any, Corpus[Any]], words: Words) -> Iterator[str]:
    """Messages about tokens that look like others but differ; each distinct token is checked once."""
    distinct = {token for corpus in splits.values() for example in corpus for token in example.tokens}
    forms_of = {token: _Forms.of(token) for token in distinct if not (token.isascii() and token.isprintable())}
    odd = {token: forms for token, forms in forms_of.items() if forms.compatible != token or is_invisible(token)}
    if not odd:
        return
    kinds = _kinds(odd, distinct)
    for name, corpus in splits.items():
        by_kind: dict[str, list[str]] = {kind: [] for kind in _KINDS}
        for example in corpus if kinds else ():
            for token in filter(kinds.__contains__, example.tokens):
                for kind in kinds[token]:
                    by_kind[kind].append(f"{example.origin} {_shown(token, odd[token], kind)}")
        for kind, (how, do) in _KINDS.items():
            if places := by_kind[kind]:
                many = quantity_with_verb(len(places), words.tokens, "differ")
                yield f"{name}: {many} from others only {how} (first: {'; '.join(places[:_MOST_PLACES])}); set {do}"
    yield from _unseen(splits, _cleaned(odd, kinds), words)


def _kinds(odd: Mapping[str, _Forms], distinct: set[str]) -> dict[str, list[str]]:
    """For each odd token, how it differs from other tokens that are otherwise equal."""
    steps = [
        (token, kind, before, after, key)
        for token, forms in odd.items()
        for kind, before, after, key in (
            ("hidden", token, forms.bare, forms.composed),
            ("decomposed", forms.bare, forms.composed, forms.composed),
            ("compatible", forms.composed, forms.compatible, forms.compatible),
        )
    ]
    alike: dict[tuple[str, str], set[str]] = {}
    for token, kind, before, _, key in steps:
        if not is_invisible(token):
            alike.setdefault((kind, key), set()).add(before)
    for (_, key), tokens in alike.items():
        tokens.update({key} & distinct)
    result: dict[str, list[str]] = {}
    for token, kind, before, after, key in steps:
        if before != after and len(alike.get((kind, key), ())) > 1:
            result.setdefault(token, []).append(kind)
    return result


def _shown(token: str, forms: _Forms, kind: str) -> str:
    """A token and what is odd about it, such as `'Anna' with U+200B`."""
    if kind == "hidden":
        hidden = dict.fromkeys(f"U+{ord(char):04X}" for char in HIDDEN.findall(token))
        return f"'{forms.bare}' with {', '.join(hidden)}"
    return ascii(token) if kind == "decomposed" else f"'{forms.composed}' beside '{forms.compatible}'"


def _cleaned(odd: Mapping[str, _Forms], kinds: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Each odd token as the proposed keys would make it: empty if it is invisible, or `_GLUE` if its neighbours become
    one token."""
    cleaned = {}
    for token, forms in odd.items():
        if is_invisible(token):
            cleaned[token] = "" if forms.bare or ZERO_WIDTH_SPACE in token else _GLUE
        else:
            cleaned[token] = forms.compatible if "compatible" in kinds.get(token, ()) else forms.composed
    return cleaned


def _unseen(splits: Mapping[Any, Corpus[Any]], cleaned: Mapping[str, str], words: Words) -> Iterator[str]:
    """Warnings about mentions that inflate the gap: they would be known from train if tokens were cleaned."""
    if "train" not in splits or not words.has_surfaces:
        return

    def clean(pair: Pair) -> Pair:
        tokens = [cleaned.get(token, token) for token in pair[0].split(" ")]
        return " ".join(filter(None, tokens)).replace(f" {_GLUE} ", "").strip(f" {_GLUE}"), pair[1]

    known = {pair for example in splits["train"] for pair in example.pairs}
    known_cleaned = set(map(clean, known))
    for name, corpus in splits.items():  # in train itself, nothing is unknown
        pairs = (pair for example in corpus for pair in example.pairs if pair not in known)
        if unseen := sum(clean(pair) in known_cleaned for pair in pairs):
            many = quantity_with_verb(unseen, words.labelled, "are")
            yield f"{name}: {many} unseen in train only because of such tokens"


# So many labels, most with one example each, are not a coincidence; so many groups of similar labels are named.
_LEAST, _MOST_NAMED = 10, 5


def odd_labels(splits: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Messages about the labels of each split, with their counts."""
    total: Counter[str] = sum(map(Counter, splits.values()), Counter())
    alike: dict[str, list[str]] = {}
    for label in sorted(total):
        alike.setdefault("".join(label.split()).casefold(), []).append(label)
    if several := [labels for labels in alike.values() if len(labels) > 1]:
        listed = "; ".join(
            " and ".join(f"`{one}` ({total[one]:,})" for one in labels) for labels in several[:_MOST_NAMED]
        )
        more = f"; and {len(several) - _MOST_NAMED:,} more" if len(several) > _MOST_NAMED else ""
        yield f"labels that differ only in case or white space: {listed}{more}; are they the same label?"
    train = splits.get("train", {})
    once = sum(count == 1 for count in train.values())
    if len(train) >= _LEAST and once > len(train) / 2:
        yield f"train: {once:,} of {len(train):,} labels occur only once; is this the right label field?"
