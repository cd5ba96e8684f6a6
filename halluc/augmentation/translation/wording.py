"""Converts tokens to running text for a translation engine, and its output to tokens like those of the corpus."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

_NO_BLANK_BEFORE = frozenset([",", ".", ";", ":", "!", "?", ")", "]", "}", "%", "…", "”", "’"])
_NO_BLANK_AFTER = frozenset(["(", "[", "{", "“", "‘", "$", "£"])
CONTRACTIONS = ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m", "’s", "’re", "’ve", "’ll", "’d", "’m", "n’t")
_WRITTEN = {"``": "“", "''": "”", "-LRB-": "(", "-RRB-": ")"}
# Scripts without blanks: Han, kana, and their punctuation.
_UNSPACED = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
_UNSPACED_RUN = re.compile(rf"({_UNSPACED.pattern}+)")
_LONGEST_WORD = 8


def join_tokens(tokens: Sequence[str]) -> str:
    """The tokens as running text on one line: punctuation and contractions without a blank before them."""
    parts: list[str] = []
    glue = True
    is_open = False
    for token in tokens:
        written = _WRITTEN.get(token, token)
        close = written in _NO_BLANK_BEFORE or written.lower() in CONTRACTIONS or (written == '"' and is_open)
        unspaced = parts and _UNSPACED.match(written) and _UNSPACED.match(parts[-1][-1])
        if not (glue or close or unspaced):
            parts.append(" ")
        parts.append(written)
        if written == '"':
            is_open = not is_open
            glue = is_open
        else:
            glue = written in _NO_BLANK_AFTER
    return " ".join("".join(parts).split())


def split(text: str, vocabulary: Collection[str]) -> list[str]:
    """The tokens of a text, split like those of the training split, whose tokens are ``vocabulary``.

    A mark or contraction is a separate token only if training has it as one, and does not have the joined word.
    """
    chunks = text.split()
    if chunks and chunks[-1][-1] in ".!?" and chunks[-1][:-1] in vocabulary:  # the end of a sentence, and not of "9."
        chunks[-1:] = [chunks[-1][:-1], chunks[-1][-1]]
    tokens = [token for chunk in chunks for token in _chunk(chunk, vocabulary)]
    return _restore_quotes(tokens, vocabulary)


def _chunk(chunk: str, vocabulary: Collection[str]) -> Iterator[str]:
    if chunk in vocabulary or not _UNSPACED.search(chunk):
        yield from _word(chunk, vocabulary)
        return
    for part in filter(None, _UNSPACED_RUN.split(chunk)):
        if _UNSPACED.match(part):
            yield from _longest_words(part, vocabulary)
        else:
            yield from _word(part, vocabulary)


def _longest_words(run: str, vocabulary: Collection[str]) -> Iterator[str]:
    """Maximum matching: the longest word of the vocabulary, or one character."""
    start = 0
    while start < len(run):
        sizes = range(min(_LONGEST_WORD, len(run) - start), 1, -1)
        size = next((size for size in sizes if run[start : start + size] in vocabulary), 1)
        yield run[start : start + size]
        start += size


def _word(chunk: str, vocabulary: Collection[str]) -> list[str]:
    front: list[str] = []
    back: list[str] = []
    while len(chunk) > 1 and chunk not in vocabulary and chunk.lower() not in vocabulary:
        if not chunk[0].isalnum() and _is_token(chunk[0], vocabulary):
            front.append(chunk[0])
            chunk = chunk[1:]
            continue
        ending = next((one for one in CONTRACTIONS if chunk.lower().endswith(one)), "")
        size = len(ending) if ending and len(ending) < len(chunk) and ending in vocabulary else 1
        if size == 1 and (chunk[-1].isalnum() or not _is_token(chunk[-1], vocabulary)):
            break
        back.append(chunk[-size:])
        chunk = chunk[:-size]
    return [*front, chunk, *reversed(back)]


def _is_token(mark: str, vocabulary: Collection[str]) -> bool:
    return mark in vocabulary or any(token in vocabulary for token, written in _WRITTEN.items() if written == mark)


def _restore_quotes(tokens: list[str], vocabulary: Collection[str]) -> list[str]:
    """The tokens with punctuation in the notation of the corpus, such as ``''`` or ``-LRB-``."""
    own = {written: token for token, written in _WRITTEN.items() if token in vocabulary and written not in vocabulary}
    if not own:
        return tokens
    result: list[str] = []
    is_open = False
    for token in tokens:
        if token == '"' and token not in vocabulary and "``" in vocabulary:
            is_open = not is_open
            token = "``" if is_open else "''"
        result.append(own.get(token, token))
    return result


def restore_case(words: Sequence[str], original: Sequence[str], vocabulary: Collection[str]) -> list[str]:
    """The words of a translation without capitals that the engine added, at its start or after a placeholder.

    A capital inside of a sentence is removed if the original does not have the capitalised word, and the training split
    has the word in lower case. The first word is capitalised if the first word of the original is.
    """
    kept = set(original)
    tokens: list[str] = []
    begins = True
    for token in words:
        tokens.append(token if begins or token in kept else _lower(token, vocabulary))
        begins = token in _SENTENCE_BORDERS or (begins and not token[:1].isalnum())
    first = next((number for number, token in enumerate(tokens) if token[:1].isalnum()), None)
    was = next((token for token in original if token[:1].isalnum()), "")
    if first is not None and tokens[first] not in kept:
        word = tokens[first]
        tokens[first] = word[0].upper() + word[1:] if was[:1].isupper() else _lower(word, vocabulary)
    return tokens


_SENTENCE_BORDERS = frozenset([".", "!", "?", ":", '"', "“", "``", "--"])


def _lower(word: str, vocabulary: Collection[str]) -> str:
    if not word[:1].isupper() or word == "I" or (word.isupper() and len(word) > 2):
        return word
    lower = word.lower()
    return lower if lower in vocabulary else word
