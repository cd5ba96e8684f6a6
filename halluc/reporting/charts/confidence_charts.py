"""Confidence by verdict, reliability, and the risk-coverage curve."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from halluc.reporting import formats
from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import FAINT, INK, QUIET, SERIES, SMALL, WIDTH, Canvas, Chart, marker, whisker
from halluc.reporting.charts.scales import Frame, Scale, scale
from halluc.reporting.words import nouns
from halluc.runs.reports import Abstention, ConfidenceBin, RiskPoint, RunReport

_VERDICTS = ("unsupported", "distorted", "supported")
_SHARES = [(0.0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1.0, "100%")]
_UNIT = Scale(0, 1, _SHARES)
_LEFT, _INNER = 84, WIDTH - 84 - 14
_HIGH, _STEP = 44, 64


def confidence(report: RunReport) -> Chart | None:
    """A histogram of each verdict, each as high as its own highest bin, and the shares of verdicts in each bin."""
    bins = report.confidence
    verdicts = [verdict for verdict in _VERDICTS if any(verdict in one.counts for one in bins)]
    totals = {verdict: sum(one.counts.get(verdict, 0) for one in bins) for verdict in verdicts}
    if not any(totals.values()):
        return None
    threshold = report.abstention.threshold if report.abstention else None
    top = 28
    canvas = Canvas(top + len(verdicts) * _STEP + 76 + 34)
    for place, verdict in enumerate(verdicts):
        _histogram(canvas, top + place * _STEP, verdict, bins, totals[verdict])
    _shares(canvas, top + len(verdicts) * _STEP, bins)
    canvas.text(_LEFT + _INNER, canvas.height - 4, "confidence", size=SMALL, ha="right", alpha=QUIET)
    if threshold is not None:
        _threshold(canvas, top, threshold)
    note = (
        "Number of claims by confidence, one panel a verdict, each with its own scale (the highest bar has its count);"
        " below, the shares of the verdicts."
    )
    if threshold is not None:
        note += f" Claims below {formats.decimal(threshold)} are withdrawn."
    columns = ["confidence", *reversed(verdicts)]
    rows = [[_range(one), *(formats.count(one.counts.get(v, 0)) for v in reversed(verdicts))] for one in bins]
    sure = {v: sum(one.counts.get(v, 0) for one in bins if one.low >= 0.9) for v in verdicts}
    alt = "; ".join(
        f"{totals[v]:,} claims are {v}, {sure[v]:,} of them with a confidence of 90% or more" for v in verdicts
    )
    return canvas.chart("confidence", "Confidence by verdict", note, alt, columns, rows)


def _range(one: ConfidenceBin) -> str:
    return f"{formats.percent(one.low)} to {formats.percent(one.high)}"


def _histogram(canvas: Canvas, top: float, verdict: str, bins: Sequence[ConfidenceBin], total: int) -> None:
    counts = [one.counts.get(verdict, 0) for one in bins]
    highest = max(*counts, 1)
    axes = canvas.panel(_LEFT, top, _INNER, _HIGH, x=Scale(0, 1, []), y=Scale(0, highest, []), grid="none")
    _bars(axes, bins, [0.0] * len(bins), counts, verdict)
    axes.axhline(0, color=FAINT, linewidth=1.2)
    canvas.text(0, top + _HIGH - 16, verdict)
    canvas.text(0, top + _HIGH - 3, f"{total:,} claims", size=SMALL, alpha=QUIET)
    if total:
        peak = bins[counts.index(highest)]
        middle = _LEFT + (peak.low + peak.high) / 2 * _INNER
        canvas.text(middle, top - 3, f"{highest:,}", size=SMALL, ha="center", alpha=QUIET)


def _shares(canvas: Canvas, top: float, bins: Sequence[ConfidenceBin]) -> None:
    axes = canvas.panel(_LEFT, top, _INNER, 76, x=_UNIT, y=Scale(0, 1, [(0.5, "50%"), (1, "100%")]), grid="none")
    totals = [sum(one.counts.get(verdict, 0) for verdict in _VERDICTS) for one in bins]
    starts = [0.0] * len(bins)
    for verdict in _VERDICTS:
        shares = [one.counts.get(verdict, 0) / total if total else 0 for one, total in zip(bins, totals, strict=True)]
        _bars(axes, bins, starts, shares, verdict)
        starts = [start + share for start, share in zip(starts, shares, strict=True)]
    canvas.text(0, top + 18, "share")
    canvas.text(0, top + 30, "of claims", size=SMALL, alpha=QUIET)


def _bars(
    axes: Axes, bins: Sequence[ConfidenceBin], starts: Sequence[float], heights: Sequence[float], verdict: str
) -> None:
    """One bar in each bin that has anything, a little narrower than the bin."""
    shown = [part for part in zip(bins, starts, heights, strict=True) if part[2]]
    if shown:
        middles = [(one.low + one.high) / 2 for one, _, _ in shown]
        widths = [0.86 * (one.high - one.low) for one, _, _ in shown]
        _, bottoms, tops = zip(*shown, strict=True)
        axes.bar(middles, tops, widths, bottom=bottoms, color=svg.ROLES[verdict], linewidth=0)


def _threshold(canvas: Canvas, top: float, threshold: float) -> None:
    x = _LEFT + threshold * _INNER
    canvas.line([x, x], [14, canvas.height - 34], color=INK, linewidth=1, linestyle=(0, (3, 2)))
    told = f"threshold {formats.decimal(threshold)}"
    canvas.text(x, 10, told, size=SMALL, ha="right" if threshold > 0.5 else "left")


def reliability(report: RunReport) -> Chart | None:
    bins = [(one, share) for one in report.reliability if (share := one.supported.value) is not None]
    if not bins:
        return None
    canvas = Canvas(290)
    both = Scale(-0.02, 1.02, _SHARES)
    frame = Frame(40, 22, WIDTH - 56, 232, both, both)
    axes = _square(canvas, frame, "supported", "confidence")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (3, 2)), alpha=0.6)
    most = max(one.supported.n for one, _ in bins)
    for one, share in bins:
        whisker(axes, one.confidence, one.supported.interval, SERIES[0], upright=True)
        size = 4 + 8 * (one.supported.n / most) ** 0.5 if most else 4
        axes.plot([one.confidence], [share], linestyle="none", **marker(SERIES[0], size=size))
    error = next((found for found in report.metrics if found.name == "ece" and not found.by), None)
    if error is not None and error.value is not None:
        canvas.text(frame.left + frame.width, 12, f"ECE {formats.metric(error)}", ha="right")
    note = (
        "Share of claims that are right, by confidence. On the diagonal both are equal; below it the model is"
        " over-confident. Larger points have more claims; lines are 95% intervals."
    )
    alt = "; ".join(
        f"of confidence {formats.percent(one.confidence)}, {formats.percent(share)} are supported"
        for one, share in bins
    )
    rows = [[formats.percent(one.confidence), formats.metric(one.supported), f"{one.supported.n:,}"] for one, _ in bins]
    columns = ["mean confidence", "supported", "claims"]
    return canvas.chart("reliability", "Reliability diagram", note, alt, columns, rows)


def _square(canvas: Canvas, frame: Frame, above: str, below: str) -> Axes:
    """A panel with lines in both directions, and what its axes tell."""
    canvas.text(0, 10, above, size=SMALL, alpha=QUIET)
    canvas.text(frame.left + frame.width, canvas.height - 4, below, size=SMALL, ha="right", alpha=QUIET)
    return canvas.panel(frame.left, frame.top, frame.width, frame.height, x=frame.x, y=frame.y, grid="both")


def risk_coverage(report: RunReport) -> Chart | None:
    points = sorted(report.risk, key=lambda point: point.coverage)
    if len(points) < 2:
        return None
    canvas = Canvas(238)
    kept = _kept(report.abstention)
    ends = [end for point in points for end in (point.risk, *(point.interval or ()))]
    y = scale("risk_at_coverage", [*ends, kept[1] if kept else None])
    frame = Frame(40, 22, WIDTH - 56, 180, Scale(-0.03, 1.02, _SHARES), y)
    axes = _square(canvas, frame, "error rate", "coverage: share of claims kept, the most confident first")
    _risk_line(axes, points)
    if kept:
        axes.plot([kept[0]], [kept[1]], linestyle="none", **marker(svg.ROLES["unsupported"], "D", size=7))
        _name_threshold(canvas, frame, *kept)
    wrong = "unsupported or distorted" if nouns.of(report.task).has_places else "unsupported"
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
    return canvas.chart("risk-coverage", "Risk-coverage curve", note, alt, columns, rows)


def _risk_line(axes: Axes, points: Sequence[RiskPoint]) -> None:
    known = [(point.coverage, point.interval) for point in points if point.interval is not None]
    if known:
        lows, highs = zip(*(ends for _, ends in known), strict=True)
        axes.fill_between([coverage for coverage, _ in known], lows, highs, color=SERIES[0], alpha=0.2, linewidth=0)
    axes.plot([p.coverage for p in points], [p.risk for p in points], color=SERIES[0], linewidth=1.8)


def _name_threshold(canvas: Canvas, frame: Frame, coverage: float, risk: float, threshold: float) -> None:
    """Above the curve, which rises to the right; under it where there is no room above."""
    is_right = coverage > 0.5
    x = frame.across(coverage) + (-10 if is_right else 10)
    level = frame.down(risk) + (-22 if frame.down(risk) > frame.top + 40 else 24)
    told = [f"threshold {formats.decimal(threshold)}"]
    told.append(f"keeps {formats.percent(coverage)}, {formats.percent(risk)} wrong")
    for line, text in enumerate(told):
        canvas.text(x, level + 13 * line, text, size=SMALL, ha="right" if is_right else "left")


def _kept(found: Abstention | None) -> tuple[float, float, float] | None:
    """Where the threshold stands: coverage, risk, and the threshold itself."""
    if found is None or found.threshold is None or found.coverage is None or found.false_claims is None:
        return None
    if found.coverage.value is None or found.false_claims.value is None:
        return None
    return found.coverage.value, found.false_claims.value, found.threshold
