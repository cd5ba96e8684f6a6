"""What training shows of whole texts: content words, novelty by quarters, nearness, forecast, and withholding them."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.analysis import rates, verdicts
from halluc.analysis.scoring import results
from halluc.analysis.table import table
from halluc.config.schema import GapConfig
from halluc.core.claims import Claim
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin
from halluc.core.significance import Sheet
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.forecast import Proportion
from halluc.gap.stopwords import text_words
from halluc.gap.units import WithheldUnits
from halluc.gap.withhold import withhold
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.coverage import TextCoverage, new_share
from halluc.tasks.text_classification.knowledge import (
    TextKnowledge,
    WordKnowledge,
    by_class_and_length,
    gap_of_words,
    word_units,
)
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification


def claim(text: str, label: str) -> Claim:
    return Claim("e", "label", text, None, label)


def withheld(split, config, strata):
    return withhold(split, config, strata, WordKnowledge.units)


def text(number: int, words: str, *labels: str) -> Labelled:
    return Labelled(f"t{number}", Origin("train.txt", number), tuple(words.split(" ")), tuple(sorted(labels)))


TRAIN = [
    text(1, "Where is my Parcel", "delivery"),
    text(2, "my parcel is late", "delivery"),
    text(3, "refund me please", "refund"),
    text(4, "where is my parcel", "delivery"),
    text(5, "where is my parcel", "refund"),
    text(6, "tell me a joke"),
]
WORDS = st.lists(st.sampled_from("red green blue where is the parcel ? can X1".split()), min_size=1, max_size=6)  # noqa: SIM905
TEXT = st.tuples(WORDS.map(" ".join), st.lists(st.sampled_from("abc"), max_size=2, unique=True))
SPLIT = st.lists(TEXT, min_size=1, max_size=30).map(
    lambda rows: [text(number, words, *labels) for number, (words, labels) in enumerate(rows, 1)]
)


def test_content_words_of_texts_are_lower_cased_and_counted_with_repetitions():
    assert text_words("Can it Refund my REFUND , don ' t you 2 ?") == ["refund", "refund", "2"]
    assert text_words("") == []


def test_coverage_has_texts_by_label_and_the_words_of_all_texts():
    known = TextCoverage.of(TRAIN)
    assert (known.sentences, known.mentions, sum(map(len, known.surfaces.values()))) == (6, 5, 5)
    assert known.of_label("delivery")["where is my parcel"].count == 1
    assert known.word_counts == {"parcel": 4, "late": 1, "refund": 1, "please": 1, "tell": 1, "joke": 1}
    assert known.word_counts_of("delivery") == {"parcel": 3, "late": 1}
    assert known.word_counts_of("nothing") == {}


def test_the_edges_are_the_quartiles_of_dev():
    dev = [text(n, words, "delivery") for n, words in enumerate(["parcel", "parcel new", "new", "is it"])]
    known = TextCoverage.of(TRAIN, dev)
    assert known.edges_of == "dev"
    assert known.edges == pytest.approx(tuple(numpy.quantile([0, 0.5, 1, 0], [0.25, 0.5, 0.75])))
    assert known.edges == (0.0, 0.25, 0.625)
    told = [known.novelty(one) for one in ("the", "parcel parcel parcel new", "parcel new", "new")]
    assert told == ["q1", "q2", "q3", "q4"]


def test_without_dev_each_training_text_is_compared_with_all_others():
    known = TextCoverage.of(TRAIN)
    assert known.edges_of == "train"
    shares = [0, 1 / 2, 1, 0, 0, 1]
    assert known.edges == pytest.approx(tuple(numpy.quantile(shares, [0.25, 0.5, 0.75])))


def test_equal_edges_leave_quarters_empty():
    known = TextCoverage.of(TRAIN, [text(9, "parcel", "delivery")] * 3)
    assert known.edges == (0.0, 0.0, 0.0)
    assert {known.novelty(one) for one in ("parcel", "is the", "")} == {"q1"}
    assert {known.novelty(one) for one in ("parcel new", "new")} == {"q4"}


def test_a_split_without_texts_or_words_is_covered_too(tmp_path):
    for split in ([], [text(1, "is it ?", "a")]):
        known = TextCoverage.of(split)
        assert (known.word_counts, known.edges) == ({}, (0.0, 0.0, 0.0))
        known.save(tmp_path / "coverage.json")
        assert TextCoverage.load(tmp_path / "coverage.json") == known


@given(SPLIT, SPLIT)
def test_dev_falls_into_quarters_and_more_that_is_new_is_never_less_novel(split, dev):
    known = TextCoverage.of(split, dev)
    shares = sorted(known.new_share(" ".join(one.tokens)) for one in dev)
    assert known.edges == tuple(numpy.quantile(shares, [0.25, 0.5, 0.75]).tolist())
    by_share = sorted((known.new_share(" ".join(one.tokens)), known.novelty(" ".join(one.tokens))) for one in dev)
    assert [name for _, name in by_share] == sorted(name for _, name in by_share)
    for place, edge in enumerate(known.edges, 1):
        fallen = sum(name <= f"q{place}" for _, name in by_share)
        assert fallen == sum(share <= edge for share in shares) >= place * len(dev) / 4 - 1


@given(SPLIT)
def test_training_texts_are_in_the_first_quarter(split):
    known = TextCoverage.of(split)
    for one in split:
        assert known.new_share(" ".join(one.tokens)) == 0.0
        assert known.novelty(" ".join(one.tokens)) == "q1"


@given(SPLIT, SPLIT)
def test_it_is_loaded_as_it_was_saved(tmp_path_factory, split, dev):
    path = tmp_path_factory.mktemp("run") / "coverage.json"
    known = TextCoverage.of(split, dev)
    known.save(path)
    assert TextCoverage.load(path) == known
    SurfaceCoverage.of(split).save(path)
    with pytest.raises(HallucError) as caught:
        TextCoverage.load(path)
    assert caught.value.code == "R120"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"texts": None}, "R120"), ({"texts": {"words": {}}}, "R120"), ({"schema_version": 2}, "R121")],
)
def test_a_damaged_coverage_is_reported(tmp_path, change, code):
    path = tmp_path / "coverage.json"
    TextCoverage.of(TRAIN).save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(HallucError) as caught:
        TextCoverage.load(path)
    assert caught.value.code == code


def test_one_of_mentions_is_none_of_texts_and_the_other_way_round(tmp_path):
    path = tmp_path / "coverage.json"
    for made, other in ((SurfaceCoverage.of(TRAIN), TextCoverage), (TextCoverage.of(TRAIN), SurfaceCoverage)):
        made.save(path)
        with pytest.raises(HallucError) as caught:
            other.load(path)
        assert caught.value.code == "R120"


def test_the_nearest_text_of_the_label_shares_the_most_content_words():
    split = [*TRAIN, text(7, "refund for a late Parcel", "refund")]
    known = TextKnowledge(TextCoverage.of(split))
    assert known.nearest(claim("the PARCEL came late", "refund")).text == "refund for a late Parcel"
    assert known.nearest(claim("the PARCEL came late", "delivery")).text == "my parcel is late"
    assert known.nearest(claim("where is my parcel", "delivery")).line == 4
    assert known.nearest(claim("where is my parcel", "refund")).line == 5
    # It shares no word: the smallest edit distance decides.
    assert known.nearest(claim("refund", "delivery")) is not None
    assert known.nearest(claim("parcel", "unknown")) is None


def test_a_training_text_with_only_other_labels_is_confusable():
    known = TextKnowledge(TextCoverage.of(TRAIN))
    assert known.is_confusable(claim("refund me please", "delivery"))
    assert not known.is_confusable(claim("where is my parcel", "delivery"))
    assert not known.is_confusable(claim("something else", "delivery"))
    assert known.label_counts == {"delivery": 3, "refund": 2}


def test_the_gap_is_that_of_content_words():
    known = TextCoverage.of(TRAIN)
    split = [text(1, "parcel late late gone", "delivery"), text(2, "parcel joke", "refund"), text(3, "zebra zebra")]
    gap = gap_of_words(known, split)
    assert gap.counted == "words"
    # Of 9 words that train shows, late, refund, please, tell and joke stand there once.
    assert (gap.overall.forecast.value, gap.overall.forecast.n) == (pytest.approx(5 / 9), 9)
    assert (gap.overall.mentions, gap.overall.unseen.value) == (8, pytest.approx(3 / 8))
    assert gap.overall.new == gap.overall.unseen
    assert gap.overall.excess.value == pytest.approx(3 / 8 - 5 / 9)
    delivery, refund = gap.by_label["delivery"], gap.by_label["refund"]
    assert (delivery.mentions, delivery.unseen.value, delivery.new.value) == (4, 0.25, 0.25)
    assert delivery.forecast.value == pytest.approx(1 / 4)
    # Train shows joke, but with no refund.
    assert (refund.mentions, refund.unseen.value, refund.new.value) == (2, 0.5, 0.0)
    row = gap.as_json()["overall"]
    assert (row["words"], "mentions" in row) == (8, False)


@given(SPLIT, SPLIT)
def test_the_gap_agrees_with_the_shares_of_the_texts(split, other):
    known, gap = TextCoverage.of(split), gap_of_words(TextCoverage.of(split), other)
    sizes = [len(text_words(" ".join(one.tokens))) for one in other]
    unseen = sum(known.new_share(" ".join(one.tokens)) * size for one, size in zip(other, sizes, strict=True))
    assert gap.overall.mentions == sum(sizes)
    assert gap.overall.unseen.value == (pytest.approx(unseen / sum(sizes)) if sum(sizes) else None)
    assert set(gap.by_label) == {label for one in (*split, *other) for label in one.labels}
    assert all(one.new.value <= one.unseen.value for one in gap.by_label.values() if one.mentions)


def test_without_words_every_figure_is_undefined():
    gap = gap_of_words(TextCoverage.of([]), [text(1, "is it", "a")])
    assert gap.overall.unseen == gap.overall.forecast == Proportion(None, 0)


@given(SPLIT, st.floats(0, 1), st.randoms(use_true_random=False))
def test_withheld_words_are_in_no_text_that_is_left_whatever_the_order_of_the_file(split, fraction, chance):
    units = word_units(split)
    assert units.words == word_units(chance.sample(split, len(split))).words
    gone = set(units.words[: units.withheld(fraction)])
    left = units.left(fraction)
    assert left == [n for n, one in enumerate(split) if gone.isdisjoint(text_words(" ".join(one.tokens)))]
    more = units.left(min(1.0, fraction + 0.3))
    assert set(more) <= set(left)


def usual(labels: int = 4) -> list[Labelled]:
    """400 texts of 3 to 12 words, of which 200 are to be had; one in ten is out of scope."""
    chance = random.Random(7)
    return [
        text(n, " ".join(f"w{chance.randrange(200)}" for _ in range(chance.randint(3, 12))),
             *([f"l{chance.randrange(labels)}"] if n % 10 else []))
        for n in range(400)
    ]  # fmt: skip


def classes(split) -> dict:
    found: dict = {}
    for one in split:
        key = one.labels, len(one.tokens) > 5, len(one.tokens) > 10
        found[key] = found.get(key, 0) + 1
    return found


@pytest.mark.parametrize("unit", ["word", "example"])
def test_matched_sizes_are_the_same_in_every_class_and_length(unit):
    split = usual()
    strata = by_class_and_length(split)
    made = [withheld(split, GapConfig(unit=unit, fraction=f, fractions=[0, 0.05, 0.1]), strata) for f in (0, 0.05, 0.1)]
    assert classes(made[0].examples) == classes(made[1].examples) == classes(made[2].examples)
    # No finer strata cost anything: fractions are nested.
    assert len(made[0].examples) == made[2].left.examples < len(split)
    assert sum(made[0].as_record()["strata"].values()) == len(made[0].examples)
    assert all(made[0].as_record()["strata"].values())
    part = withheld(split, GapConfig(unit=unit, fraction=0.1, fractions=[0.1], size=50), strata)
    assert len(part.examples) == 50


def test_whole_labels_are_matched_in_length_and_scope_alone_so_that_fraction_0_has_them():
    split = usual()
    strata = by_class_and_length(split)
    made = [withheld(split, GapConfig(unit="label", labels=["l0"], fraction=f), strata) for f in (0.0, 1.0)]
    sizes = [
        {key: sum(n for other, n in classes(one.examples).items() if (bool(other[0]), *other[1:]) == key)
         for key in {(bool(other[0]), *other[1:]) for other in classes(one.examples)}}
        for one in made
    ]  # fmt: skip
    assert sizes[0] == sizes[1]
    labels = [{label for one in found.examples for label in one.labels} for found in made]
    assert labels == [{"l0", "l1", "l2", "l3"}, {"l1", "l2", "l3"}]
    assert made[1].units.is_withheld("anything", "l0")
    assert sum(not one.labels for one in made[0].examples) == 40
    assert made[1].lost_labels == frozenset()


def test_withheld_units_are_reported_and_saved(tmp_path):
    split = [*usual(), text(900, "unheard words", "rare")]
    config = GapConfig(unit="word", fraction=0.1, control="none")
    made = withheld(split, config, by_class_and_length(split))
    assert made.of == 202
    assert len(made.units.words) == made.withheld == 20
    assert made.sentence() == (
        f"withheld 20 of 202 content words; {401 - len(made.examples)} of 401 texts dropped; "
        f"trained on {len(made.examples)} texts, {made.left.things} of them with a label"
    )
    gone = min(made.units.words)
    known = TextKnowledge(TextCoverage.of(made.examples), made.units)
    claims = [claim(words, "l0") for words in (f"another {gone.upper()} text", "another text")]
    assert [known.is_withheld(claim) for claim in claims] == [True, False]
    made.units.save(tmp_path / "withheld.json")
    assert WithheldUnits.load(tmp_path / "withheld.json") == made.units
    assert json.loads((tmp_path / "withheld.json").read_text())["words"] == sorted(made.units.words)


def test_labels_that_go_with_the_words_are_reported():
    split = [text(n, f"word{n}", f"l{n}") for n in range(12)]
    made = withheld(split, GapConfig(unit="word", fraction=1 / 12, fractions=[1 / 12]), by_class_and_length(split))
    (lost,) = made.lost_labels
    assert made.sentence().endswith(f"trained on 11 matched texts; labels without a text left: 1 ({lost})")
    many = withheld(split, GapConfig(unit="word", fraction=11 / 12, fractions=[11 / 12]), by_class_and_length(split))
    assert many.sentence().endswith(", …)")


@pytest.mark.parametrize(
    ("split", "keys", "code", "told"),
    [
        ([text(1, "a joke")], {"unit": "word", "fraction": 0.0}, "D133", "has no label, so there is nothing"),
        (usual(), {"unit": "word", "fraction": 1.0}, "D135", "leaves no text with a label"),
        (usual(), {"unit": "word", "fraction": 1.0, "control": "none"}, "D133", "leaves no text with a label"),
        (usual(), {"unit": "word", "fraction": 0.0, "size": 500}, "D134", "texts can be matched"),
        (usual(), {"unit": "label", "labels": ["l"], "fraction": 1.0}, "D132", "no label `l`"),
    ],
)
def test_what_cannot_be_done_is_reported_in_words_of_texts(split, keys, code, told):
    with pytest.raises(HallucError) as caught:
        withheld(split, GapConfig(**keys), by_class_and_length(split))
    assert caught.value.code == code
    assert told in caught.value.message


def test_several_labels_are_a_class_of_their_own_and_a_number_of_labels():
    split = [text(1, "a b", "x"), text(2, "a b", "x", "y"), text(3, "a b"), text(4, "a b", "w", "x", "y", "z")]
    strata = by_class_and_length(split)
    assert list(strata.as_record(split)) == [
        "no label, 0-5 tokens", "w + x + y + z, 0-5 tokens", "x, 0-5 tokens", "x + y, 0-5 tokens"
    ]  # fmt: skip
    assert list(strata.for_labels.as_record(split)) == [
        f"{many}, 0-5 tokens" for many in ("no label", "1 label", "2 labels", "3+ labels")
    ]


def counted(texts, knowledge, counts=None, threshold=None):
    """The table of (text, gold, claimed, confidence)."""
    task = TextClassification(TextClassificationConfig(type="text_classification"))
    judged, gold = [], []
    for number, (words, label, claimed, confidence) in enumerate(texts):
        example = Labelled(
            f"e{number}", Origin("t", number), tuple(words.split(" ")), () if label is None else (label,)
        )
        (whole,) = task.judge.gold(replace(example, labels=(claimed or "any",)))
        gold.append(task.judge.gold(example))
        judged.append(task.judge.judge(example, [] if claimed is None else [replace(whole, confidence=confidence)]))
    lines = verdicts.ledger_lines(judged, gold, knowledge, threshold)
    return table(
        task, lines, [f"e{n}" for n in range(len(texts))], [len(words.split(" ")) for words, *_ in texts], counts
    )


def values(table_):
    sheet = Sheet(len(table_))
    figures = rates.figures(table_, sheet)
    totals = sheet.totals()
    return {(f.name, *sorted(f.by.items())): (float(f.formula(totals)), f.n) for f in figures}


KNOWN = TextKnowledge(TextCoverage.of(TRAIN, [text(9, "parcel", "delivery")] * 3))
JUDGED = [
    ("parcel", "delivery", "delivery", 0.9),
    ("parcel late", "delivery", "refund", 0.8),
    ("zebra", "refund", "delivery", 0.7),
    ("yak", None, "delivery", 0.2),
    ("yak parcel", "refund", None, None),
]


def test_over_claim_is_reported_by_the_quarters_that_there_are():
    found = values(counted(JUDGED, KNOWN))
    assert {dict(by)["novelty"] for _, *by in found if "novelty" in dict(by)} == {"q1", "q4", "unseen"}
    assert found["over_claim", ("novelty", "q1")] == (0.5, 2)
    assert found["over_claim", ("novelty", "q4")] == found["over_claim", ("novelty", "unseen")] == (1.0, 2)
    assert found["gap_ratio",] == (2.0, 2)
    assert found["share_of_hallucinations", ("novelty", "unseen")] == (pytest.approx(2 / 3), 3)
    assert found["hallucination_rate", ("novelty", "q4")] == (1.0, 2)
    assert found["omission_rate", ("novelty", "q4")] == (0.5, 2)


def test_figures_that_runs_are_compared_by_have_every_quarter():
    for texts, knowledge in ((JUDGED, KNOWN), (JUDGED[:1], KNOWN), (JUDGED, None)):
        sheet = Sheet(len(texts))
        found = [(f.name, *f.by.values()) for f in rates.headline(counted(texts, knowledge), sheet)]
        assert [one for one in found if one[0] in ("over_claim", "gap_ratio")] == [
            *(("over_claim", name) for name in ("q1", "q2", "q3", "q4", "unseen")), ("gap_ratio",)
        ]  # fmt: skip


def test_without_claims_of_new_texts_the_gap_ratio_is_undefined():
    value, n = values(counted(JUDGED[:2], KNOWN))["gap_ratio",]
    assert (numpy.isnan(value), n) == (True, 0)


@pytest.mark.parametrize(("seen", "has_interval"), [(9, False), (10, True)])
def test_the_gap_ratio_of_few_examples_has_no_interval(seen, has_interval):
    texts = [("parcel", "delivery", "delivery" if n % 2 else "refund", 0.9) for n in range(seen)]
    table_ = counted(texts + [("zebra", "refund", "delivery", 0.7)] * 12, KNOWN)
    sheet = Sheet(len(table_))
    (ratio,) = [one for one in results(rates.figures(table_, sheet), sheet) if one.name == "gap_ratio"]
    assert (ratio.value is not None, ratio.interval is not None) == (True, has_interval)


def test_abstention_has_the_same_quarters():
    found = values(counted(JUDGED, KNOWN, threshold=0.75))
    assert found["over_claim", ("claims", "kept"), ("novelty", "q1")] == (0.5, 2)
    assert found["over_claim", ("claims", "kept"), ("novelty", "q4")][1] == 0
    assert found["over_claim", ("novelty", "q4")] == (1.0, 2)


def test_rates_are_reported_by_how_often_train_shows_the_label():
    counts = {"delivery": 30, "refund": 9}
    found = values(counted(JUDGED, KNOWN, counts))
    assert {dict(by)["label_frequency"] for _, *by in found if "label_frequency" in dict(by)} == {"1-9", "10-49"}
    assert found["hallucination_rate", ("label_frequency", "10-49")] == (pytest.approx(2 / 3), 3)
    assert found["recall", ("label_frequency", "1-9")] == (0.0, 2)
    alone = values(counted([("parcel", "none", "none", 0.5), ("a", "x", "y", 0.5)], KNOWN, {"x": 1000, "y": 999}))
    assert {dict(by)["label_frequency"] for _, *by in alone if "label_frequency" in dict(by)} == {
        "0", "200-999", "1000+"
    }  # fmt: skip
    assert not any("label_frequency" in dict(by) for _, *by in values(counted(JUDGED, KNOWN)))


@given(SPLIT, SPLIT)
def test_counts_by_novelty_and_by_frequency_sum_to_the_whole(split, other):
    knowledge = TextKnowledge(TextCoverage.of(split))
    texts = [
        (" ".join(one.tokens), one.labels[0] if one.labels else None, "abc"[number % 3], 0.5)
        for number, one in enumerate(other)
    ]
    found = values(counted(texts, knowledge, knowledge.label_counts))
    for slice_ in ("novelty", "label_frequency"):
        for name in ("hallucination_rate", "omission_rate"):
            parts = [n for (figure, *by), (_, n) in found.items() if figure == name and [*dict(by)] == [slice_]]
            assert sum(parts) == found[name,][1], (slice_, name)


def test_the_task_covers_what_it_learns_from(tmp_path):
    corpora = {"train": Corpus("train", tuple(TRAIN), "t"), "dev": Corpus("dev", (text(1, "parcel zebra", "a"),), "d")}
    for leaves_out in (False, True):
        settings = {"out_of_scope": "leave_out"} if leaves_out else {}
        task = TextClassification(TextClassificationConfig(type="text_classification", **settings))
        known = task.knowledge.of(corpora)
        assert ("joke" in known.word_counts) is not leaves_out
        assert known.edges == (0.5, 0.5, 0.5)
        known.save(tmp_path / "coverage.json")
        assert task.knowledge.from_coverage(
            task.knowledge.load(tmp_path / "coverage.json"), None
        ) == task.knowledge.from_coverage(known, None)
    assert new_share([], {}) == 0.0
