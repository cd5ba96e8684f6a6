"""The promises of the corpus that ships."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from halluc.components import TABLE
from halluc.core.examples import surface
from halluc.data.corpora import read_corpora
from halluc.tasks.token_classification.reading.config import SpansConfig

STOP = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "&", "'s"])


@pytest.fixture(scope="module")
def demo():
    config = SpansConfig(format="conll", train="demo:ner", dev="demo:ner", test="demo:ner")
    return read_corpora(config, TABLE).splits


def mentions(corpus):
    return [(surface(example.tokens, span), span.label) for example in corpus for span in example.spans]


def test_sizes_and_labels(demo):
    assert len(demo["train"]) >= 400
    assert len(demo["dev"]) >= 100
    assert len(demo["test"]) >= 150
    for corpus in demo.values():
        assert {label for _, label in mentions(corpus)} == {"PER", "ORG", "LOC", "MISC"}


def test_no_two_sentences_are_equal_once_mentions_are_masked(demo):
    seen = defaultdict(list)
    for corpus in demo.values():
        for example in corpus:
            tokens = list(example.tokens)
            for span in reversed(example.spans):
                tokens[span.start : span.end] = ["<mention>"]
            seen[tuple(tokens)].append(str(example.origin))
    assert [places for places in seen.values() if len(places) > 1] == []


def test_about_a_quarter_of_each_split_has_no_entity(demo):
    for corpus in demo.values():
        assert 0.20 <= sum(not example.spans for example in corpus) / len(corpus) <= 0.30


@pytest.mark.parametrize("split", ["dev", "test"])
def test_half_of_the_mentions_are_seen_a_fifth_partial_the_rest_new(demo, split):
    known = set(mentions(demo["train"]))
    words = {
        (word, label)
        for text, label in known
        for word in text.split()
        if word.lower() not in STOP and any(char.isalnum() for char in word)
    }
    found = Counter(
        "seen" if (text, label) in known else "partial" if any((w, label) in words for w in text.split()) else "new"
        for text, label in mentions(demo[split])
    )
    total = found.total()
    for kind, share in (("seen", 0.5), ("partial", 0.2), ("new", 0.3)):
        assert found[kind] / total == pytest.approx(share, abs=0.05), kind


def test_some_surfaces_carry_two_labels_on_purpose(demo):
    labels = defaultdict(set)
    for corpus in demo.values():
        for text, label in mentions(corpus):
            labels[text].add(label)
    ambiguous = {text: found for text, found in labels.items() if len(found) > 1}
    assert {"LOC", "ORG"} in ambiguous.values()
    assert {"PER", "ORG"} in ambiguous.values()
    assert len(ambiguous) >= 10


def test_lengths_vary(demo):
    lengths = [len(example.tokens) for corpus in demo.values() for example in corpus]
    assert min(lengths) <= 2
    assert max(lengths) >= 38
    assert 14 <= sum(lengths) / len(lengths) <= 22
