"""The model of text generation tasks: its inputs and targets, decoding, and confidence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.quantities import quantity
from halluc.core.rng import Draws
from halluc.data.predictions import ExternalPrediction
from halluc.tasks.encoders import max_pieces
from halluc.tasks.text_generation.confidence import mean_log_probabilities, shares
from halluc.tasks.text_generation.config import DecodingConfig, GenerationConfig
from halluc.tasks.text_generation.degeneration import repeated_outputs
from halluc.tasks.text_generation.encoding import EncodedSequences
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.languages import language_of
from halluc.tasks.text_generation.loading import TextWriter, load_writer
from halluc.tasks.text_generation.multilingual import LanguageMark, LanguageMarks
from halluc.tasks.text_generation.prompts import WHOLE, ChatFrame, Filled, Prompt
from halluc.tasks.text_generation.source_text import Sourced, WrittenText

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime


class GenerationModel:
    """Writes a text for an input, with an encoder or as the continuation of a prompt.

    Args:
        fields: the parts of an input that ``task.prompt`` may use.
        continued: the default prompt of causal models. encoded: that of models with an encoder.
        cut_at_start: the fields of which the end is more important, such as a history: if an input is too long, they
            are cut at their beginning, and so is ``{input}``.

    Raises:
        HallucError C212: reranking is configured, but the scorer cannot compare outputs with a source in another
            language.
    """

    notes: ClassVar[Mapping[str, str]] = {
        "cut_sources": "inputs longer than `task.max_source` or the model's limit, truncated",
        "cut_targets": "targets longer than `task.max_target` or the model's limit, truncated",
        "without_target": "examples without a target",
        "empty_outputs": "empty outputs",
        "unended_outputs": "outputs cut at `task.decoding.max_new_tokens`",
        "repeated_outputs": "outputs shared with other, different inputs",
    }
    gold_notes: ClassVar[frozenset[str]] = frozenset({"cut_targets", "without_target"})
    columns: ClassVar[Mapping[str, str]] = {
        "words": "words",
        "pieces": "source pieces",
        "target_pieces": "target pieces",
        "longest": "longest",
        "cut_sources": "cut",
        "cut_targets": "cut targets",
        "unknown_words": "unknown",
    }

    def __init__(
        self,
        config: GenerationConfig,
        judge: GenerationJudge,
        fields: Collection[str],
        continued: str,
        *,
        encoded: str = f"{{{WHOLE}}}",
        cut_at_start: Collection[str] = (),
    ) -> None:
        self.config, self.judge, self._cut_at_start = config, judge, cut_at_start
        if config.decoding.rerank != "none" and not judge.is_grounded_by_sources:
            message = (
                "`task.decoding.rerank`: the source is in another language, which the grounding scorer cannot read"
            )
            raise HallucError("C212", message, help="remove it, or set `task.grounding.cross_lingual`")
        self._prompts = {
            has_encoder: Prompt.of(config.prompt or (encoded if has_encoder else continued), fields)
            for has_encoder in (True, False)
        }

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> TextWriter:
        if config.lora is not None:
            help = "move it to the section `task`"
            raise HallucError("C206", "`model.lora` is for encoders; use `task.lora` for text generation", help=help)
        loaded = load_writer(
            config, attention, texts, lora=self.config.lora, label_smoothing=self.config.label_smoothing
        )
        if config.freeze is not None:
            from halluc.engine.layers import freeze

            freeze(loaded.model, config.freeze)
        return loaded

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> TextWriter:
        if names:
            raise HallucError("C203", "`eval.labels` is set, but the task has no labels", help="remove it")
        return load_writer(config, attention)

    def encode(self, examples: Sequence[Sourced], loaded: TextWriter, /) -> EncodedSequences:
        """Filled prompts, and first targets with an end piece; what is too long is cut, and counted."""
        tokenizer, framing = loaded.tokenizer, loaded.framing
        limit = max_pieces(tokenizer, loaded.model.config)
        longest_target = min(self.config.max_target, limit)
        longest_source = min(self.config.max_source, limit)
        if not framing.has_encoder:
            longest_target = min(longest_target, limit // 2)
            longest_source = min(longest_source, limit - max(longest_target, self.config.decoding.max_new_tokens))
        if longest_source < 1 or longest_target < 2:
            raise HallucError(
                "C207",
                f"the model takes {limit} tokens, and `task.decoding.max_new_tokens` leaves none of them for the input",
                help="lower it",
            )
        notes = dict.fromkeys(("words", "pieces", "target_pieces", "unknown_words", "without_claims", *self.notes), 0)
        frame = self._frame(loaded)
        languages = LanguageMarks(loaded)
        sources, targets, firsts = [], [], []
        for example in examples:
            mark = languages.of(example)
            sources.append(self._source(example, loaded, frame, longest_source, notes))
            targets.append(_target(example, loaded, longest_target, notes, mark))
            firsts.append(None if mark is None or mark.is_last else mark.piece)
        notes["words"] = sum(len(example.tokens) for example in examples)
        notes["pieces"], notes["target_pieces"] = sum(map(len, sources)), sum(map(len, targets))
        unknown = tokenizer.unk_token_id
        if unknown is not None and unknown != framing.end:
            notes["unknown_words"] = sum(source.count(unknown) for source in sources)
        return EncodedSequences(examples, sources, targets, framing, tokenizer, notes, firsts)

    def _frame(self, loaded: TextWriter) -> ChatFrame:
        """
        Raises:
            HallucError C208: the tokenizer has no chat template.
        """
        has_template = not loaded.framing.has_encoder and getattr(loaded.tokenizer, "chat_template", None) is not None
        if self.config.chat and not has_template:
            message = (
                "`task.chat` needs a causal model whose tokenizer has a chat template, which this one does not have"
            )
            raise HallucError("C208", message, help="remove it, or use an instruction-tuned model")
        return ChatFrame.of(loaded.tokenizer) if has_template and self.config.chat is not False else ChatFrame()

    def _source(
        self, example: Sourced, loaded: TextWriter, frame: ChatFrame, most: int, notes: dict[str, int]
    ) -> list[int]:
        """The pieces of the filled prompt in its frame. If there are too many, the longest fields are cut to equal
        length; if this is not enough, the start of the prompt is cut."""
        filled = self._prompts[loaded.framing.has_encoder].fill(example)
        tokenizer, is_framed = loaded.tokenizer, bool(frame.after)
        encoded = tokenizer(filled.text, return_offsets_mapping=tokenizer.is_fast, add_special_tokens=not is_framed)
        ids: list[int] = list(encoded["input_ids"])
        if not loaded.framing.has_encoder and ids and ids[-1] == loaded.framing.end:
            ids.pop()  # a prompt has no end
        space = max(0, most - len(frame.before) - len(frame.after))
        if len(ids) > space:
            notes["cut_sources"] += 1
            offsets = encoded["offset_mapping"] if tokenizer.is_fast else None
            fields = _places(filled, len(ids), offsets, lambda text: len(tokenizer(text)["input_ids"]))
            dropped = self._dropped_positions(fields, len(ids) - space)
            ids = [piece for place, piece in enumerate(ids) if place not in dropped]
            ids = ids[max(0, len(ids) - space) :]
        return [*frame.before, *ids, *frame.after][-most:] or [loaded.framing.end]

    def _dropped_positions(self, fields: Sequence[tuple[str, Sequence[int]]], over: int) -> set[int]:
        """The positions to drop, ``over`` many if there are so many; the longest fields are cut to equal length."""
        left = max(0, sum(len(places) for _, places in fields) - over)
        dropped: set[int] = set()
        for done, (name, places) in enumerate(sorted(fields, key=lambda one: len(one[1]))):
            size = min(len(places), left // (len(fields) - done))
            left -= size
            at_start = name in self._cut_at_start or (name == WHOLE and bool(self._cut_at_start))
            dropped.update(places[: len(places) - size] if at_start else places[size:])
        return dropped

    def decoding(self, outputs: Sequence[str], requested: Decoding) -> Decoding | None:
        return None

    def predict(
        self,
        model: torch.nn.Module,
        encoded: EncodedSequences,
        budget: int,
        runtime: Runtime,
        decoding: Decoding | None,
    ) -> list[WrittenText]:
        """Decode according to ``task.decoding``, and score the outputs with the model itself."""
        written = self._generate(model, encoded, budget, runtime, self.config.decoding)
        if self.config.decoding.rerank != "none":
            written = self._rerank(written, model, encoded, budget, runtime)
        ends = (encoded.framing.end, *encoded.framing.more_ends)
        texts = _decode(encoded, written)
        # An output that was cut at the limit is scored without an end piece.
        means = mean_log_probabilities(model, encoded.with_targets(written), budget, runtime)
        shared = repeated_outputs(texts, [example.full_text for example in encoded.examples])
        numbers = range(1, 1 + (self.config.agreement or 0))
        samples = [_decode(encoded, self._sample(model, encoded, budget, runtime, number)) for number in numbers]
        outputs = []
        for place, (example, ids, text) in enumerate(zip(encoded.examples, written, texts, strict=True)):
            claims = self.judge.statements(text, example)
            confidences = (math.exp(means[place]),) * len(claims)
            if samples:
                confidences = shares(claims, [one[place] for one in samples], language_of(text, example.language))
            outputs.append(
                WrittenText(
                    example.id,
                    text,
                    confidences,
                    tuple(numpy.log(numpy.clip([[one, 1 - one]], 1e-9, 1)) for one in confidences),
                    means[place],
                    len(ids),
                    ended=bool(ids) and ids[-1] in ends,
                    repeated=shared[place],
                )
            )
        _note(encoded.notes, outputs)
        return outputs

    def _rerank(
        self,
        written: list[list[int]],
        model: torch.nn.Module,
        encoded: EncodedSequences,
        budget: int,
        runtime: Runtime,
    ) -> list[list[int]]:
        """The output or sample with the highest grounding score for each input; the first for ties. These are other
        samples than those of ``task.agreement``."""
        numbers = range(1, self.config.decoding.candidates)
        results = [written, *(self._sample(model, encoded, budget, runtime, -number) for number in numbers)]
        texts = [_decode(encoded, one) for one in results]
        best = []
        for place, example in enumerate(encoded.examples):
            scores = [self.judge.grounding(example, one[place]) for one in texts]
            best.append(results[scores.index(max(scores))][place])
        return best

    def _sample(
        self, model: torch.nn.Module, encoded: EncodedSequences, budget: int, runtime: Runtime, sample: int
    ) -> list[list[int]]:
        """The pieces of one sample for each input."""
        sampling = self.config.decoding.model_copy(update={"strategy": "sampling"})
        return self._generate(model, encoded, budget, runtime, sampling, sample=sample)

    def _generate(
        self,
        model: torch.nn.Module,
        encoded: EncodedSequences,
        budget: int,
        runtime: Runtime,
        decoding: DecodingConfig,
        sample: int = 0,
    ) -> list[list[int]]:
        """The pieces of the output for each input; ``sample`` selects the stream of random numbers."""
        from halluc.engine import generation
        from halluc.engine.reduced_precision import reduced_weights

        framing = encoded.framing
        settings = generation.Decoding(**decoding.model_dump(exclude={"rerank", "candidates"}), batch_tokens=budget)
        forbidden = (framing.pad,) if framing.pad not in (framing.end, *framing.more_ends) else ()
        draws = [Draws.of("generation", sample, example.id) for example in encoded.examples]
        outputs: list[list[int]] = [[] for _ in encoded.sources]
        for first in dict.fromkeys(encoded.firsts):  # one language at a time
            rows = [row for row, one in enumerate(encoded.firsts) if one == first]
            special = generation.SpecialTokens(framing.end, framing.pad, forbidden, first, framing.more_ends)
            sources, streams = [encoded.sources[row] for row in rows], [draws[row] for row in rows]
            with reduced_weights(model, runtime), runtime.accelerator.autocast():
                written = generation.generate(model, sources, settings, special, streams)
            for row, ids in zip(rows, written, strict=True):
                outputs[row] = ids
        return outputs

    def imported(self, examples: Sequence[Sourced], imported: Sequence[ExternalPrediction]) -> list[WrittenText]:
        """The outputs of another system; its confidence, if it states one, is that of every claim."""
        texts = [one.example.targets[0] for one in imported]
        shared = repeated_outputs(texts, [example.full_text for example in examples])
        outputs = []
        for example, one, text, is_shared in zip(examples, imported, texts, shared, strict=True):
            claims = len(self.judge.statements(text, example))
            confidence = one.confidences[0] if one.confidences else None
            outputs.append(WrittenText(example.id, text, (confidence,) * claims, repeated=is_shared))
        return outputs

    def findings(self, corpus: Corpus[Sourced], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        size = len(corpus)
        yield f"{quantity(size, 'inputs')}, {quantity(notes['words'], 'words')}"
        if size:
            yield f"{notes['without_claims'] / size:.1%} of the outputs have no claim"
        yield from (quantity(notes[note], what) for note, what in self.notes.items() if notes[note])
        if size > 1 and notes.get("most_equal") == size:
            yield "all outputs are the same: the model ignores its input"


def _places(
    filled: Filled, size: int, offsets: Sequence[tuple[int, int]] | None, count: Callable[[str], int]
) -> list[tuple[str, list[int]]]:
    """The positions of each field among ``size`` pieces. Without ``offsets``, all pieces before the text after the last
    field count as its pieces; ``count`` returns the number of pieces of that text."""
    if offsets is None:
        name, _, end = filled.fields[-1] if filled.fields else (WHOLE, 0, 0)
        return [(name, list(range(max(0, size - count(filled.text[end:])))))]
    return [
        (name, [place for place in range(size) if start <= offsets[place][0] < offsets[place][1] <= end])
        for name, start, end in filled.fields
    ]


def _target(
    example: Sourced, loaded: TextWriter, most: int, notes: dict[str, int], mark: LanguageMark | None
) -> list[int]:  # fmt: skip
    """The pieces of the first target, ending with the end piece; empty if there is no target."""
    if not example.targets:
        notes["without_target"] += 1
        return []
    tokenizer, end = loaded.tokenizer, loaded.framing.end
    if loaded.framing.has_encoder:
        ids = list(tokenizer(text_target=example.targets[0])["input_ids"])
    else:
        ids = list(tokenizer(example.targets[0], add_special_tokens=False)["input_ids"])
    if mark is not None and mark.is_last and ids[-1] == mark.piece:
        ids.pop()
    if ids and ids[-1] == end:
        ids.pop()
    if len(ids) >= most:
        notes["cut_targets"] += 1
        return ids[:most]
    return [*ids, end]


def _decode(encoded: EncodedSequences, written: Sequence[Sequence[int]]) -> list[str]:
    """The texts without the end piece, which need not be a special token of the tokenizer."""
    framing = encoded.framing
    ends = (framing.end, *framing.more_ends)
    without_end = (ids[:-1] if ids and ids[-1] in ends else ids for ids in written)
    return [decode_pieces(encoded.tokenizer, ids, framing.has_encoder) for ids in without_end]


def decode_pieces(tokenizer: Any, ids: Sequence[int], is_exact: bool) -> str:
    """The text of pieces, without special ones; without blanks at its ends unless ``is_exact``."""
    text: str = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text if is_exact else text.strip()


def _note(notes: dict[str, int], outputs: Sequence[WrittenText]) -> None:
    """Count notes about the outputs of a split."""
    notes["empty_outputs"] = sum(not one.text.strip() for one in outputs)
    notes["unended_outputs"] = sum(not one.ended for one in outputs)
    notes["without_claims"] = sum(not one.confidences for one in outputs)
    notes["repeated_outputs"] = sum(one.repeated for one in outputs)
    notes["most_equal"] = max(Counter(one.text for one in outputs).values(), default=0)
