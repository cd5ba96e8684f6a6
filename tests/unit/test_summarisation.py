"""Summarisation: ROUGE against rouge-score, extracts, novel n-grams, and documents in all their forms."""

from __future__ import annotations

import json

import pytest
from rouge_score.rouge_scorer import RougeScorer

from halluc.components import TABLE
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.core.significance import Sheet
from halluc.data.corpora import read_corpora
from halluc.data.rows.row import Row
from halluc.data.tokenization import Tokenizer
from halluc.tasks.summarisation.figures import SummaryFigures, central, lead, units
from halluc.tasks.summarisation.reading.config import SummariesConfig
from halluc.tasks.summarisation.reading.reader import SummariesReader
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, cut_parts

NEWS = "The mill burned. Nobody was hurt. The owner is away. A fire at the mill destroyed the mill and its owner's van."
CHAT = "Ann: Where is the key?\nBen: In the box. Under the tea.\nAnn: Thanks.\nBen: Bring the key back."


def document(number: int, text: str, *targets: str, language: str = "") -> Sourced:
    made = cut_parts([("document", text)], Tokenizer())
    return Sourced(f"e{number}", Origin("f", number), *made, targets, language)


def figures(examples, texts) -> dict:
    sheet = Sheet(len(examples))
    said = [WrittenText(one.id, text, ()) for one, text in zip(examples, texts, strict=True)]
    found = SummaryFigures().figures(examples, said, sheet)
    sums = sheet.totals()
    return {(one.name, *one.by.values()): float(one.formula(sums)) for one in found}


def test_rouge_is_the_mean_of_the_best_reference_of_rouge_score():
    examples = [
        document(1, NEWS, "A mill burned down.", "The fire destroyed a mill and a van."),
        document(2, CHAT, "Ben says where the keys are."),
        document(3, "no summary"),
    ]
    texts = ["Fires destroyed the van at the mill.", "The key is in Ben's box.", "whatever"]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    found = figures(examples, texts)
    for name in ("rouge1", "rouge2", "rougeL"):
        best = [
            max(scorer.score(target, text)[name].fmeasure for target in one.targets)
            for one, text in zip(examples[:2], texts, strict=False)
        ]
        assert found[(name,)] == pytest.approx(sum(best) / 2)
        leads = [scorer.score_multi(one.targets, lead(one.full_text))[name].fmeasure for one in examples[:2]]
        assert found[name, "lead-3"] == pytest.approx(sum(leads) / 2)
    assert found[("rouge1",)] > 0.2


@pytest.mark.parametrize(
    ("language", "gold", "said"),
    [("de", "Die Tür ist grün.", "die tür ist grün"), ("", "火灾烧毁了磨坊。", "火灾烧毁了磨坊")],
)
def test_letters_beyond_a_to_z_count_in_other_languages(language, gold, said):
    found = figures([document(1, "x", gold, language=language), document(2, "x")], [said, ""])
    assert found[("rouge2",)] == 1.0


def test_extracts_take_sentences_of_prose_and_turns_of_dialogues():
    assert lead(NEWS) == "The mill burned. Nobody was hurt. The owner is away."
    assert lead(CHAT) == "Ann: Where is the key? Ben: In the box. Under the tea. Ann: Thanks."
    assert central(NEWS).split(". ") == [
        "The mill burned", "A fire at the mill destroyed the mill and its owner's van."
    ]  # fmt: skip
    assert central("") == lead("  ") == ""
    assert units("Note: one line only. It has two sentences.") == ["Note: one line only.", "It has two sentences."]


def test_novel_ngrams_are_those_that_the_document_lacks():
    found = figures([document(1, "the old mill burned", "x")], ["The old barn burned."])
    assert found["novel_ngrams", "1"] == 1 / 4
    assert found[("novel_ngrams",)] == 2 / 3
    assert found["novel_ngrams", "3"] == 1.0


def test_the_report_has_the_extracts_and_the_model():
    figures_ = SummaryFigures()
    report = figures_.report([document(1, NEWS, "A fire at the mill.")], [WrittenText("e1", "A fire at the mill.", ())])
    assert report["rouge1"]["model"] == {"precision": 1.0, "recall": 1.0, "f1-score": 1.0, "support": 1}
    assert [line.split()[0] for line in figures_.text(report).splitlines()[1:]] == ["model", "lead-3", "central"]


def read(path, text: str, **keys):
    path.write_text(text, encoding="utf-8")
    return read_corpora(SummariesConfig(train=str(path), **keys), TABLE)


def test_every_form_of_a_document_with_summaries(tmp_path):
    rows = [
        {"dialogue": CHAT, "summary1": "a b", "summary2": "c"},
        {"article": "x y", "highlights": ["d", "e"], "language": "de"},
        {"document": "z", "text": "other", "summary": None},
    ]
    text = "\n".join(map(json.dumps, rows))
    one, two, three = read(tmp_path / "a.jsonl", text, language="en").splits["train"]
    assert (one.full_text, one.targets, one.language) == (CHAT, ("a b", "c"), "en")
    assert (two.full_text, two.targets, two.language) == ("x y", ("d", "e"), "de")
    assert (three.full_text, three.targets) == ("z", ())
    (cell,) = read(tmp_path / "b.csv", 'body,short\n"a, b","[""c"", ""d""]"\n', document_field="body",
                   summary_field="short").splits["train"]  # fmt: skip
    assert (cell.full_text, cell.targets) == ("a, b", ("c", "d"))
    nested = json.dumps([{"data": {"doc": "a"}, "one": "b", "two": "c"}])
    found = read(tmp_path / "c.json", nested, document_field="data.doc", summary_field=["two", "one"])
    assert [(one.full_text, one.targets) for one in found.splits["train"]] == [("a", ("c", "b"))]


def test_a_line_of_plain_text_is_a_document_whatever_field_has_it_in_the_corpus():
    reader = SummariesReader(SummariesConfig(train="x", document_field="body"))
    source = reader.source(Row("standard input", 1, {"text": "a b"}))
    assert source is not None
    assert source.full_text == "a b"


@pytest.mark.parametrize(
    ("text", "keys", "code", "problem"),
    [
        ('{"summary": "a"}', {}, "D116", "no field of a document"),
        ('{"text": "a"}', {}, "D116", "no field of a summary"),
        ('{"text": "a", "summary": "b"}', {"summary_field": "short"}, "D116", "no field `short`"),
        ('{"text": " ", "summary": "b"}', {}, "D106", "an empty document"),
        ('{"text": "a", "summary": ["b", " "]}', {}, "D106", "an empty summary"),
        ('{"text": 3, "summary": "b"}', {}, "D107", "`text` is a number"),
        ('{"text": null, "summary": "b"}', {}, "D116", "`text` is null"),
        ('{"text": "a\\u0000", "summary": "b"}', {}, "D119", "a NUL character in the document"),
        ('{"text": "a", "summary": 3, "short": 4}', {"summary_field": "short"}, "D107", "`short` is a number"),
        ('{"text": "a", "summary": {"b": 1}}', {}, "D107", "`summary` is an object"),
        ('{"text": "a b", "summary": "c", "tokens": ["a", "x"]}', {}, "D107", "`tokens` and `document` differ"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_with_their_line(tmp_path, text, keys, code, problem):
    with pytest.raises(HallucError) as caught:
        read(tmp_path / "x.jsonl", '{"text": "a", "summary": "b", "short": "c"}\n' + text + "\n", **keys)
    assert (caught.value.code, caught.value.where.line) == (code, 2)
    assert problem in caught.value.message
