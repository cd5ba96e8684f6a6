"""What a detector is: it judges claims by one kind of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from halluc.config.schema import Section
from halluc.core.claims import Claim, Judged


class Detector(Protocol):
    """One file a kind of evidence; the ledger and the commands know detectors by this protocol only."""

    Config: ClassVar[type[Section]]

    def judge(self, claims: Sequence[Claim], gold: Sequence[Claim]) -> Judged:
        """The claims about one example with verdict, reason and evidence, in their order, and the gold that none
        touches; ``unverifiable`` where its kind of evidence says nothing."""
        ...
