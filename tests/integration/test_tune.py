"""``halluc tune``: trials on dev, continued after an interruption, and the best config as a file."""

from __future__ import annotations

import json
import multiprocessing
import shlex
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml

import halluc as api
from halluc.components import TABLE
from halluc.config.search_space import load_space
from halluc.core.errors import HallucError
from halluc.runs.schema import EvalFile
from halluc.runs.tuning import TuneFile
from halluc.wording.nouns import FigureLookup
from halluc.workflows import training, tuning
from halluc.workflows.tuning_trials import Trials
from tests.conftest import write_corpus, write_experiment

pytest.importorskip("optuna", reason="optuna is not installed")

SPACE = "train.learning_rate: {low: 1.0e-3, high: 2.0e-2, log: true}, train.batch_tokens: [64, 128]"
TRAIN = "epochs: 2, learning_rate: 0.01, batch_tokens: 64"


def write_tuning(folder: Path, encoder: Path, keys: str = "trials: 4", space: str = SPACE, train: str = TRAIN) -> Path:
    """A config with a search space; its test split is a file that cannot be read."""
    files = write_corpus(folder, train=2)
    files["test"].write_bytes(b"\xff\xfe not a corpus")
    config = write_experiment(folder, encoder, files, train)
    with config.open("a", encoding="utf-8") as file:
        file.write(f"tune:\n  {keys.replace(', ', chr(10) + '  ')}\n  space: {{{space}}}\n")
    return config


def home(config: Path) -> Path:
    return config.parent / "runs" / "tiny.tune"


def found(config: Path) -> TuneFile:
    return TuneFile.model_validate_json((home(config) / "tune.json").read_text(encoding="utf-8"))


def params(result: TuneFile) -> list[dict]:
    return [one.params for one in result.trials]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_encoder) -> Path:
    """A tuning of four trials that has run without an interruption."""
    from halluc.__main__ import exit_code_of

    config = write_tuning(tmp_path_factory.mktemp("tune"), tiny_encoder)
    assert exit_code_of(["tune", str(config), "-q"]) == 0
    return config


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    shutil.copytree(finished.parent / "runs", tmp_path / "runs")
    config = tmp_path / finished.name
    config.write_text(finished.read_text().replace(str(finished.parent / "runs"), str(tmp_path / "runs")))
    return config


def test_trials_are_runs_and_the_first_is_the_config_itself(finished):
    result = found(finished)
    assert [one.number for one in result.trials] == [0, 1, 2, 3]
    assert result.trials[0].params == {}
    assert result.metrics == ["entity_f1"]
    assert result.directions == ["maximize"]
    for one in result.trials:
        run = home(finished) / one.run
        assert json.loads((run / "run.json").read_text())["stages"]["eval"]["status"] == "done"
        file = EvalFile.model_validate_json((run / "eval" / "dev.json").read_text())
        assert one.values == [FigureLookup(file.metrics).value("entity_f1")]
        kept = yaml.safe_load((run / "config.yaml").read_text())
        for name, chosen in one.params.items():
            section, key = name.split(".")
            assert kept[section][key] == pytest.approx(chosen)


def test_the_best_config_is_whole_and_test_was_not_read(finished, halluc):
    result = found(finished)
    best = max(result.trials, key=lambda one: (one.values[0], -one.number))
    assert [one.number for one in result.best] == [best.number]
    config = home(finished) / "best.yaml"
    shown = json.loads(halluc("config", "show", config, "--json").out)
    tree = shown.get("config", shown)
    assert tree["name"] == "tiny"
    assert tree["tune"] is None
    assert tree["data"]["test"].endswith("test.txt")
    assert not list(home(finished).glob("trial=*/eval/test.json"))
    assert all("test.txt" not in (run / "run.json").read_text() for run in home(finished).glob("trial=*"))
    assert "optimistic" in config.read_text()
    assert any("Evaluate it once on test" in sentence for sentence in result.conclusion)


def test_the_best_config_runs_where_the_tuning_ran(tmp_path, tiny_encoder, monkeypatch, halluc):
    config = write_tuning(tmp_path, tiny_encoder, "trials: 2", train="epochs: 1, batch_tokens: 64")
    (tmp_path / "test.txt").write_text("Anna B-PER\n")
    (tmp_path / "configs").mkdir()
    text = config.read_text().replace(f"{tmp_path}/", "")
    (tmp_path / "configs/base.yaml").write_text(text)
    (tmp_path / "configs/own.yaml").write_text("extends: base.yaml\nname: own\nruns_dir: my runs\n")
    monkeypatch.chdir(tmp_path)
    assert halluc("tune", "configs/own.yaml", "-q").code == 0
    best = Path("my runs/own.tune/best.yaml")
    (line,) = [line for line in best.read_text().splitlines() if line.startswith("# Launch:")]
    command = shlex.split(line.removeprefix("# Launch:"))
    assert command == ["halluc", "run", str(best)]
    outcome = halluc(*command[1:])
    assert outcome.code == 0, outcome.err
    assert list(Path("my runs/own").glob("*/eval/test.json"))


def test_only_the_best_model_stays(finished):
    best = found(finished).best[0].number
    assert [path.parent.name for path in home(finished).glob("trial=*/model")] == [f"trial={best}"]


def test_a_tuning_is_listed_and_cleaned_as_one(finished, halluc):
    (listed,) = [json.loads(line) for line in halluc("runs", finished.parent / "runs", "--json").out.splitlines()]
    assert (listed["kind"], listed["state"]) == ("tuning", "4 of 4 trials evaluated")
    cleaned = json.loads(halluc("clean", finished.parent / "runs", "--dry-run", "--json").out)
    assert (cleaned["runs"], cleaned["deleted"]) == (4, [])


def test_the_report_names_every_trial(finished):
    page, text = ((home(finished) / "report" / name).read_text() for name in ("index.html", "report.md"))
    for one in found(finished).trials[1:]:
        assert f"{one.params['train.learning_rate']:.4g}" in page
        assert f"{one.params['train.learning_rate']:.4g}" in text
    assert "chart-history" in page


def test_an_interrupted_tuning_resumes_with_the_same_result(finished, tmp_path, tiny_encoder, monkeypatch, halluc):
    config = write_tuning(tmp_path, tiny_encoder, "trials: 3")
    with monkeypatch.context() as patched:
        patched.setattr(tuning.evaluation, "evaluate_job", _stop_at(2, KeyboardInterrupt))
        outcome = halluc("tune", config)
    assert outcome.code == 130
    assert "the same command continues" in outcome.err
    assert [one.state for one in found(config).trials] == ["complete", "running"]
    with (home(config) / "trials.jsonl").open("a") as file:
        file.write('{"op_code": 4, "wor')  # killed in the middle of a line
    assert halluc("tune", config, "-q").code == 0
    assert params(found(config)) == params(found(finished))[:3]
    assert [one.values for one in found(config).trials] == [one.values for one in found(finished).trials][:3]


def _stop_at(number: int, error: type[BaseException] | BaseException):
    """An evaluation that stops at the n-th call."""
    evaluate, calls = tuning.evaluation.evaluate_job, [0]

    def stopping(*given, **options):
        calls[0] += 1
        if calls[0] == number:
            raise error
        return evaluate(*given, **options)

    return stopping


def test_a_trial_whose_run_is_damaged_is_replaced_and_not_counted(copied, monkeypatch, halluc):
    more = ("--set", "tune.trials=5", "-q")
    with monkeypatch.context() as patched:
        patched.setattr(tuning.evaluation, "evaluate_job", _stop_at(1, KeyboardInterrupt))
        assert halluc("tune", copied, *more).code == 130
    (home(copied) / "trial=4" / "run.json").write_text("{")
    assert halluc("tune", copied, *more).code == 0
    result = found(copied)
    assert ([one.number for one in result.trials], result.replaced) == ([0, 1, 2, 3, 5], 1)
    assert {one.state for one in result.trials} == {"complete"}


def test_a_training_that_diverges_is_a_failed_trial(copied, monkeypatch, halluc):
    def diverge(*given, **options):
        raise HallucError("T101", "the loss is nan")

    monkeypatch.setattr(training, "train_job", diverge)
    assert halluc("tune", copied, "-q", "--set", "tune.trials=5").code == 0
    result = found(copied)
    assert [one.state for one in result.trials] == ["complete"] * 4 + ["failed"]
    assert result.trials[4].error == "T101: the loss is nan"


def _take_all(config: Path, place: Path) -> None:
    """What one of several processes does, without the trainings."""
    space = load_space(config, table=TABLE)
    trials = Trials(place, space, tuning.plan_of(space))
    while True:
        with trials.next() as chosen:
            if chosen is None:
                return
            trial, values = chosen
            with (place / "taken.txt").open("a") as file:
                file.write(json.dumps([trial.number, values]) + "\n")
            trials.complete(trial, [float(trial.number)], {})


def test_several_processes_share_the_trials(tmp_path, tiny_encoder):
    config = write_tuning(tmp_path, tiny_encoder, "trials: 12, sampler: random")
    (tmp_path / "trials").mkdir()
    several = multiprocessing.get_context("fork")
    workers = [several.Process(target=_take_all, args=(config, tmp_path / "trials")) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    taken = [json.loads(line) for line in (tmp_path / "trials" / "taken.txt").read_text().splitlines()]
    assert sorted(number for number, _ in taken) == list(range(12))
    assert len({json.dumps(values) for _, values in taken}) == 12


def _played(config: Path, place: Path, order: Callable[[list[int]], Iterable[int]]) -> list[dict]:
    """The values of all trials, if those of a batch end in this order; nothing is trained."""
    space = load_space(config, table=TABLE)
    trials = Trials(place, space, tuning.plan_of(space))
    while numbers := trials.next_batch():
        for number in order(numbers):
            with trials.next(number) as (trial, values):
                trials.complete(trial, [values.get("train.learning_rate", 0.0) + number % 5], {})
    return [trials.values(one) for one in trials.all()]


def test_trials_of_a_batch_do_not_depend_on_which_of_them_ends_first(tmp_path, tiny_encoder):
    config = write_tuning(tmp_path, tiny_encoder, "trials: 16, batch: 4")
    first = _played(config, tmp_path / "first", list)
    assert _played(config, tmp_path / "second", reversed) == first
    space = load_space(config, table=TABLE)
    killed = Trials(tmp_path / "third", space, tuning.plan_of(space))
    assert killed._choose_trial(), "and then it was killed"
    assert killed.next_batch() == [0, 1, 2, 3]
    assert _played(config, tmp_path / "third", list) == first
    one_by_one = write_tuning(tmp_path, tiny_encoder, "trials: 16")
    assert _played(one_by_one, tmp_path / "fourth", list)[:10] == first[:10], "the sampler begins at random"
    assert _played(one_by_one, tmp_path / "fifth", list) != first


def test_of_equal_trials_of_a_batch_the_first_runs_and_then_the_others(tmp_path, tiny_encoder):
    keys, place = "trials: 6, batch: 6, sampler: random", tmp_path / "trials"
    config = write_tuning(tmp_path, tiny_encoder, keys, "train.batch_tokens: [64, 128]")
    rounds: list[list[int]] = []
    _played(config, place, lambda numbers: rounds.append(numbers) or numbers)
    assert [len(numbers) for numbers in rounds] == [2, 4]
    assert sorted(number for numbers in rounds for number in numbers) == list(range(6))


def test_one_trial_runs_for_another_process_and_only_once(tmp_path, tiny_encoder, halluc):
    config = write_tuning(tmp_path, tiny_encoder, "trials: 4, batch: 2")
    space = load_space(config, table=TABLE)
    trials = Trials(home(config), space, tuning.plan_of(space))
    assert trials.next_batch() == [0, 1]
    with trials.next(1):
        outcome = halluc("tune", config, "-q", "--trial", "1")
    assert (outcome.code, "error[R103]: another process runs trial=1" in outcome.err) == (2, True)
    for _ in range(2):
        outcome = halluc("tune", config, "-q", "--trial", "1")
        assert (outcome.code, outcome.out) == (0, ""), outcome.err
    assert [trials.is_finished(number) for number in (0, 1)] == [False, True]
    assert not (home(config) / "tune.json").exists()
    assert "error[C011]" in halluc("tune", config, "--trial", "2").err


def test_a_pruned_trial_keeps_its_events_and_no_checkpoint(tmp_path, tiny_encoder, monkeypatch, halluc):
    from optuna.pruners import ThresholdPruner

    monkeypatch.setattr("optuna.pruners.MedianPruner", lambda: ThresholdPruner(lower=1.1))
    config = write_tuning(tmp_path, tiny_encoder, "trials: 1, pruner: median")
    assert halluc("tune", config, "-q").code == 0
    result = found(config)
    assert [(one.state, one.evaluations) for one in result.trials] == [("pruned", 1)]
    assert result.best == []
    assert result.conclusion[0] == "There is no best trial: no trial is complete."
    assert (home(config) / "trial=0" / "events.jsonl").is_file()
    assert not (home(config) / "trial=0" / "checkpoints").exists()
    assert not (home(config) / "best.yaml").exists()


def test_two_metrics_give_a_front_that_keeps_the_constraint(tmp_path, tiny_encoder):
    keys = "trials: 9, metric: [entity_f1,omission_rate], sampler: grid, constraints: {omission_rate: {max: 1.0}}"
    space = "train.batch_tokens: {low: 64, high: 128, step: 64}"
    config = write_tuning(tmp_path, tiny_encoder, keys, space)
    result = api.tune(config)
    assert result.directions == ["maximize", "minimize"]
    assert [one.params for one in result.trials] == [{}, {"train.batch_tokens": 128}], "64 is trial 0"
    complete = {one.number: one.values for one in result.trials}
    for one in result.best:
        mine = complete[one.number]
        assert not any(v[0] >= mine[0] and v[1] <= mine[1] and v != mine for v in complete.values())
        assert Path(one.config).is_file()
    assert all(set(one.constraints) == {"omission_rate"} for one in result.trials)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["tune.space={train.learnin_rate: [1.0]}"], ("C101", "train.learnin_rate", "did you mean `learning_rate`?")),
        (["tune.space={train.warmup: {low: 0.5, high: 0.1}}"], ("C106", "`low: 0.5` is more than `high: 0.1`")),
        (["tune.space={train.warmup: {low: 0, high: 1, log: true}}"], ("C106", "needs a `low` above 0")),
        (["tune.space={train.epochs: [1, 0]}"], ("C105", "at least 1, not 0")),
        (["tune.space={seed: [1, 2]}"], ("C123", "best by chance")),
        (["tune.space={data.test: [a]}"], ("C123", "trials do not use it")),
        (["tune.metric=f1"], ("C103", "did you mean `entity_f1`?")),
        (["tune.metric=claim_coverge"], ("C103", "claim_coverage")),
        (["tune.metric=hallucination_rate", "tune.pruner=median"], ("C103", "which training does not compute")),
        (["tune.metric=[entity_f1, omission_rate]", "tune.pruner=median"], ("C106", "a single metric")),
        (["tune.metric=share_of_hallucinations"], ("C103", "tune.direction")),
        (["tune.sampler=grid"], ("C106", "needs a `step` or a list")),
        (["data.dev=null"], ("C107", "needs `data.dev`")),
        (["tune=null"], ("C102", "no section `tune`")),
        (["matrix={seed: [1, 2]}"], ("C128",)),
    ],
)
def test_a_mistake_is_reported_before_a_trial_begins(tmp_path, tiny_encoder, halluc, overrides, says):
    config = write_tuning(tmp_path, tiny_encoder)
    outcome = halluc("tune", config, *(part for one in overrides for part in ("--set", one)))
    assert outcome.code == 2
    for part in says:
        assert part in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_wrong_key_is_shown_in_its_line(tmp_path, tiny_encoder, halluc):
    config = write_tuning(tmp_path, tiny_encoder, space="train.learnin_rate: [1.0]")
    line = next(n for n, text in enumerate(config.read_text().splitlines(), 1) if "learnin_rate" in text)
    assert f"{config}:{line}:" in halluc("tune", config).err


def test_trials_of_another_space_are_refused_until_they_are_moved_aside(copied, halluc):
    outcome = halluc("tune", copied, "--set", "tune.space={train.warmup: [0.0, 0.1]}", "--set", "tune.trials=1")
    assert outcome.code == 2
    assert "R104" in outcome.err
    assert "tune.space" in outcome.err
    outcome = halluc("tune", copied, "--set", "tune.space={train.warmup: [0.0]}", "--set", "tune.trials=1", "--fresh")
    assert outcome.code == 0, outcome.err
    assert len(list(copied.parent.glob("runs/tiny.tune.old-*"))) == 1
    assert len(found(copied).trials) == 1


@pytest.mark.parametrize(
    "content", ['{"op_code": 0', '{"op_code": 77}', "[1]", "\x00\x01", '{"op_code":1,"study_id":9}']
)
def test_a_damaged_journal_is_reported(copied, halluc, content):
    journal = home(copied) / "trials.jsonl"
    journal.write_text(f"{content}\n{journal.read_text()}")
    outcome = halluc("tune", copied)
    assert outcome.code == 2
    assert "R101" in outcome.err
    assert "trials.jsonl is damaged" in outcome.err
    assert journal.read_text().startswith(content)


def test_changed_data_is_refused(copied, halluc):
    dev = copied.with_name("dev.txt")
    dev.write_text("Oslo B-LOC\n")
    before = next(line for line in copied.read_text().splitlines() if line.startswith("  dev:"))
    journal = home(copied) / "trials.jsonl"
    journal.write_text(journal.read_text().replace(before.split()[-1], str(dev)))
    copied.write_text(copied.read_text().replace(before, f"  dev: {dev}"))
    outcome = halluc("tune", copied)
    assert outcome.code == 2
    assert "R104" in outcome.err
    assert f"`files.{dev}`" in outcome.err


def test_a_folder_that_cannot_be_written_is_reported(tmp_path, tiny_encoder, halluc):
    config = write_tuning(tmp_path, tiny_encoder)
    (tmp_path / "runs").write_text("a file")
    outcome = halluc("tune", config)
    assert outcome.code == 4
    assert "E401" in outcome.err
