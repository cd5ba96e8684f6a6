"""Translation through the command line: a tiny model from scratch on made-up pairs of words."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy
import pytest

import halluc as api
from halluc.runs.schema import EvalFile, LedgerLine
from halluc.tasks.text_generation.records import GenerationLine

WORDS = {"dog": "Hund", "house": "Haus", "sees": "sieht", "big": "groß", "and": "und", "sleeps": "schläft"}


def written(folder: Path) -> Path:
    draw = random.Random(1)
    for split, size in (("train", 120), ("dev", 12), ("test", 12)):
        pairs = []
        for _ in range(size):
            words = draw.choices(list(WORDS), k=draw.randint(2, 4))
            number = str(draw.randint(2, 9))
            pairs.append((" ".join([*words, number]), " ".join([*(WORDS[word] for word in words), number])))
        for side, place in (("en", 0), ("de", 1)):
            (folder / f"{split}.{side}").write_text("".join(pair[place] + "\n" for pair in pairs), encoding="utf-8")
    splits = "".join(
        f"  {split}: {folder / split}.en\n  {split}_target: {folder / split}.de\n" for split in ("train", "dev", "test")
    )
    config = folder / "words.yaml"
    config.write_text(
        f"name: words\nruns_dir: {folder / 'runs'}\n"
        "task: {type: translation, decoding: {strategy: greedy, max_new_tokens: 12}}\n"
        f"data:\n{splits}  target_language: de\n"
        "model: {scratch: {layers: 1, width: 32, heads: 2, vocabulary: 300}}\n"
        "train: {epochs: 12, learning_rate: 0.01, batch_tokens: 400}\neval: {calibration: temperature}\n",
        encoding="utf-8",
    )
    return config


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A config, and its run after train, eval and report."""
    from halluc.__main__ import exit_code_of

    config = written(tmp_path_factory.mktemp("words"))
    for command in ("train", "eval", "report"):
        assert exit_code_of([command, str(config), "-q"]) == 0
    home = config.parent / "runs" / "words"
    return config, home / (home / "latest").readlink()


def test_what_is_written_is_judged_and_adds_up(trained):
    _, run = trained
    file = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    value = {one.name: one for one in file.metrics if not one.by}
    lines = [GenerationLine.model_validate_json(line) for line in (run / "predictions/test.jsonl").open()]
    ledger = [LedgerLine.model_validate_json(line) for line in (run / "ledger/test.jsonl").open()]
    claims = [line for line in ledger if line.record == "claim"]
    assert len(claims) == sum(len(one.predicted) for one in lines) > 10
    of = {one.id: one for one in lines}
    assert all(line.end <= len(of[line.id].written) for line in claims)
    numbers = [line for line in claims if line.label == "number"]
    for line in numbers:
        assert (line.verdict == "supported") == (line.text in of[line.id].text.split() + of[line.id].gold[0].split())
    assert value["hallucination_rate"].n == len([line for line in claims if line.verdict != "unverifiable"])
    assert 0 <= value["bleu"].value <= 100
    report = json.loads((run / "eval/test_classification_report.json").read_text())
    assert report["overlap"]["BLEU"]["score"] == pytest.approx(value["bleu"].value, abs=1e-3)
    assert "tok:13a" in report["overlap"]["BLEU"]["signature"]


def test_runs_are_compared_by_the_overlap_of_their_stored_outputs(trained):
    from halluc.analysis import run_figures
    from halluc.runs.directory import RunDir

    _, run = trained
    file = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    evaluated = {one.name: one for one in file.metrics if not one.by}
    measured = run_figures.read(RunDir(run), "test")
    for name in ("bleu", "chrf"):
        assert measured.values[name, ()] == pytest.approx(evaluated[name].value, abs=1e-5)
        low, high = numpy.quantile(measured.samples[name, ()].resampled, [0.025, 0.975])
        assert (low, high) == pytest.approx(evaluated[name].interval, abs=0.5)


def test_dev_during_training_is_decoded_as_in_eval(trained):
    _, run = trained
    best = json.loads((run / "run.json").read_text())["best"]["dev"]
    file = EvalFile.model_validate_json((run / "eval/dev.json").read_text())
    value = {one.name: one.value for one in file.metrics if not one.by}
    assert {name: value[name] for name in best} == pytest.approx(best)


def test_the_report_shows_the_output_with_its_input(trained):
    _, run = trained
    page = (run / "report/index.html").read_text(encoding="utf-8")
    assert '<span class="as">input</span>' in page
    assert '<span class="as">reference</span>' in page
    told = (run / "report/report.md").read_text(encoding="utf-8")
    assert "| BLEU |" in told
    assert "outputs without any claim" in told


def test_predict_and_the_api_write_texts(trained):
    _, run = trained
    (one,) = api.load(str(run)).predict(["big dog sleeps 3"])
    plain = one.model_dump()
    assert plain["tokens"] == ["big", "dog", "sleeps", "3"]
    assert isinstance(plain["output"], str)
    assert plain["log_probability"] <= 0


def test_outputs_of_another_system_are_judged(trained, capsys):
    from halluc.__main__ import exit_code_of

    config, run = trained
    lines = [GenerationLine.model_validate_json(line) for line in (run / "predictions/test.jsonl").open()]
    outputs = config.parent / "outputs.txt"
    outputs.write_text("".join(f"{line.gold[0]} 77\n" for line in lines), encoding="utf-8")
    code = exit_code_of(["eval", str(config), "--predictions", str(outputs), "--split", "test", "--json"])
    told = capsys.readouterr()
    assert code == 0, told.err
    found = {one["name"]: one["value"] for one in _metrics(json.loads(told.out)) if not one["by"]}
    assert found["repeated_outputs"] == 0
    assert found["hallucination_rate"] > 0.2
    assert found["bleu"] > 50


def _metrics(result):
    """The figures in what `--json` prints, wherever they stand."""
    if isinstance(result, dict) and "metrics" in result:
        return result["metrics"]
    parts = result.values() if isinstance(result, dict) else result if isinstance(result, list) else ()
    return next((found for part in parts if (found := _metrics(part))), None)


def test_a_run_of_the_other_direction_makes_synthetic_sources(trained, tmp_path):
    from halluc.__main__ import exit_code_of

    config, run = trained
    turned = config.read_text().replace(".en\n", ".de-\n").replace(".de\n", ".en\n").replace(".de-\n", ".de\n")
    turned = turned.replace("target_language: de", "target_language: en").replace("name: words", "name: turned")
    turned += f"augment: {{size: 1.5x, methods: [{{type: synthetic_source, model: {run}}}]}}\n"
    other = tmp_path / "turned.yaml"
    other.write_text(turned, encoding="utf-8")
    assert exit_code_of(["augment", str(other), "--set", f"runs_dir={tmp_path / 'runs'}", "-q"]) == 0
    (made,) = (tmp_path / "runs/turned").glob("*/augment")
    rows = [json.loads(line) for line in (made / "train.jsonl").open()]
    new = [row for row in rows if "~" in row["id"]]
    targets = {row["target"] for row in rows if "~" not in row["id"]}
    assert len(new) > 20
    assert all(row["target"] in targets for row in new)
    german = sum(word in WORDS.values() for row in new for word in row["source"].split())
    assert german > len(new)
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["methods"]["synthetic_source"]["kept"] > 20


def test_perturbed_sources_are_translated_on_demand(trained, capsys):
    from halluc.__main__ import exit_code_of

    config, run = trained
    asked = ["--set", "task.perturbation={sources: 6}", "--split", "test"]
    assert exit_code_of(["eval", str(config), *asked]) == 0
    shown = "".join(capsys.readouterr())
    file = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    rates = {one.by.get("token"): one for one in file.metrics if one.name == "perturbation_rate"}
    assert set(rates) == {None, "frequent", "medium", "rare", "punctuation"}
    assert 0 < rates[None].n <= 6
    assert rates[None].interval is not None
    assert "inserted token" in shown
    told = json.loads((run / "eval/test_classification_report.json").read_text())["perturbation"]
    assert told["by_position"]["start"]["outputs"] == sum(row["outputs"] for row in told["by_token"].values()) / 3
    assert exit_code_of(["report", str(run), "-q"]) == 0
    for page in ("report/index.html", "report/report.md"):
        assert "hallucinations after one inserted token" in (run / page).read_text()
