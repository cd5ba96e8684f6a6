"""Random corpora, read without configured fields: the result is right, refused or reported, never silently wrong."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import HallucError, ManyErrors
from halluc.data.corpora import read_corpora

WORDS = (
    "Mira", "Holm", "lives", "in", "Oslo", "and", "works", "for", ".", ",", "(", "Zoë", "naïve", "😀", "東",
    "O", "B", "24",
)  # fmt: skip
LABELS = ("PER", "LOC", "person", "B", "1")
UNITS = {
    "characters": len,
    "utf16": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes": lambda text: len(text.encode()),
}


def _truth(chance: random.Random) -> list[tuple[list[str], list[tuple[int, int, str]]]]:
    made = []
    for _ in range(chance.choice((3, 10, 40))):
        tokens = chance.choices(WORDS, k=chance.randint(3, 12))
        spans, at = [], chance.randint(0, 2)
        while at < len(tokens):
            end = min(len(tokens), at + chance.choice((1, 1, 2, 3)))
            spans.append((at, end, chance.choice(LABELS)))
            at = end + chance.randint(0, 3)
        made.append((tokens, spans))
    return made


def _record(
    chance: random.Random, tokens: list[str], spans: list[tuple[int, int, str]], how: dict[str, Any]
) -> dict[str, Any]:
    text, starts = " ".join(tokens), [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    found: list[Any] = []
    for first, end, label in spans:
        begin, stop = starts[first], starts[end] - 1
        surface = text[begin:stop]
        if how["unit"] == "tokens":
            begin, stop = first, end
        else:
            begin, stop = (UNITS[how["unit"]](text[:at]) for at in (begin, stop))
        begin, stop = begin + how["base"], stop + how["base"] - how["inclusive"]
        start, last, name = how["keys"]
        plain = {start: begin, last: stop, name: label}
        found.append([begin, stop, label] if how["lists"] else plain | ({"text": surface} if how["says"] else {}))
    record: dict[str, Any] = {"title": "News of today"} if how["title"] else {}
    if how["has"] != "tokens":
        record[how["text"]] = text
    if how["has"] != "text":
        record[how["tokens"]] = tokens
    record[how["spans"]] = {"entities": found} if how["wrapped"] else found
    return record


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 40))
def test_spans_in_any_form_are_right_refused_or_reported(tmp_path_factory, seed):
    chance = random.Random(seed)
    how = {
        "has": chance.choice(("text", "tokens", "both")),
        "unit": chance.choice(("characters", "characters", "tokens", "utf16", "bytes")),
        "base": chance.choice((0, 0, 0, 1)), "inclusive": chance.choice((0, 0, 1)), "lists": chance.random() < 0.5,
        "says": chance.random() < 0.3, "title": chance.random() < 0.3, "wrapped": chance.random() < 0.2,
        "text": chance.choice(("text", "sentence", "content")), "tokens": chance.choice(("tokens", "words")),
        "spans": chance.choice(("spans", "entities", "label", "labels", "ner")),
        "keys": chance.choice((("start", "end", "label"), ("start_offset", "end_offset", "type"))),
    }  # fmt: skip
    truth = _truth(chance)
    path = tmp_path_factory.mktemp("any") / chance.choice(("c.jsonl", "c.json", "c"))
    records = [_record(chance, tokens, spans, how) for tokens, spans in truth]
    lines = "".join(json.dumps(one) + "\n" for one in records)
    path.write_text(json.dumps(records) if path.suffix == ".json" else lines, encoding="utf-8")
    try:
        found = read_corpora(registry.load(TABLE, "reader", "token_classification").Config(train=str(path)), TABLE)
    except (HallucError, ManyErrors):
        return
    read = [(list(one.tokens), [tuple(span) for span in one.spans]) for one in found.splits["train"].examples]
    # Numbers of tokens say neither where they begin nor whether the last one is meant: check prints how they count.
    if read != truth and not found.notices:
        assert how["unit"] == "tokens" and not (how["says"] and not how["lists"]), how
        assert "offsets count tokens from 0, ends exclusive" in found.mappings["train"]
