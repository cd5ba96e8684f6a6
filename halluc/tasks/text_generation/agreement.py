"""How many texts that a model samples for an input state what its output states (Manakul et al. 2023).

A model that knows something writes it again; what it makes up differs between samples.
"""

from __future__ import annotations

from collections.abc import Sequence

from halluc.tasks.text_generation.evidence import EvidenceTexts
from halluc.tasks.text_generation.statements import Statement
from halluc.tasks.text_generation.words import folded_words


def shares(claims: Sequence[Statement], samples: Sequence[str], language: str) -> tuple[float, ...]:
    """For each claim the share of samples that state it: a sentence where its words are there in a row."""
    read = [EvidenceTexts([sample], [language]) for sample in samples]
    words = [f" {' '.join(folded_words(sample))} " for sample in samples]
    found = []
    for claim in claims:
        if claim.kind == "sentence":
            run = f" {' '.join(folded_words(claim.text))} "
            count = sum(run in one for one in words)
        else:
            count = sum(one.states(claim.kind, claim.text, language) for one in read)
        found.append(count / len(samples))
    return tuple(found)
