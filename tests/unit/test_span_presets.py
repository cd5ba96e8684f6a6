"""Exports of other tools: presets, records that were rejected, columns and folders of brat."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halluc.components import TABLE
from halluc.core.errors import HallucError
from halluc.data.corpora import read_corpora
from halluc.data.rows.row import Row, Unreadable
from halluc.tasks.token_classification.reading import presets
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.reader import SpansReader
from tests.unit.test_span_forms import BOTH, TEXT, corpora, error, mentions, read

SPANS = [{"start": 0, "end": 8, "label": "PER"}, {"start": 15, "end": 19, "label": "LOC"}]
LISTS = [[0, 8, "PER"], [15, 19, "LOC"]]
DOCCANO = [
    {"id": one, "label": span["label"], "start_offset": span["start"], "end_offset": span["end"]}
    for one, span in enumerate(SPANS)
]
RESULT = [
    {"id": str(one), "from_name": "label", "to_name": "text", "type": "labels",
     "value": {"start": span["start"], "end": span["end"], "text": surface, "labels": [span["label"]]}}
    for one, (span, (surface, _)) in enumerate(zip(SPANS, BOTH, strict=True))
]  # fmt: skip
STUDIO = {"id": 1, "data": {"text": TEXT}, "annotations": [{"id": 5, "was_cancelled": False, "result": RESULT}]}
COMPLETED = {"id": 1, "data": {"text": TEXT}, "completions": [{"result": RESULT}]}
MINIMAL = {"id": 1, "text": TEXT, "label": [one["value"] for one in RESULT], "annotator": 1, "annotation_id": 4}
TOKENS = ["Ann", "Holm", "likes", "Oslo", "."]
PRODIGY = {
    "text": TEXT,
    "tokens": [
        {"text": token, "start": TEXT.index(token), "end": TEXT.index(token) + len(token), "id": one, "ws": one < 3}
        for one, token in enumerate(TOKENS)
    ],
    "spans": [
        {"start": 0, "end": 8, "token_start": 0, "token_end": 1, "label": "PER"},
        {"start": 15, "end": 19, "token_start": 3, "token_end": 3, "label": "LOC"},
    ],
    "answer": "accept",
    "_input_hash": 1,
    "_task_hash": 2,
}
TO_JSON = {
    "text": TEXT,
    "ents": SPANS,
    "sents": [{"start": 0, "end": 20}],
    "tokens": [
        {"id": one, "start": TEXT.index(token), "end": TEXT.index(token) + len(token), "tag": "NN", "pos": "NOUN"}
        for one, token in enumerate(TOKENS)
    ],
}
CONLLU = "# sent_id = 1\n# text = Ann Holm likes Oslo\n" + "".join(
    f"{number}\t{token}\t_\t_\t_\t_\t0\troot\t_\t{misc}\n"
    for number, token, misc in [
        ("1-2", "AnnHolm", "_"),
        ("1", "Ann", "name=B-PER"),
        ("2", "Holm", "SpaceAfter=No|name=I-PER"),
        ("3", "likes", "_"),
        ("3.1", "x", "name=B-X"),
        ("4", "Oslo", "name=B-LOC|SpaceAfter=No"),
    ]
)
GERMEVAL = "#\thttp://example.org/1 [2009-10-17]\n" + "".join(
    f"{number}\t{token}\t{outer}\t{inner}\n"
    for number, token, outer, inner in [
        (1, "Ann", "B-PER", "O"),
        (2, "Holm", "I-PER", "O"),
        (3, "likes", "O", "O"),
        (4, "Oslo", "B-LOC", "B-LOCpart"),
    ]
)
KAGGLE = (
    'Sentence #,Word,POS,Tag\nSentence: 1,Ann,NNP,B-PER\n,Holm,NNP,I-PER\n,likes,VB,O\n,"Oslo",NNP,B-LOC\n'
    'Sentence: 2,"a ""b""",NN,O\n,",",",",O\n'
)

EXPORTS = {
    "doccano, entities": ("doccano", "t.jsonl", [{"id": 1, "text": TEXT, "entities": DOCCANO, "relations": []}]),
    "doccano, label": ("doccano", "t.jsonl", [{"id": 1, "text": TEXT, "label": LISTS, "Comments": []}]),
    "doccano, labels": ("doccano", "t.jsonl", [{"text": TEXT, "labels": LISTS}]),
    "Label Studio, full": ("label_studio", "t.json", json.dumps([STUDIO], indent=1)),
    "Label Studio, lines": ("label_studio", "t.jsonl", [STUDIO]),
    "Label Studio, completions": ("label_studio", "t.json", json.dumps([COMPLETED])),
    "Label Studio, minimal": ("label_studio", "t.json", json.dumps([MINIMAL])),
    "Prodigy": ("prodigy", "t.jsonl", [PRODIGY]),
    "spaCy, JSON": ("spacy", "t.json", json.dumps([[TEXT, {"entities": LISTS}]])),
    "spaCy, lines": ("spacy", "t.jsonl", [[TEXT, {"entities": LISTS}]]),
    "spaCy, to_json": ("spacy", "t.jsonl", [TO_JSON]),
    "GLiNER": ("gliner", "t.json", json.dumps([{"tokenized_text": TOKENS, "ner": [[0, 1, "PER"], [3, 3, "LOC"]]}])),
    "CoNLL-U": ("conllu", "t.conllu", CONLLU),
    "GermEval": ("germeval", "t.tsv", GERMEVAL),
    "Kaggle": ("kaggle_ner", "t.csv", KAGGLE),
}  # fmt: skip


@pytest.mark.parametrize("export", EXPORTS)
def test_a_preset_reads_the_exports_of_its_tool(tmp_path, export):
    preset, name, content = EXPORTS[export]
    assert read(tmp_path, content, name, preset=preset)[0] == BOTH


@pytest.mark.parametrize("export", EXPORTS)
def test_without_its_preset_an_export_is_read_right_or_the_error_proposes_it(tmp_path, export):
    preset, name, content = EXPORTS[export]
    try:
        found = read(tmp_path, content, name)
    except HallucError as refused:
        first = getattr(refused, "errors", [refused])[0]
        assert f"data.preset: {preset}" in (first.help or ""), (first.message, first.help)
    else:
        assert found[0] == BOTH


@pytest.mark.parametrize("export", EXPORTS)
def test_only_the_keys_of_the_user_are_in_the_config(export):
    preset = EXPORTS[export][0]
    config = SpansConfig(train="t", preset=preset)
    assert config.model_dump(exclude_defaults=True) == {"train": "t", "preset": preset}


def test_keys_of_the_user_override_those_of_a_preset(tmp_path):
    found = read(tmp_path, GERMEVAL, "t.tsv", preset="germeval", tag_column=3)
    assert found == [[("Oslo", "LOCpart")]]
    layout = SpansConfig(train="t", preset="kaggle_ner", separator=";").layout()
    assert (layout.separator, layout.sentence_column, layout.format) == (";", "Sentence #", "conll")


def test_the_sentences_of_kaggle_begin_where_their_cell_is_filled(tmp_path):
    tokens = [one.tokens for one in corpora(tmp_path, KAGGLE, "t.csv", preset="kaggle_ner").splits["train"].examples]
    assert tokens == [("Ann", "Holm", "likes", "Oslo"), ('a "b"', ",")]


def test_kaggle_in_cp1252_is_read_with_the_encoding(tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes("Sentence #,Word,POS,Tag\nSentence: 1,Zoë’s,NNP,B-PER\n".encode("cp1252"))
    config = SpansConfig(train=str(file), preset="kaggle_ner", encoding="cp1252")
    assert mentions(read_corpora(config, TABLE)) == [[("Zoë’s", "PER")]]


def test_of_several_annotations_of_a_task_the_one_that_was_not_cancelled_is_read(tmp_path):
    cancelled = {"id": 4, "was_cancelled": True, "result": []}
    task = STUDIO | {"annotations": [cancelled, *STUDIO["annotations"]]}
    assert read(tmp_path, [task], preset="label_studio") == [BOTH]
    task = STUDIO | {"annotations": STUDIO["annotations"] * 2}
    one = error(tmp_path, [task], preset="label_studio")
    assert one.code == "D107" and "`annotations` has 2 annotations" in one.message
    assert "data.spans_field: annotations.0.result" in one.help
    assert read(tmp_path, [task], preset="label_studio", spans_field="annotations.0.result") == [BOTH]


def test_results_of_label_studio_that_are_no_spans_are_left_alone(tmp_path):
    others = [
        {"type": "relation", "from_id": "0", "to_id": "1", "direction": "right", "labels": ["org:located"]},
        {"type": "choices", "value": {"choices": ["good"]}},
    ]
    task = STUDIO | {"annotations": [{"result": [*RESULT, *others]}]}
    assert read(tmp_path, [task], preset="label_studio") == [BOTH]


def test_a_text_of_label_studio_may_have_another_name(tmp_path):
    task = STUDIO | {"data": {"review": TEXT}}
    assert read(tmp_path, [task], preset="label_studio", text_field="data.review") == [BOTH]


def test_an_annotation_of_label_studio_without_spans_has_no_mention(tmp_path):
    tasks = [
        MINIMAL,
        {"id": 2, "text": "rain", "annotator": 1, "annotation_id": 5},
    ]
    assert read(tmp_path, tasks, preset="label_studio") == [BOTH, []]


def test_a_docbin_of_spacy_is_refused_with_advice(tmp_path):
    one = error(tmp_path, "x", "t.spacy", preset="spacy")
    assert one.code == "D107" and "to_json" in one.help


CANCELLED = STUDIO | {"annotations": [{"was_cancelled": True, "result": RESULT}]}
LEFT_OUT = {
    "rejected": (PRODIGY | {"answer": "reject"}, {}, "`answer` is reject"),
    "ignored": (PRODIGY | {"answer": "ignore"}, {}, "`answer` is ignore"),
    "cancelled": (CANCELLED, {"preset": "label_studio"}, "cancelled"),
    "cancelled, minimal": ({"text": TEXT, "label": [], "was_cancelled": True}, {}, "cancelled"),
    "without annotations": (STUDIO | {"annotations": []}, {"preset": "label_studio"}, "not annotated"),
    "without completions": ({"data": {"text": "a"}, "completions": []}, {"preset": "label_studio"}, "not annotated"),
    "not labelled": ({"text": TEXT, "spans": [], "is_labeled": False}, {}, "not annotated"),
    "not approved": ({"text": TEXT, "spans": [], "approved": False}, {"answer_field": "approved"}, "`approved`"),
    "no approver": ({"text": TEXT, "spans": [], "approver": None}, {"answer_field": "approver"}, "`approver`"),
    "a nested answer": ({"text": TEXT, "m": {"answer": "reject"}}, {"answer_field": "m.answer"}, "is reject"),
    "an empty answer": ({"text": TEXT, "spans": [], "status": ""}, {"answer_field": "status"}, "`status`"),
}  # fmt: skip


@pytest.mark.parametrize("why", LEFT_OUT)
def test_records_that_are_no_examples_are_left_out_and_counted(tmp_path, why):
    record, keys, reason = LEFT_OUT[why]
    answers = {"approved": True, "approver": "ann", "status": "ok", "m": {"answer": "accept"}}
    accepted = STUDIO if keys.get("preset") else {"text": TEXT, "label": SPANS, **answers}
    found = corpora(tmp_path, [record, accepted], **keys)
    assert mentions(found) == [BOTH]
    assert [(one.line, reason in one.what) for one in found.skipped] == [(1, True)]


def test_doccano_records_that_nobody_approved_are_read_unless_a_key_says_so(tmp_path):
    assert read(tmp_path, [{"text": TEXT, "entities": DOCCANO, "is_confirmed": False}]) == [BOTH]


def test_tokens_of_prodigy_must_agree_with_its_characters(tmp_path):
    spans = [PRODIGY["spans"][0] | {"token_end": 2}, PRODIGY["spans"][1]]
    one = error(tmp_path, [PRODIGY, PRODIGY | {"spans": spans}], span_unit="characters")
    assert one.code == "D109" and "covers tokens 0 to 1, not 0 to 2" in one.message
    spans = [{key: span[key] for key in ("token_start", "token_end", "label")} for span in PRODIGY["spans"]]
    assert read(tmp_path, [PRODIGY | {"spans": spans}]) == [BOTH]


# --- columns


def test_columns_may_be_named(tmp_path):
    table = "id\tTOKEN\tNER\n1\tAnn\tB-PER\n2\tlikes\tO\n"
    keys = {"format": "conll", "separator": "tab", "token_column": "TOKEN", "tag_column": "NER"}
    found = corpora(tmp_path, table, "t.tsv", **keys)
    assert mentions(found) == [[("Ann", "PER")]]
    assert found.mappings["train"] == "tokens: column `TOKEN`; tags: column `NER`"
    assert error(tmp_path, table, "t.tsv", **(keys | {"tag_column": "TAG"})).code == "D116"


def test_columns_are_distinguished_from_records(tmp_path):
    assert read(tmp_path, "Ann B-PER\nlikes O\n\nOslo B-LOC\n", "t.txt") == [[("Ann", "PER")], [("Oslo", "LOC")]]


def test_tags_that_are_numbers_have_names(tmp_path):
    keys = {"format": "conll", "tag_names": ["O", "B-PER", "I-PER"]}
    assert read(tmp_path, "Ann 1\nHolm 2\nlikes 0\n", "t.conll", **keys) == [[("Ann Holm", "PER")]]
    assert error(tmp_path, "Ann 1\nHolm 3\n", "t.conll", **keys).code == "D121"


def test_features_of_conll_u_need_the_key_of_the_tag(tmp_path):
    keys = {"format": "conll", "separator": "tab", "token_column": 1, "comment": "#", "word_id_column": 0}
    one = error(tmp_path, CONLLU, "t.conllu", **keys)
    assert one.code == "D121" and "data.tag_key" in one.help and "name" in one.help
    assert read(tmp_path, CONLLU, "t.conllu", tag_key="name", **keys) == [BOTH]
    one = error(tmp_path, CONLLU, "t.conllu", tag_key="nam", **keys)
    assert one.code == "D121" and "no cell of the last column has `nam=`" in one.message and "`name`" in one.message


# --- brat


def brat(folder: Path, name: str, text: str, annotation: str | None) -> None:
    (folder / f"{name}.txt").write_bytes(text.encode())
    if annotation is not None:
        (folder / f"{name}.ann").write_text(annotation, encoding="utf-8")


def test_a_folder_of_brat_has_an_example_for_each_line(tmp_path):
    entities = ["T1\tPER 0 8\tAnn Holm", "T2\tLOC 15 19\tOslo", "T3\tLOC 25 30\tNîmes", "T4\tLOC 33 37\tOslo"]
    others = ["R1\tIn Arg1:T1 Arg2:T2", "#1\tNote T1\tx", "A1\tOld T1"]
    brat(tmp_path, "b", "Ann Holm likes Oslo.\n\n  \nNîmes 😀 Oslo", "\n".join([*others, *entities]))
    brat(tmp_path, "a", "rain\r\nin Rome\r\n", "T1\tLOC 9 13\tRome\n")
    brat(tmp_path, "c", "not annotated", None)
    found = read_corpora(SpansConfig(train=str(tmp_path), preset="brat"), TABLE)
    assert mentions(found) == [[], [("Rome", "LOC")], BOTH, [("Nîmes", "LOC"), ("Oslo", "LOC")]]
    where = [
        (Path(one.origin.file).name, one.origin.line, one.origin.document) for one in found.splits["train"].examples
    ]
    assert where == [("a.txt", 1, 1), ("a.txt", 2, 1), ("b.txt", 1, 2), ("b.txt", 4, 2)]
    assert [one.what for one in found.skipped] == ["no c.ann next to it"]
    assert len({one.id for one in found.splits["train"].examples}) == 4
    alone = read_corpora(SpansConfig(train=str(tmp_path / "b.txt"), preset="brat"), TABLE)
    assert mentions(alone) == mentions(found)[2:]
    assert {one.origin.document for one in alone.splits["train"].examples} == {1}, "one file is one document"


BRAT = {
    "over two lines": ("Ann\nHolm left", "T1\tPER 0 8\tAnn Holm\n", "spans several lines"),
    "in parts": ("Ann B Holm left", "T1\tPER 0 3;6 10\tAnn Holm\n", "is discontinuous"),
    "another text": ("Ann left", "T1\tPER 0 3\tBob\n", 'has the text "Bob"'),
    "cuts a token": ("Anna left", "T1\tPER 0 3\tAnn\n", 'cuts the token "Anna"'),
    "outside": ("Ann left", "T1\tPER 0 30\tAnn\n", "no entity in the text of 8 characters"),
    "backwards": ("Ann left", "T1\tPER 3 0\tAnn\n", "no entity in the text"),
    "offsets without end": ("Ann left", f"T1\tPER 0 {'9' * 5000}\tAnn\n", "no entity in the text"),
    "nothing": ("Ann\n  \nleft", "T1\tPER 4 6\t  \n", "an empty sentence"),
    "not a line of brat": ("Ann left", "T1 PER 0 3 Ann\n", "no entity in the text"),
}


@pytest.mark.parametrize("what", BRAT)
def test_annotations_of_brat_without_tokens_are_reported(tmp_path, what):
    text, annotation, problem = BRAT[what]
    brat(tmp_path, "a", text, annotation)
    with pytest.raises(HallucError) as caught:
        read_corpora(SpansConfig(train=str(tmp_path), preset="brat"), TABLE)
    assert problem in caught.value.message and caught.value.code in ("D106", "D107", "D109", "D110")
    assert caught.value.where is not None and Path(caught.value.where.file).parent == tmp_path


def test_brat_may_have_marks_of_byte_order_and_line_separators(tmp_path):
    brat(tmp_path, "a", "\ufeffAnn\u2028Holm left", "\ufeffT1\tPER 1 9\tAnn\u2028Holm\n")
    brat(tmp_path, "b", "in Rome", "\ufeffT1\tLOC 3 7\tRome\r\n")
    found = read_corpora(SpansConfig(train=str(tmp_path), preset="brat"), TABLE)
    assert [(one.tokens, one.spans) for one in found.splits["train"].examples] == [
        (("Ann", "Holm", "left"), ((0, 2, "PER"),)),
        (("in", "Rome"), ((1, 2, "LOC"),)),
    ]


def test_spans_of_brat_in_parts_can_be_dropped(tmp_path):
    brat(tmp_path, "a", "Ann B Holm left Oslo", "T1\tPER 0 3;6 10\tAnn Holm\nT2\tLOC 16 20\tOslo\n")
    found = read_corpora(SpansConfig(train=str(tmp_path), preset="brat", bad_spans="drop"), TABLE)
    assert mentions(found) == [[("Oslo", "LOC")]] and "is discontinuous" in found.repairs[0].what


def test_texts_of_brat_without_the_preset_are_refused_with_it(tmp_path):
    brat(tmp_path, "a", "Ann Holm\nlikes Oslo\n", "T1\tPER 0 8\tAnn Holm\n")
    for reference in (tmp_path, tmp_path / "a.txt"):
        with pytest.raises(HallucError) as caught:
            read_corpora(SpansConfig(train=str(reference)), TABLE)
        assert caught.value.code == "D107" and "data.preset: brat" in caught.value.help


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(HallucError) as caught:
        read_corpora(SpansConfig(train=str(tmp_path), preset="brat"), TABLE)
    assert caught.value.code == "D101"
    with pytest.raises(HallucError) as caught:
        read_corpora(SpansConfig(train=str(tmp_path)), TABLE)
    assert caught.value.code == "D101"


# --- rows to predict on


def inputs(record: dict, **keys: object):
    return SpansReader(SpansConfig(train="t", **keys)).input_of(Row("f", 3, record, ""))


def test_inputs_have_the_fields_of_the_corpus_without_its_gold():
    found = inputs({"id": "x", "text": "Ann likes"})
    assert (found.line, found.id, found.tokens, found.bounds) == (3, "x", ("Ann", "likes"), [(0, 3), (4, 9)])
    assert inputs({"sentence": "Ann likes", "n": 1}).tokens == ("Ann", "likes")
    assert inputs({"body": "Ann", "title": "x"}, text_field="body").text == "Ann"
    found = inputs({"tokens": TOKENS, "text": TEXT})
    assert found.text == TEXT and found.bounds[-1] == (19, 20) and found.id == "line-3"
    assert inputs({"tokens": TOKENS, "text": "another"}).bounds is None
    assert inputs({"words": TOKENS}).tokens == tuple(TOKENS)
    assert inputs(STUDIO, preset="label_studio").tokens == tuple(TOKENS)
    assert inputs({"text": TEXT}, preset="label_studio").tokens == tuple(TOKENS)
    assert inputs({"text": ""}).tokens == ()
    assert inputs({"tokens": []}).tokens == ()
    row = Row("f", 3, {0: ("Ann", "likes")}, lines=(3, 4))
    assert SpansReader(SpansConfig(train="t")).input_of(row).tokens == ("Ann", "likes")


def test_bounds_of_inputs_stay_those_of_the_text_that_was_given():
    found = inputs({"text": "Zoe\u0301 \u00adsings"}, normalise="nfc", strip_invisible=True)
    assert found.tokens == ("Zoé", "sings")
    assert [found.text[start:end] for start, end in found.bounds] == ["Zoe\u0301", "sings"]


@pytest.mark.parametrize(
    "record", [{}, {"a": 1}, {"text": 5}, {"tokens": "x y", "text": None}, {"id": [1], "text": "a"}]
)
def test_values_that_are_not_input_are_reported(record):
    with pytest.raises((Unreadable, HallucError)) as caught:
        inputs(record)
    assert caught.value.code == "D107"


def test_what_is_stripped_keeps_tags_and_spans_in_place(tmp_path):
    keys = {"strip_invisible": True, "normalise": "nfc"}
    record = {"tokens": ["\u200b", "Zoe\u0301", "sings"], "spans": [[1, 2, "PER"]]}
    assert read(tmp_path, [record], **keys) == [[("Zoé", "PER")]]
    record = {"tokens": ["\u200b", "Zoe\u0301", "sings"], "tags": ["O", "B-PER", "O"]}
    assert read(tmp_path, [record], **keys) == [[("Zoé", "PER")]]
    record = {"tokens": ["\u200b", "Ann"], "tags": ["B-PER", "O"]}
    assert error(tmp_path, [record], **keys).code == "D106"
    record = {"text": "in Os\u00adlo\u200b now", "spans": [[3, 9, "LOC"]]}
    assert read(tmp_path, [record], **keys) == [[("Oslo", "LOC")]]
    assert read(tmp_path, "\u200b O\nZoe\u0301 B-PER\n", "t.conll", **keys) == [[("Zoé", "PER")]]


def test_every_preset_has_an_export_here():
    assert set(presets.KEYS) == {preset for preset, *_ in EXPORTS.values()} | {"brat"}


def test_documents_of_brat_are_held_out_whole(tmp_path):
    for name in "abcdefgh":
        brat(tmp_path, name, f"Ann {name}\nOslo {name}", "T1\tPER 0 3\tAnn\nT2\tLOC 6 10\tOslo\n")
    found = read_corpora(SpansConfig(train=f"{tmp_path}/", preset="brat", dev_share=0.4), TABLE)
    files = {split: [one.origin.file for one in corpus.examples] for split, corpus in found.splits.items()}
    assert len(files["train"]) + len(files["dev"]) == 16 and not set(files["train"]) & set(files["dev"])
    assert all(many % 2 == 0 and many for many in map(len, files.values()))
