"""The interfaces for a task other than token classification, with a toy task of labelled texts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar, Literal

import pytest

from halluc.analysis import rates, verdicts
from halluc.analysis.table import table as table_of
from halluc.components import TABLE
from halluc.config import loading
from halluc.config.schema import GapConfig
from halluc.config.section import Section
from halluc.core.claims import Claim, Evidence, Judged
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.core.significance import Sheet
from halluc.data.checks import check_corpora
from halluc.data.config import DataConfig
from halluc.data.corpora import read_corpora, stream_corpora
from halluc.data.reader import Reader
from halluc.data.rows.references import SplitName, resolve
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import numbered_lines
from halluc.data.statistics import Count, Words
from halluc.gap.coverage import SurfaceCount, SurfaceCoverage
from halluc.gap.forecast import gap_of
from halluc.gap.units import Strata
from halluc.gap.withhold import withhold
from halluc.runs.data import Instances
from halluc.runs.schema import LedgerLine
from halluc.task import task_class
from halluc.tasks.defaults import SurfacesOfTraining
from halluc.tasks.token_classification.examples import SentenceExamples
from halluc.workflows import trained_models


@dataclass(frozen=True)
class Labelled:
    """A text with one label."""

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    label: str

    @property
    def annotation(self) -> str:
        return self.label

    @property
    def labels(self) -> list[str]:
        return [self.label]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(" ".join(self.tokens), self.label)]


class LinesConfig(DataConfig):
    task: ClassVar[str] = "labelling"


class LinesReader(Reader):
    """``LABEL text`` lines."""

    Config: ClassVar[type[DataConfig]] = LinesConfig
    mapping = "label and text of a line"

    def __init__(self, config: LinesConfig) -> None:
        self.config = config

    def read(self, reference: str, split: SplitName) -> Iterator[Labelled | BadLine]:
        for item in numbered_lines(resolve(reference, split), reference):
            if isinstance(item, BadLine):
                yield item
                continue
            number, line = item
            label, _, text = line.partition(" ")
            if not text:
                yield BadLine("D106", reference, number, "no text", text=line)
            else:
                yield Labelled(f"{split}-{number}", Origin(reference, number), tuple(text.split()), label)


class LabellingConfig(Section):
    type: Literal["labelling"]


class Labelling:
    """Labels texts."""

    Config: ClassVar[type[Section]] = LabellingConfig
    head: ClassVar[tuple[str, ...]] = ("ForLabelling",)

    @classmethod
    def settings_of(cls, config):
        return {}


@pytest.fixture
def table(monkeypatch):
    module = ModuleType("a_toy_task")
    module.LinesReader, module.Labelling = LinesReader, Labelling
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return {
        **TABLE,
        "task": {**TABLE["task"], "labelling": "a_toy_task:Labelling"},
        "reader": {**TABLE["reader"], "labelling": "a_toy_task:LinesReader"},
    }


@pytest.fixture
def files(tmp_path):
    texts = {"train": "ask where is it\nsay it is here\nask where is it\nsay where is it\n", "dev": "sing la la\n"}
    for split, text in texts.items():
        (tmp_path / f"{split}.txt").write_text(text, encoding="utf-8")
    return {split: str(tmp_path / f"{split}.txt") for split in texts}


def test_finished_examples_pass_the_border_as_they_are(table, files):
    config = LinesConfig(format="lines", **files)
    found = read_corpora(config, table)
    assert (found.annotation.scheme, found.annotation.note, found.repairs) == (None, "", [])
    assert [(e.tokens, e.label) for e in found.splits["dev"]] == [(("la", "la"), "sing")]
    streamed = stream_corpora(config, table)
    assert {split: tuple(corpus) for split, corpus in streamed.items()} == {
        split: corpus.examples for split, corpus in found.splits.items()
    }


def test_bad_lines_are_reported_or_left_out_as_for_tags(table, files, tmp_path):
    (tmp_path / "train.txt").write_text("ask where\nsay\n", encoding="utf-8")
    with pytest.raises(HallucError, match="no text") as caught:
        read_corpora(LinesConfig(format="lines", **files), table)
    assert caught.value.where.line == 2
    skipping = read_corpora(LinesConfig(format="lines", on_bad_line="skip", **files), table)
    assert len(skipping.splits["train"]) == len(skipping.skipped) == 1


WORDS = Words(
    tokens="pieces",
    labelled="labels",
    annotation="kinds",
    repaired="kinds",
    counts=(Count("lines", lambda example: 1), Count("questions", lambda example: example.label == "ask")),
)


def test_check_counts_labels_repetitions_and_contradictions(table, files):
    report = check_corpora(read_corpora(LinesConfig(format="lines", **files), table), WORDS)
    train = report.splits["train"]
    assert train.labels == {"ask": 2, "say": 2}
    assert train.counts == {"lines": 4, "questions": 2}
    assert (train.duplicates, train.contradictions) == (2, 1)
    assert report.unseen_labels == {"dev": {"sing": Instances(count=1, first=[f"{files['dev']}:1"])}}
    told = "\n".join(report.warnings)
    assert "train: 2 lines repeat" in told and "1 line stands with different kinds" in told


CONFIG = """\
name: toy
task: {type: TASK}
data: {format: FORMAT, train: x.txt}
model: {name: nowhere}
"""


def load(tmp_path, table, task, form):
    config = tmp_path / "toy.yaml"
    config.write_text(CONFIG.replace("TASK", task).replace("FORMAT", form), encoding="utf-8")
    return loading.load(config, table=table)


def test_the_task_chooses_the_keys_of_its_data(tmp_path, table):
    assert load(tmp_path, table, "labelling", "lines").experiment.data.format == "lines"
    with pytest.raises(HallucError, match="is not supported by text_classification; possible are auto, ") as caught:
        load(tmp_path, table, "text_classification", "conll")
    assert (caught.value.code, caught.value.where.line) == ("C106", 3)
    with pytest.raises(HallucError, match="is not supported by token_classification; possible are auto, conll, "):
        load(tmp_path, table, "token_classification", "lines")


def texts(*labels: str) -> tuple[Labelled, ...]:
    return tuple(
        Labelled(f"t{number}", Origin("t.txt", number), (f"w{number % 5}", "x"), label)
        for number, label in enumerate(labels, 1)
    )


BY_CLASS = Strata(("ask", "say"), lambda example: ("ask", "say").index(example.label), has_free=False)


def test_withholding_matches_in_the_strata_of_the_task(table):
    split = texts(*["ask"] * 60, *["say"] * 40)
    made = [
        withhold(split, GapConfig(unit="example", fraction=fraction, fractions=[0.0, 0.25, 0.5]), BY_CLASS)
        for fraction in (0.0, 0.25, 0.5)
    ]
    sizes = {BY_CLASS.sizes(one.examples) for one in made}
    (sizes,) = sizes
    assert sum(sizes) == 50
    assert all(sizes)
    assert made[0].as_record()["strata"] == dict(zip(("ask", "say"), sizes, strict=True))
    smaller = withhold(split, GapConfig(unit="example", fraction=0.5, size=10), BY_CLASS)
    assert sum(BY_CLASS.sizes(smaller.examples)) == 10


def test_labels_and_pairs_of_any_example_can_be_withheld():
    split = texts("ask", "say", "ask", "sing", "say", "ask")
    gone = withhold(split, GapConfig(unit="label", labels=["sing"], fraction=1.0, control="none"), BY_CLASS)
    assert [example.label for example in gone.examples] == ["ask", "say", "ask", "say", "ask"]
    assert gone.units.is_withheld("any text", "sing")
    half = withhold(split, GapConfig(unit="mention", fraction=0.5, control="none"), BY_CLASS)
    left = {pair for example in half.examples for pair in example.pairs}
    assert left.isdisjoint(half.units.pairs)
    assert len(left) == len({pair for example in split for pair in example.pairs}) - half.withheld


def test_coverage_counts_what_any_example_shows():
    known = SurfaceCoverage.of(texts("ask", "say", "ask", "ask", "say", "ask"))
    assert (known.sentences, known.tokens, known.mentions, sum(map(len, known.surfaces.values()))) == (6, 12, 6, 5)
    assert known.of_label("ask")["w1 x"] == SurfaceCount(2, "t.txt", 1)
    gap = gap_of(known, texts("ask", "ask"))
    assert gap.by_label["ask"].unseen.value == 0.5


def test_a_unit_that_the_task_does_not_have_is_refused_at_its_key(tmp_path, monkeypatch, halluc, experiment):
    monkeypatch.setattr(SurfacesOfTraining, "units", ("example",))
    told = halluc("check", experiment, "--set", "gap.fraction=0.5", "--set", "gap.unit=mention")
    assert told.code == 2
    assert 'error[C103]: `gap.unit` cannot be "mention"' in told.err
    assert "of token_classification it is one of example" in told.err


def label(example: str, name: str, confidence: float | None = None, verdict: str | None = None) -> Claim:
    agrees = verdict == "supported"
    return Claim(example, "label", f"text of {example}", None, name, confidence, verdict, None,
                 Evidence((None, None, name)) if agrees else Evidence())  # fmt: skip


def test_labels_of_whole_examples_go_through_the_ledger_into_rates():
    judged = [
        Judged((label("a", "ask", 0.9, "supported"), label("a", "say", 0.8, "supported")), ()),
        Judged((label("b", "ask", 0.7, "unsupported"),), (label("b", "say"),)),
        Judged((), (label("c", "sing"),)),
    ]
    gold = [(label("a", "ask"), label("a", "say")), (label("b", "say"),), (label("c", "sing"),)]
    lines = verdicts.ledger_lines(judged, gold, None, 0.75)
    again = [LedgerLine.model_validate(verdicts.ledger_record(line)) for line in lines]
    assert again == lines
    assert [(line.start, line.end) for line in lines] == [(None, None)] * 5
    counted = table_of(task_class("text_classification").evaluated(()), again, ["a", "b", "c"], [3, 4, 5])
    assert (len(counted.claims.example), len(counted.gold.example)) == (3, 4)
    sheet = Sheet(3)
    figures = rates.figures(counted, sheet)
    totals = sheet.totals()
    found = {(f.name, *f.by.items()): float(f.formula(totals)) for f in figures}
    assert found["hallucination_rate",] == pytest.approx(1 / 3)
    assert found["omission_rate",] == pytest.approx(2 / 4)
    assert found["recall",] == pytest.approx(2 / 4)
    assert found["omission_rate", ("label", "say")] == pytest.approx(1 / 2)
    assert found["hallucinated_examples",] == pytest.approx(1 / 3)
    assert found["hallucination_rate", ("claims", "kept")] == 0
    # What has no sense without places is absent.
    assert {name for name, *_ in found}.isdisjoint({"negative_sentence_rate", "hallucination_density"})
    assert not any("reason" in dict(by) for _, *by in found)


def test_a_format_that_the_task_cannot_be_written_in_is_refused_at_its_key(monkeypatch, halluc, experiment):
    monkeypatch.setattr(SentenceExamples, "formats", {"jsonl": None})
    keys = ("--set", "augment.size=2x", "--set", "augment.methods=[{type: noise}]", "--set", "augment.format=conll")
    told = halluc("augment", experiment, *keys)
    assert told.code == 2
    assert 'error[C103]: `augment.format` cannot be "conll"' in told.err
    assert "of token_classification it is one of jsonl" in told.err


@pytest.mark.parametrize(
    ("config", "task"),
    [
        ('{"architectures": ["BertForLabelling"]}', "labelling"),
        ('{"architectures": ["BertForTokenClassification"]}', "token_classification"),
        ('{"architectures": null}', "token_classification"),
        ("[]", "token_classification"),
        ("{", "token_classification"),
    ],
)
def test_a_model_from_elsewhere_is_of_the_task_that_it_has_a_head_for(tmp_path, monkeypatch, table, config, task):
    monkeypatch.setattr(trained_models, "TABLE", table)
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    assert trained_models.locate(str(tmp_path)).job.settings.task.type == task
