"""Inputs of text classification in the forms of public reports, and ten more of each kind: read right, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from halluc.components import TABLE
from halluc.core.errors import HallucError, ManyErrors
from halluc.data.corpora import Corpora, read_corpora
from halluc.tasks.text_classification.reading.config import TextsConfig
from tests.text_inputs import INPUTS, Input

CASES = Path(__file__).parent.parent / "cases"


def read(path: Path, **keys) -> Corpora:
    return read_corpora(TextsConfig(train=str(path), **keys), TABLE)


def shown(one) -> str:
    second = len(one.tokens) if one.second is None else one.second
    sides = one.tokens[:second], one.tokens[second:]
    return "|".join(" ".join(side) for side in sides if side)


@pytest.mark.parametrize("given", INPUTS, ids=lambda one: f"{one.kind} {one.name}")
def test_each_is_read_right_or_refused(tmp_path, given: Input):
    path = tmp_path / given.name
    path.write_bytes(given.content if isinstance(given.content, bytes) else given.content.encode())
    if isinstance(given.right, str):
        with pytest.raises(HallucError) as caught:
            read(path, **given.keys)
        first = caught.value.errors[0] if isinstance(caught.value, ManyErrors) else caught.value
        assert first.code == given.right
        assert given.told in f"{first.message}; {first.help}"
        return
    found = read(path, **{"tokenize": "whitespace"} | given.keys)
    assert [(shown(one), one.labels) for one in found.splits["train"]] == given.right
    assert len(found.skipped) == given.skipped
    notices = "".join(one.what for one in found.notices)
    assert given.told in f"{found.mappings['train']}; {notices}"
    assert bool(notices) == (given.told in notices and bool(given.told)), "nothing else is noticed"


# --- the reports, through the command ------------------------------------------------------------------------------


@pytest.fixture
def check(halluc, tmp_path, monkeypatch):
    def call(case: str, *overrides: str, code: int = 0):
        folder = shutil.copytree(CASES / case, tmp_path / case)
        monkeypatch.chdir(folder)
        outcome = halluc("check", "c.yaml", *(part for one in overrides for part in ("--set", one)))
        assert outcome.code == code, outcome.err
        return f"{outcome.out}{outcome.err}"

    return call


def test_a_list_in_a_cell_is_several_labels(check):
    told = check("26-liststr")
    assert "labels, as lists written as text: `label`" in told
    assert "broken      2" in told
    assert "late        2" in told


def test_a_list_of_two_labels_is_refused_where_a_text_has_one(check):
    assert "error[D136]: a text with 2 labels: `broken`, `late`" in check(
        "26-liststr", "task.multi_label=false", code=3
    )


def test_one_hot_columns_are_labels(check):
    told = check("27-onehot")
    assert "read: text: `comment_text`; labels: `toxic`, `insult`; id: `id`" in told
    assert "1 (50.0%)" in told


def test_all_leading_labels_are_read(check):
    told = check("36-fasttext")
    for label in ("__label__late        2", "__label__refund      2", "__label__track       1"):
        assert label in told


def test_minus_one_is_reported_and_can_be_left_out(check):
    assert "t.jsonl:2: the label -1 occurs with labels numbered from 0" in check("39-hf-pairs")


def test_values_without_a_label_are_left_out(check):
    told = check("39-hf-pairs", "data.no_label=[-1]")
    assert "train      2" in told
    assert "1 line was skipped (first: t.jsonl:2: `label` is -1)" in told
    assert "occurs with labels" not in told


def test_an_encoding_is_proposed_and_never_guessed(check):
    assert "data.encoding: latin-1" in check("67-latin1-suffix-label", code=3)


def test_a_label_at_the_end_is_reported(check):
    told = check("67-latin1-suffix-label", "data.encoding=latin-1")
    assert 'set `data.label_position: last` and `data.delimiter: "@"`' in told


def test_a_label_at_the_end_is_read(check):
    keys = ("data.encoding=latin-1", "data.label_position=last", 'data.delimiter="@"')
    told = check("67-latin1-suffix-label", *keys)
    for label in ("negative      1", "neutral       2", "positive      1"):
        assert label in told
    assert "no warnings" in told
