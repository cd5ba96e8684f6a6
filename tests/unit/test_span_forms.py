"""Tokens, tags and spans in the forms in which people have them: each is read right, or refused with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.errors import HallucError, ManyErrors
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.rows.row import LeftOut, Notice, Row, Unreadable
from halluc.tasks.token_classification.reading import presets
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.reader import SpansReader
from halluc.tasks.token_classification.tagged_sentence import RawSentence

TEXT = "Ann Holm likes Oslo."
BOTH = [("Ann Holm", "PER"), ("Oslo", "LOC")]
EMOJI = "😀 Zoë Ek in Nîmes 👩‍👩‍👧 now"
THERE = [("Zoë Ek", "PER"), ("Nîmes", "LOC")]


def corpora(folder: Path, records: list[object] | str, name: str = "t.jsonl", **keys: object) -> Corpora:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(records if isinstance(records, str) else "\n".join(map(json.dumps, records)), encoding="utf-8")
    return read_corpora(SpansConfig(train=str(file), **keys), TABLE)


def mentions(found: Corpora) -> list[list[tuple[str, str]]]:
    """Surface and label of the spans of each example."""
    return [
        [(" ".join(one.tokens[span.start : span.end]), span.label) for span in one.spans]
        for one in found.splits["train"].examples
    ]


def read(
    folder: Path, records: list[object] | str, name: str = "t.jsonl", **keys: object
) -> list[list[tuple[str, str]]]:
    return mentions(corpora(folder, records, name, **keys))


def errors(folder: Path, records: list[object] | str, name: str = "t.jsonl", **keys: object) -> list[HallucError]:
    with pytest.raises(HallucError) as caught:
        corpora(folder, records, name, **keys)
    return list(caught.value.errors) if isinstance(caught.value, ManyErrors) else [caught.value]


def error(folder: Path, records: list[object] | str, name: str = "t.jsonl", **keys: object) -> HallucError:
    (one,) = errors(folder, records, name, **keys)
    return one


FORMS = {
    "lists": [[0, 8, "PER"], [15, 19, "LOC"]],
    "lists of numbers as text": [["0", "8", "PER"], ["15", "19", "LOC"]],
    "floats, as pandas writes them": [[0.0, 8.0, "PER"], [15.0, 19.0, "LOC"]],
    "start, end, label": [{"start": 0, "end": 8, "label": "PER"}, {"start": 15, "end": 19, "label": "LOC"}],
    "doccano": [
        {"id": 1, "start_offset": 0, "end_offset": 8, "label": "PER"},
        {"id": 2, "start_offset": 15, "end_offset": 19, "label": "LOC"},
    ],
    "labels": [{"start": 0, "end": 8, "labels": ["PER"]}, {"start": 15, "end": 19, "labels": ["LOC"]}],
    "begin, end, type": [{"begin": 0, "end": 8, "type": "PER"}, {"begin": 15, "end": 19, "type": "LOC"}],
    "entity": [{"start": 0, "end": 8, "entity": "PER"}, {"start": 15, "end": 19, "entity": "LOC"}],
    "entity_group": [
        {"entity_group": "PER", "score": 0.9, "word": "Ann Holm", "start": 0, "end": 8},
        {"entity_group": "LOC", "score": 0.8, "word": "Oslo", "start": 15, "end": 19},
    ],
    "rasa": [
        {"start": 0, "end": 8, "value": "Ann Holm", "entity": "PER"},
        {"start": 15, "end": 19, "value": "Oslo", "entity": "LOC"},
    ],
    "tag": [{"start": "0", "end": "8", "tag": "PER"}, {"start": "15", "end": "19", "tag": "LOC"}],
    "offset and length": [
        {"category": "PER", "offset": 0, "length": 8, "text": "Ann Holm"},
        {"category": "LOC", "offset": 15, "length": 4, "text": "Oslo"},
    ],
    "comprehend": [
        {"BeginOffset": 0, "EndOffset": 8, "Type": "PER", "Text": "Ann Holm"},
        {"BeginOffset": 15, "EndOffset": 19, "Type": "LOC", "Text": "Oslo"},
    ],
    "nested in value": [
        {"id": "a", "type": "labels", "value": {"start": 0, "end": 8, "text": "Ann Holm", "labels": ["PER"]}},
        {"id": "b", "type": "labels", "value": {"start": 15, "end": 19, "text": "Oslo", "labels": ["LOC"]}},
        {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right"},
    ],
    "an object around": {"entities": [[0, 8, "PER"], [15, 19, "LOC"]]},
    "by label and surface": {"PER": {"Ann Holm": [[0, 8]]}, "LOC": {"Oslo": [[15, 19]]}},
    "by label": {"PER": [[0, 8]], "LOC": [[15, 19]]},
    "JSON as text": '[{"start": 0, "end": 8, "label": "PER"}, {"start": 15, "end": 19, "label": "LOC"}]',
    "Python as text": "[(0, 8, 'PER'), (15, 19, 'LOC')]",
    "an object of Python as text": "{'entities': [(0, 8, 'PER'), (15, 19, 'LOC')]}",
    "twice the same": [[0, 8, "PER"], [0, 8, "PER"], [15, 19, "LOC"]],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field", ["spans", "entities", "annotation"])
def test_spans_are_read_in_every_form_whatever_their_field_is_called(tmp_path, form, field):
    assert read(tmp_path, [{"text": TEXT, field: FORMS[form]}]) == [BOTH]


BROKEN = {
    "several labels": ([{"start": 0, "end": 3, "labels": ["PER", "LOC"]}], "has 2 labels: PER, LOC"),
    "no label": ([{"start": 0, "end": 3, "labels": []}], "has no `label`"),
    "no end": ([{"start": 0, "label": "PER"}], "whole numbers"),
    "a path of HTML": ([{"start": "/p[1]/text()[1]", "end": 3, "label": "PER"}], "whole numbers"),
    "a label of blanks": ([[0, 3, " "]], "whole numbers and a label"),
    "a boolean": ([[True, 3, "PER"]], "whole numbers"),
    "half a number": ([[0.5, 3, "PER"]], "whole numbers"),
    "four items": ([[0, 3, "PER", 1]], "neither [start, end, label] nor a mapping"),
    "a list of labels": (["PER"], "neither [start, end, label] nor a mapping"),
    "a text": ("PER", "neither a list nor a mapping"),
    "a mapping of labels": ({"PER": [0, 3]}, "no [start, end] pairs"),
}


@pytest.mark.parametrize("form", BROKEN)
def test_values_that_are_not_spans_are_reported(tmp_path, form):
    spans, problem = BROKEN[form]
    one = error(tmp_path, [{"text": TEXT, "spans": spans}])
    assert (one.code, problem in one.message) == ("D107", True), one.message


def test_a_key_names_the_label_where_a_span_has_several_that_could_be(tmp_path):
    records = [{"text": TEXT, "spans": [{"start": 0, "end": 8, "type": "PER", "entity": "Ann Holm"}]}]
    one = error(tmp_path, records)
    assert one.code == "D107" and "`type` and `entity`" in one.message and "data.span_label_field" in one.help
    assert read(tmp_path, records, span_label_field="type") == [[("Ann Holm", "PER")]]


TOKENS = ["Ann", "Holm", "likes", "Oslo"]
TAGS = ["B-PER", "I-PER", "O", "B-LOC"]
NAMES = ["O", "B-PER", "I-PER", "B-LOC"]
TAGGED = {
    "lists": ({"tokens": TOKENS, "tags": TAGS}, {}),
    "the names of the hub": ({"tokens": TOKENS, "ner_tags": TAGS, "pos_tags": ["NN", "NN", "V", "NN"]}, {}),
    "words": ({"id": "1", "words": TOKENS, "ner": TAGS}, {}),
    "objects": ({"tokens": [{"text": token} for token in TOKENS], "tags": TAGS}, {}),
    "objects of words": ({"tokens": [{"word": token, "id": 1} for token in TOKENS], "tags": TAGS}, {}),
    "forms": ({"tokens": [{"form": token} for token in TOKENS], "tags": TAGS}, {}),
    "JSON as text": ({"tokens": json.dumps(TOKENS), "tags": json.dumps(TAGS)}, {}),
    "Python as text": ({"tokens": str(TOKENS), "tags": str(TAGS)}, {}),
    "an array of NumPy as text": ({"tokens": "['Ann' 'Holm'\n 'likes' 'Oslo']", "tags": str(TAGS)}, {}),
    "blanks between": ({"tokens": "Ann Holm likes Oslo", "tags": "B-PER I-PER O B-LOC"}, {}),
    "commas between tags": ({"sentence": "Ann Holm likes Oslo", "word_labels": "B-PER,I-PER,O,B-LOC"}, {}),
    "a text with a list of tags": ({"text": "Ann Holm likes Oslo", "tags": TAGS}, {}),
    "numbers with a list of names": ({"tokens": TOKENS, "tags": [1, 2, 0, 3]}, {"tag_names": NAMES}),
    "numbers with a mapping": ({"tokens": TOKENS, "tags": [1, 2, 0, 3]}, {"tag_names": dict(enumerate(NAMES))}),
    "numbers as text": ({"tokens": TOKENS, "tags": "[1, 2, 0, 3]"}, {"tag_names": NAMES}),
    "an array of numbers": ({"tokens": TOKENS, "tags": "[1 2 0 3]"}, {"tag_names": NAMES}),
    "a path": (
        {"data": {"words": TOKENS}, "gold": [{"tags": TAGS}]},
        {"tokens_field": "data.words", "tags_field": "gold.0.tags"},
    ),
    "a name with a dot": ({"data.words": TOKENS, "tags": TAGS}, {"tokens_field": "data.words"}),
    "named fields": ({"a": TOKENS, "b": TOKENS, "c": TAGS}, {"tokens_field": "a", "tags_field": "c"}),
}  # fmt: skip


@pytest.mark.parametrize("form", TAGGED)
def test_tokens_and_tags_are_read_in_every_form(tmp_path, form):
    record, keys = TAGGED[form]
    assert read(tmp_path, [record], **keys) == [BOTH]


def test_cells_of_csv_hold_lists(tmp_path):
    tokens, tags = """['Ann', 'Holm', 'likes', ""O'Hare""]""", "['B-PER', 'I-PER', 'O', 'B-LOC']"
    table = f'id,tokens,ner_tags\n1,"{tokens}","{tags}"\n'
    assert read(tmp_path, table, "t.csv") == [[("Ann Holm", "PER"), ("O'Hare", "LOC")]]
    span = """{""start"": 0, ""end"": 8, ""text"": ""Ann Holm"", ""labels"": [""PER""]}"""
    table = f'text,label\n"Ann Holm likes Oslo.","[{span}]"\n'
    assert read(tmp_path, table, "t.csv") == [[("Ann Holm", "PER")]]


def test_a_token_a_row_is_no_sentence_a_row(tmp_path):
    one = error(tmp_path, "word,tag\nAnn,B-PER\nHolm,I-PER\nlikes,O\n", "t.csv")
    assert one.code == "D107" and "data.format: conll" in one.help
    one = error(tmp_path, "tokens,tags\nAnn,B-PER\nHolm,I-PER\nlikes,O\n", "t.csv")
    assert one.code == "D107" and "data.format: conll" in one.help


def test_a_token_that_shows_nothing_may_have_any_tag_of_the_outside(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"tokens": ["Ann", "\u200b"], "tags": ["B-PER", "_"]}), encoding="utf-8")
    keys = {"train": str(file), "strip_invisible": True}
    (one,) = read_corpora(SpansConfig(**keys, outside_tags=["O", "_"]), TABLE).splits["train"]
    assert (one.tokens, len(one.spans)) == (("Ann",), 1)
    with pytest.raises(HallucError, match="a token without visible characters has the tag _"):
        read_corpora(SpansConfig(**keys), TABLE)


WRONG_TAGS = {
    "fewer tags": ({"tokens": TOKENS, "tags": TAGS[:3]}, "D108", "4 tokens but 3 tags"),
    "numbers without names": ({"tokens": TOKENS, "tags": [1, 2, 0, 3]}, "D121", "no names for them"),
    "hidden tags": ({"tokens": TOKENS, "tags": [-1, -1, -1, -1]}, "D121", "-1 is not a class of `tags`"),
    "a tag is null": ({"tokens": TOKENS, "tags": ["O", None, "O", "O"]}, "D107", "not a list of strings"),
    "a token is a number": ({"tokens": [1, "Ann"], "tags": ["O", "O"]}, "D107", "`tokens` is not a list of strings"),
    "no tokens": ({"tokens": [], "tags": []}, "D106", "empty sentence"),
    "tags and spans": ({"tokens": TOKENS, "tags": TAGS, "spans": [[0, 1, "X"]]}, "D107", "both `tags` and `spans`"),
    "objects without text": ({"tokens": [{"id": 1}], "tags": ["O"]}, "D107", "have no text"),
    "strings side by side": ({"tokens": "['Ann' 'Holm', 'x']", "tags": "['O', 'O']"}, "D108", "tokens but 2 tags"),
    "neither": ({"tokens": TOKENS, "about": "x"}, "D107", "neither `tags` nor `spans`; it has `tokens`, `about`"),
    "no input": ({"a": 1, "tags": TAGS}, "D107", "neither a list `tokens` nor a string `text`; it has `a`, `tags`"),
}  # fmt: skip


@pytest.mark.parametrize("form", WRONG_TAGS)
def test_values_that_are_not_tokens_and_tags_are_reported(tmp_path, form):
    record, code, problem = WRONG_TAGS[form]
    one = error(tmp_path, [record])
    assert (one.code, problem in one.message) == (code, True), one.message


SEVERAL = {
    "spans": ({"text": TEXT, "a": [[0, 3, "X"]], "b": [[0, 3, "Y"]]}, "`a` and `b` have spans", "spans_field"),
    "texts": ({"a": TEXT, "b": TEXT, "spans": [[0, 3, "X"]]}, "`a` and `b` have words or a text", "text_field"),
    "tags": ({"tokens": TOKENS, "a": TAGS, "b": TAGS}, "`a` and `b` have lists of tags", "tags_field"),
    "both": ({"tokens": TOKENS, "a": TAGS, "b": [[0, 1, "X"]]}, "`a` and `b` could be", "tags_field"),
    "an empty field": ({"text": TEXT, "spans": [], "a": [[0, 3, "X"]]}, "`spans` is empty, but `a`", "spans_field"),
    "words": ({"a": TOKENS, "b": TOKENS, "tags": TAGS}, "`a` and `b` have words in addition to tags", "tokens_field"),
}  # fmt: skip


@pytest.mark.parametrize("what", SEVERAL)
def test_where_several_fields_could_be_meant_the_error_names_the_key(tmp_path, what):
    record, problem, key = SEVERAL[what]
    one = error(tmp_path, [record])
    assert one.code == "D107" and problem in one.message and key in one.help, (one.message, one.help)


def test_of_several_texts_the_one_with_the_spans_is_read(tmp_path):
    records = [
        {"id": 1, "source": "a newspaper of 1998", "body": TEXT, "gold": [{"start": 0, "end": 8, "label": "PER"}]},
        {"id": 2, "source": "a leaflet", "body": "Oslo is cold", "gold": [{"start": 0, "end": 4, "label": "LOC"}]},
    ]
    found = corpora(tmp_path, records)
    assert mentions(found) == [[("Ann Holm", "PER")], [("Oslo", "LOC")]]
    assert (
        found.mappings["train"]
        == "text: `body`; spans: `gold` (start, end, label); id: `id`; offsets count characters from 0, ends exclusive"
    )


def test_a_configured_field_that_is_absent_is_reported(tmp_path):
    one = error(tmp_path, [{"text": TEXT, "gold": [[0, 3, "X"]]}], spans_field="golden")
    assert one.code == "D107" and "no row has `data.spans_field: golden`; it has `text`, `gold`" in one.message


def test_check_says_what_was_read(tmp_path):
    def mapping(record, **keys):
        return corpora(tmp_path, [record], **keys).mappings["train"]

    spans = [{"start_offset": 0, "end_offset": 8, "label": "PER"}]
    expected = "text: `text`; spans: `entities` (start_offset, end_offset, label); id: `id`"
    counted = "; offsets count characters from 0, ends exclusive"
    assert mapping({"id": 7, "text": TEXT, "entities": spans}) == expected + counted
    assert mapping({"tokens": TOKENS, "ner_tags": TAGS}) == "tokens: `tokens`; tags: `ner_tags`"
    beside = {"text": TEXT, "tokens": [*TOKENS, "."], "spans": [[15, 19, "LOC"]]}
    assert mapping(beside) == "tokens: `tokens`; text: `text`; spans: `spans` (start, end, label)" + counted


def test_a_text_classification_file_is_recognised(tmp_path):
    one = error(tmp_path, [{"text": TEXT, "label": "travel"}])
    assert one.code == "D107" and "text_classification" in one.help


SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(-3, 12), st.just(10**30), st.floats(-1, 9)),
    st.sampled_from(
        ["", " ", "O", "B-X", TEXT, "['a' 'b']", "[1 2]", "[(0, 1, 'X')]", "{'a': 1}", "[", "{1}", "[[0]]"]
    ),
)
NAMES_OF_FIELDS = ["id", "text", "tokens", "tags", "spans", "label", "entities", "data", "annotations", "answer", "ner"]
KEYS_OF_SPANS = [
    "start",
    "end",
    "label",
    "labels",
    "type",
    "entity",
    "value",
    "text",
    "token_start",
    "token_end",
    "length",
]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9), st.sampled_from(["X", "Y"])), max_size=3),
        st.dictionaries(st.sampled_from(KEYS_OF_SPANS + NAMES_OF_FIELDS), inner, max_size=5),
        st.lists(st.sampled_from(["Ann", "B-X", "O", "I-X", ""]), max_size=4),
    ),
    max_leaves=12,
)
RECORDS = st.lists(st.dictionaries(st.sampled_from(NAMES_OF_FIELDS), VALUES, max_size=6), min_size=1, max_size=3)
KEYS = st.fixed_dictionaries(
    {},
    optional={
        "preset": st.sampled_from([preset for preset in presets.KEYS if preset != "brat"]),
        "spans_field": st.sampled_from(
            ["label", "data.spans", "annotations.*.entities", "annotations.0", "entities.x.1"]
        ),
        "text_field": st.sampled_from(["data.text", 0, "ner"]),
        "answer_field": st.sampled_from(["label", "data.answer"]),
        "span_unit": st.sampled_from(["characters", "tokens", "utf16", "bytes"]),
        "bad_spans": st.sampled_from(["drop", "widen", "skip"]),
        "overlaps": st.sampled_from(["longest", "innermost", "outermost"]),
        "strip_spans": st.booleans(),
        "strip_invisible": st.booleans(),
        "tag_names": st.just(["O", "B-X"]),
        "span_label_field": st.sampled_from(["type", "entity"]),
    },
)


@given(RECORDS, KEYS)
@settings(max_examples=600)
def test_any_records_give_sentences_or_say_why_not(records, keys):
    rows = [Row("f", number, record, json.dumps(record)) for number, record in enumerate(records, 1)]
    reader = SpansReader(SpansConfig(train="f", **keys))
    try:
        found = list(reader.sentences(iter(rows), "train"))
    except HallucError as refused:
        assert refused.code in ("D107", "D109", "D121") and refused.help
    else:
        items = [one for one in found if isinstance(one, LeftOut) or not isinstance(one, Notice)]
        lines = [one.lines[0] if isinstance(one, RawSentence) else one.line for one in items]
        assert lines == [row.line for row in rows]
        for one in found:
            if isinstance(one, RawSentence):
                assert one.tokens and len(one.tokens) == len(one.lines) and (one.tags is None) != (one.spans is None)
                assert len(one.tags or one.tokens) == len(one.tokens)
                ends = [0, *(span.end for span in one.spans or ())]
                assert all(before <= span.start < span.end for before, span in zip(ends, one.spans or (), strict=False))
                assert ends[-1] <= len(one.tokens)
    try:
        given_ = SpansReader(SpansConfig(train="f", **keys)).input_of(rows[0])
        assert given_.bounds is None or len(given_.bounds) == len(given_.tokens)
    except (Unreadable, HallucError) as refused:
        assert refused.code in ("D106", "D107", "D109")


def test_confidences_come_with_their_spans_unchecked():
    spans = [{"start": 15, "end": 19, "label": "LOC", "score": 87}, {"start": 0, "end": 8, "label": "PER"}]
    rows = [Row("f", 1, {"text": TEXT, "spans": spans}), Row("f", 2, {"text": TEXT, "spans": spans[1:]})]
    one, other = SpansReader(SpansConfig(train="f")).sentences(iter(rows), "train")
    assert [span.label for span in one.spans] == ["PER", "LOC"]
    assert (one.confidences, other.confidences) == ((None, 87), ())
