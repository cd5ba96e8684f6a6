"""One new example: drawn, filtered, tried again. Everything here is a function of the config, the training split and
the example's own keys, so that it comes out the same wherever it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from halluc.augmentation.filters.filters import Candidate, Filter, Keys
from halluc.augmentation.methods.base import Augmenter, Changed, Rejected, Synthesizer
from halluc.core.edits import Editable, Replace
from halluc.core.rng import Draws

UNCHANGEABLE = "unchangeable"
COPY = "copy"
SAMPLED = "sampled"


@dataclass(frozen=True)
class Method:
    """A method of the config: ``name`` tells it apart in figures, ``steps`` are the names in provenance."""

    name: str
    steps: tuple[str, ...]
    share: float
    made_by: Augmenter | Synthesizer


class Refusal(NamedTuple):
    """A candidate that a filter (or its own method) rejected; ``after`` is its text, None where it never came to be."""

    reason: str
    method: str
    after: str | None


class Accepted(NamedTuple):
    """A candidate that no filter rejects for itself; ``keys`` are, by filter, what no earlier one may share."""

    changed: Changed
    method: str
    steps: tuple[str, ...]
    attempt: int
    keys: tuple[Keys, ...]
    sampled: bool


@dataclass(frozen=True)
class Maker:
    """Makes candidates for (example, copy): ``attempts`` tries, each with its own draws."""

    methods: Sequence[Method]
    filters: Sequence[Filter]
    seed: int
    attempts: int
    copies_unchangeable: bool

    @cached_property
    def _prefixes(self) -> list[bytes]:
        """What the keys of each method's draws begin with."""
        return [f"{self.seed}\x1f{number}\x1f{one.name}\x1f".encode() for number, one in enumerate(self.methods)]

    def make(
        self, example: Editable, identity: str, copy: int, attempt: int = 0
    ) -> tuple[Accepted | None, list[Refusal]]:  # fmt: skip
        """The first candidate from ``attempt`` on that no filter rejects for itself, and what was rejected before it.

        Without one, the last refusal tells whether any method could change the example.
        """
        refusals: list[Refusal] = []
        changeable = False
        for number in range(attempt, self.attempts):
            key = f"{identity}\x1f{copy}\x1f{number}".encode("utf-8", "surrogatepass")
            made, refusal = self._attempt(example, key, number)
            if made is not None:
                return made, refusals
            if refusal is not None:
                changeable = True
                refusals.append(refusal)
        if not changeable and attempt == 0:
            made = self._copied(example) if self.copies_unchangeable else None
            return made, [] if made else [Refusal(UNCHANGEABLE, "", None)]
        return None, refusals

    def _attempt(self, example: Editable, key: bytes, number: int) -> tuple[Accepted | None, Refusal | None]:
        """One try; neither where no method finds anything to change."""
        for index in self._order(key):
            method = self.methods[index]
            draws = Draws(self._prefixes[index] + key)
            try:
                changed = _changed(method.made_by, example, draws)
            except Rejected as rejected:
                return None, Refusal(rejected.reason, method.name, None)
            if method.made_by.makes_copies or changed.is_edited:
                return self._filtered(example, changed, method, number)
        return None, None

    def _order(self, key: bytes) -> Iterator[int]:
        """The methods in the order in which they are asked: by share, without replacement."""
        draws = Draws(b"%d\x1fmethod\x1f%b" % (self.seed, key))
        left = list(range(len(self.methods)))
        while left:
            yield left.pop(draws.weighted(list(accumulate(self.methods[one].share for one in left))))

    def _filtered(
        self, example: Editable, changed: Changed, method: Method, number: int
    ) -> tuple[Accepted | None, Refusal | None]:  # fmt: skip
        made_by = method.made_by
        candidate = Candidate(example, changed.edited, made_by.changes_form_only, made_by.makes_copies)
        for one in self.filters:
            if one.refuses(candidate):
                return None, Refusal(one.name, method.name, " ".join(changed.edited.tokens))
        keys = tuple([one.keys(candidate) for one in self.filters])
        return Accepted(changed, method.name, method.steps, number, keys, isinstance(made_by, Synthesizer)), None

    def _copied(self, example: Editable) -> Accepted | None:
        """An example that no method can change, as it is, if it may be taken."""
        candidate = Candidate(example, example, False, True)
        if any(one.refuses(candidate) for one in self.filters):
            return None
        return Accepted(Changed(example, ()), COPY, (COPY,), 0, tuple(() for _ in self.filters), False)


def _changed(made_by: Augmenter | Synthesizer, example: Editable, draws: Draws) -> Changed:
    if isinstance(made_by, Augmenter):
        return made_by.change(example, draws)
    sampled = made_by.sample(example, draws)
    return Changed(sampled, ((Replace(0, 0, sampled.tokens, SAMPLED),),))
