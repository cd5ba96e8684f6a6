"""What every set of figures must do, and that tasks name theirs."""

from __future__ import annotations

import dataclasses
import json
import random
from dataclasses import dataclass

import numpy
import pytest

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.examples import Origin, Span, Tagged
from halluc.core.labels import write_tags
from halluc.core.significance import Sheet


def tagged(number: int, text: str, *spans: Span) -> Tagged:
    return Tagged(f"e{number}", Origin("f", number), tuple(text.split(" ")), spans)


@dataclass(frozen=True)
class Tags:
    id: str
    tags: tuple[str, ...]


TAGGED = (
    tagged(1, "Anna Berg visited Oslo .", Span(0, 2, "PER"), Span(3, 4, "LOC")),
    tagged(2, "nothing here"),
    tagged(3, "Acme said", Span(0, 1, "ORG")),
    tagged(4, "Oslo and Paris", Span(0, 1, "LOC"), Span(2, 3, "LOC")),
)


# set -> examples, what a perfect model says of them, and what a poor one does.
SETS = {
    "tagging": (
        TAGGED,
        tuple(Tags(e.id, tuple(write_tags(len(e.tokens), e.spans))) for e in TAGGED),
        (
            Tags("e1", ("B-PER", "O", "O", "B-LOC", "O")),
            Tags("e2", ("O", "B-ORG")),
            Tags("e3", ("B-PER", "O")),
            Tags("e4", ("B-LOC", "O", "O")),
        ),
    )
}


def make(name: str):
    component = registry.load(TABLE, "metric", name)
    return component(component.Config(type=name))


def values(metrics, examples, predictions):
    """Every figure of the whole, by name, slice and protocol."""
    sheet = Sheet(len(examples))
    figures = metrics.figures(examples, predictions, sheet)
    totals = sheet.totals()
    found = {(f.name, *sorted(f.by.items()), f.protocol): (float(f.formula(totals)), f.n) for f in figures}
    assert len(found) == len(figures), "two figures of one name, slice and protocol"
    return found


def overall(metrics, examples, predictions):
    """The figures that the headline is about: of the first protocol that has them."""
    found = values(metrics, examples, predictions)
    named = [name for family in metrics.families for name in family]
    return {
        name: next(found[name, protocol][0] for protocol in metrics.protocols if (name, protocol) in found)
        for name in named
    }


def test_every_set_has_examples():
    assert set(SETS) == set(TABLE["metric"])


@pytest.mark.parametrize("name", TABLE["task"])
def test_every_task_names_a_set_and_a_figure_of_it(name):
    task = registry.load(TABLE, "task", name)
    assert task.primary in {one for family in make(task.scores).families for one in family}


@pytest.mark.parametrize("name", SETS)
class TestEverySet:
    def test_the_headline_is_the_overall_figures(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        headline = metrics.headline(examples, poor)
        assert headline == pytest.approx(overall(metrics, examples, poor))
        assert any(0 < value < 1 for value in headline.values()), "the poor model must tell figures apart"

    def test_a_perfect_model_scores_one_and_a_poor_one_less(self, name):
        metrics, (examples, perfect, poor) = make(name), SETS[name]
        assert set(metrics.headline(examples, perfect).values()) == {1.0}
        assert all(value < 1 for value in metrics.headline(examples, poor).values())

    def test_the_order_of_the_examples_changes_nothing(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        order = list(range(len(examples)))
        random.Random(1).shuffle(order)
        assert order != sorted(order)
        shuffled = [examples[i] for i in order], [poor[i] for i in order]
        one, other = values(metrics, examples, poor), values(metrics, *shuffled)
        assert one.keys() == other.keys()
        for key, (value, n) in one.items():
            assert other[key] == (pytest.approx(value, nan_ok=True), n), key
        assert metrics.report(examples, poor) == metrics.report(*shuffled)

    def test_figures_are_of_sums_over_examples(self, name):
        """A corpus of each example twice has the same figures, and so has a sheet of which each row counts twice."""
        metrics, (examples, _, poor) = make(name), SETS[name]
        sheet = Sheet(len(examples))
        figures = metrics.figures(examples, poor, sheet)
        doubled = sheet.summed(numpy.full((len(examples), 1), 2.0, dtype=numpy.float32))
        twice = values(metrics, (*examples, *examples), (*poor, *poor))
        for figure in figures:
            whole, n = twice[(figure.name, *sorted(figure.by.items()), figure.protocol)]
            assert n == 2 * figure.n
            assert float(figure.formula(doubled)[0]) == pytest.approx(whole, nan_ok=True)

    def test_each_resample_is_the_corpus_that_it_draws(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        sheet = Sheet(len(examples))
        figures = metrics.figures(examples, poor, sheet)
        drawn = numpy.array([2] + [1] * (len(examples) - 2) + [0])
        sums = sheet.summed(drawn[:, None].astype(numpy.float32))
        chosen = [index for index, times in enumerate(drawn) for _ in range(times)]
        renamed = [dataclasses.replace(examples[i], id=f"r{n}") for n, i in enumerate(chosen)]
        resampled = values(metrics, renamed, [poor[i] for i in chosen])
        for figure in figures:
            key = (figure.name, *sorted(figure.by.items()), figure.protocol)
            if not figure.by:
                assert float(figure.formula(sums)[0]) == pytest.approx(resampled[key][0], nan_ok=True), key

    def test_names_and_what_the_terminal_shows_are_figures_that_it_gives(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        sheet = Sheet(len(examples))
        figures = metrics.figures(examples, poor, sheet)
        assert {figure.name for figure in figures} == set(metrics.names)
        assert {one for family in metrics.families for one in family} <= set(metrics.names)
        assert set(metrics.overall.values()) <= {figure.name for figure in figures if not figure.by}
        assert set(metrics.by_label.values()) <= {figure.name for figure in figures if list(figure.by) == ["label"]}
        assert set(metrics.protocols) <= {figure.protocol for figure in figures}

    def test_the_report_is_plain_and_its_text_tells_every_label(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        rows = metrics.report(examples, poor)
        assert json.loads(json.dumps(rows)) == rows
        text = metrics.text(rows)
        labels = {value for figure in metrics.figures(examples, poor, Sheet(len(examples)))
                  for key, value in figure.by.items() if key == "label"}  # fmt: skip
        assert labels
        assert [label for label in labels if label not in text] == []
