"""Translation and question answering go through the same code as the tasks of halluc: from predictions to studies."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest
from toy_tasks import ANSWERS, TRANSLATION, Asked, Translated

from halluc.analysis import rates, run_figures, scoring, study, verdicts
from halluc.analysis.comparison import flipped
from halluc.analysis.points import StudyCell
from halluc.analysis.table import table
from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.core.examples import Corpus, Origin, Span
from halluc.core.significance import Sheet
from halluc.data.inputs import InputText
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.schema import ConfidenceFile, RunFile
from halluc.task import Asserted, evaluated, task_class
from halluc.workflows import assessment

ORIGIN = Origin("f", 1)


def translated(number: int, source: str, target: str = "") -> Translated:
    return Translated(f"t{number}", ORIGIN, tuple(source.split()), tuple(target.split()))


# The dictionary writes `3` for `deux`, and copies what it does not know.
TEXTS = (
    translated(1, "il voit Londres", "he sees London"),
    translated(2, "il voit sept chats", "he sees 7 cats"),
    translated(3, "deux Anglais", "2 Englishmen"),
    translated(4, "voit Rome", "sees Rome"),
)
TARGETS = (translated(9, "Londres sept", "London 7"),)


def asked(number: int, text: str, question: str, answer: Span | None = None) -> Asked:
    return Asked(f"q{number}", ORIGIN, tuple(text.split()), tuple(question.split()), answer)


def answer(start: int, end: int) -> Span:
    return Span(start, end, "answer")


QUESTIONS = (
    asked(1, "yesterday Anna left", "who left", answer(1, 2)),
    asked(2, "the 3 ships of Rome sank at noon", "how many sank", answer(1, 2)),
    asked(3, "Anna Berg said nothing", "who spoke", answer(0, 2)),
    asked(4, "nobody saw Oslo", "who left"),
    asked(5, "it was a dark night", "what was it", answer(3, 5)),
    asked(6, "it rained", "who left"),
)
SHOWN = (asked(9, "Anna left", "who", answer(0, 1)),)

CASES = {"translation": (TRANSLATION, TEXTS, TARGETS), "answers": (ANSWERS, QUESTIONS, SHOWN)}


def predicted(task, examples):
    loaded = task.model.build(ModelConfig(name="none"), task.examples.labels(Corpus("train", examples, "f")), "eager")
    encoded = task.model.encode(examples, loaded)
    return task.model.predict(loaded.model, encoded, 64, None, task.model.decoding(loaded.outputs, "argmax"))


def knowledge(task, shown):
    return task.knowledge.from_coverage(task.knowledge.of({"train": Corpus("train", shown, "f")}), None)


def counted(name, threshold=None):
    """Ledger lines, their table, and every figure as eval/<split>.json has it, by name and slice."""
    task, examples, shown = CASES[name]
    predictions = predicted(task, examples)
    judged = verdicts.verdicts(task, examples, predictions)
    lines = verdicts.ledger_lines(judged, map(task.judge.gold, examples), knowledge(task, shown), threshold)
    made = table(task, lines, [one.id for one in examples], [len(one.tokens) for one in examples])
    figures = scoring.score(examples, predictions, made)
    return lines, made, {(one.name, *one.by.items()): (one.value, one.n) for one in figures}


def test_numbers_and_names_of_a_translation_are_judged_by_the_source():
    lines, made, found = counted("translation")
    assert [(line.id, line.text, line.label, line.start, line.verdict, line.novelty) for line in lines] == [
        ("t1", "London", "name", 2, "supported", "shown"),
        ("t2", "7", "number", 2, "supported", "shown"),
        ("t3", "3", "number", 0, "unsupported", "not shown"),
        ("t3", "Anglais", "name", 1, "supported", "not shown"),
        ("t4", "Rome", "name", 1, "supported", "not shown"),
    ]
    assert found["hallucination_rate",] == (0.2, 5)
    assert found["hallucination_rate", ("label", "number")] == (0.5, 2)
    assert found["over_claim", ("novelty", "not shown")] == (pytest.approx(1 / 3), 3)
    assert found["hallucinated_examples",] == (0.25, 4)
    # 3 + 3 + 0 + 2 of 3 + 4 + 2 + 2 words.
    assert found["words_right",] == (pytest.approx(8 / 11), 11)
    assert len(made.gold.example) == 0
    assert {name for name, *_ in found}.isdisjoint({"omission_rate", "recall", "distortion_rate"})


def test_answers_are_claims_and_an_answer_that_is_not_given_is_an_omission():
    lines, _, found = counted("answers")
    assert [(line.id, line.record, line.text, line.verdict, line.reason, line.novelty) for line in lines] == [
        ("q1", "claim", "Anna", "supported", None, "shown"),
        ("q2", "claim", "3", "supported", None, "not shown"),
        ("q3", "claim", "Anna", "distorted", "boundary", "shown"),
        ("q4", "claim", "Oslo", "unsupported", "no_answer", "not shown"),
        ("q5", "omission", "dark night", None, None, "not shown"),
    ]
    assert found["hallucination_rate",] == (0.25, 4)
    assert found["distortion_rate", ("reason", "boundary")] == (0.25, 4)
    assert found["omission_rate",] == (0.25, 4)
    assert found["negative_sentence_rate",] == (0.5, 2)
    # Right are both texts whose answer is found, and the one that has none and gets none.
    assert found["exact_match",] == (0.5, 6)


def test_comparisons_have_the_names_of_the_task():
    names = {
        name: {figure.name for figure in rates.headline(counted(name)[1], Sheet(len(CASES[name][1])))} for name in CASES
    }
    assert "answered_without_answer" in names["answers"] and "omission_rate" in names["answers"]
    assert {"hallucination_rate", "gap_ratio"} <= names["translation"]
    assert names["translation"].isdisjoint({"omission_rate", "distortion_rate", "f1"})
    for name, (task, *_) in CASES.items():
        assert names[name] <= set(scoring.names(task))


@pytest.mark.parametrize("name", CASES)
class TestBothToyTasks:
    def test_confidences_are_what_their_logits_say_and_scale(self, name):
        task, examples, _ = CASES[name]
        predictions = predicted(task, examples)
        rows, claim, _ = verdicts.scores(predictions)
        assert len(set(claim.tolist())) == sum(len(one.confidences) for one in predictions)
        same = verdicts.calibrated(predictions, 1.0 + 1e-12)
        flat = verdicts.calibrated(predictions, 20.0)
        for one, again, other in zip(predictions, same, flat, strict=True):
            assert again.confidences == pytest.approx(one.confidences)
            assert all(a < b for a, b in zip(other.confidences, one.confidences, strict=True))
        # Each text has as many starts and ends as tokens: those of short texts are filled up.
        assert numpy.isneginf(rows).any() == (name == "answers")

    def test_figures_after_abstention_exclude_withdrawn_claims(self, name):
        lines, _, found = counted(name, {"translation": 0.9, "answers": 0.5}[name])
        claims = [line for line in lines if line.record == "claim"]
        kept = [line for line in claims if not line.abstained]
        assert 0 < len(kept) < len(claims)
        assert found["claim_coverage", ("claims", "kept")] == (len(kept) / len(claims), len(claims))

    def test_an_edit_that_changes_nothing_makes_the_same_example(self, name):
        task, examples, _ = CASES[name]
        for one in examples:
            assert task.examples.rebuild(one, task.examples.editable(one), one.id, one.origin) == one

    def test_a_new_text_is_answered(self, name):
        task, _, shown = CASES[name]
        text = InputText(3, "given", ("Londres", "et", "Anna"))
        bare = task.examples.of_input("line-3", Origin("input", 3), text)
        (prediction,) = predicted(task, [bare])
        claims = task.judge.claims(bare, prediction)
        told = knowledge(task, shown)
        record = task.examples.answer(text, prediction, [Asserted(c, told.novelty(c), False, False) for c in claims])
        assert claims and record.model_dump()["line"] == 3
        assert claims[0].text in str(record)
        assert task.examples.answer(text, None, ()).model_dump()["line"] == 3

    def test_what_training_shows_is_kept_and_the_gap_is_counted(self, name, tmp_path):
        task, examples, shown = CASES[name]
        coverage = task.knowledge.of({"train": Corpus("train", shown, "f")})
        coverage.save(tmp_path / "coverage.json")
        again = task.knowledge.load(tmp_path / "coverage.json")
        assert task.knowledge.gap(again, examples) == task.knowledge.gap(coverage, examples)
        assert task.knowledge.gap(coverage, shown).overall.unseen.value == 0
        assert task.knowledge.gap(coverage, examples).overall.unseen.value > 0.5


# How each task says nothing of an example.
SILENT = {
    "translation": lambda said: replace(said, places=(), confidences=(), scores=()),
    "answers": lambda said: replace(said, answer=None, confidences=(), scores=(), claimed=()),
}


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The cells of a study of each task as ``halluc eval`` leaves them: a model, and one that says nothing where the
    first hallucinates; two seeds each."""
    monkeypatch.setitem(TABLE["task"], "toy_translation", "toy_tasks:Translation")
    monkeypatch.setitem(TABLE["task"], "toy_answers", "toy_tasks:ToyQuestionAnswering")

    def made(name, arm, seed):
        task, examples, shown = CASES[name]
        run = RunDir(tmp_path / name / f"{arm}-{seed}")
        run.path.mkdir(parents=True)
        run.config.write_text("")
        predictions = predicted(task, examples)
        judged = verdicts.verdicts(task, examples, predictions)
        if arm == "careful":
            false = [any(claim.verdict == "unsupported" for claim in one.claims) for one in judged]
            predictions = [SILENT[name](said) if bad else said for said, bad in zip(predictions, false, strict=True)]
        said = SimpleNamespace(corpus=Corpus("test", examples, "f"), predictions=predictions, notes={})
        by = {"checkpoint": "none", "changed_model_files": [], "decoding": None}
        assessment.write(run, task, by, said, knowledge(task, shown), ConfidenceFile())
        record = RunFile(name=name, command="eval", status="done", config_sha256="0", halluc="0", seeds={"seed": seed})
        (run.path / "run.json").write_text(record.model_dump_json())
        return StudyCell(f"{arm}-{seed}", {"arm": arm, "seed": seed}, run)

    return {name: [made(name, arm, seed) for arm in ("plain", "careful") for seed in (1, 2)] for name in CASES}


@pytest.mark.parametrize(("name", "rate"), [("translation", 0.2), ("answers", 0.25)])
def test_a_study_counts_cells_and_compares_arms(places, name, rate):
    found = study.figures(name, places[name], None)
    assert (found.split, found.examples, found.missing) == ("test", len(CASES[name][1]), {})
    means = [{(one.name, *one.by.values()): one.mean for one in cell.figures} for cell in found.cells]
    assert means[0]["hallucination_rate",] == rate
    assert means[1]["hallucination_rate",] == 0
    (compared,) = found.comparisons
    (delta,) = [one for one in compared.figures if one.name == "hallucination_rate" and not one.by]
    assert delta.difference == -rate
    assert ("omission_rate",) in means[0] or name == "translation"


@pytest.mark.parametrize("name", CASES)
def test_what_an_evaluation_wrote_is_read_back_with_its_task(places, name):
    task, examples, _ = CASES[name]
    one, other = (run_figures.read(places[name][at].run, "test") for at in (0, 2))
    assert type(one.table.task) is type(task) is task_class(task.name)
    assert [example[:2] for example in one.examples] == [(e.id, e.tokens) for e in examples]
    rate = ("hallucination_rate", ())
    assert one.values[rate] > other.values[rate] == 0
    flips = flipped(one.lines, other.lines)
    assert [flip.a for flip in flips if flip.a == "unsupported"] == ["unsupported"]
    assert {flip.b for flip in flips} == {"absent"}
    file = evaluations.read(places[name][0].run, "test")
    assert type(evaluated(file)) is type(task)
    lines = list(evaluations.predictions(places[name][0].run, "test", task.examples.Line))
    assert lines == [task.examples.line(e, p) for e, p in zip(examples, predicted(task, examples), strict=True)]
