"""``halluc train --processes N``: one training by several processes of this machine, started like torchrun does."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from halluc.core import threads
from halluc.core.errors import EXIT_INTERRUPTED, environment_error
from halluc.engine import environment

# Seconds that processes have to write a checkpoint after they are asked to end.
_SHUTDOWN_SECONDS = 120


def run(arguments: Sequence[str], processes: int) -> int:
    """Run ``halluc`` with these arguments in several processes that train together; returns the exit code.

    The first process that fails ends the others, and its exit code is returned. Ctrl-C and SIGTERM reach all of them:
    the training ends with a checkpoint.

    Raises:
        HallucError E430: a process was killed.
    """
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, rdzv_backend="c10d", rdzv_endpoint="localhost:0",
        run_id=uuid.uuid4().hex, local_addr="localhost", max_restarts=0, shutdown_timeout=_SHUTDOWN_SECONDS,
    )  # fmt: skip
    with _quiet(), _environment(environment.of_process(processes, threads.cores())):
        try:
            elastic_launch(config, sys.executable)("-m", "halluc", *arguments)
        except ChildFailedError as error:
            _, first = error.get_first_failure()
            if first.exitcode < 0:
                message = f"a process of the training was killed by {signal.Signals(-first.exitcode).name}"
                help = "the usual cause is too little memory: lower `train.batch_tokens`, or use fewer processes"
                raise environment_error("E430", message, help) from None
            return int(first.exitcode)
        except (SignalException, KeyboardInterrupt):
            return EXIT_INTERRUPTED
    return 0


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress torch's own report of failed processes: they report their errors themselves."""
    logger = logging.getLogger("torch.distributed.elastic")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set exactly these environment variables for the processes that are started."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
