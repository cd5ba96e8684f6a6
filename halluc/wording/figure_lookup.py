"""The figures of eval/<split>.json, found by name and slice."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.runs.schema import MetricResult


class FigureLookup:
    """Of two figures of one name and slice, counted by different protocols, the first is the primary one."""

    def __init__(self, metrics: Iterable[MetricResult]) -> None:
        self.all = list(metrics)
        self._found: dict[tuple[str, frozenset[tuple[str, str]]], MetricResult] = {}
        for metric in self.all:
            self._found.setdefault((metric.name, frozenset(metric.by.items())), metric)

    def get(self, name: str, **by: str) -> MetricResult | None:
        """The figure of a slice, of all if none is named; None if it was not counted."""
        return self._found.get((name, frozenset(by.items())))

    def value(self, name: str, **by: str) -> float | None:
        """Its value: None if it is undefined, too."""
        result = self.get(name, **by)
        return None if result is None else result.value

    def n(self, name: str, **by: str) -> int:
        """What it is a share of; 0 if it was not counted."""
        result = self.get(name, **by)
        return 0 if result is None else result.n

    def slices(self, name: str, key: str) -> list[str]:
        """The values of ``key`` by which alone a figure was counted, in the order of the file."""
        return list(dict.fromkeys(metric.by[key] for metric in self.named(name) if metric.by.keys() == {key}))

    def named(self, name: str) -> list[MetricResult]:
        """All slices and protocols of a figure."""
        return [metric for metric in self.all if metric.name == name]


def count(metric: MetricResult | None) -> int:
    """What a share counts, above the line; 0 if it is not known."""
    return 0 if metric is None else round((metric.value or 0) * metric.n)
