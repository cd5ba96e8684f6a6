"""The promises of the corpus of English and German sentences that ships."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib import resources
from itertools import combinations
from statistics import mean

import pytest

SPLITS = ("train", "dev", "test")
SIDES = ("source", "target")
# Names that are the same in both languages: of places, companies and people, and what follows a title.
NAMES = re.compile(
    r"\b(?:Anna|Basel|Berlin|Bern|Bremen|Corvane|Dresden|Eva|Frankfurt|Freiburg|Graz|Hamburg|Jonas|Kassel|"
    r"Leipzig|Lena|Linz|Lyon|Max|Northfield Steel|Paul|Peter|Salzburg|Sophie|Tarnwick)\b|"
    r"(?<=\bMr )[A-Z]\w+|(?<=\bMs )[A-Z]\w+|(?<=\bMrs )[A-Z]\w+|(?<=\bDr )[A-Z]\w+|"
    r"(?<=\bHerr )[A-Z]\w+|(?<=\bHerrn )[A-Z]\w+|(?<=\bFrau )[A-Z]\w+|(?<=\bDr\. )[A-Z]\w+"
)


def words(text):
    return re.findall(r"[^\W\d_]+", text.casefold())


def numbers(text):
    """The numbers in digits without the separators, which differ between the languages: 1,250 and 1.250."""
    return sorted(re.sub(r"\D", "", number) for number in re.findall(r"\d+(?:[.,:]\d+)*", text))


@pytest.fixture(scope="module")
def demo():
    folder = resources.files("halluc.data") / "demo" / "translation"
    lines = {split: (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines() for split in SPLITS}
    return {split: [json.loads(line) for line in found] for split, found in lines.items()}


@pytest.fixture(scope="module")
def records(demo):
    return [record for split in SPLITS for record in demo[split]]


def test_records_have_an_id_a_source_and_a_target(demo):
    for split, found in demo.items():
        assert [record["id"] for record in found] == [f"{split}-{n}" for n in range(1, len(found) + 1)]
        assert all(list(record) == ["id", *SIDES] for record in found)


@pytest.mark.parametrize(("split", "size"), [("train", 250), ("dev", 60), ("test", 90)])
def test_sizes_and_kinds_of_claims(demo, split, size):
    assert len(demo[split]) >= size
    assert 0.45 <= mean(bool(numbers(record["source"])) for record in demo[split]) <= 0.65
    assert 0.08 <= mean('"' in record["source"] for record in demo[split]) <= 0.2
    assert mean(bool(NAMES.search(record["source"])) for record in demo[split]) >= 0.2


@pytest.mark.parametrize("side", SIDES)
def test_no_sentence_is_repeated(records, side):
    counts = Counter(tuple(re.findall(r"\w+", record[side].casefold())) for record in records)
    assert [sentence for sentence, count in counts.items() if count > 1] == []


def test_no_sentence_is_nearly_another_one(records):
    kept = [(record["id"], set(words(record["source"]))) for record in records]
    near = [(a, b) for (a, left), (b, right) in combinations(kept, 2) if len(left & right) > 0.75 * len(left | right)]
    assert near == []


def test_no_target_is_its_source(records):
    for record in records:
        source, target = set(words(record["source"])), set(words(record["target"]))
        assert len(source & target) <= 0.5 * len(source), record["id"]


def test_numbers_and_names_of_the_source_are_in_the_target(records):
    for record in records:
        assert numbers(record["source"]) == numbers(record["target"]), record["id"]
        named = [NAMES.findall(record[side]) for side in SIDES]
        assert set(named[0]) == set(named[1]), record["id"]


def test_quotations_have_the_marks_of_the_language(records):
    for record in records:
        source, target = record["source"], record["target"]
        assert source.count('"') == 2 * target.count("„") == 2 * target.count("“"), record["id"]
        assert not set(target) & set("\"'‚‘’”«»"), record["id"]


def test_german_numbers_have_german_separators(records):
    for record in records:
        target = record["target"]
        assert not re.search(r"\d,\d{3}(?!\d)", target), record["id"]  # thousands
        assert not re.search(r"\d\.\d{1,2}(?!\d)", target), record["id"]  # decimals
        assert "%" not in target and "€" not in target, record["id"]


def test_a_sentence_ends_as_its_translation(records):
    for record in records:
        ends = [record[side].rstrip('"“')[-1] for side in SIDES]
        assert ends[0] == ends[1], record["id"]
        assert ends[0] in ".?!", record["id"]


def test_lengths(records):
    assert all(6 <= len(record["source"].split()) <= 20 for record in records)
    ratios = [len(record["target"]) / len(record["source"]) for record in records]
    assert 0.6 <= min(ratios) <= max(ratios) <= 1.7
    assert 0.95 <= mean(ratios) <= 1.2


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize(("side", "most"), [("source", 0.06), ("target", 0.1)])
def test_most_words_of_dev_and_test_are_in_train(demo, split, side, most):
    known = {word for record in demo["train"] for word in words(record[side])}
    found = [word not in known for record in demo[split] for word in words(record[side])]
    assert 0.01 <= mean(found) <= most


def test_texts_are_plain(records):
    for record in records:
        assert record["source"].isascii(), record["id"]
        assert not set(record["target"]) - set(map(chr, range(32, 127))) - set("äöüÄÖÜß„“"), record["id"]
        for side in SIDES:
            assert record[side] == record[side].strip(), record["id"]
            assert "  " not in record[side], record["id"]
