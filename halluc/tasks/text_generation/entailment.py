"""Grounding by an entailment model: SummaC zero-shot (Laban et al. 2022), a score for each sentence of the output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.engine.batching import sorted_batches
from halluc.tasks.text_generation.languages import language_of
from halluc.tasks.text_generation.sentences import sentence_spans

# `entailment` in any case, `ENTAILED`; but not `not_entailment`, `non-entailment`.
_ENTAILS = re.compile(r"\Aentail\w*\Z", re.IGNORECASE)
# Padded word pieces per pass.
_BUDGET = 8192


class EntailmentScorer:
    """A sequence-pair classifier with a label for entailment, which is loaded when the first sentence is scored.

    The score of a sentence is the highest probability with which a source sentence entails it; the mean over the
    sentences of an output is SummaC zero-shot. If a pair exceeds the model's limit, the longer sentence is truncated.

    Args:
        reference: the model, as in ``model.name``.
    """

    def __init__(self, reference: str) -> None:
        self.reference = reference

    def scores(self, sentences: Sequence[str], sources: Sequence[str], language: str = "") -> list[float]:
        """
        Raises:
            HallucError E410, E411: the model cannot be loaded. C203: it has no label for entailment.
        """
        premises = list(dict.fromkeys(piece for text in sources for piece in _sentences(text)))
        if not premises or not sentences:
            return [0.0] * len(sentences)
        scores = self._probabilities([(premise, sentence) for sentence in sentences for premise in premises])
        size = len(premises)
        return [max(scores[place * size : (place + 1) * size]) for place in range(len(sentences))]

    def _probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        import torch

        model, tokenizer, output, limit = self._loaded_model
        premises, sentences = zip(*pairs, strict=True)
        encoded = tokenizer(
            list(premises),
            list(sentences),
            truncation="longest_first" if limit else False,
            max_length=limit or None,
        )
        probabilities = [0.0] * len(pairs)
        with torch.inference_mode():
            for batch in sorted_batches([len(ids) for ids in encoded["input_ids"]], _BUDGET):
                inputs = tokenizer.pad(
                    {key: [encoded[key][at] for at in batch] for key in encoded}, return_tensors="pt"
                )
                chances = model(**inputs).logits.softmax(-1)[:, output].tolist()
                for at, chance in zip(batch, chances, strict=True):
                    probabilities[at] = chance
        return probabilities

    @cached_property
    def _loaded_model(self) -> tuple[Any, Any, int, int]:
        """The model, its tokenizer, the number of the output for entailment, and the maximum number of pieces."""
        from halluc.engine import runtime
        from halluc.tasks.encoders import load_encoder, max_pieces

        attention = runtime.attention_for("cpu")
        encoder = load_encoder("AutoModelForSequenceClassification", ModelConfig(name=self.reference), attention)
        output = next((place for place, label in enumerate(encoder.outputs) if _ENTAILS.match(label)), None)
        if output is None:
            raise HallucError(
                "C203",
                f"`{self.reference}` has no label `entailment`; it has {', '.join(encoder.outputs)}",
                help="`grounding.model` must be a model for natural language inference (NLI)",
            )
        encoder.model.eval()
        return encoder.model, encoder.tokenizer, output, max_pieces(encoder.tokenizer, encoder.model.config)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, language_of(text))]
