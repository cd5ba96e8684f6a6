"""How a text is split into tokens, how tokens are normalised, and which of their characters are invisible.

Offsets always count characters (code points) of the original text, even if it is normalised or stripped.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import regex
from pydantic import Field

from halluc.config.section import Section
from halluc.core.characters import is_invisible

Tokenize = Literal["words", "whitespace", "characters"]
Normalise = Literal["none", "nfc", "nfkc"]
_FORMS: Mapping[str, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}

# Version 1 of `words`. It splits before every combining mark and joiner, which `\w` does not match in Python.
_VERSION_1 = re.compile(r"\w+|[^\w\s]")
_PIECES = re.compile(r"\S+")

# Letters of scripts that are written without blanks between words: Chinese, Japanese, and those whose line breaks
# need a dictionary (Unicode line break class SA: Thai, Lao, Khmer, Myanmar and a few more).
_UNSPACED = r"[[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{lb=SA}]&&[\p{L}\p{N}]]"
_WORD = rf"[[\p{{L}}\p{{N}}_]--{_UNSPACED}]"
_IN_WORD = rf"[[\p{{L}}\p{{M}}_\u200c\u200d]--{_UNSPACED}]"
_SPACE = r"[\s\x1c-\x1f]"  # as `str.isspace`, which version 1 follows
# Version 2: a keycap; a word with its combining marks and joiners; otherwise a grapheme cluster. A mark such as the
# Arabic number sign precedes a number and belongs to its cluster; a cluster never includes a blank. Flags have a line
# of their own, since `\X` takes quadratic time over many.
_VERSION_2 = regex.compile(
    rf"""(?V1)[0-9]\ufe0f?\u20e3
    | \p{{gcb=Prepend}}*+{_WORD}(?:{_IN_WORD}++|[\p{{N}}--{_UNSPACED}](?!\ufe0f?\u20e3))*+
    | \p{{gcb=Prepend}}++(?={_SPACE}|\Z)
    | \p{{RI}}{{1,2}}+[\p{{gcb=Extend}}\p{{gcb=SpacingMark}}\u200d]*+
    | (?={_UNSPACED})\X\p{{M}}*+
    | (?!{_SPACE})\X""",
    regex.VERBOSE,
)
# For text in Latin, Greek, Cyrillic, Armenian, Chinese, Japanese or Korean without combining marks, joiners and emoji
# sequences, `_OF_PLAIN` gives the same tokens as `_VERSION_2`, several times faster.
_CJK = "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
_CJK += "\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9d"
_PLAIN = re.compile(
    "[\x00-\u02ff\u0370-\u0482\u048a-\u0556\u0559-\u058a\u1e00-\u1fff\u2010-\u2027\u202f-\u205f\u20a0-\u20cf\u2100-\u2bff"
    "\u3000-\u3029\u3030-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9d]*"
)
_OF_PLAIN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")

# Scripts in which a joiner has no visible effect; it has one in Arabic, in scripts of India, and in emoji.
_UNJOINED = "".join(rf"\p{{{script}}}" for script in (
    "Latn", "Grek", "Cyrl", "Armn", "Geor", "Hebr", "Hani", "Hira", "Kana", "Bopo", "Hang", "Thai", "Laoo", "Zyyy",
))  # fmt: skip
_JOINED = rf"[\p{{L}}--[{_UNJOINED}]]"
_SHAPING = r"\u200c\u200d\u115f\u1160\u180b-\u180f\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
_OTHER_HIDDEN = rf"[\p{{DI}}--[{_SHAPING}]]"
_CONTROL = r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"  # those that are not white space
# Characters without visible effect: default ignorable code points (Unicode) and control characters, except joiners,
# variation selectors and tags of flags where they change the shape of their neighbours. Lookahead and lookbehind are
# bounded, so that no text takes quadratic time.
HIDDEN = regex.compile(
    rf"""(?V1){_OTHER_HIDDEN}
    | {_CONTROL}
    | \u200c (?: (?<!{_JOINED}[\p{{M}}\p{{DI}}]{{0,8}}\u200c) | (?!{_OTHER_HIDDEN}{{0,8}}\p{{M}}{{0,8}}{_JOINED}) )
    | \u200d (?<!{_JOINED}\p{{M}}{{0,8}}\u200d) (?!\p{{M}}{{0,8}}{_JOINED})
      (?: (?<!\p{{ExtPict}}[\ufe0f\p{{EMod}}]{{0,2}}\u200d) | (?!\p{{ExtPict}}) )
    | [\ufe00-\ufe0f\U000e0100-\U000e01ef]
      (?<![\p{{S}}\p{{P}}\p{{Hani}}\p{{Mong}}\p{{Phag}}\p{{Mymr}}\p{{ExtPict}}].) (?!\u20e3)
    | [\u180b-\u180f] (?<![\p{{Mong}}&&\p{{L}}].)
    | [\U000e0020-\U000e007f] (?<!\U0001f3f4[\U000e0020-\U000e007f]{{1,32}})""",
    regex.VERBOSE,
)
_MAYBE_HIDDEN = regex.compile(rf"(?V1)[\p{{DI}}{_CONTROL}]")
# A zero-width space is hidden too, but separates two words.
ZERO_WIDTH_SPACE = "\u200b"


class TokenizationKeys(Section):
    """The keys of ``data`` that define the tokens, besides ``tokenize``."""

    tokenizer_version: Literal[1, 2] = Field(
        default=2,
        description="version of `tokenize: words`: 2 keeps combining marks and joiners in their word; 1, of the first "
        "releases, splits there",
    )
    normalise: Normalise = Field(
        default="none",
        description="Unicode normalisation of tokens: nfc composes letters and their marks; nfkc also replaces "
        "full-width letters, ligatures and the like; offsets still refer to the original text",
    )
    strip_invisible: bool = Field(
        default=False,
        description="remove invisible characters from tokens (zero-width characters, soft hyphens, byte order and "
        "direction marks), and remove tokens that are then empty",
    )


@dataclass(frozen=True)
class Tokenizer:
    """Splits texts into tokens, according to the keys of ``data`` with the same names."""

    tokenize: Tokenize = "words"
    tokenizer_version: int = 2
    normalise: Normalise = "none"
    strip_invisible: bool = False

    @classmethod
    def of(cls, data: object) -> Tokenizer:
        """The tokenizer of a ``data`` section; missing keys have their defaults."""
        return cls(**{one.name: getattr(data, one.name) for one in fields(cls) if hasattr(data, one.name)})

    def cut(self, text: str) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
        """Start and end of each token in characters of ``text``, and the tokens, normalised and stripped.

        With ``strip_invisible``, only visible tokens, and bounds without hidden characters at their ends.
        """
        hidden = self._hidden(text)
        where = [place for place in range(len(text)) if place not in hidden] if hidden else range(len(text))
        shown = "".join([text[place] for place in where]) if hidden else text
        bounds = self._places(shown)
        pieces = [shown[start:end] for start, end in bounds]
        tokens = [self._clean(piece) for piece in pieces] if self._changes(shown) else pieces
        if self.strip_invisible:
            kept = [place for place, token in enumerate(tokens) if self._shows(token)]
            bounds = [(where[bounds[place][0]], where[bounds[place][1] - 1] + 1) for place in kept]
            tokens = [tokens[place] for place in kept]
        return bounds, tuple(tokens)

    def tokens(self, text: str) -> tuple[str, ...]:
        """Only the tokens, interned: a word that occurs in many texts is stored once."""
        if self.strip_invisible or self._changes(text):
            return tuple(map(sys.intern, self.cut(text)[1]))
        return tuple(map(sys.intern, text if self.tokenize == "characters" else self._pattern(text).findall(text)))

    def cleaned(self, tokens: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
        """Tokens of a file, normalised and stripped, and the positions of those kept; None: all are kept.

        With ``strip_invisible``, invisible tokens are left out.
        """
        if not self.strip_invisible and self.normalise == "none":
            return tuple(tokens), None
        clean = tuple(map(self._clean, tokens))
        kept = tuple(place for place, token in enumerate(clean) if not self.strip_invisible or self._shows(token))
        return (clean, None) if len(kept) == len(clean) else (tuple(clean[place] for place in kept), kept)

    def _pattern(self, text: str) -> re.Pattern[str] | regex.Pattern[str]:
        if self.tokenize == "whitespace":
            return _PIECES
        if self.tokenizer_version == 1 or text.isascii():
            return _VERSION_1
        return _OF_PLAIN if _PLAIN.fullmatch(text) else _VERSION_2

    def _places(self, text: str) -> list[tuple[int, int]]:
        if self.tokenize == "characters":
            return [(place, place + 1) for place in range(len(text))]
        return [match.span() for match in self._pattern(text).finditer(text)]

    def _changes(self, text: str) -> bool:
        """Whether normalising or stripping can change the text or one of its tokens."""
        if self.strip_invisible and _MAYBE_HIDDEN.search(text):
            return True
        return self.normalise != "none" and not unicodedata.is_normalized(_FORMS[self.normalise], text)

    def _hidden(self, text: str) -> frozenset[int]:
        """The positions of hidden characters, which are removed before the text is split, so that they do not split
        words."""
        if not self.strip_invisible or not _MAYBE_HIDDEN.search(text):
            return frozenset()
        return frozenset(
            match.start() for match in HIDDEN.finditer(text) if self.tokenize != "words" or match[0] != ZERO_WIDTH_SPACE
        )

    def _clean(self, token: str) -> str:
        """The token normalised and stripped, repeatedly: stripping may join a letter and its mark, and normalisation
        may make other characters hidden."""
        while self._changes(token):
            clean = normalised(HIDDEN.sub("", token) if self.strip_invisible else token, self.normalise)
            if clean == token:
                break
            token = clean
        return token

    def _shows(self, token: str) -> bool:
        """Whether a token is visible; if each character is a token, blanks count too."""
        return "!" <= token[:1] <= "~" or not is_invisible(token) or (self.tokenize == "characters" and token.isspace())


# No language has such tokens, and normalisation takes quadratic time to order the marks.
_ENDLESS_MARKS = regex.compile(r"\p{M}{1000}")


def normalised(token: str, form: Normalise) -> str:
    """A token in a Unicode normalisation form; in NFC if NFKC would insert a blank, as for ``¨`` or ``´``.

    A token with a thousand marks in a row stays unchanged.
    """
    if form == "none" or (len(token) > 1000 and _ENDLESS_MARKS.search(token)):
        return token
    if form == "nfkc":
        compatible = unicodedata.normalize("NFKC", token)
        if len(compatible.split()) <= max(1, len(token.split())) and compatible.strip() == compatible:
            return compatible
    return unicodedata.normalize("NFC", token)


_OF_UNSPACED = regex.compile(rf"(?V1){_UNSPACED}")
_LETTER = regex.compile(r"\p{L}")


def is_cut_into_characters(tokens: Sequence[str]) -> bool:
    """Whether more than a fifth of the letters are of scripts without blanks, and each of these is a token."""
    text = "".join(tokens)
    if text.isascii():
        return False
    letters = len(_OF_UNSPACED.findall(text))
    return 5 * letters > len(_LETTER.findall(text)) and letters == sum(map(bool, map(_OF_UNSPACED.search, tokens)))
