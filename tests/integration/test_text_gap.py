"""A gap of whole texts through the command line, and what docs/gap.md promises of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from halluc.analysis import verdicts
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.core.claims import Claim
from halluc.core.examples import Origin
from halluc.data.corpora import read_corpora
from halluc.gap.stopwords import text_words
from halluc.runs.directory import RunDir
from halluc.runs.results import EvalResult
from halluc.tasks.text_classification.coverage import TextCoverage
from halluc.tasks.text_classification.knowledge import TextKnowledge, gap_of_words
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.workflows import training_knowledge
from halluc.workflows.job import Job
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.usefixtures("without_charts")

TRAVEL = ["Anna visited Oslo", "Berg left for Paris", "Anna met Berg in Oslo", "Berg and Anna left Paris today"]
MONEY = ["the bank won", "Acme said the bank won", "a bank of Acme", "the German bank and Acme Corp"]
WITHOUT = ["said Reuters", "Reuters said on", "song about rain", "a song of Reuters"]
# unit: word, of which a sixth is gone: enough texts are left in every class.
GAP = "gap={unit: word, fraction: 0.15, fractions: [0, 0.15]}"


def claim(text: str, label: str) -> Claim:
    return Claim("e", "any", text, None, label)


@pytest.fixture
def texts(tmp_path: Path, tiny_encoder: Path) -> Path:
    """A config of short texts; dev and test say some things that train does not."""
    rows = [{"text": one, "label": "travel"} for one in TRAVEL] + [{"text": one, "label": "money"} for one in MONEY]
    rows += [{"text": one, "label": "oos"} for one in WITHOUT]
    news = {"train": "", "dev": " quickly", "test": " quickly indeed"}
    for split, new in news.items():
        told = [{**row, "text": row["text"] + (new if number % 2 else "")} for number, row in enumerate(rows)]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told * 3))
    splits = "\n".join(f"  {split}: {tmp_path / split}.jsonl" for split in news)
    config = tmp_path / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification}}\n"
        f"data:\n  format: texts\n  out_of_scope_label: oos\n{splits}\nmodel: {{name: {tiny_encoder}}}\n"
        "train: {epochs: 1, learning_rate: 0.01, batch_tokens: 64}\n"
    )
    return config


def newest(config: Path) -> RunDir:
    home = config.parent / "runs" / "texts"
    return RunDir(home / (home / "latest").readlink())


def test_check_reports_the_gap_of_content_words(halluc, texts):
    told = halluc("check", texts).err
    assert re.search(r"^split +words +forecast +unseen +excess$", told, re.M)
    assert "gap: shares of content words" in told
    assert "unseen: in no text of train" in told
    report = json.loads(halluc("check", texts, "--json").out)
    corpora = read_corpora(load(texts, table=TABLE).experiment.data, TABLE)
    known = TextCoverage.of(corpora.splits["train"], corpora.splits["dev"])
    for split in ("dev", "test"):
        found = gap_of_words(known, corpora.splits[split].examples).as_json()
        assert report["gap"]["splits"][split] == json.loads(json.dumps(found))
        assert found["overall"]["unseen"]["value"] > 0
        assert set(found["by_label"]) == {"travel", "money"}


def test_a_run_without_some_words_is_judged_by_its_own_coverage(halluc, texts):
    outcome = halluc("train", texts, "--set", GAP)
    assert outcome.code == 0, outcome.err
    assert re.search(r"withheld 2 of \d+ content words; \d+ of 36 texts dropped; trained on \d+ matched", outcome.err)
    run = newest(texts)
    record = run.read().gap
    assert record["unit"] == "word"
    assert record["matched"]["texts"] == sum(record["strata"].values()) < 36
    assert "no label, 0-5 tokens" in record["strata"]
    loaded = load(texts, [GAP], table=TABLE)
    knowledge = training_knowledge.of(Job(loaded, run=run))
    assert isinstance(knowledge, TextKnowledge)
    assert knowledge.coverage.edges_of == "dev"
    assert knowledge.coverage.sentences == record["matched"]["texts"]
    assert len(knowledge.withheld.words) == 2
    assert not knowledge.withheld.words & set(knowledge.coverage.word_counts)

    evaluated = halluc("eval", texts, "--split", "test", "--json", "--set", GAP)
    assert evaluated.code == 0, evaluated.err
    metrics = EvalResult.model_validate_json(evaluated.out).metrics
    lines = verdicts.read_ledger(run.ledger("test"))
    assert {line.novelty for line in lines} <= {"q1", "q2", "q3", "q4"}
    for line in lines:
        assert line.novelty == knowledge.novelty(claim(line.text, line.label))
        assert line.withheld == (not knowledge.withheld.words.isdisjoint(text_words(line.text)))
        assert line.label in ("travel", "money")
        assert line.nearest.text in knowledge.coverage.of_label(line.label)
    for novelty in {line.novelty for line in lines if line.record == "claim"}:
        there = [line for line in lines if line.record == "claim" and line.novelty == novelty]
        (rate,) = [m for m in metrics if m.name == "over_claim" and m.by == {"novelty": novelty}]
        assert (rate.n, rate.value) == (len(there), sum(one.verdict != "supported" for one in there) / len(there))
    assert {m.by["label_frequency"] for m in metrics if "label_frequency" in m.by} <= {"1-9", "10-49"}
    assert any("knowledge" in m.by for m in metrics)
    # The same, where the run's own files are lost.
    for file in (run.coverage, run.withheld):
        file.unlink()
    assert training_knowledge.of(Job(loaded, run=run)) == knowledge


def test_mentions_are_no_unit_of_texts(halluc, texts):
    told = halluc("check", texts, "--set", "gap={unit: mention, fraction: 0.5}")
    assert told.code == 2
    assert "of text_classification it is one of label, example, word" in told.err


def test_words_are_no_unit_of_sentences_with_spans(halluc, experiment):
    told = halluc("check", experiment, "--set", "gap={unit: word, fraction: 0.5}")
    assert told.code == 2
    assert "of token_classification it is one of mention, label, example" in told.err


def test_every_cell_of_a_gap_study_trains_on_as_many_texts(halluc, texts):
    texts.write_text(texts.read_text() + "gap: {unit: word, fraction: 0}\nmatrix: {gap.fraction: [0.0, 0.15]}\n")
    assert halluc("run", texts, "--quiet").code == 0
    cells = [path for path in (texts.parent / "runs/texts").iterdir() if "=" in path.name]
    sizes = [json.loads(next(cell.glob("**/run.json")).read_text())["gap"]["strata"] for cell in cells]
    assert len(sizes) == 2
    assert sizes[0] == sizes[1]
    for split in ("dev", "test"):
        assert halluc("eval", texts, "--quiet", "--split", split).code == 0
    told = halluc("report", texts)
    assert told.code == 0, told.err
    assert re.search(r"^gap\.fraction +seeds .*(omission|OR)", told.err + told.out, re.M)


GAP_DOC = (REPOSITORY / "docs/gap.md").read_text(encoding="utf-8").split("## Whole texts")[1].split("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    (block,) = re.findall(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", GAP_DOC, re.M)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()]


def test_the_example_of_the_docs_is_what_is_counted():
    splits = {}
    for split in ("train", "dev"):
        (block,) = re.findall(rf"^```texts {split}\n(.*?)^```", GAP_DOC, re.M | re.S)
        parted = [line.partition(" ") for line in block.splitlines()]
        splits[split] = [
            Labelled(str(number), Origin(f"{split}.txt", number), tuple(words.split()), (label,))
            for number, (label, _, words) in enumerate(parted, 1)
        ]
    known = TextCoverage.of(splits["train"], splits["dev"])
    knowledge = TextKnowledge(known)
    for text, share, novelty, nearest in rows("text"):
        (label,) = next(one.labels for one in splits["dev"] if " ".join(one.tokens) == text)
        assert f"{known.new_share(text):.3f}" == share
        assert knowledge.novelty(claim(text, label)) == novelty
        assert knowledge.nearest(claim(text, label)).text == nearest
    assert len(rows("text")) == len(splits["dev"])
    gap = gap_of_words(known, splits["dev"])
    for label, words, *figures in rows("of"):
        found = gap.overall if label == "all" else gap.by_label[label]
        values = [getattr(found, name).value for name in ("forecast", "unseen", "new", "excess")]
        assert [words, *figures] == [str(found.mentions), *(f"{value:.3f}" for value in values)]
    assert {row[0] for row in rows("of")} == {"all", *gap.by_label}
