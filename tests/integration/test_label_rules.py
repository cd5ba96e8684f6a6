"""The same rules for labels in every format of a corpus, in models, configs and augmented corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from halluc.components import TABLE
from halluc.core import labels
from halluc.core.characters import printable_cell
from halluc.core.errors import EXIT_DATA, EXIT_USAGE, HallucError
from halluc.core.examples import Span
from halluc.core.labels import label_fault
from halluc.data.corpora import read_corpora, stream_corpora
from halluc.tasks.label_names import output_labels, output_tags
from halluc.tasks.token_classification.reading.config import SpansConfig
from tests.hostile_texts import REFUSED_LABELS, acting

# What a line of columns can hold.
IN_COLUMNS = [label for label in REFUSED_LABELS if not set(label) & set("\n\r")]


def config_of(folder: Path, data: dict[str, Any], more: str = "", task: str = "token_classification") -> Path:
    path = folder / "c.yaml"
    text = f"name: labels\ntask: {{type: {task}}}\nmodel: {{name: made/encoder}}\ndata: {json.dumps(data)}\n{more}"
    path.write_text(text, encoding="utf-8")
    return path


def in_spans(label: str) -> str:
    return json.dumps({"tokens": ["Anna", "won"], "spans": [[0, 1, label]]}) + "\n"


def in_tags(label: str) -> str:
    return json.dumps({"tokens": ["Anna", "won"], "tags": [f"B-{label}", "O"]}) + "\n"


def in_text(label: str) -> str:
    return json.dumps({"text": "Anna won", "spans": [{"start": 0, "end": 4, "label": label}]}) + "\n"


def in_mapping(label: str) -> str:
    return json.dumps({"text": "Anna won", "spans": {label: {"Anna": [[0, 4]]}}}) + "\n"


def in_columns(label: str) -> str:
    return f"Anna\tB-{label}\nwon\tO\n\n"


@pytest.mark.parametrize("form", [in_spans, in_tags, in_text, in_mapping])
@pytest.mark.parametrize("label", REFUSED_LABELS)
def test_check_refuses_it_in_json_lines(halluc, tmp_path, form, label):
    (tmp_path / "d.jsonl").write_text(form("PER") + form(label), encoding="utf-8")
    refused(halluc("check", config_of(tmp_path, {"format": "jsonl", "train": str(tmp_path / "d.jsonl")})), label, 2)


@pytest.mark.parametrize("label", IN_COLUMNS)
def test_check_refuses_it_in_columns(halluc, tmp_path, label):
    (tmp_path / "d.conll").write_text(in_columns("PER") + in_columns(label), encoding="utf-8")
    data = {"format": "conll", "separator": "tab", "train": str(tmp_path / "d.conll")}
    refused(halluc("check", config_of(tmp_path, data)), label, 4)


@pytest.mark.parametrize("label", [label for label in REFUSED_LABELS if "\x00" not in label])
def test_check_refuses_it_of_texts(halluc, tmp_path, label):
    lines = [json.dumps({"text": "a b", "label": one}) + "\n" for one in ("ask", label)]
    (tmp_path / "d.jsonl").write_text("".join(lines), encoding="utf-8")
    data = {"format": "texts", "train": str(tmp_path / "d.jsonl")}
    refused(halluc("check", config_of(tmp_path, data, task="text_classification")), label, 2)


def refused(outcome, label: str, line: int) -> None:
    assert outcome.code == EXIT_DATA, outcome.err
    assert f"error[D123]: {label_fault(label)}" in outcome.err
    assert f":{line}" in outcome.err.splitlines()[1]
    assert "= help: " in outcome.err
    assert not acting(outcome.out + outcome.err)
    assert len(outcome.err) < 1_500


def test_bad_labels_of_one_kind_are_one_error_with_the_place_of_the_first(halluc, tmp_path):
    bad = [f"L{number}\x9b" for number in range(30)]
    (tmp_path / "d.jsonl").write_text("".join(map(in_spans, ["PER", *bad, *bad])), encoding="utf-8")
    told = halluc("check", config_of(tmp_path, {"format": "jsonl", "train": str(tmp_path / "d.jsonl")})).err
    assert [told.count(f"`{printable_cell(label)}`") for label in bad] == [1] + [0] * 29
    assert f"(30 lines: also {tmp_path / 'd.jsonl'}:3, {tmp_path / 'd.jsonl'}:4 and 27 more)" in told
    assert f"{tmp_path / 'd.jsonl'}:2\n" in told


def test_a_long_label_names_the_key_to_look_at(tmp_path):
    (tmp_path / "d.conll").write_text(in_columns("y" * 5_000), encoding="utf-8")
    for streamed in (False, True):
        with pytest.raises(HallucError) as caught:
            read(tmp_path / "d.conll", streamed=streamed)
        assert caught.value.message == f"a label with 5,000 characters: `{'y' * 53}…{'y' * 26}`"
        assert caught.value.help == "check whether this is the label: see `data.tag_column`"
        assert (caught.value.where.line, caught.value.where.column) == (1, len("Anna\tB-") + 1)


def read(path: Path, *, streamed: bool = False, **keys: Any) -> list[Any]:
    config = SpansConfig(format="conll", separator="tab", train=str(path), **keys)
    splits = stream_corpora(config, TABLE) if streamed else read_corpora(config, TABLE).splits
    return list(splits["train"])


@pytest.mark.parametrize("streamed", [False, True])
def test_sentences_with_bad_labels_are_left_out_where_the_config_says_so(tmp_path, streamed):
    lines = in_columns("PER") + 2 * in_columns("\u202eREP") + in_columns("LOC")
    (tmp_path / "d.conll").write_text(lines, encoding="utf-8")
    kept = read(tmp_path / "d.conll", streamed=streamed, on_bad_line="skip")
    assert [example.spans for example in kept] == [(Span(0, 1, "PER"),), (Span(0, 1, "LOC"),)]


def test_each_sentence_that_is_left_out_is_reported(halluc, tmp_path):
    (tmp_path / "d.conll").write_text(in_columns("PER") + 3 * in_columns("\u202eREP"), encoding="utf-8")
    data = {"format": "conll", "separator": "tab", "train": str(tmp_path / "d.conll"), "on_bad_line": "skip"}
    outcome = halluc("check", config_of(tmp_path, data))
    assert outcome.code == 0, outcome.err
    first = f"{tmp_path / 'd.conll'}:4: the control character U+202E in a label: `\\u202eREP`"
    assert f"warning: 3 lines were skipped (first: {first})" in outcome.err


def test_each_distinct_label_is_looked_at_once(tmp_path):
    labels._fault.cache_clear()
    (tmp_path / "d.conll").write_text(500 * (in_columns("PER") + in_columns("LOC")), encoding="utf-8")
    assert len(read(tmp_path / "d.conll")) == 1_000
    assert labels._fault.cache_info().misses == 2


@pytest.mark.parametrize("label", REFUSED_LABELS)
def test_the_labels_of_a_model_follow_the_rule(label):
    for named, outputs in ((output_tags, ["O", f"B-{label}", f"I-{label}"]), (output_labels, ["ask", label])):
        with pytest.raises(HallucError) as caught:
            named(outputs, {})
        assert caught.value.message == f"the model has {label_fault(label)}"
        assert "`id2label`" in caught.value.help and "`eval.labels`" in caught.value.help
    assert output_tags(["O", f"B-{label}"], {label: "PER"}) == ("O", "B-PER")
    assert output_labels(["ask", label], {label: None}) == ("ask", None)


def test_a_name_for_a_label_of_a_model_follows_the_rule(halluc, tmp_path):
    (tmp_path / "d.jsonl").write_text(in_spans("PER"), encoding="utf-8")
    data = {"format": "jsonl", "train": str(tmp_path / "d.jsonl")}
    config = config_of(tmp_path, data, f"eval: {{labels: {json.dumps({'PERSON': chr(0x202E) + 'REP'})}}}\n")
    outcome = halluc("check", config)
    assert outcome.code == EXIT_USAGE
    assert "the control character U+202E in a label: `\\u202eREP`" in outcome.err
    assert f"{config}:5" in outcome.err


def test_the_name_of_what_is_out_of_scope_follows_the_rule(halluc, tmp_path):
    data = {"format": "texts", "train": "d.csv", "out_of_scope_label": "o\u2066os"}
    outcome = halluc("check", config_of(tmp_path, data, task="text_classification"))
    assert outcome.code == EXIT_USAGE
    assert "the control character U+2066 in a label: `o\\u2066os`" in outcome.err
