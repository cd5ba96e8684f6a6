"""What the native libraries under torch read from the environment, once, when they are loaded.

Importing ``halluc.engine`` sets these before anything of it imports torch. What the user has set stays. Nothing is set
where torch was imported first: it would have no effect.

oneDNN keeps the primitives of the last 1,024 operations by their tensor shapes, and torch's wrapper of it, ideep, keeps
another 1,024. Each primitive owns its scratchpad. Sentences make hundreds of shapes, so these caches grow to gigabytes,
9 MB for every new shape of a batch of 1,024 word pieces of a six-layer encoder, and are hit only within a step, where
all layers have the same shapes. 64 is more than a step has distinct operations, and keeps 30 MB.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

# Not 0: ideep crashes with that.
CACHED_PRIMITIVES = 64

# What is set, and other names under which the user may have decided the same.
_SETTINGS: dict[str, tuple[int, tuple[str, ...]]] = {
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": (CACHED_PRIMITIVES, ("DNNL_PRIMITIVE_CACHE_CAPACITY",)),
    "LRU_CACHE_CAPACITY": (CACHED_PRIMITIVES, ()),
}


def prepare(environ: MutableMapping[str, str] = os.environ, modules: Mapping[str, object] = sys.modules) -> None:
    """Set what the user has not, if torch is not loaded yet."""
    if "torch" in modules:
        return
    for name, (value, others) in _SETTINGS.items():
        if not any(other in environ for other in others):
            environ.setdefault(name, str(value))
