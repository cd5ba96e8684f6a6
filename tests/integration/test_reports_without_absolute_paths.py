"""Reports are passed on: no absolute path stands in them, and their commands work in the folder that they name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.made_runs import Rates, made_examples, make_run, make_study

ABSOLUTE = re.compile(r"(?<![\w.…}~<:/-])/(?:tmp|home|root|work|var|usr|opt|private|Users)/[^\s\"']+")


def absolute_in(folder: Path, *more: Path) -> list[str]:
    files = [*folder.rglob("index.html"), *folder.rglob("report.md"), *folder.rglob("report.json"), *more]
    assert len(files) == 3 + len(more)
    texts = [file.read_text(encoding="utf-8") for file in files]
    return [found for text in texts for found in ABSOLUTE.findall(text)] + [
        str(folder) for text in texts if str(folder) in text
    ]


def leaks(run: Path) -> list[str]:
    return absolute_in(run / "report", run / "model" / "README.md")


def runs_of(project: Path, name: str) -> dict[Path, str]:
    """The runs of a config, each with the hash of its config."""
    found = project.glob(f"runs/{name}/2*/run.json")
    return {file.parent: json.loads(file.read_text())["config_sha256"] for file in found}


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_encoder) -> Path:
    """A folder to work in, with a config of relative paths, one of absolute ones and one that reads the environment."""
    from tests.conftest import SENTENCES

    home = tmp_path_factory.mktemp("anna")
    (home / "configs").mkdir()
    (home / "data").mkdir()
    for split, copies in (("train", 4), ("dev", 1), ("test", 1)):
        (home / "data" / f"{split}.txt").write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
    shutil.copytree(tiny_encoder, home / "encoder")
    for name, data, model in (
        ("relative", "data", "encoder"),
        ("absolute", str(home / "data"), str(home / "encoder")),
        ("variable", "${HALLUC_DATA:-data}", str(home / "encoder")),
    ):
        splits = "\n".join(f"  {split}: {data}/{split}.txt" for split in ("train", "dev", "test"))
        (home / "configs" / f"{name}.yaml").write_text(
            f"name: {name}\ntask: {{type: token_classification}}\ndata:\n  format: conll\n{splits}\n"
            f"model: {{name: {model}}}\ntrain: {{steps: 2, batch_tokens: 64}}\n",
            encoding="utf-8",
        )
    return home


def commands_of(report: dict) -> list[list[str]]:
    return [shlex.split(line) for line in report["reproduce"] if not line.startswith("#")]


@pytest.mark.parametrize(
    ("name", "is_whole"), [("relative", False), ("relative", True), ("absolute", True), ("variable", False)]
)
def test_the_commands_of_a_report_make_the_run_again_and_no_absolute_path_is_reported(
    halluc, project, tmp_path, monkeypatch, name, is_whole
):
    # Charts, which take most of the time, are in the reports of the tests below.
    monkeypatch.setattr("halluc.reporting.charts.drawing.charts", lambda report: [])
    monkeypatch.setenv("HALLUC_DATA", str(project / "data"))
    monkeypatch.chdir(project)
    config = project / "configs" / f"{name}.yaml" if is_whole else Path("configs") / f"{name}.yaml"
    assert halluc("run", config, "-q").code == 0
    (run, made), *_ = runs_of(project, name).items()
    monkeypatch.chdir(tmp_path)  # a report from elsewhere tells the same
    assert halluc("report", run, "-q").code == 0
    assert leaks(run) == []
    report = json.loads((run / "report" / "report.json").read_text())
    train = next(split["source"] for split in report["data"]["splits"] if split["name"] == "train")
    assert train == ("data/train.txt" if name == "relative" else "${HALLUC_DATA}/train.txt")
    assert f"# start in the folder that contains configs/{name}.yaml" in report["reproduce"]
    (from_config, from_kept) = commands_of(report)
    assert from_config[:3] == ["halluc", "run", f"configs/{name}.yaml"]
    monkeypatch.chdir(project)
    for command in (from_config, from_kept):
        assert Path(command[2]).is_file()
        assert halluc(*command[1:], "-q").code == 0
        assert {*runs_of(project, name).values()} == {made}


def test_a_run_named_outright_and_a_model_from_elsewhere_report_no_absolute_path(halluc, project, monkeypatch):
    monkeypatch.delenv("HALLUC_DATA", raising=False)
    monkeypatch.chdir(project)
    sets = ["--set", f"data.test={project}/data/dev.txt", "--set", "name=outright"]
    assert halluc("run", project / "configs" / "variable.yaml", "-q", *sets).code == 0
    (run,) = runs_of(project, "outright")
    assert halluc("eval", "--run", run, "-q").code == 0
    assert halluc("report", run, "-q").code == 0
    assert leaks(run) == []
    outcome = halluc("eval", "configs/relative.yaml", "--checkpoint", run / "model", "-q", "--set", "name=foreign")
    assert outcome.code == 0, outcome.err
    (foreign,) = runs_of(project, "foreign")
    assert halluc("report", foreign, "-q").code == 0
    assert absolute_in(foreign / "report") == []
    report = json.loads((foreign / "report" / "report.json").read_text())
    model = f"runs/outright/{run.name}/model"
    assert report["model"] == model
    command = ["halluc", "eval", "configs/relative.yaml", "--checkpoint", model, "--set", "name=foreign"]
    assert commands_of(report)[0] == command


def test_comparisons_and_studies_report_no_absolute_path(halluc, tmp_path):
    made = made_examples(40, Rates(0.2, 0.1, 0.1), "paths")
    one, other = (make_run(tmp_path, made, name=name).path for name in ("one", "other"))
    assert halluc("report", one, other, "-q", "-o", tmp_path / "both").code == 0
    assert absolute_in(tmp_path / "both") == []
    home = make_study(tmp_path, arms={"none": Rates(0.2, 0.1, 0.1), "mix": Rates(0.05, 0.2, 0.1)}, leave_out=[0])
    assert halluc("report", home, "-q").code == 0
    assert absolute_in(home / "report") == []
    report = json.loads((home / "report" / "report.json").read_text())
    assert "halluc run study.yaml" in report["reproduce"]
