"""``halluc augment`` as people call it, what ``halluc train`` makes of its corpus, and what is told of mistakes."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from halluc.augmentation.pipeline import corpus
from halluc.augmentation.pipeline import manifest as finishing
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.core.files import sha256_of
from halluc.data.corpora import read_corpora
from halluc.gap.coverage import SurfaceCoverage
from halluc.runs.directory import RunDir
from halluc.workflows import augmented_corpus
from halluc.workflows.job import Job
from tests.integration.test_augment import bytes_of, corpus_of, lines, manifest, texts, with_one_name, write_config

pytestmark = pytest.mark.usefixtures("without_charts")

MENTIONS = "[{type: mention_replacement, rate: 1}, {type: noise}]"


@pytest.fixture
def augmented(experiment: Path) -> Path:
    """The small experiment, of 20 sentences, twice as large."""
    for split in ("dev", "test"):  # sentences of their own, else every copy would leak
        file = experiment.parent / f"{split}.txt"
        file.write_text(file.read_text().replace("\n. O", "\ntoo O\n. O"))
    text = experiment.read_text(encoding="utf-8").replace("epochs: 6", "epochs: 1")
    experiment.write_text(text + f"augment: {{size: 2x, methods: {MENTIONS}, workers: 1}}\n", encoding="utf-8")
    return experiment


def runs(config: Path) -> list[RunDir]:
    home = config.parent / "runs" / "tiny"
    return (
        [RunDir(path) for path in sorted(home.iterdir()) if path.is_dir() and not path.is_symlink()]
        if home.is_dir()
        else []
    )


def only_run(config: Path) -> RunDir:
    (run,) = runs(config)
    return run


# --- augment ---------------------------------------------------------------------------------------------------


def test_augment_makes_a_corpus_and_a_second_call_has_nothing_to_do(halluc, augmented):
    outcome = halluc("augment", augmented)
    assert outcome.code == 0, outcome.err
    run = only_run(augmented)
    assert re.search(r"^augmented: 20 originals, \d+ new \(.*mention_replacement.*\)$", outcome.err, re.M)
    assert f"augmented corpus: {run.augment / 'train.jsonl'}" in outcome.err
    made = bytes_of(run.augment)
    record = run.read()
    assert record.stages["augment"].status == "done"
    assert record.augment["made"] == manifest(run.augment).made
    again = halluc("augment", augmented)
    assert again.code == 0
    assert "nothing to do" in again.err
    assert bytes_of(only_run(augmented).augment) == made


def test_json_is_the_manifest_and_quiet_says_where_it_is(halluc, augmented):
    outcome = halluc("augment", augmented, "--json")
    told = json.loads(outcome.out)
    assert outcome.err == ""
    run = only_run(augmented)
    assert told.pop("run") == str(run.path)
    assert told == json.loads((run.augment / "manifest.json").read_text())
    assert len(halluc("augment", augmented, "--quiet", "--set", "seed=2").err.splitlines()) == 1


@pytest.mark.parametrize("named", [False, True])
def test_on_a_full_disk_the_first_file_is_named_and_not_what_could_not_be_noted_then(
    halluc, augmented, tmp_path, monkeypatch, named
):
    sync = os.fsync

    def fills_up(descriptor: int) -> None:
        if any(tmp_path.rglob("augment/.partial/*.jsonl")):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fills_up)
    outcome = halluc("augment", augmented, "-q", *(("--run", tmp_path / "run") if named else ()))
    run = RunDir(tmp_path / "run") if named else only_run(augmented)
    assert outcome.code == 4
    assert outcome.err.splitlines() == [
        f"error[E401]: cannot write {run.augment / '.partial' / 'originals.jsonl'}: No space left on device",
        f"   = help: free disk space, or choose another {'path for `--run`' if named else '`runs_dir`'}",
    ]
    monkeypatch.setattr(os, "fsync", sync)
    assert halluc("augment", augmented, "-q", *(("--run", tmp_path / "run") if named else ())).code == 0
    assert run.read().stages["augment"].status == "done"


def test_a_full_disk_is_reported_where_the_parts_are_put_together(halluc, augmented, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(finishing.shutil, "copyfileobj", full)
        outcome = halluc("augment", augmented, "-q")
    run = only_run(augmented)
    assert outcome.code == 4
    assert f"cannot write {run.augment / 'train.jsonl'}: No space left on device" in outcome.err
    assert run.read().stages["augment"].status == "failed"
    assert halluc("augment", augmented, "-q").code == 0


def test_a_shortfall_is_reported(halluc, tmp_path):
    data = corpus_of(tmp_path, train="Anna/PER left\nBerg/PER left\nit rained")
    outcome = halluc("augment", with_one_name(tmp_path, data, ", unchangeable: skip"), "--run", tmp_path / "run")
    assert outcome.code == 0
    why = "1 given up because all attempts were rejected, 1 unchangeable"
    assert f"warning: 2 fewer than the 3 requested: {why}" in outcome.err
    assert "rejected candidates: 5 duplicate" in outcome.err


def test_nothing_to_add_is_no_error(halluc, augmented):
    outcome = halluc("augment", augmented, "--set", "augment.size=1x")
    assert outcome.code == 0, outcome.err
    assert len(lines(only_run(augmented).augment)) == 20


def test_shards_from_the_command_line(halluc, augmented, tmp_path):
    whole, run = tmp_path / "whole", tmp_path / "sharded"
    assert halluc("augment", augmented, "--run", whole).code == 0
    for number in (1, 2):
        outcome = halluc("augment", augmented, "--run", run, "--shard", f"{number}/3")
        assert "candidates for" in outcome.err
    told = json.loads(halluc("augment", augmented, "--run", run, "--shard", "3/3", "--json").out)
    assert told == {"run": str(run), "shard": "3/3", "examples": 7}
    assert not (run / "augment" / "train.jsonl").exists()
    assert halluc("augment", augmented, "--run", run).code == 0
    assert bytes_of(run / "augment") == bytes_of(whole / "augment")


def test_shards_need_one_directory_and_a_number(halluc, augmented, tmp_path):
    assert "error[C012]" in halluc("augment", augmented, "--shard", "1/3").err
    for wrong in ("0/3", "4/3", "x"):
        outcome = halluc("augment", augmented, "--run", tmp_path / "run", "--shard", wrong)
        assert (outcome.code, "error[C013]" in outcome.err) == (2, True)


def test_a_directory_of_another_config_is_refused(halluc, augmented, tmp_path):
    assert halluc("augment", augmented, "--run", tmp_path / "run").code == 0
    outcome = halluc("augment", augmented, "--run", tmp_path / "run", "--set", "seed=2")
    assert (outcome.code, "error[R104]" in outcome.err) == (2, True)


def test_workers_decide_nothing(augmented):
    hashes = [load(augmented, [f"augment.workers={n}"], table=TABLE) for n in ("1", "8", "auto")]
    assert len({loaded.sha256 for loaded in hashes}) == 1
    assert len({augmented_corpus.fingerprint(loaded) for loaded in hashes}) == 1
    assert load(augmented, ["augment.attempts=4"], table=TABLE).sha256 != hashes[0].sha256


# --- looks -----------------------------------------------------------------------------------------------------


def test_a_preview_prints_pairs_and_writes_nothing(halluc, augmented):
    before = sorted(augmented.parent.rglob("*"))
    outcome = halluc("augment", augmented, "--preview", "3")
    assert outcome.code == 0, outcome.err
    pairs = re.findall(r"^(\S+:\d+)  [a-z_]+: .+\n- (.*)\n\+ (.*)\n$", outcome.err, re.M)
    assert len(pairs) == 3
    assert all(before != after for _, before, after in pairs)
    assert "PER]" in outcome.err
    assert sorted(augmented.parent.rglob("*")) == before


def test_a_preview_as_json_is_what_the_corpus_will_hold(halluc, tmp_path):
    config = write_config(tmp_path, f"{{size: 2x, methods: {MENTIONS}}}")
    told = [json.loads(line) for line in halluc("augment", config, "--preview", "5", "--json").out.splitlines()]
    assert len(told) == 5
    assert halluc("augment", config, "--run", tmp_path / "run").code == 0
    made = {line["id"]: line for line in lines(tmp_path / "run" / "augment")}
    for pair in told:
        assert made[pair["after"]["id"]] == pair["after"]
        assert made[pair["before"]["id"]] == pair["before"]
        assert pair["provenance"]["parent"] == pair["before"]["id"]


def test_a_preview_of_what_cannot_be_changed_says_so(halluc, tmp_path):
    config = write_config(
        tmp_path, "{size: 2x, methods: [{type: mention_replacement}, {type: delete, rate: 0}], unchangeable: skip}",
        data=corpus_of(tmp_path, train="it rained\nit snowed"))  # fmt: skip
    assert "these methods cannot change any example" in halluc("augment", config, "--preview", "2").err


def test_a_preview_of_a_study_notes_nothing(halluc, augmented):
    augmented.write_text(augmented.read_text() + "matrix: {seed: [1, 2]}\n")
    outcome = halluc("augment", augmented, "--preview", "1")
    assert outcome.code == 0, outcome.err
    assert runs(augmented) == []
    assert not (augmented.parent / "runs").exists()


@pytest.fixture
def with_corpus(halluc, augmented: Path) -> tuple[Path, RunDir, str]:
    """A config, its run, and the id of a new line."""
    assert halluc("augment", augmented, "-q").code == 0
    run = only_run(augmented)
    return augmented, run, lines(run.augment, "provenance")[3]["id"]


def test_a_line_replayed_is_the_same(halluc, with_corpus):
    config, run, identity = with_corpus
    before = bytes_of(run.augment)
    outcome = halluc("augment", config, "--replay", identity)
    assert outcome.code == 0, outcome.err
    assert f"{identity}: byte-identical" in outcome.err
    told = json.loads(halluc("augment", config, "--replay", identity, "--json").out)
    assert (told["id"], told["same"]) == (identity, True)
    assert halluc("augment", config, "--replay", identity, "--run", run.path).code == 0
    assert bytes_of(run.augment) == before


def test_every_line_can_be_replayed(with_corpus):
    from halluc.workflows import replay

    config, run, _ = with_corpus
    loaded = load(config, table=TABLE)
    job = Job(loaded, run=run)
    again = [replay.replay(job, line["id"]) for line in lines(run.augment, "provenance")]
    assert [one.id for one in again if one.same] == [line["id"] for line in lines(run.augment, "provenance")]
    assert len(again) == manifest(run.augment).made


@pytest.mark.parametrize("name", ["train", "provenance"])
def test_an_altered_line_is_detected(halluc, with_corpus, name):
    config, run, identity = with_corpus
    file = run.augment / f"{name}.jsonl"
    there = [json.loads(line) for line in file.read_text().splitlines()]
    altered = next(line for line in there if line["id"] == identity)
    if name == "train":
        altered["tokens"][0] += "x"
    else:
        altered["edits"][0]["why"] = "else"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in there))
    outcome = halluc("augment", config, "--replay", identity)
    assert (outcome.code, "error[R133]" in outcome.err) == (2, True)
    assert identity in outcome.err


def test_an_unknown_id_is_reported(halluc, with_corpus):
    config, _, identity = with_corpus
    outcome = halluc("augment", config, "--replay", identity + "0")
    assert (outcome.code, "error[C146]" in outcome.err) == (2, True)
    assert "did you mean `train-" in outcome.err
    # An original was not made, so it cannot be made anew.
    assert "error[C146]" in halluc("augment", config, "--replay", "train-1").err


def test_a_replay_without_a_corpus_is_reported(halluc, augmented, tmp_path):
    assert "error[R105]" in halluc("augment", augmented, "--replay", "train-1~1").err
    assert halluc("train", augmented, "--run", tmp_path / "run", "--set", "augment=null", "-q").code == 0
    outcome = halluc("augment", augmented, "--replay", "train-1~1", "--run", tmp_path / "run")
    assert (outcome.code, "error[R105]" in outcome.err) == (2, True)


# --- train -----------------------------------------------------------------------------------------------------


def encoded(run: RunDir) -> int:
    """The tokens of the training split that the model was given."""
    return json.loads((run.path / "data.json").read_text())["encoding"]["train"]["words"]


def test_train_continues_in_the_run_of_the_corpus_and_uses_all_of_it(halluc, with_corpus):
    config, run, _ = with_corpus
    made = bytes_of(run.augment)
    outcome = halluc("train", config)
    assert outcome.code == 0, outcome.err
    assert only_run(config) == run
    assert "made anew" not in outcome.err
    assert "was not finished" not in outcome.err
    assert bytes_of(run.augment) == made
    assert encoded(run) == sum(len(line["tokens"]) for line in lines(run.augment))
    assert set(run.read().stages) == {"augment", "train"}
    assert (run.path.parent / "latest").readlink() == Path(run.path.name)


def test_train_makes_the_corpus_itself_where_it_is_missing(halluc, augmented, tmp_path):
    outcome = halluc("train", augmented)
    assert outcome.code == 0, outcome.err
    assert "augmented: 20 originals" in outcome.err
    run = only_run(augmented)
    assert encoded(run) == sum(len(line["tokens"]) for line in lines(run.augment))
    assert halluc("augment", augmented, "--run", tmp_path / "alone", "-q").code == 0
    assert bytes_of(run.augment) == bytes_of(tmp_path / "alone" / "augment")


def test_coverage_and_data_are_those_before_augmentation(halluc, augmented):
    assert halluc("train", augmented, "-q").code == 0
    run, data = only_run(augmented), load(augmented, table=TABLE).experiment.data
    original = read_corpora(data, TABLE, ("train",)).splits["train"]
    assert SurfaceCoverage.load(run.coverage) == SurfaceCoverage.of(original)
    assert json.loads((run.path / "data.json").read_text())["splits"]["train"]["counts"]["sentences"] == 20


def test_a_changed_input_makes_the_corpus_stale(halluc, with_corpus):
    config, run, _ = with_corpus
    train = config.parent / "train.txt"
    train.write_text(train.read_text().replace("visited", "left"))
    before = bytes_of(run.augment)
    outcome = halluc("train", config)
    assert outcome.code == 0, outcome.err
    assert "was made from other data or by another version of halluc, and is made again" in outcome.err
    assert bytes_of(run.augment) != before
    assert not any("visited" in text for text in texts(run.augment))


def test_a_changed_gazetteer_makes_the_corpus_stale(tmp_path):
    config = with_one_name(tmp_path, corpus_of(tmp_path, train="Anna/PER left"))
    before = augmented_corpus.fingerprint(load(config, table=TABLE))
    (tmp_path / "names.tsv").write_text("PER\tIda\n")
    assert augmented_corpus.fingerprint(load(config, table=TABLE)) != before


def test_a_corpus_that_is_made_again_matches_its_record(halluc, with_corpus):
    config, run, _ = with_corpus
    first = run.read().augment["manifest_sha256"]
    assert first == sha256_of(run.augment / "manifest.json")
    assert manifest(run.augment).files == {"provenance.jsonl": sha256_of(run.augment / "provenance.jsonl")}
    record = run.read()
    run.write(record.model_copy(update={"augment": None}))  # as after a kill between the manifest and run.json
    assert halluc("train", config).code == 0
    assert run.read().augment["manifest_sha256"] == first
    shutil.rmtree(run.augment)
    assert halluc("augment", config, "--run", run.path).code == 0
    assert run.read().augment["manifest_sha256"] == sha256_of(run.augment / "manifest.json")


@pytest.mark.parametrize("command", ["train", "augment"])
def test_a_damaged_manifest_is_reported(halluc, with_corpus, command):
    config, run, _ = with_corpus
    (run.augment / "manifest.json").write_text("{")
    outcome = halluc(command, config)
    assert (outcome.code, "error[R130]" in outcome.err) == (2, True)
    assert f"help: remove {run.augment}: it is then made again" in outcome.err


def test_a_manifest_without_its_corpus_is_reported(halluc, with_corpus):
    config, run, _ = with_corpus
    (run.augment / "train.jsonl").unlink()
    outcome = halluc("train", config)
    assert (outcome.code, "error[R130]" in outcome.err) == (2, True)


def test_an_augmented_training_is_evaluated_and_reported(halluc, augmented):
    assert halluc("run", augmented, "-q").code == 0
    run = only_run(augmented)
    assert run.ledger("dev").is_file()
    assert halluc("report", run.path).code == 0


def test_a_study_with_an_augmented_arm_runs(halluc, augmented):
    text = augmented.read_text().split("augment:")[0]
    arms = "arm: {none: {}, duplicate: {augment: {size: 2x, methods: [{type: duplicate}], workers: 1}}}"
    augmented.write_text(text + f"matrix:\n  {arms}\n")
    assert halluc("augment", augmented).code == 0
    assert [run.path.name for run in runs(augmented)] == ["arm=duplicate"]
    outcome = halluc("run", augmented)
    assert outcome.code == 0, outcome.err
    none, duplicate = (RunDir(augmented.parent / "runs" / "tiny" / f"arm={arm}") for arm in ("none", "duplicate"))
    assert encoded(duplicate) == 2 * encoded(none)
    assert not none.augment.exists()
    assert duplicate.evaluation("test").is_file()


def test_an_interrupted_augmentation_resumes_in_its_run(halluc, augmented, monkeypatch):
    take = corpus.CandidateSelection.accept

    def interrupted(self, item, outcome):
        if item.number == 11:
            raise KeyboardInterrupt
        take(self, item, outcome)

    monkeypatch.setattr(corpus.CandidateSelection, "accept", interrupted)
    assert halluc("augment", augmented).code == 130
    run = only_run(augmented)
    assert run.read().stages["augment"].status == "interrupted"
    monkeypatch.undo()
    assert halluc("augment", augmented).code == 0
    assert only_run(augmented) == run
    assert run.read().stages["augment"].status == "done"
    assert not (run.augment / corpus.PARTIAL).exists()


# --- mistakes --------------------------------------------------------------------------------------------------


def told(halluc, config: Path) -> str:
    outcome = halluc("augment", config)
    assert not (config.parent / "runs").exists() or not list((config.parent / "runs").rglob("manifest.json"))
    return f"{outcome.code}: {outcome.err}"


def place(config: Path, word: str) -> str:
    """File, line and column of a word of a config."""
    for number, line in enumerate(config.read_text().splitlines(), 1):
        if word in line:
            return f"{config}:{number}:{line.index(word) + 1}"
    raise AssertionError(word)


@pytest.mark.parametrize(
    ("augment", "code", "under"),
    [
        ("{size: 2x, methods: [{type: mention_replacment}]}", "C103", "mention_replacment"),
        ("{size: 2x, methods: [{rate: 0.1}]}", "C102", "{rate"),
        ("{size: 2x, methods: [{type: noise, rtae: 0.1}]}", "C101", "rtae"),
        ("{size: 2x, methods: [{type: noise, rate: 1.5}]}", "C105", "1.5"),
        ("{size: 0.5x, methods: [{type: noise}]}", "C106", "0.5x"),
        ("{size: abc, methods: [{type: noise}]}", "C106", "abc"),
        ("{size: 2x, methods: [{type: noise}], filters: [leek]}", "C103", "leek"),
        ("{size: 2x, methods: [{type: noise}], from: runs/x}", "C106", "{size"),
    ],
)
def test_a_mistake_in_the_config_is_reported_at_its_place(halluc, tmp_path, augment, code, under):
    """Word for word in tests/golden/configs."""
    config = write_config(tmp_path, augment)
    found = told(halluc, config)
    assert found.startswith(f"2: error[{code}]")
    assert place(config, under) in found


def test_an_unknown_label_in_a_gazetteer_is_reported_with_file_and_line(halluc, tmp_path):
    config = with_one_name(tmp_path, corpus_of(tmp_path, train="Anna/PER left"))
    (tmp_path / "names.tsv").write_text("PER\tEva\nPRE\tIda\n")
    found = told(halluc, config)
    assert found.startswith("3: error[D141]")
    assert f"{tmp_path / 'names.tsv'}:2" in found
    assert "did you mean `PER`?" in found


def test_an_unknown_nlpaug_augmenter_is_reported_at_its_key(halluc, tmp_path):
    pytest.importorskip("nlpaug")
    config = write_config(tmp_path, "{size: 2x, methods: [{type: noise}, {type: nlpaug, augmenter: char.KeyboradAug}]}")
    found = told(halluc, config)
    assert found.startswith("2: error[C140]")
    assert place(config, "char.KeyboradAug") in found
    assert "did you mean `char.KeyboardAug`?" in found


def test_a_missing_wordnet_is_reported_at_its_key(halluc, tmp_path):
    config = write_config(tmp_path, f"{{size: 2x, methods: [{{type: synonym, wordnet: {tmp_path / 'none'}}}]}}")
    found = told(halluc, config)
    assert found.startswith("4: error[E421]")
    assert place(config, str(tmp_path / "none}")[:-1]) in found
    assert "help: " in found


def test_augmentation_needs_a_training_split(halluc, tmp_path):
    config = write_config(tmp_path, "{size: 2x, methods: [{type: noise}]}", data="{format: conll, dev: demo:ner}")
    found = told(halluc, config)
    assert found.startswith("2: error[C107]")
    assert "data.train" in found


def test_augment_needs_the_section(halluc, experiment):
    outcome = halluc("augment", experiment)
    assert (outcome.code, "error[C107]" in outcome.err) == (2, True)


def test_a_broken_corpus_is_reported_with_its_lines(halluc, tmp_path):
    data = corpus_of(tmp_path, train="Anna/PER left\nBerg/PER won")
    (tmp_path / "train.txt").write_text("Anna B-PER\n\nalone\n\nBerg B-PER\n")
    found = told(halluc, write_config(tmp_path, "{size: 2x, methods: [{type: noise}]}", data=data))
    assert found.startswith("3: error[D105]")
    assert f"{tmp_path / 'train.txt'}:3" in found
