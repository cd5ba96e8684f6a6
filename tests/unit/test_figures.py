"""Every figure has one row, and what is shown of it follows from that row alone."""

from __future__ import annotations

import ast
import subprocess
import sys
import types
from pathlib import Path

import pytest

import halluc
from halluc.analysis import points, scoring, verdicts
from halluc.analysis.seeds import SeedMean
from halluc.analysis.table import table
from halluc.components import TABLE
from halluc.core import figures
from halluc.core.examples import Origin, Span
from halluc.core.figures import MATCHED, FigureRow, figure, rows, shown
from halluc.core.labels import write_tags
from halluc.data.tokenization import Tokenizer
from halluc.task import build, task_class
from halluc.tasks.question_answering.examples import AnswerPrediction, ContextQuestion
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.relation_extraction.examples import PairPrediction, Related
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, cut_parts
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.wording import formats

ROOT = Path(halluc.__file__).parent
# Where a name and its formula stand together, or a name and the sentence that explains its value.
FORMULAS = {"core/figures.py", "analysis/rates.py", "analysis/scoring.py"}
SENTENCES = {"reporting/words/headlines.py"}

SETTINGS = [
    ("token_classification", {}),
    ("text_classification", {}),
    ("text_classification", {"multi_label": True}),
    ("relation_extraction", {}),
    ("question_answering", {}),
    ("translation", {}),
    ("summarisation", {}),
    ("dialogue", {}),
]


def task_of(name, keys):
    return build(task_class(name).Config(type=name, **keys))


def tagged(spans_of):
    examples, predictions = [], []
    for number, (gold, claimed) in enumerate(spans_of):
        identity, tokens = f"e{number}", ("Anna", "Berg", "in", "Oslo")
        examples.append(Tagged(identity, Origin("f", number), tokens, gold))
        confidences = tuple(0.9 if span in gold else 0.6 for span in claimed)
        predictions.append(TagPrediction(identity, tuple(write_tags(4, claimed)), claimed, confidences))
    return examples, predictions


def labelled(labels_of):
    examples, predictions = [], []
    for number, (gold, claimed) in enumerate(labels_of):
        identity = f"e{number}"
        sure = tuple(0.9 if label in gold else 0.6 for label in claimed)
        in_scope = 0.9 if gold else 0.3 if not claimed else 0.95
        examples.append(Labelled(identity, Origin("f", number), ("a", "text"), gold))
        predictions.append(TextPrediction(identity, claimed, sure, in_scope, out_of_scope=not claimed))
    return examples, predictions


def related(relations_of):
    examples, predictions = [], []
    for number, (gold, claimed) in enumerate(relations_of):
        identity, tokens = f"e{number}", ("Anna", "of", "Acme")
        examples.append(Related(identity, Origin("f", number), tokens, Span(0, 1, ""), Span(2, 3, ""), gold))
        labels = () if claimed is None else (claimed,)
        predictions.append(PairPrediction(identity, labels, (0.9 if claimed == gold else 0.6,) * len(labels)))
    return examples, predictions


def asked(answers_of):
    examples, predictions = [], []
    question, context = SpacedText.from_tokens(("who", "?")), SpacedText.from_tokens(("Anna", "Berg", "in", "Oslo"))
    for number, (gold, claimed) in enumerate(answers_of):
        identity, sure = f"e{number}", (0.9 if claimed in gold else 0.6,) if claimed else ()
        examples.append(ContextQuestion(identity, Origin("f", number), question, context, gold))
        text, none = context.part(*claimed) if claimed else None, -1.0 if claimed else 1.0
        predictions.append(AnswerPrediction(identity, text, claimed, sure, none))
    return examples, predictions


def written(texts_of, part="source"):
    examples, predictions = [], []
    for number, (gold, text) in enumerate(texts_of):
        parts = cut_parts([(part, "Anna Berg paid 12 euros in Oslo .")], Tokenizer())
        examples.append(Sourced(f"e{number}", Origin("f", number), *parts, (gold,), "en"))
        claims = GenerationJudge().statements(text, examples[-1])
        sure = tuple(0.9 if one.text in gold else 0.6 for one in claims)
        predictions.append(WrittenText(f"e{number}", text, sure, ended=bool(text), repeated=not text))
    return examples, predictions


def values(name, keys, made):
    """The overall figures of a split, by name: those of the first protocol."""
    task, (examples, predictions) = task_of(name, keys), made
    lines = verdicts.ledger_lines(
        verdicts.verdicts(task, examples, predictions), map(task.judge.gold, examples), None, None
    )
    counted = table(task, lines, [one.id for one in examples], [len(one.tokens) for one in examples])
    found = scoring.score(examples, predictions, counted)
    return {one.name: one.value for one in reversed(found) if not one.by}


PER, LOC, WRONG = Span(0, 2, "PER"), Span(3, 4, "LOC"), Span(2, 3, "LOC")
GOOD_AND_POOR = {
    "token_classification": (
        tagged([((PER, LOC), (PER, LOC)), ((), ()), ((LOC,), (LOC,))]),
        tagged([((PER, LOC), (Span(0, 1, "PER"), WRONG)), ((), (WRONG,)), ((LOC,), (LOC,))]),
    ),
    "text_classification": (
        labelled([(("sport",), ("sport",)), ((), ()), (("money",), ("money",))]),
        labelled([(("sport",), ("money",)), ((), ("money",)), (("money",), ("money",))]),
    ),
    "relation_extraction": (
        related([("by(e1,e2)", "by(e1,e2)"), (None, None), ("in(e2,e1)", "in(e2,e1)")]),
        related([("by(e1,e2)", "by(e2,e1)"), (None, "by(e1,e2)"), ("in(e2,e1)", "in(e2,e1)")]),
    ),
    "question_answering": (
        asked([(((0, 2),), (0, 2)), ((), None), (((3, 4),), (3, 4))]),
        asked([(((0, 2),), (0, 1)), ((), (2, 3)), (((3, 4),), (2, 3))]),
    ),
    "translation": (
        written([("In Oslo , Anna Berg paid 12 euros .",) * 2, ("That is what Anna Berg paid .",) * 2]),
        written([("In Oslo , Anna Berg paid 12 euros .", "In Rome , Bo Lind paid 13 euros ."), ("Anna paid .", "")]),
    ),
    "summarisation": (
        written([("In Oslo , Anna Berg paid 12 euros .",) * 2, ("That is what Anna Berg paid .",) * 2]),
        written([("In Oslo , Anna Berg paid 12 euros .", "In Rome , Bo Lind paid 13 euros ."), ("Anna paid .", "")]),
    ),
    "dialogue": (  # judged by the knowledge alone
        written([("Anna Berg paid 12 euros in Oslo .",) * 2, ("Anna Berg paid 12 euros .",) * 2], "knowledge"),
        written(
            [("In Oslo , Anna Berg paid 12 euros .", "In Rome , Bo Lind paid 13 euros ."), ("Anna paid .", "")],
            "knowledge",
        ),
    ),
}


@pytest.mark.parametrize(("name", "keys"), SETTINGS)
def test_every_figure_that_is_counted_or_gated_has_a_row(name, keys):
    task = task_of(name, keys)
    counted = {one for made in GOOD_AND_POOR[name] for one in values(name, keys, made)}
    assert len(counted) > 15
    assert counted | set(scoring.names(task)) <= set(rows())
    assert counted <= set(scoring.names(task))


def test_every_row_is_a_figure_that_something_counts():
    counted = {name for one, keys in SETTINGS for name in scoring.names(task_of(one, keys))}
    others = {row.name for row in rows().values() if row.family in ("gap", "probe")}
    assert set(rows()) == counted | others | {MATCHED}
    assert all(row.name == name for name, row in rows().items())


def test_two_rows_of_one_name_are_refused(monkeypatch):
    other = types.ModuleType("other.figure_rows")
    other.ROWS, other.SLICES = (FigureRow("ece", "mine", "score", "lower", "task", 1),), {}
    monkeypatch.setitem(sys.modules, "other", types.ModuleType("other"))
    monkeypatch.setitem(sys.modules, "other.figure_rows", other)
    monkeypatch.setattr(figures, "TABLE", {"task": {**TABLE["task"], "other": "other.task:Other"}})
    with pytest.raises(ValueError, match="two figures are called ece"):
        rows.__wrapped__()


@pytest.mark.parametrize(("name", "keys"), SETTINGS)
def test_directions_are_those_by_which_models_are_judged(name, keys):
    """What chooses a checkpoint is better where it is higher, and of every figure the better model has the better."""
    chosen = [one for family in task_of(name, keys).figures.families for one in family]
    assert {figure(one).better for one in chosen} == {"higher"}
    good, poor = (values(name, keys, made) for made in GOOD_AND_POOR[name])
    moved = {}
    for one in good.keys() & poor.keys():
        if good[one] is not None and poor[one] is not None and good[one] != poor[one]:
            moved[one] = "higher" if good[one] > poor[one] else "lower"
    calibration = {"ece", "brier", "reliability"}  # these judge the confidences, which are as they are
    assert len(moved) > 6
    neither = {one for one in moved if figure(one).better == "none"}  # such as how much is written
    assert {one: figure(one).better for one in moved if one not in calibration | neither} == {
        one: direction for one, direction in moved.items() if one not in calibration | neither
    }


@pytest.mark.parametrize(
    ("there", "head"),
    [
        ({"entity_f1", "token_f1", "ece", "omission_rate"}, ["entity_f1", "ece"]),
        ({"accuracy", "micro_f1", "hallucination_rate", "gap_ratio"}, ["accuracy", "hallucination_rate", "gap_ratio"]),
        ({"subset_accuracy", "micro_f1", "hallucination_rate"}, ["micro_f1", "hallucination_rate"]),
    ],
)
def test_the_head_has_the_figure_of_the_task_and_then_the_general_ones(there, head):
    assert [column.row.name for column in shown("head", there)] == head


def test_a_study_of_texts_has_no_column_of_mentions_and_the_other_way_round():
    keys = {"hallucination_rate", "omission_rate", "over_claim", "ece"}
    of_texts = [column.heading for column in shown("cells", keys | {"micro_f1", "out_of_scope_acceptance"})]
    assert of_texts[:4] == ["micro F1", "hallucination", "omission", "out of scope, labelled"]
    assert [one for one in of_texts if one.startswith("entity")] == []
    # A study shows the slices that it has: those by the reasons of its judge.
    reasons = {("reason", reason) for reason in task_of("token_classification", {}).judge.reasons}
    placed = shown("cells", keys | {"entity_f1", "distortion_rate"})
    of_mentions = [column.heading for column in placed if reasons.issuperset(column.by)]
    assert of_mentions == [
        *(
            "entity F1",
            "hallucination",
            "distortion",
            "wrong label",
            "boundary",
            "both",
            "duplicate",
            "omission",
            "ECE",
        ),
    ]


@pytest.mark.parametrize("place", figures.Place.__args__)
def test_every_place_shows_something_once_under_one_heading_each(place):
    found = shown(place)
    assert found
    assert len({column.key for column in found}) == len(found)
    by_task = [{column.row.name for column in found} - set(scoring.names(task_of(*one))) for one in SETTINGS]
    for others in by_task:
        headings = [column.heading for column in found if column.row.name not in others and column.heading[0] != " "]
        assert len(set(headings)) == len(headings)


def test_values_are_reported_in_the_unit_of_the_row():
    assert formats.value("omission_rate", 0.032) == "3.2%"
    assert formats.value("gap_ratio", 5.84) == "5.8×"
    assert formats.value("entity_f1", 0.8594) == "0.859"
    assert formats.difference("accuracy", -0.012) == "−1.2 points"
    assert formats.value("figure_of_a_later_version", 0.5) == "0.500"
    assert formats.title("figure_of_a_later_version") == "figure of a later version"


@pytest.mark.parametrize(("name", "high"), [("gap_ratio", 3.5), ("hallucination_rate", 1.0), ("entity_f1", 1.0)])
def test_intervals_end_at_the_largest_value_that_a_figure_can_have(name, high):
    estimate = SeedMean(0.9, (-0.2, 3.5), None, None, None, 3, 3)
    assert points.interval_of((name, ()), estimate) == (0.0, high)


def literals(tree):
    """Each tuple, list, set and dict with the strings that stand in it, those of nested ones included."""

    def strings(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Starred):
            yield from strings(node.value)
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            for part in node.elts:
                yield from strings(part)
        elif isinstance(node, ast.Dict):
            for part in (*node.keys, *node.values):
                if part is not None:
                    yield from strings(part)

    for node in ast.walk(tree):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
            yield node.lineno, set(strings(node))


def lists_of_figures(tree, names):
    return [(line, sorted(found & names)) for line, found in literals(tree) if len(found & names) > 1]


def test_a_list_of_figures_is_recognised():
    assert lists_of_figures(ast.parse('x = {"a": ("ece", ()), "b": [("aurc", {})]}'), {"ece", "aurc"}) == [
        (1, ["aurc", "ece"])
    ]


def test_no_other_module_lists_figures():
    names, found = set(rows()), []
    for path in sorted(ROOT.rglob("*.py")):
        inside = path.relative_to(ROOT).as_posix()
        if inside in FORMULAS | SENTENCES or inside.startswith("tasks/"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [f"{inside}:{line}: {', '.join(one)}" for line, one in lists_of_figures(tree, names)]
    assert found == []


def test_core_names_no_figure_of_a_task():
    own = {row.name for row in rows().values()} - {row.name for row in figures.ROWS}
    text = (ROOT / "core/figures.py").read_text(encoding="utf-8")
    assert [name for name in own if f'"{name}"' in text] == []
    assert len(own) > 20


def test_rows_are_read_without_heavy_libraries():
    code = (
        "import sys\nfrom halluc.core import figures\nassert figures.rows()\n"
        "sys.exit(', '.join({'torch', 'numpy', 'pydantic', 'sklearn', 'seqeval'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
