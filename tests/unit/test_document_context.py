"""``task.context``: consecutive sentences of a document in one row, and one prediction for each word all the same."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.data.corpora import read_corpora
from halluc.data.inputs import InputText
from halluc.engine import runtime
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.encoding import EncodedTokens, rows_of
from halluc.tasks.token_classification.model import Tagger
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.workflows.prediction import _origins
from tests.conftest import SENTENCES, write_corpus, write_experiment


def sentence(number: int, length: int = 2, document: int = 1, file: str = "f") -> Tagged:
    tokens = tuple(f"w{number}.{place}" for place in range(length))
    return Tagged(f"s{number}", Origin(file, number, document, number=number), tokens, ())


def joined(examples: list[Tagged], space: int = 10) -> list[list[str]]:
    """The ids of the examples of each row, a piece a word."""
    words = [[[1]] * len(example.tokens) for example in examples]
    windows = list(rows_of(examples, words, space, [8], [9]))
    encoded = EncodedTokens(examples, windows, [[0] * len(one.tokens) for one in examples], ("O",), 0, {})
    assert sum(encoded.weights) >= sum(len(one.tokens) for one in examples)
    return [encoded.ids([index]) for index in range(len(windows))]


def test_rows_are_filled_with_consecutive_sentences():
    assert joined([sentence(n, 3) for n in range(1, 6)]) == [["s1", "s2", "s3"], ["s4", "s5"]]


@pytest.mark.parametrize(
    "second",
    [
        sentence(2, document=2),
        sentence(3),  # the one between was left out
        sentence(2, file="g"),
        sentence(1),  # another version of the same
        Tagged("s2", Origin("f", 2), ("w",), ()),  # made by augmentation
    ],
)
def test_what_does_not_follow_in_the_document_begins_a_row(second):
    assert joined([sentence(1), second]) == [["s1"], [second.id]]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 2)), min_size=1, max_size=30), st.integers(4, 40))
def test_every_word_is_in_a_window_that_fits_in_the_order_of_the_text(made, space):
    examples = [sentence(n, length, document) for n, (length, document) in enumerate(made, 1)]
    names = {token: number for number, token in enumerate(t for one in examples for t in one.tokens)}
    words = [[[names[token]] * (1 + names[token] % 3) for token in one.tokens] for one in examples]
    rows = list(rows_of(examples, words, space, [], []))
    encoded = EncodedTokens(examples, rows, [[0] * len(one.tokens) for one in examples], ("O",), 0, {})
    covered = []
    for row in rows:
        assert len(row.pieces) <= space
        numbers = list(range(encoded.starts[-1])[encoded.words(row)])
        assert [row.pieces[place] for place in row.first] == numbers
        covered += numbers
    assert set(covered) == set(names.values())


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    torch.manual_seed(1)
    return Tagger(config(None)).build(ModelConfig(name=str(tiny_encoder), dropout=0.0), ("PER",), "eager")


def config(context: int | None) -> TokenClassificationConfig:
    return TokenClassificationConfig(type="token_classification", context=context)


def test_a_sentence_is_read_as_if_the_row_were_one_text(encoder):
    texts = ["Anna Berg visited Oslo .", "the bank left", "Acme won ."]
    examples = [Tagged(text, Origin("f", n, 1, number=n), tuple(text.split()), ()) for n, text in enumerate(texts, 1)]
    examples.append(Tagged("alone", Origin("f", 9), ("Oslo", "won"), ()))
    tagger = Tagger(config(20))
    encoded = tagger.encode(examples, encoder)
    assert [encoded.ids([index]) for index in range(len(encoded.windows))] == [texts, ["alone"]]
    batch = encoded.collate([0])
    assert batch.weight == 11
    assert (batch.labels >= 0).sum() == 11
    engine = runtime.start("fp32", 1)
    predictions = tagger.predict(encoder.model, encoded, 64, engine, "argmax")
    whole = encoder.tokenizer(" ".join(texts), return_tensors="pt")
    with torch.inference_mode():
        tags = encoder.model(**whole).logits[0].argmax(-1)
    seen: dict[int, str] = {}
    for place, word in enumerate(whole.word_ids()):
        if word is not None:
            seen.setdefault(word, encoder.outputs[tags[place]])
    assert [tag for one in predictions[:3] for tag in one.tags] == list(seen.values())


def test_more_context_than_the_model_reads_is_an_error(encoder):
    with pytest.raises(HallucError) as error:
        Tagger(config(65)).encode([sentence(1)], encoder)
    assert error.value.code == "C202"
    assert "`task.context: 65` is more than the 64 pieces" in error.value.message


# --- which document a sentence is of -------------------------------------------------------------------------------


def origins(folder: Path, text: str, name: str = "train.txt", **keys) -> list[tuple[int, int]]:
    (folder / name).write_text(text, encoding="utf-8")
    corpora = read_corpora(SpansConfig(train=str(folder / name), **keys), TABLE, ("train",))
    return [(example.origin.document, example.origin.number) for example in corpora.splits["train"]]


def test_columns_name_documents_by_their_marks(tmp_path):
    text = "-DOCSTART- O\n\na O\n\nb O\n\n-DOCSTART- O\n\nc O\n"
    assert origins(tmp_path, text) == [(1, 1), (1, 2), (2, 3)]


def test_a_sentence_that_cannot_be_read_leaves_a_hole(tmp_path):
    text = "-DOCSTART- O\n\na O\n\nb\n\nc O\n"
    assert origins(tmp_path, text, on_bad_line="skip") == [(1, 1), (1, 3)]


def test_records_name_documents_in_a_field(tmp_path):
    rows = [{"tokens": ["a"], "spans": [], "meta": {"doc": name}} for name in ("x", "x", 7, None, None, "x")]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    found = origins(tmp_path, text, "train.jsonl", document_field="meta.doc")
    assert found == [(1, 1), (1, 2), (2, 3), (3, 4), (4, 5), (1, 6)]
    assert {document for document, _ in origins(tmp_path, text, "train.jsonl")} == {0}
    with pytest.raises(HallucError, match=r"no row has `data\.document_field: book`"):
        origins(tmp_path, text, "train.jsonl", document_field="book")


def test_a_blank_text_or_another_document_ends_a_document_of_the_input():
    def text(line: int, *tokens: str, document: int = 0) -> InputText:
        return InputText(line, line, tokens, document=document)

    chunk = [text(1, "a"), text(2, "b"), text(3), text(4, "c"), text(5, "d", document=2), text(6, "e", document=2)]
    found = list(_origins(chunk, "input"))
    assert [one.line for one in found] == [1, 2, 4, 5, 6]
    assert [one.precedes(other) for one, other in itertools.pairwise(found)] == [True, False, False, True]


# --- from the command line -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def documents(tmp_path_factory, tiny_encoder) -> Path:
    """A config of a corpus with documents, read in rows of 32 pieces."""
    folder = tmp_path_factory.mktemp("documents")
    files = write_corpus(folder)
    for path in files.values():
        path.write_text("\n".join([f"-DOCSTART- O\n\n{SENTENCES}"] * 3), encoding="utf-8")
    made = write_experiment(folder, tiny_encoder, files, "steps: 4, learning_rate: 0.01, batch_tokens: 64")
    made.write_text(
        made.read_text().replace("{type: token_classification}", "{type: token_classification, context: 32}")
    )
    return made


def test_a_run_keeps_its_context_for_whoever_uses_the_model(halluc, documents, tmp_path):
    run = tmp_path / "run"
    outcome = halluc("train", documents, "--run", run)
    assert outcome.code == 0, outcome.err
    assert json.loads((run / "model/config.json").read_text())["token_classification"] == {"context": 32}
    assert "3 windows" in outcome.err
    outcome = halluc("eval", "--run", run)
    assert outcome.code == 0, outcome.err
    assert "3 inputs with several consecutive sentences of a document" in outcome.err
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna met Oslo\nBerg left the bank\n")

    def predicted() -> list[list[float]]:
        made = halluc("predict", run, "--input", texts).out.splitlines()
        return [[span["confidence"] for span in json.loads(line)["spans"]] for line in made]

    together = predicted()
    texts.write_text("Anna met Oslo\n\nBerg left the bank\n")
    apart = predicted()
    assert apart[1] == []
    assert together != [apart[0], apart[2]]


def test_augmented_sentences_have_no_document_and_originals_have_theirs(halluc, documents, tmp_path):
    outcome = halluc(
        "train", documents, "--run", tmp_path / "run",
        "--set", "augment={size: 2.0x, online: true, methods: [{type: duplicate}]}", "--set", "train.steps=null",
        "--set", "train.epochs=2", "--set", "data.dev=null", "--set", "data.test=null",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    events = [json.loads(line) for line in (tmp_path / "run/events.jsonl").open()]
    started = next(event for event in events if event.get("event") == "started")
    assert started["features"] == 3 + 15  # rows of originals, and the copies of the first epoch


def test_without_documents_it_is_an_error_before_a_run_is_made(halluc, experiment):
    for command in ("check", "train"):
        outcome = halluc(command, experiment, "--set", "task.context=32")
        assert outcome.code == 2
        assert "error[C107]: `task.context: 32` needs documents" in outcome.err
        assert "data.document_field" in outcome.err
    assert not (experiment.parent / "runs").exists()
