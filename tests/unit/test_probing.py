"""Facts and patterns as files have them, what training mentions of them, and figures counted by hand."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy
import pytest

from halluc.analysis.probing import FactNovelty, ProbeAnswer, ProbeSheet, answer_of, differences
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.exact_intervals import of_difference, wilson
from halluc.core.figures import shown
from halluc.data.facts import Fact, Pattern, Relation, read_relations
from halluc.data.tokenization import Tokenizer
from halluc.gap.mentions import mentions
from halluc.workflows.probing import ProbeOptions, _ask, _sample_relation

PATTERNS = '{"pattern": "[X] lives in [Y].", "lemma": "live"}\n\n{"pattern": "[Y] is where [X] lives."}\n'
FACTS = "".join(
    f'{{"sub_label": "{subject}", "obj_label": "{place}"}}\n'
    for subject, place in (("Anna", "Oslo"), ("Bo", "Rome"), ("Anna", "Rome"))
)


def folders(tmp_path, patterns, facts):
    for name, files in (("patterns", patterns), ("facts", facts)):
        (tmp_path / name).mkdir()
        for stem, text in files.items():
            (tmp_path / name / f"{stem}.jsonl").write_text(text, encoding="utf-8")
    return tmp_path / "patterns", tmp_path / "facts"


def test_a_subject_with_several_objects_is_one_fact(tmp_path):
    [relation], lacking = read_relations(
        *folders(tmp_path, {"P1": PATTERNS, "P2": PATTERNS}, {"P1": FACTS, "P3": FACTS})
    )
    assert relation.facts == (Fact("P1", "Anna", ("Oslo", "Rome"), 1), Fact("P1", "Bo", ("Rome",), 2))
    assert relation.objects == ("Rome", "Oslo")
    assert lacking == ["P2", "P3"]
    first, second = relation.patterns
    assert first.around("Anna [Y]") == ("Anna [Y] lives in ", ".")
    assert (first.context, second.context) == (" lives in ", None)
    assert second.around("Anna") == ("", " is where Anna lives.")
    assert Pattern("In [Y], [X] lives.").around("Bo") == ("In ", ", Bo lives.")


@pytest.mark.parametrize(
    ("patterns", "facts", "where", "problem"),
    [
        ('{"pattern": "[X] lives in."}\n', FACTS, "patterns/P1.jsonl:1", "not a cloze pattern"),
        (PATTERNS + '{"pattern": "[X] and [X] live in [Y]"}\n', FACTS, "patterns/P1.jsonl:4", "not a cloze pattern"),
        (PATTERNS, FACTS + '{"sub_label": "Bo"}\n', "facts/P1.jsonl:4", "no fact"),
        (PATTERNS, FACTS + '{"sub_label": "Bo", "obj_label": " "}\n', "facts/P1.jsonl:4", "no fact"),
        (PATTERNS, FACTS + "Bo\tRome\n", "facts/P1.jsonl:4", "not readable as JSON"),
    ],
)
def test_a_broken_line_is_reported_with_its_place(tmp_path, patterns, facts, where, problem):
    with pytest.raises(HallucError, match=problem) as caught:
        read_relations(*folders(tmp_path, {"P1": patterns}, {"P1": facts}))
    assert (caught.value.code, caught.value.exit_code) == ("D190", 3)
    assert str(caught.value.where).startswith(str(tmp_path / where))


def test_what_is_not_there_is_reported(tmp_path):
    given = folders(tmp_path, {"P19": PATTERNS, "P2": ""}, {"P19": FACTS, "P2": FACTS})
    with pytest.raises(HallucError, match="no relation `P18`") as caught:
        read_relations(*given, ["P18"])
    assert caught.value.help == "did you mean `P19`?"
    with pytest.raises(HallucError, match="no relation has patterns in"):
        read_relations(*given, ["P2"])
    with pytest.raises(HallucError, match="no such file"):
        read_relations(given[0] / "P19.jsonl", tmp_path / "P19.jsonl")
    (given[0] / "P19.jsonl").write_text('{"pattern": "[X]"}\n{"pattern": 3}\n', encoding="utf-8")
    with pytest.raises(ManyErrors, match="2 errors"):
        read_relations(*given)


def test_a_sample_has_as_many_of_the_subjects_that_training_mentions_as_of_others(tmp_path):
    facts = tuple(Fact("P1", f"s{n}", ("Rome",), n) for n in range(40))
    relation = Relation("P1", (Pattern("[X] in [Y]"), Pattern("[Y] of [X]")), facts, ("Rome",))
    novelty = {fact: FactNovelty("seen" if fact.line < 3 else "new", "new") for fact in facts}
    options = ProbeOptions(tmp_path, tmp_path, sample=5, most_patterns=1)
    drawn = _sample_relation(relation, novelty, options)
    lines = [fact.line for fact in drawn.facts]
    assert lines[:3] == [0, 1, 2] and len(lines) == 8 and lines == sorted(lines) != list(range(8))
    assert (drawn.patterns, drawn.objects) == (relation.patterns[:1], ("Rome",))
    assert _sample_relation(relation, novelty, options) == drawn
    assert len(_sample_relation(relation, {}, options).facts) == 5


def test_a_pattern_with_the_subject_after_the_object_does_not_end_a_text():
    model = SimpleNamespace(fits=lambda after: not after.strip(" ."))
    relation = Relation("P1", (Pattern("In [Y] [X]."),), (Fact("P1", "Anna", ("Rome",), 1),), ("Rome",))
    left_out = Counter()
    assert _ask(model, relation, 1, left_out) == [] and left_out["patterns"] == 1


def test_names_are_mentioned_by_their_words_in_a_row():
    texts = [["ST.", "LOUIS", "won", "."], ["Anna", "-", "Berg", "'s", "New", "York"], ["in", "北京", "York", "New"]]
    texts.append("Anna Berg left 北京")  # tokens that are characters
    examples = [SimpleNamespace(tokens=tuple(text)) for text in texts]
    names = ["St. Louis", "Louis St.", "anna berg", "New York", "new york", "York", "北京", "…", "Ann"]
    found = mentions(names, examples, Tokenizer().tokens)
    numbers = {name: sorted(where) for name, where in found.items()}
    assert numbers == {
        "St. Louis": [0], "Louis St.": [], "anna berg": [1, 3], "New York": [1], "new york": [1], "York": [1, 2],
        "北京": [2, 3], "…": [], "Ann": [],
    }  # fmt: skip


def test_an_answer_is_the_likeliest_candidate_and_ties_are_wrong():
    fact = Fact("P1", "Anna", ("Oslo", "Rome"), 1)
    words = ["Paris", "Oslo", "Rome"]
    sure = answer_of(fact, "p", numpy.log([0.1, 0.6, 0.1]), words, [1, 2], 2)
    assert (sure.answer, sure.confidence, sure.rank) == ("Oslo", 0.75, 1)
    assert sure.best == (("Oslo", 0.75), ("Paris", 0.125))
    assert answer_of(fact, "p", numpy.log([0.6, 0.2, 0.1]), words, [2], 1).rank == 3
    tied = answer_of(fact, "p", numpy.zeros(3), words, [1], 1)
    assert (tied.answer, tied.rank, tied.is_supported) == ("Paris", 3, False)


def sheet_of(rows, novelty):
    """Rows of (relation, subject, pattern, answer, confidence, rank)."""
    made = [ProbeAnswer(Fact(r, s, ("Rome",), 1), p, a, c, rank, ((a, c),)) for r, s, p, a, c, rank in rows]
    known = {one.fact: FactNovelty(*novelty[one.fact.subject]) for one in made}
    return ProbeSheet(made, known, {"P1": "Rome", "P2": "Oslo"}, 0.5)


ROWS = [
    ("P1", "Anna", "a", "Rome", 0.9, 1), ("P1", "Anna", "b", "Rome", 0.4, 1), ("P1", "Anna", "c", "Oslo", 0.8, 2),
    ("P1", "Bo", "a", "Oslo", 0.7, 2), ("P1", "Bo", "b", "Oslo", 0.6, 3), ("P1", "Bo", "c", "Oslo", 0.2, 2),
    ("P2", "Bo", "d", "Oslo", 0.3, 2),
]  # fmt: skip
NOVELTY = {"Anna": ("seen", "new"), "Bo": ("new", "new")}


def test_figures_are_those_counted_by_hand():
    found = {(one.name, *sorted(one.by.items())): one for one in sheet_of(ROWS, NOVELTY).results()}

    def value(name, **by):
        return found[(name, *sorted(by.items()))].value

    assert value("probe_accuracy") == pytest.approx(2 / 7)
    assert value("probe_accuracy", subject="seen") == pytest.approx(2 / 3)
    assert value("probe_accuracy", subject="new") == 0
    assert value("probe_accuracy", relation="P1") == pytest.approx(2 / 6)
    assert value("probe_accuracy", average="macro") == pytest.approx((2 / 6 + 0) / 2)
    assert value("probe_majority") == pytest.approx(6 / 7)
    assert value("probe_consistency") == pytest.approx((1 + 3) / 6)
    assert value("probe_consistency", subject="seen") == pytest.approx(1 / 3)
    assert ("probe_consistency", ("relation", "P2")) in found and value("probe_consistency", relation="P2") is None
    assert value("probe_consistency", average="macro") == pytest.approx(4 / 6)
    assert value("probe_asserted") == pytest.approx(4 / 7)
    assert value("probe_hallucination") == pytest.approx(3 / 4)
    assert value("probe_hallucination", subject="new") == 1
    assert found[("probe_hallucination", ("subject", "new"))].n == 2
    gaps = [0.9 - 1, 0.4 - 1, 0.8, 0.7, 0.6, 0.2, 0.3]
    assert value("ece") == pytest.approx(sum(map(abs, gaps)) / 7)
    assert value("brier") == pytest.approx(sum(gap * gap for gap in gaps) / 7)
    assert {one.name for one in found.values()} == {column.row.name for column in shown("probe")} | {"brier"}
    low, high = found[("probe_hallucination", ("subject", "new"))].interval
    assert low < 0.5 and high == 1
    assert not any("average" in one.by and "subject" in one.by for one in sheet_of(ROWS, NOVELTY).results())


def test_subjects_are_compared_within_relations_that_have_enough_of_both():
    rows = [("P1", f"s{n}", "a", "Rome", 0.9, 1 + n % 2) for n in range(10)]
    rows += [("P2", "s0", "a", "Rome", 0.9, 1), ("P2", "s1", "a", "Rome", 0.9, 1)]
    novelty = {f"s{n}": ("seen" if n < 5 else "new", "new") for n in range(10)}
    found = {one.by["subject"]: one for one in sheet_of(rows, novelty).results()
             if one.name == "probe_accuracy" and one.by.keys() == {"average", "subject"}}  # fmt: skip
    assert {subject: (one.value, one.n) for subject, one in found.items()} == {"seen": (0.6, 1), "new": (0.4, 1)}


def test_two_models_are_compared_by_fact():
    better = [(*row[:5], 1) for row in ROWS]
    found = differences(sheet_of(ROWS, NOVELTY), sheet_of(better, NOVELTY))
    [accuracy] = [one for one in found if one.name == "probe_accuracy" and not one.by]
    assert (accuracy.a, accuracy.b) == (pytest.approx(2 / 7), 1)
    assert accuracy.difference == pytest.approx(5 / 7)
    [consistency] = [one for one in found if one.name == "probe_consistency" and not one.by]
    assert (consistency.difference, consistency.p) == (0, 1)
    assert not any("relation" in one.by for one in found)
    assert differences(sheet_of(ROWS, NOVELTY), sheet_of(ROWS[:-1], NOVELTY)) == []


def test_the_difference_of_a_share_of_nought_and_one_of_1_has_the_interval_of_newcombe():
    wrong, right = ([(*row[:5], rank) for row in ROWS] for rank in (2, 1))
    found = differences(sheet_of(wrong, NOVELTY), sheet_of(right, NOVELTY))
    [accuracy] = [one for one in found if one.name == "probe_accuracy" and not one.by]
    of_nought, of_one = (wilson(hits, 7, 0.95) for hits in (0, 7))
    assert accuracy.interval == pytest.approx(of_difference(1.0, of_one, 0.0, of_nought))


def test_means_of_two_models_are_over_the_relations_that_have_the_figure_of_both():
    rows = [("P1", f"s{n}", "a", "Rome", 0.9, 1 + n % 2) for n in range(8)]
    # Of P2 the one model asserts a single claim, and the other none.
    rows += [("P2", f"t{n}", "a", "Rome", 0.9 if n == 0 else 0.2, 2) for n in range(8)]
    other = [(*row[:4], 0.1 if row[0] == "P2" else 0.9, row[5]) for row in rows]
    novelty = {row[1]: (None, None) for row in rows}
    [mean] = [one for one in differences(sheet_of(rows, novelty), sheet_of(other, novelty))
              if one.name == "probe_hallucination" and one.by]  # fmt: skip
    assert (mean.a, mean.b, mean.difference) == (0.5, 0.5, 0)
    # Most resamples draw no claim of one relation or the other.
    rare = [(*row[:4], 0.9 if row[1] in ("s0", "t0") else 0.1, row[5]) for row in rows]
    [whole] = [one for one in sheet_of(rare, novelty).results()
               if one.name == "probe_hallucination" and one.by == {"average": "macro"}]  # fmt: skip
    assert (whole.value, whole.interval) == (0.5, (0, 1))
