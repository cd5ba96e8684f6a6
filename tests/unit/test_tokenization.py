from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.core.characters import is_invisible
from halluc.data import tokenization
from halluc.data.tokenization import HIDDEN, TokenizationKeys, Tokenizer, is_cut_into_characters
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.reader import SpansReader

FAMILY, NORWAY, ENGLAND = "👨\u200d👩\u200d👧", "🇳🇴", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
HEART, THUMB, KEYCAP = "❤\ufe0f", "👍🏽", "1\ufe0f\u20e3"

# What is cut, with `|` between the tokens of version 2 that no blank divides.
TEXTS = {
    "Hindi": "रमेश दिल्ली में रहता है|।",
    "Tamil and Kannada": "தமிழ் ಕನ್ನಡ",
    "Malayalam with a final joiner": "അവന\u0d4d\u200d വന്നു",
    "Thai": "ก|รุ|ง|เ|ท|พ ปี|๒๕๖๐",
    "Lao, Khmer and Myanmar": "ລ|າ|ວ ភា|សា မ|န်|မာ",
    "vocalised Arabic": "مُحَمَّدٌ رَسُولُ",
    "Persian with a joiner": "می\u200cخواهم بروم|.",
    "Arabic number sign": "\u0600١٢٣ و",
    "Hebrew with points": "שָׁלוֹם",
    "emoji sequences": f"{FAMILY}|{NORWAY}|{ENGLAND} {HEART}|{THUMB}",
    "keycaps": f"{KEYCAP}|2\ufe0f\u20e3 a1|{KEYCAP}|b #\ufe0f\u20e3",
    "Chinese": "我|住|在|Oslo|市|，|2020|年|。",
    "Japanese": "コ|ー|ヒ|ー|を|飲|み|ま|す|。 ｶﾞ",
    "Korean": "나는 서울에 산다|.",
    "Korean with Chinese characters": "大|韓|民|國|은",
    "contraction": "John|'|s don|’|t",
    "decomposed": "Zoe\u0301 cafe\u0301s",
    "Vietnamese": "Nguyễn Văn|-|An",
    "names with marks on signs": "a|-\u0301 \u0301",
    "underscore and digits": "x_1 3|.|14 1|,|000 _",
    "URL": "http|:|/|/|a|.|no|/|b|?|c|=|1|&|d",
    "soft hyphen": "Os|\u00ad|lo",
    "zero-width space": "Anna|\u200b|left",
    "line ends": "a\r\nb\tc\u2028d\x1ce\u3000f",
    "a mark before a blank": "\u0600 a",
    "controls": "\x00|a|\x07",
    "nothing": " \n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_words_of_many_scripts(name):
    marked = TEXTS[name]
    text, expected = marked.replace("|", ""), tuple(marked.replace("|", " ").split())
    cut = Tokenizer()
    assert cut.tokens(text) == expected
    assert cut.cut(text)[1] == expected
    assert tuple(text[start:end] for start, end in cut.cut(text)[0]) == expected


def test_the_first_version_is_as_it_was():
    of = Tokenizer(tokenizer_version=1).tokens
    assert of("रमेश है") == ("रम", "े", "श", "ह", "ै")
    assert of("我住在Oslo市") == ("我住在Oslo市",)
    assert of(KEYCAP) == ("1", "\ufe0f", "\u20e3")


@pytest.mark.parametrize("version", [1, 2])
def test_white_space_and_characters_have_one_version(version):
    text = "रमेश  我住\u200b 🇳🇴"
    assert Tokenizer("whitespace", version).tokens(text) == ("रमेश", "我住\u200b", "🇳🇴")
    assert Tokenizer("characters", version).tokens(text) == tuple(text)
    assert Tokenizer("characters", version).cut("ab")[0] == [(0, 1), (1, 2)]


def test_the_keys_of_a_config_make_a_tokenizer():
    keys = TokenizationKeys.model_validate({"tokenizer_version": 1, "normalise": "nfc"})
    assert Tokenizer.of(keys) == Tokenizer("words", 1, "nfc", False)
    assert Tokenizer.of(SimpleNamespace(tokenize="characters", strip_invisible=True)) == Tokenizer(
        "characters", 2, "none", True
    )
    assert Tokenizer.of(None) == Tokenizer()
    assert TokenizationKeys() == TokenizationKeys(tokenizer_version=2, normalise="none", strip_invisible=False)


STRIPPED = [
    ("Os\u00adlo", ["Oslo"], [(0, 5)]),
    ("\ufeffAnna\u200b left\u00ad.", ["Anna", "left", "."], [(1, 5), (7, 11), (12, 13)]),
    ("Anna\u200bleft \u200e\u200f", ["Anna", "left"], [(0, 4), (5, 9)]),
    ("Zoe\u0301\u2060", ["Zoe\u0301"], [(0, 4)]),
    ("Auf\u200clage An\u200dna", ["Auflage", "Anna"], [(0, 8), (9, 14)]),
    ("a\ufe0f\x07 \x00", ["a"], [(0, 1)]),
    ("می\u200c\u200cخواهم\u200c", ["می\u200cخواهم"], [(0, 9)]),
    ("र\u200d्य अवन\u094d\u200d", ["र\u200d्य", "अवन\u094d\u200d"], [(0, 4), (5, 10)]),
    (f"{FAMILY}{HEART} {KEYCAP}{ENGLAND}", [FAMILY, HEART, KEYCAP, ENGLAND], [(0, 5), (5, 7), (8, 11), (11, 18)]),
    ("葛\U000e0100城", ["葛\U000e0100", "城"], [(0, 2), (2, 3)]),
]


@pytest.mark.parametrize(("text", "tokens", "bounds"), STRIPPED, ids=[ascii(text) for text, *_ in STRIPPED])
def test_hidden_characters_go_and_joiners_stay(text, tokens, bounds):
    cut = Tokenizer(strip_invisible=True)
    assert cut.cut(text) == (bounds, tuple(tokens))
    assert cut.cut(text)[0] == bounds
    assert cut.tokens(text) == tuple(tokens)


def test_normalised_tokens_keep_the_offsets_of_the_text():
    text = "Zoe\u0301 Ｏｓｌｏ ﬁn \u212b ﷺ ¨ 2²"
    bounds = Tokenizer().cut(text)[0]
    assert Tokenizer(normalise="nfc").cut(text) == (bounds, ("Zoé", "Ｏｓｌｏ", "ﬁn", "Å", "ﷺ", "¨", "2²"))
    # NFKC would put blanks into two of them.
    assert Tokenizer(normalise="nfkc").cut(text) == (bounds, ("Zoé", "Oslo", "fin", "Å", "ﷺ", "¨", "22"))


def test_tokens_of_a_file_are_cleaned():
    cut = Tokenizer(normalise="nfc", strip_invisible=True)
    assert cut.cleaned(["Anna\u200b", "\u200b", "", "Zoe\u0301", "."]) == (("Anna", "Zoé", "."), (0, 3, 4))
    assert cut.cleaned(["Os\u00adlo", "."]) == (("Oslo", "."), None)
    assert cut.cleaned(["a", "b"]) == (("a", "b"), None)
    assert Tokenizer().cleaned(["Anna\u200b", ""]) == (("Anna\u200b", ""), None)
    assert Tokenizer(normalise="nfc").cleaned(["e\u0301", "\u200b"]) == (("é", "\u200b"), None)
    assert Tokenizer("characters", strip_invisible=True).cleaned(["a", " ", "\u200b"]) == (("a", " "), (0, 1))
    assert Tokenizer("words", strip_invisible=True).cleaned(["a", " "]) == (("a",), (0,))


def test_tokens_are_in_memory_once():
    first, second = Tokenizer().tokens("Anna Zoe\u0301"), Tokenizer().tokens("Zoe\u0301 Anna")
    assert first[0] is second[1]
    assert first[1] is second[0]


def test_scripts_without_blanks_are_reported():
    assert is_cut_into_characters(Tokenizer().tokens("我住在Oslo市"))
    assert is_cut_into_characters(Tokenizer().tokens("กรุงเทพ"))
    assert not is_cut_into_characters(Tokenizer().tokens("The word 元朝 is the name of a dynasty"))
    assert not is_cut_into_characters(Tokenizer().tokens("나는 서울에 산다"))
    assert not is_cut_into_characters(["1", "!"])
    assert not is_cut_into_characters(["我", "住在", "Oslo"])  # words that a file gives


# Pieces of all kinds: hostile ones, of which clusters, words and hidden characters are made, and any other.
PIECES = [
    *" \t\n\r\x1c\u00a0\u3000a_1²Zé'-.#*١๒", "e\u0301", "\u0301", "\u064b", "\u093e", "\u094d", "क", "ர", "م", "ه", "ന",
    "\u200b", "\u200c", "\u200d", "\u00ad", "\ufeff", "\u2060", "\u200e", "\u202e", "\u034f", "\x00", "\x07", "\u0600",
    "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u180b", "\u180e", "ᠠ", "\u17b4", "ក", "\u17d2", "ก", "ำ", "ທ",
    "我", "々", "カ", "ー", "ｶ", "ﾞ", "한", "ᄒ", "ᅡ", "ﬁ", "Ｏ", "™", "©", "👩", "🏽", "\ufe0f", "\ufe0e", "\u20e3",
    "🇳", "🇴", "🏴", "\U000e0067", "\U000e007f", "\U000e0100", "葛", "ﷺ", "¨", "ﻻ", "𞸢", "ſ", "\u1e9b\u0323", "\r\n",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
ANY = HOSTILE | st.text(max_size=20)
HOW = st.sampled_from(["words", "whitespace", "characters"])
TOKENIZERS = st.builds(Tokenizer, HOW, st.sampled_from([1, 2]), st.sampled_from(["none", "nfc", "nfkc"]), st.booleans())


def without_blanks(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=600)
@given(TOKENIZERS, ANY)
def test_bounds_are_ordered_disjoint_and_the_tokens_are_theirs(tokenizer, text):
    bounds, tokens = tokenizer.cut(text)
    assert tokenizer.cut(text)[0] == bounds
    assert tokenizer.tokens(text) == tokens
    edges = [edge for pair in bounds for edge in pair]
    assert all(start < end for start, end in bounds)
    assert edges == sorted(edges)
    assert len(bounds) == len(tokens)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))
    pieces = [text[start:end] for start, end in bounds]
    if tokenizer.strip_invisible:
        assert not any(is_invisible(token) for token in tokens if not token.isspace())
        lost = without_blanks(text)
        for piece in filter(None, map(without_blanks, pieces)):
            before, found, lost = lost.partition(piece)
            assert found == piece
            assert is_invisible(HIDDEN.sub("", before))
        assert is_invisible(HIDDEN.sub("", lost))
    else:
        assert "".join(pieces) == (text if tokenizer.tokenize == "characters" else without_blanks(text))
    if tokenizer.tokenize != "characters":
        assert not any(char.isspace() for piece in pieces for char in piece)
        assert all(len(token.split()) == 1 for token in tokens)
    if tokenizer.normalise == "none" and not tokenizer.strip_invisible:
        assert tokens == tuple(pieces)
    elif tokenizer.normalise != "none":
        assert all(unicodedata.is_normalized("NFC", token) for token in tokens)


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_both_versions_cut_ascii_alike(text):
    assert Tokenizer(tokenizer_version=1).cut(text)[0] == Tokenizer(tokenizer_version=2).cut(text)[0]
    spans = [match.span() for match in tokenization._VERSION_2.finditer(text)]
    assert spans == Tokenizer(tokenizer_version=1).cut(text)[0]


PLAIN = [chr(code) for code in range(0x10000) if tokenization._PLAIN.fullmatch(chr(code))]


def test_the_pattern_of_plain_text_cuts_every_character_as_version_2_does():
    for char in PLAIN:
        for text in (f"a{char}1", f"{char}{char}", f"我{char}一", f"한{char}-{char}"):
            expected = [match.span() for match in tokenization._VERSION_2.finditer(text)]
            assert [match.span() for match in tokenization._OF_PLAIN.finditer(text)] == expected, ascii(text)
        if not tokenization._OF_UNSPACED.match(char):
            assert Tokenizer(tokenizer_version=1).cut(f"a{char}1")[0] == Tokenizer().cut(f"a{char}1")[0], ascii(char)


@settings(max_examples=300)
@given(st.text(st.sampled_from(PLAIN)))
def test_the_pattern_of_plain_text_cuts_as_version_2_does(text):
    expected = [match.group() for match in tokenization._VERSION_2.finditer(text)]
    assert tokenization._OF_PLAIN.findall(text) == expected


@settings(max_examples=600)
@given(TOKENIZERS, st.lists(ANY, max_size=5))
def test_cleaned_tokens_stay_as_they_are(tokenizer, tokens):
    made, kept = tokenizer.cleaned(tokens)
    assert tokenizer.cleaned(made) == (made, None)
    assert len(made) == (len(tokens) if kept is None else len(kept))
    if not tokenizer.strip_invisible:
        assert kept is None
    else:
        assert not any(HIDDEN.search(token) for token in made)


@settings(max_examples=300)
@given(TOKENIZERS, ANY)
def test_what_was_cut_is_clean(tokenizer, text):
    tokens = tokenizer.cut(text)[1]
    assert tokenizer.cleaned(tokens) == (tokens, None)


@pytest.mark.parametrize("piece", [*PIECES, "\u200d\u0301", "क\u200c", "👩\u200d", "🏴\U000e0067", "a\u00ad"])
def test_no_text_takes_quadratic_time(piece):
    text = piece * (200_000 // len(piece))
    for tokenizer in (Tokenizer(), Tokenizer(strip_invisible=True, normalise="nfkc")):
        start = time.process_time()
        tokenizer.cut(text)
        tokenizer.cleaned([text])
        assert time.process_time() - start < 10


def test_spans_of_hindi_end_where_words_end(tmp_path):
    path = tmp_path / "t.jsonl"
    record = {"text": "रमेश दिल्ली में रहता है", "spans": [[0, 4, "PER"], [5, 11, "LOC"]]}
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    (sentence,) = SpansReader(SpansConfig(format="jsonl", train=str(path))).read(str(path), "train")
    assert sentence.tokens == ("रमेश", "दिल्ली", "में", "रहता", "है")
    assert [tuple(span) for span in sentence.spans] == [(0, 1, "PER"), (1, 2, "LOC")]


@pytest.mark.data
@pytest.mark.parametrize("name", ["ner/conll2003/test.txt", "cls/trec/train.txt", "ner/wnut17/dev.conll"])
def test_english_corpora_are_cut_alike_by_both_versions(name, real_data):
    lines = Path(real_data, name).read_text(encoding="utf-8", errors="replace").splitlines()
    assert all(Tokenizer(tokenizer_version=1).tokens(line) == Tokenizer().tokens(line) for line in lines)


def test_marks_without_end_are_left_as_they_are_in_time():
    token = "e" + "\u0301\u0327" * 100_000
    started = time.monotonic()
    assert Tokenizer(normalise="nfc", strip_invisible=True).tokens(f"{token} e\u0301") == (token, "\xe9")
    assert time.monotonic() - started < 5
