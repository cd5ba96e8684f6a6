"""Randomness as a pure function of keys: no global state, so nothing depends on order, workers or shards."""

from __future__ import annotations

import hashlib

import numpy


def keyed_seed(*keys: object) -> int:
    """A 64-bit seed from any keys (``repr`` of each, so that ``1`` and ``"1"`` differ)."""
    text = "\x1f".join(repr(key) for key in keys)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def keyed_generator(*keys: object) -> numpy.random.Generator:
    return numpy.random.Generator(numpy.random.PCG64(keyed_seed(*keys)))
