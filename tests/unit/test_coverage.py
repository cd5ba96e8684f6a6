from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.gap.coverage import SurfaceCount, SurfaceCoverage
from halluc.tasks.token_classification.tagged_sentence import Tagged


def tagged(line: int, text: str, *spans: tuple[int, int, str], file: str = "train.txt") -> Tagged:
    origin = Origin(file, line)
    return Tagged(f"train-{line}", origin, tuple(text.split(" ")), tuple(Span(*span) for span in spans))


EXAMPLES = [
    tagged(1, "Anna Berg visited Oslo", (0, 2, "PER"), (3, 4, "LOC")),
    tagged(6, "no mention here"),
    tagged(10, "Oslo beat the Bank of Oslo", (0, 1, "ORG"), (3, 6, "ORG")),
    tagged(2, "oslo or Oslo", (0, 1, "LOC"), (2, 3, "LOC"), file="more.txt"),
]


def test_it_counts_surfaces_by_label_with_their_first_place():
    coverage = SurfaceCoverage.of(EXAMPLES)
    assert coverage.surfaces == {
        "PER": {"Anna Berg": SurfaceCount(1, "train.txt", 1)},
        "LOC": {"Oslo": SurfaceCount(2, "train.txt", 1), "oslo": SurfaceCount(1, "more.txt", 2)},
        "ORG": {"Oslo": SurfaceCount(1, "train.txt", 10), "Bank of Oslo": SurfaceCount(1, "train.txt", 10)},
    }
    assert (coverage.sentences, coverage.tokens, coverage.mentions) == (4, 16, 6)


def test_it_knows_labels_of_a_surface_and_words_of_a_label():
    coverage = SurfaceCoverage.of(EXAMPLES)
    assert coverage.labels_of("Oslo") == {"LOC", "ORG"}
    assert coverage.labels_of("Anna") == frozenset()
    assert coverage.words("ORG") == {"Oslo", "Bank", "of"}
    assert coverage.words("MISC") == frozenset()
    assert coverage.knows("Anna Berg", "PER")
    assert not coverage.knows("Anna Berg", "LOC")
    assert coverage.knows("oslo", "LOC")


def test_it_takes_any_iterable_once():
    assert SurfaceCoverage.of(iter(EXAMPLES)) == SurfaceCoverage.of(EXAMPLES)


def test_a_split_without_mentions_is_covered_too(tmp_path):
    coverage = SurfaceCoverage.of([tagged(1, "nothing here")])
    assert (coverage.mentions, coverage.surfaces) == (0, {})
    coverage.save(tmp_path / "coverage.json")
    assert SurfaceCoverage.load(tmp_path / "coverage.json") == coverage


TEXT = st.text(min_size=1, max_size=6).filter(lambda text: text.isprintable())


@given(st.lists(st.tuples(TEXT, st.sampled_from(["PER", "a\u2028b"]), st.sampled_from(["x", "y/ö"])), max_size=8))
def test_what_is_saved_is_loaded(tmp_path_factory, mentions):
    examples = [
        Tagged(str(line), Origin(file, line), (text,), (Span(0, 1, label),))
        for line, (text, label, file) in enumerate(mentions, 1)
    ]
    path = tmp_path_factory.mktemp("run") / "coverage.json"
    SurfaceCoverage.of(examples).save(path)
    assert SurfaceCoverage.load(path) == SurfaceCoverage.of(examples)


def saved(tmp_path, change) -> HallucError:
    """The error of loading a file whose content was changed."""
    path = tmp_path / "coverage.json"
    SurfaceCoverage.of(EXAMPLES).save(path)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(HallucError) as caught:
        SurfaceCoverage.load(path)
    assert str(path) in caught.value.message
    assert caught.value.help
    return caught.value


def altered(**fields):
    return lambda text: json.dumps({**json.loads(text), **fields})


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (lambda text: text[:-20], "R120", "cannot be read"),
        (lambda text: "[]", "R120", "schema_version"),
        (altered(schema_version=99), "R121", "version 99"),
        (altered(tokens="many"), "R120", "tokens"),
        (altered(surfaces={"PER": {"Anna": [1, 0]}}), "R120", "surfaces.PER.Anna"),
        (altered(files=[]), "R120", "does not list"),
        (altered(more=1), "R120", "more"),
    ],
    ids=["cut", "no object", "version", "type", "shape", "file numbers", "unknown key"],
)
def test_a_damaged_file_is_reported(tmp_path, change, code, told):
    error = saved(tmp_path, change)
    assert error.code == code
    assert told in error.message
