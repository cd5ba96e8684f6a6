"""Work in several processes: in order, bounded, and ended well."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from halluc.augment import workers
from halluc.augment.base import OptionError
from halluc.core.errors import EXIT_DATA, EXIT_ENVIRONMENT, HallucError


def square(number: int) -> int:
    return number * number


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_with_their_items_in_the_order_of_the_items(processes):
    assert list(workers.in_order(square, range(40), processes)) == [(n, n * n) for n in range(40)]


def test_the_order_holds_where_the_first_takes_longest():
    def slow_at_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number

    assert [result for _, result in workers.in_order(slow_at_first, range(8), 2)] == list(range(8))


def test_one_worker_is_this_process_and_more_are_others():
    def whoever(_: int) -> int:
        return os.getpid()

    assert {pid for _, pid in workers.in_order(whoever, range(3), 1)} == {os.getpid()}
    assert os.getpid() not in {pid for _, pid in workers.in_order(whoever, range(6), 2)}


def test_what_a_method_learnt_is_inherited_though_it_cannot_be_sent():
    learnt = (lambda number: number + 1, {"a": 1})

    def work(number: int) -> int:
        return learnt[0](number)

    assert [result for _, result in workers.in_order(work, [1, 2], 2)] == [2, 3]


@pytest.mark.parametrize("processes", [1, 2])
def test_items_are_taken_only_a_few_ahead(processes):
    taken: list[int] = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = workers.in_order(square, items(), processes)
    next(results)
    assert len(taken) <= 3 * processes
    results.close()
    assert len(taken) <= 3 * processes


def test_no_items_give_no_results():
    assert list(workers.in_order(square, [], 2)) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_the_work_reaches_the_caller_with_all_it_says(processes):
    def fails(number: int) -> int:
        raise OptionError("args", "C999", f"at {number}", "do so", EXIT_DATA)

    with pytest.raises(HallucError, match="at 0") as caught:
        list(workers.in_order(fails, range(5), processes))
    error = caught.value
    assert (error.code, error.help, error.exit_code) == ("C999", "do so", EXIT_DATA)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_fault_of_the_work_is_no_kill(processes):
    with pytest.raises(ZeroDivisionError):
        list(workers.in_order(lambda number: 1 // number, range(5), processes))


def test_a_killed_process_is_told_with_a_next_step():
    def dies(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(HallucError) as caught:
        list(workers.in_order(dies, range(30), 2))
    assert (caught.value.code, caught.value.exit_code) == ("E430", EXIT_ENVIRONMENT)
    assert "augment.workers" in str(caught.value.help)


def test_leaving_early_leaves_no_process_behind():
    results = workers.in_order(square, range(1000), 2)
    next(results)
    results.close()
    assert not multiprocessing.active_children()


def test_a_process_leaves_the_interrupt_to_the_one_that_started_it():
    def handler(_: int) -> bool:
        return signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    # A shell lets what it starts in the background ignore the interrupt from the first.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert all(ignored for _, ignored in workers.in_order(handler, range(4), 2))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_auto_is_one_a_core_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    assert workers.number_of("auto") == 3
    assert workers.number_of(7) == 7


def test_without_fork_there_is_one_process(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert workers.number_of(4) == workers.number_of("auto") == 1
