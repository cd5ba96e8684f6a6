"""Training that is killed, stopped, damaged or out of room, and goes on to the same weights."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from halluc.tasks.token_classification.figures import Tagging
from tests.conftest import SENTENCES, write_corpus, write_experiment
from tests.interruptions import interrupted_after

COMMAND = [sys.executable, "-m", "halluc", "train"]


# Some dozens of steps, a checkpoint every fifth, dropout on, so that randomness must be continued too.
LONG = "epochs: 3, checkpoint_steps: 5, learning_rate: 0.01, batch_tokens: 40"


@pytest.fixture
def corpus_files(tmp_path: Path) -> dict[str, Path]:
    return write_corpus(tmp_path, train=16)


@pytest.fixture
def long_experiment(tmp_path: Path, tiny_encoder: Path, corpus_files: dict[str, Path]) -> Path:
    return write_experiment(tmp_path, tiny_encoder, corpus_files, LONG)


@pytest.fixture(scope="module")
def shared_experiment(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """``long_experiment`` for tests that change neither the config nor the corpus."""
    folder = tmp_path_factory.mktemp("resume")
    return write_experiment(folder, tiny_encoder, write_corpus(folder, train=16), LONG)


@pytest.fixture(scope="module")
def whole(shared_experiment: Path) -> Path:
    """A run that was trained without an interruption."""
    from halluc.__main__ import exit_code_of

    run = shared_experiment.parent / "whole"
    assert exit_code_of(["train", str(shared_experiment), "--run", str(run), "-q"]) == 0
    return run


@pytest.fixture(scope="module")
def stopped_at_13(shared_experiment: Path) -> Path:
    """A run that was interrupted after its 13th step: for copies."""
    run = shared_experiment.parent / "stopped"
    assert interrupted(shared_experiment, run, 13) == 130
    return run


@pytest.fixture
def stopped(stopped_at_13: Path, tmp_path: Path) -> Path:
    return shutil.copytree(stopped_at_13, tmp_path / "stopped")


def weights(run: Path):
    return load_file(run / "model" / "model.safetensors")


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def start(config: Path, run: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, str(config), "--run", str(run), *arguments], stderr=subprocess.PIPE, text=True)


def steps_logged(run: Path) -> int:
    events = run / "events.jsonl"
    return events.read_text().count('"event": "step"') if events.exists() else 0


def wait_for_steps(process: subprocess.Popen[str], run: Path, count: int) -> None:
    begun = steps_logged(run)
    deadline = time.monotonic() + 120
    while steps_logged(run) - begun < count and process.poll() is None:
        assert time.monotonic() < deadline, "training does not move"
        time.sleep(0.002)


def test_killed_at_random_points_it_resumes_to_equal_weights(halluc, shared_experiment, whole, tmp_path):
    chance = random.Random(7)
    killed = tmp_path / "killed"
    ends = []
    while len(ends) < 2 and 0 not in ends:
        process = start(shared_experiment, killed, "--resume")
        wait_for_steps(process, killed, chance.randint(1, 15))
        process.send_signal(signal.SIGKILL)
        _, told = process.communicate(timeout=120)
        ends.append(process.returncode)
        assert ends[-1] in (0, -signal.SIGKILL), told
    assert ends[0] != 0  # on a machine so slow that training is through before the signal comes, the second may be
    assert halluc("train", shared_experiment, "--run", killed, "--resume").code == 0
    assert equal(weights(whole), weights(killed))
    assert not (killed / "checkpoints").exists()
    assert [path.name for path in killed.rglob(".*") if path.name != ".lock"] == []
    assert json.loads((killed / "run.json").read_text())["best"] == json.loads((whole / "run.json").read_text())["best"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_a_checkpoint_exits_130_and_resumes_to_equal_weights(
    halluc, shared_experiment, whole, tmp_path, monkeypatch, number
):
    import halluc.engine.loop as loop

    step, run = loop._step, tmp_path / "stopped"

    def signalled(training, *rest):
        if training.progress.step == 7:
            os.kill(os.getpid(), number)
        return step(training, *rest)

    monkeypatch.setattr(loop, "_step", signalled)
    outcome = halluc("train", shared_experiment, "--run", run)
    monkeypatch.undo()
    assert outcome.code == 130, outcome.err
    assert "--resume" in outcome.err
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert not (run / "model").exists()
    assert halluc("train", shared_experiment, "--run", run).code == 2  # not without --resume
    outcome = halluc("train", shared_experiment, "--run", run, "--resume")
    assert outcome.code == 0
    assert "resumed at step" in outcome.err
    assert equal(weights(whole), weights(run))


def interrupted(config: Path, run: Path, steps: int) -> int:
    """The exit code of a training in this process that is interrupted after ``steps`` steps."""
    from halluc.__main__ import exit_code_of

    with interrupted_after(steps):
        return exit_code_of(["train", str(config), "--run", str(run), "-q"])


def evaluated(run: Path) -> list[int]:
    events = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    return [event["step"] for event in events if event["event"] == "evaluated"]


@pytest.mark.parametrize(
    ("keys", "stops"), [("steps: 41, evaluate_steps: 9", 4), ("steps: 41", 2), ("evaluate_steps: 9", 2)]
)
def test_steps_and_evaluations_that_fall_inside_epochs_resume_to_equal_weights(
    halluc, long_experiment, tmp_path, keys, stops
):
    long_experiment.write_text(long_experiment.read_text().replace("checkpoint_steps: 5", f"{keys}, patience: 9"))
    assert halluc("train", long_experiment, "--run", tmp_path / "whole", "-q").code == 0
    points = evaluated(tmp_path / "whole")
    # In the middle, and right before the last evaluation, the first one, and after that.
    for stop in (7, points[-1], points[0], points[0] + 1)[:stops]:
        run = tmp_path / f"stopped-{stop}"
        assert interrupted(long_experiment, run, stop) == 130
        assert halluc("train", long_experiment, "--run", run, "--resume", "-q").code == 0
        assert evaluated(run) == points
        assert equal(weights(tmp_path / "whole"), weights(run))
        best = [json.loads((folder / "run.json").read_text())["best"] for folder in (tmp_path / "whole", run)]
        assert best[0] == best[1]


def test_where_evaluations_are_far_apart_there_is_a_checkpoint_after_each_epoch(halluc, long_experiment, tmp_path):
    keys = "evaluate_steps: 10000, checkpoints: {keep: all}"
    long_experiment.write_text(long_experiment.read_text().replace("checkpoint_steps: 5", keys))
    assert halluc("train", long_experiment, "--run", tmp_path / "run", "-q").code == 0
    steps = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    ends = [event["step"] for event in steps if event["event"] == "step" and event["ends_epoch"]]
    written = [event["step"] for event in steps if event["event"] == "checkpointed" and "/step-" in event["path"]]
    assert evaluated(tmp_path / "run") == ends[-1:]
    assert written == ends


@pytest.mark.parametrize("damage", ["truncate", "flip", "missing", "no state", "state is no JSON"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_is_used(halluc, shared_experiment, whole, stopped, damage):
    newest = sorted((stopped / "checkpoints").glob("step-*"))
    assert [path.name for path in newest] == ["step-00000010", "step-00000013"]
    file = newest[-1] / "model.safetensors"
    content = file.read_bytes()
    if damage == "truncate":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        file.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    elif damage == "missing":
        (newest[-1] / "optimizer.pt").unlink()
    elif damage == "no state":
        (newest[-1] / "state.json").unlink()
    else:
        (newest[-1] / "state.json").write_text("{")
    outcome = halluc("train", shared_experiment, "--run", stopped, "--resume")
    assert outcome.code == 0, outcome.err
    assert f"checkpoint {newest[-1]} is damaged" in outcome.err
    assert "resumed at step 10" in outcome.err
    assert equal(weights(whole), weights(stopped))


def test_where_no_checkpoint_is_whole_it_is_an_error(halluc, shared_experiment, stopped):
    for state in (stopped / "checkpoints").glob("step-*/state.json"):
        state.write_text("{}")
    outcome = halluc("train", shared_experiment, "--run", stopped, "--resume")
    assert outcome.code == 2
    assert "no checkpoint" in outcome.err


def test_data_that_changed_is_refused_on_resuming(halluc, long_experiment, corpus_files, tmp_path):
    assert interrupted(long_experiment, tmp_path / "run", 8) == 130
    corpus_files["train"].write_text("\n".join([SENTENCES] * 17))
    outcome = halluc("train", long_experiment, "--run", tmp_path / "run", "--resume")
    assert outcome.code == 2
    assert "changed since this training started" in outcome.err
    assert str(corpus_files["train"]) in outcome.err


def test_without_dev_there_is_a_checkpoint_after_each_epoch(halluc, experiment, tmp_path):
    text = experiment.read_text()
    dev = next(line for line in text.splitlines() if line.startswith("  dev:"))
    experiment.write_text(text.replace(dev + "\n", ""))
    keep = ["--set", "train.checkpoints.keep=all"]
    assert halluc("train", experiment, "--run", tmp_path / "run", "-q", *keep).code == 0
    assert len(list((tmp_path / "run" / "checkpoints").glob("step-*"))) == 6


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").glob("*"))


def test_a_finished_training_keeps_only_the_model(halluc, shared_experiment, whole):
    assert not (whole / "checkpoints").exists()
    assert (whole / "model" / "model.safetensors").is_file()
    assert halluc("eval", "--run", whole, "-q").code == 0
    again = halluc("train", shared_experiment, "--run", whole, "--resume")
    assert again.code == 0
    assert "nothing to resume" in again.err


def test_an_interrupted_training_keeps_the_newest_two_checkpoints_and_the_best_weights(
    halluc, long_experiment, tmp_path
):
    assert interrupted(long_experiment, tmp_path / "run", 27) == 130
    names = checkpoints(tmp_path / "run")
    assert names[-2:] == ["step-00000025", "step-00000027"]
    progress = json.loads((tmp_path / "run" / "checkpoints" / names[-1] / "state.json").read_text())["progress"]
    assert names[:-2] == [f"best-{progress['best_step']:08d}"]
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints" / names[0]).iterdir()) == [
        "model.safetensors",
        "state.json",
    ]


def test_the_last_checkpoint_and_the_best_weights_stay_where_that_is_asked_for(
    halluc, long_experiment, tmp_path, monkeypatch
):
    counted, worse = Tagging.headline, itertools.count()
    monkeypatch.setattr(
        Tagging, "headline", lambda *given: {**counted(*given), "entity_f1": 0.5 - next(worse) / 100}
    )  # the first evaluation is the best
    keep = ["--set", "train.checkpoints.keep=last"]
    assert halluc("train", long_experiment, "--run", tmp_path / "run", "-q", *keep).code == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    last, best = events[0]["steps"], record["best"]["step"]
    assert best < last
    assert checkpoints(tmp_path / "run") == [f"best-{best:08d}", f"step-{last:08d}"]
    kept = load_file(tmp_path / "run" / "checkpoints" / f"best-{best:08d}" / "model.safetensors")
    assert equal(kept, weights(tmp_path / "run"))
    assert record["keep_checkpoints"] == "last"


def test_the_number_of_saved_checkpoints_does_not_make_it_another_run(halluc, experiment):
    assert halluc("train", experiment, "-q").code == 0
    again = halluc("eval", experiment, "--set", "train.checkpoints.keep=all", "-q")
    assert again.code == 0, again.err


def test_a_full_disk_names_the_file_and_leaves_the_last_good_checkpoint(halluc, long_experiment, tmp_path):
    run = tmp_path / "run"
    assert interrupted(long_experiment, run, 11) == 130

    before = {p.name: (p / "state.json").read_bytes() for p in (run / "checkpoints").glob("step-*")}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        outcome = halluc("train", long_experiment, "--run", run, "--resume")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.code == 4, outcome.err
    assert "E401" in outcome.err
    assert "cannot write" in outcome.err
    assert "step-00000015" in outcome.err
    assert {p.name: (p / "state.json").read_bytes() for p in (run / "checkpoints").glob("step-*")} == before
    assert halluc("train", long_experiment, "--run", run, "--resume", "-q").code == 0


def test_resume_suits_a_batch_job_that_is_queued_again_and_again(halluc, experiment):
    first = halluc("train", experiment, "--resume")
    assert first.code == 0
    assert (experiment.parent / "runs").exists()
    again = halluc("train", experiment, "--resume")
    assert again.code == 0
    assert "nothing to resume" in again.err
    assert first.err.splitlines()[-1] == again.err.splitlines()[-1]


def test_without_resume_an_interrupted_run_is_left_alone_and_reported(halluc, long_experiment):
    with interrupted_after(1):
        assert halluc("train", long_experiment, "-q").code == 130
    outcome = halluc("train", long_experiment, "--set", "eval.batch_tokens=64")
    assert outcome.code == 0
    assert "continue it with --resume" in outcome.err
    assert len(list((long_experiment.parent / "runs" / "tiny").glob("2*"))) == 2


def test_an_error_in_one_process_ends_all_with_that_error(long_experiment, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import os, sys\n"
        "import halluc.engine.loop as loop\n"
        "from halluc.core.errors import HallucError\n"
        "whole = loop._step\n"
        "def step(training, *rest):\n"
        "    if training.runtime.rank == 1 and training.progress.step == 3:\n"
        "        raise HallucError('T101', 'the loss is nan in step 4')\n"
        "    return whole(training, *rest)\n"
        "loop._step = step\n"
        "from halluc.__main__ import main\n"
        "main()\n"
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, str(broken), "train", str(long_experiment), "--run-dir", str(tmp_path / "run")],
        capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "[process 1] error[T101]: the loss is nan in step 4" in done.stderr
    assert "bug in halluc" not in done.stderr
