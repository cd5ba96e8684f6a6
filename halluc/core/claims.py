"""What a model asserts about an example, and what the evidence says of it (DEFINITIONS, section 1).

Every task turns predictions into claims, and its gold into claims too, so that the ledger and all that follows
know no task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halluc.core.examples import Span

# The evidence says the same; something is there, but told wrongly; nothing stands behind it; nothing to judge by.
Verdict = Literal["supported", "distorted", "unsupported", "unverifiable"]
VERDICTS: tuple[Verdict, ...] = ("supported", "distorted", "unsupported", "unverifiable")


# Where gold stands, and its label: a span, or (None, None, label) where the label is one of the whole example.
Mark = tuple[int | None, int | None, str]


def rounded(confidence: float | None) -> float | None:
    """A confidence as files have it: six decimals, None where none is stated."""
    return None if confidence is None else round(confidence, 6)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The gold that a claim was matched to, and other gold that it overlaps (no omission either)."""

    matched: Mark | None = None
    touched: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that is asserted about one example; ``verdict``, ``reason`` and ``evidence`` are its judge's.

    ``kind`` is what it is about, as ``"span"``; ``text`` is the surface; ``where`` the tokens, where it has any: those
    of the example or, where a model writes a text, of that. ``parts`` are the surfaces that it relates, where it is
    about several.
    """

    example_id: str
    kind: str
    text: str
    where: Span | None
    label: str
    confidence: float | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    evidence: Evidence = Evidence()
    parts: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark:
        """What tells it from other claims about the same example."""
        return self.where or (None, None, self.label)


@dataclass(frozen=True, slots=True)
class Judged:
    """The claims about one example with their verdicts, in their order, and the gold that no claim touches."""

    claims: tuple[Claim, ...]
    omissions: tuple[Claim, ...]
