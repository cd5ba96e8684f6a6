"""Files of an evaluation that were cut: refused where one run is told of, where runs are compared, and in a study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from halluc.analysis import run_figures, study, study_cache
from halluc.analysis.points import StudyCell
from halluc.commands.terminal import Terminal
from halluc.core.errors import HallucError
from halluc.core.messages import listening
from halluc.reporting.collect.run_reports import run_report
from halluc.runs import evaluations, matrix
from halluc.runs.directory import RunDir, open_run
from tests.made_runs import Rates, made_examples, make_run, make_study

RATES = Rates(0.3, 0.1, 0.2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> RunDir:
    folder = tmp_path_factory.mktemp("whole")
    return make_run(folder, made_examples(60, RATES, "whole"), dev=made_examples(20, RATES, "dev"))


@pytest.fixture
def run(whole, tmp_path) -> RunDir:
    shutil.copytree(whole.path, tmp_path / "run")
    return RunDir(tmp_path / "run")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return make_study(tmp_path_factory.mktemp("made"), fractions=(0.0, 0.5), seeds=(1,), sentences=40)


@pytest.fixture
def home(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "study")
    return tmp_path / "study"


def places(home: Path) -> list[StudyCell]:
    return [StudyCell(cell.slug, cell.choice, RunDir(home / cell.slug)) for cell in matrix.read(home).cells]


def current(home: Path, split=None, reference=None):
    return study.current("study", home, places(home), split, reference)


def refused(call, *arguments) -> HallucError:
    with pytest.raises(HallucError) as caught:
        call(*arguments)
    return caught.value


# --- whole, or not --------------------------------------------------------------------------------------------------


def cut_at_a_line(run: RunDir) -> None:
    lines = run.ledger("test").read_text().splitlines(keepends=True)
    run.ledger("test").write_text("".join(lines[:-3]))


def without(record: str, verdict: str | None):
    def damage(run: RunDir) -> None:
        lines = [json.loads(line) for line in run.ledger("test").read_text().splitlines()]
        last = [line for line in lines if (line["record"], line.get("verdict")) == (record, verdict)][-1]
        run.ledger("test").write_text("".join(json.dumps(line) + "\n" for line in lines if line is not last))

    return damage


def one_hallucination_less(run: RunDir) -> None:
    text = run.ledger("test").read_text()
    run.ledger("test").write_text(text.replace('"verdict": "unsupported"', '"verdict": "distorted"', 1))


def a_truth_less(run: RunDir) -> None:
    text = run.ledger("test").read_text()
    run.ledger("test").write_text(text.replace('"verdict": "supported"', '"verdict": "distorted"', 1))


def examples_cut(run: RunDir) -> None:
    lines = run.predictions("test").read_text().splitlines(keepends=True)
    run.predictions("test").write_text("".join(lines[:-1]))


def an_example_less(run: RunDir) -> None:
    told = {json.loads(line)["id"] for line in run.ledger("test").read_text().splitlines()}
    lines = run.predictions("test").read_text().splitlines(keepends=True)
    silent = next(line for line in lines if json.loads(line)["id"] not in told)
    run.predictions("test").write_text("".join(line for line in lines if line is not silent))


def gold_less(run: RunDir) -> None:
    lines = [json.loads(line) for line in run.predictions("test").read_text().splitlines()]
    next(line for line in lines if line["gold"])["gold"].pop()
    run.predictions("test").write_text("".join(json.dumps(line) + "\n" for line in lines))


def no_figures(run: RunDir) -> None:
    run.evaluation("test").unlink()


def figures_cut(run: RunDir) -> None:
    text = run.evaluation("test").read_text()
    run.evaluation("test").write_text(text[: len(text) // 2])


DAMAGES = [
    (cut_at_a_line, "ledger/test.jsonl has "),
    (without("claim", "unsupported"), " claims, and "),
    (without("claim", "supported"), " claims, and "),
    (without("omission", None), " omissions, and "),
    (one_hallucination_less, " unsupported claims, and "),
    (a_truth_less, " supported claims, and "),
    (examples_cut, "predictions/test.jsonl has"),
    (an_example_less, "predictions/test.jsonl has "),
    (gold_less, " gold annotations, and "),
    (figures_cut, "eval/test.json"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_one_run_that_is_not_whole_is_refused(run, damage, told):
    damage(run)
    error = refused(run_report, run)
    assert error.code == "R112"
    assert told in error.message or told in str(error.where) or "not in " in error.message
    assert error.help == f"evaluate again: halluc eval --run {run.path} --split test"


@pytest.mark.parametrize(("damage", "told"), [*DAMAGES, (no_figures, "eval/test.json is missing")])
def test_runs_that_are_not_whole_are_not_compared(whole, run, damage, told):
    damage(run)
    error = refused(run_figures.read, run, "test", {})
    assert error.code == "R112"
    assert told in error.message or "not in " in error.message
    assert error.help == f"evaluate again: halluc eval --run {run.path} --split test"


@pytest.mark.parametrize("damage", [damage for damage, _ in DAMAGES] + [no_figures])
def test_a_cell_that_is_not_whole_is_named_and_not_counted(home, damage):
    before = current(home)
    first, *others = places(home)
    damage(first.run)
    after = current(home)
    assert set(after.missing) == {first.slug}
    assert "test.json" in after.missing[first.slug]
    left = {str(place.run.path) for place in others}
    assert {run for cell in after.cells for run in cell.runs} == left
    assert after.fingerprint != before.fingerprint


def test_a_line_that_is_no_line_is_named_with_its_place(home):
    first = places(home)[0]
    first.run.ledger("test").write_text("{\n")
    assert current(home).missing[first.slug].startswith("ledger/test.jsonl:1: not a line of a ledger")
    first.run.ledger("test").unlink()
    assert current(home).missing[first.slug] == "it has no ledger of test"


def test_whole_runs_are_read_whatever_they_lack(whole, tmp_path):
    assert run_figures.read(whole, "test").split == "test"
    nothing = make_run(tmp_path, made_examples(5, Rates(0, 1.0, 0), "none"), name="nothing")
    assert len(run_figures.read(nothing, "test").table.claims.example) == 0
    assert run_report(nothing).examples == 5


def test_figures_of_another_version_are_reported_as_that(run):
    text = run.evaluation("test").read_text()
    run.evaluation("test").write_text(text.replace('"schema_version": 1', '"schema_version": 99'))
    assert refused(run_figures.read, run, "test").code == "R102"


# --- which splits there are -----------------------------------------------------------------------------------------


def test_a_split_that_there_is_not_is_reported_with_those_there_are(run):
    for call in (run_report, run_figures.read):
        assert refused(call, run, "nope").help == "evaluated are `test`, `dev`"
        assert refused(call, run, "tset").help == "did you mean `test`?"
        known = f"evaluate it first: halluc eval --run {run.path} --split train (evaluated are `test`, `dev`)"
        assert refused(call, run, "train").help == known


def test_a_split_that_no_cell_has_is_reported_with_those_there_are(home):
    error = refused(current, home, "dev")
    assert (error.code, error.help) == ("R112", "evaluated is `test`")
    assert refused(current, home, "../x").help == "evaluated is `test`"
    assert refused(current, home, "tests").help == "did you mean `test`?"


def test_a_study_without_a_complete_cell_is_an_error_with_the_reason(home):
    for place in places(home):
        no_figures(place.run)
    error = refused(current, home)
    assert (error.code, "eval/test.json is missing" in error.message) == ("R112", True)
    assert "halluc run" in error.help


def test_a_command_line_can_be_pasted(tmp_path):
    run = RunDir(tmp_path / "a b")
    assert evaluations.command(run, "dev") == f"halluc eval --run '{tmp_path}/a b' --split dev"


# --- what is kept of a study ----------------------------------------------------------------------------------------


def test_each_choice_is_saved_in_addition_to_the_usual_one(home, monkeypatch):
    for place in places(home):
        for of in (place.run.ledger, place.run.predictions, place.run.evaluation):
            shutil.copy(of("test"), of("dev"))
    usual = current(home)
    asked = [(None, "mix"), ("dev", None), ("dev", "mix")]
    first = [current(home, *one) for one in asked]
    names = {"study.json", "study-arm=mix.json", "study-dev.json", "study-dev-arm=mix.json"}
    assert {path.name for path in home.glob("study*.json")} == names
    monkeypatch.setattr(study, "figures", None)
    assert [current(home, *one) for one in asked] == first
    assert current(home) == usual == current(home, "test", "none")


def test_if_the_cache_cannot_be_written_the_figures_are_reported_with_a_message(home, capsys):
    (home / "study.json").mkdir()
    with listening(Terminal()):
        found = current(home)
    assert found.cells
    told = capsys.readouterr().err
    read, written = told.splitlines()
    assert read.startswith(f"note: {home / 'study.json'} cannot be read: it is a folder, not a regular file: ")
    assert written.startswith(f"note: cannot write {home / 'study.json'}: ")
    assert study_cache.store(home / "kept.json", found) is None


def test_an_arm_of_any_name_is_within_the_folder(home):
    file = study_cache.file_of(home, "test", {"arm": "../../x/" + "y" * 500})
    assert file.parent == home
    assert len(file.name) < 200


# --- where there is no run ------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_reported_with_what_is_near(run):
    assert refused(open_run, run.path.with_name("runn")).help == f"did you mean `{run.path}`?"
    for path in (run.path.with_name("elsewhere"), Path("/nonexistent/a/b")):
        error = refused(open_run, path)
        assert (error.code, error.help) == ("R101", "use a folder under `runs_dir` that `halluc train` created")


def test_a_folder_of_runs_names_one_of_them(run):
    assert refused(open_run, run.path.parent).help == f"it contains runs: use one of them, such as {run.path}"
    (run.path.parent / "latest").write_text("run\n")
    error = refused(open_run, run.path.parent)
    assert error.help == f"it contains runs: use one of them, such as {run.path.parent / 'latest'}"


def test_a_damaged_matrix_names_the_command_that_writes_it(home):
    (home / "matrix.json").write_text("{")
    assert "halluc run" in refused(matrix.read, home).help
