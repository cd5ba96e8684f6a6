"""``halluc report`` on the way through the command line: which files it writes, where, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from halluc.runs.directory import RunDir
from halluc.runs.reports import ComparisonReport, RunReport, StudyReport
from halluc.runs.schema import EvalFile
from tests.made_runs import Rates, made_examples, make_run, make_study, record_again

FILES = ["index.html", "report.json", "report.md"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return make_run(
        folder, made_examples(40, Rates(0.1, 0.1, 0.1), "report"), config_extra="gates: {entity_f1: {min: 0.01}}"
    )


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    return make_run(folder, made_examples(40, Rates(0.3, 0.1, 0.1), "report"), name="other")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_gets_a_page_and_its_like_and_a_model_card(halluc, run):
    outcome = halluc("report", run.path)
    assert outcome.code == 0
    assert files(run.path / "report") == FILES
    assert outcome.err.rstrip().endswith(f"report: {run.path / 'report' / 'index.html'}")
    assert f"model card: {run.model / 'README.md'}" in outcome.err
    report = RunReport.model_validate_json((run.path / "report" / "report.json").read_text())
    for sentence in report.conclusion:
        assert sentence in outcome.err
    page = (run.path / "report" / "index.html").read_text()
    assert page.startswith("<!doctype html>")
    assert len(page) < 2_000_000


def test_the_report_reports_what_the_evaluation_reported(halluc, run):
    report = RunReport.model_validate_json(halluc("report", run.path, "--json").out)
    told = EvalFile.model_validate_json(run.evaluation("test").read_text())
    assert report.metrics == told.metrics


def test_json_output_equals_report_json(halluc, run):
    printed = json.loads(halluc("report", run.path, "--json").out)
    assert printed == json.loads((run.path / "report" / "report.json").read_text())


def test_a_config_finds_its_run(halluc, run):
    config = run.path.parent.parent.parent / "made.yaml"
    outcome = halluc("report", config, "--format", "md", "-q")
    assert outcome.code == 0
    assert f"report: {run.path / 'report' / 'report.md'}" in outcome.err


def test_formats_and_folder_are_chosen(halluc, run, tmp_path):
    assert halluc("report", run.path, "--format", "md,json", "-o", tmp_path / "a", "-q").code == 0
    assert files(tmp_path / "a") == ["report.json", "report.md"]
    outcome = halluc("report", run.path, "--format", "htm", "-o", tmp_path / "b")
    assert outcome.code == 2
    assert "no format `htm`" in outcome.err
    assert "did you mean `html`?" in outcome.err
    assert not (tmp_path / "b").exists()


def test_tables_rows_and_charts_for_a_paper(halluc, run, tmp_path):
    outcome = halluc("report", run.path, "--format", "csv,jsonl,tex,svg", "-o", tmp_path)
    assert outcome.code == 0 and outcome.err.rstrip().endswith(f"report: {tmp_path}")
    assert files(tmp_path) == ["figures", "figures.csv", "figures.jsonl", "tables"]
    assert "figures.tex" in files(tmp_path / "tables") and "by-label.svg" in files(tmp_path / "figures")
    assert f"tex: {tmp_path}/tables/{{figures.tex," in outcome.err
    lines = (tmp_path / "figures.jsonl").read_text().splitlines()
    assert len(lines) == len((tmp_path / "figures.csv").read_text().splitlines()) - 1 > 20


def test_compare_is_report_of_several(halluc, run, other, tmp_path):
    assert halluc("compare", run.path, other.path, "-o", tmp_path / "a", "-q", "--format", "md").code == 0
    assert halluc("report", run.path, other.path, "-o", tmp_path / "b", "-q", "--format", "md").code == 0
    assert (tmp_path / "a" / "report.md").read_text() == (tmp_path / "b" / "report.md").read_text()


def test_as_many_claims_are_shown_as_asked_for(halluc, run, tmp_path):
    assert halluc("report", run.path, "--claims", 2, "-o", tmp_path, "-q", "--format", "json").code == 0
    report = RunReport.model_validate_json((tmp_path / "report.json").read_text())
    assert max(len(section.shown) for section in report.claims) == 2
    assert any(section.total > 2 for section in report.claims)


def test_runs_are_compared_in_the_first_ones_report(halluc, run, other):
    assert halluc("report", run.path, other.path, "-q").code == 0
    (folder,) = (run.path / "report").glob("against-*")
    assert files(folder) == FILES
    report = ComparisonReport.model_validate_json((folder / "report.json").read_text())
    assert [one.b for one in report.others] == [f"runs/other/{other.path.name}"]


def test_a_comparison_of_another_split_does_not_take_the_place_of_the_usual_one(halluc, tmp_path):
    made = made_examples(20, Rates(0.2, 0.1, 0.1), "dev")
    both = [make_run(tmp_path, made, dev=made, name=name).path for name in ("a", "b")]
    for split in ("test", "dev"):
        for path in both:
            (path / "ledger").mkdir(exist_ok=True)
            for folder in ("ledger", "eval", "predictions"):
                suffix = "json" if folder == "eval" else "jsonl"
                text = (path / folder / f"test.{suffix}").read_text().replace('"split": "test"', f'"split": "{split}"')
                (path / folder / f"{split}.{suffix}").write_text(text)
    for path in both:
        record_again(RunDir(path), "test", "dev")
    for split in ("test", "dev"):
        assert halluc("report", *both, "--split", split, "-q", "--format", "json").code == 0
    found = sorted(str(p.parent.parent.relative_to(both[0])) for p in both[0].glob("report/**/report.json"))
    assert found == ["report", "report/dev"]
    assert halluc("report", both[0], "--split", "dev", "-q", "--format", "json,md").code == 0
    assert files(both[0] / "report" / "dev")[-2:] == ["report.json", "report.md"]


def test_a_study_gets_one_page_and_names_what_is_missing(halluc, tmp_path):
    home = make_study(tmp_path, arms={"none": Rates(0.2, 0.1, 0.1), "mix": Rates(0.05, 0.2, 0.1)}, leave_out=[0])
    outcome = halluc("report", home)
    assert outcome.code == 0
    assert files(home / "report") == FILES
    report = StudyReport.model_validate_json((home / "report" / "report.json").read_text())
    (missing,) = report.figures.missing
    assert missing in (home / "report" / "index.html").read_text()
    assert missing in (home / "report" / "report.md").read_text()
    assert missing in outcome.err
    assert halluc("report", home, home).code == 2


def test_a_run_that_was_copied_alone_is_reported_like_the_original(halluc, run, tmp_path):
    import shutil

    copy = tmp_path / "elsewhere"
    shutil.copytree(run.path, copy, ignore=shutil.ignore_patterns("model", "checkpoints", "report", ".lock"))
    for path in (copy, run.path):
        assert halluc("report", path, "-q", "--format", "json").code == 0
    ours, theirs = (RunReport.model_validate_json((p / "report/report.json").read_text()) for p in (run.path, copy))
    assert ours.claims == theirs.claims
    assert ours.headlines == theirs.headlines


def test_what_can_not_be_reported_is_reported_and_nothing_is_written(halluc, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "R101" in halluc("report", empty).err
    unevaluated = make_run(tmp_path, made_examples(5, Rates(0, 0, 0), "x"), name="unevaluated", evaluated=False)
    outcome = halluc("report", unevaluated.path)
    assert (outcome.code, "halluc eval" in outcome.err) == (2, True)
    assert not (unevaluated.path / "report").exists()


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("run.json", lambda text: text.replace('"schema_version": 1', '"schema_version": 99', 1), "R102"),
        ("eval/test.json", lambda text: text[: len(text) // 2], "R112"),
        ("ledger/test.jsonl", lambda text: text[:-20], "R112"),
        ("ledger/test.jsonl", lambda text: text[: text.rstrip("\n").rfind("\n") + 1], "R112"),
        ("predictions/test.jsonl", lambda text: text[:-20], "R112"),
    ],
)
def test_damaged_files_are_named(halluc, tmp_path, name, damage, code):
    broken = make_run(tmp_path, made_examples(30, Rates(0.2, 0.1, 0.1), "broken"))
    file = broken.path / name
    file.write_text(damage(file.read_text()))
    outcome = halluc("report", broken.path)
    assert outcome.code == 2
    assert f"error[{code}]" in outcome.err
    assert file.name in outcome.err
    assert "= help:" in outcome.err
    assert not (broken.path / "report").exists()


def test_a_folder_that_can_not_be_written_is_reported(halluc, run, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = halluc("report", run.path, "-o", tmp_path / "file" / "sub")
    assert outcome.code == 4
    assert "E401" in outcome.err


def test_reports_start_without_torch(run, tmp_path):
    code = (
        "import sys\n"
        "from halluc.__main__ import exit_code_of\n"
        f"code = exit_code_of(['report', {str(run.path)!r}, '-q', '-o', {str(tmp_path)!r}])\n"
        "heavy = sorted({'torch', 'transformers', 'seqeval', 'sklearn', 'accelerate'} & set(sys.modules))\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
