"""`halluc advise`: from the errors of a run to a study of remedies, and from the study to a config."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import halluc as api
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.config.matrix import load_study
from halluc.core.errors import HallucError
from halluc.runs.advice import Advice, StudyAdvice
from halluc.runs.directory import RunDir
from tests.made_runs import Rates, made_examples, make_run, make_study

pytestmark = pytest.mark.usefixtures("without_charts")

EXTRA = "gates: {hallucination_rate: {max: 1.0, split: test}}\nseed: 7\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    """A run with many errors on dev; tests write nothing into it."""
    dev = made_examples(120, Rates(0.1, 0.05, 0.1))
    return make_run(tmp_path_factory.mktemp("run"), made_examples(20), dev=dev, config_extra=EXTRA)


def test_a_run_is_analysed_on_dev_and_its_study_is_valid(halluc, run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    study = tmp_path / "study.yaml"
    outcome = halluc("advise", run.path, "--write", study, "--seeds", 2)
    assert outcome.code == 0, outcome.err
    tables = outcome.err.split("Of ")[0]
    assert "dev: errors by kind" in tables and max(map(len, tables.splitlines())) <= 80
    assert "eval --run" in outcome.err and "not advised: crf" not in tables
    found = load_study(study, table=TABLE)
    kept = load(run.config, table=TABLE, stored=True)
    assert list(found.axes) == ["arm", "seed"] and found.axes["seed"] == (1, 2)
    assert found.axes["arm"][:2] == ("none", "duplicates") and "new_names" in found.axes["arm"]
    plain = found.cells[0].loaded
    for section in ("task", "data", "model", "gap", "augment"):
        assert plain.model_sections.get(section) == kept.model_sections.get(section)
    lengths = {(c.loaded.experiment.train.steps, c.loaded.experiment.train.evaluate_steps) for c in found.cells}
    assert lengths == {(8, 4)} and {tuple(c.loaded.experiment.eval.splits) for c in found.cells} == {("dev",)}
    assert not plain.experiment.gates
    assert re.search(r"^# \d+ arms x 2 seeds, 8 steps each; about .*\d", study.read_text(), re.M)
    assert halluc("check", study, "--quiet").code == 0
    again = halluc("advise", run.path, "--write", study, "--most", 1, "--json")
    assert len(json.loads(again.out)["study"]["arms"]) < len(found.axes["arm"]), "its own file is written over"


def test_the_api_returns_what_json_prints(halluc, run):
    found = api.advise(run.path)
    assert isinstance(found, Advice) and json.loads(halluc("advise", run.path, "--json").out) == found.model_dump(
        mode="json"
    )
    assert sum(one.errors for one in found.analysis.kinds) == found.analysis.errors
    ledger = [json.loads(line) for line in run.ledger("dev").read_text().splitlines()]
    assert found.analysis.errors == sum(line.get("verdict") != "supported" for line in ledger)
    shares = [one.share for one in found.remedies if one.share is not None and one.command is None]
    assert shares == sorted(shares, reverse=True) and min(shares) >= 0.2
    everything = {one.name for one in found.remedies} | {one.name for one in found.unfit}
    assert {"self_training", "gazetteer", "temperature", "freeze"} <= everything
    told = {one.name: one.why for one in found.unfit}
    assert "--unlabelled" in told["self_training"]
    with_texts = api.advise(run.path, unlabelled=["texts.txt"], most=20)
    [method] = next(one for one in with_texts.remedies if one.name == "self_training").config["augment"]["methods"]
    assert method == {"type": "self_training", "model": str(run.path), "unlabelled": ["texts.txt"]}


def test_wrong_targets_and_files_are_reported(halluc, run, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    for arguments, code, told in (
        ([tmp_path / "no-such"], "R101", "no such run directory"),
        ([tmp_path / "no-such.yaml"], "C005", "no such config file"),
        ([run.path, "--set", "train.epochs=1"], "C011", "--set needs a CONFIG"),
        ([run.path, "--write", tmp_path / "study.txt"], "C011", "extension .yaml"),
        ([run.path, "--write", tmp_path / "mine.yaml"], "C011", "use another file"),
    ):
        outcome = halluc("advise", *arguments)
        assert outcome.code == 2 and f"error[{code}]" in outcome.err and told in outcome.err, outcome.err
    assert (tmp_path / "mine.yaml").read_text() == "name: mine\n"


def test_a_damaged_ledger_or_log_is_reported(halluc, run, tmp_path):
    broken = RunDir(shutil.copytree(run.path, tmp_path / "broken"))
    broken.events.unlink()
    outcome = halluc("advise", broken.path, "--write", tmp_path / "study.yaml")
    assert "error[R105]" in outcome.err and "number of training steps" in outcome.err
    lines = broken.ledger("dev").read_text().splitlines(keepends=True)
    broken.ledger("dev").write_text("".join(lines[:-1]))
    outcome = halluc("advise", broken.path)
    assert outcome.code == 2 and "error[R112]" in outcome.err and "halluc eval --run" in outcome.err
    broken.ledger("dev").unlink()
    broken.evaluation("dev").unlink()
    outcome = halluc("advise", broken.path)
    assert "has no ledger of dev" in outcome.err and "--split dev" in outcome.err
    text = broken.config.read_text()
    broken.config.write_text(re.sub(r"  dev: .*", "  dev: null", text))
    outcome = halluc("advise", broken.path)
    assert "error[C107]" in outcome.err and "nothing may be chosen on test" in outcome.err


def test_a_trained_run_leads_to_a_study_that_runs(halluc, experiment, tmp_path):
    sets = ["--set", "train.epochs=1", "--set", f"data.dev={experiment.parent / 'train.txt'}"]
    assert halluc("train", experiment, *sets, "--quiet").code == 0
    latest = experiment.parent / "runs/tiny/latest"
    outcome = halluc("advise", latest)
    assert "error[R112]" in outcome.err and "--split dev" in outcome.err
    assert halluc("eval", "--run", latest, "--split", "dev", "--quiet").code == 0
    study = tmp_path / "study.yaml"
    outcome = halluc("advise", experiment, *sets, "--write", study, "--most", 1, "--seeds", 1)
    assert outcome.code == 0, outcome.err
    assert halluc("run", study, "--quiet").code == 0
    found = api.advise(study, write=tmp_path / "best.yaml")
    assert isinstance(found, StudyAdvice) and not found.is_conclusive and found.best is None
    assert found.conclusion == ["With 1 seed no conclusion about remedies is possible: at least 3 are needed."]
    assert not (tmp_path / "best.yaml").exists()
    assert all(one.matched is not None and one.training.value for one in found.effects)


ARMS = {"none": Rates(0.4, 0.05, 0.1), "duplicates": Rates(0.4, 0.05, 0.1), "calm": Rates(0.03, 0.05, 0.1)}
ARMS["names"] = Rates(0.4, 0.05, 0.1)
METHODS = {"duplicates": "duplicate", "names": "mention_replacement"}
PATCHES = {arm: {"augment": {"size": "2.0x", "methods": [{"type": method}]}} for arm, method in METHODS.items()}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Four arms with three seeds, evaluated on dev, of which one hallucinates far less."""
    folder = tmp_path_factory.mktemp("study")
    make_study(folder, arms=ARMS, fractions=(), seeds=(1, 2, 3), sentences=160, split="dev", patches=PATCHES)
    return folder / "study.yaml"


def test_the_arm_that_dev_can_distinguish_is_written(halluc, study, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    best = tmp_path / "best.yaml"
    outcome = halluc("advise", study, "--write", best)
    assert outcome.code == 0, outcome.err
    table, told = outcome.err.split("*: p <")
    assert max(map(len, table.splitlines())) <= 80 and "HR matched" in table and "ECE" in table
    assert re.search(r"“calm” is better than “none” on dev \(3 seeds\): hallucination rate at matched omission −", told)
    chosen = load(best, table=TABLE)
    cell = load(study.parent / "runs/study/seed=1,arm=calm/config.yaml", table=TABLE, stored=True)
    assert chosen.experiment.name == "study-best" and chosen.model_sections == cell.model_sections
    found = api.advise(study.parent / "runs/study")
    assert (found.split, found.best, found.reference) == ("dev", "calm", "none")
    effects = {one.arm: one for one in found.effects}
    assert [(one.is_control, one.augments) for one in effects.values()] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert effects["names"].over_control is not None and effects["calm"].over_control is None
    assert effects["calm"].matched.p_holm < 0.05 and effects["calm"].training.interval is not None


def test_nothing_is_chosen_while_cells_are_missing_and_the_plain_recipe_stays_where_none_is_better(study, tmp_path):
    shutil.copytree(study.parent / "runs/study", tmp_path / "study")
    shutil.rmtree(tmp_path / "study/seed=2,arm=calm")
    found = api.advise(tmp_path / "study", write=tmp_path / "best.yaml")
    assert found.best is None and not found.is_conclusive and not (tmp_path / "best.yaml").exists()
    assert "seed=2,arm=calm: not run yet" in found.conclusion[0] and "halluc run" in found.conclusion[0]
    matrix = tmp_path / "study/matrix.json"
    known = json.loads(matrix.read_text())
    known["cells"] = [cell for cell in known["cells"] if cell["choice"]["arm"] != "calm"]
    matrix.write_text(json.dumps(known))
    found = api.advise(tmp_path / "study", write=tmp_path / "best.yaml")
    assert found.is_conclusive and found.best is None
    assert found.conclusion[0].startswith("Keep the plain recipe: no remedy is significantly better than “none” on dev")
    assert load(tmp_path / "best.yaml", table=TABLE).experiment.augment is None


def test_other_studies_are_refused(halluc, tmp_path):
    make_study(tmp_path, fractions=(0.0, 0.5), seeds=(1,), sentences=6, leave_out=(1, 2, 3))
    outcome = halluc("advise", tmp_path / "study.yaml")
    assert outcome.code == 2 and "error[C011]" in outcome.err and "`gap.fraction`, `arm`" in outcome.err
    make_study(tmp_path, name="tested", fractions=(), seeds=(1,), sentences=6, leave_out=(1,))
    with pytest.raises(HallucError, match="no cell of tested is evaluated on dev"):
        api.advise(tmp_path / "tested.yaml")
