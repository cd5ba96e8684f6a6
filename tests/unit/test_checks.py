from __future__ import annotations

import pytest

from halluc.commands import check
from halluc.core.characters import is_invisible
from halluc.core.examples import Corpus, Origin, Span
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora
from halluc.data.reader import Annotation, Notice
from halluc.runs.data import Instances
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.wording import TEXTS
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.wording import SENTENCES


def corpus(split: str, *sentences: tuple[str, tuple[Span, ...]]) -> Corpus[Tagged]:
    examples = tuple(
        Tagged(f"{split}-{line}", Origin(f"{split}.txt", line), tuple(text.split(" ")), spans)
        for line, (text, spans) in enumerate(sentences, 1)
    )
    return Corpus(split, examples, f"{split}.txt")


PER, ORG = Span(0, 1, "PER"), Span(0, 1, "ORG")


def test_counts_and_overlaps_are_exact():
    report = check_corpora(
        Corpora(
            {
                "train": corpus("train", ("Anna left", (PER,)), ("a b c", ()), ("Anna left", (PER,)), ("Acme", (ORG,))),
                "test": corpus("test", ("Anna left", (PER,)), ("Acme", (PER,)), ("x", (Span(0, 1, "NEW"),))),
            },
            Annotation("iob2"),
        ),
        SENTENCES,
    )
    train = report.splits["train"]
    assert train.counts == {"sentences": 4, "tokens": 8, "mentions": 3, "entity_free": 1}
    assert train.labels == {"ORG": 1, "PER": 2}
    assert train.duplicates == 1
    assert train.contradictions == 0
    (overlap,) = report.overlaps
    assert (overlap.examples, overlap.same_annotation, overlap.first[0]) == (2, 1, "test.txt:1")
    assert report.unseen_labels == {"test": {"NEW": Instances(count=1, first=["test.txt:3"])}}
    assert any("2 test sentences are also in train, 1 of them with the same tags" in w for w in report.warnings)
    assert any("labels that do not occur in train: NEW (1, first: test.txt:3);" in w for w in report.warnings)


def test_contradictions_and_repairs_are_reported():
    found = Corpora({"train": corpus("train", ("Acme", (PER,)), ("Acme", (ORG,)))})
    found.repairs.append(Notice("train.txt", 7, "I-X after O"))
    report = check_corpora(found, SENTENCES)
    assert report.splits["train"].contradictions == 1
    assert report.repairs.count == 1
    assert any("train.txt:7" in warning for warning in report.warnings)


def test_one_is_reported_as_one_and_thousands_have_a_comma():
    twice, same, other = ("Acme", (PER,)), ("Bo", (PER,)), ("Bo", (ORG,))
    long = ("x" * 101, ())
    one = Corpora({"train": corpus("train", twice, ("Acme", (ORG,)), same, long), "test": corpus("test", other)})
    one.repairs.append(Notice("train.txt", 7, "I-X after O"))
    one.skipped.append(Notice("train.txt", 8, "no tag"))
    assert check_corpora(one, SENTENCES).warnings == [
        "1 test sentence is also in train, with other tags (first: test.txt:1)",
        "train: 1 sentence repeats an earlier one of the same split",
        "train: 1 sentence stands with different tags",
        "train: 1 token is longer than 100 characters (first: train.txt:4 101 characters)",
        "1 tag or span was repaired (first: train.txt:7: I-X after O)",
        "1 line was skipped (first: train.txt:8: no tag)",
    ]
    many = Corpora({"train": corpus("train", same), "test": corpus("test", *[same] * 1350, *[("New", (ORG,))] * 1001)})
    assert check_corpora(many, SENTENCES).warnings == [
        "1,350 test sentences are also in train, 1,350 of them with the same tags (first: test.txt:1)",
        "test has labels that do not occur in train: ORG (1,001, first: test.txt:1351); the model cannot predict "
        "them: fix them, or add training examples with these labels",
        "test: 2,349 sentences repeat an earlier one of the same split",
    ]


@pytest.mark.parametrize("token", ["", " ", "\u200b", "\ufe0f", "\u00a0", "\x07", "\u2060", "\u3164", "\u3000\u200d"])
def test_invisible_tokens_are_detected(token):
    assert is_invisible(token)


@pytest.mark.parametrize("token", ["a", ".", "名", "🙂\ufe0f", "e\u0301", "\u0301"])
def test_tokens_that_show_something_are_left_alone(token):
    assert not is_invisible(token)


TWIN = ("Anna met Zo\u00e9 in Oslo", (Span(0, 1, "PER"), Span(2, 3, "PER"), Span(4, 5, "LOC")))


def told(**splits: Corpus) -> list[str]:
    """Warnings without those of repeats and overlaps."""
    found = check_corpora(Corpora(splits), SENTENCES).warnings
    return [one for one in found if "repeat" not in one and " also in " not in one]


def test_tokens_that_look_like_others_are_reported_with_places_and_what_to_set():
    train = corpus("train", TWIN, TWIN)
    dev = corpus(
        "dev", ("Anna\u200b met Zoe\u0301 in Os\u00adlo\u2060", TWIN[1]), ("Anna", (PER,)), ("\ufeffOslo", (ORG,))
    )
    assert told(train=train, dev=dev) == [
        "dev has labels that do not occur in train: ORG (1, first: dev.txt:3); the model cannot predict them: fix "
        "them, or add training examples with these labels",
        "dev: 3 tokens differ from others only by invisible characters (first: dev.txt:1 'Anna' with U+200B; "
        "dev.txt:1 'Oslo' with U+00AD, U+2060; dev.txt:3 'Oslo' with U+FEFF); set `data.strip_invisible: true`",
        "dev: 1 token differs from others only in the encoding of letters with marks (first: dev.txt:1 'Zoe\\u0301'); "
        "set `data.normalise: nfc`",
        "dev: 3 mentions are unseen in train only because of such tokens",
    ]


def test_letters_in_another_form_are_distinguished():
    train = corpus("train", ("Oslo fin 2 TM IV", ()), ("a", (PER,)))
    dev = corpus("dev", ("Ｏｓｌｏ ﬁn 2² ™ \u2163", ()), ("ａ", (PER,)))
    assert told(train=train, dev=dev) == [
        "dev: 4 tokens differ from others only by the form of letters, such as full-width letters or ligatures (first: "
        "dev.txt:1 'Ｏｓｌｏ' beside 'Oslo'; dev.txt:1 'ﬁn' beside 'fin'; dev.txt:1 'Ⅳ' beside 'IV'); set "
        "`data.normalise: nfkc`",
        "dev: 1 mention is unseen in train only because of such tokens",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),  # Persian
        ("\u0930\u200d\u094d\u092f", "\u0930\u094d\u092f"),  # Devanagari
        ("👩\u200d🚀", "👩"),
        ("❤\ufe0f", "❤"),
        ("Zoe\u0301", "Zoe"),
        ("2\u00b2", "22"),
        ("Anna\u200b", "Anne"),
    ],
)
def test_what_is_seen_is_no_invisible_difference(one, other):
    assert told(train=corpus("train", (f"{one} {other}", (PER,)), ("x", ()))) == []


def test_two_forms_of_which_none_is_plain_are_reported_too():
    found = told(train=corpus("train", ("Zoe\u0301 Zoe\u0301\u200b", (PER,)), ("x", ())))
    assert found == [
        "train: 1 token differs from others only by invisible characters (first: train.txt:1 'Zoe\u0301' "
        "with U+200B); set `data.strip_invisible: true`"
    ]


def test_a_visible_token_next_to_an_invisible_mention_makes_it_unseen():
    train = corpus("train", TWIN, TWIN)
    dev = corpus("dev", ("Anna \u200b left", (Span(0, 2, "PER"),)))
    assert told(train=train, dev=dev) == [
        "dev: 1 token is empty or invisible (first: dev.txt:1 '\\u200b'); set `data.strip_invisible: true`",
        "dev: 1 mention is unseen in train only because of such tokens",
    ]


def test_a_word_that_a_soft_hyphen_cuts_is_unseen_for_it():
    train = corpus("train", TWIN, TWIN)
    cut, apart = ("Os \u00ad lo", (Span(0, 3, "LOC"),)), ("Os \u200b lo", (Span(0, 3, "LOC"),))
    assert told(train=train, dev=corpus("dev", cut, apart))[-1] == (
        "dev: 1 mention is unseen in train only because of such tokens"
    )


SENTENCE = "all of it is one sentence of"
COLUMN = "end each sentence with a blank line, or set `data.sentence_column`"


def test_a_file_that_is_one_sentence_is_reported():
    case = ("Harry sees Oslo rain falls in Rome", (PER,))
    assert told(train=corpus("train", case)) == [f"train: {SENTENCE} 7 tokens: {COLUMN}"]
    assert told(dev=corpus("dev", case)) == []
    assert told(dev=corpus("dev", ("Harry left . He ate . He slept .", (PER,)))) == [
        f"dev: {SENTENCE} 9 tokens: {COLUMN}"
    ]
    assert told(test=corpus("test", (" ".join(["a"] * 101), (PER,)))) == [f"test: {SENTENCE} 101 tokens: {COLUMN}"]
    assert told(test=corpus("test", (" ".join(["a"] * 100), (PER,)))) == []
    records = Corpus("train", corpus("train", case).examples, "train.jsonl.gz")
    assert told(train=records) == [f"train: {SENTENCE} 7 tokens: write a record for each sentence"]


def texts(split: str, *given: tuple[str, ...]) -> Corpus[Labelled]:
    examples = [Labelled(f"{n}", Origin("t.csv", n), tokens, ("a",)) for n, tokens in enumerate(given, 1)]
    return Corpus(split, tuple(examples), "t.csv")


def test_a_file_that_is_one_text_is_reported():
    assert check_corpora(Corpora({"train": texts("train", ("a",) * 1001)}), TEXTS).warnings == [
        "train: all of it is one text of 1,001 words; write each text on its own line"
    ]
    assert check_corpora(Corpora({"train": texts("train", ("a",) * 1000)}), TEXTS).warnings == []


def test_a_dev_without_a_mention_cannot_choose_a_checkpoint():
    rain = ("rain falls", ())
    assert told(train=corpus("train", TWIN, rain), dev=corpus("dev", rain), test=corpus("test", rain)) == [
        "dev: no mention at all: entity F1 cannot select a checkpoint; the last one is kept",
        "test: no mention at all",
    ]


def test_texts_without_blanks_between_words_are_reported_where_they_are_cut():
    chinese, thai, english = (
        (*"我住在", "Oslo", "市"),
        ("ก", "รุ", "ง"),
        ("A", "word", "of", "元", "朝", "dynasty"),
    )
    found = Corpora({"train": texts("train", chinese, english, thai)}, mappings={"train": "text: `text`"})
    words = SpansConfig(format="jsonl", train="t")
    assert check_corpora(found, TEXTS, config=words).warnings == [
        "train: 2 texts are written without spaces between words, and split into characters"
    ]
    for config in (None, SpansConfig(format="jsonl", train="t", tokenize="characters")):
        assert check_corpora(found, TEXTS, config=config).warnings == []
    columns = Corpora(found.splits, mappings={"train": "tokens: column 0; tags: column -1"})
    assert check_corpora(columns, TEXTS, config=words).warnings == []
    given = Corpora({"train": texts("train", ("我", "住在", "奥斯陆"))}, mappings=found.mappings)
    assert check_corpora(given, TEXTS, config=words).warnings == []


def test_other_cells_that_a_check_is_for_are_counted():
    assert check._others(["a"]) == "and 1 cell with the same data and model, a"
    assert check._others(["a", "b"]) == "and 2 cells with the same data and model, such as b"
