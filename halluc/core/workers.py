"""Work distributed to forked processes: results in order, and only a few items per process in progress.

Each process has its own pipe, whose ends no other process has open: if one side is killed, even in the middle of a
message, the other side reads the end of the file and does not wait forever.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from halluc.core.errors import HallucError, environment_error
from halluc.core.processes import end_with_parent
from halluc.core.threads import cores

T = TypeVar("T")
R = TypeVar("R")

# Items in progress per process: enough to keep it busy, few enough to keep memory small.
_AHEAD = 3
# A signal to the whole group ends the workers and also reaches this process, where it counts as Ctrl-C.
_SIGNAL_SECONDS = 0.1


def number_of(workers: int | Literal["auto"]) -> int:
    """The number of processes: as requested, or one per core that this process may use."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1  # forked processes inherit what the methods learnt, others would need a copy sent to them
    return workers if isinstance(workers, int) else cores()


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """Each item with its result, in the order of the items. A single worker is this process itself.

    Raises:
        HallucError E430: a process was killed, usually for lack of memory. Also whatever ``work`` raises, with the
            traceback of the process as a note.
    """
    gc.freeze()  # a garbage collection would write to, and so copy, all shared pages of memory
    try:
        if workers == 1:
            yield from ((item, work(item)) for item in items)
        else:
            yield from _shared_out(work, items, workers)
    finally:
        gc.unfreeze()


def _shared_out(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    with _forked(work, workers) as pipes:
        under_way: _UnderWay = {pipe: deque() for pipe in pipes}
        waiting: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            waiting.append((item, _submit(under_way, item)))
            if len(waiting) >= _AHEAD * workers:
                first, future = waiting.popleft()
                yield first, _result(under_way, future)
        while waiting:
            first, future = waiting.popleft()
            yield first, _result(under_way, future)


# For each pipe, the unanswered items of its process, in the order in which they were sent.
_UnderWay = dict[Connection, deque[Future[Any]]]


def _submit(under_way: _UnderWay, item: Any) -> Future[Any]:
    """Send an item to the process with the least work; it always reads, so this never blocks for long."""
    pipe, futures = min(under_way.items(), key=lambda one: len(one[1]))
    with _killed_as_error():
        pipe.send(item)
    future: Future[Any] = Future()
    futures.append(future)
    return future


def _result(under_way: _UnderWay, future: Future[R]) -> R:
    """Read all available answers, so that no process waits to send, until the requested result has arrived."""
    ready = wait(under_way, timeout=0)
    while ready or not future.done():
        for pipe in ready:
            assert isinstance(pipe, Connection)
            with _killed_as_error():
                answer = pipe.recv_bytes()
            result, error = ForkingPickler.loads(answer)
            if error is None:
                under_way[pipe].popleft().set_result(result)
            else:
                under_way[pipe].popleft().set_exception(error)
        ready = [] if future.done() else wait(under_way)
    return future.result()


@contextlib.contextmanager
def _killed_as_error() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError):
        time.sleep(_SIGNAL_SECONDS)
        help = "the usual cause is too little memory: use fewer processes (`augment.workers`, `--jobs`)"
        raise environment_error("E430", "a worker process was killed", help) from None


@contextlib.contextmanager
def _forked(work: Callable[[Any], Any], workers: int) -> Iterator[list[Connection]]:
    """A pipe to each of the new processes, which are always killed and waited for at the end."""
    context = multiprocessing.get_context("fork")
    pipes, processes = [], []
    try:
        with _signals_blocked():
            for _ in range(workers):
                ours, theirs = context.Pipe()
                pipes.append(ours)
                with theirs:
                    process = context.Process(target=_serve, args=(work, theirs, pipes), daemon=True)
                    process.start()
                processes.append(process)
        yield pipes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        for pipe in pipes:
            pipe.close()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals during a fork: a child must not run its parent's handlers; it unblocks signals after it has set its
    own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(work: Callable[[Any], Any], pipe: Connection, inherited: list[Connection]) -> None:
    """The main loop of a process: answer every item, and end with the parent."""
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and kills its children
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    end_with_parent()
    items: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(pipe, items), daemon=True).start()
    with contextlib.suppress(OSError):  # the parent has ended
        while True:
            pipe.send_bytes(_answer(work, items.get()))
    os._exit(1)


def _read(pipe: Connection, items: SimpleQueue[bytes]) -> None:
    """Read items from the pipe at once, so that the parent never waits to send while this process waits to answer."""
    try:
        while True:
            items.put(pipe.recv_bytes())
    finally:
        os._exit(1)  # the parent has ended


def _answer(work: Callable[[Any], Any], item: bytes) -> Any:
    """The result of the work, or its error, pickled: (result, None) or (None, error)."""
    try:
        return ForkingPickler.dumps((work(ForkingPickler.loads(item)), None))
    except HallucError as error:
        return ForkingPickler.dumps((None, error))
    except BaseException as error:  # noqa: BLE001 - a bug, which the parent raises
        text = traceback.format_exc()
        error.add_note(f"in a worker process:\n{text}")
        try:
            answer = ForkingPickler.dumps((None, error))
            ForkingPickler.loads(answer)
        except Exception:  # noqa: BLE001 - an error that cannot be pickled: its text can
            return ForkingPickler.dumps((None, RuntimeError(text)))
        return answer
