"""Studies in which nothing differs: how often the method of DEFINITIONS, section 4, says that something does.

A difference of seed s on example x is ``a_x + b_s + c_sx`` with independent normal parts; its mean is 0. The variances
over resamples of examples are known: they are those over the examples, divided by their number.
"""

from __future__ import annotations

import numpy

from halluc.analysis.seeds import common_variance, half_width

EXAMPLES = 150
# source -> standard deviations of a mean over examples: of what examples, seeds, and both together contribute
SOURCES = {
    "seeds": (0.0, 1.0, 0.0),
    "examples": (1.0, 0.0, 0.0),
    "interaction": (0.0, 0.0, 1.0),
    "seeds and examples": (1.0, 1.0, 0.0),
    "all three": (1.0, 1.0, 1.0),
    "mostly seeds": (0.3, 1.0, 0.3),
    "mostly examples": (1.0, 0.3, 0.3),
}
_CHUNK = 4_000


def simulated(seeds: int, source: str, draws: int):
    """Differences (draws, seeds), V_e (draws,) and v (draws,), in chunks."""
    of_examples, of_seeds, of_both = SOURCES[source]
    chance = numpy.random.default_rng([seeds, list(SOURCES).index(source)])
    root = numpy.sqrt(EXAMPLES)
    for start in range(0, draws, _CHUNK):
        some = min(_CHUNK, draws - start)
        parts = chance.normal(size=(some, seeds, EXAMPLES)) * (of_both * root)
        parts += chance.normal(size=(some, 1, EXAMPLES)) * (of_examples * root)
        values = parts.mean(-1) + chance.normal(size=(some, seeds)) * of_seeds
        yield values, parts.mean(1).var(-1) / EXAMPLES, parts.var(-1).mean(-1) / EXAMPLES


def false_positives(seeds: int, source: str, draws: int) -> float:
    """The share of studies without a difference whose 95% interval excludes 0."""
    wrong = 0
    for values, of_mean, of_each in simulated(seeds, source, draws):
        between = values.var(axis=1, ddof=1)
        half = half_width(common_variance(of_mean, of_each, seeds), between, seeds)
        # Where seeds agree, the interval is that of the examples.
        half = numpy.where(between < 1e-18, 1.959964 * numpy.sqrt(of_mean), half)
        wrong += int((numpy.abs(values.mean(axis=1)) > half).sum())
    return wrong / draws


def false_positives_of_resampled_seeds(seeds: int, source: str, draws: int, resamples: int = 500) -> float:
    """The same of a bootstrap over seeds, with which resampled examples are drawn too: the method before."""
    wrong = 0
    chance = numpy.random.default_rng(7)
    for values, of_mean, _ in simulated(seeds, source, draws):
        chosen = chance.integers(0, seeds, size=(len(values), resamples, seeds))
        means = numpy.take_along_axis(values[:, None, :], chosen, axis=2).mean(-1)
        means += chance.normal(size=means.shape) * numpy.sqrt(of_mean)[:, None]
        low, high = numpy.quantile(means, [0.025, 0.975], axis=1)
        wrong += int(((low > 0) | (high < 0)).sum())
    return wrong / draws
