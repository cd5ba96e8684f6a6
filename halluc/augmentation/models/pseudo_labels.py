"""Labels that a trained model predicts for plain texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.augmentation.methods.base import PseudoLabelled, TextLabeller
from halluc.augmentation.models.kept_answers import kept_answers
from halluc.core.edits import Editable
from halluc.core.examples import Span


def pseudo_labels(texts: Sequence[str], labeller: TextLabeller, folder: Path) -> list[PseudoLabelled]:
    """The labels of each text, in their order; raises what ``kept_answers`` does."""
    made = kept_answers(
        texts,
        labeller.predicted,
        fingerprint=labeller.fingerprint,
        folder=folder,
        name="self-training",
        file="labels.jsonl",
        doing="labelling",
    )
    return [_read(one) for one in made]


def _read(line: Any) -> PseudoLabelled:
    (tokens, spans, _, labels, *_), confidence = line
    return PseudoLabelled(
        Editable(tuple(tokens), tuple(Span(*span) for span in spans), (), tuple(labels)), confidence
    )  # fmt: skip
