"""The table of remedies of ``halluc advise``: the errors that each addresses, its config, its cost, and its
requirements.

A remedy is merged over the config of a run. It is not recommended if the schema refuses the result, for example because
the task does not have a key. So this table does not depend on tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Placeholders in a remedy's config for values of the run, or given by the user.
RUN, UNLABELLED, GAZETTEER, LAYERS, INTERVAL = "{run}", "{unlabelled}", "{gazetteer}", "{layers}", "{interval}"
ADAPTER_RATE = "{adapter_rate}"

# Requirements of a remedy besides its keys, with the message if one is missing.
NEEDS = {
    "spans": "it needs labelled spans",
    "labelled texts": "it needs texts with a label",
    "documents": "the documents of the training split are unknown",
    "cased": "the model's tokenizer ignores capital letters",
    "uncased": "the model's tokenizer keeps capital letters",
    "mask token": "the model's tokenizer has no mask token",
    "pre-trained": "the model is not pre-trained",
    "decoding": "the task has no other decoding, or the run uses it",
    "plain training split": "the config has `augment` already",
    UNLABELLED: "it needs unlabelled texts: --unlabelled FILE",
    GAZETTEER: "it needs a list of names: --gazetteer FILE",
    LAYERS: "the number of layers of the model is unknown",
    INTERVAL: "the layers or steps of the training are unknown, or there are too few steps",
    RUN: "halluc has trained no model in this run",
    "adapters": "it needs the extra `lora`: pip install 'halluc[lora]'",
    "uncalibrated": "the run was evaluated with a temperature",
}


@dataclass(frozen=True)
class Remedy:
    """A remedy.

    Args:
        name: the name of its arm.
        why: why it addresses these errors.
        source: the publication.
        config: the keys that are merged over the config of the run.
        kinds: the kinds of errors that it addresses, named as in ``error_analysis``; empty: all.
        unseen: it only addresses errors on what is not in training.
        needs: names in ``NEEDS``.
        training, prediction: rough factors of the time of the plain recipe.
        of_confidence: it only changes confidences, and is recommended if they are miscalibrated.
        has_arm: whether models have to be trained to measure its effect.
    """

    name: str
    why: str
    source: str
    config: Mapping[str, Any]
    kinds: Sequence[str] = ()
    unseen: bool = False
    needs: Sequence[str] = ()
    training: float = 1.0
    prediction: float = 1.0
    of_confidence: bool = False
    has_arm: bool = True


CONTROL, CONTROL_CONFIG = "duplicates", {"augment": {"size": "2.0x", "methods": [{"type": "duplicate"}]}}
_TABLE = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
REMEDIES = tuple(Remedy(**one) for one in yaml.safe_load(_TABLE))


def adapter_rate(learning_rate: float) -> float:
    """A learning rate for adapters: 5 times that of full fine-tuning, at most 2.0e-3 unless that itself is higher."""
    return max(learning_rate, min(5 * learning_rate, 2e-3))
