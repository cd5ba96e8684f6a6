"""Encoders and their tokenizers, as every encoder task loads them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from safetensors import SafetensorError

from halluc.config.schema import ModelConfig
from halluc.core.errors import HallucError, environment_error
from halluc.core.files import irregular
from halluc.engine.references import ModelSource, resolve_model

if TYPE_CHECKING:
    import torch

_MOST_LAYERS = 1000


@dataclass(frozen=True)
class Encoder:
    """A model, its tokenizer, and the commit it came from where the hub told one.

    ``outputs`` names what each output of the head stands for, in the data's terms.
    """

    model: Any
    tokenizer: Any
    commit: str | None
    outputs: tuple[str, ...]

    @property
    def padding(self) -> int:
        """The piece that batches are filled up with."""
        return int(self.model.config.pad_token_id or 0)


def load_tokenizer(source: ModelSource, trust_remote_code: bool = False) -> Any:
    """A fast tokenizer that neither truncates nor pads.

    Raises:
        HallucError E411: it cannot be loaded, or is not a fast one.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source.name,
            revision=source.revision,
            local_files_only=source.local,
            trust_remote_code=trust_remote_code,
            add_prefix_space=True,  # byte-level tokenizers need it for text that is split into words
        )
    except Exception as error:
        raise _unloadable(source, "tokenizer", error) from error
    if not getattr(tokenizer, "is_fast", False):
        raise environment_error(
            "E411",
            f"{source.name} has no fast tokenizer",
            "halluc needs to know which word a piece belongs to: use a model with a tokenizer.json",
        )
    if len(tokenizer.get_vocab()) <= len(tokenizer.all_special_ids):
        # transformers makes an empty one where its files are gone, and every word would be unknown.
        raise environment_error("E411", f"{source.name} has no vocabulary", "its tokenizer files are missing")
    if not isinstance(tokenizer.model_max_length, (int, float)) or tokenizer.model_max_length < 1:
        raise environment_error(
            "E411",
            f"{source.name}: `model_max_length` in tokenizer_config.json is {tokenizer.model_max_length!r}",
            "restore the file, or give the number of word pieces",
        )
    # Some packages ship tokenizer.json with both switched on: text would be lost in silence.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def load_encoder(
    auto_class: str, config: ModelConfig, attention: str, texts: Iterable[Sequence[str]] = (), **head: Any
) -> Encoder:
    """Load ``transformers.<auto_class>``: with a fresh head of the labels in ``head``, or as it was trained.

    Where the config asks for a model from scratch, its tokenizer is trained on the tokens of ``texts``.

    Raises:
        HallucError E410, E411: the reference, or what it leads to, cannot be loaded, or weights are missing in it.
    """
    if config.scratch is not None:
        from halluc.tasks.scratch import make_encoder

        return make_encoder(auto_class, config.scratch, config.dropout, attention, texts, **head)
    assert config.name is not None, "a model has a name, or is made from scratch"
    source = resolve_model(config.name)
    if source.local:
        _check_model_files(Path(source.name))
    tokenizer = load_tokenizer(source, config.trust_remote_code)
    model, settings, missing = _pretrained(auto_class, source, config, attention, head)
    _refuse_missing(model, missing, source, fresh_head=bool(head))
    _complete_padding(model.config, tokenizer)
    if auto_class == "AutoModelForSequenceClassification" and model.config.pad_token_id is None:
        raise environment_error(
            "E411",
            f"{source.name} has neither a padding token nor an end token",
            "name one as `pad_token` in its tokenizer_config.json",
        )
    if config.freeze is not None:
        freeze(model, config.freeze)
    return Encoder(model, tokenizer, getattr(settings, "_commit_hash", None), _outputs(settings, source))


def _check_model_files(folder: Path) -> None:
    """
    Raises:
        HallucError E411: something in a model folder is a pipe or a device, which would block whoever loads it.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        kind = irregular(path)
        if kind is not None and not path.is_dir():
            raise environment_error("E411", f"{path} is {kind}, not a regular file", "restore the model folder")


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
        raise environment_error("E411", message, "restore config.json, or name the label of each output there")
    return tuple(str(settings.id2label[index]) for index in range(settings.num_labels))


def _pretrained(
    auto_class: str, source: ModelSource, config: ModelConfig, attention: str, head: dict[str, Any]
) -> tuple[Any, Any, list[str]]:
    """The model, its settings, and the weights that its files lack.

    Raises:
        HallucError E411: it cannot be loaded.
    """
    import torch
    import transformers

    where = {
        "revision": source.revision,
        "local_files_only": source.local,
        "trust_remote_code": config.trust_remote_code,
    }
    try:
        settings = transformers.AutoConfig.from_pretrained(source.name, **where, **head)
        if config.dropout is not None:
            set_dropout(settings, config.dropout)
        if (getattr(settings, "num_hidden_layers", None) or 0) > _MOST_LAYERS:  # making them would take hours
            raise ValueError(f"`num_hidden_layers` in its config.json is {settings.num_hidden_layers:,}")
        model, told = getattr(transformers, auto_class).from_pretrained(
            source.name,
            config=settings,
            attn_implementation=attention,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=bool(head),  # a fresh head may replace one of other labels
            **where,
        )
    except Exception as error:
        raise _unloadable(source, "model", error) from error
    return model, settings, list(told["missing_keys"])


def _complete_padding(settings: Any, tokenizer: Any) -> None:
    """Give a model and its tokenizer a padding piece where one of them has none: the other's, or the end piece.

    Decoder models (GPT-2, Qwen2) often come without. They classify a text by its last piece that is no padding, so
    ``settings`` must name the piece that batches are padded with. An id outside the vocabulary is none.
    """
    known = [settings.pad_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id]
    size = getattr(settings, "vocab_size", len(tokenizer))
    piece = next((one for one in known if one is not None and 0 <= one < size), None)
    if piece is None:
        return
    if settings.pad_token_id != piece:
        settings.pad_token_id = piece
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(piece)


def _refuse_missing(model: Any, missing: Iterable[str], source: ModelSource, *, fresh_head: bool) -> None:
    """transformers fills missing weights at random: fine for a fresh head, its pooler, and for nothing else."""
    body = f"{model.base_model_prefix}."
    head = f"{body}pooler."  # many encoders come without: it is then trained with the head that stands on it
    lost = sorted(n for n in missing if not fresh_head or (n.startswith(body) and not n.startswith(head)))
    if lost:
        what = "an encoder without a trained head" if not any(n.startswith(body) for n in lost) else "not whole"
        raise environment_error(
            "E411",
            f"{source.name} is {what}: it has no weights for {', '.join(lost[:3])}",
            "name a model that was trained for this task" if not fresh_head else "name the folder of a whole model",
        )


def freeze(model: torch.nn.Module, layers: int) -> None:
    """Keep the embeddings and the lowest ``layers`` layers as they are.

    Raises:
        HallucError C202: the model has not so many layers, or none that can be told by name.
    """
    named = list(model.named_parameters())
    numbers = {name: int(match[1]) for name, _ in named if (match := _LAYER.search(name))}
    depth = max(numbers.values(), default=-1) + 1
    if layers > depth:
        raise HallucError("C202", f"`model.freeze: {layers}` is more than the {depth} layers of this model")
    for name, parameter in named:
        embeds = "embedding" in name or ".wte." in name or ".wpe." in name
        if embeds or (name in numbers and numbers[name] < layers):
            parameter.requires_grad_(False)


# encoder.layer.3. (BERT, RoBERTa, ELECTRA), transformer.layer.3. (DistilBERT), layers.3. (ModernBERT), h.3. (GPT-2)
_LAYER = re.compile(r"\.(?:layer|layers|h|block)\.(\d+)\.")


def set_dropout(settings: Any, rate: float) -> None:
    for name in vars(settings):
        if ("dropout" in name or "pdrop" in name) and isinstance(getattr(settings, name), (int, float)):
            setattr(settings, name, rate)


def _unloadable(source: ModelSource, what: str, error: Exception) -> Exception:
    told = str(error).strip().split("\n", 1)[0]
    return environment_error(
        "E411",
        f"cannot load the {what} of {source.name}: {told}",
        None if source.local else "is the network there, and are name and revision right?",
    )


def quiet_libraries(verbose: bool) -> None:
    """Keep the libraries' progress bars and load reports out of the user's way."""
    import transformers

    if not verbose:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        for library in ("accelerate", "huggingface_hub", "httpx", "httpx2"):
            logging.getLogger(library).setLevel(logging.ERROR)


def room(tokenizer: Any, settings: Any) -> int:
    """How many word pieces, special ones included, the model takes at once."""
    limit = int(tokenizer.model_max_length)
    positions = getattr(settings, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # Position ids of the RoBERTa family start behind the padding id.
        offset = settings.pad_token_id + 1 if _counts_from_padding(settings) else 0
        limit = min(limit, positions - offset)
    return min(limit, 1 << 20)


def _counts_from_padding(settings: Any) -> bool:
    return settings.model_type in (
        "roberta", "camembert", "xlm-roberta", "xlm-roberta-xl", "longformer", "mpnet", "data2vec-text",
    )  # fmt: skip


def special_pieces(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special pieces that the tokenizer sets before and behind a text."""
    encoded = tokenizer("a", return_special_tokens_mask=True)
    ids, special = encoded["input_ids"], encoded["special_tokens_mask"]
    body = [index for index, mark in enumerate(special) if not mark]
    if not body:
        return [], []
    return list(ids[: body[0]]), list(ids[body[-1] + 1 :])


class Part(NamedTuple):
    """Special pieces in one place, and their token types."""

    pieces: tuple[int, ...] = ()
    types: tuple[int, ...] = ()


class Frame(NamedTuple):
    """What the tokenizer sets before, between and behind two texts, and the token types of the texts."""

    before: Part
    between: Part
    behind: Part
    first: int
    second: int

    @property
    def size(self) -> int:
        return sum(len(part.pieces) for part in self[:3])


def frame_of_pair(tokenizer: Any) -> Frame:
    """How the tokenizer joins two texts: with its separator where it has one, even if it has no rule for pairs."""
    encoded = tokenizer.backend_tokenizer.encode("a", "b")
    ids, types, of = encoded.ids, encoded.type_ids, encoded.sequence_ids
    ends = [(of.index(text), len(of) - of[::-1].index(text)) for text in (0, 1)]

    def part(start: int, end: int) -> Part:
        return Part(tuple(ids[start:end]), tuple(types[start:end]))

    parts = part(0, ends[0][0]), part(ends[0][1], ends[1][0]), part(ends[1][1], len(ids))
    if any(one.pieces for one in parts) or tokenizer.sep_token_id is None:
        return Frame(*parts, types[ends[0][0]], types[ends[1][0]])
    before, behind = (tuple(pieces) for pieces in special_pieces(tokenizer))
    return Frame(
        Part(before, (0,) * len(before)), Part((tokenizer.sep_token_id,), (0,)), Part(behind, (1,) * len(behind)), 0, 1
    )


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """The Hugging Face layout: config.json, model.safetensors, tokenizer files."""
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # its way to say that the disk is full
        raise environment_error(
            "E401", f"cannot write {folder}: {error}", "free space, or choose another `runs_dir`"
        ) from None


def word_pieces(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> tuple[list[list[list[int]]], int]:
    """The pieces of every word of every sentence; words that the tokenizer drops become the unknown piece.

    Returns them with the number of words dropped.

    Raises:
        HallucError E411: a word has no piece and the tokenizer knows no unknown piece.
    """
    unknown = tokenizer.unk_token_id
    result, dropped = [], 0
    backend = tokenizer.backend_tokenizer
    for sentence, encoding in zip(
        sentences,
        backend.encode_batch([list(s) for s in sentences], is_pretokenized=True, add_special_tokens=False),
        strict=True,
    ):
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
                        "use another encoder, or take such tokens out",
                    )
                words[index] = [unknown]
                dropped += 1
        result.append(words)
    return result, dropped


def padded(pieces: Sequence[Sequence[int]], padding: int) -> dict[str, torch.Tensor]:
    """``input_ids`` and ``attention_mask`` of sequences of pieces, each (sequences, longest sequence)."""
    import torch

    shape = (len(pieces), max(map(len, pieces)))
    inputs = {"input_ids": torch.full(shape, padding), "attention_mask": torch.zeros(shape, dtype=torch.long)}
    for row, own in enumerate(pieces):
        inputs["input_ids"][row, : len(own)] = torch.tensor(own)
        inputs["attention_mask"][row, : len(own)] = 1
    return inputs
