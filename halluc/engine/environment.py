"""What the native libraries under torch read from the environment, once, when they are loaded.

Importing ``halluc.engine`` or ``halluc.tasks`` sets these before anything of them imports torch. What the user has set
stays. Nothing is set where torch was imported first: it would have no effect.

Memory: oneDNN keeps the primitives of the last 1,024 operations by their tensor shapes, and ideep, torch's wrapper of
it, keeps another 1,024. Each primitive owns its scratchpad. Sentences make hundreds of shapes, so these caches grow to
gigabytes, 9 MB for every new shape of a batch of 1,024 word pieces of a six-layer encoder, and are hit mostly within a
step, where all layers have the same shapes. 32 is more than a step has distinct operations, and keeps 13 MB.

Waiting: between two operations the threads of GNU OpenMP spin, 300,000 times by default, and with
``OMP_WAIT_POLICY=active`` practically for ever, before they sleep. Alone that is fast. Where another process needs the
core it takes the core from it, a few milliseconds at each of the thousands of operations of a step. A short spin is to
bridge the gaps between operations of one training, and still give way (measured in docs/training.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

# Not 0: ideep crashes with that.
CACHED_PRIMITIVES = 32
SPINS = 10_000

# What is set, and other names under which the user may have decided the same.
_SETTINGS: dict[str, tuple[int, tuple[str, ...]]] = {
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": (CACHED_PRIMITIVES, ("DNNL_PRIMITIVE_CACHE_CAPACITY",)),
    "LRU_CACHE_CAPACITY": (CACHED_PRIMITIVES, ()),
    "GOMP_SPINCOUNT": (SPINS, ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")),
}


def prepare(environ: MutableMapping[str, str] = os.environ, modules: Mapping[str, object] = sys.modules) -> None:
    """Set what the user has not, if torch is not loaded yet."""
    if "torch" in modules:
        return
    for name, (value, others) in _SETTINGS.items():
        if not any(other in environ for other in others):
            environ.setdefault(name, str(value))


def waiting(environ: Mapping[str, str] = os.environ) -> str:
    """How OpenMP threads wait for work, and who decided that; for messages and ``run.json``."""
    if environ.get("GOMP_SPINCOUNT") == str(SPINS):
        return f"short spin, GOMP_SPINCOUNT={SPINS}"
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
    there = (f"{name}={environ[name]}, as set" for name in names if name in environ)
    return next(there, "as OpenMP does by default: torch was imported before halluc")


def of_process(at_once: int, cores: int, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of a process beside others: each gets its share of the cores. What the user has set stays."""
    made = dict(environ)
    made.setdefault("OMP_NUM_THREADS", str(max(1, cores // at_once)))
    if at_once > 1 and not {"OMP_WAIT_POLICY", "KMP_BLOCKTIME"} & made.keys():
        if made.get("GOMP_SPINCOUNT") == str(SPINS):  # what halluc sets itself, for a training that is alone
            del made["GOMP_SPINCOUNT"]
        if "GOMP_SPINCOUNT" not in made:
            made["OMP_WAIT_POLICY"] = "passive"
    return made
