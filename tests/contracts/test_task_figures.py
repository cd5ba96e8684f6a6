"""What the figures of every task must do."""

from __future__ import annotations

import dataclasses
import json
import random
from dataclasses import dataclass

import numpy
import pytest

from halluc.components import TABLE
from halluc.core.examples import Origin, Span
from halluc.core.figures import figure as figure_row
from halluc.core.figures import names, shown
from halluc.core.labels import write_tags
from halluc.core.significance import Sheet
from halluc.data.tokenization import Tokenizer
from halluc.task import task_class
from halluc.tasks.dialogue.figures import ReplyFigures
from halluc.tasks.question_answering.examples import AnswerPrediction, ContextQuestion
from halluc.tasks.question_answering.figures import AnswerFigures
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.relation_extraction.figures import RelationFigures
from halluc.tasks.summarisation.figures import SummaryFigures
from halluc.tasks.text_classification.config import RankingConfig
from halluc.tasks.text_classification.figures import Labelling, LabelSets
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_generation.source_text import Sourced, SourcePart, WrittenText, cut_parts
from halluc.tasks.token_classification.figures import Tagging
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.translation.figures import TranslationFigures
from halluc.tasks.translation.perturbation import Perturbed


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


def labelled(number: int, *labels: str) -> Labelled:
    group, timestamp = f"g{number % 3}", f"2024-0{1 + number // 3}-01"
    return Labelled(f"e{number}", Origin("f", number), ("where", "is", f"it{number}"), labels, None, group, timestamp)


@dataclass(frozen=True)
class Told:
    id: str
    labels: tuple[str, ...]
    in_scope: float | None = None

    @property
    def positive(self) -> float:
        return 0.9 if self.labels == ("ask",) else 0.1


def told(*rows: tuple[tuple[str, ...], float | None]) -> tuple[Told, ...]:
    return tuple(Told(f"e{number}", labels, sure) for number, (labels, sure) in enumerate(rows, 1))


ONE_LABEL = tuple(
    labelled(number, *labels)
    for number, labels in enumerate([("ask",), ("say",), (), ("ask",), ("sing",), ("say",), (), ("ask",)], 1)
)
LABEL_SETS = tuple(
    labelled(number, *labels) for number, labels in enumerate([("ask", "say"), ("sing",), (), ("ask",), ("say",)], 1)
)
RELATIONS = tuple(
    Related(f"e{number}", Origin("f", number), ("x", "of", "y"), Span(0, 1, ""), Span(2, 3, ""), relation)
    for number, relation in enumerate(["A(e1,e2)", "A(e2,e1)", None, "B(e1,e2)", "A(e1,e2)", None, "C"], 1)
)


def answered(number: int, text: str | None, no_answer: float) -> AnswerPrediction:
    return AnswerPrediction(f"e{number}", text, None, () if text is None else (0.5,), no_answer)


CONTEXT = SpacedText.from_tokens(("Anna", "Berg", "and", "Ida", "Moe", "met"))
QUESTIONS = tuple(
    ContextQuestion(f"e{number}", Origin("f", number), SpacedText.from_tokens(("who", "?")), CONTEXT, answers)
    for number, answers in enumerate([((0, 2),), ((3, 5), (4, 5)), (), ((5, 6),), (), ()], 1)
)


def translated(number: int, target: str) -> Sourced:
    return Sourced(f"e{number}", Origin("f", number), ("x",), ("", ""), (SourcePart("source", 0, 1),), (target,))


TRANSLATED = tuple(
    translated(number, text)
    for number, text in enumerate(
        ["ein Mann geht durch die Stadt .", "zwei Hunde spielen im hohen Gras .", "eine Frau liest ein altes Buch ."], 1
    )
)


LOST, KEPT = Perturbed("rare", "start", "so", "was ?", 0.0), Perturbed("frequent", "last", "the", "ein Mann", 0.3)


def known(number: int, text: str) -> Sourced:
    """A reply that is its knowledge."""
    return Sourced(f"e{number}", Origin("f", number), *cut_parts([("knowledge", text)], Tokenizer()), (text,))


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
    ),
    "labelling": (
        ONE_LABEL,
        told(*((e.labels, 0.9 if e.labels else 0.2) for e in ONE_LABEL)),
        told(
            *[(("ask",), 0.9), (("ask",), 0.6), ((), 0.3), ((), 0.4)],
            *[(("sing",), 0.7), (("say",), 0.6), (("say",), 0.65), (("ask",), 0.5)],
        ),
    ),
    "label_sets": (
        LABEL_SETS,
        told(*((e.labels, None) for e in LABEL_SETS)),
        told((("ask",), None), (("say", "sing"), None), ((), None), (("say",), None), (("say",), None)),
    ),
    "relations": (
        RELATIONS,
        told(*((e.labels, None) for e in RELATIONS)),
        told(
            *[(("A(e1,e2)",), None), (("A(e1,e2)",), None), (("B(e1,e2)",), None), (("B(e1,e2)",), None)],
            *[((), None), ((), None), (("A(e1,e2)",), None)],
        ),
    ),
    "answers": (
        QUESTIONS,
        tuple(answered(n, (*e.texts, None)[0], -1.0 if e.answers else 1.0) for n, e in enumerate(QUESTIONS, 1)),
        (
            *(answered(1, "Anna Berg", -3), answered(2, "Ida", -1), answered(3, "met", -2)),
            *(answered(4, None, 1), answered(5, None, 2), answered(6, None, 0.5)),
        ),
    ),
    "translation": (
        TRANSLATED,
        tuple(WrittenText(e.id, e.targets[0], (0.9,)) for e in TRANSLATED),
        (
            WrittenText("e1", "ein Mann geht durch die Stadt", (0.9,), logprob=-1.0, perturbed=(LOST, KEPT)),
            WrittenText("e2", "zwei Hunde spielen .", (), logprob=-1.0, perturbed=()),
            WrittenText("e3", "", (), logprob=-1.0, ended=False),
        ),
    ),
    "summarisation": (
        TRANSLATED,
        tuple(WrittenText(e.id, e.targets[0], (0.9,)) for e in TRANSLATED),
        (
            WrittenText("e1", "durch die Stadt geht ein Mann", (0.9,), logprob=-1.0),
            WrittenText("e2", "zwei Hunde", (), logprob=-1.0),
            WrittenText("e3", "", (), logprob=-1.0, ended=False),
        ),
    ),
    "dialogue": (
        tuple(known(number, text) for number, text in enumerate(["It opens early", "Trains go south", "Yes"], 1)),
        tuple(WrittenText(f"e{n}", text, ()) for n, text in enumerate(["It opens early", "Trains go south", "Yes"], 1)),
        (
            WrittenText("e1", "It opens late it opens", (0.9,), logprob=-1.0),
            WrittenText("e2", "Trains go to trains go", (), logprob=-1.0),
            WrittenText("e3", "", (), logprob=-1.0, ended=False),
        ),
    ),
}


# Those whose figures are of whole texts.
WITHOUT_LABELS = {"translation", "summarisation", "dialogue"}
FIGURES = {
    "tagging": Tagging, "labelling": Labelling, "label_sets": LabelSets, "relations": RelationFigures,
    "answers": AnswerFigures, "translation": TranslationFigures, "summarisation": SummaryFigures,
    "dialogue": ReplyFigures,
}  # fmt: skip
TASKS = {
    "tagging": "token_classification", "relations": "relation_extraction", "answers": "question_answering",
} | {name: name for name in ("translation", "summarisation", "dialogue")}  # fmt: skip


def make(name: str):
    return Labelling(ranked_by=RankingConfig(positive="ask")) if name == "labelling" else FIGURES[name]()


def values(metrics, examples, predictions):
    """Every figure of the whole, by name, slice and protocol."""
    sheet = Sheet(len(examples))
    figures = metrics.figures(examples, predictions, sheet)
    totals = sheet.totals()
    found = {(f.name, *sorted(f.by.items()), f.protocol): (float(f.formula(totals)), f.n) for f in figures}
    assert len(found) == len(figures), "two figures of one name, slice and protocol"
    return found


def ranked(metrics, examples, predictions):
    """The same of what needs an order."""
    found = {}
    for one in metrics.ranked(examples, predictions):
        assert len(one.example) and one.example.min() >= 0 and one.example.max() < (one.units or len(examples))
        for name, by, figure in one.figures:
            found[name, *sorted(by.items()), one.protocol] = figure
    return found


def overall(metrics, examples, predictions):
    """The figures that the headline is about: of the first protocol that has them."""
    found = values(metrics, examples, predictions)
    named = [name for family in metrics.families for name in family]
    return {
        name: next(found[name, protocol][0] for protocol in metrics.protocols if (name, protocol) in found)
        for name in named
    }


def test_the_figures_of_every_task_have_examples():
    assert set(SETS) == set(FIGURES)
    assert {type(task_class(name).evaluated(()).figures) for name in TABLE["task"]} <= set(FIGURES.values())


def test_a_protocol_reports_by_which_figures_of_a_task_it_was_counted():
    of_tasks: dict[str, list[str]] = {}
    for name in SETS:
        of_tasks.setdefault(TASKS.get(name, "text_classification"), []).extend(make(name).protocols)
    assert all(len(protocols) == len(set(protocols)) for protocols in of_tasks.values())
    for name, figures in FIGURES.items():
        assert type(task_class(TASKS.get(name, "text_classification")).evaluated(figures.protocols).figures) is figures


@pytest.mark.parametrize("name", SETS)
def test_what_a_set_leaves_out_are_rates_that_would_be_counted(name):
    metrics = make(name)
    assert metrics.excluded <= set(names(["claims"]))
    assert metrics.excluded.isdisjoint({"hallucination_rate", "support_rate", "omission_rate", "hallucinated_examples"})
    assert metrics.excluded.isdisjoint(metrics.names)


@pytest.mark.parametrize("name", SETS)
def test_the_primary_figure_is_one_of_the_families(name):
    assert make(name).primary in {one for family in make(name).families for one in family}


@pytest.mark.parametrize("name", SETS)
class TestEverySet:
    def test_the_headline_is_the_overall_figures(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        headline = metrics.headline(examples, poor)
        assert headline == pytest.approx(overall(metrics, examples, poor))
        assert any(0 < value < figure_row(one).most for one, value in headline.items()), (
            "the poor model must tell figures apart"
        )

    def test_a_perfect_model_scores_one_and_a_poor_one_less(self, name):
        metrics, (examples, perfect, poor) = make(name), SETS[name]
        best = {one: figure_row(one).most for one in metrics.headline(examples, perfect)}
        assert metrics.headline(examples, perfect) == pytest.approx(best)
        assert all(value < best[one] for one, value in metrics.headline(examples, poor).items())

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
        in_order, anew = ranked(metrics, examples, poor), ranked(metrics, *shuffled)
        assert {key: figure(None) for key, figure in in_order.items()} == pytest.approx(
            {key: figure(None) for key, figure in anew.items()}
        )
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

    def test_figures_of_an_order_hold_under_weights(self, name):
        """Of each thing once they are those of all, and under weights those of things that stand there so often."""
        metrics, (examples, _, poor) = make(name), SETS[name]
        for one in metrics.ranked(examples, poor):
            if one.units is not None:  # groups are resampled, not examples
                continue
            drawn = numpy.array([2] + [1] * (len(examples) - 2) + [0])
            chosen = [index for index, times in enumerate(drawn) for _ in range(times)]
            again = ranked(metrics, [examples[i] for i in chosen], [poor[i] for i in chosen])
            for figure_name, by, figure in one.figures:
                weights = numpy.stack([numpy.ones(len(one.example), dtype=numpy.uint16), drawn[one.example]])
                resampled = again[figure_name, *sorted(by.items()), one.protocol](None)
                assert figure(weights).tolist() == pytest.approx([figure(None), resampled])

    def test_figures_after_abstention_are_those_of_before_where_nothing_is_withdrawn(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        made = [getattr(prediction, "labels", getattr(prediction, "confidences", ())) for prediction in poor]
        claims = numpy.array(list(map(len, made)))
        before = values(metrics, examples, poor)
        sheet = Sheet(len(examples))
        for remaining, same in ((claims, True), (numpy.zeros_like(claims), False)):
            for figure in metrics.after_abstention(examples, poor, remaining, sheet):
                assert figure.by["claims"] == "kept"
                by = {key: value for key, value in figure.by.items() if key != "claims"}
                value, n = before[(figure.name, *sorted(by.items()), figure.protocol)]
                assert figure.n == n
                assert (float(figure.formula(sheet.totals())) == pytest.approx(value)) is same

    def test_names_and_what_the_terminal_shows_are_figures_that_it_gives(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        keys = {*values(metrics, examples, poor), *ranked(metrics, examples, poor)}
        assert {key[0] for key in keys} == set(metrics.names)
        assert {one for family in metrics.families for one in family} <= set(metrics.names)
        headed = {column.row.name for column in shown("labels", set(metrics.names))}
        assert headed <= {key[0] for key in keys if len(key) == 3 and key[1][0] == "label"}
        assert bool(headed) is (name not in WITHOUT_LABELS)
        # How a written text is counted may depend on its language.
        spoken = [[dataclasses.replace(e, language=code) for e in examples] for code in ("en", "de")
                  if hasattr(examples[0], "language")]  # fmt: skip
        given = keys.union(*(values(metrics, one, poor) for one in spoken))
        # The protocols of other settings of the task are declared too.
        others = {one for one in metrics.protocols if "; normalisation: " in one}
        assert set(metrics.protocols) - others <= {key[-1] for key in given}

    def test_the_report_is_plain_and_its_text_reports_every_label(self, name):
        metrics, (examples, _, poor) = make(name), SETS[name]
        rows = metrics.report(examples, poor)
        assert json.loads(json.dumps(rows)) == rows
        text = metrics.text(rows)
        labels = {value for figure in metrics.figures(examples, poor, Sheet(len(examples)))
                  for key, value in figure.by.items() if key == "label"}  # fmt: skip
        assert bool(labels) is (name not in WITHOUT_LABELS)
        assert text
        assert [label for label in labels if label not in text] == []
