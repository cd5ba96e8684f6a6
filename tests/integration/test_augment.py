"""A corpus made larger: the same bytes however it is made, nothing lost to a kill, nothing leaked, all counted."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from halluc.augmentation.methods.base import Changed
from halluc.augmentation.methods.delete import Delete
from halluc.augmentation.pipeline import corpus, journal
from halluc.augmentation.pipeline.lines import LineMaker
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.core.edits import Edit, Editable, Reorder, Replace, apply
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.data.corpora import read_corpora
from halluc.runs.directory import RunDir
from halluc.runs.schema import AugmentFile, LedgerLine
from halluc.tasks.token_classification.reading.reader import SpansReader
from halluc.workflows import augmentation, augmented_corpus
from halluc.workflows.job import Job

SIZE = 420  # of the demo corpus
FEW = "[{type: mention_replacement}, {type: noise}, {type: shuffle_within_segments}, {type: duplicate}]"


def write_config(folder: Path, augment: str, more: str = "", data: str = "") -> Path:
    data = data or "{format: conll, train: demo:ner, dev: demo:ner, test: demo:ner}"
    config = folder / "augmented.yaml"
    config.write_text(
        f"name: aug\nruns_dir: {folder / 'runs'}\ntask: {{type: token_classification}}\ndata: {data}\n"
        f"model: {{name: none}}\naugment: {augment}\n{more}",
        encoding="utf-8",
    )
    return config


def corpus_of(folder: Path, **splits: str) -> str:
    """Splits as `Anna/PER left`, a sentence a line; returns the section ``data``."""
    named = []
    for split, text in splits.items():
        sentences = []
        for sentence in text.strip().splitlines():
            pairs = [token.partition("/") for token in sentence.split()]
            sentences.append("".join(f"{token} {'B-' if tag else ''}{tag or 'O'}\n" for token, _, tag in pairs))
        (folder / f"{split}.txt").write_text("\n".join(sentences), encoding="utf-8")
        named.append(f"{split}: {folder / split}.txt")
    return "{format: conll, " + ", ".join(named) + "}"


def make(config: Path, folder: Path, *overrides: str, tick: Callable[[int, int], None] = lambda done, of: None) -> Path:
    loaded = load(config, overrides, table=TABLE)
    with augmentation.open_prepared(Job(loaded)) as ready:
        corpus.make(ready, folder, augmented_corpus.fingerprint(loaded), tick)
    return folder


def make_share(config: Path, folder: Path, number: int, of: int, *overrides: str) -> None:
    loaded = load(config, overrides, table=TABLE)
    share = corpus.Shard(number, of)
    with augmentation.open_prepared(Job(loaded)) as ready:
        corpus.make_shard(ready, folder, augmented_corpus.fingerprint(loaded), share, lambda *_: None)


def bytes_of(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "train.jsonl").read_bytes(), (folder / "provenance.jsonl").read_bytes()


def manifest(folder: Path) -> AugmentFile:
    return AugmentFile.model_validate_json((folder / "manifest.json").read_bytes())


def without_time(folder: Path) -> dict[str, Any]:
    return manifest(folder).model_dump(exclude={"seconds"})


def lines(folder: Path, name: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def new(folder: Path) -> list[dict[str, Any]]:
    return [line for line in lines(folder) if "~" in line["id"]]


def texts(folder: Path) -> list[str]:
    """The new examples, in order."""
    return [" ".join(line["tokens"]) for line in new(folder)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_config(tmp_path_factory.mktemp("demo"), f"{{size: 3x, methods: {FEW}, workers: 1}}")


@pytest.fixture(scope="module")
def reference(demo: Path) -> Path:
    return make(demo, demo.parent / "reference")


# --- the same bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workers", "chunk"), [(1, 7), (2, 128), (2, 50), (4, 128)])
def test_bytes_do_not_depend_on_workers_nor_chunks(demo, reference, tmp_path, monkeypatch, workers, chunk):
    monkeypatch.setattr(corpus, "_CHUNK", chunk)
    made = make(demo, tmp_path, f"augment.workers={workers}")
    assert bytes_of(made) == bytes_of(reference)
    assert without_time(made) == without_time(reference)


@pytest.mark.parametrize("workers", [1, 2])
def test_bytes_do_not_depend_on_whether_the_corpus_is_in_memory(demo, reference, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(augmentation, "are_small", lambda data: False)
    made = make(demo, tmp_path, f"augment.workers={workers}")
    assert bytes_of(made) == bytes_of(reference)
    assert without_time(made) == without_time(reference)


def test_a_small_corpus_is_read_once(demo, tmp_path, monkeypatch):
    read: list[str] = []
    rows = SpansReader.read
    monkeypatch.setattr(SpansReader, "read", lambda self, *split: read.append(split[1]) or rows(self, *split))
    make(demo, tmp_path)
    assert sorted(read) == ["dev", "test", "train"]


def test_bytes_do_not_depend_on_shards(demo, reference, tmp_path):
    for number in (3, 1, 2):
        make_share(demo, tmp_path, number, 3)
    made = make(demo, tmp_path)
    assert bytes_of(made) == bytes_of(reference)
    assert without_time(made) == without_time(reference)
    assert {path.name for path in made.iterdir()} == {"train.jsonl", "provenance.jsonl", "manifest.json"}


def test_shards_are_what_is_put_together(demo, tmp_path, monkeypatch):
    """Not made a second time; but where one is missing, all are."""
    make_share(demo, tmp_path, 1, 2)
    make_share(demo, tmp_path, 2, 2)
    tried: list[int] = []
    candidates = LineMaker.candidates
    monkeypatch.setattr(LineMaker, "candidates", lambda press, pairs: tried.append(1) or candidates(press, pairs))
    make(demo, tmp_path)
    assert tried == []
    make(demo, tmp_path / "whole", "augment.workers=1")
    assert tried


def test_a_missing_shard_is_made_good(demo, reference, tmp_path):
    make_share(demo, tmp_path, 2, 2)
    assert bytes_of(make(demo, tmp_path)) == bytes_of(reference)
    assert not list(tmp_path.glob(".shard-*"))


def test_a_training_split_in_memory_gives_the_same_as_one_that_streams(demo, reference, tmp_path):
    made = make(demo, tmp_path, "gap={unit: example, fraction: 0.0, control: none}")
    assert bytes_of(made) == bytes_of(reference)


def test_another_seed_makes_another_corpus(demo, reference, tmp_path):
    assert bytes_of(make(demo, tmp_path, "seed=2"))[0] != bytes_of(reference)[0]


def test_each_epoch_has_new_examples_of_its_own(small, tmp_path):
    loaded = load(small, ["augment.online=true", "augment.size=2x", "train.epochs=3"], table=TABLE)
    assert augmented_corpus.epochs(loaded) == 3
    job = Job(loaded, run=RunDir(tmp_path / "run"))
    make(small, job.target.augment, "augment.online=true", "augment.size=2x", "train.epochs=3")
    made = manifest(job.target.augment)
    assert (made.epochs, made.wanted) == (3, 90)
    ids = [json.loads(line)["id"] for line in (job.target.augment / "train.jsonl").read_text().splitlines()]
    parts = augmented_corpus.positions_by_epoch(job, ids)
    assert sorted(set().union(*parts)) == list(range(len(ids)))
    originals = set.intersection(*map(set, parts))
    assert len(originals) == made.originals == 30
    new = [{ids[position] for position in part if position not in originals} for part in parts]
    assert sum(map(len, new)) == made.made, "no new example is one of two epochs"
    assert all({identity.rpartition("~")[0] for identity in one} <= {ids[n] for n in originals} for one in new)
    assert min(map(len, new)) >= 25


def test_without_online_all_epochs_train_on_the_same(small, tmp_path):
    job = Job(load(small, table=TABLE), run=RunDir(tmp_path / "run"))
    assert augmented_corpus.positions_by_epoch(job, ["a", "b"]) == []
    more = load(small, ["train.epochs=7"], table=TABLE)
    assert augmented_corpus.fingerprint(more) == augmented_corpus.fingerprint(job.loaded)


# --- killed ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    names = ["Anna", "Berg", "Eva", "Oslo", "Acme"]
    train = "\n".join(f"{names[n % 5]}/{'PER' if n % 5 < 3 else 'LOC'} won {n} games in May" for n in range(30))
    return write_config(tmp_path, f"{{size: 4x, methods: {FEW}, workers: 1}}", data=corpus_of(tmp_path, train=train))


@pytest.fixture
def commits_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_EVERY", -1.0)


@pytest.mark.usefixtures("commits_often")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_corpus_resumes_without_duplicates_or_losses(small, tmp_path, workers):
    whole = make(small, tmp_path / "whole")
    made, began = tmp_path / "interrupted", []
    for stop in (1, 13, 14, 30):

        def interrupt(done: int, of: int, stop: int = stop) -> None:
            began.append(done)
            if done == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make(small, made, f"augment.workers={workers}", tick=interrupt)
        assert not (made / "manifest.json").exists()
    make(small, made)
    assert bytes_of(made) == bytes_of(whole)
    assert without_time(made) == without_time(whole)
    assert not (made / corpus.PARTIAL).exists()
    # It went on: only what was done since the last commit is done again.
    assert began == [1, *range(1, 14), 13, 14, *range(14, 31)]


@pytest.mark.usefixtures("commits_often")
def test_a_killed_process_costs_nothing_but_the_last_moment(small, tmp_path):
    whole, made = make(small, tmp_path / "whole"), tmp_path / "killed"

    def kill(done: int, of: int) -> None:
        if done == 17:
            os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=make, args=(small, made), kwargs={"tick": kill})
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    done: list[int] = []
    make(small, made, tick=lambda number, of: done.append(number))
    assert done[0] == 17
    assert bytes_of(made) == bytes_of(whole)


@pytest.mark.usefixtures("commits_often")
def test_a_killed_shard_resumes(small, tmp_path):
    whole, made = make(small, tmp_path / "whole"), tmp_path / "sharded"
    loaded = load(small, table=TABLE)

    def interrupt(done: int, of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), augmentation.open_prepared(Job(loaded)) as ready:
        corpus.make_shard(ready, made, augmented_corpus.fingerprint(loaded), corpus.Shard(1, 2), interrupt)
    for number in (1, 2):
        make_share(small, made, number, 2)
    assert bytes_of(make(small, made)) == bytes_of(whole)


@pytest.mark.usefixtures("commits_often")
def test_a_method_that_depends_on_its_batch_gives_the_same_after_a_kill_and_in_shards(small, tmp_path, monkeypatch):
    """A model's floating-point sums depend on what else is in a batch."""

    def of_batch(self: Delete, examples: list[Editable], draws: list[Draws]) -> list[Changed]:
        batch = Draws.of([example.tokens for example in examples]).below(1000)
        edits = [(Replace(0, 1, (f"batch{batch}",), "batch"),) for _ in examples]
        return [Changed(apply(one, edit), (edit,)) for one, edit in zip(examples, edits, strict=True)]

    monkeypatch.setattr(Delete, "uses_model", True)
    monkeypatch.setattr(Delete, "change_many", of_batch)
    monkeypatch.setattr(corpus, "_CHUNK", 4)
    methods = "augment={size: 2.0x, methods: [{type: delete}], filters: []}"
    whole = make(small, tmp_path / "whole", methods)

    def interrupt(done: int, of: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(small, tmp_path / "interrupted", methods, tick=interrupt)
    assert bytes_of(make(small, tmp_path / "interrupted", methods)) == bytes_of(whole)
    for number in (1, 2, 3):
        make_share(small, tmp_path / "sharded", number, 3, methods)
    assert bytes_of(make(small, tmp_path / "sharded", methods)) == bytes_of(whole)


@pytest.mark.usefixtures("commits_often")
def test_a_kill_while_shards_are_put_together_costs_nothing(small, tmp_path):
    whole, made = make(small, tmp_path / "whole"), tmp_path / "sharded"
    for number in (1, 2, 3):
        make_share(small, made, number, 3)

    def interrupt(done: int, of: int) -> None:
        if done == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(small, made, tick=interrupt)
    assert bytes_of(make(small, made)) == bytes_of(whole)


# --- rejections ------------------------------------------------------------------------------------------------

ONE_NAME = "{size: 2x, methods: [{type: mention_replacement, source: gazetteer, gazetteer: %s, rate: 1}], workers: 1%s}"


def with_one_name(folder: Path, data: str, more: str = "") -> Path:
    (folder / "names.tsv").write_text("PER\tEva\n")
    return write_config(folder, ONE_NAME % (folder / "names.tsv", more), data=data)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_of_two_equal_candidates_the_first_is_used(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(corpus, "_CHUNK", 1)
    data = corpus_of(tmp_path, train="Anna/PER left\nBerg/PER left\nBerg/PER won")
    made = make(with_one_name(tmp_path, data), tmp_path / "made", f"augment.workers={workers}")
    assert [(line["id"], " ".join(line["tokens"])) for line in new(made)] == [
        ("train-1~1", "Eva left"),
        ("train-7~1", "Eva won"),
    ]
    told = manifest(made)
    assert (told.wanted, told.made, told.given_up, told.unchangeable) == (3, 2, 1, 0)
    assert told.refused == {"duplicate": {"mention_replacement": 5}}
    assert told.refused_examples["duplicate"][0] == {
        "method": "mention_replacement",
        "before": "Berg left",
        "after": "Eva left",
    }


@pytest.mark.usefixtures("commits_often")
def test_candidates_accepted_before_a_kill_are_known_after_it(tmp_path):
    config = with_one_name(tmp_path, corpus_of(tmp_path, train="Anna/PER left\nit rained\nBerg/PER left"))

    def interrupt(done: int, of: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(config, tmp_path / "made", tick=interrupt)
    make(config, tmp_path / "made")
    assert texts(tmp_path / "made") == ["Eva left", "it rained"]
    assert manifest(tmp_path / "made").refused == {"duplicate": {"mention_replacement": 5}}


@pytest.mark.parametrize("attempts", [1, 3])
def test_no_more_attempts_than_asked_for(tmp_path, attempts):
    data = corpus_of(tmp_path, train="Anna/PER left\nBerg/PER left")
    made = make(with_one_name(tmp_path, data, f", attempts: {attempts}"), tmp_path / "made")
    assert manifest(made).refused == {"duplicate": {"mention_replacement": attempts}}
    assert manifest(made).given_up == 1


def test_what_dev_or_test_hold_never_comes_out(tmp_path):
    data = corpus_of(
        tmp_path, train="Anna/PER left\nAnna/PER won\nAnna/PER ran", dev="EVA/PER left", test="Eva/PER won"
    )
    made = make(with_one_name(tmp_path, data), tmp_path / "made")
    assert texts(made) == ["Eva ran"]
    assert manifest(made).refused == {"leak": {"mention_replacement": 10}}
    assert texts(make(with_one_name(tmp_path, data, ", filters: [duplicate]"), tmp_path / "leaky")) == [
        "Eva left",
        "Eva won",
        "Eva ran",
    ]


def test_a_candidate_that_training_has_in_another_case_is_refused_unless_case_is_all_it_changes(tmp_path):
    data = corpus_of(tmp_path, train="Anna/PER left\nEva LEFT")
    assert texts(make(with_one_name(tmp_path, data, ", unchangeable: skip"), tmp_path / "made")) == []
    cased = write_config(tmp_path, "{size: 2x, methods: [{type: case, to: [upper]}]}", data=data)
    assert texts(make(cased, tmp_path / "cased")) == ["ANNA LEFT", "EVA LEFT"]


def test_copies_are_no_duplicates(tmp_path):
    data = corpus_of(tmp_path, train="Anna/PER left\nit rained")
    config = write_config(tmp_path, "{size: 3x, methods: [{type: duplicate}]}", data=data)
    made = make(config, tmp_path / "made")
    assert texts(made) == ["Anna left", "Anna left", "it rained", "it rained"]
    assert manifest(made).refused == {}
    assert manifest(made).kept == {"duplicate": 4}


def test_unchangeable_sentences_are_copied_so_that_their_share_is_constant(demo, tmp_path):
    made = manifest(make(demo, tmp_path, "augment.methods=[{type: mention_replacement, rate: 1}]"))
    assert made.kept["copy"] > 0
    assert abs(made.new["entity_free_share"] - made.before["entity_free_share"]) < 0.02
    assert made.unchangeable == 0


def test_what_cannot_be_changed_is_left_out_where_asked_for(demo, tmp_path):
    methods = "augment.methods=[{type: mention_replacement, rate: 1}]"
    made = manifest(make(demo, tmp_path, methods, "augment.unchangeable=skip"))
    assert "copy" not in made.kept
    assert made.new["entity_free"] == 0
    assert made.unchangeable > 0
    assert made.wanted - made.made == made.unchangeable + made.given_up


# --- size and focus --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "originals", "added"),
    [
        (["augment.size=1x"], SIZE, 0),
        (["augment.size=2.5x"], SIZE, 630),
        (["augment.size=37"], SIZE, 37),
        (["augment.size=1x", "augment.keep_original=false"], 0, SIZE),
        (["augment.size=37", "augment.keep_original=false"], 0, 37),
    ],
)
def test_the_size_is_that_of_the_whole_or_of_what_is_added(demo, tmp_path, keys, originals, added):
    made = make(demo, tmp_path, "augment.methods=[{type: duplicate}]", *keys)
    told = manifest(made)
    assert (told.originals, told.wanted, told.made) == (originals, added, added)
    assert (len(lines(made)), len(new(made))) == (originals + added, added)
    assert len(lines(made, "provenance")) == added
    assert told.after["examples"] == originals + added


RARE = "\n".join(["Anna/PER won"] * 18 + ["Oslo/LOC won"] * 2 + ["it rained"] * 10)


def parents(folder: Path) -> Counter[str]:
    """The texts that new examples were made from."""
    of_id = {line["id"]: " ".join(line["tokens"]) for line in lines(folder)}
    return Counter(of_id[line["parent"]] for line in lines(folder, "provenance"))


def test_balance_spends_on_rare_labels(tmp_path):
    config = write_config(
        tmp_path, "{size: 60, methods: [{type: duplicate}], focus: balance}", data=corpus_of(tmp_path, train=RARE)
    )
    assert parents(make(config, tmp_path / "made")) == {"it rained": 20, "Anna won": 20, "Oslo won": 20}


def test_gap_spends_on_mentions_seen_once_or_confusable(tmp_path):
    train = (
        "Anna/PER won\nAnna/PER ran\nBerg/PER won\nParis/PER won\nParis/LOC won\nParis/LOC ran\nit rained\nit snowed"
    )
    config = write_config(
        tmp_path, "{size: 8, methods: [{type: duplicate}], focus: gap}", data=corpus_of(tmp_path, train=train)
    )
    made = parents(make(config, tmp_path / "made"))
    assert made["Anna won"] == made["Anna ran"] == 0
    assert made["it rained"] == made["it snowed"] == 1
    assert made["Berg won"] + made["Paris won"] + made["Paris ran"] == 6


def ledger_of(folder: Path, wrong: Iterable[tuple[str, str]]) -> None:
    """The dev ledger of a run that omitted these mentions and got one right."""
    where = {"kind": "span", "start": 0, "end": 1}
    judged = {"confidence": 0.9, "verdict": "supported", "matched": (0, 1, "PER"), "touched": [], "gold": []}
    right = LedgerLine(id="dev-1", record="claim", text="Anna", label="PER", abstained=False, **where, **judged)
    omitted = [LedgerLine(id="dev-2", record="omission", text=text, label=label, **where) for text, label in wrong]
    only = {"confidence", "verdict", "reason", "matched", "touched", "gold", "abstained"}
    told = [right.model_dump(mode="json"), *(line.model_dump(mode="json", exclude=only) for line in omitted)]
    file = RunDir(folder).ledger("dev")
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in told))


@pytest.fixture
def from_run(halluc, tmp_path: Path) -> tuple[Path, Path]:
    """A config that spends where an earlier run went wrong, and the folder of that run, as yet without a ledger."""
    data = corpus_of(tmp_path, train="Anna/PER won\nAcme/LOC won\nOslo/LOC won\nit rained")
    run = tmp_path / "earlier"
    assert (
        halluc(
            "augment", write_config(tmp_path, "{size: 1, methods: [{type: duplicate}]}", data=data), "--run", run
        ).code
        == 0
    )
    return write_config(
        tmp_path, f"{{size: 40, methods: [{{type: duplicate}}], focus: gap, from: {run}}}", data=data
    ), run


def test_gap_spends_where_an_earlier_run_went_wrong(from_run, tmp_path):
    config, run = from_run
    ledger_of(run, [("Oslo", "LOC")])
    # LOC always goes wrong, and Oslo is the word: 1 against 1 + 1, and nothing for PER.
    assert parents(make(config, tmp_path / "made")) == {"it rained": 10, "Acme won": 10, "Oslo won": 20}


def test_another_ledger_makes_the_corpus_stale(from_run):
    config, run = from_run
    ledger_of(run, [("Oslo", "LOC")])
    before = augmented_corpus.fingerprint(load(config, table=TABLE))
    run_ledger = run / "ledger" / "dev.jsonl"
    run_ledger.write_text(run_ledger.read_text().replace("Oslo", "Acme"))
    assert augmented_corpus.fingerprint(load(config, table=TABLE)) != before


def test_a_run_without_dev_ledger_is_reported(halluc, from_run):
    config, run = from_run
    outcome = halluc("augment", config)
    assert outcome.code == 2
    assert "error[R132]" in outcome.err
    assert f"halluc eval --run {run} --split dev" in outcome.err


def test_an_unknown_run_is_reported(halluc, from_run):
    config, _ = from_run
    outcome = halluc("augment", config, "--set", "augment.from=nowhere")
    assert (outcome.code, "error[R101]" in outcome.err) == (2, True)


# --- what is told of it ----------------------------------------------------------------------------------------


def recount(examples: list[dict[str, Any]]) -> dict[str, Any]:
    labels = Counter(label for one in examples for _, _, label in one["spans"])
    free = sum(not one["spans"] for one in examples)
    return {
        "examples": len(examples),
        "tokens": sum(len(one["tokens"]) for one in examples),
        "mentions": sum(labels.values()),
        "labels": dict(labels),
        "entity_free": free,
        "entity_free_share": round(free / len(examples), 4),
    }


def mentions(example: dict[str, Any]) -> list[tuple[str, str]]:
    return [(" ".join(example["tokens"][start:end]), label) for start, end, label in example["spans"]]


def distinct(examples: list[dict[str, Any]], n: int) -> float:
    grams = [tuple(e["tokens"][at : at + n]) for e in examples for at in range(len(e["tokens"]) - n + 1)]
    return round(len(set(grams)) / len(grams), 4)


def test_the_figures_are_what_a_recount_of_the_files_gives(reference):
    told, found = manifest(reference), lines(reference)
    originals, added = found[:SIZE], found[SIZE:]
    for name, examples in (("before", originals), ("new", added), ("after", found)):
        figures = getattr(told, name)
        recounted = recount(examples)
        assert {key: figures[key] for key in recounted} == recounted
    known = {mention for one in originals for mention in mentions(one)}
    fresh = sum(mention not in known for one in added for mention in mentions(one))
    assert told.new["new_mentions"] == told.after["new_mentions"] == fresh > 0
    assert told.before["new_mentions"] == 0
    # Of as many examples each, since the figure falls as they grow.
    thinned = [added[place * len(added) // SIZE] for place in range(SIZE)]
    for name, examples in (("before", originals), ("new", thinned)):
        assert [getattr(told, name)[f"distinct_{n}"] for n in (1, 2)] == [distinct(examples, n) for n in (1, 2)]
    by_method = Counter("+".join(line["methods"]) for line in lines(reference, "provenance"))
    assert told.kept == by_method
    assert told.wanted == 2 * SIZE == told.made + told.given_up + told.unchangeable


def test_new_ids_are_unique_and_of_their_parents(reference):
    found, provenance = lines(reference), lines(reference, "provenance")
    assert len({line["id"] for line in found}) == len(found)
    assert [line["id"] for line in found[SIZE:]] == [line["id"] for line in provenance]
    assert all(line["id"] == f"{line['parent']}~{line['copy']}" for line in provenance)


def edits_of(line: dict[str, Any]) -> list[list[Edit]]:
    steps: dict[int, list[Edit]] = {}
    for edit in line["edits"]:
        made: Edit = Replace(edit["start"], edit["end"], tuple(edit["after"]), edit["why"])
        if "cuts" in edit:
            made = Reorder(tuple(edit["cuts"]), tuple(edit["order"]), edit["why"])
        steps.setdefault(edit["step"], []).append(made)
    return [steps[number] for number in sorted(steps)]


def editable(line: dict[str, Any]) -> Editable:
    return Editable(tuple(line["tokens"]), tuple(Span(*span) for span in line["spans"]))


def test_the_edits_of_every_line_lead_from_its_parent_to_it(demo, tmp_path):
    (tmp_path / "synonyms.tsv").write_text("said\ttold\ncompany\tfirm\nbank\tlender\nyear\ttwelve months\n")
    chain = "[{type: mention_replacement}, {type: shuffle_within_segments}, {type: delete}]"
    alone = ["mention_replacement", "label_wise_replacement", "shuffle_within_segments"]
    alone += ["noise", "case", "delete", "ngram"]
    methods = ", ".join(
        [
            *(f"{{type: {name}}}" for name in alone),
            "{type: mention_replacement, source: recombined}",
            "{type: sentence_reorder, unit: clause}",
            f"{{type: synonym, synonyms: {tmp_path / 'synonyms.tsv'}, rate: 0.5}}",
            f"{{type: sequence, share: 2, methods: {chain}}}",
        ]
    )
    made = make(demo, tmp_path / "made", f"augment.methods=[{methods}]")
    by_id = {line["id"]: line for line in lines(made)}
    steps = set()
    for line in lines(made, "provenance"):
        there, parent = by_id[line["id"]], line["parent"]
        if parent is None:
            (edit,) = line["edits"]
            assert edit["after"] == there["tokens"]
            continue
        followed = editable(by_id[parent])
        for step in edits_of(line):
            followed = apply(followed, step)
        assert followed == editable(there)
        steps.add(len(line["methods"]))
        for edit in line["edits"]:
            assert edit["before"] != edit["after"] or edit["why"] == "shuffled", edit
    assert steps == {1, 3}
    told = manifest(made)
    names = {name.split("#")[0] for name in told.kept}
    assert names >= {"label_wise_replacement", "sentence_reorder", "synonym", "case", "delete", "sequence", "ngram"}
    assert len(told.kept) >= 11


# --- columns ---------------------------------------------------------------------------------------------------


def test_columns_say_the_same_as_the_json_lines(demo, tmp_path):
    made = make(demo, tmp_path, "augment.format=conll")
    config = SpansReader.Config(format="conll", train=str(made / "train.conll"), separator="tab")
    read = read_corpora(config, TABLE, ("train",)).splits["train"]
    assert [Editable(one.tokens, one.spans) for one in read] == [editable(line) for line in lines(made)]


def test_columns_of_an_earlier_corpus_do_not_stay(demo, tmp_path):
    make(demo, tmp_path, "augment.format=conll", "augment.size=1")
    make(demo, tmp_path, "augment.size=1")
    assert not (tmp_path / "train.conll").exists()


def test_a_token_that_fits_no_column_is_reported_and_leaves_no_corpus(halluc, tmp_path):
    (tmp_path / "train.jsonl").write_text('{"tokens": ["a\\tb", "c"], "spans": [[0, 1, "X"]]}\n')
    data = f"{{format: jsonl, train: {tmp_path / 'train.jsonl'}}}"
    config = write_config(tmp_path, "{size: 1, methods: [{type: duplicate}], format: conll}", data=data)
    outcome = halluc("augment", config, "--run", tmp_path / "run")
    assert (outcome.code, "error[D130]" in outcome.err) == (3, True)
    assert not (tmp_path / "run" / "augment" / "manifest.json").exists()
    assert halluc("augment", config, "--run", tmp_path / "run").code == 3


# --- odd corpora -----------------------------------------------------------------------------------------------


def test_ids_with_tildes_are_not_confused_with_new_ids(tmp_path):
    records = [("a", "Anna"), ("a~1", "Berg"), ("a~~2", "Eva"), ("b~", "Ida")]
    (tmp_path / "train.jsonl").write_text(
        "".join(
            json.dumps({"id": id, "tokens": [name, "won"], "spans": [[0, 1, "PER"]]}) + "\n" for id, name in records
        )
    )
    data = f"{{format: jsonl, train: {tmp_path / 'train.jsonl'}}}"
    config = write_config(tmp_path, "{size: 3x, methods: [{type: duplicate}]}", data=data)
    found = [line["id"] for line in lines(make(config, tmp_path / "made"))]
    assert len(set(found)) == len(found) == 12
    assert "a~~~1" in found
