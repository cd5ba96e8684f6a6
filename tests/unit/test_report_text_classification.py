"""The report of labels of texts: what is told in other words than of names, and what is not there at all."""

from __future__ import annotations

import json

import pytest

from halluc.commands.figure_tables import show_comparison, show_study
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.reporting.charts import drawing
from halluc.reporting.collect import claim_selection, outcomes
from halluc.reporting.collect.claim_selection import MOST_TOKENS, SECTIONS, SelectedClaims, Smallest, Texts
from halluc.reporting.collect.comparison_reports import comparison_report as compared
from halluc.reporting.collect.comparison_reports import study_report as studied
from halluc.reporting.collect.confidences import abstention
from halluc.reporting.markdown import card, pages
from halluc.reporting.page import highlight, render
from halluc.reporting.views import evaluation
from halluc.reporting.words import nouns
from halluc.reporting.words.run_sentences import conclusion, headlines
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.reports import Mistake, TextNovelty
from halluc.runs.schema import ConfidenceFile, EvalFile, LedgerLine, Nearest
from halluc.runs.studies import StudyFigures
from halluc.task import task_class
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.coverage import TextCoverage
from halluc.tasks.text_classification.figures import LabelSets
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.records import LabelPrediction
from halluc.tasks.text_classification.task import TextClassification
from halluc.wording.nouns import FigureLookup
from tests.report_records import figure, run_report
from tests.study_records import comparison_report, study_report

TASK = "text_classification"
LABELS = "one label a text, none being out of scope"
RATE = figure("hallucination_rate", 0.4, 100, (0.3, 0.5))
SCOPE = figure("out_of_scope_acceptance", 0.75, 40, (0.6, 0.9), LABELS)
OMITTED = figure("omission_rate", 0.1, 60, (0.05, 0.2))

TEXTS = TextClassification(TextClassificationConfig(type="text_classification"))
LABEL_SETS = TextClassification(TextClassificationConfig(type="text_classification", multi_label=True))


def claim(identity="t1", label="refund", verdict="unsupported", text="where is it", novelty="q4", **more):
    record = {"record": "claim", "kind": "label", "text": text, "start": 0, "end": len(text.split()), "label": label}
    known = {"confidence": 0.9, "verdict": verdict, "reason": "other_label", "novelty": novelty}
    return LedgerLine(id=identity, **record | known | more)


def sections(lines, predictions):
    picked = SelectedClaims({section: Smallest(10) for section in SECTIONS})
    for line in lines:
        picked.sections[line.verdict or "omission"].add(0.0, line)
    texts = Texts(picked.example_ids(), set(), TEXTS)
    list(texts.collect(predictions))
    return claim_selection.sections(picked, texts), texts


def prediction(identity="t1", text="where is it", gold=("track",), predicted=(("refund", 0.9),), second=None):
    return LabelPrediction(
        id=identity, tokens=text.split(), gold=list(gold), predicted=list(predicted), second=second
    )  # fmt: skip


def rates(name, values, n):
    return [figure(name, value, n, (max(0.0, value - 0.1), value + 0.1), novelty=q) for q, value in values.items()]


def metrics():
    by = {"q1": 0.2, "q2": 0.3, "q4": 0.8}
    return [
        figure("accuracy", 0.7, 60, (0.6, 0.8), LABELS), figure("label_f1", 0.8, 30, (0.7, 0.9), LABELS, label="track"),
        SCOPE, RATE, figure("distortion_rate", 0.0, 100, (0.0, 0.04)), OMITTED,
        figure("support_rate", 0.6, 100, (0.5, 0.7)), figure("gap_ratio", 4.0, 25, (2.0, 8.0)),
        *rates("hallucination_rate", by, 25), *rates("over_claim", by, 25), *rates("omission_rate", by, 20),
        figure("share_of_hallucinations", 0.6, 40, (0.5, 0.7), novelty="q4"),
        figure("out_of_scope_auroc", 0.8, 100, (0.7, 0.9), "texts sorted by the probability of being in scope"),
    ]  # fmt: skip


def text_report(**changes):
    """A run of text classification: a claim of each kind, one of them of a pair."""
    found = FigureLookup(metrics())
    claims, _ = sections(
        [
            claim(nearest=Nearest(text="it is there", file="train.jsonl", line=7)),
            claim("t2", "track", reason="out_of_scope", text="sing a | a song"),
            claim("t3", "track", "supported", text="where now", nearest=Nearest(text="where now", file="f", line=3)),
        ],
        [
            prediction(),
            prediction("t2", "sing a | a song", (), [("track", 0.9)], second=2),
            prediction("t3", "where now", ("track",), [("track", 0.9)]),
        ],
    )
    knowledge = task_class("text_classification").evaluated(()).knowledge
    coverage = TextCoverage.of([Labelled("a", Origin("f", 1), ("where", "parcel", "boat"), ("track",))])
    counts = {"texts": 3, "words": 1_009, "labels": 2, "out_of_scope": 1, "pairs": 0}
    splits = [split.model_copy(update={"counts": counts}) for split in run_report().data.splits]
    return run_report().model_copy(
        update={
            "task": TASK,
            "metrics": metrics(),
            "headlines": headlines(found, TEXTS),
            "conclusion": conclusion(found, "test", {}, None, TEXTS),
            "by_novelty": outcomes.by_novelty(found, TEXTS),
            "by_label": [],
            "text_novelty": TextNovelty(edges=(0.1, 0.2, 0.5), edges_of="dev"),
            "gap": outcomes.gap_rows(
                knowledge, coverage, [Labelled("b", Origin("f", 2), ("parcel", "engine"), ("track",))]
            ),
            "confidence": [one.model_copy(update={"counts": {"supported": 4, "unsupported": 3}})
                           for one in run_report().confidence],
            "claims": claims,
            "data": run_report().data.model_copy(update={"splits": splits}),
            "mistakes": [
                Mistake(gold="track", predicted="refund", n=5), Mistake(gold="out_of_scope", predicted="track", n=2),
            ],
            **changes,
        }
    )  # fmt: skip


def html(report):
    return render.page(report, drawing.charts(report))


def test_a_claim_about_a_text_comes_with_its_labels_and_none_is_distorted():
    found, texts = sections(
        [claim(), claim("t2", "refund", "supported"), claim("t3", "track", None, record="omission")],
        [
            prediction(predicted=[("refund", 0.9), ("late", 0.6)]),
            prediction("t2", gold=["refund"]),
            prediction("t3", predicted=[("late", 0.6)]),
        ],
    )
    assert [one.section for one in found] == ["unsupported", "omission", "supported"]
    first, omission, right = (one.shown[0] for one in found)
    assert (first.gold, first.others) == ([(None, None, "track")], [(None, None, "late", 0.6)])
    assert (right.gold, right.others) == ([(None, None, "refund")], [])
    assert omission.others == [(None, None, "late", 0.6)]
    assert [piece.claim or piece.gold for piece in highlight.pieces(first, is_placed=False)] == [None]
    assert texts.counts == {"texts": 3, "words": 9, "labels": 3, "out_of_scope": 0, "pairs": 0}
    assert texts.labels == {"track": 2, "refund": 1}


def test_of_a_long_text_the_beginning_is_shown_and_of_a_pair_where_the_second_begins():
    words = " ".join(f"w{place}" for place in range(200))
    (long, *_), _ = sections([claim(text=words)], [prediction(text=words)])
    (pair, *_), _ = sections([claim(text=words)], [prediction(text=words, second=150)])
    one, both = long.shown[0], pair.shown[0]
    assert (one.first, one.before, one.after, len(one.tokens)) == (0, 0, 140, MOST_TOKENS)
    assert (both.first, both.before, both.after, len(both.tokens)) == (120, 120, 20, MOST_TOKENS)
    assert [half.split()[0] for half in highlight.halves(both.tokens, both.first, both.second)] == ["w120", "w150"]
    assert highlight.halves(["a", "b"], 0, None) == ["a b"]
    assert highlight.beginning(words).endswith("w59 …") and highlight.beginning("a b") == "a b"


def test_the_conclusion_describes_new_texts_and_of_those_out_of_scope():
    found = conclusion(FigureLookup(metrics()), "test", {"unsupported": [0.9] * 3, "supported": [0.5] * 3}, None, TEXTS)
    assert found == [
        "40 of 100 predicted labels on test are wrong (40.0% [30.0, 50.0]): 10 on texts with another label, 30 on"
        " texts out of scope.",
        "Predicted labels of the newest texts (q4) are wrong more often than those of the least new texts (q1): 80.0%"
        " [70.0, 90.0] against 20.0% [10.0, 30.0].",
        "Out-of-scope texts that get a label: 30 of 40 (75.0% [60.0, 90.0]).",
        "60 texts with a label: 42 predicted correctly (70.0% [60.0, 80.0]), 12 with another label predicted, 6 without"
        " a prediction (10.0% [5.0, 20.0]); wrong labels have a median confidence of 0.90, right ones 0.50.",
    ]
    (*_, last) = conclusion(FigureLookup([RATE, OMITTED]), "test", {}, None, LABEL_SETS)
    assert last == "60 annotated labels: 6 not predicted (10.0% [5.0, 20.0])."
    first, unknown = conclusion(FigureLookup([RATE]), "test", {}, None, TEXTS)
    assert first == "40 of 100 predicted labels on test are wrong (40.0% [30.0, 50.0])."
    assert unknown == "The novelty of the predicted labels is unknown."
    few = [figure("hallucination_rate", 0.02, 100, (0.0, 0.05)), *metrics()[7:]]
    assert (
        conclusion(FigureLookup(few), "test", {}, None, TEXTS)[1]
        == "Two cases are too few to conclude where the model is wrong."
    )


def test_a_conclusion_without_a_wrong_label_or_any_label():
    right = figure("hallucination_rate", 0.0, 50, (0.0, 0.07))
    none = "0 of 50 predicted labels on test are wrong (0.0% [0.0, 7.0])."
    assert conclusion(FigureLookup([right]), "test", {}, None, TEXTS) == [none]
    silent = conclusion(
        FigureLookup([figure("hallucination_rate", None, 0, None), OMITTED]), "test", {}, None, LABEL_SETS
    )
    assert silent[0] == "The model predicts no label on test."


def test_the_last_quarter_with_claims_is_compared_with_the_first():
    by = {"q1": 0.2, "q3": 0.8}
    share = figure("share_of_hallucinations", 0.6, 40, (0.5, 0.7), novelty="q3")
    found = FigureLookup([RATE, figure("gap_ratio", 4.0, 25, (2.0, 8.0)), *rates("over_claim", by, 25), share])
    (_, where, *_) = conclusion(found, "test", {}, None, TEXTS)
    assert where.startswith("Predicted labels of newer texts (q3) are wrong more often than those of the least new")
    (ratio,) = [one.meaning for one in headlines(found, TEXTS) if one.figure.name == "gap_ratio"]
    assert ratio.startswith("Predicted labels of newer texts (q3) are wrong 4.0 times")


def test_abstention_reports_what_becomes_of_texts_out_of_scope():
    after = [
        figure("claim_coverage", 0.8, 100, (0.7, 0.9), claims="kept"),
        figure("hallucination_rate", 0.1, 80, (0.05, 0.2), claims="kept"),
        figure("omission_rate", 0.2, 60, (0.1, 0.3), claims="kept"),
        figure("out_of_scope_acceptance", 0.1, 40, (0.05, 0.2), LABELS, claims="kept"),
    ]
    figures = FigureLookup([*metrics(), *after])
    withdrawn = abstention(ConfidenceFile(threshold=0.6), figures, "test", chosen_on_dev=True)
    last = conclusion(figures, "test", {}, withdrawn, TEXTS)[-1]
    assert last.endswith(", out-of-scope texts that get a label fall from 75.0% to 10.0% [5.0, 20.0].")


@pytest.mark.parametrize(("other", "is_only"), [(0, True), (1, False)])
def test_one_class_for_every_text_is_reported(other, is_only):
    every, gold = {"HUM": 100 - other, "LOC": other}, {"HUM": 20, "LOC": 80}
    found = [figure("hallucination_rate", 0.8, 100, (0.7, 0.9)), figure("hallucinated_examples", 0.8, 100, (0.7, 0.9))]
    for label in gold:
        found += [figure("label_precision", 0.2, every[label], None, label=label),
                  figure("hallucination_rate", 0.8, every[label], None, label=label),
                  figure("omission_rate", 0.5, gold[label], None, label=label)]  # fmt: skip
    told = "All predictions are “HUM”: the model ignores its input."
    assert (conclusion(FigureLookup(found), "test", {}, None, TEXTS)[1] == told) == is_only
    file = EvalFile(
        schema_version=1, task="text_classification", split="test", checkpoint="m", encoding={}, metrics=found
    )
    notes = evaluation.tables(file)[-1].notes
    assert ("test: all predictions are HUM: the model ignores its input" in notes) == is_only


def test_headlines_begin_with_the_figure_of_the_task():
    found = headlines(FigureLookup(metrics()), TEXTS)
    assert [one.figure.name for one in found] == [
        "accuracy", "hallucination_rate", "out_of_scope_acceptance", "gap_ratio",
    ]  # fmt: skip
    accuracy, rate, scope, ratio = (one.meaning for one in found)
    assert accuracy == "70.0% of the 60 texts that have a label get the annotated one (40 more are out of scope)."
    assert rate == ("40.0% of the predicted labels are wrong: 40 of 100, 30 of them on texts out of scope.")
    assert scope == (
        "30 of the 40 out-of-scope texts get a label; in 80.0% of pairs of a text in scope and one out of scope, the"
        " model is less confident about the one out of scope."
    )
    assert ratio == (
        "Predicted labels of the newest texts (q4) are wrong 4.0 times as often as those of the least new texts (q1):"
        " 80.0% against 20.0%."
    )
    several = [figure(name, 0.5, 9, None) for name in ("micro_f1", "micro_precision", "micro_recall")]
    (micro,) = headlines(FigureLookup(several), LABEL_SETS)
    assert micro.meaning == "50.0% of the 9 annotated labels are predicted; 50.0% of the predicted labels are right."


def test_outcomes_have_the_quarters_that_are_there():
    rows = outcomes.by_novelty(FigureLookup(metrics()), TEXTS)
    assert [row.name for row in rows] == ["all", "q1", "q2", "q4"]
    assert all(row.distortion is None for row in rows)
    assert [row.name for row in nouns.by_novelty(rows, TEXTS.wording.nouns)] == [
        "all",
        "least new",
        "less new",
        "newest",
    ]


def row(n):
    return {"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": n}


def test_the_classification_report_has_what_is_out_of_scope_and_the_commonest_mistakes(tmp_path):
    path = tmp_path / "report.json"
    tables = {"labels": {"a": row(3)}, "averages": {"micro avg": row(4)}, "out_of_scope": row(1)}
    matrix = {"a": {"a": 1, "b": 2, "out_of_scope": 3}, "out_of_scope": {"a": 0, "out_of_scope": 5}}
    path.write_text(json.dumps({**tables, "confusion": matrix}))
    figures = FigureLookup(metrics())
    (table,), mistakes = outcomes.classification(path, figures)
    assert table.title == f"labels, {LABELS}"
    assert [one.name for one in table.rows] == ["a", "out_of_scope"]
    assert [one.name for one in table.averages] == ["micro avg"]
    wrong = [Mistake(gold="a", predicted="out_of_scope", n=3), Mistake(gold="a", predicted="b", n=2)]
    assert mistakes == wrong
    path.write_text(json.dumps({**tables, "confusions": [one.model_dump() for one in wrong]}))
    assert outcomes.classification(path, figures)[1] == wrong
    # Of tokens the confusion has another shape, and is left aside.
    path.write_text(json.dumps({"entity": {"a": row(3)}, "confusion": {"labels": ["a"], "counts": [[1]]}}))
    assert outcomes.classification(path, figures)[1] == []


def test_the_gap_of_texts_is_one_of_words(tmp_path):
    knowledge = task_class("text_classification").evaluated(()).knowledge
    coverage = TextCoverage.of([Labelled("a", Origin("f", 1), ("parcel", "boat"), ("track",))])
    coverage.save(tmp_path / "coverage.json")
    example = Labelled("b", Origin("f", 2), ("parcel", "engine", "the"), ("track",))
    overall, label = outcomes.gap_rows(knowledge, knowledge.load(tmp_path / "coverage.json"), [example])
    assert (overall.counted, overall.unseen.value, overall.new) == (2, 0.5, None)
    assert (label.label, label.new.value) == ("track", 0.5)
    assert overall.unseen.protocol == "words of the split against those of the training split"


def test_the_page_describes_texts_and_not_names():
    told = html(text_report())
    assert "By novelty of the text" in told and "quarters start above 10.0%, 20.0%, 50.0%, the quartiles of dev" in told
    about = '<span class="as">predicted</span> <b class="label"><bdi>refund</bdi></b> <span class="sure"'
    assert (
        about
        + ' title="confidence">0.900</span>, <span class="as">annotated</span> <b class="label"><bdi>track</bdi></b>'
        in told
    )
    assert (
        '<span class="as">annotated</span> <em>out of scope</em> <span class="chip">of the newest texts (q4)</span>'
        in told
    )
    assert 'sing a <span class="second" title="start of the second text">‖</span> | a song' in told
    assert "nearest in training: <bdi>“it is there”</bdi>, <code>train.jsonl:7</code>" in told
    assert "first seen in training at <code>f:3</code>" in told
    assert '<option value="q4">newest</option>' in told
    counted = [
        f'<th scope="col">{heading}</th>' for heading in ("texts", "words", "labels", "out of scope", "repeated")
    ]
    assert "".join(counted) in told and "<td>3</td><td>1,009</td><td>2</td><td>1</td><td>3</td>" in told
    assert told.count('<th scope="col" class="text">by label</th>') == 1
    assert "Most frequent confusions" in told and 'class="headlines"' in told
    for absent in ("distorted", "boundary", "a name", " names ", "mentions", "of a labelled token", "partial"):
        assert absent not in told.partition("<body")[2], absent


def test_of_label_sets_a_text_has_no_label():
    report = text_report(
        metrics=[
            *metrics(),
            figure("subset_accuracy", 0.5, 60, None).model_copy(update={"protocol": LabelSets.protocols[0]}),
        ]
    )
    assert "<em>no label</em>" in html(report)
    assert "top_k=None" in card.card(report)


def test_markdown_and_card_describe_texts():
    told = pages.page(text_report())
    assert "| novelty | claims | supported | hallucinated | annotated | omitted |" in told
    assert "| label | words | forecast |" in told
    assert (
        "1. **refund**, annotated **track**, 90.0%, hallucination, of the newest texts (q4), nearest: "
        "**it is there** at" in told
    )
    assert "2. **track**, annotated out of scope" in told and "2. sing a ‖ &#124; a song" in told
    assert "distort" not in told and "| out of scope | track | 2 |" in told
    made = card.card(text_report())
    assert "pipeline_tag: text-classification" in made and "type: accuracy" in made
    assert 'classify = pipeline("text-classification", model=model)' in made
    assert "spans" not in made and "distort" not in made


def test_predictions_are_read_as_those_of_the_task(tmp_path):
    run = RunDir(tmp_path)
    run.predictions("test").parent.mkdir()
    run.predictions("test").write_text(prediction().model_dump_json() + "\n")
    assert list(evaluations.predictions(run, "test", task_class(TASK).evaluated(()).examples.Line)) == [prediction()]
    file = EvalFile(task="songs", split="test", checkpoint="m", encoding={}, metrics=[])
    run.evaluation("test").parent.mkdir()
    run.evaluation("test").write_text(file.model_dump_json())
    with pytest.raises(HallucError, match="a task that this halluc does not have: `songs`"):
        evaluations.read(run, "test")


@pytest.fixture
def labelled_run(tmp_path):
    """Only what comparisons and studies read of a run."""
    run = RunDir(tmp_path / "a")
    for path in (run.predictions("test"), run.evaluation("test")):
        path.parent.mkdir(parents=True)
    run.predictions("test").write_text(prediction(second=1).model_dump_json() + "\n")
    file = {"schema_version": 1, "task": TASK, "split": "test", "checkpoint": "", "encoding": {}, "metrics": []}
    run.evaluation("test").write_text(json.dumps(file))
    return run


def test_a_comparison_shows_flipped_labels_in_their_texts(labelled_run):
    other = comparison_report().others[0]
    flip = other.flipped[0].model_copy(update={"id": "t1", "start": 0, "end": 3, "label": "refund"})
    figures = [delta.model_copy(update={"name": delta.name.replace("entity", "micro")}) for delta in other.figures]
    report = compared([labelled_run], [other.model_copy(update={"flipped": [flip], "figures": figures})], [])
    assert (report.task, report.gold, report.seconds) == (TASK, {"t1": [(None, None, "track")]}, {"t1": 1})
    names = {delta.name for delta in report.others[0].figures}
    assert "hallucination_rate" in names and not names & {"distortion_rate", "hallucination_rate_wide"}
    told = render.page(report, drawing.charts(report))
    assert 'annotated</span> <b class="label"><bdi>track</bdi></b>' in told and "‖" in told
    assert "entity" not in told and "micro F1" in told


@pytest.mark.parametrize(
    ("is_placed", "start", "told"),
    [(True, 0, 't1 [0, 3) "where'), (False, 0, 't1 "where'), (True, None, 't1 "where')],
)
def test_only_a_flipped_claim_about_a_part_of_a_text_has_a_place_on_the_terminal(capsys, is_placed, start, told):
    report = comparison_report()
    other = report.others[0]
    changes = {"id": "t1", "start": start, "end": 3, "text": "where is it", "a": "unsupported"}
    other = other.model_copy(update={"flipped": [other.flipped[0].model_copy(update=changes)]})
    show_comparison(report.model_copy(update={"others": [other]}), is_placed=is_placed)
    assert told in capsys.readouterr().err


def test_a_study_has_no_columns_of_distortion(labelled_run, tmp_path):
    figures = study_report().figures
    figures = StudyFigures.model_validate_json(figures.model_dump_json().replace("entity_f1", "micro_f1"))
    cells = [cell.model_copy(update={"runs": [str(labelled_run.path)]}) for cell in figures.cells]
    report = studied("texts", tmp_path, figures.model_copy(update={"cells": cells}), [])
    assert report.task == TASK
    told = render.page(report, drawing.charts(report)) + pages.page(report)
    assert "micro F1" in told
    assert "with the omission rate." in told and "distortion rate" not in told
    assert not any(word in told for word in ("entity", ">wide<", "| wide |", "boundary", "distortion"))


def test_a_study_on_the_terminal_has_no_columns_of_what_is_not_counted(capsys):
    figures = study_report().figures
    gone = ("hallucination_rate_wide", "distortion_rate")
    parts = {
        part: [
            one.model_copy(update={"figures": [figure for figure in one.figures if figure.name not in gone]})
            for one in getattr(figures, part)
        ]
        for part in ("cells", "comparisons")
    }
    show_study(figures)
    whole = capsys.readouterr().err
    show_study(figures.model_copy(update={**parts, "trends": [], "arm_trends": []}))
    told = capsys.readouterr().err
    assert "wide" in whole and "distortion" in whole
    assert "hallucination" in told and "omission" in told and "at matched" in told
    assert not any(word in told for word in ("wide", "distortion", "duplicate", " DR"))
