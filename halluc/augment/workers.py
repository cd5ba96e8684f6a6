"""Work shared out to processes: results in order, and never more of it under way than a few chunks a process."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, TypeVar

from halluc.core.errors import HallucError, environment_error
from halluc.core.processes import end_with_parent

T = TypeVar("T")
R = TypeVar("R")

# Chunks under way for each process: enough to keep it busy, few enough to keep memory small.
_AHEAD = 3

_work: Callable[[Any], Any] | None = None


def number_of(workers: int | Literal["auto"]) -> int:
    """How many processes: as asked for, or one a core that this process may use."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1  # what the methods learnt is inherited, not sent
    return workers if isinstance(workers, int) else len(os.sched_getaffinity(0))


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """Each item with its result, in the order of the items. One worker is this process.

    Raises:
        HallucError E430: a process was killed, mostly for want of memory.
    """
    if workers == 1:
        for item in items:
            yield item, work(item)
        return
    context = multiprocessing.get_context("fork")
    gc.freeze()  # what was built before the fork stays shared: the collector would touch, and so copy, every page
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(work, os.getpid())) as pool:
        waiting: deque[tuple[T, Future[Any]]] = deque()
        try:
            for item in items:
                with _signals_blocked():  # the first call forks
                    waiting.append((item, pool.submit(_do, item)))
                if len(waiting) >= _AHEAD * workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        except _Told as told:
            raise HallucError(*told.args) from None
        except BrokenProcessPool:
            help = "the same command goes on where this one stopped; with fewer `augment.workers` it needs less memory"
            raise environment_error("E430", "a process that made candidates was killed", help) from None
        finally:
            for _, future in waiting:
                future.cancel()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """A forked process must not run the handlers of its parent before it has set its own; it unblocks them itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(work: Callable[[Any], Any], parent: int) -> None:
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was interrupted ends the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ends it at once; the parent takes it for Ctrl-C
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    end_with_parent(parent)


class _Told(Exception):
    """The facts of a ``HallucError``, which pickle could not make anew from its message alone."""


def _do(item: Any) -> Any:
    assert _work is not None
    try:
        return _work(item)
    except HallucError as error:
        raise _Told(error.code, error.message, error.where, error.help, error.exit_code) from None
