"""What is told before a study runs on Ray, and how tasks end: with a stand-in for the cluster."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from halluc import __version__
from halluc.commands.terminal import Terminal
from halluc.components import TABLE
from halluc.config.launching import RayConfig
from halluc.config.matrix import load_study
from halluc.core.errors import HallucError
from halluc.core.messages import Listener, listening
from halluc.launch import ray_cluster, ray_commands, ray_tasks
from halluc.launch.orders import CellOrder

HERE = (__version__, sys.version_info[:2])


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.yaml"
    path.write_text(
        f"name: x\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: token_classification}}\n"
        "data: {format: conll, train: '${CORPUS}/t.txt', dev: t.txt}\nmodel: {name: m}\nmatrix: {seed: [1, 2]}\n"
        "launch: {ray: {cpus: 2, memory: 1G}}\n"
    )
    monkeypatch.setenv("CORPUS", "corpus")
    return path


class FakeRay:
    """Nodes with resources, and tasks that have ended: each with a result or an error."""

    class exceptions:
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            cause: Exception | None = None

    def __init__(self, nodes: list[dict[str, float]]) -> None:
        self.named = [
            {"Alive": True, "Resources": one, "NodeID": "a" * 16, "NodeManagerHostname": f"n{number}"}
            for number, one in enumerate(nodes)
        ]
        self.options: list[dict[str, Any]] = []
        self.results: list[Any] = []
        self.given: list[tuple[Any, ...]] = []
        self.cancelled: list[int] = []

    def nodes(self) -> list[dict[str, Any]]:
        return self.named

    def remote(self, function: Any) -> Any:
        def options(**given: Any) -> Any:
            self.options.append(given)
            return SimpleNamespace(remote=lambda *of: (self.given.append(of), len(self.given) - 1)[1])

        return SimpleNamespace(options=options)

    def wait(self, tasks: list[int], num_returns: int, timeout: float | None = None) -> tuple[list[int], list[int]]:
        return tasks, []

    def cancel(self, task: int) -> None:
        self.cancelled.append(task)

    def get(self, task: int) -> Any:
        if isinstance(self.results[task], Exception):
            raise self.results[task]
        return self.results[task]


def cells(config: Path):
    return load_study(config, table=TABLE).cells


def asked(config: Path) -> list[RayConfig]:
    return [cell.loaded.experiment.launch.ray for cell in cells(config)]


@pytest.mark.parametrize("address", ["nowhere", "host:0", "host:70000", "ray://host:1", "a b:1"])
def test_what_is_no_address_is_refused(halluc, config, address):
    pytest.importorskip("ray")
    outcome = halluc("run", config, "--on", "ray", "--address", address)
    assert outcome.code == 2
    assert "error[C020]" in outcome.err


def test_one_experiment_is_refused(halluc, config):
    outcome = halluc("run", config, "--on", "ray", "--set", "matrix=null")
    assert outcome.code == 2
    assert "error[C020]" in outcome.err and "no `matrix`" in outcome.err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("eval --run . --on ray", "evaluates the cells of a study, or the newest run of a CONFIG"),
        ("eval . --on ray", "evaluates the cells of a study"),
        ("eval c.yaml --with run --on ray", "evaluates the cells of a study"),
        ("eval c.yaml --address host:1", "--address requires --on ray"),
        ("audit c.yaml --split dev --on ray", "trains the models that judge train, which is not audited"),
        ("audit c.yaml --apply d.jsonl --out new.jsonl --on ray", "--apply and --out write a corrected copy"),
        ("tune tuned.yaml --on ray", "`tune.batch` is 1"),
    ],
)
def test_what_no_cluster_is_for_is_refused(halluc, config, line, says):
    text = config.read_text().replace("matrix: {seed: [1, 2]}", "tune: {space: {train.epochs: [1, 2]}}")
    config.with_name("tuned.yaml").write_text(text)
    outcome = halluc(*line.split())
    assert outcome.code == 2
    assert "error[C020]" in outcome.err and says in outcome.err


def test_where_no_cluster_answers_the_address_is_reported(halluc, config):
    pytest.importorskip("ray")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    outcome = halluc("run", config, "--on", "ray", "--address", address)
    assert outcome.code == 4
    assert f"error[E483]: no Ray cluster at {address}: Connection refused" in outcome.err


@pytest.mark.parametrize("command", ["run", "eval"])
def test_a_missing_package_is_reported_with_the_extra(halluc, config, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "ray", None)
    outcome = halluc(command, config, "--on", "ray")
    assert outcome.code == 4
    assert "error[E420]" in outcome.err and 'pip install "halluc[ray]"' in outcome.err


def test_a_cell_that_fits_on_no_node_is_reported(config, tmp_path):
    for nodes in ([{"CPU": 1, "memory": 2**40}], [{"CPU": 8, "memory": 2**20}], []):
        with pytest.raises(HallucError) as caught:
            ray_cluster.refuse_unfit(FakeRay(nodes), asked(config), tmp_path / "marker")
        assert (caught.value.code, caught.value.message) == (
            "E483", "no node of the cluster has 2 cpus, 1,073,741,824 memory",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((None, HERE[1], "text"), "node n0 has no halluc"),
        (("0.0.1", HERE[1], "text"), "node n0 has halluc 0.0.1 with Python"),
        ((HERE[0], (3, 1), "text"), "with Python 3.1,"),
        ((*HERE, None), "the nodes do not share storage"),
        ((*HERE, "other"), "the nodes do not share storage"),
    ],
)
def test_a_node_with_another_halluc_or_other_files_is_reported(config, tmp_path, monkeypatch, answer, told):
    marker = tmp_path / "marker"
    marker.write_text("text")
    ray = FakeRay([{"CPU": 4, "memory": 2**40}])
    monkeypatch.setattr(ray_cluster, "_node_facts", lambda *_: {"n0": answer})
    with pytest.raises(HallucError) as caught:
        ray_cluster.refuse_unfit(ray, asked(config), marker)
    assert caught.value.code == "E483"
    assert told in caught.value.message
    monkeypatch.setattr(ray_cluster, "_node_facts", lambda *_: {"n0": (*HERE, "text")})
    ray_cluster.refuse_unfit(ray, asked(config), marker)


def test_a_task_has_the_resources_and_the_variables_of_the_config(config):
    ray = FakeRay([{"CPU": 4, "memory": 2**40}])
    tasks = ray_tasks.RayTasks(ray, cells(config))
    assert (tasks.at_once, tasks.retries) == (2, 3)
    order = CellOrder("c.yaml", (), "seed=1", "0" * 64, False, None, False)
    tasks.start(order, Path("log"))
    assert ray.options == [{"max_retries": 0, "name": "seed=1", "num_cpus": 2, "num_gpus": 0.0, "memory": 2**30}]
    ((told, log, folder, variables),) = ray.given
    assert (CellOrder.of_json(told), log, folder) == (order, "log", str(Path.cwd()))
    assert variables == {"CORPUS": "corpus", "OMP_NUM_THREADS": "2"}


def test_a_lost_node_is_a_killed_process_and_an_error_of_halluc_is_raised(config):
    ray = FakeRay([{"CPU": 4, "memory": 2**40}])
    tasks = ray_tasks.RayTasks(ray, cells(config))
    unwritable = ray.exceptions.RayTaskError()
    unwritable.cause = HallucError("E401", "cannot write")
    ray.results = [(0, "answers"), ray.exceptions.RayError(), unwritable]
    for slug in ("seed=1", "seed=2"):
        tasks.start(CellOrder("c.yaml", (), slug, "0" * 64, False, None, False), Path("log"))
    assert [(one.slug, one.code, one.answers) for one in tasks.ended()] == [
        ("seed=1", 0, "answers"), ("seed=2", -9, ""),
    ]  # fmt: skip
    tasks.start(CellOrder("c.yaml", (), "seed=1", "0" * 64, False, None, False), Path("log"))
    with pytest.raises(HallucError):
        tasks.ended()


def test_places_are_as_many_as_the_scarcest_resource_has():
    wanted = RayConfig(cpus=2, gpus=0.5, memory="4G")
    node = {"Resources": {"CPU": 9.0, "GPU": 1.0, "memory": float(40 << 30)}}
    assert ray_cluster.capacity(node, wanted) == 2
    assert ray_cluster.capacity({"Resources": {"CPU": 9.0}}, wanted) == 0


class Heard(Listener):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str, style: str | None = None) -> None:
        self.lines.append(text)


@pytest.fixture
def said():
    heard = Heard()
    with listening(heard):
        yield heard.lines


def shards(folder: Path, count: int) -> list[ray_commands.NodeCommand]:
    return [
        ray_commands.NodeCommand(("predict", f"{one}"), (folder / f"part-{one}").is_file, folder / f"{one}.log")
        for one in range(count)
    ]


def test_a_shard_whose_node_is_lost_starts_again(tmp_path, said):
    ray = FakeRay([{"CPU": 4}])
    commands = shards(tmp_path, 2)
    for one in range(2):
        (tmp_path / f"part-{one}").touch()
    ray.results = [0, ray.exceptions.RayError(), 3]  # an exit code of 3: some texts cannot be read
    ray_commands._Tasks(ray, RayConfig(cpus=2), 2, 0, "shard", {"CORPUS": "c"}).run(commands)
    assert [given[0][1] for given in ray.given] == ["0", "1", "1"]
    assert ray.given[0][3] == {"CORPUS": "c", "OMP_NUM_THREADS": "2"}
    assert "a shard was lost with its node and is restarted (1 of 3)" in said


@pytest.mark.parametrize(("result", "code", "exit_code"), [(4, "E481", 4), (0, "E481", 1), (-9, "E480", 4)])
def test_a_shard_that_fails_ends_the_others_and_its_log_is_shown(tmp_path, said, result, code, exit_code):
    ray = FakeRay([{"CPU": 4}])
    commands = shards(tmp_path, 2)
    commands[0].log.write_text("error[E401]: the disk is full\n")
    ray.results = [result, result]
    ray.wait = lambda tasks, num_returns, timeout=None: (tasks[:1], tasks[1:])
    with pytest.raises(HallucError) as caught:
        ray_commands._Tasks(ray, RayConfig(retries=0), 2, 0, "shard", {}).run(commands)
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert "error[E401]: the disk is full" in said
    assert ray.cancelled == [1]


def test_a_log_that_cannot_be_written_on_a_node_is_an_error(tmp_path):
    commands = shards(tmp_path / "missing", 1)
    with pytest.raises(HallucError, match="missing") as raised:
        ray_commands.run_on_node((), str(commands[0].log), str(tmp_path), {})
    assert raised.value.code == "E401"
    ray = FakeRay([{"CPU": 4}])
    of_node = ray.exceptions.RayTaskError()
    of_node.cause = raised.value
    ray.results = [of_node]
    with pytest.raises(HallucError) as caught:
        ray_commands._Tasks(ray, RayConfig(), 1, 0, "shard", {}).run(commands)
    assert caught.value is raised.value


class _Result(BaseModel):
    cells: int = 2


def test_what_ray_prints_is_not_among_the_results(capsys):
    ray = SimpleNamespace(init=lambda **options: None, shutdown=lambda: print("a node is lost"))
    terminal = Terminal(json=True)
    with ray_cluster.connected(ray, "auto"):
        print("a node has died")
        terminal.put(_Result())
    assert capsys.readouterr() == ('{"cells": 2}\n', "a node has died\na node is lost\n")
