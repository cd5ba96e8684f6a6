"""Constrained decoding against brute force over all legal sequences, and what follows from the tags it gives."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.analysis import verdicts
from halluc.core.examples import Origin, Span
from halluc.core.labels import illegal, read_spans, scheme_of, tag_set, write_tags
from halluc.engine.batching import Batch
from halluc.tasks.token_classification import entity_figures, viterbi
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.encoding import EncodedTokens, Window
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification
from halluc.tasks.token_classification.viterbi import best_legal_tags, transitions

# The scheme of each set of tags, and tags in it.
SETS = {
    "iob2": ["O", "B-X", "I-X", "B-Y", "I-Y"],
    "iob2, Y of one word": ["O", "B-X", "I-X", "B-Y"],
    "iob1": ["I-X", "O", "B-X", "I-Y"],
    "bioes": ["O", "B-X", "I-X", "E-X", "S-X", "S-Y"],
    "bmes": ["O", "B-X", "M-X", "E-X", "S-X"],
    "iob2, merged outputs": ["O", "B-X", "I-X", "O", "B-X", "I-X"],
    "bioes, no O": ["B-X", "E-X", "S-X"],
}


def sentences(tags: list[str]):
    """Scores of some sentences, empty ones too: numbers far enough apart that sums differ."""
    words = st.lists(st.integers(0, 1_000), min_size=len(tags), max_size=len(tags))
    return st.lists(st.lists(words, max_size=4), max_size=5)


def decoded(tags: list[str], made: list[list[list[int]]]) -> list[list[int]]:
    scheme = scheme_of(tags)
    assert scheme is not None
    scores = numpy.array([word for sentence in made for word in sentence], dtype=float).reshape(-1, len(tags)) / 7
    path = best_legal_tags(scores, [len(sentence) for sentence in made], transitions(tags, scheme)).tolist()
    borders = numpy.cumsum([0, *map(len, made)]).tolist()
    return [path[start:end] for start, end in itertools.pairwise(borders)]


@pytest.mark.parametrize("name", SETS)
def test_it_is_the_best_of_all_legal_sequences(name):
    tags = SETS[name]
    scheme = name.split(",")[0]
    assert scheme_of(tags) == scheme

    @given(sentences(tags))
    def check(made):
        for sentence, path in zip(made, decoded(tags, made), strict=True):
            assert illegal([tags[number] for number in path], scheme) == []
            every = itertools.product(range(len(tags)), repeat=len(sentence))
            legal = [one for one in every if not illegal([tags[number] for number in one], scheme)]
            worth = [sum(word[number] for word, number in zip(sentence, one, strict=True)) for one in (path, *legal)]
            assert worth[0] == max(worth[1:])

    check()


@given(sentences(SETS["iob2"]))
def test_where_argmax_is_legal_it_is_argmax(made):
    tags = SETS["iob2"]
    for sentence, path in zip(made, decoded(tags, made), strict=True):
        best = [int(numpy.argmax(word)) for word in sentence]
        if not illegal([tags[number] for number in best], "iob2"):
            assert path == best


def test_many_sentences_are_searched_part_by_part(monkeypatch):
    random, tags = numpy.random.default_rng(1), tag_set(["LOC", "ORG", "PER"])
    lengths = random.integers(0, 40, 300)
    scores = random.normal(0, 1, (lengths.sum(), len(tags)))
    allowed = transitions(tags, "iob2")
    whole = best_legal_tags(scores, lengths, allowed)
    monkeypatch.setattr(viterbi, "_STEP_SIZE", 7 * len(tags) ** 2)
    assert (best_legal_tags(scores, lengths, allowed) == whole).all()


def test_a_sentence_that_no_legal_sequence_fits_keeps_argmax():
    tags = ["B-X", "E-X", "S-Y"]
    allowed = transitions(tags, "bioes")._replace(start=numpy.array([True, False, False]))
    # One word cannot begin and end a mention; two can.
    scores = numpy.array([[2.0, 3, 1], [1, 2, 3], [1, 2, 3]])
    assert best_legal_tags(scores, [1, 2], allowed).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("O", "iob2"),
        ("O B-X B-Y", "iob2"),
        ("O I-X I-Y", "iob1"),
        ("O B-X I-X I-Y", "iob1"),
        ("O S-X S-Y", "bioes"),
        ("O B-X E-X S-Y", "bioes"),
        ("O B-X I-Y", None),
        ("O B-X I-X E-X", None),
        ("O B-X I-X S-X", None),
        ("O I-X E-X S-Y", None),
        ("O B-X I-X M-X E-X S-X", None),
    ],
)
def test_the_scheme_of_a_model_follows_from_its_tags(tags, scheme):
    assert scheme_of(tags.split()) == scheme


# --- the task ------------------------------------------------------------------------------------------------------

TASK = TokenClassification(TokenClassificationConfig(type="token_classification"))
PER = ("O", "B-PER", "I-PER")


def said(rows: list[list[float]], outputs=PER, windows=None, **asked):
    """The prediction of one sentence; ``rows`` are the probabilities of each word's tags, a piece a word."""
    example = Tagged("a", Origin("f", 1), tuple("word" for _ in rows), ())
    windows = windows or [Window(0, 0, tuple(range(len(rows))), tuple(range(len(rows))))]
    encoded = EncodedTokens([example], windows, [[0] * len(rows)], outputs, 0, {})
    logits = torch.tensor(rows).log()

    def passes():
        for number, window in enumerate(windows):
            yield Batch({}, torch.zeros(1), (number,), 0), logits[None, window.start : window.start + len(window.first)]

    (prediction,) = TASK.model.decode(encoded, passes(), **asked)
    return prediction, encoded


ORPHAN = [[0.9, 0.05, 0.05], [0.1, 0.3, 0.6], [0.05, 0.15, 0.8], [0.8, 0.1, 0.1]]


def test_an_orphaned_inside_tag_becomes_a_beginning():
    prediction, encoded = said(ORPHAN)
    assert prediction.tags == ("O", "B-PER", "I-PER", "O")
    assert prediction.confidences[0] == pytest.approx(math.sqrt(0.3 * 0.8), rel=1e-5)
    assert prediction.claimed == (1, 2)
    assert encoded.notes["constrained_words"] == 1
    plain, encoded = said(ORPHAN, decoding="argmax")
    assert plain.tags == ("O", "I-PER", "I-PER", "O")
    assert plain.confidences[0] == pytest.approx(math.sqrt(0.6 * 0.8), rel=1e-5)
    assert encoded.notes["constrained_words"] == 0


def test_tags_are_legal_across_the_seam_of_windows():
    # The second window begins behind an O of the first, so its I-PER is an orphan.
    rows = [[0.2, 0.7, 0.1], [0.3, 0.05, 0.65], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]
    seam = [Window(0, 0, (1, 2, 3), (0, 1, 2)), Window(0, 3, (4, 5, 6), (0, 1, 2))]
    prediction, _ = said(rows, windows=seam)
    assert prediction.tags == ("B-PER", "I-PER", "O", "B-PER", "I-PER", "O")
    assert prediction.confidences == said(rows)[0].confidences


def test_a_mention_goes_on_behind_the_seam():
    rows = [[0.2, 0.7, 0.1], [0.3, 0.05, 0.65], [0.1, 0.2, 0.7], [0.8, 0.1, 0.1]]
    seam = [Window(0, 0, (1, 2), (0, 1)), Window(0, 2, (3, 4), (0, 1))]
    assert said(rows, windows=seam)[0].spans == (Span(0, 3, "PER"),)


def test_confidences_are_scaled_for_the_decoded_tag():
    prediction, _ = said(ORPHAN)
    (scaled,) = verdicts.calibrated([prediction], 2.0)
    roots = numpy.sqrt(ORPHAN)
    shares = roots / roots.sum(1, keepdims=True)
    assert scaled.confidences[0] == pytest.approx(math.sqrt(shares[1, 1] * shares[2, 2]), rel=1e-5)
    (same,) = verdicts.calibrated([prediction], 1.0 + 1e-9)
    assert same.confidences[0] == pytest.approx(prediction.confidences[0], rel=1e-6)


def test_the_rows_of_all_claims_have_their_class():
    rows = [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2], [0.1, 0.2, 0.7]]
    prediction, _ = said(rows)
    logits, claim, claimed = verdicts.scores([prediction, said(ORPHAN)[0]])
    assert claim.tolist() == [0, 1, 1, 2, 2]
    assert claimed is not None
    assert claimed.tolist() == [1, 1, 2, 1, 2]
    assert len(logits) == 5


@given(st.lists(st.lists(st.sampled_from([0.05, 0.2, 0.4, 0.9]), min_size=5, max_size=5), min_size=1, max_size=8))
def test_both_readings_of_seqeval_agree_on_what_is_decoded(rows):
    outputs = tuple(tag_set(["LOC", "PER"]))
    prediction, _ = said(rows, outputs)
    assert illegal(prediction.tags, "iob2") == []
    gold = [write_tags(len(rows), [Span(0, 1, "PER")])]
    default, strict = (entity_figures.count(gold, [prediction.tags], strict=strict) for strict in (False, True))
    for one, other in zip(default.all_pairs, strict.all_pairs, strict=True):
        assert (one.text.tolist(), one.label.tolist()) == (other.text.tolist(), other.label.tolist())


def test_tags_of_other_schemes_are_rewritten():
    outputs = ("O", "B-X", "I-X", "E-X", "S-X")
    rows = [[0.1, 0.6, 0.1, 0.1, 0.1], [0.5, 0.1, 0.1, 0.2, 0.1], [0.6, 0.1, 0.1, 0.1, 0.1]]
    prediction, _ = said(rows, outputs)
    assert prediction.tags == ("B-X", "I-X", "O")  # the most probable: B-X E-X O
    assert prediction.claimed == (1, 3)
    iob1, _ = said([[0.1, 0.9, 0.0], [0.1, 0.8, 0.1]], ("O", "I-X", "I-Y"))
    assert iob1.tags == ("B-X", "I-X")


def test_tags_of_no_scheme_get_argmax():
    outputs = ("O", "B-X", "I-Y")
    assert TASK.model.decoding(outputs, "constrained") == "argmax"
    assert TASK.model.decoding(PER, "constrained") == "constrained"
    prediction, _ = said([[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]], outputs)
    assert prediction.tags == ("I-Y", "B-X")
    assert prediction.spans == read_spans(["I-Y", "B-X"])
