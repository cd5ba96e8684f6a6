"""From what a file tells of one text to an example: tokens, labels, what is wrong and what was mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from halluc.core.characters import is_invisible
from halluc.core.examples import Labelled, Origin
from halluc.data.readers.base import MEND
from halluc.data.readers.jsonl import Unreadable
from halluc.data.readers.texts_config import TextsConfig
from halluc.data.readers.texts_found import Found, is_absent, kind, nul, whole, without
from halluc.data.readers.texts_labels import Labels
from halluc.data.tokenization import Tokenizer

# Of so many labels it is kept what they mean.
_MOST_MET = 10_000
_EMPTY = "take it out, or set `data.on_bad_line: skip`"


@dataclass(frozen=True)
class Maker:
    """Makes the examples of one file; ``outside``: one of texts without labels, all out of scope."""

    config: TextsConfig
    file: str
    outside: bool = False
    _met: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)

    @cached_property
    def labels(self) -> Labels:
        return Labels(self.config, self.outside)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.of(self.config)

    def example(self, found: Found, identity: str) -> tuple[Labelled, tuple[str, ...]]:
        """The example, and what was mended in it; ``identity`` is its id where it has none of its own.

        Raises:
            Unreadable: it has no text, a text, id or label of the wrong kind, or no label.
        """
        tokens, second = self._tokens(found)
        labels, repairs = self._labels(found)
        name = self._id(found.id) or identity
        return Labelled(name, Origin(self.file, found.line), tokens, labels, second), repairs

    def _labels(self, found: Found) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What ``Labels.of`` tells; of a label that was met before, from memory."""
        given = found.label
        if isinstance(given, str) and given in self._met:
            return self._met[given]
        labels, repairs = self.labels.of(found)
        told = labels, tuple(repairs)
        if isinstance(given, str) and len(self._met) < _MOST_MET:
            self._met[given] = told
        return told

    def _id(self, given: object) -> str:
        if given is None or is_absent(given):
            return ""
        if isinstance(given, str) or whole(given):
            return str(given)
        raise Unreadable("D107", f"`{self.config.id_field}` is {kind(given)}, not a string", "see `data.id_field`")

    def _tokens(self, found: Found) -> tuple[tuple[str, ...], int | None]:
        second = self.config.second_field
        if isinstance(found.text, tuple):
            if second is not None and (found.second is None or is_absent(found.second)):
                raise Unreadable("D107", "no `second`: a pair of tokens says where its second text begins", MEND)
            return _given(found.text, found.second)
        first = self._cut(found.text, self.config.text_field, "an empty text")
        if second is None:
            return first, None
        if is_absent(found.second):
            missing = without(found.fields, str(second), "second_field")
            raise Unreadable(missing.code, missing.problem, f"a pair has two texts; {missing.help}")
        return first + self._cut(found.second, second, "the second text is empty"), len(first)

    def _cut(self, text: object, field: object, empty: str) -> tuple[str, ...]:
        if text is None or text == "":
            raise Unreadable("D106", empty, _EMPTY)
        if not isinstance(text, str):
            help = "a list of words is named `tokens`" if isinstance(text, list) else MEND
            raise Unreadable("D107", f"`{field}` is {kind(text)}, not a string", help)
        if "\0" in text:
            raise nul("text")
        if not "!" <= text[0] <= "~" and is_invisible(text):
            raise Unreadable("D106", empty if not text.strip() else f"{empty}: nothing in it is visible", _EMPTY)
        return self.tokenizer.tokens(text)


def _given(tokens: tuple[str, ...], second: object) -> tuple[tuple[str, ...], int | None]:
    """Tokens that are given as such, and the place of the second text among them."""
    if all(is_invisible(token) for token in tokens):
        raise Unreadable("D106", "an empty text", _EMPTY)
    if any("\0" in token for token in tokens):
        raise nul("text")
    if second is None or is_absent(second):
        return tokens, None
    if not isinstance(second, int) or isinstance(second, bool) or not 0 < second < len(tokens):
        problem = f"`second` is no place of a second text among {len(tokens)} tokens: {kind(second, tell=True)}"
        raise Unreadable("D107", problem, MEND)
    return tokens, second
