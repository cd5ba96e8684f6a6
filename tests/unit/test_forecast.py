from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.config.loading import load
from halluc.core.examples import Origin, Span
from halluc.data.corpora import read_corpora
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.forecast import Gap, Proportion, Z, bootstrapped_shares, gap_of, good_turing
from halluc.tasks.token_classification.tagged_sentence import Tagged
from tests.conftest import REPOSITORY


def sentences(*mentions: list[tuple[str, str]]) -> list[Tagged]:
    """Sentences of one-word mentions: (word, label)."""
    return [
        Tagged(
            str(line),
            Origin("x.txt", line),
            tuple(word for word, _ in one),
            tuple(Span(at, at + 1, label) for at, (_, label) in enumerate(one)),
        )
        for line, one in enumerate(mentions, 1)
    ]


def test_good_turing_is_the_share_of_mentions_that_occur_once_with_estys_interval():
    figure = good_turing([1] * 20 + [2] * 5 + [10] * 7)
    assert (figure.value, figure.n) == (0.2, 100)
    half = Z * math.sqrt(20 * 0.8 + 2 * 5) / 100
    assert figure.interval == pytest.approx((0.2 - half, 0.2 + half))


def test_its_interval_stays_among_shares():
    assert good_turing([1, 1]).interval == (pytest.approx(0.158, abs=0.001), 1.0), "exact"
    assert good_turing([3, 3]).interval == (0.0, pytest.approx(0.459, abs=0.001))
    assert good_turing([2, 2]).interval == (0.0, pytest.approx(Z * 2 / 4))
    assert good_turing([1, 2]).interval == (0.0, 1.0)


def test_without_mentions_every_figure_is_undefined():
    assert good_turing([]) == Proportion(None, 0)
    empty = gap_of(SurfaceCoverage.of(sentences([])), sentences([], []))
    assert empty.overall == Gap(0, Proportion(None, 0), Proportion(None, 0), Proportion(None, 0), Proportion(None, 0))
    assert empty.by_label == {}


def test_a_gap_is_counted_overall_and_by_label():
    train = sentences([("a", "X"), ("b", "Y")], [("a", "X")])
    other = sentences([("a", "X"), ("b", "X")], [], [("b", "Y"), ("c", "Z")])
    gap = gap_of(SurfaceCoverage.of(train), other)
    assert (gap.overall.mentions, gap.overall.unseen.value, gap.overall.new.value) == (4, 0.5, 0.5)
    assert gap.overall.forecast.value == pytest.approx(1 / 3)
    assert gap.overall.excess.value == pytest.approx(0.5 - 1 / 3)
    assert {label: (one.mentions, one.unseen.value) for label, one in gap.by_label.items()} == {
        "X": (2, 0.5), "Y": (1, 0.0), "Z": (1, 1.0)
    }  # fmt: skip
    assert gap.by_label["Z"].forecast.value is None
    assert gap.by_label["Z"].excess == Proportion(None, 1)
    assert sum(one.mentions for one in gap.by_label.values()) == gap.overall.mentions


def test_partial_mentions_are_unseen_and_not_new():
    train = [Tagged("1", Origin("x", 1), ("Anna", "Berg"), (Span(0, 2, "PER"),))]
    gap = gap_of(SurfaceCoverage.of(train), sentences([("Anna", "PER")]))
    assert (gap.overall.unseen.value, gap.overall.new.value) == (1.0, 0.0)


def test_a_label_of_the_training_split_alone_has_a_forecast_and_no_share():
    gap = gap_of(SurfaceCoverage.of(sentences([("a", "X")])), sentences([("b", "Y")]))
    assert gap.by_label["X"].forecast.value == 1.0
    assert gap.by_label["X"].unseen == Proportion(None, 0)


def test_half_widths_of_the_excess_are_combined_in_quadrature():
    train = sentences(*[[(f"w{i // 2}", "X")] for i in range(60)], *[[(f"v{i}", "X")] for i in range(20)])
    other = sentences(*[[(f"w{i}", "X")] for i in range(20)], *[[("new", "X")]] * 15)
    gap = gap_of(SurfaceCoverage.of(train), other).overall
    low, high = (
        math.hypot(gap.unseen.value - gap.unseen.interval[0], gap.forecast.interval[1] - gap.forecast.value),
        math.hypot(gap.unseen.interval[1] - gap.unseen.value, gap.forecast.value - gap.forecast.interval[0]),
    )
    assert gap.excess.interval == pytest.approx((gap.excess.value - low, gap.excess.value + high))


def shares_of(table: numpy.ndarray) -> list[Proportion]:
    return bootstrapped_shares(*numpy.unique(table, axis=0, return_counts=True))


def test_the_bootstrap_agrees_with_one_that_draws_example_by_example():
    generator = numpy.random.default_rng(3)
    mentions = generator.integers(0, 5, 300)
    table = numpy.stack([generator.binomial(mentions, 0.4), mentions], axis=1)
    (share,) = shares_of(table)
    drawn = table[generator.integers(0, 300, (10_000, 300))].sum(axis=1)
    plain = numpy.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    assert share.value == pytest.approx(table[:, 0].sum() / table[:, 1].sum())
    assert share.interval == pytest.approx(tuple(plain), abs=0.003)
    assert share.interval[1] - share.interval[0] > 0.05


def test_resamples_without_a_mention_are_left_out():
    (share,) = shares_of(numpy.array([[1, 1], [0, 0], [0, 0]]))
    assert share == Proportion(1.0, 1, (pytest.approx(0.025), 1.0)), "exact, since all resamples are equal"


def test_one_unseen_mention_has_an_excess_of_any_size():
    excess = gap_of(SurfaceCoverage.of(sentences([("a", "X")])), sentences([("b", "X")], [])).overall.excess
    assert (excess.value, excess.interval) == (0.0, (pytest.approx(-0.975), pytest.approx(0.975)))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_shares_lie_within_their_intervals_and_among_shares(rows):
    table = numpy.array([[min(part, whole), whole] for part, whole in rows], dtype=numpy.int64).reshape(-1, 2)
    (share,) = shares_of(table)
    if not table[:, 1].sum():
        assert share == Proportion(None, 0)
    else:
        low, high = share.interval
        assert 0 <= low < high <= 1
        assert shares_of(table) == [share]


def gaps(name: str, real_data, split: str) -> Gap:
    loaded = load(REPOSITORY / "configs" / name, table=TABLE, environ={"HALLUC_DATA": str(real_data)})
    splits = read_corpora(loaded.experiment.data, TABLE, ("train", split)).splits
    return gap_of(SurfaceCoverage.of(splits["train"]), splits[split]).overall


@pytest.mark.data
def test_the_gap_of_conll_2003_is_the_known_one(real_data):
    gap = gaps("conll.yaml", real_data, "test")
    assert (gap.mentions, gap.forecast.n) == (5648, 23499)
    assert gap.forecast.value == pytest.approx(0.209, abs=0.0005)
    assert gap.unseen.value == pytest.approx(0.475, abs=0.0005)
    assert gap.new.value == pytest.approx(0.28, abs=0.01)
    assert gap.excess.interval[0] > 0.2


@pytest.mark.data
def test_the_gap_of_wnut_17_is_the_known_one(real_data):
    gap = gaps("wnut17.yaml", real_data, "test")
    assert gap.forecast.value == pytest.approx(0.717, abs=0.0005)
    assert gap.unseen.value == 1.0


@pytest.mark.data
def test_where_dev_is_drawn_like_train_the_forecast_comes_true(real_data):
    gap = gaps("cluener.yaml", real_data, "dev")
    assert gap.excess.interval[0] < 0 < gap.excess.interval[1]


def test_examples_without_a_label_count_in_its_interval_without_being_stored():
    def example(number, *spans):
        return Tagged(str(number), Origin("", number), ("a", "b", "c"), spans)

    coverage = SurfaceCoverage.of([example(0, Span(0, 1, "A"), Span(1, 2, "B"))])
    split = [example(n, *[Span(n % 3, n % 3 + 1, "AB"[n % 2])][: n % 4]) for n in range(40)]
    found = gap_of(coverage, split)
    for label in "AB":
        novelties = [[one for one in example.spans if one.label == label] for example in split]
        known = {"A": 0, "B": 1}[label]
        unseen = [sum(one.start != known for one in some) for some in novelties]
        table = numpy.array([[away, len(some)] for away, some in zip(unseen, novelties, strict=True)])
        (figure,) = shares_of(table)
        assert (found.by_label[label].unseen.value, found.by_label[label].mentions) == (figure.value, figure.n)
        assert found.by_label[label].unseen.interval == pytest.approx(figure.interval, abs=0.02)
