"""Reading questions: rows and articles, answers that are not where they are said to be, and answers of other tools."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path

import pytest
import torch

from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.core.errors import EXIT_DATA, HallucError, ManyErrors
from halluc.core.examples import Origin
from halluc.data.corpora import read_corpora, stream_corpora
from halluc.data.predictions import joined, read_predictions
from halluc.data.rows.row import Row, Unreadable
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.decoding import best_answers, predict_answer, rows_of_questions
from halluc.tasks.question_answering.examples import QuestionExamples
from halluc.tasks.question_answering.reading.config import QuestionsConfig
from halluc.tasks.question_answering.reading.reader import QuestionsReader
from halluc.tasks.question_answering.task import QuestionAnswering

CONTEXT = "Anna runs Acme. Anna met Bo."


def row(text="Acme", start=10, **more):
    return {
        "id": "a",
        "question": "what?",
        "context": CONTEXT,
        "answers": {"text": [text], "answer_start": [start]},
    } | more


def read(folder: Path, *rows: object, name="train.jsonl", **keys):
    path = folder / name
    content = rows[0] if isinstance(rows[0], str) else "\n".join(map(json.dumps, rows))
    path.write_text(content, encoding="utf-8")
    return read_corpora(QuestionsConfig(train=str(path), **keys), TABLE)


def article(*questions, title="Acme", context=CONTEXT):
    return {"title": title, "paragraphs": [{"context": context, "qas": list(questions)}]}


def asked(identity, *answers, **more):
    found = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": identity, "question": f"{identity}?", "answers": found} | more


@pytest.mark.parametrize(
    "given",
    [
        row(),
        row(answers=[{"text": "Acme", "answer_start": 10}]),
        row(answers=json.dumps({"text": ["Acme"], "answer_start": [10]})),
        row(text=" Acme.", start=9, tokens=["what", "?", "Anna", "runs", "Acme"], second=2),
    ],
)
def test_answers_in_all_their_forms(tmp_path, given):
    (one,) = read(tmp_path, given).splits["train"]
    assert one.texts[0].strip(".") == "Acme"
    assert (one.question.text, one.context.text) == ("what?", CONTEXT)


def test_articles_share_contexts_and_are_documents(tmp_path):
    first = article(asked("a", ("Acme", 10), ("Acme", 10), ("Ac", 10)), asked("b", is_impossible=True))
    second = article(asked("c", ("Bo", 25)), title="Other")
    content = json.dumps({"version": "v2.0", "data": [first, second]})
    found = read(tmp_path, content, name="train.json").splits["train"].examples
    assert [one.texts for one in found] == [["Acme", "Ac"], [], ["Bo"]]
    assert found[0].context is found[1].context
    assert [one.origin.document for one in found] == [1, 1, 2]
    # Rows of their own share them too, and each context is a document where no title says otherwise.
    rows = read(tmp_path, row(), row(id="b"), row(id="c", context="Bo met Acme")).splits["train"].examples
    assert rows[0].context is rows[1].context
    assert [one.origin.document for one in rows] == [1, 1, 2]


@pytest.mark.parametrize("name", ["train.json", "train.jsonl"])
def test_an_answer_inside_a_word_does_not_change_what_a_model_reads(tmp_path, name, tiny_encoder):
    context = "Then the Israelis left."
    given = {"question": "who?", "context": context, "answers": {"text": ["Israel"], "answer_start": [9]}}
    content = json.dumps({"data": [article(asked("a", ("Israel", 9)), asked("b"), context=context)]})
    found = read(tmp_path, content if name == "train.json" else json.dumps(given), name=name).splits["train"]
    again = read(tmp_path, QuestionExamples().record(found.examples[0]), name="again.jsonl").splits["train"].examples[0]
    one = QuestionExamples().of_input("p", Origin("f", 1), QuestionsReader(QuestionsConfig(train="x")).input_of(
        Row("f", 1, {"question": "a?" if name == "train.json" else "who?", "context": context})
    ))  # fmt: skip
    assert found.examples[0].texts == again.texts == ["Israel"]
    task = QuestionAnswering(QuestionAnsweringConfig(type="question_answering"))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("answer",), "eager")
    encoded = task.model.encode([found.examples[0], again, one], encoder)
    inputs = encoded.collate([0, 1, 2]).inputs["input_ids"]
    assert (inputs == inputs[2]).all()
    (first, last), context_pieces = encoded.targets[0], encoded.windows[0].context
    assert last - first == context_pieces.last[2] - context_pieces.first[2]  # the third word, as a whole
    logits = torch.zeros(3, inputs.shape[1], 2)
    logits[:, first, 0] = logits[:, last, 1] = 9.0
    best = best_answers(encoded, rows_of_questions(encoded, [(encoded.collate([0, 1, 2]), logits)]), 20, 1)
    said = [predict_answer(*pair, 0.0).text for pair in zip(encoded.examples, best, strict=True)]
    assert said == ["Israelis"] * 3


def test_an_offset_is_repaired_if_the_answer_occurs_once(tmp_path):
    found = read(tmp_path, row(start=3))
    assert found.splits["train"].examples[0].texts == ["Acme"]
    assert [one.what for one in found.repairs] == ['question `a`: the answer "Acme" is at 10, not at 3']


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (row("Anna", 3), "D109", 'question `a`: the answer "Anna" is not at character 3, and occurs at several'),
        (row("Moss", -1), "D109", 'question `a`: the answer "Moss" is not at character -1, and does not occur'),
        (row(" ", 4), "D109", "an answer is empty"),
        (row(answers={"text": ["Acme"], "answer_start": []}), "D108", "1 texts and 0 values"),
        (row(answers={"text": "Acme", "answer_start": 10}), "D107", "are not both lists"),
        (row(answers=[["Acme", 10]]), "D107", "an answer is a list, not an object"),
        (row(answers=None), "D107", "its answers are null"),
        (row(answers=[{"text": "Acme", "answer_start": 10}, 5]), "D107", "an answer is a number, not an object"),
        (row("Acme", 10.0), "D107", "`answer_start` of an answer is the number 10.0, not a whole number"),
        (row("Acme", None), "D107", "`answer_start` of an answer is null"),
        (row(is_impossible=True), "D107", "`is_impossible` is true"),
        (row(context=" "), "D106", "the context is empty"),
        (row(context=7), "D107", "the context is a number"),
        (row(question=""), "D106", "the question is empty"),
        ({"context": "x", "answers": []}, "D107", "no field `question`"),
        ({"question": "x", "context": "y"}, "D107", "no field `answers`"),
        ({"title": "x", "paragraphs": [{"context": "y"}]}, "D107", "paragraph 1 of article 2 (x): no list `qas`"),
        (article(asked("b", ("Moss", 2))), "D109", 'question `b`: the answer "Moss"'),
        (article(asked("good")), "D112", "id `good` is already"),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_line(tmp_path, given, code, told):
    with pytest.raises(HallucError) as caught:
        read(tmp_path, row(id="good"), given)
    errors = caught.value.errors if isinstance(caught.value, ManyErrors) else [caught.value]
    assert [(e.code, e.where.line, e.exit_code) for e in errors] == [(code, 2, EXIT_DATA)]
    assert told in errors[0].message
    assert len(read(tmp_path, row(id="good"), given, on_bad_line="skip").splits["train"]) == 1


def test_a_file_of_plain_text_is_refused_with_the_formats(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Who runs it?\n")
    with pytest.raises(HallucError) as caught:
        read_corpora(QuestionsConfig(train=str(path)), TABLE)
    assert (caught.value.code, caught.value.where.file) == ("D107", str(path))
    assert caught.value.help == "set `data.format`, or convert the file to one of: jsonl, json, csv, table"


def test_of_several_answers_the_wrong_one_may_be_left_out(tmp_path):
    answers = {"text": ["Moss", "Acme"], "answer_start": [0, 10]}
    found = read(tmp_path, row(answers=answers), on_bad_line="skip")
    assert found.splits["train"].examples[0].texts == ["Acme"]
    assert ["removed" in one.what for one in found.repairs] == [True]


def test_an_invisible_mark_at_the_end_of_an_answer_is_reported(tmp_path):
    given = row(id="b", text="Acme\u200b", context=CONTEXT.replace("Acme", "Acme\u200b"))
    assert len(read(tmp_path, given).splits["train"]) == 1
    with pytest.raises(HallucError, match="question `b`: an answer starts or ends with an invisible") as caught:
        read(tmp_path, row(), given, strip_invisible=True)
    assert (caught.value.code, caught.value.where.line) == ("D109", 2)


def test_shares_take_whole_articles(tmp_path):
    rows = [row(id=f"{number}-{part}", title=f"t{number}") for number in range(12) for part in range(3)]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    config = QuestionsConfig(train=str(path), dev_share=0.3, test_share=0.3)
    found = read_corpora(config, TABLE).splits
    assert {split: tuple(made) for split, made in stream_corpora(config, TABLE).items()} == {
        split: made.examples for split, made in found.items()
    }, "augmentation makes new questions of train alone"
    titles = [{one.id.split("-")[0] for one in found[split]} for split in ("train", "dev", "test")]
    assert all(titles) and sum(map(len, titles)) == len(set.union(*titles)) == 12


def test_questions_without_an_answer_are_left_out_where_that_is_asked_for(tmp_path):
    questions = [asked("a", ("Acme", 10)), asked("b", is_impossible=True), asked("c"), asked("d", ("Bo", 25))]
    given = json.dumps({"data": [article(*questions)]})
    found = read(tmp_path, given, name="train.json", answerable_only=True)
    assert [one.id for one in found.splits["train"]] == ["a", "d"]
    assert [one.what for one in found.skipped] == ["question `b` has no answer", "question `c` has no answer"]


def test_inputs_are_rows_or_lines_with_a_tab():
    reader = QuestionsReader(QuestionsConfig(train="x"))
    for fields in ({"text": "who?\tAnna won."}, {"question": "who?", "context": "Anna won.", "answers": "?"}):
        text = reader.input_of(Row("f", 3, fields))
        assert (text.tokens, text.second, text.line) == (("who", "?", "Anna", "won", "."), 2, 3)
    for fields, code in (({"text": "who?"}, "D113"), ({"question": "who?", "context": ""}, "D106"), ({"a": 1}, "D107")):
        with pytest.raises(Unreadable) as bad:
            reader.input_of(Row("f", 3, fields))
        assert bad.value.code == code


PREDICTED = [
    (json.dumps({"a": "Acme", "b": ""}), "p.json", [None, None]),
    (json.dumps({"a": "Acme", "b": None}), "p.json", [None, None]),
    (codecs.BOM_UTF8 + json.dumps({"a": "Acme", "b": ""}).encode(), "p.json", [None, None]),
    (gzip.compress(json.dumps({"a": "Acme", "b": ""}, indent=1).encode(), mtime=0), "p.json.gz", [None, None]),
    (
        '{"id": "a", "prediction_text": "Acme", "no_answer_probability": 0.25}\n{"id": "b", "prediction_text": ""}',
        "p.jsonl",
        [0.75, None],
    ),
    ('{"id": "a", "predicted": "Acme", "confidence": 0.5}\n{"id": "b", "predicted": null}', "p.jsonl", [0.5, None]),
    ('{"id": "a", "predicted": ["Acme"], "score": 0.5}\n{"id": "b", "predicted": []}', "p.jsonl", [0.5, None]),
    ("id,predicted,confidence\na,Acme,0.5\nb,,\n", "p.csv", [0.5, None]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "name", "confidences"), PREDICTED)
def test_answers_of_other_tools(tmp_path, content, name, confidences):
    corpus = read(tmp_path, row(), row(id="b", answers=[])).splits["train"]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    stated, file = read_predictions(path, QuestionsConfig(train="x"), corpus, None)
    found, by = joined(stated, corpus, file)
    assert by == "id"
    assert [one.example.text for one in found] == ["Acme", None]
    assert found[0].confidences == (pytest.approx(confidences[0]) if confidences[0] else None,)


def test_scores_of_no_answer_are_read_from_a_second_file(tmp_path):
    corpus = read(tmp_path, row(), row(id="b", answers=[])).splits["train"]
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps({"a": "Acme", "b": ""}))
    (tmp_path / "null_odds.json").write_text(json.dumps({"a": -2.0, "b": 3.0}))
    stated, file = read_predictions(path, QuestionsConfig(train="x"), corpus, None)
    assert [one.example.no_answer for one in stated] == [-2.0, 3.0]
    assert stated[0].confidences == (pytest.approx(0.8808, abs=1e-4),)
    assert "null_odds.json" in file.warnings[0]
    for content in ("[]", '{"a": NaN}', f'{{"a": 1{"0" * 400}}}'):
        (tmp_path / "null_odds.json").write_text(content)
        with pytest.raises(HallucError, match="not one JSON object"):
            read_predictions(path, QuestionsConfig(train="x"), corpus, None)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": "a", "predicted": 7}', "is a number, not a string"),
        ('{"id": "a", "predicted": ["x", "y"]}', "a list, but not of one text"),
        ('{"id": "a", "predicted": [[0, 1, "answer", 0.5]]}', "a list, but not of one text"),
        ('{"predicted": "x"}', "without an id"),
        ('{"id": "a", "predicted": "x", "no_answer": "much"}', "not a finite number"),
        (f'{{"id": "a", "predicted": "x", "no_answer": 1{"0" * 400}}}', "not a finite number"),
        ('{"id": "a", "context_start": 3, "answers": ["a"]}', "not a list of objects"),
        ('{"id": "a", "answer": "x"}', "no field `predicted`"),
        ('{"id": "a", "predicted": "x", "no_answer_probability": 2}', "not between 0 and 1"),
    ],
)
def test_broken_answers_of_other_tools_are_reported(tmp_path, line, told):
    corpus = read(tmp_path, row()).splits["train"]
    path = tmp_path / "p.jsonl"
    path.write_text(line)
    with pytest.raises(HallucError, match=told):
        read_predictions(path, QuestionsConfig(train="x"), corpus, None)
