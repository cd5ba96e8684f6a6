"""What every reader must do, and each reader's own forms."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import EXIT_DATA, HallucError, ManyErrors
from halluc.core.examples import Corpus, Example, Origin, Span
from halluc.core.labels import SCHEMES, write_tags
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.rows.records import parse_object
from halluc.data.rows.row import BadLine, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.tasks.question_answering.examples import ContextQuestion
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_generation.source_text import Sourced, cut_parts
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.writers import write_conll

TWO = (
    Tagged("1", Origin("f", 1), ("Anna", "Berg", "visited", "Oslo", "."), (Span(0, 2, "PER"), Span(3, 4, "LOC"))),
    Tagged("2", Origin("f", 7), ("nothing", "here"), ()),
)


TEXTS = (
    Labelled("1", Origin("f", 1), ("where", "is", "it", "?"), ("ask",)),
    Labelled("2", Origin("f", 2), ("nothing", "here"), ()),
)


PAIRS = (
    Related("1", Origin("f", 1), ("Anna", "runs", "Acme"), Span(0, 1, ""), Span(2, 3, ""), "works_for"),
    Related("2", Origin("f", 2), ("Oslo", "is", "near", "Moss"), Span(3, 4, ""), Span(0, 1, ""), None),
)


CONTEXT = SpacedText(("Anna", "runs", "Acme", "-", "Nord", "."), ("", " ", " ", "", "", "", ""))
QUESTIONS = (
    ContextQuestion("1", Origin("f", 1), SpacedText(("who", "?"), ("", "", "")), CONTEXT, ((0, 1),)),
    ContextQuestion("2", Origin("f", 1), SpacedText(("where", "?"), ("", "", "")), CONTEXT, ()),
)


def articles(path: Path) -> None:
    questions = [
        {"id": "1", "question": "who?", "answers": [{"text": "Anna", "answer_start": 0}], "is_impossible": False},
        {"id": "2", "question": "where?", "answers": [], "is_impossible": True},
    ]
    paragraph = {"context": CONTEXT.text, "qas": questions}
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "Acme", "paragraphs": [paragraph]}]}))


PARALLEL = tuple(
    Sourced(str(number), Origin("f", number), *cut_parts([("source", source)], Tokenizer()), (target,))
    for number, (source, target) in enumerate([("He lives in Oslo.", "Er lebt in Oslo."), ("yes", "ja")], 1)
)


SUMMARISED = tuple(
    Sourced(str(number), Origin("f", number), *cut_parts([("document", text)], Tokenizer()), tuple(targets))
    for number, (text, *targets) in enumerate([("Anna: I am ill.", "Anna is ill.", "She is."), ("yes", "no")], 1)
)
REPLIES = tuple(
    Sourced(str(number), Origin("f", number), *cut_parts(parts, Tokenizer()), (target,))
    for number, (parts, target) in enumerate(
        [
            ([("persona", "I am Ben."), ("knowledge", "It rains."), ("turn:user", "Well?")], "It rains."),
            ([("turn:user", "Who?"), ("turn:agent", "Me."), ("turn:user", "Why?")], "Oh."),
        ],
        1,
    )
)


def summarised_rows(path: Path) -> None:
    lines = [{"dialogue": e.full_text, **{f"summary{n}": t for n, t in enumerate(e.targets, 1)}} for e in SUMMARISED]
    path.write_text("\n".join(map(json.dumps, lines)))


def dialogue_rows(path: Path) -> None:
    turns = [{"role": "user", "content": "Well?"}, {"role": "assistant", "content": "It rains."}]
    lines = [
        {"persona": "I am Ben.", "knowledge": ["It rains."], "messages": turns},
        {"history": ["Who?", "Me.", "Why?"], "reply": "Oh."},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))


def parallel_rows(path: Path) -> None:
    lines = [{"source": e.full_text, "target": e.targets[0]} for e in PARALLEL]
    path.write_text("\n".join(map(json.dumps, lines)))


def marked_sentences(path: Path) -> None:
    lines = [
        {"text": "<e1>Anna</e1> runs <e2>Acme</e2>", "relation": "works_for"},
        {"text": "<e2>Oslo</e2> is near <e1>Moss</e1>", "relation": "none"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))


def labelled_texts(path: Path) -> None:
    lines = [{"text": " ".join(e.tokens), "label": list(e.labels)} for e in TEXTS]
    path.write_text("\n".join(map(json.dumps, lines)))


def tagged_columns(path: Path) -> None:
    write_conll(path, TWO)


def tokens_and_tags(path: Path) -> None:
    lines = [{"tokens": e.tokens, "tags": write_tags(len(e.tokens), e.spans)} for e in TWO]
    path.write_text("\n".join(map(json.dumps, lines)))


def on_a_hub(path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    path.mkdir()
    names = datasets.ClassLabel(names=["O", "B-LOC", "I-LOC", "B-PER", "I-PER"])
    table = {
        "tokens": [list(e.tokens) for e in TWO],
        "ner_tags": [[names.str2int(tag) for tag in write_tags(len(e.tokens), e.spans)] for e in TWO],
    }
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(names)})
    made = datasets.Dataset.from_dict(table, features=features)
    made.to_parquet(path / "validation.parquet")


@dataclass(frozen=True)
class Case:
    """How to give a reader two of the examples above."""

    write: Callable[[Path], None]
    file: str
    reference: str = "{path}"
    examples: tuple[Example, ...] = TWO


CASES = {
    "conll": Case(tagged_columns, "dev.txt"),
    "jsonl": Case(tokens_and_tags, "dev.jsonl"),
    "hub": Case(on_a_hub, "set", "hub:{path}"),
    "texts": Case(labelled_texts, "dev.jsonl", examples=TEXTS),
    "relations": Case(marked_sentences, "dev.jsonl", examples=PAIRS),
    "articles": Case(articles, "dev.json", examples=QUESTIONS),
    "parallel": Case(parallel_rows, "dev.jsonl", examples=PARALLEL),
    "summaries": Case(summarised_rows, "dev.jsonl", examples=SUMMARISED),
    "replies": Case(dialogue_rows, "dev.jsonl", examples=REPLIES),
}
TASKS = {
    "texts": "text_classification", "relations": "relation_extraction", "articles": "question_answering",
    "parallel": "translation", "summaries": "summarisation", "replies": "dialogue",
}  # fmt: skip
# The format of those that are not called by it.
FORMATS = {"articles": "json"} | dict.fromkeys(("relations", "parallel", "summaries", "replies"), "jsonl")


def reader_of(form: str):
    """The reader of the task that the examples of a format here belong to."""
    return registry.load(TABLE, "reader", TASKS.get(form, "token_classification"))


def config_of(form: str, **keys):
    return reader_of(form).Config(format=FORMATS.get(form, form), **keys)


def read(reader: str, path: Path | str, **keys) -> Corpora:
    return read_corpora(config_of(reader, dev=str(path), **keys), TABLE)


def dev(found: Corpora) -> Corpus[Tagged]:
    return found.splits["dev"]


def errors_of(reader: str, path: Path | str, **keys) -> list[HallucError]:
    with pytest.raises(HallucError) as caught:
        read(reader, path, **keys)
    error = caught.value
    assert error.exit_code == EXIT_DATA
    return list(error.errors) if isinstance(error, ManyErrors) else [error]


def test_every_task_has_a_reader():
    assert set(TABLE["task"]) == set(TABLE["reader"])
    for task in TABLE["task"]:
        assert registry.load(TABLE, "reader", task).Config.task == task


@pytest.mark.parametrize("reader", CASES)
class TestEveryReader:
    def written(self, reader: str, folder: Path) -> str:
        case = CASES[reader]
        case.write(folder / case.file)
        return case.reference.format(path=folder / case.file)

    def test_reads_tokens_annotation_and_origins(self, reader, tmp_path):
        corpus = dev(read(reader, self.written(reader, tmp_path)))
        assert [(e.tokens, e.annotation) for e in corpus] == [(e.tokens, e.annotation) for e in CASES[reader].examples]
        assert all(e.origin.line >= 1 and e.origin.file for e in corpus)

    def test_ids_are_unique_and_stable(self, reader, tmp_path):
        reference = self.written(reader, tmp_path)
        first, second = ([e.id for e in dev(read(reader, reference))] for _ in range(2))
        assert first == second
        assert len(set(first)) == len(first)

    def test_a_config_without_a_split_is_refused(self, reader):
        with pytest.raises(ValueError, match="has no corpus"):
            config_of(reader)


def test_hidden_labels_of_the_hub_are_no_labels(tmp_path):
    datasets = pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    (tmp_path / "set").mkdir()
    names = datasets.ClassLabel(names=["O", "B-X"])
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(names)})
    table = {"tokens": [["a"], ["b"]], "ner_tags": [[-1], [1]]}
    datasets.Dataset.from_dict(table, features=features).to_parquet(tmp_path / "set" / "validation.parquet")
    (error,) = errors_of("hub", f"hub:{tmp_path / 'set'}")
    assert (error.code, error.where.line) == ("D121", 1)


# --- columns ---------------------------------------------------------------------------------------------------


def conll(folder: Path, text: str | bytes, **keys) -> Corpora:
    path = folder / "dev.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read("conll", path, **keys)


def conll_errors(folder: Path, text: str | bytes, **keys) -> list[HallucError]:
    path = folder / "dev.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return errors_of("conll", path, **keys)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Anna B-PER\nleft O\n\nx O\n\n", {}),
        ("Anna B-PER\nleft O\n\nx O", {}),
        ("\ufeffAnna B-PER\nleft O\n\nx O\n", {}),
        ("Anna B-PER\r\nleft O\r\n\r\nx O\r\n", {}),
        ("Anna\tB-PER\nleft\tO\n\t\nx\tO\n", {"separator": "tab"}),
        ("Anna \t B-PER\nleft O\n \nx  O\n", {}),
        ("\n\nAnna B-PER\nleft O\n\n\n\nx O\n\n\n", {}),
        ("1 NNP Anna B-PER X\n2 V left O X\n\n3 Y x O X\n", {"token_column": 2, "tag_column": 3}),
        ("B-PER|Anna\nO|left\n\nO|x\n", {"separator": "|", "token_column": -1, "tag_column": 0}),
        ("# a comment\nAnna B-PER\nleft O\n\n# another\nx O\n", {"comment": "# "}),
        ("-DOCSTART- O\n\nAnna B-PER\nleft O\n\n-DOCSTART- -X- O\nx O\n", {}),
    ],
)
def test_columns_in_all_their_forms(tmp_path, text, keys):
    for data in (text.encode(), gzip.compress(text.encode())):
        corpus = dev(conll(tmp_path, data, **keys))
        assert [(e.tokens, e.spans) for e in corpus] == [(("Anna", "left"), (Span(0, 1, "PER"),)), (("x",), ())]


def test_document_boundaries_are_read_and_written(tmp_path):
    corpus = dev(conll(tmp_path, "-DOCSTART- O\n\na O\n\nb O\n\n-DOCSTART- O\n\nc O\n"))
    assert [e.origin.document for e in corpus] == [1, 1, 2]
    write_conll(tmp_path / "again.txt", corpus)
    assert [e.origin.document for e in dev(read("conll", tmp_path / "again.txt"))] == [1, 1, 2]


def test_a_no_break_space_is_a_token_and_no_blank_line(tmp_path):
    corpus = dev(conll(tmp_path, "\u00a0\tO\n\u2028\tB-X\n\tO\n", separator="tab"))
    assert [e.tokens for e in corpus] == [("\u00a0", "\u2028", "")]


def test_every_kind_of_broken_line_is_reported_with_its_place(tmp_path):
    text = b"a O\nb\n\nc X-PER\n\nd \xe9 O\n\ne I-PER\nf O\n\nB-PER B-PER\n"
    found = [(e.code, e.where.line) for e in conll_errors(tmp_path, text, scheme="iob2")]
    assert found == [("D105", 2), ("D104", 6), ("D121", 4), ("D122", 8)]
    told = conll_errors(tmp_path, text)
    assert [e.code for e in told] == ["D120", "D105", "D104"]


def test_one_error_is_shown_for_each_cause_with_the_count_of_its_lines(tmp_path):
    (broken, illegal) = conll_errors(tmp_path, "broken\n" * 50 + "\na B-X\n\n" + "b I-Y\n\n" * 30, scheme="iob2")
    assert (broken.code, broken.where.line) == ("D105", 1)
    assert "(50 lines: also " in broken.message and broken.message.endswith("dev.txt:3 and 47 more)")
    assert illegal.code == "D122" and "(30 lines: also " in illegal.message


def test_broken_lines_may_be_skipped_with_their_sentence(tmp_path):
    found = conll(tmp_path, "a O\nbroken\n\nb O\n\nc Q\n\nd B-X\n", on_bad_line="skip")
    assert [e.tokens for e in dev(found)] == [("b",), ("d",)]
    assert [(f.line, f.what) for f in found.skipped] == [
        (2, "1 column, but 2 are needed"), (6, "`Q` is not a tag"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- O\n\n"])
@pytest.mark.parametrize("on_bad_line", ["error", "skip"])
def test_an_empty_file_is_an_error_however_forgiving_the_config(tmp_path, text, on_bad_line):
    (error,) = conll_errors(tmp_path, text, on_bad_line=on_bad_line)
    assert error.code == "D102"


def test_a_file_of_broken_lines_alone_is_an_error_too(tmp_path):
    (error,) = conll_errors(tmp_path, "a\nb\n", on_bad_line="skip")
    assert (error.code, error.message) == ("D102", "nothing to read")


def test_illegal_tags_are_refused_or_repaired_as_conlleval_reads_them(tmp_path):
    text = "a O\nb I-X\nc I-Y\nd B-Y\n"
    assert [(e.code, e.where.line) for e in conll_errors(tmp_path, text, scheme="iob2")] == [("D122", 2), ("D122", 3)]
    found = conll(tmp_path, text, scheme="iob2", bad_tags="repair")
    assert dev(found).examples[0].spans == (Span(1, 2, "X"), Span(2, 3, "Y"), Span(3, 4, "Y"))
    assert [f.line for f in found.repairs] == [2, 3]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_legal_transition_is_no_error_in_its_scheme(tmp_path, scheme):
    spans = (Span(0, 2, "X"), Span(2, 3, "X"), Span(3, 6, "Y"))
    tags = write_tags(7, spans, scheme)
    text = "".join(f"w{index} {tag}\n" for index, tag in enumerate(tags))
    for named in (scheme, "auto"):
        found = conll(tmp_path, text, scheme=named)
        assert dev(found).examples[0].spans == spans
        assert found.annotation.scheme == scheme


def test_a_line_of_other_width_is_no_line_of_this_file(tmp_path):
    (error,) = conll_errors(tmp_path, "Anna\tB-PER\nNew York\tB-LOC\n")
    assert (error.code, error.where.line) == ("D113", 2)
    assert "separator: tab" in error.help
    corpus = dev(conll(tmp_path, "Anna\tB-PER\nNew York\tB-LOC\n", separator="tab"))
    assert corpus.examples[0].tokens == ("Anna", "New York")


def test_an_undecidable_scheme_names_the_key_and_both_places(tmp_path):
    (error,) = conll_errors(tmp_path, "a I-X\n\nb B-X\n")
    assert error.code == "D120"
    assert "dev.txt:1" in error.message
    assert "dev.txt:3" in error.message
    assert "data.scheme" in error.help


def test_a_cut_archive_is_reported(tmp_path):
    data = gzip.compress(b"a O\n\n" * 20_000)
    errors = conll_errors(tmp_path, data[: len(data) // 2])
    assert "D103" in {e.code for e in errors}


@pytest.mark.parametrize("name", ["dvv.txt", "no/such/folder/dev.txt", ".", "demo:nerr"])
def test_what_is_not_there_is_reported_with_what_to_do(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.txt").write_text("a O\n")
    (error,) = errors_of("conll", name)
    assert error.code == "D101"
    assert error.help


def test_utf_16_is_recognised(tmp_path):
    errors = conll_errors(tmp_path, "a O\n".encode("utf-16"))
    assert "UTF-16" in errors[0].help


# --- JSON Lines ------------------------------------------------------------------------------------------------


def jsonl(folder: Path, *records: object, **keys) -> Corpora:
    path = folder / "dev.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records), encoding="utf-8")
    return read("jsonl", path, **keys)


CLUENER = {"text": "叶老桂在浙商银行", "label": {"name": {"叶老桂": [[0, 2]]}, "company": {"浙商银行": [[4, 7]]}}}


def test_cluener_is_read_as_it_is(tmp_path):
    keys = {"spans_field": "label", "span_end": "inclusive", "tokenize": "characters"}
    (example,) = dev(jsonl(tmp_path, CLUENER, **keys))
    assert example.tokens == tuple("叶老桂在浙商银行")
    assert example.spans == (Span(0, 3, "name"), Span(4, 8, "company"))


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 9, "PER"], [18, 22, "LOC"]],
        [{"start": 0, "end": 9, "label": "PER"}, {"start": 18, "end": 22, "label": "LOC"}],
        {"PER": [[0, 9]], "LOC": {"Oslo": [[18, 22]]}},
    ],
)
@pytest.mark.parametrize("tokenize", ["words", "whitespace"])
def test_character_spans_become_token_spans(tmp_path, spans, tokenize):
    (example,) = dev(jsonl(tmp_path, {"text": "Anna Berg visited Oslo today .", "spans": spans}, tokenize=tokenize))
    assert example.tokens == ("Anna", "Berg", "visited", "Oslo", "today", ".")
    assert example.spans == (Span(0, 2, "PER"), Span(3, 4, "LOC"))


@pytest.mark.parametrize(
    ("record", "code", "told"),
    [
        ("{", "D107", "JSON"),
        ("[1]", "D107", "not a JSON object"),
        ('{"a": ' + "[" * 100_000, "D107", "deeply"),
        ('{"a": ' + "1" * 5000 + "}", "D107", "too long"),
        ('{"text": "\\ud800", "spans": []}', "D107", "surrogate"),
        ({"txt": "a"}, "D107", "neither a list"),
        ({"text": "a"}, "D107", "neither `tags` nor `spans`"),
        ({"tokens": ["a"], "tags": ["O"], "spans": []}, "D107", "both `tags` and `spans`"),
        ('{"text": "a", "text": "b", "spans": []}', "D107", "is repeated"),
        ({"text": "a", "spans": [{"start": 0, "end": 1, "kind": 7}]}, "D107", "has no `label`"),
        ({"tokens": ["a", 1], "tags": ["O", "O"]}, "D107", "not a list of strings"),
        ({"tokens": [], "tags": []}, "D106", "empty sentence"),
        ({"text": " ", "spans": []}, "D106", "empty sentence"),
        ({"tokens": ["a"], "tags": ["O", "O"]}, "D108", "1 tokens but 2 tags"),
        ({"text": "ab cd", "spans": [[0, 9, "X"]]}, "D109", "outside 0..5"),
        ({"text": "ab cd", "spans": [[2, 2, "X"]]}, "D109", "empty"),
        ({"text": "ab cd", "spans": [[-1, 2, "X"]]}, "D109", "outside"),
        ({"text": "ab cd", "spans": {"X": {"ab": [[3, 5]]}}}, "D109", 'has the text "ab", but its offsets give "cd"'),
        ({"text": "ab cd", "spans": [[0, 4, "X"]]}, "D110", "cuts the token"),
        ({"text": "ab cd", "spans": [[0, 2, "X"], [0, 5, "Y"]]}, "D111", "overlap"),
        ({"text": "ab cd", "spans": [[0, 2]]}, "D107", "neither"),
        ({"text": "ab cd", "spans": [[0, True, "X"]]}, "D107", "whole numbers"),
        ({"text": "ab cd", "spans": [[0, 2, ""]]}, "D107", "label"),
        ({"tokens": ["a", "b"], "tags": ["B-X", "Q-X"]}, "D121", "not a tag"),
        ({"tokens": ["a"], "tags": ["E-X"]}, "D122", "not valid"),
    ],
)
def test_broken_records_are_reported_with_their_line(tmp_path, record, code, told):
    good = {"text": "fine", "spans": []}
    path = tmp_path / "dev.jsonl"
    lines = [json.dumps(good), record if isinstance(record, str) else json.dumps(record)]
    path.write_text("\n".join(lines), encoding="utf-8")
    (error,) = errors_of("jsonl", path)
    assert (error.code, error.where.line) == (code, 2)
    assert told in error.message
    found = read("jsonl", path, on_bad_line="skip")
    assert [e.tokens for e in dev(found)] == [("fine",)]
    assert len(found.skipped) == 1


def test_an_id_must_be_unique(tmp_path):
    twice = {"id": "a", "text": "x", "spans": []}
    with pytest.raises(HallucError, match="is already on line 1"):
        jsonl(tmp_path, twice, twice)


def test_of_overlapping_spans_the_longest_may_be_kept(tmp_path):
    record = {"text": "ab cd ef", "spans": [[0, 2, "X"], [0, 5, "Y"], [6, 8, "Z"]]}
    found = jsonl(tmp_path, record, overlaps="longest")
    assert dev(found).examples[0].spans == (Span(0, 2, "Y"), Span(2, 3, "Z"))
    assert len(found.repairs) == 1


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_no_line_crashes_the_parser(line):
    try:
        assert isinstance(parse_object(line), dict)
    except Unreadable as told:
        assert told.problem


@given(st.binary(max_size=200))
@settings(max_examples=150)
def test_no_file_crashes_a_reader(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.txt"
    path.write_bytes(data)
    for name in ("conll", "jsonl"):
        reader = reader_of(name)(config_of(name, dev=str(path)))
        try:
            for item in reader.read(str(path), "dev"):
                assert isinstance(item, BadLine) or len(item.tokens) == len(item.lines)
        except HallucError as error:  # of the file as a whole, as where its tags are features
            assert (error.exit_code, error.where is None) == (EXIT_DATA, False)


@pytest.mark.data
def test_the_real_corpora_have_their_known_counts(real_data):
    folder = real_data / "ner" / "conll2003"
    config = config_of("conll", train=str(folder / "train.txt"), test=str(folder / "test.txt"))
    found = read_corpora(config, TABLE)
    counts = {
        split: (len(c), sum(len(e.tokens) for e in c), sum(len(e.spans) for e in c))
        for split, c in found.splits.items()
    }
    assert counts == {"train": (14041, 203621, 23499), "test": (3453, 46435, 5648)}
    assert found.annotation.scheme == "iob2"
    assert not found.repairs


def test_one_column_for_tokens_and_tags_is_refused_though_it_is_counted_from_both_ends(tmp_path):
    with pytest.raises(HallucError, match="are the same one of 2 columns") as caught:
        conll(tmp_path, "Anna B-PER\n", token_column=1, tag_column=-1)
    assert caught.value.code == "C106"
    (found,) = dev(conll(tmp_path, "x Anna B-PER\n", token_column=1, tag_column=-1))
    assert found.tokens == ("Anna",)
