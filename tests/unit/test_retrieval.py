"""Answer retrieval: the bank, the model before training, and what is kept of it."""

from __future__ import annotations

import json

import pytest

from halluc.config.schema import ModelConfig
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.examples import Corpus, Origin
from halluc.task import build
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.retrieval import SCALE, read_bank
from halluc.tasks.text_classification.task import TextClassification
from tests.unit.test_texts_reader import read, texts

ROWS = [("a1", "the bank left"), ("a2", "anna met berg in oslo"), ("a3", "acme won"), ("a3", "corp said acme won")]
TEXTS = ["anna met berg", "the bank of oslo left", "acme and corp"]


def configured(folder, rows=ROWS):
    path = folder / "bank.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "question": q, "answer": "yes"}) for i, q in rows))
    return TextClassificationConfig(type="text_classification", retrieval={"bank": str(path)})


def corpus(label="a1"):
    return Corpus("train", (Labelled("e1", Origin("f", 3), ("the", "bank"), (label,)),), "f")


def test_every_answer_of_the_bank_is_a_label_whether_it_is_trained_on_or_not(tmp_path):
    config = configured(tmp_path)
    assert read_bank(config.retrieval)["a3"] == ["acme won", "corp said acme won"]
    assert TextClassification(config).examples.labels(corpus()) == ("a1", "a2", "a3")
    with pytest.raises(HallucError, match="`a4` is no answer of the bank") as caught:
        TextClassification(config).examples.labels(corpus("a4"))
    assert (caught.value.code, caught.value.where.line) == ("D123", 3)


@pytest.mark.parametrize(
    ("rows", "code"), [([("a1", "x"), (None, "y")], "D107"), ([("a1", " "), ("a2", "y")], "D107"), (ROWS[:1], "D102")]
)
def test_a_bank_that_cannot_be_used_is_an_error(tmp_path, rows, code):
    with pytest.raises(HallucError) as caught:
        read_bank(configured(tmp_path, rows).retrieval)
    first = caught.value.errors[0] if isinstance(caught.value, ManyErrors) else caught.value
    assert first.code == code


def test_before_training_the_nearest_question_by_cosine_answers_and_the_model_is_kept(tmp_path, tiny_encoder):
    import torch

    from halluc.engine import pretrained, runtime

    task = TextClassification(configured(tmp_path))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("a1", "a2", "a3", "out_of_scope"), "eager")
    examples = [Labelled(f"e{n}", Origin("f", n), tuple(text.split()), ("a1",)) for n, text in enumerate(TEXTS)]
    engine = runtime.start("fp32", 1)
    found = task.model.predict(encoder.model, task.model.encode(examples, encoder), 64, engine, None)

    def state(text):
        with torch.no_grad():
            inputs = encoder.tokenizer(text, return_tensors="pt")
            return encoder.model.base_model(**inputs).last_hidden_state[0].mean(0)

    bank = [state(ROWS[0][1]), state(ROWS[1][1]), (state(ROWS[2][1]) + state(ROWS[3][1])) / 2]
    length = torch.stack([one.norm() for one in bank]).mean()
    for text, prediction in zip(TEXTS, found, strict=True):
        wanted = [float(SCALE * (state(text) @ one) / (one.norm() * length)) for one in bank]
        assert prediction.scores[0][0] == pytest.approx([*wanted, 0.0], abs=1e-3)
        assert prediction.labels == (("a1", "a2", "a3")[wanted.index(max(wanted))],)
    pretrained.save(encoder.model, encoder.tokenizer, tmp_path / "model")
    kept = json.loads((tmp_path / "model/config.json").read_text())
    assert TextClassification.settings_of(kept) == {"retrieval": {"bank": "bank.jsonl"}}
    (tmp_path / "bank.jsonl").unlink()  # a trained model does not need it
    again = build(TextClassificationConfig(type="text_classification", **TextClassification.settings_of(kept)))
    restored = again.model.restore(ModelConfig(name=str(tmp_path / "model")), {}, "eager")
    same = again.model.predict(restored.model, again.model.encode(examples, restored), 64, engine, None)
    assert [one.confidences for one in same] == [pytest.approx(one.confidences) for one in found]


def test_null_can_mean_that_no_answer_helps(tmp_path):
    content = '{"text": "x y", "answer_id": null}\n{"text": "z", "answer_id": "a1"}'
    found = read(tmp_path, content, "d.jsonl", label_field="answer_id", out_of_scope_label="null")
    assert texts(found) == [("x y", ()), ("z", ("a1",))]
