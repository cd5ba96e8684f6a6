"""Every writer of every task: what it writes, the reader reads back equal; what the format cannot hold is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.characters import is_invisible
from halluc.core.errors import EXIT_DATA, HallucError
from halluc.core.examples import Origin, Span
from halluc.core.labels import PREFIXES
from halluc.data.corpora import read_corpora
from halluc.data.writers import Options, Writer, write, writers_of
from halluc.tasks.question_answering.examples import ContextQuestion
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.token_classification.tagged_sentence import Tagged
from tests import hostile_texts

TAGGED, LABELLED, RELATED = "token_classification", "text_classification", "relation_extraction"
ASKED = "question_answering"
WRITERS = {task: writers_of(task) for task in TABLE["task"]}
ROWS = [(task, name) for task, writers in WRITERS.items() for name in writers]
OF_TAGGED = [(task, name) for task, name in ROWS if task == TAGGED]
# No example of a test is on purpose as slow as the first, which loads a library.
SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


# --- examples ---------------------------------------------------------------------------------------------------

ODD = (
    '"', '""', "'", ",", ";", "|", "\\", "#", "# x", "-DOCSTART-", "-X-", "O", "B-PER", "[", "{", "}", "1", "-1",
    "__label__x", "'s", "e\u0301", "नमस्ते", "ประเทศ", "\U0001f469\u200d\U0001f467", "🇳🇴", "\U0001d54f", "مُحَمَّد",
    "می\u200cروم", "\u00ad", "\u00a0", "中", "Sentence: 1", "null", "New York", "a\tb", "a\nb", "\r", "\x85", "\u2028",
    "\ufeff", "\x00", " ", "x" * 300, *hostile_texts.TOKENS,
)  # fmt: skip
PLAIN = (
    "Anna",
    "Oslo",
    ".",
    ",",
    '"',
    "'s",
    "#1",
    "e\u0301",
    "👩‍👩‍👧",
    "\U0001d54f",
    "हिन्दी",
    "中",
    "B-PER",
    "1",
    "[x]",
    "|",
    ";",
)
ODD_LABELS = (
    "PER",
    "a label",
    "B-PER",
    "O",
    "['a']",
    "1",
    "-1",
    "#x",
    '"q"',
    "a,b",
    "a|b",
    "__label__x",
    "人物",
    *hostile_texts.LABELS,
)
PLAIN_LABELS = ("PER", "LOC", "인물", "a-b", "x:y")
odd_words = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@st.composite
def tagged(draw, words, labels, most=6):
    """Sentences of up to three documents, in order."""
    made, document = [], 0
    for number in range(1, 1 + draw(st.integers(1, most))):
        tokens = draw(st.lists(words, min_size=1, max_size=7))
        cuts = draw(st.sets(st.integers(0, len(tokens))).map(sorted))
        pieces = [Span(start, end, draw(labels)) for start, end in pairwise(cuts)]
        spans = tuple(piece for piece in pieces if draw(st.booleans()))
        document += draw(st.integers(0, 1)) if number > 1 else 0
        made.append(Tagged(f"s{number}", Origin("in", number, document), tuple(tokens), spans))
    return made


@st.composite
def labelled(draw, words, labels, pairs, most=6):
    made, many, are_pairs = [], draw(labels), draw(pairs)
    for number in range(1, 1 + draw(st.integers(1, most))):
        first = draw(st.lists(words, min_size=1, max_size=5))
        second = draw(st.lists(words, min_size=1, max_size=3)) if are_pairs else []
        names = tuple(sorted(draw(many)))
        place = len(first) if are_pairs else None
        made.append(Labelled(f"t{number}", Origin("in", number), (*first, *second), names, place))
    return made


@st.composite
def related(draw, words, labels, most=6):
    """Sentences with a head and a tail, in whatever order, and a relation or none."""
    made = []
    for number in range(1, 1 + draw(st.integers(1, most))):
        tokens = draw(st.lists(words, min_size=3, max_size=7))
        cuts = draw(st.lists(st.integers(0, len(tokens)), min_size=3, max_size=4, unique=True).map(sorted))
        types = st.just("") | labels
        spans = [Span(cuts[0], cuts[1], draw(types)), Span(cuts[-2], cuts[-1], draw(types))]
        head, tail = draw(st.permutations(spans))
        made.append(Related(f"r{number}", Origin("in", number), tuple(tokens), head, tail, draw(labels | st.none())))
    return made


@st.composite
def asked(draw, words, most=4):
    """Questions on texts, with any number of answers."""
    made = []
    for number in range(1, 1 + draw(st.integers(1, most))):
        texts = [SpacedText.from_tokens(draw(st.lists(words, min_size=1, max_size=size))) for size in (3, 7)]
        places = st.tuples(*[st.integers(0, len(texts[1].tokens))] * 2).filter(lambda place: place[0] < place[1])
        answers = tuple(draw(st.lists(places, unique=True, max_size=2)))
        made.append(ContextQuestion(f"q{number}", Origin("in", number), *texts, answers))
    return made


one_label = st.just(st.sampled_from(PLAIN_LABELS).map(lambda label: (label,)))
several = st.just(st.sets(st.sampled_from(ODD_LABELS), max_size=3))
HOSTILE = {
    TAGGED: tagged(odd_words, st.sampled_from(ODD_LABELS)),
    LABELLED: labelled(odd_words, one_label | several, st.booleans()),
    RELATED: related(odd_words, st.sampled_from((*ODD_LABELS, "none", " x"))),
    ASKED: asked(odd_words),
}
ORDINARY = {
    TAGGED: tagged(st.sampled_from(PLAIN), st.sampled_from(PLAIN_LABELS)),
    LABELLED: labelled(st.sampled_from(PLAIN), one_label, st.just(False)),
    RELATED: related(st.sampled_from(PLAIN), st.sampled_from(PLAIN_LABELS)),
    ASKED: asked(st.sampled_from(PLAIN)),
}


# --- writing and reading back -----------------------------------------------------------------------------------


def path_of(folder: Path, task: str, name: str) -> Path:
    return folder / f"{name}{WRITERS[task][name].suffixes[0]}"


def write_one(
    folder: Path, task: str, name: str, examples: list[Any], options: Options
) -> tuple[Path, Writer, Options]:
    writer = WRITERS[task][name]
    path = path_of(folder, task, name)
    for file in writer.files(path):
        file.unlink(missing_ok=True)
    options = writer.fitted(options, examples)
    write({path: examples}, writer, options)
    return writer.files(path)[0], writer, options


def read_back(task: str, path: Path, keys: dict[str, Any]) -> list[Any]:
    config = registry.load(TABLE, "reader", task).Config(train=str(path), **keys)
    found = read_corpora(config, TABLE)
    assert (found.repairs, found.skipped) == ([], [])
    return list(found.splits["train"])


def dense(tokens: tuple[str, ...]) -> str:
    return re.sub(r"\s", "", "".join(tokens))


def essence(example: Any, writer: Writer) -> Any:
    """All that the format keeps of an example: of a text that is made of tokens, where mentions stand in what shows."""
    if isinstance(example, Labelled):
        cut = len(example.tokens) if example.second is None else example.second
        return dense(example.tokens[:cut]), dense(example.tokens[cut:]), example.labels
    if "join" not in writer.options:
        return example.tokens, example.annotation
    places = [
        (len(dense(example.tokens[: s.start])), len(dense(example.tokens[: s.end])), s.label) for s in example.spans
    ]
    return dense(example.tokens), places


def marked(label: str) -> str:
    return label if label.startswith("__label__") else f"__label__{label}"


def check_round_trip(folder: Path, task: str, name: str, examples: list[Any], options: Options) -> None:
    path, writer, options = write_one(folder, task, name, examples, options)
    found = read_back(task, path, writer.read_by(options))
    if name == "fasttext":  # the mark is part of a label's name for the reader
        examples = [replace(one, labels=tuple(sorted(map(marked, one.labels)))) for one in examples]
    assert [essence(example, writer) for example in found] == [essence(example, writer) for example in examples]


@pytest.mark.parametrize(("task", "name"), ROWS)
@given(data=st.data())
@SETTINGS
def test_what_a_writer_writes_its_reader_reads_back(tmp_path_factory, task, name, data):
    examples = data.draw(ORDINARY[task])
    check_round_trip(tmp_path_factory.getbasetemp(), task, name, examples, Options())


@pytest.mark.parametrize(("task", "name"), ROWS)
@given(data=st.data())
@SETTINGS
def test_any_tokens_and_labels_are_read_back_equal_or_refused(tmp_path_factory, task, name, data):
    folder = tmp_path_factory.getbasetemp()
    examples = data.draw(HOSTILE[task])
    try:
        check_round_trip(folder, task, name, examples, Options())
    except HallucError as error:
        assert (error.code, error.exit_code) == ("D130", EXIT_DATA), error.message
        assert (error.where.file, error.where.line) in [("in", number) for number in range(1, 7)]
        assert not any(file.exists() for file in WRITERS[task][name].files(path_of(folder, task, name)))


def odd_example(task: str, tokens: tuple[str, ...], span: Span) -> Any:
    if task == RELATED:
        tail = Span(len(tokens), len(tokens) + 1, "")
        return Related("s", Origin("in", 1), (*tokens, "end"), span._replace(label=""), tail, span.label)
    if task == LABELLED:
        return Labelled("s", Origin("in", 1), tokens, (span.label,))
    if task == ASKED:
        question, context = SpacedText.from_tokens(("who", "?")), SpacedText.from_tokens(tokens)
        return ContextQuestion("s", Origin("in", 1), question, context, (span[:2],))
    return Tagged("s", Origin("in", 1), tokens, (span,))


def odd_corpora(task: str) -> Iterator[list[Any]]:
    """Each odd token alone, and each odd label."""
    for word in ODD:
        yield [odd_example(task, ("go", word, "on"), Span(1, 2, "PER"))]
    for label in ODD_LABELS:
        yield [odd_example(task, ("Oslo",), Span(0, 1, label))]


@pytest.mark.parametrize(("task", "name"), ROWS)
def test_each_odd_token_and_label_is_read_back_equal_or_refused(tmp_path, task, name):
    held = 0
    for examples in odd_corpora(task):
        try:
            check_round_trip(tmp_path, task, name, examples, Options())
            held += 1
        except HallucError as error:
            assert error.code == "D130", (examples, error.message)
    assert held > len(ODD) // 2


@pytest.mark.parametrize("name", [name for task, name in OF_TAGGED if "join" in WRITERS[task][name].options])
@given(examples=ORDINARY[TAGGED])
@settings(max_examples=30)
def test_mentions_keep_their_places_without_blanks(tmp_path_factory, name, examples):
    check_round_trip(tmp_path_factory.getbasetemp(), TAGGED, name, examples, Options(joiner="", tokenize="characters"))


@pytest.mark.parametrize("name", ["jsonl", "json", "gliner", "table"])
@given(examples=HOSTILE[TAGGED])
@SETTINGS
def test_formats_of_lists_hold_any_token_and_label(tmp_path_factory, name, examples):
    check_round_trip(tmp_path_factory.getbasetemp(), TAGGED, name, examples, Options())


@pytest.mark.parametrize("name", [name for task, name in OF_TAGGED if "scheme" in WRITERS[task][name].options])
@pytest.mark.parametrize("scheme", [scheme for scheme in PREFIXES if scheme != "io"])
@given(examples=ORDINARY[TAGGED])
@settings(max_examples=20)
def test_tags_are_read_back_in_every_scheme(tmp_path_factory, name, scheme, examples):
    check_round_trip(tmp_path_factory.getbasetemp(), TAGGED, name, examples, Options(scheme=scheme))


def parts(examples) -> list[int]:
    """The document of each example, counted from 0 in the order in which they come."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(example.origin.document, len(numbers)) for example in examples]


@pytest.mark.parametrize("name", ["conll", "jsonl", "json", "text_spans"])
@given(examples=tagged(odd_words, st.sampled_from(ODD_LABELS)))
@SETTINGS
def test_formats_that_keep_documents(tmp_path_factory, name, examples):
    folder = tmp_path_factory.getbasetemp()
    try:
        path, writer, options = write_one(folder, TAGGED, name, examples, Options())
    except HallucError:
        return
    found = read_back(TAGGED, path, writer.read_by(options))
    assert parts(found) == parts(examples)


@pytest.mark.parametrize(("task", "name"), [row for row in ROWS if "join" in WRITERS[row[0]][row[1]].options])
@given(data=st.data())
@SETTINGS
def test_texts_are_not_changed(tmp_path_factory, task, name, data):
    """Of texts that were read by characters, each character comes back, and each span at its place."""
    letters = st.sampled_from("ab, .\"'e\u0301👩\u200d\U0001d54f") | st.sampled_from("中हि")
    fitting = (
        tagged(letters, st.sampled_from(PLAIN_LABELS))
        if task == TAGGED
        else labelled(letters, one_label, st.just(False))
    )
    examples = [one for one in data.draw(fitting) if not is_invisible("".join(one.tokens))]
    path, writer, options = write_one(
        tmp_path_factory.getbasetemp(), task, name, examples, Options(joiner="", tokenize="words", keeps_text=True)
    )
    keys = writer.read_by(options)
    assert "tokenize" not in keys
    if examples:
        found = read_back(task, path, {**keys, "tokenize": "characters"})
        of_line = name in ("lines", "fasttext")  # a line has no blanks of its own at its ends
        tokens = ["".join(one.tokens) for one in (found, examples)[1]]
        assert ["".join(one.tokens) for one in found] == [text.lstrip() if of_line else text for text in tokens]
        if task == TAGGED:
            assert [one.spans for one in found] == [one.spans for one in examples]


# --- the files themselves ---------------------------------------------------------------------------------------

TWO = [
    Tagged("1", Origin("in", 1), ("Anna", "Berg", "saw", "Oslo", "."), (Span(0, 2, "PER"), Span(3, 4, "LOC"))),
    Tagged("2", Origin("in", 7, 1), ('say', '"hi"'), ()),
]  # fmt: skip
TEXTS = [
    Labelled("1", Origin("in", 1), ("Where,", "is", "it", "?"), ("ask",)),
    Labelled("2", Origin("in", 2), ("nothing",), ("say",)),
]


@pytest.mark.parametrize(
    ("task", "name", "expected"),
    [
        (TAGGED, "conll",
            'Anna\tB-PER\nBerg\tI-PER\nsaw\tO\nOslo\tB-LOC\n.\tO\n\n-DOCSTART-\tO\n\nsay\tO\n"hi"\tO\n\n'),
        (TAGGED, "jsonl",
            '{"id": "1", "document": 0, "tokens": ["Anna", "Berg", "saw", "Oslo", "."], '
            '"spans": [[0, 2, "PER"], [3, 4, "LOC"]]}\n'
            '{"id": "2", "document": 1, "tokens": ["say", "\\"hi\\""], "spans": []}\n'),
        (TAGGED, "json",
            '[\n{"id": "1", "document": 0, "tokens": ["Anna", "Berg", "saw", "Oslo", "."], '
            '"spans": [[0, 2, "PER"], [3, 4, "LOC"]]},\n'
            '{"id": "2", "document": 1, "tokens": ["say", "\\"hi\\""], "spans": []}\n]\n'),
        (TAGGED, "text_spans",
            '{"id": "1", "document": 0, "text": "Anna Berg saw Oslo .", "spans": [[0, 9, "PER"], [14, 18, "LOC"]]}\n'
            '{"id": "2", "document": 1, "text": "say \\"hi\\"", "spans": []}\n'),
        (TAGGED, "csv",
            "Sentence #,Word,Tag\nSentence: 1,Anna,B-PER\nSentence: 1,Berg,I-PER\nSentence: 1,saw,O\n"
            'Sentence: 1,Oslo,B-LOC\nSentence: 1,.,O\nSentence: 2,say,O\nSentence: 2,"""hi""",O\n'),
        (TAGGED, "doccano",
            '{"id": "1", "text": "Anna Berg saw Oslo .", "label": [[0, 9, "PER"], [14, 18, "LOC"]]}\n'
            '{"id": "2", "text": "say \\"hi\\"", "label": []}\n'),
        (TAGGED, "label_studio",
            '[\n{"data": {"text": "Anna Berg saw Oslo .", "id": "1"}, "annotations": [{"result": ['
            '{"from_name": "label", "to_name": "text", "type": "labels", '
            '"value": {"start": 0, "end": 9, "text": "Anna Berg", "labels": ["PER"]}}, '
            '{"from_name": "label", "to_name": "text", "type": "labels", '
            '"value": {"start": 14, "end": 18, "text": "Oslo", "labels": ["LOC"]}}]}]},\n'
            '{"data": {"text": "say \\"hi\\"", "id": "2"}, "annotations": [{"result": []}]}\n]\n'),
        (TAGGED, "spacy",
            '[\n["Anna Berg saw Oslo .", {"entities": [[0, 9, "PER"], [14, 18, "LOC"]]}],\n'
            '["say \\"hi\\"", {"entities": []}]\n]\n'),
        (TAGGED, "gliner",
            '[\n{"tokenized_text": ["Anna", "Berg", "saw", "Oslo", "."], "ner": [[0, 1, "PER"], [3, 3, "LOC"]]},\n'
            '{"tokenized_text": ["say", "\\"hi\\""], "ner": []}\n]\n'),
        (LABELLED, "jsonl",
            '{"id": "1", "text": "Where, is it ?", "label": "ask"}\n{"id": "2", "text": "nothing", "label": "say"}\n'),
        (LABELLED, "json",
            '[\n{"id": "1", "text": "Where, is it ?", "label": "ask"},\n'
            '{"id": "2", "text": "nothing", "label": "say"}\n]\n'),
        (LABELLED, "csv", 'id,text,label\n1,"Where, is it ?",ask\n2,nothing,say\n'),
        (LABELLED, "tsv", "id\ttext\tlabel\n1\tWhere, is it ?\task\n2\tnothing\tsay\n"),
        (LABELLED, "lines", "ask Where, is it ?\nsay nothing\n"),
        (LABELLED, "fasttext", "__label__ask Where, is it ?\n__label__say nothing\n"),
        (LABELLED, "doccano",
            '{"id": "1", "text": "Where, is it ?", "label": ["ask"]}\n'
            '{"id": "2", "text": "nothing", "label": ["say"]}\n'),
        (LABELLED, "label_studio",
            '[\n{"data": {"text": "Where, is it ?", "id": "1"}, "annotations": [{"result": ['
            '{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["ask"]}}]}]},\n'
            '{"data": {"text": "nothing", "id": "2"}, "annotations": [{"result": ['
            '{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["say"]}}]}]}\n]\n'),
    ],
)  # fmt: skip
def test_the_file_is_this(tmp_path, task, name, expected):
    examples = TWO if task == TAGGED else TEXTS
    path, _, _ = write_one(tmp_path, task, name, examples, Options())
    assert path.read_text(encoding="utf-8") == expected


def test_prodigy_has_tokens_with_their_places(tmp_path):
    path, _, _ = write_one(tmp_path, TAGGED, "prodigy", TWO[1:], Options())
    (record,) = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert record == {
        "text": 'say "hi"',
        "tokens": [
            {"text": "say", "start": 0, "end": 3, "id": 0, "ws": True},
            {"text": '"hi"', "start": 4, "end": 8, "id": 1, "ws": False},
        ],
        "spans": [],
        "answer": "accept",
        "meta": {"id": "2"},
    }
    path, _, _ = write_one(tmp_path, TAGGED, "prodigy", TWO[:1], Options())
    (record,) = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert record["spans"][0] == {"start": 0, "end": 9, "token_start": 0, "token_end": 1, "label": "PER"}


def test_brat_counts_characters_of_the_whole_text(tmp_path):
    path, writer, _ = write_one(tmp_path, TAGGED, "brat", [*TWO, replace(TWO[0], id="3")], Options())
    text, annotations = (file.read_text(encoding="utf-8") for file in writer.files(path))
    assert text == 'Anna Berg saw Oslo .\nsay "hi"\nAnna Berg saw Oslo .\n'
    lines = [line.split("\t") for line in annotations.splitlines()]
    assert [line[0] for line in lines] == ["T1", "T2", "T3", "T4"]
    for _, place, surface in lines:
        _, start, end = place.split(" ")
        assert text[int(start) : int(end)] == surface
    assert lines[2][1:] == ["PER 30 39", "Anna Berg"]
    keys = writer.read_by(Options())
    assert read_back(TAGGED, path.with_suffix(".ann"), keys) == read_back(TAGGED, path, keys)


def test_a_table_has_lists_as_lists(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `hub` is not installed")
    path, _, _ = write_one(tmp_path, TAGGED, "table", TWO, Options())
    assert parquet.read_table(path).to_pylist() == [
        {"id": "1", "tokens": ["Anna", "Berg", "saw", "Oslo", "."], "tags": ["B-PER", "I-PER", "O", "B-LOC", "O"]},
        {"id": "2", "tokens": ["say", '"hi"'], "tags": ["O", "O"]},
    ]
    path, _, _ = write_one(tmp_path, LABELLED, "table", [*TEXTS, replace(TEXTS[0], id="3", labels=())], Options())
    assert [row["label"] for row in parquet.read_table(path).to_pylist()] == [["ask"], ["say"], []]


def test_pairs_have_two_texts(tmp_path):
    pairs = [replace(example, second=1) for example in TEXTS[:1]]
    path, writer, options = write_one(tmp_path, LABELLED, "csv", pairs, Options())
    assert path.read_text(encoding="utf-8") == 'id,text,second,label\n1,"Where,",is it ?,ask\n'
    (found,) = read_back(LABELLED, path, writer.read_by(options))
    assert (found.tokens, found.second) == (pairs[0].tokens, 1)


def test_texts_out_of_scope_get_the_out_of_scope_label(tmp_path):
    outside = [*TEXTS, replace(TEXTS[0], id="3", labels=())]
    path, writer, options = write_one(tmp_path, LABELLED, "lines", outside, Options(out_of_scope="oos"))
    assert path.read_text(encoding="utf-8").splitlines()[-1] == "oos Where, is it ?"
    assert [one.labels for one in read_back(LABELLED, path, writer.read_by(options))] == [("ask",), ("say",), ()]


# --- what a format cannot hold ----------------------------------------------------------------------------------


def words(
    *tokens: str, spans: tuple[Span, ...] = (), labels: tuple[str, ...] = ("x",), second: int | None = None
) -> Any:
    def example(task: str) -> Any:
        origin = Origin("corpus.txt", 7)
        return Tagged("1", origin, tokens, spans) if task == TAGGED else Labelled("1", origin, tokens, labels, second)

    return example


@pytest.mark.parametrize(
    ("task", "name", "make", "told"),
    [
        (TAGGED, "conll", words("a\tb"), "does not fit columns"),
        (TAGGED, "conll", words("a\nb"), "does not fit columns"),
        (TAGGED, "conll", words("a\rb"), "does not fit columns"),
        (TAGGED, "conll", words("-DOCSTART-"), "does not fit columns"),
        (TAGGED, "conll", words("\ufeff"), "does not fit columns"),
        (TAGGED, "conll", words(""), "does not fit columns"),
        (TAGGED, "csv", words("a\nb"), "does not fit a cell"),
        (TAGGED, "csv", words("a\x00"), "does not fit a cell"),
        (TAGGED, "doccano", words(" "), "only white space"),
        (TAGGED, "spacy", words("a", " ", spans=(Span(0, 2, "X"),)), "starts or ends with white space"),
        (TAGGED, "brat", words("a", spans=(Span(0, 1, "a b"),)), "the label `a b` contains white space"),
        (TAGGED, "brat", words("a\nb"), "a line break"),
        (LABELLED, "csv", words("a", labels=()), "a text without a label"),
        (LABELLED, "csv", words("a", labels=("['x']",)), "would be read as a list"),
        (LABELLED, "csv", words("a", labels=("x", "y")), "2 labels on a text"),
        (LABELLED, "tsv", words("a\x00"), "NUL"),
        (LABELLED, "lines", words("a", labels=("x y",)), "the label `x y` contains white space"),
        (LABELLED, "lines", words("__label__y", labels=("__label__x",)), "would be read as a label"),
        (LABELLED, "lines", words("a\nb"), "a line feed in a text"),
        (LABELLED, "lines", words("a\rb"), "a carriage return in a text"),
        (LABELLED, "lines", words("a", "b", second=1), "a pair of texts"),
        (LABELLED, "fasttext", words("__label__x"), "would be read as a label"),
        (LABELLED, "fasttext", words("a", labels=()), "a text without a label"),
        (LABELLED, "doccano", words("a", labels=()), "a text without a label"),
        (LABELLED, "label_studio", words("a", "b", second=1), "a pair of texts"),
        (LABELLED, "jsonl", words("\u200b"), "nothing is visible"),
    ],
)  # fmt: skip
def test_what_a_format_cannot_hold_is_an_error_with_its_place(tmp_path, task, name, make, told):
    good = TWO[0] if task == TAGGED else TEXTS[0]
    with pytest.raises(HallucError) as caught:
        write_one(tmp_path, task, name, [make(task), good], Options())
    assert told in caught.value.message
    assert (caught.value.code, str(caught.value.where), caught.value.exit_code) == ("D130", "corpus.txt:7", EXIT_DATA)
    assert caught.value.help
    assert list(tmp_path.iterdir()) == []


def test_a_separator_in_a_token_is_refused_and_a_tab_holds_blanks(tmp_path):
    example = words("New York", spans=(Span(0, 1, "a city"),))(TAGGED)
    with pytest.raises(HallucError, match="does not fit columns"):
        write_one(tmp_path, TAGGED, "conll", [example], Options(separator=" "))
    path, writer, options = write_one(tmp_path, TAGGED, "conll", [example], Options())
    assert path.read_text(encoding="utf-8") == "New York\tB-a city\n\n"
    assert [one.spans for one in read_back(TAGGED, path, writer.read_by(options))] == [example.spans]


def test_touching_mentions_of_one_label_are_no_io(tmp_path):
    touching = words("a", "b", spans=(Span(0, 1, "X"), Span(1, 2, "X")))(TAGGED)
    with pytest.raises(HallucError, match="is adjacent to another X") as caught:
        write_one(tmp_path, TAGGED, "conll", [touching], Options(scheme="io"))
    assert caught.value.code == "D130"
    check_round_trip(tmp_path, TAGGED, "conll", TWO, Options(scheme="io"))


def test_of_several_files_none_is_written_where_one_cannot_be(tmp_path):
    (tmp_path / "train.conll").write_text("before", encoding="utf-8")
    bad = words("-DOCSTART-")(TAGGED)
    with pytest.raises(HallucError, match="does not fit columns"):
        write({tmp_path / "train.conll": TWO, tmp_path / "dev.conll": [bad]}, WRITERS[TAGGED]["conll"], Options())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("train.conll", "before")]


def test_every_task_has_writers_with_a_summary_and_unambiguous_keys():
    for task, writers in WRITERS.items():
        fields = registry.load(TABLE, "reader", task).Config.model_fields
        for name, writer in writers.items():
            assert writer.summary, name
            assert writer.suffixes, name
            assert set(writer.read_by(Options())) <= set(fields), name
