"""English function words, and frequent particles of names: sharing one of them is not evidence of similarity.

Our own selection. Words that are names when in capitals are left out (us, it, who, may, will, can, am): counting them
as content makes a mention at most partial, while ignoring them would make "US Navy" and "US Open" unrelated. There are
no lists for other languages: there, sharing a function word also makes a mention partial.
"""

from __future__ import annotations

STOP_WORDS = frozenset(
    """
    a an the this that these those
    and or nor but if as than so because while although though whether
    of in on at by for from to with without into onto upon over under above below between among through during before
    after against about across along around behind beside besides beyond near off out up down within toward towards
    until till since per via
    i me my mine we our ours you your yours he him his she her hers its they them their theirs
    which what whose whom where when why how there here
    is are was were be been being has have had do does did would could should shall might must
    not no any some each every both all such own too very just also only then
    's 're 've 'll 'd n't
    de la le les du des el los las der die das den von van und et di da del della
    """.split()  # noqa: SIM905
)


def is_content(word: str) -> bool:
    """Whether a token is a content word: it has a letter or digit, and is not a stop word."""
    return word.lower() not in STOP_WORDS and any(map(str.isalnum, word))


# Further stop words of whole texts: function words that are names when in capitals, and fragments of contractions.
_ONLY_IN_TEXTS = frozenset(
    """
    it us who may will can am
    s t m d re ve ll don doesn didn isn aren wasn weren haven hasn hadn won couldn wouldn shouldn
    """.split()  # noqa: SIM905
)


def text_words(text: str) -> list[str]:
    """The content words of a whole text in lower case, with repetitions; tokens are separated by spaces.

    Unlike in names, case is ignored, and words that could be names (us, may) are stop words.
    """
    words = text.split(" ")
    content = list(map(_cache.get, words))
    if None in content:
        content = [
            _content_word(word) if cached is None else cached for word, cached in zip(words, content, strict=True)
        ]
    return list(filter(None, content))


# The cache of ``_content_word``: its maximum size, and the longest word in it.
_MOST_CACHED, _LONGEST_CACHED = 1 << 17, 100
_cache: dict[str, str] = {}


def _content_word(word: str) -> str:
    """The word in lower case if it is a content word of a text; otherwise empty."""
    lowered = word.lower()
    content = lowered if lowered not in _ONLY_IN_TEXTS and is_content(lowered) else ""
    if len(_cache) < _MOST_CACHED and len(word) <= _LONGEST_CACHED:
        _cache[word] = content
    return content
