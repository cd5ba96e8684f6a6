"""How new examples are shared out: the sum, the share of sentences without mentions, and the weights."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.methods.base import Lexicon
from halluc.augmentation.pipeline.plan import DevErrors, Focus, copies
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.gap.novelty import CONTENT_WORDS

# -1 for a sentence without mentions, else its weight.
WEIGHTS = st.lists(st.one_of(st.just(-1.0), st.just(0.0), st.floats(0.001, 100)), min_size=1, max_size=60)


def plan(weights: list[float], added: int, seed: int = 1) -> list[int]:
    return list(copies(array("d", weights), added, seed))


@given(WEIGHTS, st.integers(0, 300), st.integers(0, 5))
def test_exactly_as_many_are_planned_as_were_asked_for(weights, added, seed):
    made = plan(weights, added, seed)
    assert len(made) == len(weights)
    assert sum(made) == added
    assert min(made) >= 0


@given(WEIGHTS, st.integers(1, 300), st.integers(0, 5))
def test_sentences_without_mentions_keep_their_share(weights, added, seed):
    free = [weight < 0 for weight in weights]
    made = [count for count, is_free in zip(plan(weights, added, seed), free, strict=True) if is_free]
    # Each may lie one off what its share is, for there are only whole sentences.
    each = added / len(weights)
    assert all(each - 1 - 1e-6 <= count <= each + 1 + 1e-6 for count in made)


@given(WEIGHTS, st.integers(1, 300))
def test_every_count_is_within_one_of_what_its_weight_asks_for(weights, added):
    bearing = [weight for weight in weights if weight >= 0]
    total = sum(bearing)
    unit = added / len(weights)
    for weight, count in zip(weights, plan(weights, added), strict=True):
        wanted = unit if weight < 0 or not total else unit * len(bearing) * weight / total
        assert abs(count - wanted) < 1 + 1e-6


def test_an_even_plan_is_even():
    assert plan([-1.0] * 7, 14) == [2] * 7
    assert plan([-1.0] * 7, 0) == [0] * 7
    assert sorted(plan([-1.0] * 4, 6)) == [1, 1, 2, 2]


def test_what_weighs_nothing_gets_nothing_where_others_weigh_something():
    made = plan([0.0, 5.0, 0.0, 1.0, -1.0, -1.0], 60)
    assert made == [0, 33, 0, 7, 10, 10] or abs(made[1] - 33.3) < 1
    assert made[0] == made[2] == 0
    assert made[4] == made[5] == 10


def test_without_any_weight_all_get_the_same():
    assert plan([0.0, -1.0, 0.0, 0.0], 8) == [2, 2, 2, 2]


def test_the_seed_decides_who_gets_what_is_left_over():
    assert plan([-1.0] * 40, 10, seed=1) == plan([-1.0] * 40, 10, seed=1)
    assert len({tuple(plan([-1.0] * 40, 10, seed)) for seed in range(8)}) > 1


def test_a_split_without_examples_has_an_empty_plan():
    assert plan([], 0) == []


# --- focus -----------------------------------------------------------------------------------------------------


def example(text: str, *spans: tuple[int, int, str]) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans))


CORPUS = [
    example("Anna left", (0, 1, "PER")),
    example("Anna won", (0, 1, "PER")),
    example("Anna met Berg", (0, 1, "PER"), (2, 3, "PER")),
    example("Acme won", (0, 1, "ORG")),
    example("it rained"),
    example("Paris and Paris", (0, 1, "LOC"), (2, 3, "PER")),
]


def labels(one: Editable) -> list[str]:
    return [span.label for span in one.spans]


def focus_on(kind: str, corpus: Sequence[Editable], trouble: DevErrors | None = None) -> Focus:
    counts = Counter(label for one in corpus for label in labels(one))
    return Focus(kind, Lexicon.of(corpus, words=False), counts, trouble)


def weights(kind: str, trouble: DevErrors | None = None) -> list[float]:
    focus = focus_on(kind, CORPUS, trouble)
    return [focus.weight(one, labels(one)) for one in CORPUS]


def test_uniform_weighs_all_alike():
    assert weights("uniform") == [-1.0] * len(CORPUS)


def test_balance_weighs_a_mention_by_the_rarity_of_its_label():
    assert weights("balance") == pytest.approx([1 / 5, 1 / 5, 2 / 5, 1, -1, 1 + 1 / 5])


def test_balance_spends_as_much_on_each_label():
    """Every label has the same weight in all, so the rare ones more a mention."""
    focus = focus_on("balance", CORPUS)
    by_label: dict[str, float] = {}
    for one in CORPUS:
        for span in one.spans:
            alone = Editable(one.tokens, (span,))
            by_label[span.label] = by_label.get(span.label, 0) + focus.weight(alone, [span.label])
    assert by_label == pytest.approx(dict.fromkeys(("PER", "ORG", "LOC"), 1.0))


def test_gap_counts_mentions_seen_once_or_with_several_labels():
    # Berg and Acme stand there once; Paris is a place and a person.
    assert weights("gap") == [0, 0, 1, 1, -1, 2]


def test_gap_counts_a_frequent_mention_with_another_label():
    corpus = [example("Paris won", (0, 1, label)) for label in ("LOC", "LOC", "PER", "PER")]
    focus = focus_on("gap", corpus)
    assert [focus.weight(one, labels(one)) for one in corpus] == [1.0] * 4


TEXTS = [
    example("Play the music"),
    example("it rains"),
    example("play chess and chess"),
    example("la la"),
    example("?"),
]
NAMED = [["ask"], ["say"], ["ask", "say"], [], ["say"]]


def of_texts(kind: str, trouble: DevErrors | None = None) -> list[float]:
    focus = Focus(kind, Lexicon.of(TEXTS, words=False, units=CONTENT_WORDS), {"ask": 2, "say": 3}, trouble)
    return [focus.weight(*pair) for pair in zip(TEXTS, NAMED, strict=True)]


def test_labels_of_whole_texts_are_balanced():
    assert of_texts("balance") == pytest.approx([1 / 2, 1 / 3, 5 / 6, -1, 1 / 3])


def test_gap_counts_the_content_words_that_one_text_alone_shows():
    # Two texts show `play`, in any case; `chess` stands twice in one; `la` in one without a label.
    assert of_texts("gap") == pytest.approx([1 / 2, 1, 2 / 3, -1, 0])


def test_trouble_with_texts_is_followed_to_their_labels_and_content_words():
    found = [("PLAY it", "ask", True), ("stop", "ask", False), ("it snows", "say", False), ("chess", "say", True)]
    # Half of each label went wrong; of the words of the third text one is troubled as `ask`, two as `say`.
    made = of_texts("gap", DevErrors.of(found, CONTENT_WORDS.words))
    assert made == pytest.approx([1 / 2 + 1 / 2, 1 / 2, 1 / 2 + 1 / 3 + 1 / 2 + 2 / 3, -1, 1 / 2])


# --- trouble ---------------------------------------------------------------------------------------------------


def test_trouble_is_the_share_of_each_label_that_went_wrong():
    trouble = DevErrors.of([("Anna", "PER", False), ("Berg", "PER", True), ("Acme", "ORG", False)])
    assert trouble.shares == {"PER": 0.5, "ORG": 0.0}
    assert trouble.words == {("PER", "Berg"): 1}


def test_trouble_remembers_content_words_only():
    trouble = DevErrors.of([("Bank of the Berg", "ORG", True), ("Bank of Oslo", "ORG", True), ("Bank", "PER", False)])
    assert trouble.words == {("ORG", "Bank"): 2, ("ORG", "Berg"): 1, ("ORG", "Oslo"): 1}


def test_gap_with_a_run_weighs_by_what_that_run_got_wrong():
    trouble = DevErrors({"PER": 0.25, "ORG": 0.5}, {("PER", "Berg"): 2})
    assert weights("gap", trouble) == pytest.approx([0.25, 0.25, 0.5 + 2, 0.5, -1, 0.25])


def test_one_name_cannot_take_the_whole_corpus():
    trouble = DevErrors({}, {("ORG", "Acme"): 5000})
    assert weights("gap", trouble)[3] == 3


def test_a_run_that_got_nothing_wrong_leaves_all_alike():
    made = weights("gap", DevErrors.of([("Anna", "PER", False)]))
    assert made == [0, 0, 0, 0, -1, 0]
    assert plan(made, 12) == [2] * 6
