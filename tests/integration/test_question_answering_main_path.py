"""Question answering through the command line, on questions made here and a tiny encoder."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import halluc as api
from halluc.analysis import run_figures
from halluc.runs.directory import RunDir
from halluc.runs.schema import EvalFile, LedgerLine, RunFile
from halluc.tasks.question_answering.records import PredictedAnswer, QuestionPrediction

NAMES, TOWNS = ("Anna", "Berg", "Acme"), ("Oslo", "Paris")


def rows(split: str, count: int) -> list[dict]:
    """Questions on long and short contexts, a third of them without an answer, a third with two annotated answers."""
    draw, made = random.Random(split), []
    for number in range(count):
        who, town = draw.choice(NAMES), draw.choice(TOWNS)
        context = "the bank of the bank said . " * draw.choice((0, 0, 6)) + f"{who} met in {town} ."
        asks, answer = draw.choice([("who met ?", who), ("in the bank ?", None), ("met in ?", town)])
        texts = {None: [], town: [town, f"in {town}"]}.get(answer, [answer])
        answers = {"text": texts, "answer_start": [context.rindex(text) for text in texts]}
        made.append({"id": f"{split}{number}", "question": asks, "context": context, "answers": answers})
    return made


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_encoder):
    """A config, and its run after train, eval and report."""
    from halluc.__main__ import exit_code_of

    folder = tmp_path_factory.mktemp("questions")
    for split, count in (("train", 120), ("dev", 40), ("test", 40)):
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows(split, count))), encoding="utf-8")
    splits = ", ".join(f"{split}: {folder / split}.jsonl" for split in ("train", "dev", "test"))
    config = folder / "questions.yaml"
    config.write_text(
        f"name: questions\nruns_dir: {folder / 'runs'}\ntask: {{type: question_answering, window: 40, stride: 16}}\n"
        f"data: {{{splits}}}\nmodel: {{name: {tiny_encoder}, dropout: 0}}\n"
        "train: {epochs: 6, learning_rate: 0.005, batch_tokens: 512}\n"
        "eval: {calibration: temperature, abstain: {threshold: 0.6}}\n",
        encoding="utf-8",
    )
    for command in ("train", "eval", "report"):
        assert exit_code_of([command, str(config), "-q"]) == 0
    home = folder / "runs" / "questions"
    return config, home / (home / "latest").readlink()


def lines(run: Path, split: str) -> list[QuestionPrediction]:
    return [QuestionPrediction.model_validate_json(line) for line in (run / f"predictions/{split}.jsonl").open()]


def values(file: EvalFile, **by: str) -> dict[str, float | None]:
    return {one.name: one.value for one in file.metrics if one.by == by}


def test_without_dev_no_question_is_refused_if_training_has_only_answers(tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    answered = [row for row in rows("train", 30) if row["answers"]["text"]]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, answered)), encoding="utf-8")
    config = tmp_path / "answers.yaml"
    config.write_text(
        f"name: answers\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: question_answering}}\n"
        f"data: {{train: {tmp_path / 'train.jsonl'}}}\nmodel: {{name: {tiny_encoder}}}\ntrain: {{epochs: 1}}\n",
        encoding="utf-8",
    )
    assert exit_code_of(["train", str(config), "-q"]) == 0
    kept = json.loads((tmp_path / "runs/answers/latest/model/config.json").read_text())["question_answering"]
    assert kept["no_answer_threshold"] is None


def test_what_is_claimed_is_judged_and_adds_up(trained):
    _, run = trained
    file = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    value, predictions = values(file), lines(run, "test")
    ledger = [LedgerLine.model_validate_json(line) for line in (run / "ledger/test.jsonl").open()]
    claims = [line for line in ledger if line.record == "claim"]
    assert len(claims) == sum(one.answer is not None for one in predictions) > 10
    asked = {row["id"]: row for row in rows("test", 40)}
    right = [one.answer in (asked[one.id]["answers"]["text"] or [None]) for one in predictions]
    assert value["exact_match"] == pytest.approx(sum(right) / 40)
    assert value["answer_f1"] >= value["exact_match"] > 0.5
    bare = [one for one in predictions if not one.gold]
    assert value["false_answer_rate"] == pytest.approx(sum(one.answer is not None for one in bare) / len(bare))
    unsupported = [line for line in claims if line.verdict == "unsupported"]
    assert value["hallucination_rate"] == pytest.approx(len(unsupported) / len(claims))
    assert {line.reason for line in unsupported} <= {"no_answer", "other_answer"}
    for one in predictions:
        assert one.answer is None or one.answer in asked[one.id]["context"]
    assert file.encoding["windowed_contexts"] > 0
    assert "no_answer" in (run / "eval/test_classification_report.txt").read_text()


def test_studies_count_the_answers_of_several_annotators_as_one(trained):
    _, run = trained
    measured = run_figures.read(RunDir(run), "test")
    assert len(measured.table.gold.example) == sum(bool(one.gold) for one in lines(run, "test"))


def test_the_threshold_of_the_model_is_the_best_on_dev(trained):
    _, run = trained
    kept = json.loads((run / "model/config.json").read_text())["question_answering"]["no_answer_threshold"]
    predictions = lines(run, "dev")
    assert all((one.answer is not None) == (one.no_answer <= kept) for one in predictions)
    record = RunFile.model_validate_json((run / "run.json").read_text())
    file = EvalFile.model_validate_json((run / "eval/dev.json").read_text())
    assert record.best["dev"]["answer_f1"] == pytest.approx(values(file)["answer_f1"])


def test_a_guarantee_is_tested_on_questions_that_did_not_choose_the_threshold(trained, halluc):
    config, run = trained
    asks = "eval.abstain={guarantee: {max_rate: 0.5}}"
    told = halluc("eval", config, "--set", asks, "--set", f"runs_dir={run.parent.parent}").err
    settings = json.loads((run / "model/config.json").read_text())
    assert (settings["fitted_on"], "train with the guarantee" in told) == ("dev", True)


def test_new_questions_are_answered_with_a_part_of_their_context(trained):
    _, run = trained
    model = api.load(run)
    context = "the bank said .  Anna met in Oslo ."
    found = model.predict([("who met ?", context), ("met in ?", context)])
    for one in found:
        assert isinstance(one, PredictedAnswer)
        for answer in one.answers:
            assert context[answer.start_char : answer.end_char] == answer.text
            assert one.tokens[answer.start : answer.end] == answer.text.split()
    assert sum(len(one.answers) for one in found) > 0


@pytest.mark.parametrize("source", ["answers by id", "predict"])
def test_the_same_answers_of_another_tool_have_the_same_figures(trained, halluc, tmp_path, source):
    config, run = trained
    path = tmp_path / "predictions.json"
    if source == "predict":
        path.write_text(halluc("predict", run, "--input", config.parent / "test.jsonl").out)
    else:
        path.write_text(json.dumps({one.id: one.answer or "" for one in lines(run, "test")}))
    assert halluc("eval", config, "--predictions", path, "--name", source).code == 0
    judged = max(run.parent.glob("2*/eval/test.json"), key=lambda found: found.stat().st_mtime_ns).parent.parent
    assert judged != run
    own, others = (EvalFile.model_validate_json((one / "eval/test.json").read_text()) for one in (run, judged))
    for name in ("exact_match", "answer_f1", "hallucination_rate", "false_answer_rate", "omission_rate"):
        assert values(own)[name] == pytest.approx(values(others)[name])


@pytest.mark.parametrize("unit", ["answer", "context"])
def test_knowledge_is_withheld_by_its_units(trained, halluc, unit):
    config, _ = trained
    asks = f"gap={{unit: {unit}, fraction: 0.25, control: none}}"
    outcome = halluc("check", config, "--set", asks)
    assert outcome.code == 0
    assert f"{unit}s" in outcome.err


def test_augmented_questions_keep_their_answers(trained, halluc):
    config, _ = trained
    methods = "[{type: noise}, {type: synonym}, {type: delete}, {type: shuffle_within_segments}]"
    outcome = halluc("augment", config, "--set", f"augment={{size: 2.0x, methods: {methods}}}")
    assert outcome.code == 0, outcome.err
    (path,) = config.parent.glob("runs/questions/*/augment/train.jsonl")
    made = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(made) == 240
    for one in made:
        for text, start in zip(one["answers"]["text"], one["answers"]["answer_start"], strict=True):
            assert text.removeprefix("in ") in (*NAMES, *TOWNS) and one["context"][start : start + len(text)] == text
