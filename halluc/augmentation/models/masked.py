"""The masked language model of ``masked_infill``, as it is or trained, and sampling from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from halluc.augmentation.language.casing import pattern
from halluc.augmentation.language.function_words import FUNCTION_WORDS
from halluc.augmentation.methods.base import Changed, Lexicon, Workspace
from halluc.augmentation.models.fitted_models import Fitted, UnsavedModel, digest_of, digest_of_model, fit_or_load
from halluc.augmentation.models.masked_model import PieceCodec, load, load_ready, max_pieces
from halluc.augmentation.models.masked_training import fit_model, prepare
from halluc.augmentation.models.plain_texts import unlabelled_texts
from halluc.augmentation.models.sample_statistics import as_text
from halluc.augmentation.models.whole_words import Kind, WholeWords, is_word, kind_of
from halluc.core.edits import Editable, Replace, apply, free_positions, is_replaceable
from halluc.core.rng import Draws, keyed_generator
from halluc.engine import runtime
from halluc.engine.batching import sorted_batches
from halluc.engine.language_modelling import SelectedPositions, padded
from halluc.engine.pretrained import quiet_libraries, refuse_missing, save
from halluc.engine.references import ModelSource, resolve_model
from halluc.engine.runtime import default_device

if TYPE_CHECKING:
    from halluc.augmentation.models.masked_config import MaskedInfillConfig

_WHY = "masked infill"
# Pieces that are processed at once, and logits that are in memory at once: 256 MB.
_PIECES_AT_ONCE, _LOGITS_AT_ONCE = 4_096, 1 << 26
# The trial for the manifest: the numbers of training examples, of listed results, and of examples in a batch.
_TRIAL, _SHOWN, _AT_ONCE = 256, 20, 128


class _Mask(NamedTuple):
    """A word to replace: its example, its position, the kind of permitted words, and a random number.

    ``avoided`` are the word itself and its neighbours.
    """

    example: int
    at: int
    kind: Kind
    avoided: Sequence[str]
    uniform: float


class _MaskedRow(NamedTuple):
    """A row of pieces, its masks, and the position of each."""

    pieces: list[int]
    masks: list[_Mask]
    positions: list[int]


@dataclass
class MaskedFiller:
    """A masked language model that fills in words.

    ``fitted_facts`` are facts about the model, ``trial_examples`` training examples that demonstrate it.
    """

    config: MaskedInfillConfig
    model: SelectedPositions
    codec: PieceCodec
    words: WholeWords
    training: Lexicon
    fitted_facts: dict[str, Any]
    trial_examples: list[Editable]
    seed: int

    @classmethod
    def fit_or_load(
        cls, config: MaskedInfillConfig, training: Lexicon, examples: Iterable[Editable], workspace: Workspace
    ) -> MaskedFiller:
        """The model as it is, or, with ``fit``, trained on these examples.

        Raises:
            HallucError: see ``MaskedInfill.fit``.
        """
        labels = sorted({span.label for example in examples for span in example.spans}) if config.fills_mentions else []
        facts: dict[str, Any] = {"model": config.model}
        if config.fit is None:
            loaded = load_ready(config.model)
        else:
            result = _fit(config, labels, examples, workspace)
            source = ModelSource(str(result.folder))
            loaded, facts = load(source), facts | result.facts
            refuse_missing(loaded.model, loaded.missing, source, fresh_head=False)
        model, tokenizer, _ = loaded
        size = model.get_input_embeddings().num_embeddings - 2 * len(labels)
        codec = PieceCodec(tokenizer, max_pieces(model, tokenizer, config.longest), labels, size)
        words = WholeWords(tokenizer, size, _mention_only_words(training), config.function_words)
        facts["whole_words"] = len(words.words)
        selected = SelectedPositions(model.to(default_device()).eval())
        some = _trial_examples(examples, config.fills_context, workspace.seed)
        return cls(config, selected, codec, words, training, facts, some, workspace.seed)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Facts about the model for the manifest, and its results for some training examples."""
        return {**self.fitted_facts, "trial": self._trial()}

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed]:
        """Each example with words filled in."""
        rows = [row for number, one in enumerate(examples) for row in self._rows(number, one, draws[number])]
        new: list[dict[int, str]] = [{} for _ in examples]
        for batch in self._batches(rows):
            for mask, word in zip((mask for row in batch for mask in row.masks), self._fill(batch), strict=True):
                if word is not None:
                    new[mask.example][mask.at] = word
        changed = []
        for example, words in zip(examples, new, strict=True):
            edits = tuple(_edits(example, words))
            changed.append(Changed(apply(example, edits), (edits,)))
        return changed

    def _rows(self, number: int, example: Editable, draws: Draws) -> Iterator[_MaskedRow]:
        kinds = draw_places(self.config, example, self.codec.labels, draws)
        masks = {
            at: _Mask(number, at, kinds[at], example.tokens[max(0, at - 1) : at + 2], draws.uniform())
            for at in sorted(kinds)
        }
        if not masks:
            return
        for row in self.codec.rows(example, masks):
            inside = [(masks[at], start) for at, start, _ in row.words if at in masks]
            if inside:
                yield _MaskedRow(row.pieces, [mask for mask, _ in inside], [start for _, start in inside])

    def _batches(self, rows: Sequence[_MaskedRow]) -> Iterator[list[_MaskedRow]]:
        """Batches of rows of similar length that fit into memory."""
        most = max(1, _LOGITS_AT_ONCE // self.words.size)
        for numbers in sorted_batches([len(row.pieces) for row in rows], _PIECES_AT_ONCE):
            batch: list[_MaskedRow] = []
            for number in numbers:
                if batch and sum(len(row.masks) for row in (*batch, rows[number])) > most:
                    yield batch
                    batch = []
                batch.append(rows[number])
            yield batch

    @torch.inference_mode()
    def _fill(self, batch: Sequence[_MaskedRow]) -> list[str | None]:
        """The word for each mask of the rows in order; None if no word is permitted."""
        inputs = padded([row.pieces for row in batch], self.codec.pad)
        width = inputs["input_ids"].shape[1]
        selected = [number * width + at for number, row in enumerate(batch) for at in row.positions]
        masks = [mask for row in batch for mask in row.masks]
        on = default_device()
        tensors = {name: tensor.to(on) for name, tensor in {**inputs, "selected": torch.tensor(selected)}.items()}
        with torch.autocast(on.type, torch.bfloat16, enabled=runtime.computes_bf16(on.type == "cuda")):
            logits = self.model(**tensors)
        logits = logits[:, : self.words.size].float()
        allowed = torch.stack([self.words.allowed_mask(mask.kind) for mask in masks]).to(on)
        logits = logits.masked_fill(~allowed, -torch.inf)
        for number, mask in enumerate(masks):
            logits[number, [same for word in mask.avoided for same in self.words.case_variants(word)]] = -torch.inf
        scores, numbers = logits.topk(min(self.config.top_k or self.words.size, self.words.size))
        return self._draw_words(masks, scores.double().cpu(), numbers.cpu())

    def _draw_words(self, masks: Sequence[_Mask], scores: torch.Tensor, numbers: torch.Tensor) -> list[str | None]:
        """A word for each mask by inverse CDF; ``scores`` and ``numbers`` are (masks, candidates), the best first."""
        result: list[str | None] = []
        cumulative = (scores / self.config.temperature).softmax(1).cumsum(1)
        candidates = torch.isfinite(scores).sum(1)
        for row, mask in enumerate(masks):
            count = int(candidates[row])
            if not count:
                result.append(None)
                continue
            at = int(torch.searchsorted(cumulative[row, :count], mask.uniform, right=True))
            result.append(self.words.word_text(int(numbers[row, min(at, count - 1)]), mask.kind))
        return result

    def _trial(self) -> dict[str, Any]:
        before = self.trial_examples
        edited: list[Editable] = []
        for start in range(0, len(before), _AT_ONCE):
            some = before[start : start + _AT_ONCE]
            draws = [Draws.of("trial", self.seed, start + number) for number in range(len(some))]
            edited += [one.edited for one in self.change_many(some, draws)]
        pairs = [(one.tokens, after) for one, after in zip(before, edited, strict=True)]
        words = sum(a != b for old, after in pairs for a, b in zip(old, after.tokens, strict=True))
        facts: dict[str, Any] = {
            "examples": len(before),
            "changed": sum(old != after.tokens for old, after in pairs),
            "changed_words": words,
            "samples": [as_text(after) for old, after in pairs if old != after.tokens][:_SHOWN],
        }
        return {**facts, "new_mentions": _new_mentions(edited, self.training)} if self.config.fills_mentions else facts


def _trial_examples(examples: Iterable[Editable], without_mentions: bool, seed: int) -> list[Editable]:
    """Training examples for the trial, drawn with the seed."""
    numbers = [number for number, example in enumerate(examples) if without_mentions or example.spans]
    order = keyed_generator("trial", seed).permutation(len(numbers))[:_TRIAL].tolist()
    drawn = {numbers[one]: place for place, one in enumerate(order)}
    result = {drawn[number]: example for number, example in enumerate(examples) if number in drawn}
    return [result[place] for place in range(len(result))]


def _fit(config: MaskedInfillConfig, labels: list[str], examples: Iterable[Editable], workspace: Workspace) -> Fitted:
    assert config.fit is not None
    source, seed = resolve_model(config.model), workspace.seed
    texts = [Editable(one) for one in unlabelled_texts(config.fit.texts, config.fit.lines, "fit")]
    identity = {
        "fit": config.fit.model_dump(mode="json", exclude={"texts", "lines"}),
        "labels": {label: config.label_words.get(label) for label in labels},
        "mentions": config.fills_mentions,
        "longest": config.longest,
        "weights": digest_of_model(source),
        "seed": seed,
        "examples": digest_of(examples),
        "texts": digest_of(texts),
    }

    def train(work: Path) -> UnsavedModel:
        torch.manual_seed(seed)  # for the weights of a random head
        loaded = load(source)
        codec = prepare(config, loaded, labels)
        with runtime.alone("auto", seed) as engine:
            facts = fit_model(config, loaded, codec, (examples, texts), seed, engine, work)

        quiet_libraries(verbose=False)
        return UnsavedModel(facts, lambda folder: save(loaded.model, loaded.tokenizer, folder))

    return fit_or_load(workspace, "masked_infill", identity, train)


def _mention_only_words(training: Lexicon) -> set[str]:
    """Words, ignoring case, that occur in mentions of the training split and nowhere else."""
    inside = {token.casefold() for of_label in training.mentions.values() for one in of_label for token in one}
    outside = [words for tag, words in training.words.items() if not tag.startswith(("B-", "I-"))]
    return inside - {token.casefold() for words in outside for token in words}


def _edits(example: Editable, words: dict[int, str]) -> Iterator[Replace]:
    """The edits that replace old words by new ones; a mention is replaced as a whole."""
    left = dict(words)
    for start, end, _ in example.spans:
        if any(at in left for at in range(start, end)):
            new = tuple([left.pop(at, example.tokens[at]) for at in range(start, end)])
            yield Replace(start, end, new, _WHY)
    for at, word in sorted(left.items()):
        yield Replace(at, at + 1, (word,), _WHY)


def _new_mentions(examples: Iterable[Editable], training: Lexicon) -> dict[str, Any]:
    """By label, the mentions that the training split does not have: their number, and the most frequent with counts."""
    result: dict[str, Counter[str]] = {}
    for example in examples:
        for start, end, label in example.spans:
            mention = example.tokens[start:end]
            if mention not in training.mentions.get(label, {}):
                result.setdefault(label, Counter())[" ".join(mention)] += 1
    return {
        label: {
            "distinct": len(counts),
            "most_frequent": dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_SHOWN]),
        }
        for label, counts in sorted(result.items())
    }


def draw_places(
    config: MaskedInfillConfig, example: Editable, labels: Collection[str], draws: Draws
) -> dict[int, Kind]:
    """The positions of the words to replace, drawn from the candidates, with the kind of permitted words.

    ``labels`` are those whose mentions the model was trained to fill.
    """
    result: dict[int, Kind] = {}
    if config.fills_context:
        candidates = list(context_words(example, config.function_words))
        for number in config.choose(len(candidates), draws):
            at = candidates[number]
            result[at] = kind_of(example.tokens[at], False)
    if config.fills_mentions and config.mention_rate:
        candidates = list(mention_words(example, labels, config.function_words))
        wanted = max(1, draws.count(config.mention_rate * len(candidates)))
        for number in draws.some(len(candidates), wanted):
            at = candidates[number]
            result[at] = kind_of(example.tokens[at], True)
    return result


def context_words(example: Editable, function_words: bool) -> Iterator[int]:
    """Words outside of mentions and locks. A capitalised word, which may be a name without a label, must be at the
    beginning, or everything must be in capitals."""
    tokens = example.tokens
    first = next((at for at, token in enumerate(tokens) if any(map(str.isalnum, token))), 0)
    in_capitals = all(token == token.upper() for token in tokens)
    for at in free_positions(example, in_spans=False):
        token = tokens[at]
        has_capitals = token != token.lower()
        if _can_be_filled(token, function_words) and (
            not has_capitals or in_capitals or (at == first and pattern(token) == "title")
        ):
            yield at


def mention_words(example: Editable, labels: Collection[str], function_words: bool) -> Iterator[int]:
    """Words of mentions with one of ``labels`` that may change."""
    for start, end, label in example.spans:
        if label in labels and is_replaceable(example, start, end):
            yield from (at for at in range(start, end) if _can_be_filled(example.tokens[at], function_words))


def _can_be_filled(token: str, function_words: bool) -> bool:
    return is_word(token) and (function_words or token.lower() not in FUNCTION_WORDS)
