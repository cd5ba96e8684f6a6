"""Claims, the assertions of a model about an example, and their verdicts (DEFINITIONS, section 1).

Every task turns its predictions and its gold into claims. The ledger and everything after it work on claims alone and
do not depend on the task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halluc.core.examples import Span

# supported: the evidence agrees; distorted: the claim is about something real but gets it wrong; unsupported: no
# evidence supports it; unverifiable: there is no evidence to judge it.
Verdict = Literal["supported", "distorted", "unsupported", "unverifiable"]
VERDICTS: tuple[Verdict, ...] = ("supported", "distorted", "unsupported", "unverifiable")

# The tokens of a gold annotation and its label: a span, or (None, None, label) if the label is of the whole example.
Mark = tuple[int | None, int | None, str]


def rounded(confidence: float | None) -> float | None:
    """A confidence as written to files: six decimals, None if there is none."""
    return None if confidence is None else round(confidence, 6)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The gold that a claim was matched to, and other gold that it overlaps, which counts as not omitted."""

    matched: Mark | None = None
    touched: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One assertion about one example; the judge sets ``verdict``, ``reason`` and ``evidence``.

    ``kind`` is its type, such as ``"span"``; ``text`` is the surface; ``where`` are its tokens, if any: tokens of the
    example, or of the text that the model generated. ``parts`` are the two surfaces of a relation.
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
        """Identifies the claim among those about the same example."""
        return self.where or (None, None, self.label)


@dataclass(frozen=True, slots=True)
class Judged:
    """The claims about one example with their verdicts, in order, and the gold that no claim touches."""

    claims: tuple[Claim, ...]
    omissions: tuple[Claim, ...]
