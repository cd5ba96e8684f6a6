"""Advice: errors counted by hand, remedies against the schema, and which arm a study lets one choose."""

from __future__ import annotations

import numpy
import pytest
import scipy.stats

from halluc.analysis import remedy_effects
from halluc.analysis.error_analysis import Errors
from halluc.analysis.remedies import (
    ADAPTER_RATE,
    GAZETTEER,
    INTERVAL,
    LAYERS,
    NEEDS,
    REMEDIES,
    RUN,
    UNLABELLED,
    adapter_rate,
)
from halluc.analysis.table import table
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.config.rendering import plain
from halluc.core.errors import HallucError, ManyErrors
from halluc.reporting.words import error_sentences
from halluc.runs.advice import ErrorAnalysis, ErrorRate, ErrorShare, RemedyEffect
from halluc.runs.schema import GoldMention, LedgerLine
from halluc.runs.studies import ArmDelta
from halluc.task import task_class
from tests.conftest import REPOSITORY


def exact(hits: int, n: int) -> tuple[float, float]:
    found = scipy.stats.binomtest(hits, n).proportion_ci(0.95, "exact")
    return pytest.approx((found.low, found.high), abs=1e-9)


def claim(identity: str, verdict: str, label: str, novelty: str, reason: str | None = None, start: int = 0):
    gold = [GoldMention(start=start, end=start + 1, label="PER", novelty="seen", withheld=False)]
    return LedgerLine(
        id=identity, record="claim", kind="span", text="x", start=start, end=start + 1, label=label, confidence=0.9,
        verdict=verdict, reason=reason, matched=(start, start + 1, "PER") if verdict == "supported" else None,
        touched=[], gold=gold if verdict != "unsupported" else [], novelty=novelty, confusable=False,
        abstained=False,
    )  # fmt: skip


def omission(identity: str, label: str, novelty: str, start: int = 5):
    return LedgerLine(
        id=identity, record="omission", kind="span", text="x", start=start, end=start + 1, label=label, novelty=novelty
    )  # fmt: skip


def errors_of(task: str, lines: list[LedgerLine]) -> Errors:
    made = task_class(task)
    return Errors(table(made(made.Config(type=task)), lines, ["a", "b"], [9, 9]))


LINES = [
    claim("a", "supported", "PER", "seen"),
    claim("a", "distorted", "LOC", "new", "label", start=1),
    claim("a", "distorted", "PER", "seen", "duplicate", start=2),
    claim("b", "unsupported", "LOC", "new"),
    omission("b", "LOC", "partial"),
    omission("b", "PER", "seen", start=7),
]


def test_errors_are_claims_and_omissions_by_kind_novelty_and_label():
    errors = errors_of("token_classification", LINES)
    assert errors.total == 5
    assert errors.kind[errors.wrong].tolist() == ["label", "duplicate", "unsupported", "omitted", "omitted"]
    omitted = errors.share("omitted", errors.kind == "omitted")
    assert (omitted.errors, omitted.share, omitted.interval) == (2, 0.4, exact(2, 5))
    assert omitted.by_novelty == {"seen": 1, "partial": 1, "new": 0}
    of_seen = errors.rate("seen", errors.novelty == "seen")
    assert (of_seen.errors, of_seen.n) == (2, 3), "a gold mention that is found counts once, as its claim"
    assert (of_seen.rate, of_seen.rate_interval) == (2 / 3, exact(2, 3))
    assert errors.addressed((), unseen_alone=True) == 3
    assert errors.addressed(("omitted", "label"), unseen_alone=False) == 3
    assert errors.addressed(("omitted", "label"), unseen_alone=True) == 2


def test_a_wrong_label_of_a_whole_text_is_an_unsupported_claim():
    lines = [
        line.model_copy(update={"start": None, "end": None, "kind": "label", "novelty": None})
        for line in [claim("a", "unsupported", "x", "seen"), omission("a", "y", "seen")]
    ]
    errors = errors_of("text_classification", lines)
    assert errors.addressed(("label",), unseen_alone=False) == 1
    assert errors.addressed((), unseen_alone=True) == 0, "novelty is not known"


def share(name: str, errors: int, of: int) -> dict:
    return {"name": name, "errors": errors, "share": errors / of, "interval": (0.0, 1.0)}


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((40, 10), "the most frequent kind is: hallucinated (40"),
        ((26, 24), "kinds, which cannot be distinguished, are: hallucinated (26"),
        ((3, 2), "Five cases are too few to conclude where the model makes errors."),
        ((50, 0), "All 50 errors are of one kind: hallucinated."),
    ],
)  # fmt: skip
def test_a_dominant_error_is_stated_only_if_it_is_significant(counts, told):
    total = sum(counts)
    kinds = [ErrorShare(**share(name, n, total)) for name, n in zip(("unsupported", "omitted"), counts) if n]  # noqa: B905
    rates = [
        ErrorRate(**share(name, n, total), n=100, rate=n / 100, rate_interval=(n / 100 - 0.05, n / 100 + 0.05))
        for name, n in zip(("seen", "new"), reversed(counts), strict=True)
    ]
    found = ErrorAnalysis(
        split="dev", examples=9, claims=100, gold=100, errors=total, kinds=kinds, novelties=rates, labels=[], ece=None
    )
    task = task_class("token_classification")
    said = error_sentences.sentences(found, task(task.Config(type="token_classification")), None)
    assert told in said[0]
    if total == 50:
        assert ("Errors are more frequent on what is not in training" in said[1]) == (counts != (26, 24))
    assert said[-1] == "Calibration is unknown: the claims have no confidence."


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda one: one.name)
def test_a_remedy_is_a_valid_config_where_its_keys_exist(remedy):
    assert set(remedy.needs) <= NEEDS.keys()
    values = {RUN: "runs/x", UNLABELLED: ["a.txt"], GAZETTEER: "names.txt", LAYERS: 3, INTERVAL: 5, ADAPTER_RATE: 1e-3}

    def filled(node):
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        return [filled(one) for one in node] if isinstance(node, list) else values.get(node, node)

    for section, keys in filled(dict(remedy.config)).items():
        methods = [one["type"] for one in keys.get("methods", ())] if section == "augment" else []
        if any(method not in TABLE["augmenter"] | TABLE["synthesizer"] for method in methods):
            continue
        sets = [f"augment={plain(keys)}"] if section == "augment" else [
            f"{section}.{key}={plain(value)}" for key, value in keys.items()
        ]  # fmt: skip
        try:
            load(REPOSITORY / "configs/demo.yaml", sets, table=TABLE)
        except HallucError as error:
            found = error.errors if isinstance(error, ManyErrors) else [error]
            assert [one.code for one in found] == ["C101"], found[0].message


@pytest.mark.parametrize(("plain_rate", "rate"), [(5e-5, 2.5e-4), (1e-3, 2e-3), (0.01, 0.01)])
def test_adapters_learn_with_a_higher_rate(plain_rate, rate):
    assert adapter_rate(plain_rate) == pytest.approx(rate)
    (lora,) = (one for one in REMEDIES if one.name == "lora")
    assert lora.config["train"] == {"learning_rate": ADAPTER_RATE}


def test_remedies_have_names_of_their_own():
    assert len({one.name for one in REMEDIES}) == len(REMEDIES)


def delta(name: str, difference: float, shown: bool = True) -> ArmDelta:
    return ArmDelta(
        name=name,
        by={},
        reference=0.1,
        arm=0.1 + difference,
        difference=difference,
        shown=shown,
        p_holm=0.01 if shown else 0.4,
    )


def arm(name: str, matched: float, f1: float, shown: tuple[bool, bool] = (True, True), **others) -> RemedyEffect:
    rate = delta("hallucination_rate_at_matched_omission", matched, shown[0])
    return RemedyEffect(
        arm=name, choice={}, seeds=3, matched=rate, primary=delta("entity_f1", f1, shown[1]), ece=None, **others
    )


UNDECIDED, WORSE_F1 = arm("a", -0.05, 0.2, (False, False)), arm("b", -0.05, -0.1)
BETTER_F1, BETTER_BOTH = arm("c", -0.05, 0.1, (False, True)), arm("d", -0.01, 0.1)
COPIES = arm("copies", -0.5, 0.5, is_control=True)
MADE = arm("made", -0.2, 0.1, augments=True, over_control=delta("hallucination_rate_at_matched_omission", -0.1, False))


@pytest.mark.parametrize(
    ("effects", "has_control", "chosen"),
    [
        ([UNDECIDED, WORSE_F1, COPIES], True, None),
        ([UNDECIDED, BETTER_F1, WORSE_F1], False, "c"),
        ([BETTER_F1, BETTER_BOTH], False, "d"),
        ([BETTER_BOTH, MADE, COPIES], True, "d"),
        ([BETTER_BOTH, MADE], False, "made"),
    ],
)  # fmt: skip
def test_the_best_arm_is_better_in_something_shown_and_worse_in_nothing(effects, has_control, chosen):
    best = remedy_effects.best(effects, has_control=has_control)
    assert (best.arm if best else None) == chosen


def test_costs_are_geometric_means_over_seeds_with_students_t():
    found = remedy_effects.ratio({1: 20.0, 2: 30.0, 3: 26.0, 4: 1.0}, {1: 10.0, 2: 10.0, 3: 13.0})
    logs = numpy.log([2.0, 3.0, 2.0])
    low, high = scipy.stats.t.interval(0.95, 2, logs.mean(), logs.std(ddof=1) / numpy.sqrt(3))
    assert found.value == pytest.approx(12 ** (1 / 3))
    assert found.interval == pytest.approx((numpy.exp(low), numpy.exp(high)))
    assert remedy_effects.ratio({1: 2.0}, {1: 1.0}).interval is None
    assert remedy_effects.ratio({1: 2.0}, {2: 1.0}).value is None
