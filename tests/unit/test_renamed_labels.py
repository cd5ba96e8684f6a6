"""Labels of a corpus under other names, labels with blanks, and what is told of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halluc.components import TABLE
from halluc.config.loading import load
from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora, read_corpora
from halluc.runs.data import read_data
from halluc.runs.records import write_line
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.wording import SENTENCES
from halluc.tasks.token_classification.writers import write_conll

WORDS = SENTENCES


def conll(folder: Path, text: str, **keys: Any) -> Corpora:
    (folder / "train.conll").write_text(text, encoding="utf-8")
    return read_corpora(SpansConfig(format="conll", train=str(folder / "train.conll"), **keys), TABLE)


GERMEVAL = "a B-PERpart\nb I-PERpart\nc B-PER\nd O\n\ne B-LOCderiv\nf B-MISC\n"


def test_labels_are_renamed_or_left_out_and_counted(tmp_path):
    names = {"PERpart": "PER", "LOCderiv": None, "XXX": "Y"}
    found = conll(tmp_path, GERMEVAL, rename_labels=names)
    assert [one.spans for one in found.splits["train"]] == [
        (Span(0, 2, "PER"), Span(2, 3, "PER")),
        (Span(1, 2, "MISC"),),
    ]
    report = check_corpora(found, WORDS)
    assert {old: (new.label, new.mentions) for old, new in report.renamed_labels.items()} == {
        "PERpart": ("PER", 1), "LOCderiv": (None, 1), "XXX": ("Y", 0)}  # fmt: skip
    assert "`data.rename_labels` has `XXX`, but no mention has such a label" in report.warnings


def test_a_label_that_is_none_may_be_renamed(tmp_path):
    text = "a B-\u200b\n"
    with pytest.raises(HallucError, match="a label without visible characters"):
        conll(tmp_path, text)
    assert conll(tmp_path, text, rename_labels={"\u200b": "X"}).splits["train"].examples[0].spans == (Span(0, 1, "X"),)
    with pytest.raises(ValueError, match="rename_labels"):
        conll(tmp_path, text, rename_labels={"\u200b": "\u200b"})


@pytest.mark.parametrize(
    ("keys", "code", "message"),
    [
        ("scheme: iob3", "C103", '`data.scheme` cannot be "iob3"'),
        ("scheme: 3", "C103", "`data.scheme` cannot be 3"),
        ("scheme: {dev: iob3}", "C103", '`data.scheme.dev` cannot be "iob3"'),
        ("scheme: {valid: iob1}", "C101", "unknown key `data.scheme.valid`"),
        (
            "rename_labels: {MISC: O}",
            "C106",
            "`data.rename_labels.MISC: O` is not a label: use null to remove its mentions",
        ),
        ("rename_labels: {MISC: ''}", "C105", "`data.rename_labels.MISC` must not be empty"),
        ("outside_tags: []", "C105", "`data.outside_tags`"),
        ("outside_tags: [O, O]", "C106", "`data.outside_tags`: it has O more than once"),
        ("label: ''", "C105", "`data.label` must not be empty"),
    ],
)
def test_a_mistake_in_a_key_is_reported_by_its_name(tmp_path, keys, code, message):
    path = tmp_path / "c.yaml"
    start = "name: x\ntask: {type: token_classification}\nmodel: {name: m}\n"
    path.write_text(f"{start}data: {{format: conll, train: t, {keys}}}\n")
    with pytest.raises(HallucError) as caught:
        load(path, table=TABLE)
    assert (caught.value.code, caught.value.message[: len(message)]) == (code, message)


def test_labels_with_blanks_are_written_and_read_back(tmp_path):
    found = conll(tmp_path, "Oslo\tB-Drug Name\nx\tI-Drug Name\n", separator="tab").splits["train"]
    assert found.examples[0].spans == (Span(0, 2, "Drug Name"),)
    write_conll(tmp_path / "out.conll", found)
    assert (tmp_path / "out.conll").read_text() == "Oslo\tB-Drug Name\nx\tI-Drug Name\n\n"


def test_the_record_of_splits_with_several_schemes_is_read_by_reports(tmp_path):
    (tmp_path / "test.conll").write_text("a I-X\nb O\n")
    found = conll(tmp_path, "a B-X\nb O\n", test=str(tmp_path / "test.conll"))
    record = check_corpora(found, WORDS)
    assert (record.scheme, record.schemes) == (None, {"train": "iob2", "test": "iob1"})
    write_line(tmp_path / "data.json", record)
    assert read_data(tmp_path / "data.json") == record
