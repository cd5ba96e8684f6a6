from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halluc.engine.batching import BatchPlan, course, plan, sorted_batches

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=120)


@given(LENGTHS, st.integers(1, 400), st.integers(1, 5), st.sampled_from(["buckets", "random"]), st.integers(0, 3))
def test_every_example_is_once_in_an_epoch_on_any_number_of_ranks(lengths, budget, ranks, batching, epoch):
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
        return list(plan(lengths, budget=200, seed=seed, epoch=epoch).steps)

    assert steps(1, 0) == steps(1, 0)
    assert steps(1, 0) != steps(1, 1)
    assert steps(1, 0) != steps(2, 0)


def test_buckets_pad_far_less_than_chance():
    lengths = [3 + (index * index) % 60 for index in range(3000)]
    buckets = plan(lengths, budget=512, seed=1, epoch=0).padding
    chance = plan(lengths, budget=512, seed=1, epoch=0, batching="random").padding
    assert buckets < 0.12 < 0.3 < chance


def test_no_step_pads_far_over_its_budget_where_pools_meet():
    """Long and short examples in one step would take many times the memory of every other step."""
    lengths = [3 + (index * index) % 40 for index in range(9000)] + [150] * 9
    for epoch in range(3):
        made = plan(lengths, budget=512, seed=1, epoch=epoch)
        padded = [len(share) * max(lengths[index] for index in share) for step in made.steps for share in step]
        assert max(padded) <= 1.1 * 512
        assert made.padding < 0.04


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


# --- the course of a training -----------------------------------------------------------------------------------


def plan_of(lengths):
    return lambda epoch: plan(lengths, budget=100, seed=1, epoch=epoch)


@given(LENGTHS, st.integers(1, 300))
def test_so_many_steps_are_whole_epochs_and_a_last_one_that_is_cut(lengths, steps):
    made = course(plan_of(lengths), epochs=1, steps=steps, evaluate_steps=None)
    whole = [step for epoch in range(len(made.ends)) for step in plan_of(lengths)(epoch).steps]
    assert list(made.after(0)) == whole[:steps]
    assert (made.steps, made.ends[-1]) == (steps, steps)
    assert len(made.ends) == 1 or made.ends[-2] < steps


@given(LENGTHS, st.integers(1, 4), st.none() | st.integers(1, 60), st.data())
def test_from_any_step_on_the_rest_of_the_course_is_the_same(lengths, epochs, steps, data):
    made = course(plan_of(lengths), epochs=epochs, steps=steps, evaluate_steps=None)
    whole = list(made.after(0))
    done = data.draw(st.integers(0, made.steps))
    assert list(made.after(done)) == whole[done:]


@given(LENGTHS, st.none() | st.integers(1, 60), st.none() | st.integers(1, 70))
def test_evaluations_are_due_at_the_ends_of_epochs_or_every_so_often_and_always_last(lengths, steps, every):
    made = course(plan_of(lengths), epochs=3, steps=steps, evaluate_steps=every)
    due = [step for step in range(1, made.steps + 1) if made.evaluations(step) > made.evaluations(step - 1)]
    regular = made.ends if every is None else range(every, made.steps + 1, every)
    assert due == sorted({*regular, made.steps})
    assert made.evaluations(made.steps) == len(due)


def test_an_epoch_goes_from_the_step_after_the_one_before_to_its_last():
    made = course(plan_of([30] * 9), epochs=1, steps=5, evaluate_steps=2)
    assert made.ends == (3, 5)
    assert [made.epoch(step) for step in range(1, 6)] == [1, 1, 1, 2, 2]
    assert [made.ends_epoch(step) for step in range(1, 6)] == [False, False, True, False, True]


def test_one_epoch_is_planned_at_a_time():
    asked = []

    def told(epoch):
        asked.append(epoch)
        return plan([30] * 9, budget=100, seed=1, epoch=epoch)

    steps = course(told, epochs=3, steps=None, evaluate_steps=None).after(4)
    asked.clear()
    next(steps)
    assert asked == [1]


def test_no_examples_make_no_steps_however_many_are_asked_for():
    made = course(lambda epoch: BatchPlan((), 0.0), epochs=1, steps=9, evaluate_steps=None)
    assert (made.steps, list(made.after(0))) == (0, [])


def test_an_epoch_of_some_features_trains_on_those_and_no_others():
    lengths = [3, 50, 4, 9, 20, 7, 8, 31]
    made = plan(lengths, budget=40, seed=1, epoch=0, among=[1, 3, 4, 6])
    assert sorted(index for step in made.steps for share in step for index in share) == [1, 3, 4, 6]
    assert list(made.steps) == list(plan(lengths, budget=40, seed=1, epoch=0, among=(1, 3, 4, 6)).steps)
    whole = plan(lengths, budget=40, seed=1, epoch=0)
    assert list(whole.steps) == list(plan(lengths, budget=40, seed=1, epoch=0, among=range(8)).steps)
