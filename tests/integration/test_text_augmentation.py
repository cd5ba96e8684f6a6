"""``halluc augment`` on texts: what it makes, what it says, what it refuses, and that its corpus is read back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from halluc.components import TABLE
from halluc.config.loading import load
from halluc.core.errors import ManyErrors
from halluc.runs.directory import RunDir
from halluc.runs.schema import AugmentFile, LedgerLine, RunFile
from halluc.workflows import augmentation
from halluc.workflows.job import Job

PLACES = ["Oslo", "Paris", "Rome", "Bergen", "Lyon", "Turin", "Kiel", "Ghent", "Porto", "Delft", "Graz", "Split"]
SCRATCH = "{scratch: {layers: 1, width: 32, heads: 2, vocabulary: 300}}"


def rows(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in PLACES:
        there, cost = f"When does the boat to {place} leave ?", f"A cheap ticket for {place} , and for a child"
        if kind == "pairs":
            found += [{"text": there, "second": f"it leaves {place} late", "label": "same"}]
            found += [{"text": there, "second": cost, "label": "other"}]
        elif kind == "several":
            found += [{"text": there, "label": ["time"]}, {"text": f"{there} {cost}", "label": ["time", "price"]}]
            found += [{"text": f"{place} is lovely", "label": []}]
        else:
            found += [{"text": there, "label": "time"}, {"text": cost, "label": "price"}]
            found += [{"text": f"{place} is lovely today", "label": "oos"}]
    return found


@pytest.fixture
def texts(tmp_path: Path):
    """Writes a config, and its train and dev splits."""

    def write(augment: str, kind: str = "one", task: str = "", data: str = "") -> Path:
        found = rows(kind)
        for split, part in (("train", found), ("dev", [{**row, "text": f"So {row['text']}"} for row in found[:9]])):
            written = "".join(json.dumps(row) + "\n" for row in part)
            (tmp_path / f"{split}.jsonl").write_text(written, encoding="utf-8")
        pairs = ", second_field: second" if kind == "pairs" else ""
        more = ", multi_label: true" if kind == "several" else ""
        outside = "" if kind == "several" else ", out_of_scope_label: oos"
        config = tmp_path / "texts.yaml"
        config.write_text(
            f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification{more}{task}}}\n"
            f"data: {{format: texts, train: {tmp_path / 'train.jsonl'}, dev: {tmp_path / 'dev.jsonl'}"
            f"{pairs}{outside}{data}}}\nmodel: {SCRATCH}\ntrain: {{steps: 2}}\naugment: {augment}\n",
            encoding="utf-8",
        )
        return config

    return write


def only_run(config: Path) -> Path:
    (run,) = (path for path in (config.parent / "runs/texts").iterdir() if path.is_dir() and not path.is_symlink())
    return run


def lines(config: Path, name: str = "train") -> list[dict[str, Any]]:
    written = (only_run(config) / "augment" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in written.splitlines()]


def manifest(config: Path) -> AugmentFile:
    return AugmentFile.model_validate_json((only_run(config) / "augment/manifest.json").read_bytes())


MIX = (
    "[{type: synonym}, {type: noise}, {type: case}, {type: delete}, {type: sentence_reorder, unit: clause}, "
    "{type: label_wise_replacement}, {type: nlpaug, augmenter: word.RandomWordAug, args: {action: swap}}, "
    "{type: duplicate}, {type: sequence, methods: [{type: delete}, {type: case}]}]"
)


@pytest.mark.parametrize("kind", ["one", "several", "pairs"])
def test_every_method_keeps_labels_and_describes_texts(halluc, texts, kind):
    config = texts(f"{{size: 9x, methods: {MIX}}}", kind)
    outcome = halluc("augment", config)
    assert outcome.code == 0, outcome.err
    assert "of the content words in the new examples do not occur in the training split" in outcome.err
    assert "sentences" not in outcome.err
    assert "mentions" not in outcome.err
    assert ("texts without a label: .333 of the originals" in outcome.err) == (kind != "pairs")
    known = {line["id"]: line for line in lines(config)}
    for told in lines(config, "provenance"):
        assert known[told["id"]]["label"] == known[told["parent"]]["label"]
    made = manifest(config)
    assert len(made.kept) == 9
    assert set(made.new) >= {"content_words", "new_words", "new_word_share", "unlabelled", "unlabelled_share"}
    labels = Counter(label for line in known.values() for label in line["label"])
    assert made.after["labels"] == dict(sorted(labels.items()))
    if kind == "pairs":
        assert all(0 < line["second"] < len(line["tokens"]) for line in known.values())


def test_a_locked_word_stays_and_a_side_is_augmented_alone(halluc, texts):
    task = ", augment_side: second, locked_words: [CHILD, cheap ticket]"
    config = texts("{size: 4x, methods: [{type: delete, rate: 0.5}, {type: noise, rate: 0.5}]}", "pairs", task)
    assert halluc("augment", config).code == 0
    known = {line["id"]: line for line in lines(config)}
    for told in lines(config, "provenance"):
        before, after = known[told["parent"]], known[told["id"]]
        assert before["tokens"][: before["second"]] == after["tokens"][: after["second"]]
        if after["label"] == ["other"]:
            text = " ".join(after["tokens"])
            assert "cheap ticket" in text
            assert "child" in after["tokens"]


@pytest.mark.parametrize("kind", ["one", "several", "pairs"])
def test_the_corpus_is_read_back_without_options_and_trained_on(halluc, texts, kind):
    config = texts("{size: 2x, methods: [{type: delete}]}", kind)
    outcome = halluc("train", config, "-q")
    assert outcome.code == 0, outcome.err
    train = only_run(config) / "augment/train.jsonl"
    outside = ["--set", "task.multi_label=true"] if kind == "several" else []
    again = halluc("check", config, "--json", "--set", "augment=null", "--set", f"data.train={train}", *outside)
    assert again.code == 0, again.err
    counts = json.loads(again.out)["splits"]["train"]["counts"]
    assert counts["texts"] == len(lines(config))
    assert counts.get("pairs", 0) == (counts["texts"] if kind == "pairs" else 0)


def test_texts_that_are_not_trained_on_are_not_augmented(halluc, texts):
    config = texts("{size: 2x, methods: [{type: case}]}", task=", out_of_scope: leave_out")
    assert halluc("augment", config).code == 0
    assert Counter(len(line["label"]) for line in lines(config)) == {1: 48}
    assert manifest(config).originals == 24


# --- preview and replay ----------------------------------------------------------------------------------------


def test_a_preview_shows_labels_and_the_border_of_a_pair(halluc, texts):
    config = texts("{size: 2x, methods: [{type: case, to: [upper]}]}", "pairs")
    outcome = halluc("augment", config, "--preview", "1")
    assert outcome.code == 0, outcome.err
    assert "- [same] When does the boat to Oslo leave ? ‖ it leaves Oslo late" in outcome.err
    assert "+ [same] WHEN DOES THE BOAT TO OSLO LEAVE ? ‖ IT LEAVES OSLO LATE" in outcome.err
    several = texts("{size: 2x, methods: [{type: case, to: [upper]}]}", "several")
    shown = halluc("augment", several, "--preview", "3").err
    assert "+ [time] WHEN" in shown
    assert "+ [no label] " in halluc("augment", several, "--preview", "36").err
    assert "[price, time] " in halluc("augment", several, "--preview", "36").err
    found = json.loads(halluc("augment", several, "--preview", "1", "--json").out)
    assert found["before"]["label"] == found["after"]["label"] == ["time"]


@pytest.mark.parametrize(
    ("task", "corpus", "shown"),
    [
        ("relation_extraction", "relations", "[Otto Lindqvist tail person founded_by]"),
        ("question_answering", "question_answering", " answer] "),
        ("translation", "translation", "- Mrs Keller is"),
    ],
)
def test_a_preview_marks_what_is_labelled_in_every_task(halluc, tmp_path, task, corpus, shown):
    config = tmp_path / "shown.yaml"
    config.write_text(
        f"name: shown\ntask: {{type: {task}}}\ndata: {{train: 'demo:{corpus}'}}\nmodel: {{scratch: {{}}}}\n"
        "augment: {size: 2x, methods: [{type: synonym}]}\n"
    )
    outcome = halluc("augment", config, "--preview", "2")
    assert outcome.code == 0, outcome.err
    assert shown in " ".join(outcome.err.split())
    assert "[no label]" not in outcome.err


def test_a_line_is_made_anew(halluc, texts):
    config = texts(f"{{size: 3x, methods: {MIX}}}", "pairs")
    assert halluc("augment", config).code == 0
    for told in lines(config, "provenance")[:6]:
        outcome = halluc("augment", config, "--replay", told["id"])
        assert outcome.code == 0, outcome.err
        assert f"{told['id']}: byte-identical" in outcome.err
        assert "‖" in outcome.err


# --- what is told and refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "instead"),
    [("mention_replacement", "use `synonym`"), ("shuffle_within_segments", "use `sentence_reorder`")],
)
@pytest.mark.parametrize("command", ["check", "augment", "train"])
def test_a_method_for_mentions_is_refused_at_its_place_before_anything_is_read(halluc, texts, method, instead, command):
    config = texts(f"{{size: 2x, methods: [{{type: case}}, {{type: {method}}}]}}")
    (config.parent / "train.jsonl").write_text("not a record\n")
    outcome = halluc(command, config)
    assert outcome.code == 2
    assert f"error[C103]: `{method}` needs mentions, but the texts of text_classification have none" in outcome.err
    assert f"{config}:7:" in outcome.err
    assert instead in outcome.err


def test_steps_and_formats_are_refused_together(texts):
    steps = "[{type: sequence, methods: [{type: case}, {type: mention_replacement}]}, {type: shuffle_within_segments}]"
    config = texts(f"{{size: 2x, methods: {steps}, format: conll}}")
    (config.parent / "train.jsonl").unlink()
    loaded = load(config, table=TABLE)
    with pytest.raises(ManyErrors) as caught:
        augmentation.refuse_unfit(loaded, Job(loaded).task)
    codes = [(error.code, error.where.line) for error in caught.value.errors]
    assert codes == [("C103", 7)] * 3


def test_a_method_that_may_not_have_run_is_not_reported_as_without_candidates(halluc, texts):
    config = texts("{size: 1, methods: [{type: case}, {type: noise}, {type: delete}]}")
    outcome = halluc("augment", config)
    assert outcome.code == 0
    assert "1 new (1 " in outcome.err
    assert "could not change any" not in outcome.err


def test_a_method_without_candidates_is_reported(halluc, texts):
    config = texts("{size: 2x, methods: [{type: sentence_reorder}]}")
    outcome = halluc("augment", config)
    assert outcome.code == 0
    assert "warning: `sentence_reorder` could not change any of the texts" in outcome.err
    assert "warning: 36 of the new texts are plain copies" in outcome.err
    both = texts("{size: 2x, methods: [{type: sentence_reorder}, {type: case}]}")
    told = halluc("augment", both).err
    assert "`sentence_reorder` could not change any of the texts" in told
    assert "plain copies" not in told


def test_pairs_are_not_sampled(halluc, texts):
    outcome = halluc("augment", texts("{size: 2x, methods: [{type: ngram}]}", "pairs"))
    assert outcome.code == 2
    assert "error[C147]" in outcome.err


def test_texts_are_sampled_with_the_labels_of_those_whose_place_they_take(halluc, texts):
    config = texts("{size: 3x, methods: [{type: ngram}], filters: [duplicate]}", data=", tokenize: whitespace")
    assert halluc("augment", config).code == 0
    new = [line for line in lines(config) if "~" in line["id"]]
    assert len(new) > 10
    shown: dict[str, set[str]] = {}
    for row in rows("one"):
        shown.setdefault(row["label"], set()).update(row["text"].split())
    assert {*(label for line in new for label in line["label"])} == {"time", "price"}
    for line in new:
        (label,) = line["label"] or ["oos"]
        assert set(line["tokens"]) <= shown[label]


# --- where to spend --------------------------------------------------------------------------------------------


def weights(config: Path, *keys: str) -> list[int]:
    with augmentation.open_prepared(Job(load(config, keys, table=TABLE))) as ready:
        return list(ready.plan)


def test_gap_spends_on_words_that_one_text_shows(texts):
    config = texts("{size: 36, focus: gap, methods: [{type: case}], keep_original: true}")
    rare = rows("one")
    rare[0]["text"] = "zeppelins hover"
    (config.parent / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rare), encoding="utf-8")
    plan = weights(config)
    assert sum(plan) == 36
    assert plan[0] == max(plan) > 20
    assert 11 <= sum(plan[2::3]) <= 13  # those out of scope keep their share


def test_gap_spends_where_a_run_went_wrong_on_texts(halluc, texts):
    config = texts("{size: 2x, methods: [{type: case}]}")
    assert halluc("train", config, "-q").code == 0
    run = RunDir(only_run(config))
    text = "When does the boat to Oslo leave ?"
    claim = {
        "id": "d", "record": "claim", "kind": "label", "text": text, "start": 0, "end": 8, "label": "price",
        "confidence": 0.9, "verdict": "unsupported", "reason": "other_label", "matched": None,
        "touched": [(0, 8, "time")],
    }  # fmt: skip
    right = {**claim, "label": "price", "verdict": "supported", "reason": None, "touched": []}
    run.ledger("dev").parent.mkdir(exist_ok=True)
    written = [LedgerLine.model_validate(one).model_dump_json() + "\n" for one in (claim, right, right, right)]
    run.ledger("dev").write_text("".join(written), encoding="utf-8")
    # Of `price` a quarter went wrong, and no text of it shares a word but the place; of `time` all that was claimed.
    plan = weights(config, "augment.focus=gap", f"augment.from={run.path}")
    assert sum(plan[0::3]) > 2 * sum(plan[1::3])
    assert sum(plan) == 36
    assert 11 <= sum(plan[2::3]) <= 13


def test_the_record_of_the_run_has_the_figures(halluc, texts):
    config = texts("{size: 2x, methods: [{type: noise, rate: 0.5}]}")
    assert halluc("augment", config).code == 0
    told = RunFile.model_validate_json((only_run(config) / "run.json").read_bytes()).augment
    assert told["new"]["new_words"] > 0
