"""Translation: BLEU and chrF against sacrebleu, and parallel corpora in all their forms."""

from __future__ import annotations

import gzip
import json
import math
import random
from dataclasses import replace

import numpy
import pytest
from sacrebleu.metrics import BLEU, CHRF

from halluc.components import TABLE
from halluc.core.errors import HallucError, ManyErrors, render
from halluc.core.examples import Origin
from halluc.core.significance import Sheet
from halluc.data.corpora import read_corpora
from halluc.data.rows import tmx
from halluc.data.rows.row import BadLine, Row
from halluc.tasks.text_generation.source_text import Sourced, SourcePart, WrittenText
from halluc.tasks.translation.figures import TranslationFigures
from halluc.tasks.translation.reading.config import ParallelConfig

WORDS = ["der", "Hund", "läuft", "über", "die", "Wiese", ",", "und", "bellt", ".", "3.5", "Haus-tür"]


def some(draw: random.Random, most: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(0, most)))


def example(number: int, *targets: str) -> Sourced:
    return Sourced(f"e{number}", Origin("f", number), ("x",), ("", ""), (SourcePart("source", 0, 1),), targets, "de")


@pytest.mark.parametrize("most", [3, 9])
@pytest.mark.parametrize("references", [1, 2])
def test_bleu_and_chrf_are_those_of_sacrebleu(most, references):
    draw = random.Random(most)
    for _ in range(15):
        gold = [[some(draw, most) or "." for _ in range(references)] for _ in range(8)]
        said = [draw.choice([some(draw, most), one[0], one[0][: len(one[0]) // 2]]) for one in gold]
        examples = [example(number, *texts) for number, texts in enumerate(gold)]
        written = [WrittenText(one.id, text, ()) for one, text in zip(examples, said, strict=True)]
        sheet = Sheet(len(said))
        figures = {one.name: one for one in TranslationFigures().figures(examples, written, sheet)}
        # Of the whole, and of a resample: sums of counts are all that the formulas see.
        for drawn in (range(8), [0, 0, 3, 5, 5, 5, 6, 7]):
            weights = numpy.bincount(list(drawn), minlength=8).astype(numpy.float32)[:, None]
            sums = sheet.summed(weights)[0]
            columns = [[gold[place][number] for place in drawn] for number in range(references)]
            chosen = [said[place] for place in drawn]
            for name, metric in (("bleu", BLEU(force=True)), ("chrf", CHRF())):
                wanted = metric.corpus_score(chosen, columns).score
                assert float(figures[name].formula(sums)) == pytest.approx(wanted, abs=1e-9), (name, chosen, columns)


def test_an_example_without_a_reference_does_not_count():
    examples, said = [example(1, "ein Hund bellt laut"), example(2)], ["ein Hund bellt laut", "was auch immer"]
    written = [WrittenText(one.id, text, ()) for one, text in zip(examples, said, strict=True)]
    assert TranslationFigures().headline(examples, written) == pytest.approx({"bleu": 100, "chrf": 100})


def test_without_any_reference_there_is_no_figure():
    sheet = Sheet(1)
    figures = {
        one.name: one for one in TranslationFigures().figures([example(1)], [WrittenText("e1", "a b", ())], sheet)
    }
    assert all(math.isnan(figures[name].formula(sheet.totals())) for name in ("bleu", "chrf"))


@pytest.mark.parametrize(
    ("language", "target", "tokenizer"),
    [
        ("zh_CN", "-", "zh"), ("zho_Hans", "-", "zh"), ("jpn_Jpan", "-", "char"), ("deu_Latn", "-", "13a"),
        ("", "猫在桌子上睡觉。", "zh"), ("", "猫が机の上で寝ている。", "char"), ("", "고양이가 잔다.", "char"),
        ("", "Die Katze schläft.", "13a"),
    ],
)  # fmt: skip
def test_bleu_cuts_words_as_the_target_language_needs(language, target, tokenizer):
    one = replace(example(1, target), language=language)
    overlap = TranslationFigures().report([one], [WrittenText("e1", target, ())])["overlap"]
    assert f"tok:{tokenizer}|" in overlap["BLEU"]["signature"]


def read(**keys):
    return read_corpora(ParallelConfig(**keys), TABLE).splits


def errors(**keys) -> list[HallucError]:
    with pytest.raises(HallucError) as caught:
        read(**keys)
    return list(caught.value.errors) if isinstance(caught.value, ManyErrors) else [caught.value]


def write(path, text: str) -> str:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return str(path)


TMX = """<?xml version="1.0"?><tmx version="1.4"><header/><body>
<tu tuid="a"><tuv xml:lang="de-DE"><seg>Guten <ph>&lt;b&gt;</ph>Tag.</seg></tuv>
<tuv xml:lang="EN"><seg>Good &amp; day.</seg></tuv></tu>
</body></tmx>"""


def test_every_form_of_a_parallel_corpus(tmp_path):
    sources = write(tmp_path / "s.en.gz", "Hello there.\nShe  sleeps\n")
    targets = write(tmp_path / "s.de.gz", "Hallo.\nSie schläft\n")
    lines = read(train=sources, train_target=targets, source_language="en")["train"].examples
    assert [(one.full_text, one.targets, one.origin.line) for one in lines] == [
        ("Hello there.", ("Hallo.",), 1), ("She  sleeps", ("Sie schläft",), 2),
    ]  # fmt: skip
    assert lines[0].source_language == "en"
    nested = write(tmp_path / "n.jsonl", json.dumps({"translation": {"en": "yes", "de": "ja"}}) + "\n")
    (one,) = read(train=nested)["train"]
    assert (one.full_text, one.targets, one.source_language, one.language) == ("yes", ("ja",), "en", "de")
    (turned,) = read(train=nested, source_language="de", target_language="en")["train"]
    assert (turned.full_text, turned.targets) == ("ja", ("yes",))
    table = write(tmp_path / "t.csv", "source,target\nyes,ja\n")
    assert [one.targets for one in read(train=table)["train"]] == [("ja",)]
    (unit,) = read(train=write(tmp_path / "m.tmx", TMX), source_language="en")["train"]
    assert (unit.id, unit.full_text, unit.targets, unit.language) == ("a", "Good & day.", ("Guten Tag.",), "de-de")
    several = write(tmp_path / "r.jsonl", json.dumps({"source": "a", "target": ["b", "c"]}) + "\n")
    assert [one.targets for one in read(train=several)["train"]] == [("b", "c")]


def test_files_of_unequal_length_are_refused_with_the_line(tmp_path):
    sources, targets = write(tmp_path / "s.en", "a\nb\nc\nd\n"), write(tmp_path / "s.de", "A\nB\n")
    (error,) = errors(train=sources, train_target=targets)
    assert (error.code, error.where.file, error.where.line) == ("D125", sources, 3)
    assert f"this file has 4 lines, but {targets} has 2: line 3 has no counterpart" in render(error)
    with pytest.raises(HallucError, match="no counterpart"):  # earlier pairs may be wrong too
        read_corpora(ParallelConfig(train=sources, train_target=targets, on_bad_line="skip"), TABLE)


def test_an_empty_or_damaged_file_is_reported_without_its_number_of_lines(tmp_path):
    sources, empty = write(tmp_path / "s.en", "a\nb\nc\n"), write(tmp_path / "s.de", "")
    assert [one.code for one in errors(train=sources, train_target=empty)] == ["D102"]
    damaged = tmp_path / "s.de.gz"
    damaged.write_bytes(gzip.compress(b"A\nB\nC\n")[:-6])
    assert [one.code for one in errors(train=sources, train_target=str(damaged))] == ["D103"]


@pytest.mark.parametrize(("text", "code"), [("\u200b", "D106"), ("b\0c", "D119")])
def test_an_unusable_line_of_a_translation_is_reported_in_its_own_file(tmp_path, text, code):
    sources, targets = write(tmp_path / "s.en", "a\nb\n"), write(tmp_path / "s.de", f"A\n{text}\n")
    (error,) = errors(train=sources, train_target=targets)
    assert (error.code, error.where.file, error.where.line) == (code, targets, 2)


@pytest.mark.parametrize(
    ("row", "code", "problem"),
    [
        ({"source": None, "target": "b"}, "D107", "`source` is null"),
        ({"source": ["a", "b"], "target": "b"}, "D107", "`source` is a list"),
        ({"source": "a\0", "target": "b"}, "D119", "a NUL character in the source"),
        ({"source": "a", "target": ["b", "\u200b"]}, "D106", "an empty target"),
        ({"source": "a", "target": "b\0"}, "D119", "a NUL character in the target"),
        ({"translation": "{1: 'a', 2: 'b'}"}, "D107", "no field `source`"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_line(tmp_path, row, code, problem):
    good = {"source": "a", "target": "b"}
    file = write(tmp_path / "x.jsonl", f"{json.dumps(good)}\n{json.dumps(row)}\n")
    (error,) = errors(train=file)
    assert (error.code, error.where.line) == (code, 2)
    assert problem in error.message
    assert error.help


@pytest.mark.parametrize("name", ["demo:translation", "hub:a/b", "x.jsonl", "x.csv.gz"])
def test_parallel_lines_are_not_read_from_files_of_records(name):
    with pytest.raises(ValueError, match="must be a plain text file"):
        ParallelConfig(train=name, train_target="x.de")


def test_what_is_empty_is_reported_with_its_line_and_can_be_left_out(tmp_path):
    sources, targets = write(tmp_path / "s.en", "a\n\nc\n"), write(tmp_path / "s.de", "A\nB\n \n")
    found = errors(train=sources, train_target=targets)
    assert [(one.code, one.where.file, one.where.line) for one in found] == [
        ("D106", sources, 2), ("D106", targets, 3),
    ]  # fmt: skip
    kept = read_corpora(ParallelConfig(train=sources, train_target=targets, on_bad_line="skip"), TABLE)
    assert [one.full_text for one in kept.splits["train"]] == ["a"]
    assert len(kept.skipped) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"source": "a"}', "no field `target`"),
        ('{"text": "a", "target": "b"}', "no field `source`"),
        ('{"source": 3, "target": "b"}', "`source` is"),
        ('{"translation": {"en": "a"}}', "a pair needs two languages"),
        ('{"source": "a b", "target": "c", "tokens": ["a", "x"]}', "`tokens` and `source` differ"),
    ],
)
def test_rows_that_are_no_pair_are_refused(tmp_path, text, problem):
    (error,) = errors(train=write(tmp_path / "x.jsonl", text + "\n"))
    assert error.code == "D107"
    assert problem in error.message


def test_units_before_a_problem_of_a_translation_memory_are_read():
    doctype = TMX.replace("?>", '?><!DOCTYPE tmx SYSTEM "tmx14.dtd">')
    another = doctype.replace("</body>", '\n<tu><tuv xml:lang="fr"><seg>un caf&eacute;</seg></tuv></tu></body>')
    for most, code, line, problem in ((1_000, "D107", 5, "`&eacute;`"), (40, "D114", 5, "more than 40 characters")):
        text = another if code == "D107" else another.replace("caf&eacute;", "mot " * 20)
        unit, bad = tmx.units([text], "x.tmx", most)
        assert isinstance(unit, Row) and unit.fields["id"] == "a"
        assert isinstance(bad, BadLine) and (bad.code, bad.line) == (code, line) and problem in bad.problem


@pytest.mark.parametrize("text", [TMX[:150], TMX.replace("?>", '?><!DOCTYPE tmx [<!ENTITY a "b">]>')])
def test_a_damaged_translation_memory_is_refused(tmp_path, text):
    (error,) = errors(train=write(tmp_path / "x.tmx", text))
    assert error.code == "D107"
