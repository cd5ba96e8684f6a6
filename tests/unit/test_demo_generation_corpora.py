"""The promises of the corpora that ship for text-writing and text-choosing tasks."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import date
from importlib import resources

import pytest

SPLITS = ("train", "dev", "test")
# Rows of train, dev and test.
SIZES = {
    "summarisation": (100, 25, 40),
    "dialogue": (90, 22, 35),
    "answers": (150, 50, 80),
    "finance": (240, 60, 120),
    "recommendation": (221, 59, 73),
}
# What no two rows of a corpus share, whatever their splits.
CONTENT = {
    "summarisation": lambda row: row["document"],
    "dialogue": lambda row: json.dumps(row["turns"]),
    "answers": lambda row: row["text"],
    "finance": lambda row: row["text"],
    "recommendation": lambda row: (row["user"], row["item"]),
}


def read(corpus, name):
    path = resources.files("halluc.data") / "demo" / corpus / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def demos():
    return {corpus: {split: read(corpus, split) for split in SPLITS} for corpus in SIZES}


@pytest.fixture(scope="module")
def bank():
    return read("answers", "bank")


def numbers(text):
    return set(re.findall(r"\d+", text))


def strings(value):
    """All strings inside of a row."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [] if value is None else [value]


def groups(rows, key, value):
    found = defaultdict(list)
    for row in rows:
        found[row[key]].append(row[value])
    return found


@pytest.mark.parametrize("corpus", SIZES)
def test_sizes_and_ids(demos, corpus):
    assert tuple(len(demos[corpus][split]) for split in SPLITS) == SIZES[corpus]
    for split, rows in demos[corpus].items():
        assert [row["id"] for row in rows] == [f"{split}-{n}" for n in range(1, len(rows) + 1)]


@pytest.mark.parametrize("corpus", SIZES)
def test_no_content_is_repeated(demos, corpus):
    counts = Counter(CONTENT[corpus](row) for rows in demos[corpus].values() for row in rows)
    assert [content for content, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("corpus", SIZES)
def test_texts_are_plain_and_not_empty(demos, bank, corpus):
    rows = [row for found in demos[corpus].values() for row in found] + (bank if corpus == "answers" else [])
    for row in rows:
        for text in strings(row):
            assert text and text == text.strip() and text.isascii() and "  " not in text, row["id"]


def test_summaries_are_shorter_and_take_their_numbers_from_the_document(demos):
    for rows in demos["summarisation"].values():
        talks = [row for row in rows if "\n" in row["document"]]
        assert abs(len(talks) - len(rows) / 2) <= 1
        for row in rows:
            assert numbers(row["summary"]) <= numbers(row["document"]), row["id"]
            assert len(row["summary"]) < len(row["document"]), row["id"]
            lines = row["document"].split("\n")
            if len(lines) > 1:
                assert 6 <= len(lines) <= 10, row["id"]
                assert all(re.match(r"[A-Z][\w. ]*: \S", line) for line in lines), row["id"]
            else:
                assert 60 <= len(row["document"].split()) <= 110, row["id"]


def test_replies_of_the_agent_are_grounded(demos):
    for rows in demos["dialogue"].values():
        for row in rows:
            said, turns = " ".join(row["persona"]), row["turns"]
            assert row["persona"] and len(turns) in (4, 6, 8), row["id"]
            assert [turn["speaker"] for turn in turns] == ["user", "agent"] * (len(turns) // 2), row["id"]
            for turn in turns:
                if turn["speaker"] == "agent":
                    assert 1 <= len(turn["knowledge"]) <= 3, row["id"]
                    assert numbers(turn["text"]) <= numbers(" ".join([said, *turn["knowledge"]])), row["id"]
                said += " " + turn["text"]


def test_every_answer_is_asked_for_and_a_fifth_of_dev_and_test_has_none(demos, bank):
    known = [row["id"] for row in bank]
    assert known == [f"bank-{n}" for n in range(1, 61)]
    assert len({row["answer"] for row in bank} | {row["question"] for row in bank}) == 120
    asked = {split: [row["answer_id"] for row in rows] for split, rows in demos["answers"].items()}
    assert [asked[split].count(None) for split in SPLITS] == [0, 10, 16]
    assert set(asked["train"]) == set(known) == set(asked["test"]) - {None}
    assert set(asked["dev"]) <= {*known, None}
    assert not {row["question"] for row in bank} & {row["text"] for rows in demos["answers"].values() for row in rows}


def test_dates_ascend_and_the_share_of_negative_jumps_in_weeks_nine_and_ten(demos):
    rows = [row for split in SPLITS for row in demos["finance"][split]]
    days = [date.fromisoformat(row["timestamp"]) for row in rows]
    assert days == sorted(days) and max(day.weekday() for day in days) == 4
    for split in SPLITS:
        assert {row["label"] for row in demos["finance"][split]} == {"positive", "negative", "neutral"}
    weeks = groups(
        [{**row, "week": date.fromisoformat(row["timestamp"]).isocalendar().week} for row in demos["finance"]["test"]],
        "week",
        "label",
    )
    shares = [labels.count("negative") / len(labels) for labels in weeks.values()]
    assert len(shares) == 6
    assert shares[4] >= 2 * max(shares[:4] + shares[5:])


def test_users_have_both_labels_and_a_few_of_test_are_in_train(demos):
    users, histories = {}, defaultdict(set)
    for split, rows in demos["recommendation"].items():
        users[split] = groups(rows, "user", "label")
        for user, labels in users[split].items():
            assert 4 <= len(labels) <= 8 and set(labels) == {"yes", "no"}, user
        for row in rows:
            histories[row["user"]].add(row["history"])
            assert 3 <= len(row["history"].split("; ")) <= 5, row["id"]
    assert [user for user, found in histories.items() if len(found) > 1] == []
    assert [len(users[split]) for split in SPLITS] == [42, 10, 16]
    assert len(users["test"].keys() & users["train"].keys()) == 4
    assert not users["dev"].keys() & (users["train"].keys() | users["test"].keys())
