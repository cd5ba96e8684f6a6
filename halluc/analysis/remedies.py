"""The table of remedies of ``halluc advise``: the errors that each addresses, its config, its cost, and its
requirements.

A remedy is merged over the config of a run. It is not recommended if the schema refuses the result, for example because
the task does not have a key. So this table does not depend on tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The reasons of claims whose span differs from gold, and of those whose label differs.
_BORDERS = ("boundary", "both", "duplicate")
_LABELS = ("label", "both", "direction")
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
    kinds: tuple[str, ...] = ()
    unseen: bool = False
    needs: tuple[str, ...] = ()
    training: float = 1.0
    prediction: float = 1.0
    of_confidence: bool = False
    has_arm: bool = True


_PLAIN = ("plain training split",)
_NEW_NAMES: dict[str, Any] = {"type": "mention_replacement", "source": "recombined"}
_FILTERS = ["unchanged", "duplicate", "leak", "length_ratio"]
CONTROL, CONTROL_CONFIG = "duplicates", {"augment": {"size": "2.0x", "methods": [{"type": "duplicate"}]}}

REMEDIES = (
    Remedy(
        "constrained", "invalid tag sequences cause wrong boundaries",
        "Viterbi decoding over the tag scheme", {"eval": {"decode": "constrained"}}, _BORDERS,
        needs=("decoding",), prediction=1.1,
    ),
    Remedy(
        "casing", "the tokenizer lowercases, but capital letters are the strongest feature of names",
        "Collobert et al. 2011", {"task": {"casing": True}}, ("unsupported", "omitted", *_BORDERS, *_LABELS),
        needs=("uncased",),
    ),
    Remedy(
        "context", "the surrounding sentences mention the same entities and show what they are",
        "Luoma & Pyysalo 2020", {"task": {"context": 192}}, ("unsupported", "omitted", *_LABELS),
        needs=("documents",),
    ),
    Remedy(
        "crf", "labels of neighbouring words are predicted jointly", "Lafferty et al. 2001; Lample et al. 2016",
        {"task": {"head": "crf"}}, _BORDERS, training=1.3, prediction=1.2,
    ),
    Remedy(
        "consistency", "all mentions of a name in a document get the same label by voting", "Krishnan & Manning 2006",
        {"eval": {"consistency": "document"}}, ("omitted", *_LABELS), needs=("documents",),
    ),
    Remedy(
        "average", "averaged weights of the last steps generalise better than the last weights",
        "Polyak & Juditsky 1992; Izmailov et al. 2018", {"train": {"average": {"kind": "exponential"}}},
    ),
    Remedy(
        "layer_decay", "lower layers keep more pre-trained knowledge about names that are not in training",
        "Howard & Ruder 2018; Clark et al. 2020", {"train": {"layer_decay": 0.9}}, unseen=True, needs=("pre-trained",),
    ),
    Remedy(
        "unfreeze", "layers are unfrozen one after the other, so pre-trained knowledge is not overwritten early",
        "Howard & Ruder 2018", {"train": {"unfreeze": {"every": INTERVAL}}}, unseen=True,
        needs=("pre-trained", INTERVAL),
    ),
    Remedy(
        "freeze", "the lowest layers keep the pre-trained knowledge", "Lee et al. 2019", {"model": {"freeze": LAYERS}},
        unseen=True, needs=("pre-trained", LAYERS), training=0.8,
    ),
    Remedy(
        "lora", "only few weights are trained, the others keep the pre-trained knowledge", "Hu et al. 2022",
        {"model": {"lora": {"rank": 16}}, "train": {"learning_rate": ADAPTER_RATE}}, unseen=True,
        needs=("pre-trained", "adapters"),
    ),
    Remedy(
        "dropout", "more dropout prevents reliance on single words", "Srivastava et al. 2014",
        {"model": {"dropout": 0.2}}, unseen=True,
    ),
    Remedy(
        "pretrain", "the encoder is pre-trained on texts of the domain before fine-tuning", "Gururangan et al. 2020",
        {"train": {"pretrain": {"texts": UNLABELLED, "own": True}}}, unseen=True,
        needs=("pre-trained", "mask token", UNLABELLED), training=3.0,
    ),
    Remedy(
        "pretrain_own", "the encoder is pre-trained on the texts of the training split before fine-tuning",
        "task-adaptive pre-training: Gururangan et al. 2020", {"train": {"pretrain": {"own": True}}}, unseen=True,
        needs=("pre-trained", "mask token"), training=2.0,
    ),
    Remedy(
        "teacher", "soft targets from the model of this run contain more information than the correct label alone",
        "self-distillation: Hinton et al. 2015; Furlanello et al. 2018", {"train": {"teacher": {"runs": [RUN]}}},
        needs=(RUN,), training=1.3,
    ),
    Remedy(
        "mention_masking", "with masked names, the model must use the context instead of memorised names",
        "word dropout (Iyyer et al. 2015), on mentions", {"task": {"mention_masking": 0.1}},
        unseen=True, needs=("mask token",),
    ),
    Remedy(
        "r_drop", "two passes with different dropout must agree, which regularises predictions on rare cases",
        "Liang et al. 2021", {"train": {"r_drop": 1.0}}, training=2.0,
    ),
    Remedy(
        "adversarial", "small changes of the embeddings must not change the prediction", "Miyato et al. 2017",
        {"train": {"adversarial": 0.5}}, training=2.0,
    ),
    Remedy(
        "border_smoothing", "boundaries on which annotators may disagree are not learned as certain",
        "Zhu & Li 2022", {"task": {"border_smoothing": 0.1}}, _BORDERS,
    ),
    Remedy(
        "non_mentions", "negative examples with name-like words that are no names reduce false claims",
        "halluc, artificial non-mentions", {"augment": {"size": "2.0x", "methods": [{"type": "non_mentions"}]}},
        ("unsupported",), needs=(*_PLAIN, "spans", "cased"), training=1.1,
    ),
    Remedy(
        "gazetteer", "known names are an input feature, which fills gaps without training",
        "Liu et al. 2019", {"task": {"gazetteer": {"files": [GAZETTEER]}}}, ("omitted", "unsupported", *_LABELS),
        unseen=True,
        needs=(GAZETTEER,), training=1.1, prediction=1.1,
    ),
    Remedy(
        "class_weights", "the loss of frequent classes has a lower weight, so rare classes are not ignored. In "
        "halluc's "
        "own trial it took the omission rate from .046 to .008, and hallucination from .031 to .192",
        "docs/training.md", {"task": {"class_weights": "balanced"}}, ("omitted",),
    ),
    Remedy(
        "focal_loss", "easy examples get a lower weight in the loss, hard ones a higher weight", "Lin et al. 2017",
        {"task": {"loss": "focal"}}, ("omitted", *_LABELS),
    ),
    Remedy(
        "label_smoothing", "targets below 1 reduce over-confidence", "Müller et al. 2019",
        {"task": {"label_smoothing": 0.1}}, _LABELS,
    ),
    Remedy(
        "new_names", "new names from parts of known names. In halluc's own studies, augmentation was not better than "
        "copies at equal omission", "Dai & Adel 2020; docs/augmentation.md",
        {"augment": {"size": "2.0x", "methods": [_NEW_NAMES]}}, unseen=True,
        needs=(*_PLAIN, "spans"), training=1.1,
    ),
    Remedy(
        "new_words", "words from texts with the same label. In halluc's own studies, augmentation was not better "
        "than copies at equal omission", "Dai & Adel 2020; docs/augmentation.md",
        {"augment": {"size": "2.0x", "methods": [{"type": "label_wise_replacement"}]}},
        unseen=True, needs=(*_PLAIN, "labelled texts"), training=1.1,
    ),
    Remedy(
        "filtered_names", "the same, without examples that cross-fitted models label differently",
        "cross-fitting; docs/augmentation.md",
        {"augment": {
            "size": "2.0x", "methods": [_NEW_NAMES], "filters": [*_FILTERS, {"type": "fidelity", "cross_fit": 3}]}},
        unseen=True, needs=(*_PLAIN, "spans"), training=3.0,
    ),
    Remedy(
        "self_training", "self-training: unlabelled texts, labelled by the model of this run, contain more names",
        "Yarowsky 1995; Xie et al. 2020",
        {"augment": {"size": "2.0x", "methods": [{"type": "self_training", "model": RUN, "unlabelled": UNLABELLED}]}},
        unseen=True, needs=(*_PLAIN, RUN, UNLABELLED), training=1.3,
    ),
    Remedy(
        "temperature", "confidences are divided by a temperature that is fitted on dev", "Guo et al. 2017",
        {"eval": {"calibration": "temperature"}}, needs=("uncalibrated",), of_confidence=True, has_arm=False,
    ),
    Remedy(
        "mc_dropout", "the mean over passes with dropout is less confident where they differ", "Gal & Ghahramani 2016",
        {"eval": {"uncertainty": {"kind": "dropout"}}}, prediction=8.0, of_confidence=True, has_arm=False,
    ),
    Remedy(
        "abstention", "claims with low confidence are withdrawn, so that at most 5% are unsupported, with "
        "probability .95. At equal omission the rate stays the same", "Angelopoulos et al. 2021",
        {"eval": {"calibration": "temperature", "abstain": {"guarantee": {"max_rate": 0.05}}}}, ("unsupported",),
        has_arm=False,
    ),
)  # fmt: skip


def adapter_rate(learning_rate: float) -> float:
    """A learning rate for adapters: 5 times that of full fine-tuning, at most 2.0e-3 unless that itself is higher."""
    return max(learning_rate, min(5 * learning_rate, 2e-3))
