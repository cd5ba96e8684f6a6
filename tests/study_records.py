"""Reports of several runs, made by hand: a comparison and a study."""

from __future__ import annotations

from halluc.runs.reports import ComparisonReport, StudyReport
from halluc.runs.studies import (
    ArmComparison,
    ArmDelta,
    ArmTrend,
    CellFigures,
    Comparison,
    Delta,
    Flip,
    MatchedOmission,
    SeedFigure,
    StudyFigures,
    Trend,
)


def comparison_report() -> ComparisonReport:
    """A run against another that hallucinates less and omits more."""
    figures = [
        Delta(name="entity_f1", by={}, a=0.816, b=0.809, difference=-0.007, interval=(-0.02, 0.01), p=0.4, p_holm=0.8),
        Delta(
            name="hallucination_rate",
            by={},
            a=0.075,
            b=0.048,
            difference=-0.027,
            interval=(-0.034, -0.021),
            p=0.0002,
            p_holm=0.007,
        ),
        Delta(name="gap_ratio", by={}, a=4.6, b=None, difference=None),
    ]
    other = Comparison(
        split="test",
        a="runs/letters/a",
        b="runs/letters/b",
        examples=40,
        config_differences=["`augment.size`", "`train.epochs`"],
        figures=figures,
        matched_omission=MatchedOmission(
            omission_rate=0.071, a=0.063, b=0.048, difference=-0.015, interval=(-0.023, -0.008), achieved=(0.071, 0.071)
        ),
        flipped=[
            Flip(id="test-9", start=7, end=8, text="LOC|1", label="LOC", a="unsupported", b="absent"),
            Flip(id="test-2", start=0, end=2, text="Anna Berg", label="PER_NAME", a="supported", b="absent"),
            Flip(id="test-3", start=0, end=1, text="Oslo", label="LOC", a="supported", b="absent"),
        ],
    )
    return ComparisonReport(
        split="test",
        examples=40,
        reference="runs/letters/a",
        others=[other],
        conclusion=["“b” less “a” on test: hallucination rate −2.7 points [−3.4, −2.1], lower."],
        notes=[],
        texts={"test-9": ["Anna", "Berg", "told", "The", "Paris", "Review", "(", "LOC|1", ")"]},
        gold={"test-9": [(0, 2, "PER_NAME"), (3, 6, "LOC")]},
        reproduce=["halluc report runs/letters/a runs/letters/b"],
    )


def study_report() -> StudyReport:
    """Two arms at two fractions, with three seeds; one cell is missing."""
    rates = {(0.0, "none"): 0.040, (0.0, "mix"): 0.037, (0.5, "none"): 0.044, (0.5, "mix"): 0.037}
    figures = StudyFigures(
        name="letters-study",
        split="test",
        examples=40,
        cells=[_cell(fraction, arm, rate) for (fraction, arm), rate in rates.items()],
        trends=[_trend(arm, slope) for arm, slope in (("none", 0.009), ("mix", -0.001))],
        comparisons=[_against(fraction) for fraction in (0.0, 0.5)],
        arm_trends=[
            ArmTrend(
                choice={},
                axis="gap.fraction",
                name="hallucination_rate",
                by={},
                points=2,
                slope=-0.013,
                slope_interval=(-0.026, -0.001),
                intercept=0.003,
                intercept_interval=(-0.001, 0.007),
                seeds=3,
                n=3,
                slope_p=0.04,
                slope_p_holm=0.04,
                arm_axis="arm",
                arm="mix",
                reference="none",
            )
        ],
        missing={"seed=3,gap.fraction=0.5,arm=mix": "it is not evaluated"},
    )
    return StudyReport(
        name="letters-study",
        task="token_classification",
        split="test",
        figures=figures,
        axes={"gap.fraction": [0.0, 0.5], "arm": ["none", "mix"]},
        single_seed=False,
        conclusion=["“mix” less “none” (3 seeds): hallucination rate lower at gap.fraction 0.5."],
        notes=["seed=3,gap.fraction=0.5,arm=mix is missing: it is not evaluated."],
        reproduce=["halluc report runs/letters-study"],
    )


def _cell(fraction: float, arm: str, rate: float) -> CellFigures:
    values = {"entity_f1": 0.767, "hallucination_rate": rate, "hallucination_rate_wide": 0.159}
    values |= {"distortion_rate": 0.204}
    values |= {"omission_rate": 0.05 if arm == "mix" else 0.04, "ece": 0.091}
    figures = [_over_seeds(name, value) for name, value in values.items()]
    if arm != "none":
        figures.append(_over_seeds("hallucination_rate_at_matched_omission", rate, arm="none"))
    runs = [f"runs/letters-study/seed={seed},gap.fraction={fraction},arm={arm}" for seed in (1, 2, 3)]
    return CellFigures(choice={"gap.fraction": fraction, "arm": arm}, runs=runs, figures=figures)


def _over_seeds(name: str, mean: float, **by: str) -> SeedFigure:
    interval = (mean - 0.006, mean + 0.006)
    return SeedFigure(
        name=name, by=by, mean=mean, sd=0.003, seeds=3, interval=interval, values=[mean] * 3, of_seeds=[1, 2, 3]
    )


def _trend(arm: str, slope: float) -> Trend:
    return Trend(
        choice={"arm": arm},
        axis="gap.fraction",
        name="hallucination_rate",
        by={},
        points=2,
        slope=slope,
        slope_interval=(slope - 0.01, slope + 0.01),
        intercept=0.039,
        intercept_interval=(0.033, 0.044),
        seeds=3,
        n=3,
        slope_p=0.2,
    )


def _against(fraction: float) -> ArmComparison:
    shown = fraction == 0.5
    figures = [
        ArmDelta(
            name="hallucination_rate",
            by={},
            reference=0.044,
            arm=0.037,
            difference=-0.007 if shown else -0.002,
            interval=(-0.014, -0.002) if shown else (-0.006, 0.002),
            p=0.006 if shown else 0.2,
            p_holm=0.012 if shown else 0.427,
            shown=shown,
            smallest=0.005,
            values=[-0.008, -0.007, -0.006] if shown else [-0.004, 0.0, -0.002],
        ),
        ArmDelta(
            name="omission_rate",
            by={},
            reference=0.04,
            arm=0.05,
            difference=0.01,
            interval=(0.005, 0.016),
            p=0.0004,
            p_holm=0.0008,
            shown=True,
        ),
    ]
    choice = {"gap.fraction": fraction}
    return ArmComparison(
        axis="arm", arm="mix", reference="none", choice=choice, seeds=3, omission_rate=0.05, figures=figures
    )
