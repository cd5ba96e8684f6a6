"""The model: a linear layer over the states of head and tail in an encoder.

It is stored as a token classifier with two outputs per relation, which every library can load: the logits of a pair are
those of the first half of the outputs at the head plus those of the second half at the tail. This equals a linear layer
over the two concatenated states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.core.decision_scores import DecisionScores
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.quantities import quantity
from halluc.data.predictions import ExternalPrediction
from halluc.task import AnnotatedPrediction
from halluc.tasks.defaults import ModelDefaults
from halluc.tasks.encoders import Encoder, load_encoder, max_pieces, remaining_pieces, special_pieces, word_pieces
from halluc.tasks.example_labels import predict_annotated_label, probabilities
from halluc.tasks.label_names import foreign_label_notes, output_labels
from halluc.tasks.losses import UNLABELLED, Loss, class_weights
from halluc.tasks.mention_masking import MentionMasking
from halluc.tasks.relation_extraction.config import RelationExtractionConfig
from halluc.tasks.relation_extraction.encoding import MARKERS, EncodedPairs, PairFraming, PairWindow
from halluc.tasks.relation_extraction.examples import NO_RELATION, PairPrediction, Related

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime

_OF_HEAD, _OF_TAIL = "head:", "tail:"
# Settings of the training that prediction needs: stored in config.json.
SETTINGS = ("markers", "representation")


class RelationClassifier(ModelDefaults):
    """Entity markers around head and tail, and a linear layer over their states."""

    notes: ClassVar[Mapping[str, str]] = {
        "windowed_sentences": "sentences longer than the model's limit, truncated to a window around the pair",
        "dropped_words": "words without word pieces, read as the unknown piece",
        "unknown_label_pairs": "pairs with a relation that the model cannot predict: counted as missed",
    }
    gold_notes: ClassVar[frozenset[str]] = frozenset({"unknown_label_pairs"})
    columns: ClassVar[Mapping[str, str]] = {
        "words": "words",
        "windowed_sentences": "windowed sentences",
        "longest": "longest",
        "dropped_words": "dropped",
        "unknown_words": "unknown",
    }

    config: RelationExtractionConfig

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        outputs = [f"{half}{label}" for half in (_OF_HEAD, _OF_TAIL) for label in labels]
        encoder = load_encoder("AutoModelForTokenClassification", config, attention, texts, MARKERS, labels=outputs)
        encoder.model.config.relation_extraction = {key: getattr(self.config, key) for key in SETTINGS}
        return replace(encoder, outputs=tuple(labels))

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> Encoder:
        """A model of halluc.

        Raises:
            HallucError C203: the model does not have a named label. C204: it was not trained for this task.
        """
        encoder = load_encoder("AutoModelForTokenClassification", config, attention)
        half = len(encoder.outputs) // 2
        first, second = encoder.outputs[:half], encoder.outputs[half:]
        labels = tuple(name.removeprefix(_OF_HEAD) for name in first)
        vocabulary = encoder.tokenizer.get_vocab()
        if second != tuple(_OF_TAIL + label for label in labels) or not all(marker in vocabulary for marker in MARKERS):
            raise HallucError(
                "C204",
                f"{config.name} was not trained for relation extraction by halluc",
                help="use the model of a run with the same `task.type`",
            )
        return replace(encoder, outputs=tuple(label or NO_RELATION for label in output_labels(labels, names)))

    def encode(self, examples: Sequence[Related], loaded: Encoder) -> EncodedPairs:
        """Pieces with markers, and targets. A relation that the model does not have has no target, and counts as
        missed."""
        before, after = special_pieces(loaded.tokenizer)
        most = max_pieces(loaded.tokenizer, loaded.model.config)
        space = remaining_pieces(len(MARKERS) + 2, most, len(before) + len(after), "head and tail")
        words, dropped = word_pieces(loaded.tokenizer, [example.tokens for example in examples])
        unknown = loaded.tokenizer.unk_token_id
        markers = loaded.tokenizer.convert_tokens_to_ids(list(MARKERS))
        framing = PairFraming(tuple(before), tuple(after), space, tuple(markers), self._types(examples, loaded))
        notes = {"words": sum(map(len, words)), "dropped_words": dropped, "unknown_words": 0, "windowed_sentences": 0}
        windows: list[PairWindow] = []
        for example, pieces in zip(examples, words, strict=True):
            notes["unknown_words"] += sum(of_word == [unknown] for of_word in pieces)
            window, is_cut = framing.window(
                example,
                [[unknown if piece in markers else piece for piece in of_word] for of_word in pieces],
                self.config.representation,
            )
            notes["windowed_sentences"] += is_cut
            windows.append(window)
        number = {label: place for place, label in enumerate(loaded.outputs)}
        names = [example.relation or NO_RELATION for example in examples]
        targets = [number.get(name, UNLABELLED) for name in names]
        notes["unknown_label_pairs"] = sum(
            target == UNLABELLED and example.relation is not None
            for target, example in zip(targets, examples, strict=True)
        )
        known = ((name,) for name, target in zip(names, targets, strict=True) if target != UNLABELLED)
        return EncodedPairs(
            examples,
            windows,
            targets,
            loaded.outputs,
            loaded.padding,
            notes,
            Loss.of(self.config, class_weights(self.config, loaded.outputs, known)),
            MentionMasking.of(self.config, loaded.tokenizer),
        )

    def _types(self, examples: Sequence[Related], loaded: Encoder) -> dict[str, tuple[int, ...]]:
        """The pieces of each entity type, followed by a colon; empty if markers are plain."""
        if self.config.markers == "plain":
            return {}
        results = sorted({span.label for one in examples for span in (one.head, one.tail) if span.label})
        pieces, _ = word_pieces(loaded.tokenizer, [[*name.replace("_", " ").split(), ":"] for name in results])
        return {name: tuple(p for word in of_name for p in word) for name, of_name in zip(results, pieces, strict=True)}

    def scored(self, model: torch.nn.Module, encoded: EncodedPairs, budget: int, runtime: Runtime) -> DecisionScores:
        """One row of logits for every pair."""
        from halluc.engine.inference import forward

        logits = numpy.zeros((len(encoded.examples), len(encoded.outputs)))
        for batch, of_pieces in forward(model, encoded, budget, runtime):
            for row, index in enumerate(batch.indexes):
                logits[index] = encoded.single_pair_logits(of_pieces[row], index)
        return DecisionScores(list(logits[:, None]))

    def decided(
        self, encoded: EncodedPairs, scored: DecisionScores, decoding: Decoding | None
    ) -> list[PairPrediction]:  # fmt: skip
        """The most probable output of each pair, by softmax; there is no claim if this is the output for none."""
        predictions = []
        for example, logits in zip(encoded.examples, scored.rows, strict=True):
            best = int(logits.argmax())
            label, confidence = encoded.outputs[best], float(probabilities(logits)[0, best])
            if label == NO_RELATION:
                predictions.append(PairPrediction(example.id, (), ()))
            else:
                predictions.append(PairPrediction(example.id, (label,), (confidence,), (logits,)))
        return predictions

    def annotated(
        self, model: torch.nn.Module, encoded: EncodedPairs, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[AnnotatedPrediction]:
        """Predictions, and the probability of the annotated relation, or of none."""
        scored = self.scored(model, encoded, budget, runtime)
        golds = [example.relation or NO_RELATION for example in encoded.examples]
        shares = (probabilities(row)[0] for row in scored.rows)
        rows = zip(shares, golds, self.decided(encoded, scored, decoding), strict=True)
        return [predict_annotated_label(encoded.outputs, *one) for one in rows]

    def imported(self, examples: Sequence[Related], imported: Sequence[ExternalPrediction]) -> list[PairPrediction]:
        return [
            PairPrediction(example.id, one.example.labels, one.confidences)
            for example, one in zip(examples, imported, strict=True)
        ]

    def findings(
        self, corpus: Corpus[Related], notes: Mapping[str, int], outputs: Sequence[str]
    ) -> Iterator[str]:  # fmt: skip
        yield f"{quantity(len(corpus), 'sentences')}, {quantity(notes['words'], 'words')}, each with one pair"
        yield from (quantity(notes[note], what) for note, what in self.notes.items() if notes[note])
        known = {example.relation for example in corpus if example.relation is not None}
        if not known:
            yield "no gold relation: figures of relations are 0 by convention"
        yield from foreign_label_notes(outputs, known | {NO_RELATION})
