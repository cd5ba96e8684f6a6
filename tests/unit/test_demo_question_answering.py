"""The promises of the corpus of questions about short texts that ships."""

from __future__ import annotations

import json
import re
import string
from collections import Counter, defaultdict
from importlib import resources
from itertools import combinations
from statistics import mean

import pytest

from halluc.gap.stopwords import is_content

SPLITS = ("train", "dev", "test")


def words(text):
    return re.findall(r"\w+", text.casefold())


def normalised(answer):
    """The answer as SQuAD compares it: no case, no punctuation, no articles."""
    plain = "".join(character for character in answer.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


def answers(record):
    return record["answers"]["text"]


def spans(record):
    return [(start, start + len(text)) for text, start in zip(*record["answers"].values(), strict=True)]


def novelty(record, known):
    """Is one of the answers also an answer in train, or shares a content word with one, or neither?"""
    found = {normalised(answer) for answer in answers(record)}
    if found & known:
        return "seen"
    parts = {word for answer in known for word in answer.split() if is_content(word)}
    return "partial" if parts & {word for answer in found for word in answer.split()} else "new"


@pytest.fixture(scope="module")
def demo():
    folder = resources.files("halluc.data") / "demo" / "question_answering"
    lines = {split: (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines() for split in SPLITS}
    return {split: [json.loads(line) for line in found] for split, found in lines.items()}


@pytest.fixture(scope="module")
def records(demo):
    return [record for split in SPLITS for record in demo[split]]


def test_records_have_a_title_a_context_a_question_and_answers(demo):
    for split, found in demo.items():
        assert [record["id"] for record in found] == [f"{split}-{n}" for n in range(1, len(found) + 1)]
        for record in found:
            assert list(record) == ["id", "title", "context", "question", "answers"]
            assert list(record["answers"]) == ["text", "answer_start"]


@pytest.mark.parametrize(("split", "contexts", "questions"), [("train", 50, 250), ("dev", 12, 60), ("test", 18, 90)])
def test_sizes(demo, split, contexts, questions):
    assert len({record["context"] for record in demo[split]}) >= contexts
    assert len(demo[split]) >= questions


@pytest.mark.parametrize("split", SPLITS)
def test_a_third_of_the_questions_has_no_answer_and_some_have_two(demo, split):
    counts = Counter(len(answers(record)) for record in demo[split])
    assert set(counts) == {0, 1, 2}
    assert counts[0] / counts.total() == pytest.approx(1 / 3, abs=0.02)
    assert counts[2] / counts.total() >= 0.2


def test_offsets_mark_whole_words_of_the_context(records):
    for record in records:
        context = record["context"]
        for text, (start, end) in zip(answers(record), spans(record), strict=True):
            assert 0 <= start < end <= len(context), record["id"]
            assert context[start:end] == text == text.strip(" .,;:"), record["id"]
            assert not context[:start][-1:].isalnum(), record["id"]
            assert not context[end : end + 1].isalnum(), record["id"]


def test_the_first_of_two_answers_is_within_the_second(records):
    for record in records:
        if len(spans(record)) == 2:
            (start, end), (wider_start, wider_end) = spans(record)
            assert wider_start <= start < end <= wider_end, record["id"]
            assert (start, end) != (wider_start, wider_end), record["id"]


def test_each_text_has_both_kinds_of_questions(records):
    answered = defaultdict(list)
    for record in records:
        answered[record["context"]].append(bool(answers(record)))
    for context, found in answered.items():
        assert 0.5 <= mean(found) < 1, context


def test_how_a_question_begins_does_not_predict_whether_it_has_an_answer(demo):
    """Of the openings that occur often in train, only `who is` and `where does` always have an answer."""
    openings = defaultdict(list)
    for record in demo["train"]:
        openings[tuple(words(record["question"])[:2])].append(bool(answers(record)))
    often = {opening: mean(found) for opening, found in openings.items() if len(found) >= 7}
    assert len(often) >= 8
    assert {opening for opening, share in often.items() if share in (0, 1)} <= {("who", "is"), ("where", "does")}


def test_no_text_and_no_title_is_in_two_splits(demo):
    for key in ("title", "context"):
        found = [{record[key] for record in demo[split]} for split in SPLITS]
        assert len(set().union(*found)) == sum(map(len, found)), key


def test_each_title_has_one_text(records):
    pairs = {(record["title"], record["context"]) for record in records}
    assert len(pairs) == len({title for title, _ in pairs}) == len({context for _, context in pairs})


def test_no_text_is_nearly_another_one(records):
    kept = [set(words(context)) for context in {record["context"] for record in records}]
    assert max(len(left & right) / len(left | right) for left, right in combinations(kept, 2)) <= 0.3


def test_no_question_is_repeated_with_the_same_text(records):
    counts = Counter((record["context"], record["question"]) for record in records)
    assert set(counts.values()) == {1}
    assert max(Counter(record["question"] for record in records).values()) <= 3


@pytest.mark.parametrize("split", ["dev", "test"])
def test_some_answers_are_seen_some_partial_about_half_new(demo, split):
    known = {normalised(answer) for record in demo["train"] for answer in answers(record)}
    found = Counter(novelty(record, known) for record in demo[split] if answers(record))
    for kind, share in (("seen", 0.2), ("partial", 0.3), ("new", 0.5)):
        assert found[kind] / found.total() == pytest.approx(share, abs=0.1), kind


def test_lengths(records):
    assert all(50 <= len(record["context"].split()) <= 90 for record in records)
    assert all(4 <= len(record["question"].split()) <= 20 for record in records)


def test_texts_are_plain(records):
    for record in records:
        for text in (record["title"], record["context"], record["question"]):
            assert text.isascii(), record["id"]
            assert text.isprintable(), record["id"]
            assert text == text.strip(), record["id"]
            assert "  " not in text, record["id"]
        assert record["question"].endswith("?"), record["id"]
