"""One run as plain data: what is told of a whole run, of one that lacks files, and of one that is damaged."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest

from halluc.analysis import verdicts
from halluc.core.errors import HallucError
from halluc.reporting.collect.integrity import UNRECORDED
from halluc.reporting.collect.reading import choose
from halluc.reporting.collect.run_reports import run_report
from halluc.runs.directory import RunDir
from halluc.runs.reports import RunReport
from tests.made_runs import Rates, made_examples, make_run, make_study

GATES = "gates: {entity_f1: {min: 0.1}, hallucination_rate: {max: 0.0, use: interval}}\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on dev and test with an abstention and gates, of which one is broken."""
    examples = made_examples(120, Rates(0.3, 0.1, 0.1))
    extra = GATES + "eval: {abstain: {threshold: 0.6}}\n"
    folder = tmp_path_factory.mktemp("whole")
    return make_run(folder, examples, dev=made_examples(key="dev"), config_extra=extra)


@pytest.fixture
def run(whole, tmp_path):
    """The same, alone in another folder, to be spoilt."""
    shutil.copytree(whole.path, tmp_path / "copied")
    return RunDir(tmp_path / "copied")


@pytest.fixture(scope="module")
def report(whole):
    return run_report(whole)


def refused(run, *arguments):
    with pytest.raises(HallucError) as caught:
        run_report(run, *arguments)
    return caught.value


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_report_is_typed_and_describes_test_unless_asked(whole, report):
    assert RunReport.model_validate_json(report.model_dump_json()) == report
    assert (report.split, report.splits, choose(whole)) == ("test", ["test", "dev"], "test")
    assert (report.name, report.model, report.seed, report.examples) == ("made", "made/encoder", 1, 120)
    dev = run_report(whole, "dev")
    assert (dev.split, dev.examples) == ("dev", 60)
    assert any("The checkpoint was selected on dev" in note for note in dev.notes)
    assert report.notes == []


def test_claims_are_counted_and_ordered_as_the_ledger_has_them(whole, report):
    lines = verdicts.read_ledger(whole.ledger("test"))
    counts = Counter(line.verdict or "omission" for line in lines)
    assert {claims.section: claims.total for claims in report.claims} == counts
    assert [claims.section for claims in report.claims] == ["unsupported", "distorted", "omission", "supported"]
    unsupported, distorted, omitted, supported = ([one.line for one in claims.shown] for claims in report.claims)
    for shown in (unsupported, distorted):
        assert [line.confidence for line in shown] == sorted((line.confidence for line in shown), reverse=True)
    assert unsupported[0].confidence == max(line.confidence for line in lines if line.verdict == "unsupported")
    order = ["seen", "partial", "new"]
    assert [order.index(line.novelty) for line in omitted] == sorted(order.index(line.novelty) for line in omitted)
    in_file = [line for line in lines if line.record == "omission"]
    assert [line.text for line in omitted] == [
        line.text for line in sorted(in_file, key=lambda line: order.index(line.novelty))
    ]
    least = sorted(line.confidence for line in lines if line.verdict == "supported")[:50]
    assert [line.confidence for line in supported] == least


def test_at_most_so_many_claims_are_shown(whole):
    claims = {one.section: one for one in run_report(whole, most_claims=5).claims}
    assert {name: len(one.shown) for name, one in claims.items()} == {
        "unsupported": 5, "distorted": 5, "omission": 5, "supported": 1,
    }  # fmt: skip
    assert all(not one.shown and one.total for one in run_report(whole, most_claims=0).claims)


def test_histogram_and_abstention_agree_with_the_ledger(whole, report):
    lines = [line for line in verdicts.read_ledger(whole.ledger("test")) if line.record == "claim"]
    assert len(report.confidence) == 20
    for verdict in ("supported", "distorted", "unsupported"):
        assert sum(one.counts[verdict] for one in report.confidence) == sum(line.verdict == verdict for line in lines)
    under = [one for one in report.confidence if one.high <= 0.6]
    assert sum(sum(one.counts.values()) for one in under) == sum(line.abstained for line in lines) > 0
    assert report.abstention.threshold == 0.6
    assert report.abstention.coverage.value == 1 - sum(line.abstained for line in lines) / len(lines)
    assert report.abstention.guarantee is None
    assert sum(bin.supported.n for bin in report.reliability) == len(lines)
    assert [point.coverage for point in report.risk] == [step / 20 for step in range(1, 21)]


def test_outcomes_begin_with_all_and_add_up(report):
    assert [row.name for row in report.by_novelty] == ["all", "seen", "partial", "new"]
    assert [row.name for row in report.by_label] == ["all", "LOC", "MISC", "ORG", "PER"]
    for rows in (report.by_novelty, report.by_label):
        whole, *parts = rows
        assert whole.claims == sum(part.claims for part in parts)
        assert whole.gold == sum(part.gold for part in parts)
        for row in (row for row in rows if row.claims):
            assert row.support.value + row.distortion.value + row.hallucination.value == pytest.approx(1)


def test_the_gap_is_that_of_the_evaluated_split(report):
    assert [row.label for row in report.gap] == [None, "LOC", "MISC", "ORG", "PER"]
    for row in report.gap:
        by = {} if row.label is None else {"label": row.label}
        figures = (row.forecast, row.unseen, row.new, row.excess)
        assert [figure.name for figure in figures] == ["gap_forecast", "gap_unseen", "gap_new", "gap_excess"]
        assert all(figure.by == by and figure.protocol for figure in figures)
        assert row.excess.value == pytest.approx(row.unseen.value - row.forecast.value)
    assert report.gap[0].counted == report.by_novelty[0].gold
    assert report.gap[0].unseen.value == pytest.approx(1 - report.by_novelty[1].gold / report.by_novelty[0].gold)


def test_gates_are_recorded_met_or_not(whole, report):
    assert [(gate.name, gate.met) for gate in report.gates] == [("entity_f1", True), ("hallucination_rate", False)]
    assert "entity_f1 on test is 0." in report.gates[0].text
    assert report.gates[0].text.endswith("must be at least 0.1")
    assert report.gates[1].text.endswith("must be at most 0")
    recorded = whole.read().stages["eval"].detail["gates"]
    assert recorded == [gate.model_dump(mode="json") for gate in report.gates]


def test_data_reports_curves_and_config(whole, report):
    train, dev, test = report.data.splits
    assert [split.name for split in (train, dev, test)] == ["train", "dev", "test"]
    assert all(len(split.sha256) == 64 and split.source.endswith(f"{split.name}.jsonl") for split in (train, dev, test))
    assert list(test.counts) == ["sentences", "tokens", "mentions", "entity_free"] == list(train.counts)
    assert (test.counts["sentences"], test.counts["mentions"]) == (120, report.by_novelty[0].gold)
    assert sum(test.labels.values()) == test.counts["mentions"]
    assert (report.curves.steps, report.curves.best_step, len(report.curves.loss)) == (8, 4, 8)
    assert [table.title for table in report.classification] == [
        "entities, seqeval default (conlleval)",
        "entities, seqeval strict IOB2",
        "tokens, per token, raw IOB2 tags with O",
    ]
    text = whole.report("test", "txt").read_text()
    assert all(table.title in text for table in report.classification)
    assert [row.name for row in report.classification[0].averages] == ["micro avg", "macro avg", "weighted avg"]
    origins = {line.text.strip(): line.origin for line in report.config}
    assert origins["name: made"].endswith("made.yaml:2")
    assert origins["calibration: none"] == "default"
    assert report.reproduce[-1] == "halluc run config.yaml"


def test_a_run_that_lacks_files_names_them_with_what_would_make_them(run):
    for name in ("events.jsonl", "data.json", "coverage.json", "confidence.json", "config.yaml"):
        (run.path / name).unlink()
    run.report("test", "json").unlink()
    named = run_report(run).integrity
    edit(run.path / "run.json", lambda record: [stage.update(detail={}) for stage in record["stages"].values()])
    found = run_report(run)  # as an earlier version left it, which recorded no hashes
    assert (found.curves, found.gap, found.config, found.reproduce, found.classification) == (None, [], [], [], [])
    assert [split.name for split in found.data.splits] == ["test"]
    assert (found.gates, found.data.splits[0].sha256) == ([], None)
    assert found.integrity[0].startswith("run.json was changed after halluc wrote it: ")
    for name in ("events.jsonl", "data.json", "coverage.json", "confidence.json", "test_classification_report.json"):
        assert sum(f"{name} is missing: " in note for note in found.notes) == 1, name
        assert sum(f"{name} is missing: " in problem for problem in named) == 1, name
    assert sum(note.startswith("config.yaml is missing") for note in found.notes) == 1
    assert found.notes.count(UNRECORDED) == 1
    assert found.headlines and found.claims[0].shown and found.by_novelty


def test_a_config_that_is_cut_is_reported_and_shown_as_it_is(run):
    text = run.config.read_text()
    ends = [place for place, char in enumerate(text) if char == "\n"]
    for place in [0, *ends[:-2:5], ends[len(ends) // 2] - 3]:
        run.config.write_text(text[:place])
        found = run_report(run)
        assert [note for note in found.notes if note.startswith("config.yaml is ")], text[:place]
        lines = [line.partition("  #")[0] for line in text[:place].split("\n") if line]
        for shown, line in zip(found.config, lines, strict=True):  # paths are shown in other words
            assert shown.text.split() == line.split() or "/" in line
    run.config.write_text(text)
    assert run_report(run).notes == []


@pytest.mark.parametrize("text", ["{", "a: [", "- 1", "3", "a: 1\na: 2", "name: ${X}", "task: \x00", "data: 3"])
def test_a_config_that_is_no_yaml_or_no_config_is_reported(run, text):
    run.config.write_text(text)
    found = run_report(run)
    assert sum("config.yaml" in note for note in found.notes) == 1
    assert [line.text for line in found.config] == text.split("\n")


def test_a_setting_of_the_evaluation_is_no_damage(run):
    run.config.write_text(run.config.read_text().replace("calibration: none", "calibration: temperature"))
    assert run_report(run).notes == []


@pytest.mark.parametrize(("status", "told"), [("interrupted", "was interrupted"), ("running", "has not ended")])
def test_an_unfinished_training_is_reported(run, status, told):
    edit(run.path / "run.json", lambda record: record["stages"]["train"].update(status=status))
    assert any("`halluc train`" in note and told in note for note in run_report(run).notes)


def test_a_threshold_of_a_later_evaluation_is_not_reported_as_this_ones(run):
    edit(run.confidence, lambda record: record.update(threshold=0.1))
    found = run_report(run)
    assert found.abstention.threshold is None
    assert found.abstention.coverage.value < 1
    assert any("confidence.json is from a later evaluation" in note for note in found.notes)


def test_what_is_not_evaluated_names_the_command(run):
    error = refused(run, "train")
    assert error.code == "R112"
    assert error.help.startswith(f"evaluate it first: halluc eval --run {run.path} --split train")
    shutil.rmtree(run.path / "eval")
    error = refused(run)
    assert (error.code, error.help) == ("R112", f"evaluate again: halluc eval --run {run.path} --split test")
    assert error.message == f"{run.evaluation('test')} is missing, although run.json lists test as evaluated"
    edit(run.path / "run.json", lambda record: record["stages"]["eval"].update(detail={}))
    error = refused(run)
    assert (error.code, error.help) == ("R112", f"halluc eval --run {run.path}")


@pytest.mark.parametrize("name", ["eval/test.json", "run.json"])
def test_another_version_is_refused(run, name):
    edit(run.path / name, lambda record: record.update(schema_version=99))
    assert refused(run).code == "R102"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ledger/test.jsonl", "R112"),
        ("predictions/test.jsonl", "R112"),
        ("eval/test.json", "R112"),
        ("run.json", "R101"),
    ],
)
def test_a_file_that_is_cut_short_is_refused_with_its_line(run, name, code):
    content = (run.path / name).read_text()
    (run.path / name).write_text(content[: len(content) // 2].rstrip("\n"))
    error = refused(run)
    assert (error.code, error.where.file) == (code, str(run.path / name))
    assert error.where.line >= 1
    assert error.help


@pytest.mark.parametrize("name", ["ledger/test.jsonl", "predictions/test.jsonl"])
def test_a_file_that_misses_whole_lines_is_refused(run, name):
    lines = (run.path / name).read_text().splitlines(keepends=True)
    (run.path / name).write_text("".join(lines[:-3]))
    error = refused(run)
    assert (error.code, name in error.message) == ("R112", True)
    (run.path / name).unlink()
    assert refused(run).code == "R112"


def test_a_cell_of_a_study_names_itself_and_its_choice(tmp_path):
    home = make_study(tmp_path, fractions=(0.0,), seeds=(1,), sentences=30)
    cell = next(path for path in sorted(home.iterdir()) if "arm=mix" in path.name)
    found = run_report(RunDir(cell))
    assert found.name == f"study/{cell.name}"
    assert found.data.withheld["fraction"] == 0.0
    assert "halluc run study.yaml --only seed=1 --only gap.fraction=0.0 --only arm=mix" in found.reproduce
