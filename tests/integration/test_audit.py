"""`halluc audit` from suspects to a corrected copy, and `halluc eval --gold` on it; models are hardly trained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import halluc as api
from halluc.core.errors import HallucError, ManyErrors
from halluc.runs.directory import RunDir
from halluc.workflows import audit
from tests.conftest import write_corpus, write_experiment
from tests.interruptions import killed_after_a_checkpoint

pytestmark = pytest.mark.usefixtures("without_charts")

TRAIN = "steps: 12, learning_rate: 0.01, batch_tokens: 64"


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def audited(tmp_path_factory, tiny_encoder):
    """A config, and its run after an audit of all splits and an evaluation."""
    folder = tmp_path_factory.mktemp("audited")
    config = write_experiment(folder, tiny_encoder, write_corpus(folder), TRAIN)
    api.train(config)
    run = RunDir((folder / "runs/tiny/latest").resolve())
    api.evaluate(run=run.path)
    results = api.audit(config, folds=2)
    return config, run, {one.split: one for one in results}


@pytest.fixture
def own(audited, tmp_path):
    """The folder of the config's data, and the run, both as they were after the test."""
    config, run, _ = audited
    kept = {path: path.read_bytes() for path in config.parent.glob("*.txt")}
    yield config.parent, run
    for path, content in kept.items():
        path.write_bytes(content)
    if (run.path / "away").is_dir():
        (run.path / "away").rename(run.model)


def decision(line: dict, name: str, annotation=None) -> str:
    place = {key: line[key] for key in ("suspect", "split", "id", "sha256")}
    return json.dumps({**place, "decision": name, "annotation": annotation}) + "\n"


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_every_split_gets_a_list_a_page_and_an_import_file(audited):
    config, run, results = audited
    assert {split: one.folds for split, one in results.items()} == {"train": 2, "dev": None, "test": None}
    for split, result in results.items():
        lines = records(run.audit(split))
        assert len(lines) == sum(result.kinds.values()) > 0
        assert [one["confidence"] for one in lines] == sorted(one["confidence"] for one in lines)
        sources = (config.parent / f"{split}.txt").read_text(encoding="utf-8").splitlines()
        for one in lines:
            assert sources[one["line"] - 1].startswith(one["tokens"][0] + " ")
        page = run.audit(split, "html").read_text(encoding="utf-8")
        assert page.count('class="claim suspect"') == len(lines)
        assert "http" not in page.replace("http-equiv", "")
        imported = json.loads(run.audit(split, "label_studio.json").read_text(encoding="utf-8"))
        assert {one["data"]["id"] for one in imported} == {one["id"] for one in lines}
        assert all(one["annotations"] and one["predictions"] for one in imported)
    assert run.read().stages["audit"].detail["train"]["folds"] == 2


def test_train_is_judged_by_models_that_never_saw_the_sentence(audited):
    config, _, _ = audited
    parts = sorted((config.parent / "runs/.fitted").glob("cross-fit-*/part-*"))
    sizes = [json.loads((part / "data.json").read_text())["splits"]["train"]["counts"]["sentences"] for part in parts]
    assert len(sizes) == 2 and sum(sizes) == 20, "each sentence is left out once"
    started = [RunDir(part).read().stages["train"].started for part in parts]
    api.audit(config, splits=["train"], folds=2)
    assert [RunDir(part).read().stages["train"].started for part in parts] == started, "no model is trained twice"


def test_decisions_make_a_corrected_copy_with_its_provenance(halluc, audited, tmp_path):
    config, run, _ = audited
    original = (config.parent / "train.txt").read_bytes()
    found = records(run.audit("train"))
    by_id: dict[str, list[dict]] = {}
    for line in found:
        if line["annotated"]:
            by_id.setdefault(line["id"], []).append(line)
    first, second, third = (lines[0] for lines in list(by_id.values())[:3])
    place = second["annotated"][0][:2]
    decisions = written(
        tmp_path / "decisions.jsonl",
        decision(first, "edit", []),
        decision(second, "edit", [[*place, "NEW"]]),
        decision(third, "reject"),
    )
    for name in ("corrected.conll", "corrected.jsonl"):
        outcome = halluc("audit", run.path, "--apply", decisions, "--out", tmp_path / name)
        assert outcome.code == 0, outcome.err
    assert f"{decisions}:2: no example of train has the label `NEW` yet" in outcome.err
    assert (config.parent / "train.txt").read_bytes() == original
    spans = {one["id"]: one["spans"] for one in records(tmp_path / "corrected.jsonl")}
    gold = {line["id"]: line["gold"] for line in found}
    assert spans[first["id"]] == [one for one in gold[first["id"]] if one not in first["annotated"]]
    assert [*place, "NEW"] in spans[second["id"]]
    assert spans[third["id"]] == gold[third["id"]]
    assert [(one["suspect"], one["decision"], one["decided"]) for one in
            records(tmp_path / "corrected.jsonl.provenance.jsonl")] == [
        (first["suspect"], "edit", 1), (second["suspect"], "edit", 2),
    ]  # fmt: skip
    tokens = [line.split()[0] for line in original.decode().splitlines() if line]
    copy = (tmp_path / "corrected.conll").read_text(encoding="utf-8")
    assert [line.split("\t")[0] for line in copy.splitlines() if line] == tokens
    assert "B-NEW" in copy


def test_the_run_of_an_audit_without_a_trained_model_can_be_named(halluc, tmp_path, tiny_encoder):
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), TRAIN)
    (result,) = api.audit(config, splits=["train"], folds=2)
    assert not RunDir(Path(result.run)).model.exists()
    first = records(Path(result.files["jsonl"]))[0]
    decisions = written(tmp_path / "d.jsonl", decision(first, "reject"))
    outcome = halluc("audit", result.run, "--apply", decisions, "--out", tmp_path / "same.jsonl")
    assert outcome.code == 0, outcome.err
    (again,) = api.audit(result.run, splits=["train"], folds=2)
    assert (again.run, again.kinds) == (result.run, result.kinds)
    outcome = halluc("audit", result.run, "--split", "train", "--set", "seed=9")
    assert (outcome.code, "R104" in outcome.err) == (2, True), outcome.err


def test_accepted_predictions_replace_the_annotation(halluc, audited, tmp_path):
    _, run, _ = audited
    lines = records(run.audit("test"))
    decisions = written(tmp_path / "d.jsonl", *(decision(line, "accept") for line in lines))
    assert halluc("audit", run.path, "--apply", decisions, "--out", tmp_path / "new.jsonl", "--json").code == 0
    predicted = {one["id"]: [span[:3] for span in one["predicted"]] for one in records(run.predictions("test"))}
    for one in records(tmp_path / "new.jsonl"):
        if not any(line["id"] == one["id"] and line["kind"] == "inconsistent" for line in lines):
            assert one["spans"] == predicted[one["id"]]


def test_an_evaluation_with_corrected_gold_does_not_replace_the_original_one(halluc, audited, tmp_path):
    _, run, _ = audited
    lines = [line for line in records(run.audit("test")) if line["kind"] != "inconsistent"]
    decisions = written(tmp_path / "d.jsonl", *(decision(line, "accept") for line in lines))
    for name in ("agreed.jsonl", "agreed.conll"):
        assert halluc("audit", run.path, "--apply", decisions, "--out", tmp_path / name).code == 0
    before = {path: path.read_bytes() for path in run.path.glob("e*/test*.json")}
    outcome = halluc("eval", run.path, "--gold", tmp_path / "agreed.jsonl")
    assert outcome.code == 0, outcome.err
    assert "test by the gold in agreed" in outcome.err
    assert {path: path.read_bytes() for path in before} == before
    (again,) = api.evaluate(run=run.path, gold=tmp_path / "agreed.conll")
    moved = {one.name: one for one in again.regold.figures}
    assert again.regold.gold.joined_by == "id" and again.regold.gold.changed > 0
    assert moved["omission_rate"].before.value > 0
    assert moved["omission_rate"].after.value == moved["hallucination_rate"].after.value == 0
    file = json.loads(run.regold(again.regold.gold.name).evaluation("test").read_text())
    assert len(list(run.path.glob("regold/agreed-*"))) == 2, "files of one name are kept apart"
    assert next(one["value"] for one in file["metrics"] if one["name"] == "omission_rate") == 0
    assert halluc("report", run.path, "--split", "test", "--output", tmp_path / "report").code == 0
    report = json.loads((tmp_path / "report/report.json").read_text())
    rates = {one["name"]: one for one in report["annotation"]["on_suspects"]}
    omitted = rates["omission_rate"]
    assert omitted["below"][-1] == [1.0, omitted["counted"]], "all that the model omits is in doubt, to it"
    assert "Possible annotation errors" in (tmp_path / "report/report.md").read_text()
    assert "Sorted by the probability of the annotation" in (tmp_path / "report/index.html").read_text()


def refused(call, *arguments, **options) -> HallucError:
    with pytest.raises(HallucError) as caught:
        call(*arguments, **options)
    error = caught.value
    return error.errors[0] if isinstance(error, ManyErrors) else error


def test_gold_of_other_examples_is_refused(audited, tmp_path):
    _, run, _ = audited
    examples = [{"id": one["id"], "tokens": one["tokens"], "spans": []} for one in records(run.predictions("test"))]
    examples[0]["spans"] = [[0, 1, "PER"]]
    short = written(tmp_path / "short.jsonl", *(json.dumps(one) + "\n" for one in examples[:-1]))
    error = refused(api.evaluate, run=run.path, gold=short)
    assert (error.code, "has 4 examples, and test has 5" in error.message) == ("D197", True)
    examples[1]["tokens"] = ["other", *examples[1]["tokens"][1:]]
    other = written(tmp_path / "other.jsonl", *(json.dumps(one) + "\n" for one in examples))
    error = refused(api.evaluate, run=run.path, gold=other)
    assert (error.code, str(error.where)) == ("D197", f"{other}:2")
    assert refused(api.evaluate, run=run.path, gold=other, name="x").code == "C011"


@pytest.fixture
def applied(audited, tmp_path, halluc):
    """Applies lines of decisions, made of the suspects of test, and gives what is said."""
    _, run, _ = audited
    found = records(run.audit("test"))

    def apply(*lines: str, out: Path = tmp_path / "out.jsonl"):
        return halluc("audit", run.path, "--apply", written(tmp_path / "d.jsonl", *lines), "--out", out)

    apply.found = found
    return apply


def test_decisions_that_cannot_be_carried_out_are_refused_with_their_line(applied, tmp_path):
    one, other = applied.found[:2]
    strange = {**one, "suspect": "0" * 16}
    accept = decision(one, "accept")
    for lines, line, told in (
        (["{broken\n"], 1, "D194]: not a decision: Invalid JSON"),
        ([decision(one, "perhaps")], 1, "D194]: not a decision: decision: Input should be"),
        ([accept, decision(other, "edit")], 2, "D194]: not a decision: only an edit can have"),
        ([accept, decision(strange, "accept")], 2, "has no suspect `0000000000000000`"),
        ([accept, accept], 2, "D195]: the same decision as on line 1"),
        ([accept, decision(one, "reject")], 2, "D195]: contradicts the decision on line 1"),
        (
            [accept, decision({**other, "split": "dev"}, "accept")],
            2,
            "D195]: a decision on dev, but the first one is on",
        ),
        (["\n", decision(one, "edit", [[0, 99, "X"]])], 2, "tokens 0 to 99 are not in the sentence"),
        ([decision({**one, "sha256": "0"}, "accept")], 1, "D196]"),
    ):
        outcome = applied(*lines)
        assert outcome.code == 3, outcome.err
        assert told in outcome.err and f"d.jsonl:{line}\n" in outcome.err, outcome.err
    assert "has no decision" in applied("\n").err
    assert not (tmp_path / "out.jsonl").exists()


def test_the_original_is_never_written(audited, applied, halluc, tmp_path):
    config, run, _ = audited
    accept = decision(applied.found[0], "accept")
    source = config.parent / "test.txt"
    before = source.read_bytes()
    assert "originals are never changed" in applied(accept, out=source).err
    assert "originals are never changed" in applied(accept, out=config.parent / "dev.txt").err
    assert "in the folder of the audit" in applied(accept, out=run.audit("test").parent / "x.jsonl").err
    written(tmp_path / "file", "")
    blocked = applied(accept, out=tmp_path / "file" / "x.jsonl")
    assert blocked.code == 4 and "cannot write" in blocked.err
    assert source.read_bytes() == before
    assert "--out is missing" in halluc("audit", run.path, "--apply", tmp_path / "d.jsonl").err


def test_a_sentence_that_has_changed_since_is_refused(own, applied):
    folder, _ = own
    line = applied.found[0]
    file = folder / "test.txt"
    file.write_text(re.sub(r"-([A-Z]+)$", r"-NO\1", file.read_text(encoding="utf-8"), flags=re.M), encoding="utf-8")
    outcome = applied("\n", decision(line, "accept"))
    assert outcome.code == 3
    assert "d.jsonl:2\n" in outcome.err and "has changed since it was audited" in outcome.err


def test_without_model_or_annotation_nothing_is_audited(own, halluc):
    folder, run = own
    config = folder / "tiny.yaml"
    (folder / "dev.txt").write_text("Anna O\nleft O\n", encoding="utf-8")
    outcome = halluc("audit", config, "--split", "dev")
    assert (outcome.code, "D193" in outcome.err) == (3, True), outcome.err
    outcome = halluc("audit", config, "--split", "dev", "--set", "seed=9")
    assert (outcome.code, "train it first" in outcome.err) == (2, True), outcome.err
    run.model.rename(run.path / "away")
    outcome = halluc("audit", run.path)
    assert (outcome.code, "has no model/" in outcome.err) == (2, True), outcome.err
    outcome = halluc("audit", "configs/translation-demo.yaml", "--split", "train", "--set", f"runs_dir={folder}")
    assert (outcome.code, "annotation of the task translation cannot be audited" in outcome.err) == (2, True)
    assert "no split `tset`" in halluc("audit", run.path, "--split", "train", "--split", "tset").err
    assert "--folds 1 is not possible" in halluc("audit", config, "--folds", "1").err


def test_a_killed_audit_resumes_with_the_model_that_it_was_training(tmp_path, tiny_encoder):
    saving = TRAIN + ", checkpoint_steps: 2"
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), saving)
    with killed_after_a_checkpoint():
        api.audit(config, splits=["train"], folds=2)
    (first,) = (tmp_path / "runs/.fitted").glob("cross-fit-*/part-*")
    assert RunDir(first).has_checkpoint() and not RunDir(first).is_trained()
    assert not list((tmp_path / "runs").glob("tiny/*/audit")), "nothing half made is left"
    said: list[str] = []
    (result,) = api.audit(config, splits=["train"], folds=2, messages=said.append)
    assert any("from step 2" in line or "resum" in line or "continu" in line for line in said), said
    assert RunDir(first).is_trained() and sum(result.kinds.values()) > 0


def test_a_write_that_fails_leaves_all_files_of_the_audit_before(audited, monkeypatch):
    config, run, _ = audited
    files = [run.audit("dev", ending) for ending in ("jsonl", "html", "label_studio.json")]
    before = [file.stat().st_ino for file in files]
    replacing = audit.replacing

    def on_a_full_disk(path: Path):
        if path == files[2]:
            raise HallucError("E401", "the disk is full")
        return replacing(path)

    monkeypatch.setattr(audit, "replacing", on_a_full_disk)
    with pytest.raises(HallucError, match="the disk is full"):
        api.audit(config, splits=["dev"])
    assert [file.stat().st_ino for file in files] == before
    assert not list(files[0].parent.glob(".*tmp"))
