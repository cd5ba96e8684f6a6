"""Splits held out of train: each example in one of them, whole documents together, whatever order and seed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.components import TABLE
from halluc.data.config import DataConfig
from halluc.data.corpora import Share, has_documents, read_corpora, stream_corpora
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.tagged_sentence import RawSentence


class Config(DataConfig):
    task: ClassVar[str] = "toy"


def sentence(text: str, line: int = 1, document: int = 0, file: str = "f") -> RawSentence:
    tokens = tuple(text.split())
    return RawSentence(f"train-{line}", file, [line] * len(tokens), document, tokens, spans=())


TEXTS = [sentence(f"text number {number}", number) for number in range(1, 1001)]


def parts(items, by_document=False, **shares):
    config = Config(train="f", **shares)
    splits = ["train", *(name.removesuffix("_share") for name in shares)]
    return {split: [one for one in items if Share(config, split, "f", by_document).has(one)] for split in splits}


def test_every_example_is_in_one_split_and_the_shares_are_met():
    found = parts(TEXTS, dev_share=0.1, test_share=0.2)
    assert sum(map(len, found.values())) == len(TEXTS)
    assert not set.intersection(*(set(map(id, items)) for items in found.values()))
    assert 70 < len(found["dev"]) < 130
    assert 160 < len(found["test"]) < 240


def test_a_larger_share_contains_a_smaller_one():
    small, large = (parts(TEXTS, dev_share=share)["dev"] for share in (0.1, 0.3))
    assert set(map(id, small)) < set(map(id, large))
    assert parts(TEXTS, dev_share=0.1, test_share=0.2)["dev"] == small


@given(st.permutations(TEXTS[:40]))
def test_order_and_case_decide_nothing(items):
    found = {one.lines[0] for one in parts(items, dev_share=0.3)["dev"]}
    assert found == {one.lines[0] for one in parts(TEXTS[:40], dev_share=0.3)["dev"]}
    louder = [sentence(" ".join(one.tokens).upper(), one.lines[0]) for one in items]
    assert found == {one.lines[0] for one in parts(louder, dev_share=0.3)["dev"]}


def test_documents_stay_whole():
    items = [sentence(f"w{number} x", number, document=number // 10) for number in range(1, 1000)]
    found = parts(items, by_document=True, dev_share=0.2, test_share=0.2)
    documents = {split: {one.document for one in of} for split, of in found.items()}
    assert all(documents.values())
    assert not any(one & other for one, other in itertools.combinations(documents.values(), 2))
    assert has_documents(items, "f")
    assert not has_documents(items[:5], "f")
    assert not has_documents(items, "another")


def test_separate_splits_and_extra_files_are_not_divided():
    config = Config(train="f", dev="g", test_share=0.5)
    assert Share(config, "dev", "g", False).is_whole
    assert not Share(config, "train", "f", False).is_whole
    beside = sentence("a text out of scope", file="oos")
    for split in ("train", "test"):
        assert Share(config, split, "f", False).has(beside)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"train": "f", "dev": "g", "dev_share": 0.1}, "`data.dev_share` holds dev out of train"),
        ({"dev": "g", "test_share": 0.1}, "`data.test_share` needs `data.train`"),
        ({"train": "f", "dev_share": 0.5, "test_share": 0.5}, "leave nothing to train on"),
        ({"train": "f", "dev_share": 1.0}, "dev_share"),
    ],
)
def test_shares_that_cannot_be_are_refused(keys, told):
    with pytest.raises(ValidationError, match=told):
        Config(**keys)


def test_held_out_splits_come_from_the_file_of_train():
    config = SpansConfig(train="demo:ner", dev_share=0.2, test_share=0.2)
    found = read_corpora(config, TABLE)
    assert {Path(corpus.source).name for corpus in found.splits.values()} == {"train.txt"}
    assert sum(map(len, found.splits.values())) == 420
    assert {split: list(corpus) for split, corpus in stream_corpora(config, TABLE).items()} == {
        split: list(corpus) for split, corpus in found.splits.items()
    }
    hub = SpansConfig(format="hub", train="hub:x/y@abc", dev_share=0.2)
    assert (hub.reference("train"), hub.reference("dev")) == ("hub:x/y@abc", "hub:x/y@abc#train")
