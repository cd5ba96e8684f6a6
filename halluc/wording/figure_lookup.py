"""The figures of eval/<split>.json, found by name and slice."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.runs.schema import MetricResult


class FigureLookup:
    """If two figures have the same name and slice, computed by different protocols, the first is the primary one."""

    def __init__(self, metrics: Iterable[MetricResult]) -> None:
        self.all = list(metrics)
        self._found: dict[tuple[str, frozenset[tuple[str, str]]], MetricResult] = {}
        for metric in self.all:
            self._found.setdefault((metric.name, frozenset(metric.by.items())), metric)

    def get(self, name: str, **by: str) -> MetricResult | None:
        """The figure of a slice, by default of all; None if it was not computed."""
        return self._found.get((name, frozenset(by.items())))

    def value(self, name: str, **by: str) -> float | None:
        """Its value; also None if it is undefined."""
        result = self.get(name, **by)
        return None if result is None else result.value

    def n(self, name: str, **by: str) -> int:
        """Its denominator; 0 if it was not computed."""
        result = self.get(name, **by)
        return 0 if result is None else result.n

    def slices(self, name: str, key: str) -> list[str]:
        """The values of ``key`` for which a figure was computed without other slices, in the order of the file."""
        return list(dict.fromkeys(metric.by[key] for metric in self.named(name) if metric.by.keys() == {key}))

    def named(self, name: str) -> list[MetricResult]:
        """All slices and protocols of a figure."""
        return [metric for metric in self.all if metric.name == name]


def count(metric: MetricResult | None) -> int:
    """The numerator of a share; 0 if it is unknown."""
    return 0 if metric is None else round((metric.value or 0) * metric.n)
