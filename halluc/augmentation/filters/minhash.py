"""MinHash signatures in bands: texts that share most of their word triples share a band (Broder 1997; Leskovec,
Rajaraman and Ullman, *Mining of Massive Datasets*, section 3.4)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence

import numpy

from halluc.core.rng import hash64

_PERMUTATIONS = 128
_WORDS = 3  # of a shingle


def bands(tokens: Sequence[str], threshold: float) -> tuple[int, ...]:
    """A 64-bit key per band. Two texts whose shingles have a Jaccard similarity of ``threshold`` share a key with a
    probability of about one half; it rises steeply with the similarity."""
    rows = _rows(threshold)
    signature = _signature(tokens)
    keys = []
    for number in range(_PERMUTATIONS // rows):
        band = signature[number * rows : (number + 1) * rows]
        digest = hashlib.blake2b(band.tobytes(), digest_size=8, salt=number.to_bytes(2, "little")).digest()
        keys.append(int.from_bytes(digest, "little"))
    return tuple(keys)


@functools.cache
def _rows(threshold: float) -> int:
    """Rows per band such that the steepest point of the S-curve ``1 - (1 - s**rows)**bands``, at ``(1 / bands)**(1 /
    rows)``, is closest to the threshold."""
    return min(range(1, _PERMUTATIONS + 1), key=lambda rows: abs((rows / _PERMUTATIONS) ** (1 / rows) - threshold))


@functools.cache
def _functions() -> tuple[numpy.ndarray, numpy.ndarray]:
    """Fixed factors and summands of the hash functions modulo 2**64, which are permutations, since factors are odd.

    The products must overflow many times: otherwise every function would preserve the order of its arguments.
    """
    random = numpy.random.Generator(numpy.random.PCG64(20040704))
    factors, summands = random.integers(0, 1 << 64, size=(2, _PERMUTATIONS, 1), dtype=numpy.uint64)
    return factors | numpy.uint64(1), summands


def _signature(tokens: Sequence[str]) -> numpy.ndarray:
    """The smallest hash of any shingle under each function, (functions,)."""
    words = [token.casefold() for token in tokens]
    shingles = {"\x1f".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))}
    hashed = numpy.array([hash64(shingle) for shingle in sorted(shingles)], dtype=numpy.uint64)
    factors, summands = _functions()
    least: numpy.ndarray = (factors * hashed + summands).min(axis=1)
    return least
