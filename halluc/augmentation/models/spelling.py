"""Splits words into pieces that restore them exactly: pieces learned from the training split, or those of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers.models import WordPiece

from halluc.augmentation.methods.base import Rejected
from halluc.core.errors import environment_error
from halluc.engine.scratch import LONGEST_WORD

# The prefix of a piece inside of a word: a private-use character, which hardly any word contains.
INSIDE = "\ue000"
_UNKNOWN = ""


class WordPieces:
    """WordPiece pieces (Schuster & Nakajima 2012) learned from the words of a corpus.

    Words are not normalised or split at punctuation. A word with a character that no piece has, or of more than 100
    characters, cannot be spelled. Ids are 0 to ``size - 1``; ``unusable`` are those that are not text.
    """

    unusable: tuple[int, ...] = ()

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces, self.size = tuple(pieces), len(pieces)
        vocabulary = {piece: number for number, piece in enumerate(self.pieces)}
        self._model = WordPiece(
            {**vocabulary, _UNKNOWN: self.size},
            unk_token=_UNKNOWN,
            max_input_chars_per_word=LONGEST_WORD,
            continuing_subword_prefix=INSIDE,
        )

    def spell(self, word: str) -> list[int] | None:
        """The pieces of a word; None if they would not restore it exactly."""
        if not is_spellable(word):
            return None
        numbers = [piece.id for piece in self._model.tokenize(word)]
        return None if self.size in numbers else numbers

    def words(self, pieces: Sequence[int]) -> list[str]:
        """The words of pieces.

        Raises:
            Rejected: they begin inside of a word, or are not text.
        """
        words: list[str] = []
        for number in pieces:
            piece = self.pieces[number]
            if not piece.startswith(INSIDE):
                words.append(piece)
            elif words:
                words[-1] += piece[len(INSIDE) :]
            else:
                raise Rejected("broken word")
        return words

    def is_inside(self, piece: int) -> bool:
        """Whether a piece continues a word."""
        return self.pieces[piece].startswith(INSIDE)


class TokenizerPieces:
    """The pieces of a pre-trained model's tokenizer, which marks where words begin (byte-level BPE, SentencePiece).

    It has the methods of ``WordPieces``. ``size`` is the number of rows of the model's embeddings, which may be more
    than the tokenizer has pieces.
    """

    def __init__(self, tokenizer: Any, size: int) -> None:
        """
        Raises:
            HallucError E411: the tokenizer does not mark where words begin.
        """
        self.tokenizer, self.size = tokenizer, size
        self._backend = tokenizer.backend_tokenizer
        # Some tokenizers mark the beginning of every text, others only of a text that begins with a blank.
        self._before, self._marker = next(
            ((before, marker) for before in ("", " ") if (marker := self._word_marker(before))), ("", "")
        )
        if not self._marker:
            message = "the tokenizer of this model does not mark word boundaries, so words cannot be decoded"
            raise environment_error("E411", message, "use a causal model with a byte-level or SentencePiece tokenizer")
        special = {number for number in tokenizer.all_special_ids if number < size}
        added = {number for number in tokenizer.added_tokens_decoder if number < size}
        self.unusable = tuple(sorted(special | added | {*range(len(tokenizer), size)}))

    def _word_marker(self, before: str) -> str:
        """The prefix of the first piece of a word; empty if it is not a single character."""
        first = self.tokenizer.convert_ids_to_tokens(self._encode(f"{before}a")[:1])
        marker: str = first[0].removesuffix("a") if first else ""
        return marker if len(marker) == 1 else ""

    def _encode(self, text: str) -> list[int]:
        numbers: list[int] = self._backend.encode([text], is_pretokenized=True, add_special_tokens=False).ids
        return numbers

    def spell(self, word: str) -> list[int] | None:
        if not is_spellable(word):
            return None
        numbers = self._encode(f"{self._before}{word}")
        try:
            return numbers if not {*numbers} & {*self.unusable} and self.words(numbers) == [word] else None
        except Rejected:
            return None

    def words(self, pieces: Sequence[int]) -> list[str]:
        if not pieces:
            return []
        if not self.tokenizer.convert_ids_to_tokens(pieces[0]).startswith(self._marker):
            raise Rejected("broken word")
        text: str = self._backend.decode(list(pieces), skip_special_tokens=False)
        words = text.removeprefix(" ").split(" ")
        if "\ufffd" in text or "" in words:
            raise Rejected("broken word")
        return words

    def is_inside(self, piece: int) -> bool:
        token = self.tokenizer.convert_ids_to_tokens(piece)
        return token is None or not token.startswith(self._marker)


Spelling = WordPieces | TokenizerPieces


def is_spellable(word: str) -> bool:
    """Whether tokenizers can encode a word; they do not support lone surrogates."""
    if not word or len(word) > LONGEST_WORD or INSIDE in word:
        return False
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
