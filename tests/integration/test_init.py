"""``halluc init``: a config for data that halluc has not seen."""

from __future__ import annotations

import json

import pytest

from halluc.components import TABLE
from halluc.config.loading import load
from halluc.workflows.initialisation import PRESETS
from tests.conftest import write_corpus


@pytest.mark.parametrize(
    ("data", "task"),
    [
        ("demo:ner", "token_classification"),
        ("demo:intents", "text_classification"),
        ("demo:relations", "relation_extraction"),
        ("demo:question_answering", "question_answering"),
        ("demo:translation", "translation"),
    ],
)
def test_every_kind_of_corpus_gets_a_config_that_passes_check(halluc, tmp_path, data, task):
    config = tmp_path / "new.yaml"
    preset = "text-scratch" if task == "translation" else "scratch"
    made = halluc("init", data, "-o", config, "--task", task, "--preset", preset, "--json")
    assert made.code == 0, made.err
    found = json.loads(made.out)
    assert found["language"] == "en"
    assert (found["task"], found["preset"], set(found["examples"])) == (task, preset, {"train", "dev", "test"})
    assert halluc("check", config).code == 0
    assert load(config, (), table=TABLE).experiment.name == "new"


def test_the_file_may_have_any_name(halluc, tmp_path):
    config = tmp_path / "my\nname: corpus #2.yaml"
    assert halluc("init", "demo:ner", "-o", config, "--preset", "scratch").code == 0
    assert "halluc check 'my\\nname: corpus #2.yaml'" in config.read_text()
    assert load(config, (), table=TABLE).experiment.name == "my-name-corpus-2"


def test_task_splits_and_language_are_detected(halluc, tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    write_corpus(folder)
    (folder / "dev.txt").rename(folder / "my.valid.txt")
    made = halluc("init", folder, "-o", tmp_path / "new.yaml", "--json")
    assert made.code == 0, made.err
    found = json.loads(made.out)
    assert found["task"] == "token_classification"
    assert found["examples"] == {"train": 20, "dev": 5, "test": 5}
    lone = halluc("init", folder / "train.txt", "-o", tmp_path / "lone.yaml")
    assert "dev_share: 0.1" in (tmp_path / "lone.yaml").read_text(), lone.err


def test_a_small_corpus_is_read_in_more_epochs(halluc, tmp_path):
    epochs = []
    for name, texts in (("small", 300), ("large", 12_000)):
        rows = [{"text": f"order number {n} has not been sent to me", "label": "ab"[n % 2]} for n in range(texts)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        assert halluc("init", tmp_path / f"{name}.jsonl", "-o", tmp_path / f"{name}.yaml").code == 0
        epochs.append(load(tmp_path / f"{name}.yaml", (), table=TABLE).experiment.train.epochs)
    assert epochs == [20, 3]


def test_chinese_text_gets_a_chinese_model(halluc, tmp_path):
    rows = [{"text": "我们去北京大学吃饭", "label": "a"}, {"text": "今天天气很好", "label": "b"}]
    (tmp_path / "train.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    made = halluc("init", tmp_path / "train.jsonl", "-o", tmp_path / "new.yaml", "--json")
    assert (made.code, json.loads(made.out)["preset"]) == (0, "base-zh"), made.err


def test_the_first_words_of_sentences_are_doubtful_labels(halluc, tmp_path):
    names = ["Anna", "Bob", "Eve", "Ida", "Jan", "Kim", "Lea", "Max", "Nia", "Ole", "Pia"]
    for language in ("en", "de"):
        (tmp_path / f"train.{language}").write_text("".join(f"{name} has left the house\n" for name in names))
    made = halluc("init", tmp_path / "train.en", "-o", tmp_path / "new.yaml")
    assert "11 labels, for example `Anna` in: has left the house" in made.err
    assert "warning: train: 11 of 11 labels occur only once" in made.err
    command = f"{tmp_path}/train.en --task translation --set data.train_target={tmp_path}/train.de`"
    assert f"train.de lies beside it: for two parallel files: `halluc init {command}" in made.err.replace("\n", "")
    outcome = halluc("init", tmp_path, "-o", tmp_path / "other.yaml")
    assert (
        f"several files for train: train.de, train.en\n   = help: for two parallel files: `halluc init {command}"
        in (outcome.err)
    )
    for name in ("train.en", "train.de"):
        (tmp_path / name).write_text("".join(f"{n % 2} {name} has left the house\n" for n, name in enumerate(names)))
    assert "warning" not in halluc("init", tmp_path / "train.en", "-o", tmp_path / "other.yaml").err


def test_a_few_bad_rows_do_not_hide_the_task(halluc, tmp_path):
    rows = [f"I called {n} times,{'ab'[n % 2]}" for n in range(20)]
    (tmp_path / "train.csv").write_text("\n".join(["text,label", *rows, "nobody came,"]))
    made = halluc("init", tmp_path / "train.csv", "-o", tmp_path / "new.yaml")
    assert made.err.startswith("error[D123]: no label\n"), made.err
    assert "train.csv:22" in made.err


def test_what_cannot_be_proposed_is_an_error_and_nothing_is_written(halluc, tmp_path):
    existing = tmp_path / "old.yaml"
    existing.write_text("name: precious")
    (tmp_path / "empty").mkdir()
    write_corpus(tmp_path)
    (tmp_path / "train.conll").write_text("a O\n")
    (tmp_path / "untrained").mkdir()
    for name in ("dev.en", "dev.de"):
        (tmp_path / "untrained" / name).write_text("a b\n")
    for arguments, said in (
        (("demo:ner", "-o", existing), "exists"),
        (("demo:ner", "-o", tmp_path / "x.json"), "ends with .yaml"),
        (("demo:ner", "--preset", "bse"), "did you mean `base`?"),
        (("demo:ner", "--task", "tagging"), "no task `tagging`"),
        (("demo:translation",), "--task"),
        ((tmp_path / "empty",), "no file whose name contains `train`"),
        ((tmp_path,), "several files for train: train.conll, train.txt"),
        ((tmp_path / "untrained",), "several files for dev: dev.de, dev.en"),
        ((tmp_path / "nowhere.txt",), "nowhere.txt"),
    ):
        target = () if "-o" in arguments else ("-o", tmp_path / "new.yaml")
        outcome = halluc("init", *arguments, *target)
        assert outcome.code in (2, 3), (arguments, outcome.err)
        assert said in outcome.err, outcome.err
    assert not (tmp_path / "new.yaml").exists()
    assert existing.read_text() == "name: precious"


def test_its_help_speaks_of_its_data(halluc):
    assert "How to read the data" in halluc("init", "--help").out


def test_names_of_presets_are_unique():
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)
