"""Reading pairs with their relation: every form with the values that it must give, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.errors import EXIT_DATA, HallucError, ManyErrors
from halluc.core.examples import Span
from halluc.data.corpora import read_corpora
from halluc.data.rows.row import Row, Unreadable
from halluc.tasks.relation_extraction.reading.config import RelationsConfig
from halluc.tasks.relation_extraction.reading.reader import RelationsReader

SEMEVAL = (
    '1\t"The farm sells its honey with a hand-painted <e1>picture</e1> of garden '
    '<e2>flowers</e2>."\nComponent-Whole(e2,e1)\nComment: Not a collection\n\n'
    '2\t"The <e1>gardener</e1> came early and leaned on the <e2>fence</e2> for an hour."\nOther\n'
    "Comment:\n\n"
)
# Of every form: the file, its text, the keys of `data`, and head, tail, their types and the relation of each example.
WORKS = ("Anna Berg", "Acme", "", "", "works_for")
TYPED = ("Anna Berg", "Acme", "PER", "ORG", "works_for")
RECORD = {"text": "Anna Berg runs Acme.", "head": [0, 9], "tail": [15, 19], "relation": "works_for"}
TOKENS = ["Anna", "Berg", "runs", "Acme", "."]


def lines(*records: object) -> str:
    return "\n".join(map(json.dumps, records)) + "\n"


TACRED = {
    "id": "61b3", "token": TOKENS, "subj_start": 0, "subj_end": 1, "obj_start": 3, "obj_end": 3,
    "subj_type": "PER", "obj_type": "ORG", "relation": "works_for",
}  # fmt: skip
OPENNRE = {
    "text": RECORD["text"], "relation": "works_for", "h": {"name": "Anna Berg", "id": "Q1", "pos": [0, 9]},
    "t": {"name": "Acme", "id": "Q2", "pos": [15, 19]},
}  # fmt: skip
MARKED = "<e1>Anna Berg</e1> runs <e2>Acme</e2>."
FORMS = {
    "semeval": (
        "train.txt",
        SEMEVAL,
        {},
        [
            ("picture", "flowers", "", "", "Component-Whole(e2,e1)"),
            ("gardener", "fence", "", "", None),
        ],
    ),
    "characters": ("a.jsonl", lines(RECORD), {}, [WORKS]),
    "typed": (
        "a.jsonl",
        lines({**RECORD, "head": {"start": 0, "end": 9, "label": "PER"}, "tail": [15, 19, "ORG"]}),
        {},
        [TYPED],
    ),
    "tokens": ("a.jsonl", lines({**RECORD, "tokens": TOKENS, "head": [0, 2], "tail": [3, 4]}), {}, [WORKS]),
    "tacred": ("a.json", json.dumps([TACRED, {**TACRED, "id": "2", "relation": "no_relation"}]), {}, [
        TYPED, ("Anna Berg", "Acme", "PER", "ORG", None),
    ]),
    "opennre": ("a.jsonl", lines(OPENNRE, {**OPENNRE, "relation": "NA"}), {}, [
        WORKS, ("Anna Berg", "Acme", "", "", None),
    ]),
    "marked": ("a.jsonl", lines({"sentence": MARKED, "relation": "works_for"}), {}, [WORKS]),
    "tail first": ("a.jsonl", lines({"text": "<e2>Acme</e2> pays <e1>Anna Berg</e1>.", "label": "works_for"}), {}, [
        WORKS,
    ]),
    "csv": ("a.csv", f'text,relation\n"{MARKED}",works_for\n"{MARKED}",none\n', {}, [
        WORKS, ("Anna Berg", "Acme", "", "", None),
    ]),
    "numbers": ("a.jsonl", lines({"sentence": MARKED, "relation": 1}), {"label_names": ["none", "works_for"]}, [
        WORKS,
    ]),
    "own fields": (
        "a.jsonl",
        lines({"s": RECORD["text"], "x": {"a": [0, 9]}, "y": [15, 19], "r": "works_for"}),
        {"text_field": "s", "head_field": "x.a", "tail_field": "y", "label_field": "r"},
        [WORKS],
    ),
    "none labels": ("a.jsonl", lines({**RECORD, "relation": "nix"}), {"none_labels": ["nix"]}, [
        ("Anna Berg", "Acme", "", "", None),
    ]),
    "null": ("a.jsonl", lines({**RECORD, "relation": None}), {}, [("Anna Berg", "Acme", "", "", None)]),
    # `Other` means none in marked text alone, as SemEval-2010 has it.
    "other": ("a.jsonl", lines({**RECORD, "relation": "Other"}), {}, [("Anna Berg", "Acme", "", "", "Other")]),
    "marked other": ("a.jsonl", lines({"text": MARKED, "relation": "Other"}), {}, [
        ("Anna Berg", "Acme", "", "", None),
    ]),
}  # fmt: skip


def read(folder: Path, file: str, text: str, **keys):
    path = folder / file
    path.write_text(text, encoding="utf-8")
    return read_corpora(RelationsConfig(train=str(path), **keys), TABLE)


def told(example):
    return (*example.surfaces, example.head.label, example.tail.label, example.relation)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_head_tail_types_and_relation(tmp_path, form):
    file, text, keys, expected = FORMS[form]
    assert [told(example) for example in read(tmp_path, file, text, **keys).splits["train"]] == expected


def test_ids_lines_and_tokens_are_those_of_the_file(tmp_path):
    first, second = read(tmp_path, "train.txt", SEMEVAL).splits["train"]
    assert (first.id, first.origin.line, second.id, second.origin.line) == ("1", 1, "2", 5)
    assert first.tokens[-6:] == ("painted", "picture", "of", "garden", "flowers", ".")
    (tacred,) = read(tmp_path, "a.jsonl", lines(TACRED)).splits["train"]
    assert (tacred.id, tacred.tokens, tacred.head, tacred.tail) == (
        "61b3", tuple(TOKENS), Span(0, 2, "PER"), Span(3, 4, "ORG"),
    )  # fmt: skip


def test_a_token_never_crosses_the_border_of_head_or_tail(tmp_path):
    record = {"text": "the US-based firm", "head": [4, 6], "tail": [13, 17], "relation": "x"}
    (example,) = read(tmp_path, "a.jsonl", lines(record)).splits["train"]
    assert example.surfaces == ("US", "firm")
    assert "".join(example.tokens) == "theUS-basedfirm"


def test_what_is_read_is_reported(tmp_path):
    assert read(tmp_path, "train.txt", SEMEVAL).mappings["train"] == (
        "sentence with <e1> and <e2>, head and tail from marks in the text, relation from the next line"
    )
    assert read(tmp_path, "a.jsonl", lines(TACRED)).mappings["train"] == (
        "tokens from `token`, head and tail from `subj_…` and `obj_…`, relation from `relation`"
    )


BROKEN = {
    "no mark": ("a.jsonl", lines({"text": "Anna runs Acme", "relation": "x"}), {}, 1, "D107", "has no marks", "<e1>"),
    "half marked": ("a.jsonl", lines({"text": "<e1>Anna</e1> runs <e2>Acme", "relation": "x"}), {}, 1, "D107",
                    "head and tail are not marked", "mark each once"),
    "twice": ("a.jsonl", lines({"text": "<e1>A</e1> <e1>B</e1> <e2>C</e2>", "relation": "x"}), {}, 1, "D107",
              "not marked", "mark each once"),
    "outside": ("a.jsonl", lines(RECORD, {**RECORD, "tail": [15, 99]}), {}, 2, "D109",
                "the tail is 15 to 99, but there are 20 characters", "count from 0"),
    "overlap": ("a.jsonl", lines({**RECORD, "tail": [5, 12]}), {}, 1, "D111", "head and tail overlap", "fix it"),
    "empty": ("a.jsonl", lines({**RECORD, "head": [4, 4]}), {}, 1, "D109", "the head is 4 to 4", "end is exclusive"),
    "blank": ("a.jsonl", lines({**RECORD, "head": [4, 5]}), {}, 1, "D109", "the head has no visible", "fix it"),
    "no tail": ("a.jsonl", lines({"text": "A b", "head": [0, 1], "relation": "x"}), {}, 1, "D107",
                "the row has no tail", "data.tail_field"),
    "odd range": ("a.jsonl", lines({**RECORD, "head": "Anna"}), {}, 1, "D107", "the head is not a range", "{start"),
    "no relation": ("a.jsonl", lines({"text": "A b", "head": [0, 1], "tail": [2, 3]}), {}, 1, "D107",
                    "no field `relation`", "data.label_field"),
    "list": ("a.jsonl", lines({**RECORD, "relation": ["x", "y"]}), {}, 1, "D107", "not a string", "data.label_field"),
    "number": ("a.jsonl", lines({**RECORD, "relation": 3}), {"label_names": ["x"]}, 1, "D107",
               "the relation is the number 3", "data.label_names"),
    "reserved": ("a.jsonl", lines({**RECORD, "relation": "no_relation"}), {"none_labels": ["x"]}, 1, "D137",
                 "reserved for 'no relation'", "data.none_labels"),
    "control": ("a.jsonl", lines({**RECORD, "relation": "a\u0007"}), {}, 1, "D123", "control character", "fix it"),
    "type": ("a.jsonl", lines({**RECORD, "head": [0, 9, "a\u0007"]}), {}, 1, "D123", "the head has", "fix it"),
    "tokens": ("a.jsonl", lines({**TACRED, "token": ["a", 1]}), {}, 1, "D107", "not a list of strings",
               "list of words"),
    "tacred": ("a.jsonl", lines({**TACRED, "obj_end": "3"}), {}, 1, "D107", "not whole numbers", "fix it"),
    "empty text": ("a.jsonl", lines({**RECORD, "text": " "}), {}, 1, "D106", "an empty sentence", "fix it"),
    "no text": ("a.jsonl", lines({"head": [0, 1], "tail": [2, 3], "relation": "x"}), {}, 1, "D107", "no field `text`",
                "data.text_field"),
    "semeval without relation": ("train.txt", SEMEVAL + '3\t"<e1>a</e1> <e2>b</e2>"\n', {}, 9, "D107",
                                 "without a relation on the next line", "fix it"),
    "semeval prose": ("train.txt", SEMEVAL + "prose\n", {}, 9, "D107", "neither a numbered sentence", "SemEval-2010"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_reported_with_its_line_and_what_to_do(tmp_path, case):
    file, text, keys, line, code, message, help = BROKEN[case]
    with pytest.raises(HallucError) as caught:
        read(tmp_path, file, text, **keys)
    error = caught.value.errors[0] if isinstance(caught.value, ManyErrors) else caught.value
    assert (error.code, error.where.line, error.exit_code) == (code, line, EXIT_DATA)
    assert message in error.message
    assert help in error.help


def test_broken_rows_may_be_skipped(tmp_path):
    found = read(tmp_path, "a.jsonl", lines({**RECORD, "head": "?"}, RECORD), on_bad_line="skip")
    assert [told(example) for example in found.splits["train"]] == [WORKS]
    assert [bad.line for bad in found.skipped] == [1]


def test_a_sentence_to_predict_on_keeps_its_text_and_needs_no_relation():
    reader = RelationsReader(RelationsConfig.model_construct())
    text = reader.input_of(Row("f", 3, {"text": MARKED}))
    assert (text.text, text.id, text.details) == ("Anna Berg runs Acme.", "line-3", (Span(0, 2, ""), Span(3, 4, "")))
    assert [text.characters(span) for span in text.details] == [(0, 9), (15, 19)]
    assert reader.input_of(Row("f", 4, {"text": " "})).tokens == ()


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>"), max_size=9), min_size=5,
             max_size=5),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=80)
def test_marks_and_ranges_of_characters_say_the_same(parts, tail_first):
    before, one, between, two, behind = parts
    marks = ("e2", "e1") if tail_first else ("e1", "e2")
    marked = f"{before}<{marks[0]}>{one}</{marks[0]}>{between}<{marks[1]}>{two}</{marks[1]}>{behind}"
    starts = (len(before), len(before) + len(one) + len(between))
    ranges = [[starts[0], starts[0] + len(one)], [starts[1], starts[1] + len(two)]]
    head, tail = reversed(ranges) if tail_first else ranges
    rows = [{"text": marked}, {"text": "".join(parts), "head": head, "tail": tail}]
    found = []
    for row in rows:
        try:
            found.append(RelationsReader(RelationsConfig.model_construct()).pair(Row("f", 1, row))._replace(mapping=""))
        except Unreadable:
            found.append(None)
    assert found[0] == found[1]
