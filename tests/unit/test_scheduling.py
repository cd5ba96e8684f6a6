"""Which cell of a study starts when, and what becomes of processes that are killed: without any process."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from halluc.components import TABLE
from halluc.config.matrix import load_study
from halluc.core import memory
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.messages import Level, Listener, listening
from halluc.engine import environment
from halluc.launch import local, scheduling
from halluc.launch.cell_process import CellProcess
from halluc.launch.orders import Answering, CellAnswers, CellOrder
from halluc.launch.scheduling import Ended
from halluc.workflows.experiments import CellOutcome, StudyRun, is_done

TRAINED = {"run": "r", "model": "m", "best": None}


class Told(Listener):
    level = Level.NORMAL

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str, style: str | None = None) -> None:
        self.lines.append(text)


class FakeProcesses:
    """Each ends by the next of its outcomes (an exit code, and lines of answers), in the order of their start."""

    def __init__(self, at_once: int, outcomes: dict[str, list[tuple[int, list[Any]]]]) -> None:
        self.at_once, self.outcomes, self.retries = at_once, outcomes, 2
        self.running: list[str] = []
        self.started: list[tuple[str, tuple[str, ...]]] = []
        self.calls: list[str] = []

    def has_room(self) -> bool:
        return len(self.running) < self.at_once

    def start(self, order: CellOrder, log: Path) -> None:
        self.started.append((order.slug, tuple(self.running)))
        self.running.append(order.slug)

    def ended(self) -> list[Ended]:
        slug = self.running.pop(0)
        code, said = self.outcomes[slug].pop(0) if self.outcomes.get(slug) else done(slug)
        return [Ended(slug, code, "".join(json.dumps(one) + "\n" for one in said))]

    def stop(self) -> None:
        self.calls.append("stop")

    def kill(self) -> None:
        self.calls.append("kill")


def done(slug: str) -> tuple[int, list[Any]]:
    return 0, [{"result": ["train", {"cell": slug, **TRAINED}]}, {"end": ["trained", 2.0]}]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(scheduling, "_PAUSE", 0)


@pytest.fixture
def asked(tmp_path):
    return study_run(tmp_path, "{seed: [1, 2, 3]}")


def study_run(folder: Path, matrix: str) -> StudyRun:
    config = folder / "c.yaml"
    config.write_text(
        f"name: x\nruns_dir: {folder / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data: {{format: conll, train: t.txt}}\nmodel: {{name: m}}\nmatrix: {matrix}\n"
    )
    study = load_study(config, table=TABLE, environ={})
    return StudyRun(config, (), study, study.cells, CellOutcome(), is_done)


def test_each_cell_ends_in_one_line_and_results_come_in_the_order_of_cells(asked):
    told, processes = Told(), FakeProcesses(2, {})
    processes.ended, first = (lambda real: lambda: (processes.running.reverse(), real())[1])(processes.ended), []
    with listening(told):
        assert scheduling.in_parallel(asked, processes)
    first = [line.split(": ")[0] for line in told.lines]
    assert first == ["[1/3] seed=2", "[2/3] seed=3", "[3/3] seed=1"]
    assert told.lines[0] == "[1/3] seed=2: trained, 2.0 s; 2.0 s left"
    assert [one.cell for one in asked.outcome.trainings] == ["seed=1", "seed=2", "seed=3"]
    assert processes.started == [("seed=1", ()), ("seed=2", ("seed=1",)), ("seed=3", ("seed=1",))]


def test_a_killed_process_starts_again_twice_and_then_its_cell_is_broken(asked, tmp_path):
    log = tmp_path / "runs" / "x" / "seed=2" / scheduling.LOG_FILE
    killed = (-signal.SIGKILL, [])
    told, processes = Told(), FakeProcesses(1, {"seed=1": [killed, killed, done("seed=1")], "seed=2": [killed] * 3})
    start = processes.start
    processes.start = lambda order, path: (path.write_text("last words\n"), start(order, path))
    with listening(told), pytest.raises(ManyErrors) as caught:
        scheduling.in_parallel(asked, processes)
    assert [slug for slug, _ in processes.started] == ["seed=1"] * 3 + ["seed=2"] * 3 + ["seed=3"]
    (error,) = caught.value.errors
    assert (error.code, error.exit_code) == ("E480", 4)
    assert error.message == f"seed=2: the process was killed by SIGKILL 3 times ({log})"
    assert "last words" in told.lines
    assert told.lines[0].startswith("seed=1: its process was killed by SIGKILL; it is restarted")


def test_errors_of_a_cell_are_reported_and_the_other_cells_run(asked):
    where = {"file": "t.txt", "line": 3, "column": None, "width": 1, "text": None}
    fails = {
        "seed=1": [(3, [{"say": ["warning: w", "yellow"]}, {"error": ["D101", "bad line", where, "mend it", 3]}])],
        "seed=2": [(2, [{"error": ["R103", "busy", None, None, 2]}])],
        "seed=3": [(1, [{"say": ["warning: w", "yellow"]}])],
    }
    told = Told()
    with listening(told), pytest.raises(ManyErrors) as caught:
        scheduling.in_parallel(asked, FakeProcesses(1, fails))
    assert [(error.code, str(error.where), error.exit_code) for error in caught.value.errors] == [
        ("D101", "t.txt:3", 3), ("E481", "None", 1),
    ]  # fmt: skip
    assert told.lines.count("warning: w") == 1
    assert "[2/3] seed=2: skipped, because another process is writing it" in told.lines


def test_a_cell_that_another_names_runs_first(tmp_path):
    teacher = tmp_path / "runs" / "x" / "arm=teacher"
    asked = study_run(tmp_path, f"{{arm: {{student: {{model: {{name: {teacher}}}}}, plain: {{}}, teacher: {{}}}}}}")
    processes = FakeProcesses(3, {})
    scheduling.in_parallel(asked, processes)
    assert [slug for slug, _ in processes.started] == ["arm=plain", "arm=teacher", "arm=student"]
    assert processes.started[-1][1] == ()  # after the teacher has ended


def test_an_interruption_stops_all_processes_and_starts_none(asked):
    told, processes = Told(), FakeProcesses(2, {"seed=1": [(130, [])], "seed=2": [(130, [])]})
    start = processes.start

    def interrupted(order: CellOrder, log: Path) -> None:
        start(order, log)
        if order.slug == "seed=2":
            os.kill(os.getpid(), signal.SIGTERM)

    processes.start = interrupted
    real = processes.ended
    processes.ended = lambda: real() if "stop" in processes.calls else []
    with listening(told), pytest.raises(KeyboardInterrupt):
        scheduling.in_parallel(asked, processes)
    assert processes.calls == ["stop", "kill"]
    assert len(processes.started) == 2
    assert told.lines == ["interrupted: running cells write a checkpoint (2)"]


def test_an_order_and_its_answers_are_read_as_they_were_written(tmp_path):
    order = CellOrder("c.yaml", ("a=ä\n",), "seed=1", "0" * 64, True, "github", False)
    assert CellOrder.of_json(order.to_json()) == order
    with (tmp_path / "answers").open("w") as answers, (tmp_path / "log").open("w") as log:
        answering = Answering(answers, log, verbose=False)
        answering.say("warning: x")
        answering.fail(ManyErrors([HallucError("D101", "one"), HallucError("D102", "two", exit_code=3)]))
        answering.end("trained", 1.5)
    found = CellAnswers.read((tmp_path / "answers").read_text() + '{"say": ["cut o')
    assert (found.messages, found.end) == ([("warning: x", None)], ("trained", 1.5))
    assert [one.code for one in found.error.errors] == ["D101", "D102"]
    assert (tmp_path / "log").read_text() == "warning: x\n"


@pytest.mark.parametrize("given", ["0", "-1", "abc", "", "1.5", "1001", "²", "auto "])
def test_what_is_no_number_of_jobs_is_refused(given):
    with pytest.raises(HallucError) as caught:
        local.number(given, 2)
    assert caught.value.code == "C019"


def test_jobs_auto_are_the_cores():
    assert (local.number("auto", 7), local.number("12", 7)) == (7, 12)


@pytest.mark.parametrize(
    ("given", "at_once", "threads", "policy"),
    [
        ({}, 2, "4", "passive"),
        ({"GOMP_SPINCOUNT": str(environment.SPINS)}, 2, "4", "passive"),
        ({}, 16, "1", "passive"),
        ({}, 1, "8", None),
        ({"OMP_NUM_THREADS": "3", "GOMP_SPINCOUNT": "5"}, 2, "3", None),
        ({"OMP_WAIT_POLICY": "active"}, 2, "4", "active"),
    ],
)
def test_processes_share_the_cores_unless_the_user_has_set_it(given, at_once, threads, policy):
    made = environment.of_process(at_once, 8, given)
    assert (made["OMP_NUM_THREADS"], made.get("OMP_WAIT_POLICY")) == (threads, policy)
    assert policy != "passive" or "GOMP_SPINCOUNT" not in made


def test_no_cell_starts_where_memory_does_not_suffice_for_it_and_those_that_run(monkeypatch):
    processes, told, gigabyte = local.LocalProcesses(3, 3), Told(), 1 << 30
    monkeypatch.setattr(processes, "_watch", lambda: [gigabyte] * len(processes.running))
    processes.peak = 2 * gigabyte
    free = {"now": 0}
    monkeypatch.setattr(memory, "available", lambda: free["now"])
    with listening(told):
        assert processes.has_room()  # the first starts in any case
        processes.running = {"a": None}
        assert not processes.has_room()
        free["now"] = 3 * gigabyte - 1  # a gigabyte for the one that runs, two for the next
        assert not processes.has_room()
        free["now"] = 3 * gigabyte
        assert processes.has_room()
        processes.running = {"a": None, "b": None, "c": None}
        free["now"] = 100 * gigabyte
        assert not processes.has_room()
    assert told.lines == [
        "warning: 0.0 GB of memory are free, but a cell needs 2.1 GB: no further cell starts until more memory is free "
        "(running: 1)"
    ]
    processes.running.clear()


def test_the_memory_of_a_container_is_that_of_its_control_group(monkeypatch, tmp_path):
    whole = memory.available()
    assert whole is None or whole > 0
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 100000\n")
    if whole is not None:
        assert memory.available() == 500_000
        (tmp_path / "memory.max").write_text("max\n")
        assert memory.available() > 500_000
    now, most = memory.of_process(os.getpid())
    assert now <= most


def test_gpus_are_those_that_may_be_used(tmp_path):
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:02:00.0").mkdir()
    assert local.gpus({}, tmp_path) == ["0", "1"]
    assert local.gpus({"CUDA_VISIBLE_DEVICES": "3, GPU-8f"}, tmp_path) == ["3", "GPU-8f"]
    assert local.gpus({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) == []
    assert local.gpus({}, tmp_path / "none") == []


def test_each_process_gets_the_gpu_that_fewest_others_have(monkeypatch, tmp_path):
    given: list[str | None] = []
    monkeypatch.setattr(
        local, "CellProcess", lambda order, log, environment: given.append(environment.get("CUDA_VISIBLE_DEVICES"))
    )
    order = {"config": "c", "overrides": (), "sha256": "", "allow_commands": False, "ci": None, "verbose": False}
    processes = local.LocalProcesses(4, 4, ["0", "1"])
    for slug in "abc":
        processes.start(CellOrder(slug=slug, **order), tmp_path)
    del processes.running["b"]
    processes.start(CellOrder(slug="d", **order), tmp_path)
    assert given == ["0", "1", "0", "1"]


def test_a_machine_without_memory_for_a_process_is_not_reported_as_an_unwritable_log(tmp_path, monkeypatch):
    def no_memory(*_, **__):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(subprocess, "Popen", no_memory)
    order = CellOrder("study.yaml", (), "seed=1", "0", False, None, False)
    with pytest.raises(HallucError, match="cannot start a process: Cannot allocate memory") as caught:
        CellProcess(order, tmp_path / "cell.log", {})
    assert (caught.value.code, "--jobs" in str(caught.value.help)) == ("E430", True)
    with pytest.raises(HallucError) as caught:
        CellProcess(order, tmp_path / "absent" / "cell.log", {})
    assert caught.value.code == "E401"
