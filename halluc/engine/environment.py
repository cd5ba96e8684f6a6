"""Settings that the native libraries under torch read from the environment once, when they are loaded.

Importing ``halluc.engine`` or ``halluc.tasks`` sets these before torch is imported. Variables set by the user stay.
Nothing is set if torch was imported earlier: it would have no effect.

Memory: oneDNN caches the primitives of the last 1,024 operations by their tensor shapes, and ideep, torch's wrapper of
it, another 1,024. Each primitive owns its scratchpad. Sentences have hundreds of shapes, so these caches grow to
gigabytes: 9 MB for every new shape of a batch of 1,024 word pieces of a six-layer encoder. Most hits are within a step,
where all layers have the same shapes. 32 exceeds the number of distinct operations of a step, and takes 13 MB.

Waiting: between two operations the threads of GNU OpenMP spin before they sleep, 300,000 times by default, and almost
forever with ``OMP_WAIT_POLICY=active``. This is fast for a single process. If another process needs the core, spinning
costs it a few milliseconds at each of the thousands of operations of a step. A short spin covers the gaps between
operations of one training, and still releases the core (measured in docs/training.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

# Not 0, which makes ideep crash.
CACHED_PRIMITIVES = 32
SPINS = 10_000

# Our values, and other variables with which the user may have decided the same.
_SETTINGS: dict[str, tuple[int, tuple[str, ...]]] = {
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": (CACHED_PRIMITIVES, ("DNNL_PRIMITIVE_CACHE_CAPACITY",)),
    "LRU_CACHE_CAPACITY": (CACHED_PRIMITIVES, ()),
    "GOMP_SPINCOUNT": (SPINS, ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")),
}


def prepare(environ: MutableMapping[str, str] = os.environ, modules: Mapping[str, object] = sys.modules) -> None:
    """Set the variables that the user has not set, if torch is not loaded yet."""
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
    user_settings = (f"{name}={environ[name]}, as set" for name in names if name in environ)
    return next(user_settings, "default of OpenMP, because torch was imported before halluc")


def of_process(at_once: int, cores: int, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of a process that runs next to others: each gets its share of the cores. User settings stay."""
    variables = dict(environ)
    variables.setdefault("OMP_NUM_THREADS", str(max(1, cores // at_once)))
    if at_once > 1 and not {"OMP_WAIT_POLICY", "KMP_BLOCKTIME"} & variables.keys():
        if variables.get("GOMP_SPINCOUNT") == str(SPINS):  # set by halluc itself, for a training that runs alone
            del variables["GOMP_SPINCOUNT"]
        if "GOMP_SPINCOUNT" not in variables:
            variables["OMP_WAIT_POLICY"] = "passive"
    return variables
