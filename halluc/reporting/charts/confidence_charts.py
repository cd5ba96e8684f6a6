"""Confidence by verdict, reliability, and the risk-coverage curve."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import (
    DASHED,
    FAINT,
    INK,
    SERIES,
    Chart,
    chart,
    figure,
    legend,
    marker,
    point,
    shares,
    ticks,
    value_of,
)
from halluc.reporting.charts.plots import band, panel, vertical
from halluc.reporting.words import nouns
from halluc.runs.reports import Abstention, ConfidenceBin, RunReport
from halluc.wording import formats

_VERDICTS = ("unsupported", "distorted", "supported")


def confidence(report: RunReport) -> Chart | None:
    """A histogram of each verdict, scaled to its highest bin, and the shares of verdicts in each bin."""
    bins = report.confidence
    present = [verdict for verdict in _VERDICTS if any(verdict in one.counts for one in bins)]
    counts = {verdict: [one.counts.get(verdict, 0) for one in bins] for verdict in present}
    totals = {verdict: sum(numbers) for verdict, numbers in counts.items()}
    if not any(totals.values()):
        return None
    threshold = report.abstention.threshold if report.abstention else None
    note = (
        "Number of claims by confidence, one panel per verdict, each with its own scale (the number on the left is "
        "the count of the highest bar); below, the shares of the verdicts."
    )
    if threshold is not None:
        note += f" Claims below {formats.decimal(threshold)} are withdrawn."
    columns = ["confidence", *reversed(present)]
    rows = [
        [f"{formats.percent(one.low)} to {formats.percent(one.high)}", *map(formats.count, reversed(numbers))]
        for one, *numbers in zip(bins, *counts.values(), strict=True)
    ]
    confident = {v: sum(n for one, n in zip(bins, counts[v], strict=True) if one.low >= 0.9) for v in present}
    alt = "; ".join(
        f"{totals[v]:,} claims are {v}, {confident[v]:,} of them with a confidence of 90% or more" for v in present
    )
    drawn = _histograms(bins, counts, threshold)
    return chart(drawn, "confidence", "Confidence by verdict", note, alt, columns, rows)


def _histograms(bins: Sequence[ConfidenceBin], counts: dict[str, list[int]], threshold: float | None) -> Figure:
    """A panel for each verdict, and one with the shares of all verdicts; ``counts`` are the claims in each bin."""
    drawn = figure(64 * len(counts) + 140)
    panels = drawn.subplots(len(counts) + 1, 1, sharex=True, height_ratios=[1] * len(counts) + [1.6])
    style = {"bins": [*(one.low for one in bins), bins[-1].high], "rwidth": 0.86}
    middles = [(one.low + one.high) / 2 for one in bins]
    for axes, (verdict, numbers) in zip(panels, counts.items(), strict=False):
        axes.hist(middles, weights=numbers, color=svg.ROLES[verdict], **style)
        axes.axhline(0, color=FAINT)
        axes.set_yticks([max(*numbers, 1)])
        axes.set_ylim(0, max(*numbers, 1))
        _label_right(axes, f"{verdict}\n{sum(numbers):,} claims")
    sums = [sum(numbers) or 1 for numbers in zip(*counts.values(), strict=True)]
    weights = [[n / total for n, total in zip(numbers, sums, strict=True)] for numbers in counts.values()]
    colours = [svg.ROLES[verdict] for verdict in counts]
    panels[-1].hist([middles] * len(counts), weights=weights, stacked=True, color=colours, **style)
    _label_right(panels[-1], "share\nof claims")
    shares(panels[-1].yaxis, 0.5)
    shares(panels[-1].xaxis)
    panels[-1].set(xlim=(0, 1), ylim=(0, 1))
    panels[-1].set_xlabel("confidence", loc="right")
    if threshold is not None:
        for axes in panels:
            vertical(axes, threshold, f"threshold {formats.decimal(threshold)}" if axes is panels[0] else None)
        legend(drawn, panels[0])
    return drawn


def _label_right(axes: Axes, text: str) -> None:
    axes.set_ylabel(text, rotation="horizontal", ha="right", va="center", fontsize="medium")


def reliability(report: RunReport) -> Chart | None:
    bins = [(one, share) for one in report.reliability if (share := one.supported.value) is not None]
    if not bins:
        return None
    drawn = figure(310)
    axes = panel(drawn, "supported", "confidence")
    shares(axes.xaxis)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=DASHED, alpha=0.6)
    shares(axes.yaxis)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    most = max(one.supported.n for one, _ in bins)
    for one, share in bins:
        size = 4 + 8 * (one.supported.n / most) ** 0.5 if most else 4
        point(axes, one.confidence, share, marker(SERIES[0], size=size), up=one.supported.interval)
    error = next((result for result in report.metrics if result.name == "ece" and not result.by), None)
    if error is not None and error.value is not None:
        axes.set_title(f"ECE {formats.metric(error)}", loc="right")
    note = (
        "Share of correct claims by confidence (reliability diagram). On the diagonal both are equal; below it the "
        "model is over-confident. Larger points have more claims; lines are 95% intervals."
    )
    alt = "; ".join(
        f"of confidence {formats.percent(one.confidence)}, {formats.percent(share)} are supported"
        for one, share in bins
    )
    rows = [[formats.percent(one.confidence), formats.metric(one.supported), f"{one.supported.n:,}"] for one, _ in bins]
    return chart(
        drawn, "reliability", "Reliability diagram", note, alt, ["mean confidence", "supported", "claims"], rows
    )


def risk_coverage(report: RunReport) -> Chart | None:
    points = sorted(report.risk, key=lambda point: point.coverage)
    if len(points) < 2:
        return None
    drawn = figure(260)
    axes = panel(drawn, "error rate", "coverage: share of claims kept, by decreasing confidence")
    shares(axes.xaxis)
    coverage = [point.coverage for point in points]
    band(axes, SERIES[0], coverage, [point.interval for point in points])
    axes.plot(coverage, [point.risk for point in points], color=SERIES[0], linewidth=1.8)
    ticks(axes.yaxis, "risk_at_coverage")
    if report.abstention:
        _name_threshold(axes, report.abstention)
    axes.set_xlim(-0.03, 1.02)
    axes.set_ylim(bottom=0)
    wrong = "unsupported or distorted" if nouns.task(report.task).judge.reasons else "unsupported"
    note = f"Error rate (share of claims that are {wrong}) if only the most confident predictions are kept."
    columns, rows = ["coverage", "error rate"], [[*map(formats.percent, (p.coverage, p.risk))] for p in points]
    if any(point.interval for point in points):
        note += " The band is the 95% interval."
        columns.append("95% interval")
        rows = [[*row, formats.interval("risk_at_coverage", p.interval)] for row, p in zip(rows, points, strict=True)]
    alt = "; ".join(
        f"of the most confident {formats.percent(p.coverage)}, {formats.percent(p.risk)} are wrong"
        for p in (points[len(points) // 4], points[len(points) // 2], points[-1])
    )
    return chart(drawn, "risk-coverage", "Risk-coverage curve", note, alt, columns, rows)


def _name_threshold(axes: Axes, abstention: Abstention) -> None:
    """Mark the threshold, with its name on the inner side of the point."""
    coverage, risk = value_of(abstention.coverage), value_of(abstention.false_claims)
    if abstention.threshold is None or coverage is None or risk is None:
        return
    axes.plot([coverage], [risk], **marker(svg.ROLES["unsupported"], "D", size=7))
    kept = f"keeps {formats.percent(coverage)}, {formats.percent(risk)} wrong"
    text = f"threshold {formats.decimal(abstention.threshold)}\n{kept}"
    side, up = (1 if coverage > 0.5 else -1), (1 if risk < sum(axes.get_ylim()) / 2 else -1)
    axes.annotate(text, (coverage, risk), (-10 * side, 14 * up), textcoords="offset points",
                  ha="right" if side > 0 else "left", va="bottom" if up > 0 else "top", fontsize="small")  # fmt: skip
