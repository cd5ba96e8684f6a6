"""Controlled incompleteness: nested, independent of order, matched in size and in entity-free sentences."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.config.loading import load
from halluc.config.schema import GapConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.data.corpora import read_corpora
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.units import BY_MENTIONS, WithheldUnits, apportion, example_units
from halluc.gap.withhold import Withheld, withhold
from halluc.tasks.token_classification.tagged_sentence import Tagged
from tests.conftest import REPOSITORY


def sentence(number: int, mentions: list[tuple[str, str]]) -> Tagged:
    """One-word mentions (word, label), then a word without one."""
    tokens = (*(word for word, _ in mentions), f"word{number}")
    spans = tuple(Span(at, at + 1, label) for at, (_, label) in enumerate(mentions))
    return Tagged(f"train-{number}", Origin("train.txt", number), tokens, spans)


MENTION = st.tuples(st.sampled_from([f"name{n}" for n in range(30)]), st.sampled_from(["PER", "LOC", "ORG"]))
SPLIT = st.lists(st.lists(MENTION, max_size=4), min_size=1, max_size=60).map(
    lambda split: [sentence(number, mentions) for number, mentions in enumerate(split, 1)]
)
FRACTION = st.floats(0, 1)


def usual(count: int = 400) -> list[Tagged]:
    """A split whose strata of 0, 1, 2 and 3 mentions hold a fifth, a half, a fifth and a tenth."""
    chance = random.Random(5)
    sizes = [0] * 2 + [1] * 5 + [2] * 2 + [3]
    return [
        sentence(n, [(f"name{chance.randrange(150)}", chance.choice(["PER", "LOC"])) for _ in range(sizes[n % 10])])
        for n in range(count)
    ]


def gap(fraction: float, **keys) -> GapConfig:
    return GapConfig(fraction=fraction, **keys)


def done(split: list[Tagged], config: GapConfig) -> Withheld:
    """What is withheld; draws of a property that leave nothing to train on are passed over."""
    try:
        return withhold(split, config)
    except HallucError as error:
        assert error.code in ("D133", "D135")
        assume(False)
        raise


def ids(withheld: Withheld) -> set[str]:
    return {example.id for example in withheld.examples}


UNITS = [{}, {"unit": "label", "labels": ["PER", "LOC", "ORG"]}, {"unit": "example"}]


@pytest.mark.parametrize("unit", UNITS, ids=["mention", "label", "example"])
@given(split=SPLIT, fractions=st.tuples(FRACTION, FRACTION).map(sorted))
def test_what_less_withholds_more_withholds_too(unit, split, fractions):
    if "labels" in unit:
        labels = sorted({span.label for example in split for span in example.spans})
        assume(labels)
        unit = {**unit, "labels": labels}
    less, more = (done(split, gap(fraction, control="none", **unit)) for fraction in fractions)
    assert less.units.pairs <= more.units.pairs
    assert less.units.labels <= more.units.labels
    assert ids(more) <= ids(less)
    assert less.withheld <= more.withheld <= more.of


@given(SPLIT, FRACTION, st.randoms(use_true_random=False), st.sampled_from(["none", "matched"]))
def test_it_does_not_depend_on_the_order_of_the_file(split, fraction, chance, control):
    config = gap(fraction, control=control, fractions=[fraction])
    shuffled = chance.sample(split, len(split))
    first, second = done(split, config), done(shuffled, config)
    assert first.units == second.units
    assert ids(first) == ids(second)
    assert first.as_record() == second.as_record()


@given(SPLIT, FRACTION)
def test_every_sentence_with_a_withheld_mention_is_dropped_and_no_other(split, fraction):
    made = done(split, gap(fraction, control="none"))
    gone = made.units.pairs
    assert len(gone) == made.withheld == round(fraction * made.of)
    assert list(made.examples) == [example for example in split if gone.isdisjoint(example.pairs)]


@given(SPLIT, FRACTION, st.lists(FRACTION, min_size=1, max_size=3), st.sampled_from(["mention", "example"]))
def test_matched_sizes_are_the_same_at_every_fraction_of_the_study(split, fraction, fractions, unit):
    study = [fraction, *fractions]
    made = [done(split, gap(one, fractions=study, unit=unit)) for one in study]
    assert len({BY_MENTIONS.sizes(one.examples) for one in made}) == 1
    assert len({one.matched.examples for one in made}) == 1
    positions = [split.index(example) for example in made[0].examples]
    assert positions == sorted(positions)


@given(SPLIT, FRACTION, st.sampled_from(["mention", "example"]))
def test_entity_free_sentences_keep_their_original_share(split, fraction, unit):
    made = done(split, gap(fraction, unit=unit))
    free = sum(not example.spans for example in split)
    kept = sum(not example.spans for example in made.examples)
    assert abs(kept - len(made.examples) * free / len(split)) <= 1


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.data())
def test_matched_sizes_take_no_more_than_is_left(original, data):
    left = [data.draw(st.integers(0, size)) for size in original]
    sizes = BY_MENTIONS.matched(tuple(original), tuple(left))
    assert all(0 <= size <= there for size, there in zip(sizes, left, strict=True))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.data())
def test_apportioning_shares_out_all_and_no_more_than_there_is(weights, data):
    total = data.draw(st.integers(0, sum(weights)))
    shares = apportion(total, weights)
    assert sum(shares) == total
    assert all(abs(s - total * w / max(1, sum(weights))) < 1 and s <= w for s, w in zip(shares, weights, strict=True))


def test_sizes_are_the_smallest_over_the_fractions_and_share_the_entity_free_out():
    split = usual()
    largest = withhold(split, gap(0.5, control="none"))
    bearing = BY_MENTIONS.sizes(largest.examples)[1:]
    for fraction in (0.0, 0.25, 0.5):
        made = withhold(split, gap(fraction))
        assert BY_MENTIONS.sizes(made.examples)[1:] == bearing
        assert BY_MENTIONS.sizes(made.examples)[0] == round(sum(bearing) * 80 / 320)
    assert withhold(split, gap(0.1, fractions=[0.1])).matched.examples > made.matched.examples
    assert withhold(split, gap(0.75)).matched.examples < made.matched.examples


def test_where_entity_free_sentences_are_few_all_strata_shrink_in_proportion():
    assert BY_MENTIONS.matched((50, 100, 40, 10), (10, 90, 36, 9)) == (10, 20, 8, 2)
    assert BY_MENTIONS.matched((50, 100, 40, 10), (50, 90, 36, 9)) == (45, 90, 36, 9)
    assert BY_MENTIONS.matched((0, 100, 40, 10), (0, 90, 36, 9)) == (0, 90, 36, 9)
    assert BY_MENTIONS.matched((50, 100, 40, 10), (0, 90, 36, 9)) == (0, 0, 0, 0)
    assert BY_MENTIONS.matched((50, 0, 0, 0), (50, 0, 0, 0)) == (0, 0, 0, 0)


def test_fractions_share_the_sentences_that_both_can_have():
    split = usual()
    less, more = withhold(split, gap(0.25)), withhold(split, gap(0.5))
    clean = {example.id for example in less.examples if more.units.pairs.isdisjoint(example.pairs)}
    assert ids(more) >= clean


def test_of_too_many_sentences_the_same_are_taken_however_the_file_is_sorted():
    split = usual()
    for config in (gap(0.25), gap(0.0, unit="example")):
        made, backwards = withhold(split, config), withhold(split[::-1], config)
        assert len(made.examples) < made.left.examples
        assert [example.id for example in backwards.examples] == [example.id for example in made.examples][::-1]


def test_a_size_is_shared_out_in_the_matched_proportions():
    split = usual()
    whole, part = withhold(split, gap(0.25)), withhold(split, gap(0.25, size=40))
    assert len(part.examples) == 40
    for size, most in zip(BY_MENTIONS.sizes(part.examples), BY_MENTIONS.sizes(whole.examples), strict=True):
        assert abs(size - 40 * most / len(whole.examples)) < 1
    assert ids(part) <= ids(whole)


def test_another_seed_of_the_experiment_and_another_run_withhold_the_same():
    """Which surfaces go is a promise: studies that were run earlier are compared with those that are run later."""
    made = withhold(usual(), gap(0.1, control="none"))
    assert sorted(made.units.pairs)[:3] == [("name1", "PER"), ("name102", "LOC"), ("name107", "LOC")]


def test_fraction_nothing_withholds_nothing_and_still_matches():
    split = usual()
    assert withhold(split, gap(0.0, control="none")).examples == tuple(split)
    made = withhold(split, gap(0.0))
    assert made.units.pairs == frozenset()
    assert len(made.examples) < len(split)


@pytest.mark.parametrize(
    ("split", "config", "code", "told", "help"),
    [
        (usual(), gap(1.0), "D135", "a fraction of 1 leaves no sentence with a mention", "smaller `gap.fraction`"),
        (usual(), gap(1.0, control="none"), "D133", "a fraction of 1", "smaller `gap.fraction`"),
        (usual(), gap(0.0, fractions=[1.0]), "D135", "a fraction of 1", "`gap.fractions` without 1"),
        (usual(), gap(0.5, size=10_000), "D134", "at most", "lower it, or set a smaller `gap.fraction`"),
        (usual(), gap(0.0, size=10_000), "D134", "at most", "lower it, or set `gap.fractions` without 0.5"),
        (usual(), gap(0.0, size=401, fractions=[0.0]), "D134", "at most 400", "lower it"),
        ([sentence(1, [])], gap(0.0), "D133", "no mention", None),
        ([], gap(0.0), "D133", "no mention", None),
        (usual(), gap(1.0, unit="label", labels=["LOC", "PRE"]), "D132", "no label `PRE`", "did you mean `PER`?"),
        (usual(), gap(1.0, unit="label", labels=["zzz"]), "D132", "no label `zzz`", "it has LOC, PER"),
        ([sentence(1, []), sentence(2, [("a", "X")])], gap(1.0, unit="example"), "D135", "leaves no sentence", None),
    ],
)
def test_what_cannot_be_done_is_reported_with_a_way_out(split, config, code, told, help):
    with pytest.raises(HallucError) as caught:
        withhold(split, config)
    assert (caught.value.code, caught.value.exit_code) == (code, 3)
    assert told in caught.value.message
    assert help is None or help in caught.value.help


def test_too_few_entity_free_sentences_are_reported():
    bearing = [sentence(n, [("a", "X")]) for n in range(3)]
    config = gap(0.25, unit="example", fractions=[0.25])
    splits = ([*bearing, sentence(n, [])] for n in range(3, 50))
    # The one entity-free sentence is the one that goes.
    split = next(s for s in splits if example_units(s).first[3] == 0)
    with pytest.raises(HallucError, match="too few without a mention") as caught:
        withhold(split, config)
    assert caught.value.code == "D135"


def test_one_example_can_be_trained_on():
    only = [sentence(1, [("a", "X")])]
    assert withhold(only, gap(0.0, fractions=[0.0])).examples == tuple(only)


def test_whole_labels_are_withheld_by_name():
    split = usual()
    made = withhold(split, gap(1.0, unit="label", labels=["PER"]))
    assert made.units.labels == {"PER"}
    assert {span.label for example in made.examples for span in example.spans} == {"LOC"}
    assert made.units.is_withheld("anything", "PER")
    assert not made.units.is_withheld("name1", "LOC")
    none = withhold(split, gap(0.0, unit="label", labels=["PER"]))
    assert not none.units.is_withheld("anything", "PER")
    assert BY_MENTIONS.sizes(none.examples) == BY_MENTIONS.sizes(made.examples)


def test_with_examples_withheld_is_what_stood_in_the_split_and_is_known_no_more():
    split = usual()
    made = withhold(split, gap(0.5, unit="example", control="none"))
    known = SurfaceCoverage.of(made.examples)
    assert abs(len(made.examples) - 200) <= 1
    for text, label in {pair for example in split for pair in example.pairs}:
        assert made.units.is_withheld(text, label) != known.knows(text, label)
    assert not made.units.is_withheld("never there", "PER")


def test_the_record_and_the_sentence_for_people_give_the_same_numbers():
    made = withhold(usual(), gap(0.25))
    record = made.as_record()
    assert record["units"] == {"withheld": made.withheld, "of": made.before.distinct}
    assert record["fractions"] == [0.0, 0.25, 0.5]
    assert record["before"]["sentences"] == 400
    assert record["left"]["sentences"] == len(withhold(usual(), gap(0.25, control="none")).examples)
    assert sum(record["strata"].values()) == record["matched"]["sentences"] == len(made.examples)
    assert record["matched"]["tokens"] == sum(len(example.tokens) for example in made.examples)
    assert record["matched"]["surfaces"] == len({pair for example in made.examples for pair in example.pairs})
    assert made.sentence() == (
        f"withheld {made.withheld} of {made.of} surfaces; {400 - made.left.examples} of 400 sentences dropped; "
        f"trained on {made.matched.examples} matched sentences with {made.matched.things} mentions"
    )
    plain = withhold(usual(), gap(0.5, unit="example", control="none"))
    assert plain.sentence().startswith("withheld 200 of 400 sentences; trained on 200 sentences with ")
    assert plain.as_record()["matched"] is None
    label = withhold(usual(), gap(1.0, unit="label", labels=["PER"]))
    assert label.sentence().startswith("withheld 1 of 1 labels (PER); ")


@given(st.frozensets(MENTION), st.frozensets(st.sampled_from(["PER", "LOC"])))
def test_withheld_units_are_loaded_as_they_were_saved(tmp_path_factory, pairs, labels):
    path = tmp_path_factory.mktemp("run") / "withheld.json"
    units = WithheldUnits("mention", pairs, labels)
    units.save(path)
    assert WithheldUnits.load(path) == units


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "R120"),
        ('{"schema_version": 1, "unit": "word", "labels": [], "surfaces": {}}', "R120"),
        ('{"schema_version": 2, "unit": "mention", "labels": [], "surfaces": {}}', "R121"),
    ],
)
def test_a_damaged_file_is_reported(tmp_path, content, code):
    path = tmp_path / "withheld.json"
    path.write_text(content)
    with pytest.raises(HallucError) as caught:
        WithheldUnits.load(path)
    assert caught.value.code == code


@pytest.mark.data
def test_conll_2003_can_be_matched_up_to_half_its_surfaces(real_data):
    loaded = load(REPOSITORY / "configs/conll.yaml", table=TABLE, environ={"HALLUC_DATA": str(real_data)})
    train = read_corpora(loaded.experiment.data, TABLE, ("train",)).splits["train"].examples
    made = [withhold(train, gap(fraction)) for fraction in (0.0, 0.25, 0.5)]
    assert [one.withheld for one in made] == [0, 2055, 4110]
    assert {one.of for one in made} == {8220}
    assert len({BY_MENTIONS.sizes(one.examples) for one in made}) == 1
    bearing = sum(bool(example.spans) for example in made[2].examples)
    assert bearing == pytest.approx(3650, rel=0.05)
    assert made[2].matched.free == pytest.approx(2909 / 14041, abs=0.0005)
    assert withhold(train, gap(0.75)).matched.examples < 2500
