"""Tokens as running text and back, capitals, and the similarity of two texts."""

from __future__ import annotations

import pytest

from halluc.augmentation.translation.quality import chrf
from halluc.augmentation.translation.wording import join_tokens, restore_case, split
from halluc.components import TABLE
from halluc.data.corpora import read_corpora
from halluc.tasks.token_classification.reading.reader import SpansReader


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("He did n't say , \" It 's ( nearly ) over . \"", "He didn't say, \"It's (nearly) over.\""),
        ("`` Yes , '' he said : -LRB- no -RRB- .", "“Yes,” he said: (no)."),
        ("$ 5 or 10 % ; the U.S. and 8.29 !", "$5 or 10%; the U.S. and 8.29!"),
        ("我 昨天 在 Oslo 见到 了 他 。", "我昨天在 Oslo 见到了他。"),
        ("word", "word"),
    ],
)
def test_tokens_are_joined_as_they_are_usually_written_and_come_back(tokens, text):
    assert join_tokens(tokens.split()) == text
    assert split(text, frozenset(tokens.split())) == tokens.split()


def test_the_demo_corpus_comes_back():
    config = SpansReader.Config(format="conll", train="demo:ner")
    sentences = [list(example.tokens) for example in read_corpora(config, TABLE).splits["train"].examples]
    vocabulary = frozenset(token for tokens in sentences for token in tokens)
    same = sum(split(join_tokens(tokens), vocabulary) == tokens for tokens in sentences)
    assert same >= 0.97 * len(sentences)


def test_a_mark_is_a_token_of_its_own_only_if_training_has_it():
    assert split("said, Inc. walked.", frozenset([",", ".", "Inc."])) == ["said", ",", "Inc.", "walked", "."]
    assert split("said, Inc. walked.", frozenset(["said,"])) == ["said,", "Inc.", "walked."]
    assert split("on August 9.", frozenset(["9.", "9", "."])) == ["on", "August", "9", "."]
    assert split("It's his car's", frozenset(["It's", "'s"])) == ["It's", "his", "car", "'s"]


@pytest.mark.parametrize(
    ("made", "original", "wanted"),
    [
        ("Said the Bank", "said the bank", "said the bank"),
        ("the bank said", "The old bank", "The bank said"),
        ("I said Berg", "we said", "I said Berg"),
        ("We said . The bank", "We said . The old", "We said . The bank"),
        ("Oslo Said it", "Oslo said it", "Oslo said it"),
        ("A NATO bank", "a bank", "a NATO bank"),
    ],
)
def test_capitals_that_an_engine_added_are_taken_away(made, original, wanted):
    known = frozenset(["said", "the", "bank", "we", "it", "a"])
    assert restore_case(made.split(), original.split(), known) == wanted.split()


# Computed with sacreBLEU 2.6.0: sentence_chrf(hypothesis, [reference]).
@pytest.mark.parametrize(
    ("hypothesis", "reference", "score"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", 1.0),
        ("a dog ran", "the cat sat on the mat", 0.0444),
        ("The office said that 356 cars were sold .", "The office said 356 new cars were registered .", 0.5102),
        ("ab", "abc", 0.6364),
        ("x", "y", 0.0),
        ("", "y", 0.0),
        ("我 昨天", "我 今天", 0.2222),
    ],
)
def test_chrf_is_that_of_sacrebleu(hypothesis, reference, score):
    assert chrf(hypothesis, reference) == pytest.approx(score, abs=5e-5)
