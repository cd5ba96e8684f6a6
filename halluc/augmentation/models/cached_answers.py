"""Answers of a model to plain texts, cached in small steps, so that little is lost when a process is killed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.augmentation.methods.base import PseudoLabelled, TextModel
from halluc.augmentation.pipeline.journal import Journal
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.files import make_folder
from halluc.core.locks import locked
from halluc.core.messages import progress

# Texts that are answered and cached together.
TOGETHER = 512


def cached_answers(
    texts: Sequence[str], model: TextModel[Any], folder: Path, *, name: str, file: str, doing: str
) -> list[Any]:
    """The answer to each text as plain JSON values, in order.

    They are cached in a subfolder of ``folder`` for the same texts and the same model. Another process that needs the
    same answers waits.

    Args:
        name: the prefix of the subfolder's name.
        file: the name of the file in it.
        doing: the description of the progress bar.

    Raises:
        HallucError E401: they cannot be written. R130: the cached ones are damaged.
    """
    digest = hashlib.sha256(model.fingerprint.encode())
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\n")
    key = digest.hexdigest()
    cache = folder / f"{name}-{key[:16]}"
    make_folder(folder)
    with (
        locked(folder / f"{cache.name}.lock", cache, waits=True),
        Journal(cache, (file,), key) as journal,
        progress(doing, "texts") as tick,
    ):
        answers = list(journal.lines(file))
        for start in range(len(answers), len(texts), TOGETHER):
            lines = [json.dumps(one) for one in model.answers(texts[start : start + TOGETHER])]
            for line in lines:
                journal.write(file, line)
            journal.commit({})
            answers += map(json.loads, lines)
            tick(len(answers), len(texts))
    return answers


def pseudo_labels(texts: Sequence[str], labeller: TextModel[PseudoLabelled], folder: Path) -> list[PseudoLabelled]:
    """The labels of each text, in order; raises the errors of ``cached_answers``."""
    answers = cached_answers(texts, labeller, folder, name="self-training", file="labels.jsonl", doing="labelling")
    return [
        PseudoLabelled(Editable(tuple(tokens), tuple(Span(*span) for span in spans), (), tuple(labels)), confidence)
        for (tokens, spans, _, labels, *_), confidence in answers
    ]
