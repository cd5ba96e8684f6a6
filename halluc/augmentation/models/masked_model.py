"""Loading of masked language models, and the pieces of their input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from halluc.augmentation.methods.base import OptionError
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_ENVIRONMENT
from halluc.engine.pretrained import check_model_files, load_model, load_tokenizer, quiet_libraries, refuse_missing
from halluc.engine.references import ModelSource, resolve_model
from halluc.engine.runtime import attention_for, default_device

# The most pieces of a word; longer words are truncated, and are never filled in.
_LONGEST_WORD = 16
# The minimum number of pieces of a row: a word with its markers, and some context.
_LEAST_ROOM = 24


class MaskedModel(NamedTuple):
    """A model, its tokenizer, and which weights of its masked-LM head are missing in its files."""

    model: Any
    tokenizer: Any
    missing: list[str]


def load(source: ModelSource, trust_remote_code: bool = False) -> MaskedModel:
    """A masked language model in fp32.

    Raises:
        HallucError E411: it cannot be loaded, or weights of its body are missing. OptionError E411: it has no mask
            token.
    """
    quiet_libraries(verbose=False)
    if source.local:
        check_model_files(Path(source.name))
    tokenizer = load_tokenizer(source, trust_remote_code)
    if tokenizer.mask_token_id is None:
        message = f"the tokenizer of {source.name} has no mask token: it is not a masked language model"
        raise OptionError(
            "model", "E411", message, "use a masked language model, such as BERT or RoBERTa", EXIT_ENVIRONMENT
        )
    attention = attention_for(default_device().type)
    model, _, missing = load_model("AutoModelForMaskedLM", source, attention, {}, trust_remote_code=trust_remote_code)
    refuse_missing(model, missing, source, fresh_head=True)
    return MaskedModel(model, tokenizer, missing)


def load_ready(reference: str) -> MaskedModel:
    """A model with a trained masked-LM head.

    Raises:
        OptionError E411: its head has no weights, so that its predictions would be random; and as ``load``.
    """
    loaded = load(resolve_model(reference))
    if loaded.missing:
        named = ", ".join(sorted(loaded.missing)[:3])
        message = f"`{reference}` has no trained masked-LM head: there are no weights for {named}"
        help = "set `fit: {epochs: 10}` to train it on the training split, or use a model with a trained head"
        raise OptionError("model", "E411", message, help, EXIT_ENVIRONMENT)
    return loaded


class PieceRow(NamedTuple):
    """A part of an example as model input: pieces, and the positions of the pieces of each word."""

    pieces: list[int]
    words: list[tuple[int, int, int]]  # (number of the word in the example, first position, position after the last)


@dataclass
class PieceCodec:
    """Converts examples to rows of pieces.

    Each word of a mention is enclosed in two equal markers (MELM). Each of ``labels`` has a marker for the first word
    of a mention and one for other words, with ids from ``first_marker`` on.
    """

    tokenizer: Any
    room: int
    labels: Sequence[str] = ()
    first_marker: int = 0
    _known: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        encoded = self.tokenizer([["a"]], is_split_into_words=True)
        ids, words = encoded["input_ids"][0], encoded.word_ids(0)
        own = [at for at, word in enumerate(words) if word is not None]
        self.prefix, self.suffix = ids[: own[0]], ids[own[-1] + 1 :]
        self.room -= len(self.prefix) + len(self.suffix)
        self._marker = {label: self.first_marker + 2 * number for number, label in enumerate(self.labels)}
        self.mask: int = self.tokenizer.mask_token_id
        self.unknown: int | None = self.tokenizer.unk_token_id
        self.pad: int = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.mask

    def rows(self, example: Editable, masked: Iterable[int] = ()) -> Iterator[PieceRow]:
        """The example in parts of at most ``room`` pieces; each word of ``masked`` is one mask."""
        hidden, markers = set(masked), self._markers(example)
        self._learn(example.tokens)
        pieces: list[int] = list(self.prefix)
        words: list[tuple[int, int, int]] = []
        for number, token in enumerate(example.tokens):
            own = [self.mask] if number in hidden else self._known[token]
            around = markers.get(number, [])
            if words and len(pieces) + len(own) + 2 * len(around) > self.room + len(self.prefix):
                yield PieceRow(pieces + self.suffix, words)
                pieces, words = list(self.prefix), []
            start = len(pieces) + len(around)
            words.append((number, start, start + len(own)))
            pieces += [*around, *own, *around]
        if words:
            yield PieceRow(pieces + self.suffix, words)

    def _markers(self, example: Editable) -> dict[int, list[int]]:
        result: dict[int, list[int]] = {}
        for start, end, label in example.spans:
            if label in self._marker:
                for at in range(start, end):
                    result[at] = [self._marker[label] + (at > start)]
        return result

    def _learn(self, tokens: Iterable[str]) -> None:
        """Cache the pieces of new words; a word without pieces is the unknown piece."""
        new = [token for token in dict.fromkeys(tokens) if token not in self._known]
        if not new:
            return
        if len(self._known) > 1 << 18:
            self._known.clear()
            new = list(dict.fromkeys(tokens))
        # Tokenizers do not accept lone surrogates.
        texts = [[token.encode("utf-8", "replace").decode()] for token in new]
        result = self.tokenizer(texts, is_split_into_words=True, add_special_tokens=False)["input_ids"]
        nothing = [self.unknown if self.unknown is not None else self.mask]
        for token, pieces in zip(new, result, strict=True):
            self._known[token] = pieces[:_LONGEST_WORD] or nothing


def max_pieces(model: Any, tokenizer: Any, longest: int) -> int:
    """The maximum input length of the model, at most ``longest``.

    Raises:
        OptionError E411: it is below 24.
    """
    # RoBERTa numbers its positions from 2.
    positions = (getattr(model.config, "max_position_embeddings", None) or longest + 2) - 2
    room = int(min(longest, positions, tokenizer.model_max_length))
    if room < _LEAST_ROOM:
        message = f"the model has a limit of {room} word pieces, but at least {_LEAST_ROOM} are needed"
        raise OptionError("model", "E411", message, "use another model", EXIT_ENVIRONMENT)
    return room
