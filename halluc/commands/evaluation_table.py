"""The figures that answer halluc's question, as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halluc.commands.terminal import Grid, put_table, say
from halluc.runs.schema import EvalFile, MetricResult
from halluc.task import evaluated

_BY_NOVELTY = {
    "hallucination rate": "hallucination_rate",
    "hallucination rate, wide": "hallucination_rate_wide",
    "distortion rate": "distortion_rate",
    "false claims": "false_claim_rate",
    "omission rate": "omission_rate",
    "recall": "recall",
    "share of hallucinations": "share_of_hallucinations",
}
_REASONS = ("label", "boundary", "both", "duplicate")
_ONCE: dict[str, tuple[str, dict[str, str]]] = {
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
    "  out of scope: acceptance": ("out_of_scope_acceptance", {"claims": "kept"}),
}
# How many labels are shown: of more, those that stand most often in gold.
MOST_LABELS = 30


# heading -> figure, of each label, behind those that are the task's own
_BY_LABEL = {
    "hallucination": "hallucination_rate",
    "wide": "hallucination_rate_wide",
    "distortion": "distortion_rate",
    "omission": "omission_rate",
}

Key = tuple[str, tuple[tuple[str, str], ...]]


def show(file: EvalFile) -> None:
    """Each label; what became of claims and gold, by novelty to the training split; then figures of the whole."""
    # Where two protocols give a figure of one name, the first is the primary one.
    metrics = evaluated(file).figures
    found = {_key(m.name, m.by): m for m in reversed(file.metrics) if m.name not in metrics.untold}
    rate = found.get(_key("hallucination_rate", {}))
    there = {name for name, _ in found}
    columns = {**metrics.by_label, **_BY_LABEL}
    _labels(file.split, found, {heading: name for heading, name in columns.items() if name in there})
    if rate is None or not rate.n:
        say(f"{file.split}: no claims: the model predicts nothing, so no rate of claims is defined")
    novelties = dict.fromkeys(
        m.by["novelty"] for m in file.metrics if m.name in _BY_NOVELTY.values() and [*m.by] == ["novelty"]
    )
    _rates(file.split, found, [novelty for novelty in novelties if novelty != "unseen"], metrics.overall)
    gold = found.get(_key("omission_rate", {}))
    if not novelties and any(figure is not None and figure.n for figure in (rate, gold)):
        say("novelty is not known: the config names no training split", style="dim")


def _key(name: str, by: dict[str, str]) -> Key:
    return name, tuple(sorted(by.items()))


def _labels(split: str, found: dict[Key, MetricResult], columns: Mapping[str, str]) -> None:
    labels = {dict(by)["label"] for _, by in found if [name for name, _ in by] == ["label"]}
    shown = sorted(sorted(labels, key=lambda label: (-_gold(found, label), label))[:MOST_LABELS])
    whole = {name for name, by in found if not by}
    table = Grid("", *columns, "claims", "gold", title=f"{split}: by label")
    for label in [*shown, None]:
        by = {} if label is None else {"label": label}
        row = [found.get(_key(name, by)) for name in columns.values()]
        counts = [found.get(_key(name, by)) for name in ("hallucination_rate", "omission_rate")]
        # What is counted by label alone has no figure of all, not even an undefined one.
        values = [
            "" if not by and name not in whole else _value(m) for m, name in zip(row, columns.values(), strict=True)
        ]
        cells = [*values, *("–" if count is None else f"{count.n:,}" for count in counts)]
        table.add_row(label if label is not None else "all", *cells)
    put_table(table)
    if len(labels) > len(shown):
        say(f"{len(labels) - len(shown):,} labels, none of them more frequent in gold, are not shown", style="dim")
    say()


def _gold(found: dict[Key, MetricResult], label: str) -> int:
    figure = found.get(_key("omission_rate", {"label": label}))
    return 0 if figure is None else figure.n


def _rates(
    split: str, found: dict[Key, MetricResult], novelties: Sequence[str], overall: Mapping[str, str]
) -> None:  # fmt: skip
    table = Grid("", "all", "95% interval", "n", *novelties, title=f"{split}: claims and gold")

    def add(told: str, name: str, by: dict[str, str]) -> None:
        whole = found.get(_key(name, by))
        parts = [found.get(_key(name, {**by, "novelty": novelty})) for novelty in novelties]
        if whole is not None or any(parts):
            table.add_row(told, *_whole(whole), *(_value(part) if any(parts) else "" for part in parts))

    for told, name in _BY_NOVELTY.items():
        add(told, name, {})
        for reason in _REASONS if name == "distortion_rate" else ():
            add(f"  by {reason}", name, {"reason": reason})
    for told, name in overall.items():
        add(told, name, {})
    for told, (name, by) in _ONCE.items():
        add(told, name, by)
    put_table(table)


def _whole(figure: MetricResult | None) -> tuple[str, str, str]:
    return ("", "", "") if figure is None else (_value(figure), _interval(figure), f"{figure.n:,}")


def _value(figure: MetricResult | None) -> str:
    return "–" if figure is None or figure.value is None else f"{figure.value:.4f}"


def _interval(figure: MetricResult) -> str:
    nothing = "" if figure.value is None else "none"
    return nothing if figure.interval is None else "[{:.4f}, {:.4f}]".format(*figure.interval)
