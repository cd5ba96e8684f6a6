"""``halluc check`` on labelled texts: what it counts, warns of and refuses, and what a run keeps of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("without_charts")

TRAIN = [("where is it", "track"), ("my money", "refund"), ("money back", "refund"), ("sing", "oos")]
DEV = [("where is that", "track"), ("money", "refund")]
TEST = [("where is it", "track"), ("money back now", "refunds"), ("sing", "oos"), ("who", "oos")]


@pytest.fixture
def labelled(tmp_path: Path):
    """Writes a config, and its corpora as (text, label) rows."""

    def write(train=TRAIN, dev=DEV, test=TEST, task="", data="") -> Path:
        for split, rows in (("train", train), ("dev", dev), ("test", test)):
            lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in rows]
            (tmp_path / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
        splits = "".join(f"  {split}: {tmp_path / split}.jsonl\n" for split in ("train", "dev", "test"))
        config = tmp_path / "texts.yaml"
        config.write_text(
            f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification{task}}}\n"
            f"data:\n  format: texts\n  out_of_scope_label: oos\n{splits}{data}"
            "model: {scratch: {layers: 1, width: 16, heads: 2, vocabulary: 120}}\ntrain: {steps: 1}\n",
            encoding="utf-8",
        )
        return config

    return write


def test_texts_are_counted_in_words_of_their_own(halluc, labelled):
    config = labelled()
    told = halluc("check", config)
    assert told.code == 0, told.err
    header = next(line for line in told.err.splitlines() if line.startswith("split "))
    assert header.replace("out of scope", "out_of_scope").split() == [
        *["split", "texts", "words", "labels", "out_of_scope", "mean", "median", "p90", "p99", "longest"]
    ]
    assert "2 (50.0%)" in told.err and "out of scope: texts without a label" in told.err
    assert not any(word in told.err for word in ("sentence", "mention", "entity", "surface", "tags", "scheme"))
    found = json.loads(halluc("check", config, "--json").out)
    assert found["schema_version"] == 2
    assert found["splits"]["test"]["counts"] == {"texts": 4, "words": 8, "labels": 2, "out_of_scope": 2, "pairs": 0}
    overlap = next(one for one in found["overlaps"] if (one["earlier"], one["later"]) == ("train", "test"))
    assert (overlap["examples"], overlap["same_annotation"]) == (2, 2)


def test_of_label_sets_a_text_is_without_label(halluc, labelled):
    rows = [("a b", ["x", "y"]), ("c", []), ("d", ["x"])]
    told = halluc("check", labelled(rows, rows[:1], rows[:2], task=", multi_label: true"), "--json")
    assert told.code == 0, told.err
    counts = json.loads(told.out)["splits"]["train"]["counts"]
    assert counts == {"texts": 3, "words": 4, "labels": 3, "without_label": 1, "pairs": 0}


def test_a_label_in_test_alone_is_reported_with_its_place_and_what_may_be_meant(halluc, labelled):
    config = labelled()
    told = halluc("check", config)
    place = config.parent / "test.jsonl"
    assert (
        f"test has labels that do not occur in train: refunds (1, first: {place}:2; did you mean `refund`?)" in told.err
    )
    assert "fix them, or add training examples with these labels" in told.err
    assert json.loads(halluc("check", config, "--json").out)["unseen_labels"] == {
        "test": {"refunds": {"count": 1, "first": [f"{place}:2"]}}
    }


def test_of_very_many_labels_that_train_lacks_a_few_are_named(halluc, labelled):
    many = [(f"text {number}", f"label-{number:04}-{'x' * 100}") for number in range(3000)]
    told = halluc("check", labelled(test=many))
    (line,) = [line for line in told.err.replace("\n", " ").split("warning: ") if "do not occur in train" in line]
    assert "and 2,990 more;" in line
    assert len(line) < 3_000


def test_training_warns_of_a_label_in_dev_alone(halluc, labelled):
    told = halluc("train", labelled(dev=[("where", "trakc")]))
    assert told.code == 0, told.err
    assert "warning: dev has labels that do not occur in train: trakc (1, first:" in told.err


@pytest.mark.parametrize("command", ["check", "train"])
def test_several_labels_where_one_is_asked_for_are_refused(halluc, labelled, command):
    train = [*TRAIN, ("where is my money", ["refund", "track"])]
    config = labelled(train=train, test=[("a", ["x", "y", "z"])])
    told = halluc(command, config)
    assert told.code == 3
    assert "error[D136]: a text with 2 labels: `refund`, `track`" in told.err
    assert f"{config.parent / 'train.jsonl'}:5" in told.err
    # Check looks at what evaluation would refuse later, too.
    assert (f"{config.parent / 'test.jsonl'}:1" in told.err) == (command == "check")
    assert "set `task.multi_label: true`" in told.err


@pytest.mark.parametrize("command", ["check", "train"])
@pytest.mark.parametrize(
    ("train", "lacking"), [([("a", "x"), ("b", "x")], "only one label"), ([("a", "oos"), ("b", "oos")], "no label")]
)
def test_a_training_split_of_which_nothing_can_be_learned_is_refused(halluc, labelled, command, train, lacking):
    told = halluc(command, labelled(train, train[:1], train[:1]))
    assert told.code == 3
    assert f"error[D131]: {told.err.split('error[D131]: ')[1].split(' has ')[0]} has {lacking}" in told.err
    assert "check that `data.train` is the right file" in told.err


def test_a_run_keeps_the_record_and_its_report_shows_it(halluc, labelled):
    config = labelled()
    assert halluc("train", config, "-q").code == 0
    assert halluc("eval", config, "-q").code == 0
    (run,) = [path for path in (config.parent / "runs" / "texts").iterdir() if path.is_dir() and not path.is_symlink()]
    record = json.loads((run / "data.json").read_text())
    assert record["schema_version"] == 2
    assert record["splits"]["train"]["counts"]["out_of_scope"] == 1
    assert record["encoding"]["train"]["words"] == 8
    told = _reported(halluc, run)
    assert told["schema_version"] == 2
    train, _, test = told["data"]["splits"]
    assert train["counts"] == {"texts": 4, "words": 8, "labels": 3, "out_of_scope": 1, "pairs": 0}
    assert test["counts"] == {"texts": 4, "words": 8, "labels": 2, "out_of_scope": 2, "pairs": 0}
    assert "1 test text is also in train, so figures on test are optimistic" in told["data"]["warnings"]
    (run / "data.json").write_text(json.dumps({**record, "schema_version": 3}))
    newer = halluc("report", run)
    assert newer.code == 0
    assert "warning: data.json" in newer.err and "schema version 3" in newer.err


def _reported(halluc, run: Path) -> dict:
    outcome = halluc("report", run, "-q", "--json")
    assert outcome.code == 0, outcome.err
    page = (run / "report" / "index.html").read_text()
    assert '<th scope="col">texts</th><th scope="col">words</th>' in page and "mentions" not in page
    return json.loads(outcome.out)


def test_a_unit_that_the_config_does_not_name_is_refused_as_the_usual_one(halluc, labelled):
    told = halluc("check", labelled(), "--set", "gap.fraction=0.5")
    assert told.code == 2
    assert '`gap.unit` cannot be "mention", as it is where none is named' in told.err
    assert "label, example, word" in told.err
