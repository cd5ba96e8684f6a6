"""The promises of the corpus of relations that ships."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from importlib import resources
from itertools import combinations, pairwise
from statistics import mean

import pytest

SPLITS = ("train", "dev", "test")
NONE = "none"
# The entity types that the head and the tail of each relation may have. `none` may have any.
SIGNATURES = {
    "founded_by": {("organisation", "organisation"), ("organisation", "person"), ("place", "person")},
    "located_in": {("event", "place"), ("organisation", "place"), ("place", "place")},
    "parent_of": {("person", "person")},
    "part_of": {(kind, kind) for kind in ("event", "organisation", "product", "work")},
    "produces": {("organisation", "product"), ("person", "product"), ("place", "product")},
    "works_for": {("person", "organisation"), ("person", "person")},
}


def words(text):
    return re.findall(r"\w+|[^\w\s]", text.casefold())


def surface(record, role):
    return record["text"][record[role]["start"] : record[role]["end"]]


def fact(record):
    return surface(record, "head"), surface(record, "tail"), record["relation"]


def head_first(record):
    return record["head"]["start"] < record["tail"]["start"]


def skeleton(record):
    """The words of a sentence with its head and tail masked."""
    text = record["text"]
    for role in sorted(("head", "tail"), key=lambda role: -record[role]["start"]):
        text = text[: record[role]["start"]] + " MASK " + text[record[role]["end"] :]
    return tuple(words(text))


def novelty(record, known):
    """Novelty of a relation: is the pair known with it, or one of the two in its role, or neither?"""
    head, tail, relation = fact(record)
    if (head, tail, relation) in known:
        return "seen"
    partial = any(
        (head, relation) == (h, r) or (tail, relation) == (t, r) or (head, tail) == (h, t) for h, t, r in known
    )
    return "partial" if partial else "new"


@pytest.fixture(scope="module")
def demo():
    folder = resources.files("halluc.data") / "demo" / "relations"
    lines = {split: (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines() for split in SPLITS}
    return {split: [json.loads(line) for line in found] for split, found in lines.items()}


@pytest.fixture(scope="module")
def records(demo):
    return [record for split in SPLITS for record in demo[split]]


def test_records_have_an_id_a_text_a_head_a_tail_and_a_relation(demo):
    for split, found in demo.items():
        assert [record["id"] for record in found] == [f"{split}-{n}" for n in range(1, len(found) + 1)]
        for record in found:
            assert list(record) == ["id", "text", "head", "tail", "relation"]
            assert list(record["head"]) == list(record["tail"]) == ["start", "end", "label"]


@pytest.mark.parametrize(("split", "size", "least"), [("train", 260, 30), ("dev", 64, 7), ("test", 96, 10)])
def test_sizes_and_relations(demo, split, size, least):
    counts = Counter(record["relation"] for record in demo[split])
    assert counts.total() >= size
    assert set(counts) == {*SIGNATURES, NONE}
    assert min(counts.values()) >= least
    assert 0.18 <= counts[NONE] / counts.total() <= 0.25


def test_offsets_mark_whole_words_of_the_text_that_do_not_overlap(records):
    for record in records:
        text = record["text"]
        for role in ("head", "tail"):
            start, end = record[role]["start"], record[role]["end"]
            assert 0 <= start < end <= len(text), record["id"]
            assert text[start:end] == text[start:end].strip(), record["id"]
            assert not text[start - 1 : start].isalnum(), record["id"]
            assert not text[end : end + 1].isalnum(), record["id"]
        first, second = sorted((record["head"], record["tail"]), key=lambda span: span["start"])
        assert first["end"] <= second["start"], record["id"]


def test_entity_types_fit_the_relation(records):
    for record in records:
        if record["relation"] != NONE:
            types = (record["head"]["label"], record["tail"]["label"])
            assert types in SIGNATURES[record["relation"]], record["id"]


def test_most_pairs_without_a_relation_have_the_types_of_one(demo):
    possible = set().union(*SIGNATURES.values())
    for found in demo.values():
        none = [record for record in found if record["relation"] == NONE]
        assert mean((r["head"]["label"], r["tail"]["label"]) in possible for r in none) >= 0.6


@pytest.mark.parametrize("split", SPLITS)
def test_both_orders_occur_for_every_relation(demo, split):
    orders = defaultdict(list)
    for record in demo[split]:
        orders[record["relation"]].append(head_first(record))
    for relation, found in orders.items():
        assert 0.25 <= mean(found) <= 0.75, relation


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_seventh_of_the_pairs_is_seen_a_third_partial_the_rest_new(demo, split):
    known = {fact(record) for record in demo["train"] if record["relation"] != NONE}
    found = Counter(novelty(record, known) for record in demo[split] if record["relation"] != NONE)
    for kind, share in (("seen", 0.15), ("partial", 0.30), ("new", 0.55)):
        assert found[kind] / found.total() == pytest.approx(share, abs=0.05), kind


def test_no_pair_has_two_relations(records):
    relations = defaultdict(set)
    for head, tail, relation in map(fact, records):
        relations[head, tail].add(relation)
    assert [pair for pair, found in relations.items() if len(found) > 1] == []


def test_no_text_is_repeated_even_with_other_entities(records):
    for key in (lambda record: tuple(words(record["text"])), skeleton):
        places = defaultdict(list)
        for record in records:
            places[key(record)].append(record["id"])
        assert [found for found in places.values() if len(found) > 1] == []


def test_no_text_is_nearly_another_one(records):
    kept = [(record["id"], set(skeleton(record))) for record in records]
    near = [(a, b) for (a, left), (b, right) in combinations(kept, 2) if len(left & right) >= 0.7 * len(left | right)]
    assert near == []


def test_no_opening_is_used_often(records):
    openings = Counter(skeleton(record)[:4] for record in records)
    assert [opening for opening, count in openings.items() if count > 2] == []


def test_neighbours_in_a_file_differ_in_relation(demo):
    for found in demo.values():
        same = sum(a["relation"] == b["relation"] for a, b in pairwise(found))
        assert same / len(found) <= 0.1


def test_lengths_vary(records):
    lengths = [len(record["text"].split()) for record in records]
    assert min(lengths) == 6
    assert 36 <= max(lengths) <= 40
    assert 14 <= mean(lengths) <= 20


def test_texts_are_plain(records):
    for record in records:
        text = record["text"]
        assert text.isascii(), record["id"]
        assert text.isprintable(), record["id"]
        assert text == text.strip(), record["id"]
        assert "  " not in text, record["id"]
