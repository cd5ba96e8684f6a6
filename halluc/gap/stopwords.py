"""English function words, and the particles of names that English text is full of: sharing one tells nothing.

A selection of our own. Left out are words that in capitals are names (us, it, who, may, will, can, am): counting them
as content makes a mention partial at worst, where leaving them aside would make strangers of "US Navy" and "US Open".
Other languages have no list here: in them a mention that shares but a function word is partial too.
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
    """Whether a token tells one name from another: it has a letter or digit and is no function word."""
    return word.lower() not in STOP_WORDS and any(map(str.isalnum, word))


# Function words that are left in above since in capitals they are names, and what tokenizing leaves of contractions.
_ONLY_IN_TEXTS = frozenset(
    """
    it us who may will can am
    s t m d re ve ll don doesn didn isn aren wasn weren haven hasn hadn won couldn wouldn shouldn
    """.split()  # noqa: SIM905
)


def text_words(text: str) -> list[str]:
    """The content words of a whole text, lower-cased, as often as they stand there; tokens are between spaces.

    A text is no name: its case tells nothing, and words that could be names are function words here.
    """
    words = text.split(" ")
    results = list(map(_met.get, words))
    if None in results:
        results = [_content_word(word) if known is None else known for word, known in zip(words, results, strict=True)]
    return list(filter(None, results))


# Texts repeat their words. So many are kept, and none as long as only hostile ones are.
_MOST_MET, _LONGEST_MET = 1 << 17, 100
_met: dict[str, str] = {}


def _content_word(word: str) -> str:
    """The word lower-cased, where it is a content word of a text; else nothing."""
    lowered = word.lower()
    result = lowered if lowered not in _ONLY_IN_TEXTS and is_content(lowered) else ""
    if len(_met) < _MOST_MET and len(word) <= _LONGEST_MET:
        _met[word] = result
    return result
