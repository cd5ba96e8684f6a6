"""The figures that answer halluc's question, as a table on the terminal."""

from __future__ import annotations

from rich.table import Table

from halluc.commands.terminal import people, say
from halluc.runs.schema import EvalFile, MetricResult

_BY_NOVELTY = {
    "hallucination rate": "hallucination_rate",
    "hallucination rate, wide": "hallucination_rate_wide",
    "distortion rate": "distortion_rate",
    "false claims": "false_claim_rate",
    "omission rate": "omission_rate",
    "recall": "recall",
    "share of hallucinations": "share_of_hallucinations",
}
_REASONS = {
    f"  by {reason}": ("distortion_rate", {"reason": reason}) for reason in ("label", "boundary", "both", "duplicate")
}
_ONCE: dict[str, tuple[str, dict[str, str]]] = {
    "entity F1": ("entity_f1", {}),
    "gap ratio": ("gap_ratio", {}),
    "hallucinated examples": ("hallucinated_examples", {}),
    "unsupported claims per 1,000 tokens": ("hallucination_density", {}),
    "negative-sentence rate": ("negative_sentence_rate", {}),
    "calibration error (ECE)": ("ece", {}),
    "  before calibration": ("ece", {"confidence": "uncalibrated"}),
    "Brier score": ("brier", {}),
    "AUROC of confidence": ("auroc", {}),
    "AURC": ("aurc", {}),
    "hallucination rate at 95% coverage": ("hallucination_rate_at_coverage", {"coverage": "0.95"}),
    "  at 90%": ("hallucination_rate_at_coverage", {"coverage": "0.9"}),
    "  at 80%": ("hallucination_rate_at_coverage", {"coverage": "0.8"}),
    "after abstention: share of claims kept": ("claim_coverage", {"claims": "kept"}),
    "  hallucination rate": ("hallucination_rate", {"claims": "kept"}),
    "  omission rate": ("omission_rate", {"claims": "kept"}),
}
_NOVELTIES = ("seen", "partial", "new")


def show(file: EvalFile) -> None:
    """What became of claims and gold, by novelty to the training split, then the figures of the whole."""
    found = {(m.name, tuple(sorted(m.by.items()))): m for m in reversed(file.metrics)}

    def get(name: str, **by: str) -> MetricResult | None:
        return found.get((name, tuple(sorted(by.items()))))

    rate = get("hallucination_rate")
    if rate is None or not rate.n:
        say(f"{file.split}: no claims: the model asserts nothing, and no rate of claims is defined")
    novel = any("novelty" in m.by for m in file.metrics)
    columns = _NOVELTIES if novel else ()
    table = Table(title=f"{file.split}: claims and gold", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for heading in ("all", "95% interval", "n", *columns):
        table.add_column(heading, justify="right")
    for told, name in _BY_NOVELTY.items():
        parts = [get(name, novelty=novelty) for novelty in columns]
        if get(name) is not None or any(parts):
            table.add_row(told, *_whole(get(name)), *(_value(part) for part in parts))
        if name == "distortion_rate":
            for reason, (_, by) in _REASONS.items():
                cells = [get(name, novelty=novelty, **by) for novelty in columns]
                table.add_row(reason, *_whole(get(name, **by)), *(_value(cell) for cell in cells))
    for told, (name, by) in _ONCE.items():
        figure = get(name, **by)
        if figure is not None:
            table.add_row(told, *_whole(figure))
    people.print(table)
    if not novel:
        say("novelty is not known: the config names no training split", style="dim")


def _whole(figure: MetricResult | None) -> tuple[str, str, str]:
    if figure is None:
        return "", "", ""
    return _value(figure), interval(figure), f"{figure.n:,}"


def _value(figure: MetricResult | None) -> str:
    return "–" if figure is None or figure.value is None else f"{figure.value:.4f}"


def interval(figure: MetricResult) -> str:
    """``[low, high]``, or nothing where there is none."""
    return "" if figure.interval is None else "[{:.4f}, {:.4f}]".format(*figure.interval)
