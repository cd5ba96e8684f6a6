"""Labels that a trained model predicts for plain texts; they are kept as they are made, so that a kill loses little."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.augmentation.methods.base import PseudoLabelled, TextLabeller
from halluc.augmentation.pipeline.journal import Journal
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.files import make_folder
from halluc.core.locks import locked
from halluc.core.messages import progress

# Texts that are labelled together, and then kept.
TOGETHER = 512
LABELS = "labels.jsonl"


def pseudo_labels(texts: Sequence[str], labeller: TextLabeller, folder: Path) -> list[PseudoLabelled]:
    """The labels of each text, in their order.

    They are kept in a subfolder of ``folder`` for the same texts and the same labeller. Another process that wants
    them waits meanwhile.

    Raises:
        HallucError E401: they cannot be written. R130: those that were kept are damaged.
    """
    digest = hashlib.sha256(labeller.fingerprint.encode())
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\n")
    fingerprint = digest.hexdigest()
    kept = folder / f"self-training-{fingerprint[:16]}"
    make_folder(folder)
    with (
        locked(folder / f"{kept.name}.lock", kept, waits=True),
        Journal(kept, (LABELS,), fingerprint) as journal,
        progress("labelling", "texts") as tick,
    ):
        made = [_read(line) for line in journal.lines(LABELS)]
        for start in range(len(made), len(texts), TOGETHER):
            batch = labeller.predicted(texts[start : start + TOGETHER])
            for one in batch:
                journal.write(LABELS, json.dumps(one))
            journal.commit({})
            made += batch
            tick(len(made), len(texts))
    return made


def _read(line: Any) -> PseudoLabelled:
    (tokens, spans, _, labels, *_), confidence = line
    return PseudoLabelled(
        Editable(tuple(tokens), tuple(Span(*span) for span in spans), (), tuple(labels)), confidence
    )  # fmt: skip
