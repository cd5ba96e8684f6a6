"""Inputs of token classification in the forms of public reports (words made up): each is read right, or refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CASES = Path(__file__).parent.parent / "cases"
Mentions = list[list[tuple[str, str]]]


@dataclass(frozen=True)
class Case:
    """``keys`` are added to what a person would write first; ``told`` stands in what ``check`` says."""

    file: str
    mentions: Mentions
    keys: dict[str, object] = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    file: str
    code: str
    told: tuple[str, ...]
    keys: dict[str, object] = field(default_factory=dict)


COLUMNS = {"format": "conll"}
CONLLU = COLUMNS | {"separator": "tab", "token_column": 1, "comment": "# "}
READ = {
    "01": Case(
        "01-doccano-entities/t.jsonl",
        [[("Mira Holm", "PER"), ("Turku", "LOC")], []],
        {"format": "jsonl", "spans_field": "entities"},
        ("`entities` (start_offset, end_offset, label)",),
    ),
    "01, guessed": Case("01-doccano-entities/t.jsonl", [[("Mira Holm", "PER"), ("Turku", "LOC")], []]),
    "01, preset": Case(
        "01-doccano-entities/t.jsonl", [[("Mira Holm", "PER"), ("Turku", "LOC")], []], {"preset": "doccano"}
    ),
    "04": Case(
        "04-bilou/t.conll", [[("Ann Holm", "PER"), ("Oslo", "LOC")], [("New York City", "LOC")]], COLUMNS, ("BILOU",)
    ),
    "05": Case(
        "05-io-labels/t.conll", [[("Ann Holm", "person-artist"), ("Oslo", "location-GPE")], []], COLUMNS, ("IO",)
    ),
    "06, label": Case(
        "06-bare-bio/t.conll", [[("heart failure", "ENTITY")], [("gout", "ENTITY")]], COLUMNS | {"label": "ENTITY"}
    ),
    "07, columns": Case("07-ls-conll/t.conll", [[("Oslo", "Drug Name")]], COLUMNS | {"columns": 4}),
    "08": Case(
        "08-prodigy/t.jsonl",
        [[("Ann", "PER"), ("Oslo", "LOC")]],
        {"format": "jsonl"},
        ("1 line was skipped", "`answer` is reject", "offsets count characters"),
    ),
    "08, preset": Case("08-prodigy/t.jsonl", [[("Ann", "PER"), ("Oslo", "LOC")]], {"preset": "prodigy"}),
    "10": Case("10-ls-json/t.json", [[("Ann", "PER"), ("Oslo", "LOC")]], {"format": "jsonl", "spans_field": "label"}),
    "10, guessed": Case("10-ls-json/t.json", [[("Ann", "PER"), ("Oslo", "LOC")]]),
    "10, preset": Case("10-ls-json/t.json", [[("Ann", "PER"), ("Oslo", "LOC")]], {"preset": "label_studio"}),
    "11, stripped": Case(
        "11-trailing-ws/t.jsonl",
        [[("Ann Holm", "PER")], [("Oslo", "LOC")]],
        {"strip_spans": True},
        ("ends with white space: stripped",),
    ),
    "12, dropped": Case(
        "12-misaligned/t.jsonl",
        [[("Zorin", "DRUG"), ("Ann", "PER"), ("Oslo", "LOC")], [("Oslo", "LOC")]],
        {"bad_spans": "drop"},
        ('cuts the token "5mg": removed',),
    ),
    "12, widened": Case(
        "12-misaligned/t.jsonl",
        [[("5mg", "UNIT"), ("Zorin", "DRUG"), ("Ann", "PER"), ("Oslo", "LOC")], [("Oslo", "LOC")]],
        {"bad_spans": "widen"},
    ),
    "12, skipped": Case("12-misaligned/t.jsonl", [[("Oslo", "LOC")]], {"bad_spans": "skip"}, ("1 line was skipped",)),
    "13": Case("13-hindi/t.jsonl", [[("रमेश", "PER"), ("दिल्ली", "LOC")], []], {"format": "jsonl"}),
    "15, key": Case("15-norne-conllu/t.conllu", [[("Per Dahl", "PER")]], CONLLU | {"tag_key": "name"}, ("`name`",)),
    "15, preset": Case("15-norne-conllu/t.conllu", [[("Per Dahl", "PER")]], {"preset": "conllu"}),
    "24": Case(
        "24-sentence-id/t.csv",
        [[("Harry", "PER"), ("Oslo", "LOC"), ("Rome", "LOC")]],
        COLUMNS | {"separator": ",", "token_column": 1},
        ("data.sentence_column: 0",),
    ),
    "24, key": Case(
        "24-sentence-id/t.csv",
        [[("Harry", "PER"), ("Oslo", "LOC")], [], [("Rome", "LOC")]],
        COLUMNS | {"separator": ",", "token_column": 1, "sentence_column": 0},
    ),
    "59": Case("59-cr-only/t.conll", [[("Anna", "PER")], [("Oslo", "LOC")]], COLUMNS),
    "60, tokens": Case(
        "60-text-tokens-chars/t.jsonl", [[("Ann likes Oslo", "PER")], [("car", "PER")]], {"span_unit": "tokens"}
    ),
    "60, widened": Case(
        "60-text-tokens-chars/t.jsonl",
        [[("Ann", "PER")], [("Bo", "PER")]],
        {"span_unit": "characters", "bad_spans": "widen"},
    ),
    "61": Case(
        "61-odd-tokens/d.conll",
        [[("Anna", "PER"), ("Oslo", "LOC")], [("Zoé", "PER")], [("Oslo", "LOC")]],
        COLUMNS | {"normalise": "nfc", "strip_invisible": True},
    ),
    "66, train": Case(
        "66-schemes-by-split/train.conll",
        [[("Anna Holm", "PER"), ("Oslo", "LOC")], [("Rome", "LOC")]],
        COLUMNS,
        ("IOB2",),
    ),
    "66, test": Case(
        "66-schemes-by-split/test.conll",
        [[("Mira Dahl", "PER"), ("Turku", "LOC")], [("Bergen", "LOC")]],
        COLUMNS,
        ("IOB1",),
    ),
}

REFUSED = {
    "06": Refused("06-bare-bio/t.conll", "D120", ("data.label: ENTITY",), COLUMNS),
    "07": Refused("07-ls-conll/t.conll", "D113", ("data.columns: 4",), COLUMNS),
    "11": Refused(
        "11-trailing-ws/t.jsonl",
        "D110",
        ('"Ann Holm " ends with white space (2 lines: also', "data.strip_spans: true"),
    ),
    "12": Refused(
        "12-misaligned/t.jsonl", "D110", ('span [6, 8] UNIT "mg" cuts the token "5mg"', "data.bad_spans: drop")
    ),
    "15": Refused("15-norne-conllu/t.conllu", "D121", ("set `data.tag_key`", "name"), CONLLU),
    "25b": Refused(
        "25b-span-surface-silent/t.jsonl",
        "D109",
        ('has the text "Oslo", but its offsets give "Ann" (2 lines: also',),
    ),
    "60": Refused("60-text-tokens-chars/t.jsonl", "D109", ("set `data.span_unit` to `characters` or `tokens`",)),
    "60, characters": Refused(
        "60-text-tokens-chars/t.jsonl", "D110", ('"B" cuts the token "Bo"',), {"span_unit": "characters"}
    ),
}


def config(folder: Path, file: str, keys: dict[str, object]) -> Path:
    path = folder / "c.yaml"
    written = {
        "name": "case",
        "task": {"type": "token_classification"},
        "data": {"train": str(CASES / file), **keys},
        "model": {"name": None, "scratch": {"layers": 1, "width": 32, "heads": 2}},
        "train": {"epochs": 1},
    }
    path.write_text(json.dumps(written), encoding="utf-8")
    return path


@pytest.mark.parametrize("case", READ)
def test_it_is_read_right(tmp_path, halluc, case):
    from halluc.components import TABLE
    from halluc.data.corpora import read_corpora
    from halluc.tasks.token_classification.reading.config import SpansConfig

    one = READ[case]
    checked = halluc("check", config(tmp_path, one.file, one.keys))
    assert checked.code == 0, checked.err
    for told in one.told:
        assert told in checked.err, checked.err
    examples = read_corpora(SpansConfig(train=str(CASES / one.file), **one.keys), TABLE).splits["train"].examples
    found = [[(" ".join(e.tokens[s.start : s.end]), s.label) for s in e.spans] for e in examples]
    assert found == one.mentions


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_what_to_do(tmp_path, halluc, case):
    one = REFUSED[case]
    checked = halluc("check", config(tmp_path, one.file, one.keys))
    assert checked.code == 3, checked.err
    assert f"error[{one.code}]" in checked.err
    for told in one.told:
        assert told in checked.err, checked.err


def test_utf_16_offsets_are_recognised_by_the_surface_of_the_span(tmp_path, halluc):
    line = (CASES / "25b-span-surface-silent/t.jsonl").read_text(encoding="utf-8").splitlines()[1]
    (tmp_path / "t.jsonl").write_text(line + "\n", encoding="utf-8")
    checked = halluc("check", config(tmp_path, str(tmp_path / "t.jsonl"), {}))
    assert checked.code == 3
    assert "every span fits if offsets count UTF-16 code units: set `data.span_unit: utf16`" in checked.err
    checked = halluc("check", config(tmp_path, str(tmp_path / "t.jsonl"), {"span_unit": "utf16"}))
    assert checked.code == 0, checked.err


def test_each_split_has_its_own_scheme(tmp_path, halluc):
    folder = CASES / "66-schemes-by-split"
    path = config(tmp_path, "66-schemes-by-split/train.conll", COLUMNS | {"dev": str(folder / "test.conll")})
    checked = halluc("check", path)
    assert checked.code == 0, checked.err
    assert "IOB2" in checked.err and "IOB1" in checked.err
