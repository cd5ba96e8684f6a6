"""Work distributed to threads, for numpy and scipy, which release Python's global interpreter lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Python code between two computations needs the lock: more threads would wait for each other.
_MOST = 4


def number() -> int:
    """The number of threads: OMP_NUM_THREADS, otherwise one per core that this process may use, up to a limit."""
    value = os.environ.get("OMP_NUM_THREADS", "")
    return min(_MOST, max(1, int(value)) if value.isdecimal() else cores())


def cores() -> int:
    """The number of cores that this process may use."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) or 1


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """The result for each item, in the order of the items; only a few items are read ahead."""
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
