"""Relation extraction through the command line, on a slice of the demo corpus and a tiny encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import halluc as api
from halluc.runs.schema import EvalFile, LedgerLine, RunFile
from halluc.tasks.relation_extraction.records import PredictedRelations, RelationPrediction

DEMO = Path(__file__).parent.parent.parent / "halluc/data/demo/relations"


def written(folder: Path, encoder: Path, more: str = "") -> Path:
    for split, size in (("train", 90), ("dev", 40), ("test", 40)):
        lines = (DEMO / f"{split}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{split}.jsonl").write_text("".join(lines[:size]), encoding="utf-8")
    splits = ", ".join(f"{split}: {folder / split}.jsonl" for split in ("train", "dev", "test"))
    config = folder / "pairs.yaml"
    config.write_text(
        f"name: pairs\nruns_dir: {folder / 'runs'}\ntask: {{type: relation_extraction}}\ndata: {{{splits}}}\n"
        f"model: {{name: {encoder}, dropout: 0}}\n"
        f"train: {{epochs: 10, learning_rate: 0.003, batch_tokens: 256}}\n{more}",
        encoding="utf-8",
    )
    return config


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_encoder):
    """A config, and its run after train, eval and report."""
    from halluc.__main__ import exit_code_of

    folder = tmp_path_factory.mktemp("pairs")
    more = "eval: {calibration: temperature, abstain: {threshold: 0.6}}\ngap: {unit: entity, fraction: 0.1}\n"
    config = written(folder, tiny_encoder, more)
    for command in ("train", "eval", "report"):
        assert exit_code_of([command, str(config), "-q"]) == 0
    home = folder / "runs" / "pairs"
    return config, home / (home / "latest").readlink()


def test_what_is_claimed_is_judged_and_adds_up(trained):
    _, run = trained
    file = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    value = {one.name: one for one in file.metrics if not one.by}
    predictions = [RelationPrediction.model_validate_json(line) for line in (run / "predictions/test.jsonl").open()]
    lines = [LedgerLine.model_validate_json(line) for line in (run / "ledger/test.jsonl").open()]
    claims = [line for line in lines if line.record == "claim"]
    assert len(claims) == sum(len(one.predicted) for one in predictions) > 10
    right = sum(bool(one.gold) and [label for label, _ in one.predicted] == one.gold for one in predictions)
    assert value["micro_precision"].value == pytest.approx(right / len(claims))
    assert value["micro_recall"].value == pytest.approx(right / sum(bool(one.gold) for one in predictions))
    unsupported = sum(bool(one.predicted) and not one.gold for one in predictions)
    assert value["hallucination_rate"].value == pytest.approx(unsupported / len(claims))
    assert {line.reason for line in claims if line.verdict == "distorted"} <= {"label", "direction"}
    assert all(" → " in line.text and line.novelty in ("seen", "partial", "new") for line in claims)
    assert "semeval_macro_f1" not in value


def test_withheld_entities_are_reported_in_the_ledger(trained):
    _, run = trained
    record = RunFile.model_validate_json((run / "run.json").read_text())
    withheld = json.loads((run / "withheld.json").read_text())
    assert (withheld["unit"], withheld["surfaces"], len(withheld["words"])) == (
        "entity", {}, record.gap["units"]["withheld"],
    )  # fmt: skip
    trained_on = json.loads((run / "coverage.json").read_text())["surfaces"]
    shown = {part for of_label in trained_on.values() for key in of_label for part in key.split("\t")}
    assert shown.isdisjoint(withheld["words"])
    lines = [LedgerLine.model_validate_json(line) for line in (run / "ledger/test.jsonl").open()]
    for line in lines:
        assert line.withheld == (not set(line.text.split(" → ")).isdisjoint(withheld["words"]))


def test_the_report_marks_head_and_tail(trained):
    _, run = trained
    page = (run / "report/index.html").read_text(encoding="utf-8")
    assert 'data-label="head person"' in page
    assert 'data-label="tail organisation"' in page
    assert "predicted relations" in page
    told = (run / "report/report.md").read_text(encoding="utf-8")
    assert "| micro F1 |" in told
    assert "mentions, the most confident" not in told
    assert "relation extraction" in (run / "model/README.md").read_text(encoding="utf-8")


def test_pairs_of_lines_and_records_are_predicted(halluc, trained, tmp_path):
    _, run = trained
    text = "Nell Sugden is paid by Dunmore Freight."
    (tmp_path / "in.txt").write_text(
        "<e1>Nell Sugden</e1> is paid by <e2>Dunmore Freight</e2>.\n\nno marks\n", encoding="utf-8"
    )
    lines = halluc("predict", run, "--input", tmp_path / "in.txt")
    assert lines.code == 3
    assert "1 of 3 texts could not be read" in lines.err
    first, blank, bad = lines.out.splitlines()
    made = PredictedRelations.model_validate_json(first)
    assert (made.text, made.head.text, made.tail.text) == (text, "Nell Sugden", "Dunmore Freight")
    assert (made.tail.start, made.tail.end, made.tail.start_char, made.tail.end_char) == (5, 7, 23, 38)
    assert json.loads(blank)["relations"] == []
    assert json.loads(bad)["error"]["code"] == "D107"
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": text, "head": [0, 11], "tail": [23, 38]}))
    records = halluc("predict", run, "--input", tmp_path / "in.jsonl")
    assert records.code == 0, records.err
    assert json.loads(records.out)["relations"] == [one.model_dump() for one in made.relations]
    marked = (tmp_path / "in.txt").read_text().splitlines()[0]
    python, refused = api.load(run).predict([marked, "no marks"])
    assert python == made
    assert refused.error.code == "D107"
    # The folder of the model says by itself what it is, and how it was set.
    bare = halluc("predict", run / "model", "--input", tmp_path / "in.jsonl")
    assert bare.code == 0, bare.err
    assert [one["label"] for one in json.loads(bare.out)["relations"]] == [one.label for one in made.relations]


def test_predictions_of_another_tool_give_the_same_figures(halluc, trained, tmp_path):
    config, run = trained
    own = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    rows = [RelationPrediction.model_validate_json(line) for line in (run / "predictions/test.jsonl").open()]
    answers = tmp_path / "answers.txt"
    answers.write_text("".join(f"{one.id}\t{one.predicted[0][0] if one.predicted else 'Other'}\n" for one in rows))
    for file in (run / "predictions/test.jsonl", answers):
        outcome = halluc("eval", config, "--predictions", file, "--name", file.stem, "--json")
        assert outcome.code == 0, outcome.err
        found = {(one["name"], str(one["by"])): one["value"] for one in json.loads(outcome.out)["metrics"]}
        for one in own.metrics:
            if one.name in ("micro_f1", "macro_f1", "label_f1", "omission_rate") and "claims" not in one.by:
                assert found[one.name, str(one.by)] == one.value


@pytest.mark.parametrize("unit", ["pair", "example", "label"])
def test_each_unit_of_the_gap_is_withheld(halluc, tmp_path, tiny_encoder, unit):
    named = "labels: [works_for], fraction: 1" if unit == "label" else "fraction: 0.25"
    config = written(tmp_path, tiny_encoder, f"gap: {{unit: {unit}, {named}}}\n")
    outcome = halluc("check", config, "--json")
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)["gap"] if "gap" in json.loads(outcome.out) else json.loads(outcome.out)
    assert told
    assert "withheld" in halluc("check", config).err
    refused = halluc("check", config, "--set", "gap={unit: mention, fraction: 0.25}")
    assert refused.code == 2
    assert "pair, entity, label, example" in refused.err


def test_augmentation_replaces_head_and_tail_as_a_whole_and_refuses_what_cannot_keep_them(
    halluc, tmp_path, tiny_encoder
):
    methods = "[{type: mention_replacement}, {type: noise}, {type: delete}, {type: label_wise_replacement}]"
    config = written(tmp_path, tiny_encoder, f"augment: {{size: 3.0x, methods: {methods}}}\n")
    assert halluc("augment", config, "-q").code == 0
    (made,) = (tmp_path / "runs/pairs").glob("2*/augment/train.jsonl")
    originals = {one["id"]: one for one in map(json.loads, (tmp_path / "train.jsonl").open())}
    arguments: dict[tuple, set] = {}
    for one in originals.values():
        for role in ("head", "tail"):
            span = one[role]
            key = role, span["label"], one["relation"]
            arguments.setdefault(key, set()).add(one["text"][span["start"] : span["end"]].lower())
    new = [one for one in map(json.loads, made.open()) if "~" in one["id"]]
    assert len(new) > 100
    for one in new:
        source = originals[one["id"].partition("~")[0]]
        assert (one["relation"] or "none") == source["relation"]
        for role in ("head", "tail"):
            assert one[role]["label"] == source[role]["label"]
            text = "".join(one["tokens"][one[role]["start"] : one[role]["end"]]).lower()
            known = arguments[role, source[role]["label"], source["relation"]]
            assert text in {name.replace(" ", "") for name in known}
    refused = halluc("augment", config, "--set", "augment.methods=[{type: ngram}]")
    assert refused.code == 2
    assert "locked words" in refused.err
