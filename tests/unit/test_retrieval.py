"""Answer retrieval: the bank, the model before training, and what is kept of it."""

from __future__ import annotations

import json

import pytest

from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.examples import Corpus, Origin
from halluc.data.inputs import InputText
from halluc.task import Asserted, build
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
    with pytest.raises(HallucError, match="`a4` is not an answer of the bank") as caught:
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


def test_before_training_the_most_similar_question_by_cosine_answers_and_the_model_is_saved(
    tmp_path, tiny_encoder, monkeypatch, capsys
):  # fmt: skip
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
    # The text of the answer stands beside its id, and the program of the model card finds both.
    claims = [Asserted(again.judge.claims(examples[0], same[0])[0], None, None, False)]
    shown = again.examples.answer(InputText(1, "e0", ("anna",), TEXTS[0]), same[0], claims)
    assert shown.model_dump()["labels"][0]["answer"] == "yes"
    # Ensembles and passes with dropout decide by scores alone.
    encoded = again.model.encode(examples, restored)
    decided = again.model.decided(encoded, again.model.scored(restored.model, encoded, 64, engine), None)
    assert [one.answers for one in decided] == [one.answers for one in same] != [()] * len(same)
    monkeypatch.chdir(tmp_path / "model")
    for text, one in zip(TEXTS, same, strict=True):
        exec(again.wording.nouns.card.usages["retrieval"].replace("TEXT", repr(text)), {})
        assert capsys.readouterr().out.splitlines()[-1] == f"{one.labels[0]} yes"


@pytest.mark.parametrize(
    ("head", "key", "of_task", "told"),
    [
        ("QuestionAnswering", "question_answering", {"window": "abc"}, "question_answering.window"),
        ("TokenClassification", "text_classification", {"retrieval": {"bank": 3, "x": 1}}, "retrieval.bank"),
    ],
)
def test_settings_of_a_task_that_are_none_are_an_error(tmp_path, head, key, of_task, told):
    from halluc.workflows.trained_models import locate

    (tmp_path / "config.json").write_text(json.dumps({"architectures": [f"BertFor{head}"], key: of_task}))
    with pytest.raises(HallucError, match=told) as caught:
        locate(str(tmp_path))
    assert caught.value.code == "E411"


def test_the_vectors_of_answers_are_means_of_what_the_linear_layer_is_given(tmp_path, tiny_encoder):
    import torch
    from transformers import AutoTokenizer, ModernBertConfig, ModernBertModel

    from halluc.engine import runtime

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    pieces = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
    torch.manual_seed(0)
    ModernBertModel(ModernBertConfig(vocab_size=len(tokenizer), **size, **pieces)).save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    task = TextClassification(configured(tmp_path, [(f"a{n}", text) for n, text in enumerate(TEXTS)]))
    encoder = task.model.build(ModelConfig(name=str(tmp_path / "m")), ("a0", "a1", "a2"), "eager")
    asked = [Labelled(f"e{n}", Origin("f", n), tuple(text.split()), ("a1",)) for n, text in enumerate(TEXTS)]
    encoded = task.model.encode(asked, encoder)
    found = task.model.predict(encoder.model, encoded, 64, runtime.start("fp32", 1), None)
    # The vectors are of one length, so that a question is nearest to itself.
    assert [one.labels for one in found] == [("a0",), ("a1",), ("a2",)]
    lengths = encoder.model.classifier.weight.detach().norm(dim=1)
    logits = torch.tensor([one.scores[0][0][n] for n, one in enumerate(found)])
    assert float(logits.mean()) == pytest.approx(SCALE, rel=0.05)
    assert lengths.tolist() == pytest.approx([float(lengths[0])] * 3)


def test_null_can_mean_that_no_answer_helps(tmp_path):
    content = '{"text": "x y", "answer_id": null}\n{"text": "z", "answer_id": "a1"}'
    found = read(tmp_path, content, "d.jsonl", label_field="answer_id", out_of_scope_label="null")
    assert texts(found) == [("x y", ()), ("z", ("a1",))]


def test_a_model_that_is_trained_from_one_of_another_task_forgets_that_task(tmp_path, tiny_encoder):
    from halluc.engine import pretrained
    from halluc.workflows.trained_models import locate

    def saved(name, task, start, labels):
        encoder = task.model.build(ModelConfig(name=str(start)), labels, "eager")
        pretrained.save(encoder.model, encoder.tokenizer, tmp_path / name)
        return locate(str(tmp_path / name)).job.settings.task

    answers = TextClassification(configured(tmp_path))
    assert saved("answers", answers, tiny_encoder, ("a1", "a2", "a3")).retrieval is not None
    plain = TextClassification(TextClassificationConfig(type="text_classification", multi_label=True))
    found = saved("plain", plain, tmp_path / "answers", ("x", "y"))
    assert (found.type, found.multi_label, found.retrieval) == ("text_classification", True, None)
    from_plain = saved("again", answers, tmp_path / "plain", ("a1", "a2", "a3"))
    assert from_plain.retrieval is not None
    answers.model.restore(ModelConfig(name=str(tmp_path / "again")), {}, "eager")


@pytest.mark.parametrize(
    ("head", "key", "task"),
    [
        ("TokenClassification", "question_answering", "token_classification"),
        ("SequenceClassification", "relation_extraction", "text_classification"),
        ("SequenceClassification", "text_classification", "text_classification"),
        ("QuestionAnswering", "text_classification", "question_answering"),
        ("TokenClassification", "relation_extraction", "relation_extraction"),
    ],
)
def test_a_task_named_in_a_models_config_needs_the_head_of_the_task(tmp_path, head, key, task):
    from halluc.workflows.trained_models import locate

    of_task = {"retrieval": {"bank": "b.jsonl"}} if key == "text_classification" else {}
    (tmp_path / "config.json").write_text(json.dumps({"architectures": [f"BertFor{head}"], key: of_task}))
    found = locate(str(tmp_path)).job.settings.task
    assert (found.type, getattr(found, "retrieval", None)) == (task, None)
