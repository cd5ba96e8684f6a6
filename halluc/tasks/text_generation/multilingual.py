"""Multilingual models (M2M100, NLLB, mBART), whose tokenizers mark the language of input and output."""

from __future__ import annotations

from typing import NamedTuple

from halluc.core.errors import HallucError
from halluc.engine.language_codes import code_number, tokenizer_code, tokenizer_codes
from halluc.tasks.text_generation.loading import TextWriter
from halluc.tasks.text_generation.source_text import Sourced


class LanguageMark(NamedTuple):
    """The piece of the output language. ``is_last``: targets end with it, and it is the start of outputs."""

    piece: int
    is_last: bool


class LanguageMarks:
    """Sets the languages of each example in the tokenizer of a model."""

    def __init__(self, loaded: TextWriter) -> None:
        self._tokenizer, self._framing = loaded.tokenizer, loaded.framing
        has_marks = all(hasattr(loaded.tokenizer, name) for name in ("src_lang", "tgt_lang"))
        self._has_marks = loaded.framing.has_encoder and has_marks
        self._by_languages: dict[tuple[str, str], tuple[str, str, LanguageMark]] = {}
        self._now: tuple[str, str] | None = None

    def of(self, example: Sourced) -> LanguageMark | None:
        """The mark of the output; None if the tokenizer has no language marks.

        Raises:
            HallucError C209: a language is unknown, or not supported by the model.
        """
        if not self._has_marks:
            return None
        key = example.source_language, example.language
        if key not in self._by_languages:
            source, target = self._code(key[0], "source"), self._code(key[1], "target")
            self._by_languages[key] = source, target, self._mark(target)
        source, target, mark = self._by_languages[key]
        if key != self._now:
            self._tokenizer.src_lang, self._tokenizer.tgt_lang = source, target
            self._now = key
        return mark

    def _code(self, language: str, side: str) -> str:
        if not language:
            message = f"the model needs language codes, but the {side} language of an example is unknown"
            raise HallucError("C209", message, help=_help(side))
        code = tokenizer_code(self._tokenizer, language)
        if code is None or code_number(self._tokenizer, code) is None:
            known = ", ".join(tokenizer_codes(self._tokenizer)[:20])
            message = f"the model does not support the language `{language}`; it has {known}"
            raise HallucError("C209", message, help=_help(side))
        return code

    def _mark(self, target: str) -> LanguageMark:
        piece = code_number(self._tokenizer, target)
        assert piece is not None, "``_code`` checks it"
        self._tokenizer.tgt_lang, self._now = target, None
        is_last = self._tokenizer(text_target="a")["input_ids"][-1] == piece
        if is_last and self._framing.start != piece:
            message = f"the model starts outputs with another token than that of `{target}`"
            raise HallucError("C209", message, help="set `decoder_start_token_id` in its config.json")
        return LanguageMark(piece, is_last)


def _help(side: str) -> str:
    return f"set `data.{side}_language`, or `data.language` if inputs and outputs have the same language"
