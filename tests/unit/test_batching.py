from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halluc.engine.batching import plan, sorted_batches

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=120)


@given(LENGTHS, st.integers(1, 400), st.integers(1, 5), st.sampled_from(["buckets", "random"]), st.integers(0, 3))
def test_every_example_stands_once_in_an_epoch_on_any_number_of_ranks(lengths, budget, ranks, batching, epoch):
    made = plan(lengths, budget=budget, seed=1, epoch=epoch, ranks=ranks, batching=batching)
    assert sorted(index for step in made.steps for share in step for index in share) == list(range(len(lengths)))
    assert all(len(step) == ranks for step in made.steps)
    for step in made.steps:
        indexes = [index for share in step for index in share]
        assert indexes
        assert len(indexes) == 1 or sum(lengths[index] for index in indexes) <= budget


@given(LENGTHS, st.integers(50, 400), st.integers(1, 4))
def test_the_steps_are_the_same_examples_on_any_number_of_ranks(lengths, budget, ranks):
    alone = plan(lengths, budget=budget, seed=3, epoch=1)
    shared = plan(lengths, budget=budget, seed=3, epoch=1, ranks=ranks)
    assert [sorted(step[0]) for step in alone.steps] == [
        sorted(index for share in step for index in share) for step in shared.steps
    ]


def test_a_plan_depends_on_seed_and_epoch_and_on_nothing_else():
    lengths = [5 + index % 37 for index in range(500)]

    def steps(seed, epoch):
        return plan(lengths, budget=200, seed=seed, epoch=epoch).steps

    assert steps(1, 0) == steps(1, 0)
    assert steps(1, 0) != steps(1, 1)
    assert steps(1, 0) != steps(2, 0)


def test_buckets_pad_far_less_than_chance():
    lengths = [3 + (index * index) % 60 for index in range(3000)]
    buckets = plan(lengths, budget=512, seed=1, epoch=0).padding
    chance = plan(lengths, budget=512, seed=1, epoch=0, batching="random").padding
    assert buckets < 0.12 < 0.3 < chance


def test_buckets_come_in_no_order_of_length():
    lengths = [3 + index % 60 for index in range(3000)]
    widths = [lengths[step[0][0]] for step in plan(lengths, budget=256, seed=1, epoch=0).steps]
    assert widths != sorted(widths)
    assert widths != sorted(widths, reverse=True)


@given(LENGTHS, st.integers(1, 400))
def test_inference_sees_every_example_once_and_keeps_the_budget_with_padding(lengths, budget):
    batches = sorted_batches(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
