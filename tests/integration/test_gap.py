"""A gap through the command line: what check tells, what train withholds and keeps, what the docs promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from halluc.commands.terminal import Terminal
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.config.schema import GapConfig
from halluc.core.claims import Claim
from halluc.core.errors import HallucError
from halluc.core.messages import listening
from halluc.data.corpora import read_corpora
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.units import WithheldUnits
from halluc.gap.withhold import withhold
from halluc.runs.directory import RunDir
from halluc.runs.schema import RunFile
from halluc.workflows import training_knowledge
from halluc.workflows.job import Job
from tests.conftest import REPOSITORY
from tests.interruptions import interrupted_after


def claim(text: str, label: str) -> Claim:
    return Claim("e", "any", text, None, label)


@pytest.fixture
def gapped(experiment: Path) -> Path:
    """The small experiment without a quarter of its mentions, and sentences enough to match."""
    text = experiment.read_text().replace("epochs: 6", "epochs: 3")
    experiment.write_text(text + "gap: {unit: mention, fraction: 0.25, fractions: [0, 0.25]}\n")
    return experiment


def train_split(config: Path):
    return read_corpora(load(config, table=TABLE).experiment.data, TABLE, ("train",)).splits["train"]


def newest(config: Path) -> RunDir:
    """Also one whose training was interrupted: `latest` does not name it."""
    return RunDir(max(path.parent for path in (config.parent / "runs" / "tiny").glob("2*/run.json")))


def test_training_with_a_gap_saves_withheld_words_and_coverage(halluc, gapped):
    outcome = halluc("train", gapped)
    assert outcome.code == 0, outcome.err
    run, whole = newest(gapped), train_split(gapped)
    made = withhold(whole.examples, GapConfig(fraction=0.25, fractions=[0.0, 0.25]))
    assert 0 < made.withheld < made.of
    assert made.sentence() in outcome.err.splitlines()
    record = RunFile.model_validate_json((run.path / "run.json").read_text())
    assert record.gap == made.as_record()
    assert record.gap["before"]["sentences"] == len(whole) > record.gap["matched"]["sentences"]
    assert SurfaceCoverage.load(run.coverage) == SurfaceCoverage.of(made.examples)
    assert WithheldUnits.load(run.withheld) == made.units
    data = json.loads((run.path / "data.json").read_text())
    assert data["splits"]["train"]["counts"]["sentences"] == len(whole)
    labels = {label for label in json.loads((run.model / "config.json").read_text())["label2id"] if label != "O"}
    assert {label[2:] for label in labels} == set(made_labels(made))


def made_labels(made) -> set[str]:
    return {span.label for example in made.examples for span in example.spans}


def test_without_a_gap_the_whole_split_is_covered_and_nothing_is_withheld(halluc, experiment):
    outcome = halluc("train", experiment)
    run = newest(experiment)
    assert "withheld" not in outcome.err
    assert run.read().gap is None
    assert not run.withheld.exists()
    assert SurfaceCoverage.load(run.coverage) == SurfaceCoverage.of(train_split(experiment))


def test_no_fraction_still_matches_and_says_so(halluc, gapped):
    outcome = halluc("train", gapped, "--set", "gap.fraction=0")
    record = newest(gapped).read().gap
    assert re.search(r"withheld 0 of \d+ surfaces; 0 of 20 sentences dropped; trained on \d+ matched", outcome.err)
    assert record["left"] == record["before"]
    assert record["matched"]["sentences"] < 20


def test_a_withheld_label_is_none_of_the_model(halluc, experiment):
    keys = "gap={unit: label, fraction: 1, labels: [LOC], control: none}"
    outcome = halluc("train", experiment, "--set", keys)
    assert outcome.code == 0, outcome.err
    assert "withheld 1 of 1 labels (LOC)" in outcome.err
    names = json.loads((newest(experiment).model / "config.json").read_text())["label2id"]
    assert {"B-PER", "B-ORG"} <= set(names)
    assert "B-LOC" not in names
    knowledge = training_knowledge.of(Job(load(experiment, [keys], table=TABLE), run=newest(experiment)))
    assert knowledge.is_withheld(claim("Oslo", "LOC"))
    assert knowledge.novelty(claim("Oslo", "LOC")) == "new"


def test_quiet_and_json_say_nothing_of_it(halluc, gapped):
    assert len(halluc("train", gapped, "--quiet").err.splitlines()) == 1
    assert halluc("train", gapped, "--json", "--set", "seed=2").err == ""


def test_a_resumed_training_withholds_the_same(halluc, gapped):
    with interrupted_after(3):
        assert halluc("train", gapped, "-q").code == 130
    run = newest(gapped)
    before = [run.coverage.read_bytes(), run.withheld.read_bytes(), run.read().gap]
    outcome = halluc("train", gapped, "--resume")
    assert outcome.code == 0, outcome.err
    assert "resumed at step" in outcome.err
    assert newest(gapped) == run
    assert [run.coverage.read_bytes(), run.withheld.read_bytes(), run.read().gap] == before
    assert halluc("train", gapped, "--run", gapped.parent / "whole", "-q").code == 0
    weights = [RunDir(path).model / "model.safetensors" for path in (run.path, gapped.parent / "whole")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_knowledge_is_read_from_the_run_else_made_from_the_split(halluc, gapped):
    assert halluc("train", gapped, "-q").code == 0
    run, loaded = newest(gapped), load(gapped, table=TABLE)
    read = training_knowledge.of(Job(loaded, run=run))
    assert read.withheld.pairs
    for file in (run.withheld, run.coverage):
        file.unlink()
        assert training_knowledge.of(Job(loaded, run=run)) == read
    # What the run says goes before what the split would say now.
    run.withheld.write_text(json.dumps({"schema_version": 1, "unit": "mention", "labels": ["X"], "surfaces": {}}))
    SurfaceCoverage.of([]).save(run.coverage)
    assert training_knowledge.of(Job(loaded, run=run)).novelty(claim("Oslo", "LOC")) == "new"
    assert training_knowledge.of(Job(loaded, run=run)).is_withheld(claim("any", "X"))
    text, label = min(read.withheld.pairs)
    assert read.is_withheld(claim(text, label))
    assert read.novelty(claim(text, label)) != "seen"


def test_a_damaged_file_is_reported_and_not_passed_over(halluc, gapped):
    assert halluc("train", gapped, "-q").code == 0
    newest(gapped).withheld.write_text("{}")
    with pytest.raises(HallucError) as caught:
        training_knowledge.of(Job(load(gapped, table=TABLE), run=newest(gapped)))
    assert caught.value.code == "R120"


def test_without_a_training_split_nothing_is_known(experiment, tmp_path, capsys):
    empty = RunDir(tmp_path / "none")
    loaded = load(experiment, ["data.train=gone.txt"], table=TABLE)
    with listening(Terminal()):
        assert training_knowledge.of(Job(loaded, run=empty)) is None
    assert "the coverage of the training split is not available: no such file: gone.txt" in capsys.readouterr().err
    assert training_knowledge.of(Job(load(experiment, ["data.train=null"], table=TABLE), run=empty)) is None
    assert capsys.readouterr().err == ""


def test_check_reports_the_gap_of_every_other_split(halluc, experiment):
    told = halluc("check", experiment).err
    assert re.search(r"^split +mentions +forecast +unseen +new +excess$", told, re.M)
    # dev repeats train, where each mention stands four times or more.
    assert re.search(
        r"^dev +8 +0\.0% +0\.0% +0\.0% +[+−]0\.0 *\n +\[0\.0, [\d.]+\] +\[0\.0, [\d.]+\] +\[0\.0, [\d.]+\] ", told, re.M
    )
    assert "withheld" not in told


def test_check_with_a_gap_describes_what_remains(halluc, gapped):
    told = halluc("check", gapped).err
    report = json.loads(halluc("check", gapped, "--json").out)
    made = withhold(train_split(gapped).examples, GapConfig(fraction=0.25, fractions=[0.0, 0.25]))
    assert made.sentence() in told.splitlines()
    assert report["gap"]["withheld"] == made.as_record()
    assert report["splits"]["train"]["counts"]["sentences"] == 20
    assert report["gap"]["splits"]["dev"]["overall"]["unseen"]["value"] > 0
    assert set(report["gap"]["splits"]["dev"]["by_label"]) == {"PER", "LOC", "ORG", "MISC"}


def test_check_deep_probes_what_remains(halluc, gapped):
    report = json.loads(halluc("check", gapped, "--deep", "--json").out)
    whole = json.loads(halluc("check", gapped, "--deep", "--json", "--set", "gap=null").out)
    assert report["model"]["encoding"]["train"]["words"] == report["gap"]["withheld"]["matched"]["tokens"]
    assert whole["model"]["encoding"]["train"]["words"] > report["model"]["encoding"]["train"]["words"]


def test_check_without_a_training_split_has_no_gap(halluc, experiment):
    report = json.loads(halluc("check", experiment, "--json", "--set", "data.train=null").out)
    assert report["gap"] == {"withheld": None, "splits": {}}


@pytest.mark.parametrize("command", ["check", "train"])
@pytest.mark.parametrize(
    ("keys", "told", "under"),
    [
        ("gap={unit: label, fraction: 1, labels: [PRE]}", "D132", "[PRE]"),
        ("gap={fraction: 1.0}", "D135", "1.0"),
        ("gap={fraction: 0.0, fractions: [0.0, 1.0]}", "D135", "[0.0, 1.0]"),
        ("gap={fraction: 0.0, fractions: [0.0], size: 999}", "D134", "999"),
    ],
)
def test_what_cannot_be_done_is_reported_at_its_key(halluc, experiment, command, keys, told, under):
    outcome = halluc(command, experiment, "--set", keys)
    assert outcome.code == 3
    assert f"error[{told}]" in outcome.err
    shown, caret = re.search(r"^ +\| (gap=.*)\n +\| ( *\^+)$", outcome.err, re.M).groups()
    assert shown[caret.index("^") :].startswith(under)


GAP_DOC = (REPOSITORY / "docs/gap.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of a table of docs/gap.md, by the first cell of its heading."""
    (block,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", GAP_DOC, re.M)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()]


@pytest.fixture
def example_of_the_docs(experiment: Path) -> Path:
    for split in ("train", "test"):
        (text,) = re.findall(rf"^```conll {split}\n(.*?)^```", GAP_DOC, re.M | re.S)
        (experiment.parent / f"{split}.txt").write_text(text)
    return experiment


def test_the_figures_of_the_docs_are_what_check_reports(halluc, example_of_the_docs):
    report = json.loads(halluc("check", example_of_the_docs, "--set", "data.dev=null", "--json").out)
    gap = report["gap"]["splits"]["test"]
    rows = table("label")
    assert {row[0] for row in rows} == {"all", *gap["by_label"]}
    for label, mentions, *figures in rows:
        found = gap["overall"] if label == "all" else gap["by_label"][label]
        values = [found[name]["value"] for name in ("forecast", "unseen", "new", "excess")]
        assert [mentions, *figures] == [str(found["mentions"]), *(f"{value:.3f}" for value in values)]


def test_the_novelties_of_the_docs_are_those_of_a_run(example_of_the_docs):
    knowledge = training_knowledge.of(Job(load(example_of_the_docs, table=TABLE), run=RunDir(Path("none"))))
    rows = table("test mention")
    assert len(rows) == 4
    for text, label, novelty, confusable, nearest in rows:
        assert knowledge.novelty(claim(text, label)) == novelty
        assert knowledge.is_confusable(claim(text, label)) == (confusable == "yes")
        assert knowledge.nearest(claim(text, label)).text == nearest
