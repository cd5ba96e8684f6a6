"""Loading of encoders and their tokenizers, shared by all encoder tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy

from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError, environment_error
from halluc.core.messages import say
from halluc.engine import exported
from halluc.engine.pretrained import check_model_files, complete_padding, load_model, load_tokenizer, refuse_missing
from halluc.engine.references import ModelSource, resolve_model
from halluc.runs import exports

if TYPE_CHECKING:
    import torch

ArrayT = TypeVar("ArrayT", numpy.ndarray, "torch.Tensor")


@dataclass(frozen=True)
class Encoder:
    """A model, its tokenizer, and the commit on the hub, if known.

    ``outputs`` are the labels of the head's outputs, as named in the data.
    """

    model: Any
    tokenizer: Any
    commit: str | None
    outputs: tuple[str, ...]

    @property
    def padding(self) -> int:
        """The padding piece of batches."""
        return int(self.model.config.pad_token_id or 0)


def load_encoder(
    auto_class: str,
    config: ModelConfig,
    attention: str | None,
    texts: Iterable[Sequence[str]] = (),
    added: Sequence[str] = (),
    *,
    labels: Sequence[str] = (),
    problem_type: str | None = None,
) -> Encoder:
    """Load ``transformers.<auto_class>``, with a new head for ``labels`` if there are any.

    The tokenizer of a model from scratch is trained on the tokens of ``texts``. The special pieces ``added`` get new
    embeddings. If it is configured, a model with a new head gets low-rank adapters.

    Raises:
        HallucError E410, E411: the reference cannot be resolved or loaded, or weights are missing. E420: adapters
            without peft. R140: a damaged export. C231: an export cannot be trained.
    """
    head: dict[str, Any] = {}
    if labels:
        head = {"id2label": dict(enumerate(labels)), "label2id": {label: index for index, label in enumerate(labels)}}
    if problem_type is not None:
        head["problem_type"] = problem_type
    encoder = _load_export(config, head) or _load_model(auto_class, config, attention, texts, head)
    if added:
        encoder.tokenizer.add_tokens(list(added), special_tokens=True)
        encoder.model.resize_token_embeddings(len(encoder.tokenizer), mean_resizing=False)
    if config.lora is None or not head:
        return encoder
    from halluc.engine.low_rank import encoder_with_adapters

    rows = encoder.tokenizer.convert_tokens_to_ids(list(added))
    return replace(encoder, model=encoder_with_adapters(encoder.model, config.lora, rows))


def _load_export(config: ModelConfig, head: Mapping[str, Any]) -> Encoder | None:
    """The model of an export, only for prediction; None if the reference is not an export."""
    if config.name is None or not (source := resolve_model(config.name)).local:
        return None
    folder = exports.of_model(Path(source.name))
    if folder is None:
        return None
    if head:
        message = f"{folder} is an export and cannot be trained"
        raise HallucError("C231", message, help="use the run that was exported, or another model")
    model, tokenizer = exported.load(folder)
    return Encoder(model, tokenizer, None, _outputs(model.config, source))


def _load_model(
    auto_class: str, config: ModelConfig, attention: str | None, texts: Iterable[Sequence[str]], head: Mapping[str, Any]
) -> Encoder:
    if config.scratch is not None:
        from halluc.engine.scratch import make_encoder

        model, tokenizer = make_encoder(auto_class, config.scratch, config.dropout, attention, texts, **head)
        labels = (str(model.config.id2label[index]) for index in range(model.config.num_labels))
        return Encoder(model, tokenizer, None, tuple(labels))
    assert config.name is not None, "a model has a name or is trained from scratch"
    source = resolve_model(config.name)
    if source.local:
        check_model_files(Path(source.name))
    tokenizer = load_tokenizer(source, config.trust_remote_code)
    model, settings, missing = load_model(
        auto_class, source, attention, dict(head), dropout=config.dropout, trust_remote_code=config.trust_remote_code
    )
    refuse_missing(model, missing, source, fresh_head=bool(head))
    if head:
        from halluc.engine.heads import settle_head

        _forget_earlier_task(model.config, head)
        if (settled := settle_head(model, source, missing, head["id2label"])) is not None:
            say(settled)
    complete_padding(model.config, tokenizer)
    if auto_class == "AutoModelForSequenceClassification" and model.config.pad_token_id is None:
        raise environment_error(
            "E411",
            f"{source.name} has neither a padding token nor an end token",
            "set `pad_token` in its tokenizer_config.json",
        )
    if config.freeze is not None:
        from halluc.engine.layers import freeze

        freeze(model, config.freeze)
    return Encoder(model, tokenizer, getattr(settings, "_commit_hash", None), _outputs(settings, source))


def _forget_earlier_task(settings: Any, head: Mapping[str, Any]) -> None:
    """Remove the entries in config.json about the previous head of the model."""
    settings.problem_type = head.get("problem_type")
    for name in TABLE["task"]:
        vars(settings).pop(name, None)


def _outputs(settings: Any, source: ModelSource) -> tuple[str, ...]:
    """The label of each output of the head.

    Raises:
        HallucError E411: ``id2label`` leaves one out.
    """
    unnamed = sorted(set(range(settings.num_labels)) - set(settings.id2label))
    if unnamed:
        message = (
            f"{source.name} has {settings.num_labels} outputs, and `id2label` in its config.json has no {unnamed[0]}"
        )
        raise environment_error("E411", message, "restore config.json, or add the label of each output there")
    return tuple(str(settings.id2label[index]) for index in range(settings.num_labels))


def max_pieces(tokenizer: Any, settings: Any) -> int:
    """The maximum input length of the model in word pieces, including special ones."""
    limit = int(tokenizer.model_max_length)
    positions = getattr(settings, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # Position ids of the RoBERTa family start after the padding id.
        offset = settings.pad_token_id + 1 if _counts_from_padding(settings) else 0
        limit = min(limit, positions - offset)
    return min(limit, 1 << 20)


def _counts_from_padding(settings: Any) -> bool:
    return settings.model_type in (
        "roberta", "camembert", "xlm-roberta", "xlm-roberta-xl", "longformer", "mpnet", "data2vec-text",
    )  # fmt: skip


def special_pieces(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special pieces that the tokenizer puts before and after a text."""
    encoded = tokenizer.backend_tokenizer.encode("a")
    ids, special = encoded.ids, encoded.special_tokens_mask
    body = [index for index, mark in enumerate(special) if not mark]
    if not body:
        return [], []
    return list(ids[: body[0]]), list(ids[body[-1] + 1 :])


class Part(NamedTuple):
    """Special pieces at one position, and their token types."""

    pieces: tuple[int, ...] = ()
    types: tuple[int, ...] = ()


class Frame(NamedTuple):
    """The special pieces before, between and after a pair of texts, and the token types of the two texts."""

    before: Part
    between: Part
    after: Part
    first: int
    second: int

    @property
    def size(self) -> int:
        return sum(len(part.pieces) for part in self[:3])


def frame_of_pair(tokenizer: Any) -> Frame:
    """How the tokenizer joins two texts. If it adds no special pieces to pairs, its separator is used."""
    encoded = tokenizer.backend_tokenizer.encode("a", "b")
    ids, types, texts = encoded.ids, encoded.type_ids, encoded.sequence_ids
    first, second = ((texts.index(text), len(texts) - texts[::-1].index(text)) for text in (0, 1))

    def part(start: int, end: int) -> Part:
        return Part(tuple(ids[start:end]), tuple(types[start:end]))

    parts = part(0, first[0]), part(first[1], second[0]), part(second[1], len(ids))
    if any(one.pieces for one in parts) or tokenizer.sep_token_id is None:
        return Frame(*parts, types[first[0]], types[second[0]])
    before, after = (tuple(pieces) for pieces in special_pieces(tokenizer))
    return Frame(
        Part(before, (0,) * len(before)), Part((tokenizer.sep_token_id,), (0,)), Part(after, (1,) * len(after)), 0, 1
    )


def word_pieces(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> tuple[list[list[list[int]]], int]:
    """The pieces of every word of every sentence, and the number of words that the tokenizer drops.

    Dropped words become the unknown piece.

    Raises:
        HallucError E411: a word has no piece and the tokenizer has no unknown piece.
    """
    unknown = tokenizer.unk_token_id
    result, dropped = [], 0
    encodings = tokenizer.backend_tokenizer.encode_batch(
        [list(sentence) for sentence in sentences], is_pretokenized=True, add_special_tokens=False
    )
    for sentence, encoding in zip(sentences, encodings, strict=True):
        words: list[list[int]] = [[] for _ in sentence]
        for piece, word in zip(encoding.ids, encoding.word_ids, strict=True):
            if word is not None:
                words[word].append(piece)
        for index, pieces in enumerate(words):
            if not pieces:
                if unknown is None:
                    raise environment_error(
                        "E411",
                        f"the tokenizer has no piece for {sentence[index]!r} and no unknown piece",
                        "use another encoder, or remove such tokens",
                    )
                words[index] = [unknown]
                dropped += 1
        result.append(words)
    return result, dropped


def remaining_pieces(least: int, most: int, special: int, what: str = "words") -> int:
    """The number of pieces that remain of ``most`` besides the ``special`` ones.

    Raises:
        HallucError E411: they are fewer than ``least``.
    """
    if most - special < least:
        message = f"the tokenizer's `model_max_length` leaves no room for {what}"
        raise environment_error("E411", message, "fix its tokenizer_config.json")
    return most - special


def mean_of_pieces(values: ArrayT, mask: ArrayT) -> ArrayT:
    """The mean over the pieces of each text, without padding: (texts, pieces, n) to (texts, n)."""
    weights = mask[..., None]
    result: ArrayT = (values * weights).sum(1) / weights.sum(1)
    return result
