"""The report of a run, made by hand: small, like real ones, and always the same."""

from __future__ import annotations

from halluc.runs.reports import (
    Abstention,
    ClaimSection,
    ClassRow,
    ClassTable,
    ConfidenceBin,
    ConfigLine,
    Curves,
    Data,
    GapRow,
    GateResult,
    Headline,
    Outcome,
    ReliabilityBin,
    RiskPoint,
    RunReport,
    ShownClaim,
    SplitRow,
)
from halluc.runs.schema import LedgerLine, MetricResult, Nearest, RunFile, Stage
from halluc.runs.studies import Interval

CLAIMS = "claims against gold, matched optimally"
ENTITIES = "seqeval default (conlleval)"
CONFIG = """\
name: letters
seed: 7
task:
  type: token_classification
data:
  train: data/letters/train.txt
  dev: data/letters/dev.txt
  test: data/letters/test.txt
  format: conll
model:
  name: "hub:example/tiny-encoder@3f2a9c1"
train:
  epochs: 3
  learning_rate: 0.0003
  batch_tokens: 1024
  schedule: linear
  warmup: 0.1
  patience: null
  compile: false"""


def figure(
    name: str, value: float | None, n: int, interval: Interval | None, protocol: str = CLAIMS, **by: str
) -> MetricResult:
    return MetricResult(name=name, value=value, n=n, interval=interval, by=by, protocol=protocol)


def run_report() -> RunReport:
    """A run on a test split of 40 examples: 50 claims, 48 mentions, two labels."""
    f1, rate, ratio, ece = _heads()
    return RunReport(
        name="letters",
        task="token_classification",
        model="hub:example/tiny-encoder@3f2a9c1",
        split="test",
        splits=["test", "dev"],
        examples=40,
        seed=7,
        run=_run_file(),
        headlines=[
            Headline(figure=f1, title="entity F1", meaning="83.3% of the 48 annotated mentions are found."),
            Headline(
                figure=rate, title="hallucination rate", meaning="6.0% of the predicted mentions are hallucinated."
            ),
            Headline(figure=ratio, title="gap ratio", meaning="Nothing can be said: no claim is seen."),
            Headline(figure=ece, title="calibration error (ECE)", meaning="When it says 90%, 84.6% is right."),
        ],
        gates=[
            GateResult(name="omission_rate", by={}, met=True, text="omission rate 4.2%, at most 10.0%"),
            GateResult(name="hallucination_rate", by={}, met=False, text="hallucination rate 6.0%, at most 5.0%"),
        ],
        notes=["coverage.json is not there: `halluc train` makes it."],
        conclusion=[
            "10 of 50 predicted mentions on test are wrong (20.0% [10.0, 32.0]): 3 hallucinated, 2 with a wrong label,"
            " 5 with a wrong boundary.",
            "Three cases are too few to conclude where the model hallucinates.",
            "2 of 48 annotated mentions (4.2% [0.0, 10.0]) are not found at all.",
        ],
        by_novelty=[
            _outcome("all", 50, 48, (0.8, 0.14, 0.06, 0.042)),
            _outcome("seen", 20, 22, (0.95, 0.05, 0.0, 0.0)),
            _outcome("partial", 0, 0, None),
            _outcome("new", 30, 26, (0.7, 0.2, 0.1, 0.077)),
        ],
        by_label=[
            _outcome("all", 50, 48, (0.8, 0.14, 0.06, 0.042)),
            _outcome("LOC", 30, 28, (0.833, 0.1, 0.067, 0.036)),
            _outcome("PER_NAME", 20, 20, (0.75, 0.2, 0.05, 0.05)),
        ],
        gap=[_gap(None, 48, 0.25), _gap("LOC", 28, 0.3), _gap("PER_NAME", 20, 0.2)],
        confidence=[ConfidenceBin(low=0.9, high=0.95, counts={"supported": 40, "distorted": 7, "unsupported": 3})],
        reliability=[ReliabilityBin(confidence=0.92, supported=figure("reliability", 0.8, 50, (0.66, 0.9)))],
        risk=[RiskPoint(coverage=0.5, risk=0.04)],
        abstention=Abstention(
            threshold=0.861,
            coverage=figure("claim_coverage", 0.8, 50, (0.7, 0.9)),
            hallucination=figure("hallucination_rate", 0.025, 40, (0.0, 0.08)),
            omission=figure("omission_rate", 0.167, 48, (0.08, 0.27)),
            false_claims=figure("false_claim_rate", 0.1, 40, (0.03, 0.2)),
            guarantee="On dev, a threshold was chosen so that at most 5% of the kept claims are hallucinations.",
        ),
        claims=_claims(),
        classification=[
            ClassTable(
                title="entities, seqeval default (conlleval)",
                rows=[_class("LOC", 0.833, 0.893, 28), _class("PER_NAME", 0.75, 0.75, 20)],
                averages=[_class("micro avg", 0.8, 0.833, 48)],
            )
        ],
        curves=Curves(
            loss=[(2, 1.5), (4, 0.7)],
            dev={"entity_f1": [(2, 0.6), (4, 0.8)]},
            best_step=4,
            chosen_by="entity_f1",
            steps=6,
            epochs=3,
            features=120,
            seconds=36.4,
            stopped="all epochs done",
        ),
        data=Data(
            splits=[_split("train", 120), _split("dev", 20), _split("test", 40)],
            scheme="iob2",
            warnings=["train: 3 sentences repeat an earlier one of the same split"],
            withheld=None,
        ),
        augmentation=None,
        config=[ConfigLine(text=line, origin="configs/letters.yaml:1") for line in CONFIG.splitlines()],
        reproduce=["halluc train configs/letters.yaml", "halluc eval configs/letters.yaml --set 'eval.splits=[test]'"],
        metrics=_metrics(),
    )


def bare_report() -> RunReport:
    """The same run, had nothing been measured and little been kept."""
    report = run_report()
    lists = ("headlines", "gates", "notes", "conclusion", "by_novelty", "by_label", "gap", "confidence", "reliability")
    lists += ("risk", "claims", "classification", "config", "reproduce", "metrics")
    run = {"versions": {}, "hardware": {}, "git": None, "model": {}, "seeds": {}, "stages": {}}
    changes: dict[str, object] = {name: [] for name in lists}
    changes |= {"abstention": None, "curves": None, "seed": None, "run": report.run.model_copy(update=run)}
    changes["data"] = Data(splits=[], scheme=None, warnings=[], withheld=None)
    return report.model_copy(update=changes)


def _heads() -> tuple[MetricResult, ...]:
    return (
        figure("entity_f1", 0.8163, 48, (0.72, 0.9), ENTITIES),
        figure("hallucination_rate", 0.06, 50, (0.0, 0.13)),
        figure("gap_ratio", None, 30, None),
        figure("ece", 0.0541, 50, (0.03, 0.09), "claims that gold supports, 15 equal-width bins of confidence"),
    )


def _metrics() -> list[MetricResult]:
    f1, rate, ratio, ece = _heads()
    return [
        f1,
        figure("entity_precision", 0.8, 48, (0.7, 0.89), ENTITIES),
        figure("entity_recall", 0.8333, 48, (0.74, 0.92), ENTITIES),
        figure("entity_f1", 0.8, 48, (0.7, 0.88), ENTITIES, average="macro"),
        figure("entity_f1", 0.78, 48, (0.68, 0.87), "seqeval strict IOB2"),
        rate,
        figure("hallucination_rate_wide", 0.1, 50, (0.03, 0.18)),
        figure("distortion_rate", 0.14, 50, (0.05, 0.23)),
        figure("omission_rate", 0.0417, 48, (0.0, 0.1)),
        ratio,
        ece,
    ]


def _run_file() -> RunFile:
    return RunFile(
        name="letters",
        command="eval",
        status="done",
        config_sha256="ab" * 32,
        halluc="0.1.0",
        git={"commit": "654725d166bc6089a66ec0446255faedab2ecafc", "dirty": True},
        versions={"python": "3.11.7", "torch": "2.13.0+cpu", "transformers": "5.23.0"},
        hardware={"system": "Linux", "cores": 2, "device": "cpu", "precision": "fp32", "processes": 1},
        seeds={"seed": 7},
        model={"commit": "3f2a9c1", "parameters": 22_568_841},
        stages={"train": Stage(status="done", started="2026-11-24T04:11:52+00:00", seconds=36.4)},
    )


def _outcome(name: str, claims: int, gold: int, shares: tuple[float, float, float, float] | None) -> Outcome:
    names = ("support_rate", "distortion_rate", "hallucination_rate", "omission_rate")
    found = [
        figure(metric, shares and shares[place], gold if place == 3 else claims, shares and _around(shares[place]))
        for place, metric in enumerate(names)
    ]
    return Outcome(
        name=name,
        claims=claims,
        gold=gold,
        support=found[0],
        distortion=found[1],
        hallucination=found[2],
        omission=found[3],
    )


def _around(value: float) -> Interval:
    return max(0.0, value - 0.05), min(1.0, value + 0.05)


def _gap(label: str | None, mentions: int, forecast: float) -> GapRow:
    shares = {"forecast": forecast, "unseen": forecast + 0.2, "new": forecast + 0.1, "excess": 0.2}
    made = {name: figure(f"gap_{name}", value, mentions, _around(value)) for name, value in shares.items()}
    return GapRow(label=label, counted=mentions, **made)


def _claims() -> list[ClaimSection]:
    tokens = ["Anna", "Berg", "told", "The", "Paris", "Review", "(", "LOC|1", ")", "of", "it", "."]
    line = LedgerLine(
        id="test-9",
        record="claim",
        kind="span",
        text="LOC|1",
        start=7,
        end=8,
        label="LOC",
        confidence=0.973,
        verdict="unsupported",
        reason="spurious",
        novelty="new",
        nearest=Nearest(text="Loch", file="data/letters/train.txt", line=193),
    )
    told_wrongly = line.model_copy(
        update={
            "text": "Paris",
            "start": 4,
            "end": 5,
            "verdict": "distorted",
            "reason": "boundary",
            "novelty": "seen",
            "nearest": Nearest(text="Paris", file="data/letters/train.txt", line=12),
            "abstained": True,
        }
    )
    gold = [(0, 2, "PER_NAME"), (3, 6, "LOC")]
    shown = [
        ShownClaim(
            line=one, tokens=tokens, first=0, before=0, after=after, gold=gold, others=[(0, 2, "PER_NAME", 0.99)]
        )
        for one, after in ((line, 0), (told_wrongly, 4))
    ]
    return [
        ClaimSection(section="unsupported", total=3, shown=shown[:1]),
        ClaimSection(section="distorted", total=7, shown=shown[1:]),
        ClaimSection(section="omission", total=2, shown=[]),
    ]


def _class(name: str, precision: float, recall: float, support: int) -> ClassRow:
    f1 = 2 * precision * recall / (precision + recall)
    return ClassRow(name=name, precision=precision, recall=recall, f1=f1, support=support)


def _split(name: str, sentences: int) -> SplitRow:
    return SplitRow(
        name=name,
        source=f"data/letters/{name}.txt",
        sha256={"train": "0a", "dev": "1b", "test": "2c"}[name] * 32,
        counts={
            "sentences": sentences,
            "tokens": 15 * sentences,
            "mentions": sentences + 8,
            "entity_free": sentences // 5,
        },
        duplicates=3,
        labels={"LOC": 28, "PER_NAME": 20},
    )
