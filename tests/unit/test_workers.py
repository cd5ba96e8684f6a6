"""Work in several processes: in order, bounded, and ended well."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.augmentation.methods.base import OptionError
from halluc.core import workers
from halluc.core.errors import EXIT_DATA, EXIT_ENVIRONMENT, HallucError, ManyErrors, data_error
from halluc.core.processes import is_running

MEGABYTE = b"x" * 2**20


class Hang(BaseException):
    """No mere exception: hypothesis would take it for a failure of the example, and try others."""


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    """A test that hangs fails, and the next one runs."""

    def bark(number: int, frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, 60, 5)  # again where cleaning up hangs too
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    assert not multiprocessing.active_children()


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    clock = time.monotonic()
    yield
    assert time.monotonic() - clock < seconds


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


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 3_000_000)), max_size=9), st.integers(2, 3))
def test_items_and_results_of_any_size_pass_each_other(sizes, processes):
    items = [(bytes(sent), answered) for sent, answered in sizes]
    results = workers.in_order(lambda item: (len(item[0]), bytes(item[1])), items, processes)
    assert [(sent, len(answer)) for _, (sent, answer) in results] == sizes


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

    with pytest.raises(OptionError, match="at 0") as caught:
        list(workers.in_order(fails, range(5), processes))
    error = caught.value
    assert (error.key, error.code, error.help, error.exit_code) == ("args", "C999", "do so", EXIT_DATA)


def test_several_errors_stay_several():
    def fails(number: int) -> int:
        raise ManyErrors([data_error("D001", "one"), data_error("D002", "two")], 7)

    with pytest.raises(ManyErrors) as caught:
        list(workers.in_order(fails, range(5), 2))
    assert ([error.code for error in caught.value.errors], caught.value.total) == (["D001", "D002"], 7)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_bug_in_the_work_is_no_kill(processes):
    with pytest.raises(ZeroDivisionError):
        list(workers.in_order(lambda number: 1 // number, range(5), processes))


def test_a_bug_comes_with_the_traceback_of_its_process():
    def divide(number: int) -> float:
        return 1 // number

    with pytest.raises(ZeroDivisionError) as caught:
        list(workers.in_order(divide, range(5), 2))
    (note,) = caught.value.__notes__
    assert "in divide" in note
    assert "return 1 // number" in note


class Unsendable(Exception):
    """Pickle sends it, and cannot make it anew: it calls it with one argument."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)


def test_an_error_or_a_result_that_cannot_be_sent_is_reported_as_a_bug():
    def fails(number: int) -> int:
        raise Unsendable(number, 2)

    with pytest.raises(RuntimeError, match="raise Unsendable"):
        list(workers.in_order(fails, range(5), 2))
    with pytest.raises(AttributeError, match="pickle"):
        list(workers.in_order(lambda number: lambda: number, range(5), 2))


def test_a_killed_process_is_reported_with_a_next_step():
    def dies(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(HallucError) as caught:
        list(workers.in_order(dies, range(30), 2))
    assert (caught.value.code, caught.value.exit_code) == ("E430", EXIT_ENVIRONMENT)
    assert "augment.workers" in str(caught.value.help)


def kill_while(results: Iterator[tuple[int, tuple[int, bytes]]], delay: float) -> str:
    """Take one result, kill the process that made it ``delay`` seconds later, and take the others: the error's code."""
    _, (victim, _) = next(results)
    killer = threading.Timer(delay, os.kill, (victim, signal.SIGKILL))
    killer.start()
    with at_most(30), pytest.raises(HallucError) as caught:
        for _ in results:
            pass
    killer.join()
    return caught.value.code


def test_a_process_killed_at_any_moment_is_reported():
    moments = random.Random(5)
    for _ in range(30):
        results = workers.in_order(lambda _: (os.getpid(), MEGABYTE * 5), range(10**6), 2)
        assert kill_while(results, moments.uniform(0, 0.1)) == "E430"
        assert not multiprocessing.active_children()


def test_a_process_killed_in_the_middle_of_a_message_is_reported():
    results = workers.in_order(lambda _: (os.getpid(), MEGABYTE * 5), range(10**6), 2)
    _, (victim, _) = next(results)
    time.sleep(0.3)  # nobody reads: the socket is full
    os.kill(victim, signal.SIGKILL)
    with at_most(30), pytest.raises(HallucError, match="was killed"):
        list(results)


def test_an_idle_process_that_was_killed_gets_no_more_items():
    results = workers.in_order(lambda _: os.getpid(), range(10**6), 2)
    _, victim = next(results)
    time.sleep(0.1)
    os.kill(victim, signal.SIGKILL)
    time.sleep(0.1)
    with at_most(30), pytest.raises(HallucError, match="was killed"):
        list(results)


def test_an_interrupt_ends_busy_processes_at_once():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    killer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    try:
        with at_most(30), pytest.raises(KeyboardInterrupt):
            for _ in workers.in_order(lambda _: time.sleep(100), iter_and(killer.start, range(10)), 2):
                pass
    finally:
        signal.signal(signal.SIGINT, before)
        killer.cancel()


def iter_and(then, items):
    """The items, and a call after the first."""
    for place, item in enumerate(items):
        if place == 1:
            then()
        yield item


def test_leaving_early_leaves_no_process_behind():
    results = workers.in_order(square, range(1000), 2)
    next(results)
    results.close()
    assert not multiprocessing.active_children()


def test_leaving_early_does_not_wait_for_work_under_way():
    results = workers.in_order(lambda number: time.sleep(100 * number), range(10), 3)
    next(results)
    with at_most(30):
        results.close()
    assert not multiprocessing.active_children()


def test_an_error_of_the_items_ends_the_processes():
    def items() -> Iterator[int]:
        yield 1
        raise OSError("cannot be read")

    with pytest.raises(OSError, match="cannot be read"):
        list(workers.in_order(square, items(), 2))
    assert not multiprocessing.active_children()


PARENT = r"""
import os, sys, time
from halluc.core import workers
what, kernel = sys.argv[1:]
if kernel == "no":
    workers.end_with_parent = lambda: None
def work(item):
    os.write(1, f"{os.getpid()}\n".encode())
    if what == "busy":
        time.sleep(100)
    if what == "holding the lock of the interpreter":
        sum(range(10**12))
    return b"x" * (2**24 if what == "sending" else 1)
def items():
    yield from range(3)
    time.sleep(100)
list(workers.in_order(work, items(), 3))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


@pytest.mark.parametrize(
    ("what", "kernel"),
    [
        ("busy", "no"),
        ("idle", "no"),
        ("sending", "no"),
        pytest.param("busy", "asked", marks=linux),
        pytest.param("holding the lock of the interpreter", "asked", marks=linux),
    ],
)
def test_processes_end_with_a_parent_that_is_killed(what, kernel):
    with subprocess.Popen([sys.executable, "-c", PARENT, what, kernel], stdout=subprocess.PIPE, text=True) as parent:
        try:
            children = {int(parent.stdout.readline()) for _ in range(3)}
            time.sleep(0.1)
            assert len(children) == 3
            assert all(map(is_running, children))
        finally:
            parent.kill()
        parent.wait()
        deadline = time.monotonic() + 2
        while any(map(is_running, children)):
            assert time.monotonic() < deadline, "a process outlives its parent"
            time.sleep(0.01)


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
