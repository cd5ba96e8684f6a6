"""Readings that are doubtful are refused or reported: exchanged columns, headers, offsets that fit two ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import HallucError
from halluc.data.corpora import Corpora, read_corpora

SPANS, TEXTS = "token_classification", "text_classification"


def read(folder: Path, task: str, content: str, name: str = "corpus", **keys: Any) -> Corpora:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_corpora(registry.load(TABLE, "reader", task).Config(train=str(path), **keys), TABLE)


def notices(found: Corpora) -> str:
    return "; ".join(one.what for one in found.notices)


def records(*given: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in given)


def entities(found: Corpora) -> list[tuple[int, int, str]]:
    return [tuple(span) for example in found.splits["train"].examples for span in example.spans]


# --- texts


@pytest.mark.parametrize("wrap", [json.dumps, lambda rows: records(*rows)])
def test_lists_of_label_and_text_are_reported_and_can_be_read(tmp_path, wrap):
    rows = [["pos", "a fine and long day"], ["neg", "it was late again"], ["pos", "what a day"]]
    found = read(tmp_path, TEXTS, wrap(rows))
    assert "`data.text_field: 1` and `data.label_field: 0`" in notices(found)
    found = read(tmp_path, TEXTS, wrap(rows), text_field=1, label_field=0)
    assert found.splits["train"].examples[0].labels == ("pos",)
    assert not found.notices
    assert not read(tmp_path, TEXTS, wrap([row[::-1] for row in rows])).notices


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("label text\npos a day\n", {}),
        ("Label Sentence\npos a day\n", {}),
        ("text,label\na day,pos\n", {"format": "csv", "text_field": 0, "label_field": 1}),
        ('[["text", "label"], ["a day", "pos"]]', {}),
    ],
)
def test_a_header_is_no_text(tmp_path, content, keys):
    with pytest.raises(HallucError, match="the first row is a header") as caught:
        read(tmp_path, TEXTS, content, **keys)
    assert caught.value.code == "D116"


def test_a_table_that_is_read_as_lines_is_reported(tmp_path):
    told = '`data.format: csv` and `data.delimiter: ","`'
    assert told in notices(read(tmp_path, TEXTS, '"web","a day","pos"\n"app","it was late","neg"\n'))
    rows = "".join(f"the day {n},no day,{'pos' if n % 2 else 'neg'} s\n" for n in range(5))
    assert told in notices(read(tmp_path, TEXTS, rows))
    assert not read(tmp_path, TEXTS, "pos a day, and another\nneg it was late\n" * 3).notices


def test_a_label_with_a_blank_on_a_line_is_reported(tmp_path):
    lines = "".join(f"top up how do I {n}\ncard where is it {n}\n" for n in "abcde")
    assert "each text of the label `top` starts with `up`" in notices(read(tmp_path, TEXTS, lines))


def test_a_table_without_a_header_is_refused_with_the_keys(tmp_path):
    with pytest.raises(HallucError) as caught:
        read(tmp_path, TEXTS, "ham\tsee you then\nspam\tfree entry\n", "sms.tsv")
    assert "set columns by number, for example `data.text_field: 1`, `data.label_field: 0`" in str(caught.value.help)


# --- spans

WORDS = ["Ann", "Holm", "likes", "Oslo"]
TEXT = " ".join(WORDS)


@pytest.mark.parametrize("name", ["sentence", "content", "raw"])
def test_the_text_of_a_record_with_tokens_is_recognised_by_its_content(tmp_path, name):
    other = {"title": "News", name: TEXT, "tokens": WORDS, "spans": [[0, 3, "PER"], [15, 19, "LOC"]]}
    found = read(tmp_path, SPANS, records(other))
    assert entities(found) == [(0, 1, "PER"), (3, 4, "LOC")]
    assert f"text: `{name}`" in found.mappings["train"]
    assert "offsets count characters from 0, ends exclusive" in found.mappings["train"]


def test_a_text_is_not_read_as_tags(tmp_path):
    found = read(tmp_path, SPANS, records({"sentence": ") O", "words": [")", "O"], "labels": [[0, 1, "X"]]}))
    assert entities(found) == [(0, 1, "X")]


def test_offsets_that_fit_in_two_ways_are_reported(tmp_path):
    content = records({"text": "ab cd", "spans": [[0, 1, "X"], [3, 4, "Y"]]})
    told = notices(read(tmp_path, SPANS, content, tokenize="characters"))
    assert "`data.span_end: inclusive`" in told
    assert "`data.span_base: 1`" not in told, "a span starts at 0"
    assert not read(tmp_path, SPANS, content, tokenize="characters", span_end="exclusive").notices
    other = records({"text": "é é b c", "spans": [[6, 7, "X"]]})  # `c`, or in bytes `b`
    assert "`data.span_unit: bytes`" in notices(read(tmp_path, SPANS, other))


@pytest.mark.parametrize(
    ("span", "base", "told"),
    [([1, 3], 0, "`data.span_end: inclusive`"), ([1, 2], 1, "`data.span_base: 1`"), ([0, 1], 0, ""), ([2, 4], 0, "")],
)
def test_offsets_in_tokens_that_no_corpus_has_are_reported(tmp_path, span, base, told):
    rows = [{"tokens": [*WORDS, "."], "spans": [[*span, "X"]]} for _ in range(40)]
    if span == [2, 4]:  # the first token, and spans of one token
        rows += [{"tokens": WORDS, "spans": [[0, 1, "X"]]}]
    found = notices(read(tmp_path, SPANS, records(*rows)))
    assert told in found
    assert bool(found) == bool(told)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("1 Ann B-PER\n2 likes O\n\n1 Oslo B-LOC\n\n", "may count words"),
        ("0 Ann B-PER\n0 likes O\n\n1 Oslo B-LOC\n\n", "may count sentences"),
        ("token tag\nAnn PER\nlikes O\n\n", "the first line is a header"),
        ("id word ner\n1 Ann PER\n2 likes O\n\n", "the first line is a header"),
        ("B-PER Ann\nO likes\n\n", "every token looks like a tag"),
    ],
)
def test_other_columns_are_not_read_as_tokens(tmp_path, content, told):
    with pytest.raises(HallucError, match=told) as caught:
        read(tmp_path, SPANS, content, format="conll")
    assert caught.value.code == "D121"
    assert "`data." in str(caught.value.help)


def test_numbers_are_tokens_where_the_config_says_so(tmp_path):
    found = read(tmp_path, SPANS, "12 B-X\n13 O\n\n", format="conll", token_column=0)
    assert found.splits["train"].examples[0].tokens == ("12", "13")


def test_a_file_without_blank_lines_is_reported(tmp_path):
    told = "a blank line ends a sentence"
    sentence = "Ann B-PER\nlikes O\nOslo B-LOC\n. O\n"
    assert told in notices(read(tmp_path, SPANS, sentence * 4, format="conll"))
    assert told in notices(read(tmp_path, SPANS, "a O\nb B-X\n" * 200, format="conll"))
    assert not read(tmp_path, SPANS, (sentence + "\n") * 4, format="conll").notices


# --- found with corpora made from a seed


@pytest.mark.parametrize("preset", [None, "brat"])
def test_an_encoding_that_begins_with_no_mark_is_an_error(tmp_path, preset):
    if preset == "brat":
        (tmp_path / "corpus.ann").write_text("")
    with pytest.raises(HallucError) as caught:
        read(tmp_path, SPANS, "Ann B-PER\n\n", "corpus.txt", preset=preset, encoding="utf-16")
    assert (caught.value.code, caught.value.exit_code) == ("D104", 3)


def test_a_column_that_the_header_has_not_is_broken_data(tmp_path):
    with pytest.raises(HallucError) as caught:
        read(tmp_path, SPANS, "Sentence #,Word\nSentence: 1,Ann\n", preset="kaggle_ner")
    assert (caught.value.code, caught.value.exit_code) == ("D116", 3)


# --- labels of texts


@pytest.mark.parametrize(
    ("labels", "separator"),
    [
        (["late|broken", "late", "broken"], "|"),
        (["late;broken", "late"], ";"),
        (['"late, broken"', "late"], ","),
        (["late|broken", "late|lost"], "|"),
        (["late|broken", "track"], None),
        (["late|", "late"], None),
    ],
)
def test_several_labels_in_a_cell_are_reported(tmp_path, labels, separator):
    content = "text,label\n" + "".join(f"the day {at},{label}\n" for at, label in enumerate(labels))
    told = notices(read(tmp_path, TEXTS, content, "c.csv"))
    assert told.endswith(f'set `data.multi_separator: "{separator}"`') if separator else not told
    if separator:
        found = read(tmp_path, TEXTS, content, "c.csv", multi_separator=separator)
        assert not found.notices
        assert len(found.splits["train"].examples[0].labels) == 2
        rows = records(*({"text": "a day", "label": [label]} for label in labels))
        assert not read(tmp_path, TEXTS, rows).notices


@pytest.mark.parametrize("missing", ["NaN", "nan", "None", "null", "N/A"])
def test_a_label_that_may_be_a_missing_value_is_reported(tmp_path, missing):
    content = f"text,label\na day,late\nwhat now,{missing}\n"
    assert notices(read(tmp_path, TEXTS, content, "c.csv")).endswith(f'set `data.no_label: ["{missing}"]`')
    found = read(tmp_path, TEXTS, content, "c.csv", no_label=[missing])
    assert not found.notices
    assert [one.labels for one in found.splits["train"].examples] == [("late",)]
    assert not read(tmp_path, TEXTS, content, "c.csv", out_of_scope_label=missing).notices


# --- tables


def test_a_row_of_empty_cells_ends_a_sentence(tmp_path):
    content = "Harry,B-PER\nlives,O\n,\nin,O\nRome,B-LOC\n , \nnow,O\n"
    keys = {"format": "conll", "separator": ","}
    sentences = [example.tokens for example in read(tmp_path, SPANS, content, **keys).splits["train"].examples]
    assert sentences == [("Harry", "lives"), ("in", "Rome"), ("now",)]
    comma = read(tmp_path, SPANS, 'Harry,B-PER\n",",O\nRome,B-LOC\n', **keys).splits["train"].examples
    assert [example.tokens for example in comma] == [("Harry", ",", "Rome")]


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("Harry,B-PER\nlives,O\nin,O\n", 'format: conll, separator: ","'),
        ("0,Harry,B-PER\n0,lives,O\n1,in,O\n", 'format: conll, separator: ",", sentence_column: 0, token_column: 1'),
        ("0,Harry,B-PER\n1,lives,O\n0,in,O\n", 'format: conll, separator: ",", token_column: 1'),
        ("Word;Tag\nHarry;B-PER\nlives;O\nin;O\n", 'format: conll, separator: ";", header: true'),
    ],
)
def test_a_table_of_a_token_a_row_is_refused_with_the_keys_that_read_it(tmp_path, content, keys):
    with pytest.raises(HallucError, match="each row has one token") as caught:
        read(tmp_path, SPANS, content, "c.csv")
    assert caught.value.help == f"set {', '.join(f'`data.{key}`' for key in keys.split(', '))}"
    found = read(tmp_path, SPANS, content, "c.csv", **yaml.safe_load(f"{{{keys}}}"))
    assert " ".join(" ".join(one.tokens) for one in found.splits["train"].examples) == "Harry lives in"


def test_records_of_a_token_are_refused_with_what_to_write(tmp_path):
    content = records({"word": "Harry", "tag": "B-PER"}, {"word": "lives", "tag": "O"})
    with pytest.raises(HallucError, match="each row has one token") as caught:
        read(tmp_path, SPANS, content, "c.jsonl")
    assert caught.value.help == "write a record for each sentence, with the lists `tokens` and `tags`"


@pytest.mark.parametrize(
    ("content", "text", "label"),
    [
        ("Where is my parcel?;track;web\nI want money back;refund;app\n", 0, 1),
        ('3,"Wall St. falls","Sellers are here"\n4,"Oil soars","They do so"\n', 2, 0),
        ("a good one,pos\na day,neg\n", 0, 1),
    ],
)
def test_a_table_without_a_header_is_refused_with_numbers(tmp_path, content, text, label):
    with pytest.raises(HallucError, match="several could be the text") as caught:
        read(tmp_path, TEXTS, content, "c.csv")
    assert f"for example `data.text_field: {text}`, `data.label_field: {label}`" in (caught.value.help or "")
    found = read(tmp_path, TEXTS, content, "c.csv", text_field=text, label_field=label)
    assert len(found.splits["train"].examples) == 2


def test_the_old_format_of_texts_is_none_of_token_classification(tmp_path):
    with pytest.raises(ValidationError, match=r"an old name of `auto` under `task\.type: text_classification`"):
        read(tmp_path, SPANS, "a O\n", format="texts")


def test_an_unknown_unit_is_reported_once(tmp_path):
    with pytest.raises(ValidationError) as caught:
        read(tmp_path, SPANS, "a O\n", span_unit="chars")
    assert len(caught.value.errors()) == 1
    assert "'auto', 'characters', 'tokens', 'utf16' or 'bytes'" in str(caught.value)
