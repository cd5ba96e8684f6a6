"""Comparisons and studies as reports: what is shown of them, what is kept of them, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import numpy
import pytest
from scipy.stats import ttest_1samp

from halluc.analysis import comparison, run_figures, study, study_cache
from halluc.analysis.study import StudyCell
from halluc.commands.terminal import Terminal
from halluc.core import threads
from halluc.core.errors import HallucError
from halluc.core.files import write_json
from halluc.core.messages import listening
from halluc.core.significance import holm
from halluc.reporting.collect import comparison_reports
from halluc.reporting.views import study as study_tables
from halluc.runs import evaluations, matrix
from halluc.runs.directory import RunDir
from halluc.runs.studies import Comparison, Flip, StudyFile
from tests.made_runs import Rates, made_examples, make_run, make_study, record_again

COMMAND = "halluc report runs/study"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two arms, two fractions and two seeds, of which one cell is not run."""
    return make_study(tmp_path_factory.mktemp("made"), fractions=(0.0, 0.5), sentences=40, leave_out=[7])


@pytest.fixture(scope="module")
def made_runs(tmp_path_factory) -> list[RunDir]:
    """Three runs on the same sentences, which differ in how often they are wrong."""
    folder = tmp_path_factory.mktemp("runs")
    rates = (Rates(0.3, 0.1, 0.1), Rates(0.1, 0.1, 0.1), Rates(0.3, 0.1, 0.3))
    return [make_run(folder, made_examples(60, one, "key"), name=f"run{place}") for place, one in enumerate(rates)]


@pytest.fixture
def home(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "study")
    return tmp_path / "study"


def places(home: Path) -> list[StudyCell]:
    return [StudyCell(cell.slug, cell.choice, RunDir(home / cell.slug)) for cell in matrix.read(home).cells]


def current(home: Path, split=None, reference=None):
    return study.current("study", home, places(home), split, reference)


@pytest.fixture
def counted(monkeypatch) -> list[int]:
    """Grows by one whenever a study is counted anew."""
    calls: list[int] = []
    count = study.figures

    def counting(*arguments):
        calls.append(1)
        return count(*arguments)

    monkeypatch.setattr(study, "figures", counting)
    return calls


# --- study.json -----------------------------------------------------------------------------------------------------


def test_a_study_is_counted_once_while_nothing_changes(home, counted):
    first = current(home)
    kept = (home / "study.json").read_bytes()
    assert current(home) == first
    assert (home / "study.json").read_bytes() == kept
    assert len(counted) == 1
    assert first.model_copy(update={"fingerprint": ""}) == study.figures("study", places(home), None)


@pytest.mark.parametrize("file", ["ledger/test.jsonl", "predictions/test.jsonl", "eval/test.json"])
def test_a_changed_cell_is_counted_anew(home, counted, file):
    before = current(home)
    changed = next(place.run.path for place in places(home) if place.run.path.is_dir()) / file
    text = changed.read_text()
    if file.startswith("ledger"):
        changed.write_text(text.replace('"novelty": "new"', '"novelty": "seen"'))
    elif file.startswith("eval"):
        changed.write_text(text.replace('"protocol": "', '"protocol": "another: '))
    else:
        changed.write_text(text.replace('"predicted_tags": ["O"', '"predicted_tags": ["B-PER"', 1))
    assert changed.read_text() != text
    run = RunDir(changed.parent.parent)
    named = current(home).missing[run.path.name]
    assert named == f"{file} was changed after the evaluation of test"
    record_again(run)
    after = current(home)
    assert len(counted) == 3
    assert after.missing == before.missing
    assert after.fingerprint != before.fingerprint
    assert (after.cells != before.cells) == file.startswith("ledger")


def test_a_cell_that_came_or_went_is_counted(home, counted):
    before = current(home)
    (missing,) = before.missing
    there = next(place for place in places(home) if place.slug not in before.missing)
    shutil.copytree(there.run.path, home / missing)
    assert current(home).missing == {}
    shutil.rmtree(home / missing)
    assert current(home) == before
    (there.run.path / "run.json").write_text("{")
    assert set(current(home).missing) == {missing, there.slug}
    assert len(counted) == 4


def test_another_reference_is_counted_and_the_one_there_is_need_not_be(home, counted):
    current(home)
    current(home, reference="none")
    current(home, split="test")
    assert len(counted) == 1
    assert {one.reference for one in current(home, reference="mix").comparisons} == {"mix"}
    assert {one.reference for one in current(home, reference="mix").comparisons} == {"mix"}
    assert len(counted) == 2


def test_another_version_counts_anew(home, counted, monkeypatch):
    current(home)
    monkeypatch.setattr(study_cache, "__version__", "9.9.9")
    current(home)
    assert len(counted) == 2


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 1, "name": "old"}', '{"schema_version": 99}'])
def test_figures_that_can_not_be_read_are_written_anew(home, counted, content):
    found = current(home)
    (home / "study.json").write_text(content)
    assert current(home) == found
    assert json.loads((home / "study.json").read_text())["fingerprint"] == found.fingerprint
    assert len(counted) == 2


def test_a_study_that_was_moved_names_its_runs_where_they_are(home, counted, tmp_path):
    before = current(home)
    moved = home.rename(tmp_path / "elsewhere")
    after = current(moved)
    assert len(counted) == 1
    assert after.cells[0].runs == [run.replace(str(home), str(moved)) for run in before.cells[0].runs]
    assert all(Path(run).is_dir() for cell in after.cells for run in cell.runs)
    kept = StudyFile.model_validate_json((moved / "study.json").read_text())
    assert kept.model_dump(exclude={"sha256"}) == after.model_dump()


def test_an_edited_figure_is_computed_again_with_a_message(home, counted, capsys):
    found = current(home)
    file = home / "study.json"
    content = json.loads(file.read_text())
    content["cells"][0]["figures"][0]["mean"] = 0.123
    file.write_text(json.dumps(content))
    with listening(Terminal()):
        assert current(home) == found
    assert len(counted) == 2
    assert f"note: {file} was changed after halluc wrote it" in capsys.readouterr().err
    assert current(home) == found
    assert len(counted) == 2


# --- reading --------------------------------------------------------------------------------------------------------


def test_runs_on_the_same_examples_have_them_in_common(made_runs):
    known = {}
    first, second = (run_figures.read(run, "test", known) for run in made_runs[:2])
    assert first.examples == run_figures.read(made_runs[0], "test").examples
    assert all(a is b for a, b in zip(first.examples, second.examples, strict=True))
    assert len(known) == len(first.examples)
    assert run_figures.read(made_runs[1], "test", known, keep_lines=False).lines == []


def copied(run: RunDir, folder: Path) -> RunDir:
    shutil.copytree(run.path, folder / "run")
    return RunDir(folder / "run")


def test_another_example_is_seen_where_the_others_are_known(made_runs, tmp_path):
    known = {}
    first = run_figures.read(made_runs[0], "test", known)
    run = copied(made_runs[1], tmp_path)
    file = run.predictions("test")
    file.write_text(file.read_text().replace('"tokens": ["', '"tokens": ["New-', 1))
    record_again(run)
    with pytest.raises(HallucError, match="different examples") as caught:
        run_figures.refuse_different_examples(first, run_figures.read(run, "test", known))
    assert re.fullmatch(
        r"the first difference is in example 1: the tokens `\S+( \S+){0,5}` and `New-.*`", caught.value.help
    )


def test_damaged_predictions_are_reported_though_their_examples_are_known(made_runs, tmp_path):
    known = {}
    run_figures.read(made_runs[0], "test", known)
    run = copied(made_runs[1], tmp_path)
    file = run.predictions("test")
    file.write_text(file.read_text()[:-10])
    with pytest.raises(HallucError, match="not a line of predictions") as caught:
        run_figures.read(run, "test", known)
    assert (caught.value.code, caught.value.where.line) == ("R112", len(known))
    file.unlink()
    with pytest.raises(HallucError, match="cannot read") as caught:
        run_figures.read(run, "test", known)
    assert caught.value.code == "R112"


@pytest.mark.parametrize(("asked", "most"), [("1", 1), ("3", 3), ("64", 4), ("0", 1), ("many", 4)])
def test_threads_are_as_many_as_were_asked_for_and_never_many(monkeypatch, asked, most):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert 1 <= threads.number() <= most
    if asked in ("1", "3"):
        assert threads.number() == most


@pytest.mark.parametrize("number", [1, 3])
def test_threads_keep_the_order_and_draw_no_more_than_they_work_on(number):
    drawn, done, lock = [], [], threading.Lock()

    def items():
        for item in range(20):
            drawn.append(item)
            with lock:
                assert len(drawn) - len(done) <= 2 * number + 1
            yield item

    def work(item):
        with lock:
            done.append(item)
        return item * item

    assert list(threads.in_order(work, items(), number)) == [item * item for item in range(20)]


@pytest.mark.parametrize("number", [1, 2])
def test_an_error_in_a_thread_is_raised(number):
    with pytest.raises(ZeroDivisionError):
        list(threads.in_order(lambda item: 1 // item, [2, 1, 0, 3], number))


def test_figures_are_the_same_in_any_number_of_threads(home, monkeypatch):
    found = []
    for number in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", number)
        found.append(study.figures("study", places(home), None))
    assert found[0] == found[1]


# --- runs against the first -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(made_runs) -> list[Comparison]:
    first, *others = (run_figures.read(run, "test") for run in made_runs)
    return comparison.compare_all(first, others)


def test_p_is_adjusted_for_all_figures_of_all_runs(compared):
    tested = [one for found in compared for one in (*found.figures, found.matched_omission)]
    assert [one.p_holm for one in tested] == holm([one.p for one in tested])
    alone = holm([one.p for one in (*compared[0].figures, compared[0].matched_omission)])
    assert any(one.p_holm > p for one, p in zip(compared[0].figures, alone, strict=False) if p is not None)
    assert all(found.matched_omission.p is not None for found in compared)


def test_runs_that_are_alike_do_not_differ(made_runs):
    first = run_figures.read(made_runs[0], "test")
    (found,) = comparison.compare_all(first, [first])
    assert {one.difference for one in found.figures} <= {0.0, None}
    assert (found.matched_omission.difference, found.matched_omission.p_holm) == (0.0, 1.0)
    assert found.flipped == []


def test_a_comparison_as_a_report(made_runs, compared):
    report = comparison_reports.comparison_report(made_runs, compared, [COMMAND])
    assert (report.kind, report.split, report.examples, report.reference) == (
        "comparison", "test", compared[0].examples, str(made_runs[0].path),
    )  # fmt: skip
    assert (report.others, report.reproduce[-1], report.notes) == (compared, COMMAND, [])
    assert " on test: hallucination rate " in report.conclusion[0]
    assert report.conclusion[-1].startswith("Recommendation: ")
    lines = made_runs[0].predictions("test").read_text().splitlines()
    records = {record["id"]: record for record in map(json.loads, lines)}
    flipped = {flip.id for other in compared for flip in other.flipped}
    assert report.texts == {id: records[id]["tokens"] for id in flipped}
    assert report.gold == {id: [tuple(span) for span in records[id]["gold"]] for id in flipped}
    assert type(report).model_validate_json(report.model_dump_json()) == report


def test_hallucinations_are_the_first_of_the_flips_shown(made_runs, compared):
    def flips(count, a):
        return [Flip(id=f"{a}{n}", start=0, end=1, text="x", label="PER", a=a, b="absent") for n in range(count)]

    many = compared[0].model_copy(update={"flipped": [*flips(150, "supported"), *flips(120, "unsupported")]})
    shown = comparison_reports.shown_flips(many)
    assert [flip.a for flip in shown] == ["unsupported"] * 120 + ["supported"] * 80
    assert [flip.id for flip in shown[118:122]] == ["unsupported118", "unsupported119", "supported0", "supported1"]
    report = comparison_reports.comparison_report(made_runs[:2], [many], [COMMAND])
    assert len(report.others[0].flipped) == 270


# --- a study --------------------------------------------------------------------------------------------------------


def test_a_study_as_a_report(home):
    figures = current(home)
    report = comparison_reports.study_report("study", home, figures, [COMMAND])
    assert (report.kind, report.task, report.split) == ("study", "token_classification", "test")
    assert report.axes == {"seed": [1, 2], "gap.fraction": [0.0, 0.5], "arm": ["none", "mix"]}
    assert (report.figures, report.single_seed, report.reproduce[-1]) == (figures, False, COMMAND)
    assert report.notes == [f"{slug} is missing: not run yet." for slug in figures.missing]
    assert report.conclusion[0].startswith("1 of 8 cells is missing")
    assert type(report).model_validate_json(report.model_dump_json()) == report


def test_missing_cells_are_named_once_for_each_reason(home):
    missing = {"a": "not run yet", "b": "it is not evaluated", **dict.fromkeys("cdef", "not run yet")}
    report = comparison_reports.study_report(
        "study", home, current(home).model_copy(update={"missing": missing}), [COMMAND]
    )
    assert report.notes[:2] == ["a; c; d and 2 more are missing: not run yet.", "b is missing: it is not evaluated."]


def test_a_single_seed_and_stopped_cells_are_noted(home):
    kept = [place for place in places(home) if place.choice["seed"] == 1]
    stopped = kept[0].run
    record = stopped.read()
    record.stages["train"].status = "interrupted"
    record.stages["eval"].status = "failed"
    stopped.write(record)
    report = comparison_reports.study_report("study", home, study.figures("study", kept, None), [COMMAND])
    assert report.single_seed
    assert report.notes == [
        f"{stopped.path.name}: `train` was interrupted.",
        f"{stopped.path.name}: `eval` failed.",
    ]


def test_axes_are_those_of_the_cells_where_the_matrix_is_not_known(home):
    figures = current(home)
    for damage in (lambda: (home / "matrix.json").write_text("{"), lambda: (home / "matrix.json").unlink()):
        damage()
        axes = comparison_reports.study_report("study", home, figures, []).axes
        assert axes == {"gap.fraction": [0.0, 0.5], "arm": ["none", "mix"]}


# --- tasks ----------------------------------------------------------------------------------------------------------


def of_another_task(run: RunDir) -> None:
    file = run.evaluation("test")
    write_json(file, {**json.loads(file.read_text()), "task": "text_classification"})


def test_runs_of_different_tasks_are_refused(made_runs, tmp_path):
    other = copied(made_runs[1], tmp_path)
    evaluations.refuse_different_tasks([made_runs[0], other])
    of_another_task(other)
    with pytest.raises(HallucError, match=r"the task token_classification, .* the task text_classification") as caught:
        evaluations.refuse_different_tasks([made_runs[0], made_runs[2], other])
    assert caught.value.code == "R113"
    assert str(other.path) in caught.value.message


def test_a_study_of_different_tasks_is_refused(home):
    of_another_task(next(place.run for place in places(home) if place.run.path.is_dir()))
    with pytest.raises(HallucError, match="cannot be compared") as caught:
        current(home)
    assert caught.value.code == "R113"
    assert not (home / "study.json").exists()


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"task": 1}', None])
def test_a_task_that_no_evaluation_reports_is_unknown(made_runs, tmp_path, content):
    other = copied(made_runs[1], tmp_path)
    if content is None:
        other.evaluation("test").unlink()
    else:
        other.evaluation("test").write_text(content)
    assert evaluations.task_of(other) is None
    evaluations.refuse_different_tasks([made_runs[0], other])


# --- seeds ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three_seeds(tmp_path_factory) -> list[StudyCell]:
    """Arms of three seeds; of the arm “mix” the run of seed 3 makes no claim."""
    arms = {"none": Rates(0.3, 0.2, 0.1), "mix": Rates(0.1, 0.2, 0.1), "mute": Rates(0.0, 1.0, 0.0)}
    folder = tmp_path_factory.mktemp("seeds")
    home = make_study(folder, arms=arms, fractions=(), seeds=(1, 2, 3), sentences=40)
    found = {(place.choice["arm"], place.choice["seed"]): place for place in places(home)}
    found["mix", 3] = StudyCell(found["mix", 3].slug, found["mix", 3].choice, found["mute", 3].run)
    return [place for (arm, _), place in found.items() if arm != "mute"]


def figure_of(cell, name):
    (found,) = [one for one in cell.figures if one.name == name and not one.by]
    return found


def test_a_seed_without_a_claim_is_named_and_the_other_figures_stay(three_seeds):
    figures = study.figures("study", three_seeds, None)
    none, mix = figures.cells
    assert (none.silent_seeds, mix.silent_seeds) == ([], [3])
    rate, omission = figure_of(mix, "hallucination_rate"), figure_of(mix, "omission_rate")
    assert (rate.values[2], rate.of_seeds, rate.seeds) == (None, [1, 2, 3], 3)
    assert rate.mean == pytest.approx((rate.values[0] + rate.values[1]) / 2)
    assert rate.interval is not None
    assert omission.values[2] == 1.0 and None not in omission.values
    (compared,) = figures.comparisons
    assert compared.silent_seeds == [3]
    known = [delta for delta in compared.figures if delta.difference is not None]
    assert {"hallucination_rate", "omission_rate", "entity_f1"} <= {delta.name for delta in known}
    assert not any(delta.shown or delta.p is not None for delta in compared.figures)
    told = comparison_reports.study_report("study", three_seeds[0].run.path.parent, figures, [])
    assert "No conclusion with arm “mix”: the model makes no claim in 1 of 3 seeds" in " ".join(told.conclusion)
    assert "(2 of 3 seeds); " in " ".join(told.conclusion)
    for delta in known:
        assert delta.difference == pytest.approx(delta.arm - delta.reference)
    assert "2 of 3 seeds" in str(study_tables.cells(told.figures)[0].rows)


def test_differences_are_those_of_the_seeds_and_their_interval_is_students(three_seeds):
    whole = [place for place in three_seeds if place.choice["seed"] != 3]
    figures = study.figures("study", whole, None)
    for delta in figures.comparisons[0].figures:
        values = [value for value in delta.values if value is not None]
        if len(values) == 2 and delta.interval is not None and numpy.std(values) > 1e-9:
            alone = ttest_1samp(values, 0).confidence_interval()
            assert delta.difference == pytest.approx(numpy.mean(values))
            # What examples contribute makes it no narrower than the t interval of the seeds.
            assert delta.interval[0] <= alone.low + 1e-9 and delta.interval[1] >= alone.high - 1e-9
            assert delta.smallest == pytest.approx(delta.interval[1] - delta.difference)
