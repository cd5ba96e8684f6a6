"""How the tags of each split are read: their spelling, their scheme, and what is refused rather than guessed."""

from __future__ import annotations

import itertools
import json
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.errors import HallucError, render
from halluc.core.examples import Span
from halluc.core.labels import SCHEMES, write_tags
from halluc.data.corpora import read_corpora, stream_corpora
from halluc.tasks.token_classification.reading import tag_schemes
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.decoding import TagDecoder
from halluc.tasks.token_classification.tagged_sentence import RawSentence, Tagged
from halluc.tasks.token_classification.wording import SENTENCES

LABELS = ("PER", "ORG", "a-b", "Drug Name", "名", "x.y_z", "T-cell")
WORDS = SENTENCES


def sentence(number: int, tags: tuple[str, ...], file: str = "train.conll") -> RawSentence:
    return RawSentence(str(number), file, [number] * len(tags), 0, tuple(f"w{n}" for n in range(len(tags))), tags)


def config_of(**keys: Any) -> SpansConfig:
    return SpansConfig(format="conll", train="t", dev="d", test="e", **keys)


def decoded(sentences: dict[str, list[tuple[str, ...]]], **keys: Any) -> tuple[TagDecoder, dict[str, list[Tagged]]]:
    decoding = TagDecoder(config_of(**keys), [])
    raw: Any = {
        split: [sentence(number, tags, f"{split}.conll") for number, tags in enumerate(many, 1)]
        for split, many in sentences.items()
    }
    decoding.prepare(raw)
    made = {split: [decoding.example(one, split) for one in many] for split, many in raw.items()}
    assert not decoding.bad, decoding.bad
    return decoding, made


def spans_in(*sentences: str, **keys: Any) -> list[list[Span]]:
    _, made = decoded({"train": [tuple(one.split()) for one in sentences]}, **keys)
    return [list(one.spans) for one in made["train"]]


def refused(*sentences: str, **keys: Any) -> HallucError:
    with pytest.raises(HallucError) as caught:
        spans_in(*sentences, **keys)
    return caught.value


# --- every scheme in every spelling --------------------------------------------------------------------------------

FORMS = [
    *(("{prefix}" + separator + "{label}") for separator in "-_:./|"),
    *(("{label}" + separator + "{prefix}") for separator in "-_:./|"),
    "{lower}-{label}",
    "{lower}_{label}",
    "{prefix}",
    "{lower}",
]


@st.composite
def corpora(draw, labels=LABELS):
    """Spans of a few sentences, as (length, spans); mentions of one label may touch."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        length, spans, start = draw(st.integers(1, 9)), [], 0
        while start < length:
            end = draw(st.integers(start + 1, length))
            if draw(st.booleans()):
                spans.append(Span(start, end, draw(st.sampled_from(labels))))
            start = end
        made.append((length, tuple(spans)))
    return made


def spelled(tag: str, form: str) -> str:
    if tag == "O":
        return tag
    return form.format(prefix=tag[0], lower=tag[0].lower(), label=tag[2:])


@given(st.data(), st.sampled_from((*SCHEMES, "bmewo")), st.sampled_from(FORMS))
def test_spans_survive_every_scheme_in_every_spelling(data, scheme, form):
    keys = {} if "label" in form else {"label": "PER"}
    made = data.draw(corpora(("PER",) if keys else LABELS))
    sentences = []
    for length, spans in made:
        tags = write_tags(length, spans, "bmes" if scheme == "bmewo" else scheme)
        if scheme == "bmewo":
            tags = [tag.replace("S-", "W-", 1) if tag.startswith("S-") else tag for tag in tags]
        sentences.append(tuple(spelled(tag, form) for tag in tags))
    _, found = decoded({"train": sentences}, **keys)
    assert [one.spans for one in found["train"]] == [spans for _, spans in made]


@given(corpora(("PER", "ORG", "person-artist", "S", "Drug Name")), st.sampled_from(["{label}", "I-{label}"]))
def test_io_survives_but_for_mentions_of_one_label_that_touch(made, form):
    sentences, expected = [], []
    for length, spans in made:
        labels = ["O"] * length
        for span in spans:
            labels[span.start : span.end] = [span.label] * (span.end - span.start)
        sentences.append(tuple(tag if tag == "O" else form.format(label=tag) for tag in labels))
        runs = [(label, len(list(run))) for label, run in itertools.groupby(labels)]
        ends = list(itertools.accumulate(size for _, size in runs))
        spans = [Span(end - size, end, label) for end, (label, size) in zip(ends, runs, strict=True)]
        expected.append(tuple(span for span in spans if span.label != "O"))
    named = {tag for tags in sentences for tag in tags}
    outside = sum(tags.count("O") for tags in sentences) / sum(map(len, sentences))
    keys = {"scheme": "io"} if named <= {"O", "S"} or outside < 0.1 else {}
    _, found = decoded({"train": sentences}, **keys)
    assert [one.spans for one in found["train"]] == expected


TAGS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["O", "o", "B", "I", "0", "B-X", "I-X", "S-X", "L-X", "X-B", "B_X", "X_I", "b-X", "PER", "-", "B-"]
    ),
)


@given(
    st.dictionaries(
        st.sampled_from(["train", "dev", "test"]),
        st.lists(st.lists(TAGS, min_size=1, max_size=5).map(tuple), min_size=1, max_size=4),
        min_size=1,
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "scheme": st.sampled_from(["iob1", "iob2", "bioes", "bmes", "bilou", "io", {"train": "io"}]),
            "label": st.just("ENTITY"),
            "outside_tags": st.just(["O", "o", ""]),
            "rename_labels": st.just({"X": "Y", "PER": None}),
            "bad_tags": st.just("repair"),
        },
    ),
)
def test_any_tags_are_read_or_refused(sentences, keys):
    decoding = TagDecoder(config_of(**keys), [])
    raw: Any = {
        split: [sentence(number, tags) for number, tags in enumerate(many, 1)] for split, many in sentences.items()
    }
    try:
        decoding.prepare(raw)
    except HallucError as error:
        assert error.code in ("D120", "many") or error.code.startswith("D12")
        assert render(error)
        return
    for split, many in raw.items():
        for one in many:
            example = decoding.example(one, split)
            if example is not None:
                assert all(0 <= span.start < span.end <= len(one.tokens) for span in example.spans)
    assert all(render(bad.error()) for bad in decoding.bad)


# --- single readings -------------------------------------------------------------------------------------------------


def told(*sentences: str, **keys: Any) -> str:
    decoding, _ = decoded({"train": [tuple(one.split()) for one in sentences]}, **keys)
    return str(decoding.readings["train"])


@pytest.mark.parametrize(
    ("sentences", "keys", "spans", "note"),
    [
        (["B-PER L-PER O U-LOC"], {}, [(0, 2, "PER"), (3, 4, "LOC")], "BILOU (L- or U- tags)"),
        (["B-PER M-PER E-PER W-LOC"], {}, [(0, 3, "PER"), (3, 4, "LOC")], "BMES (M- tags)"),
        (["person-artist person-artist O location-GPE"], {}, [(0, 2, "person-artist"), (3, 4, "location-GPE")],
         "IO (adjacent mentions of the same label are read as one; each tag is a label)"),
        (["PER LOC O"], {}, [(0, 1, "PER"), (1, 2, "LOC")], "IO ("),
        (["I-PER I-PER O I-LOC"], {}, [(0, 2, "PER"), (3, 4, "LOC")], "IOB1 (I- tags alone, as in IO;"),
        (["I-PER I-PER O"], {"scheme": "io"}, [(0, 2, "PER")], "IO (set in the config)"),
        (["PER PER"], {"scheme": "io"}, [(0, 2, "PER")], "IO ("),
        (["B I O"], {"label": "X"}, [(0, 2, "X")], "tags without a label, which is `X`)"),
        (["b i O"], {"label": "X"}, [(0, 2, "X")], "IOB2 ("),
        (["I I O I"], {"label": "X"}, [(0, 2, "X"), (3, 4, "X")], "IOB1 ("),
        (["B E S O"], {"label": "X"}, [(0, 2, "X"), (2, 3, "X")], "BIOES ("),
        (["B L U O"], {"label": "X"}, [(0, 2, "X"), (2, 3, "X")], "BILOU ("),
        (["B I O"], {"scheme": "io"}, [(0, 1, "B"), (1, 2, "I")], "IO ("),
        (["PER-B PER-I O"], {}, [(0, 2, "PER")], "IOB2 (every span starts with B-; tags are written as `LABEL-B`)"),
        (["B_PER I_PER O"], {}, [(0, 2, "PER")], "tags are written as `B_LABEL`"),
        (["PER.B PER.I O"], {}, [(0, 2, "PER")], "tags are written as `LABEL.B`"),
        (["b-per i-per O"], {}, [(0, 2, "per")], "tags are written as `b-LABEL`"),
        (["per-b per-i O"], {}, [(0, 2, "per")], "tags are written as `LABEL-b`"),
        (["type-b O"], {}, [(0, 1, "type-b")], "IO ("),
        (["B-I I-I O"], {}, [(0, 2, "I")], "the first letter of tags such as `B-I` is the prefix"),
        (["B-PER o"], {"outside_tags": ["O", "o"]}, [(0, 1, "PER")], "IOB2 ("),
        (["PER _"], {"outside_tags": ["_"]}, [(0, 1, "PER")], "IO ("),
        (["OTHER O"], {}, [(0, 1, "OTHER")], "IO ("),
        (["1 2 O"], {"scheme": "io"}, [(0, 1, "1"), (1, 2, "2")], "IO ("),
        (["B-PER O"], {"label": "X"}, [(0, 1, "PER")], "`data.label` is ignored, because the tags have labels"),
        (["B_PER O"], {"scheme": "bioes", "bad_tags": "repair"}, [(0, 1, "PER")], "BIOES (set in the config"),
    ],
)  # fmt: skip
def test_it_is_read_and_reported(sentences, keys, spans, note):
    assert spans_in(*sentences, **keys) == [[Span(*one) for one in spans]]
    assert note in told(*sentences, **keys)


@pytest.mark.parametrize(
    ("sentences", "keys", "message", "help"),
    [
        (["B I O"], {}, "tags without a label, such as `B`", "`data.label: ENTITY`"),
        (["b i O"], {}, "tags without a label, such as `b`", "`data.label: ENTITY`"),
        (["S O"], {}, "tags without a label", "if each tag is a label, set `data.scheme: io`"),
        (["NN VB DT NN"], {}, "tags without a prefix (`DT`, `NN`, `VB`), but no token is O", "is `data.tag_column`"),
        (["N V D A N V D A N V D A N V P O"], {}, "only 6.2% of the tokens are O", "is `data.tag_column` right?"),
        (["PER _ _"], {}, "`_` may be a label, or mean O", '`data.outside_tags: ["O", "_"]`'),
        (["PER OTHER"], {}, "`OTHER` may be a label", '`data.outside_tags: ["O", "OTHER"]`'),
        (["PER o O"], {}, "`o` may be a label", '`data.outside_tags: ["O", "o"]`'),
        (["1 2 O"], {}, "the tags are numbers", "if each number is a label, set `data.scheme: io`"),
        (["0 0 1"], {}, "the tags are numbers", "set `data.tag_names`"),
        (["B_x-I O"], {}, "several ways: tags are written as `LABEL-B`; or tags are written as `B_LABEL`",
         "write them as B-LABEL"),
        (["B-PER I-PER O"], {"scheme": "io"}, "`B-PER` marks the start or end of a mention", "`data.scheme: auto`"),
        (["B-X M-X I-X E-X"], {}, "the tags fit no scheme: both I-", "data.scheme"),
        (["U-X S-X"], {}, "a combination that no scheme has", "data.scheme"),
        (["I-X O B-X"], {}, "as in IOB1, and B- opens one", "data.scheme"),
    ],
)  # fmt: skip
def test_it_is_refused_rather_than_guessed(sentences, keys, message, help):
    error = refused(*sentences, **keys)
    assert error.code == "D120"
    assert message in error.message
    assert help in error.help


@pytest.mark.parametrize(
    ("tags", "keys", "line", "message", "help"),
    [
        ("B-PER V", {}, 1, "`V` is not a tag", "check `data.tag_column`"),
        ("B-PER o", {}, 1, "`o` is not a tag", '`data.outside_tags: ["O", "o"]`'),
        ("B_PER I_PER X_PER O", {}, 1, "`X_PER` is not a tag", "tags are written as `B_LABEL` in this split"),
        ("PER-B PER-I PER O", {}, 1, "`PER` is not a tag", "tags are written as `LABEL-B` in this split"),
        ("B I PER", {"label": "X"}, 1, "`PER` is not a tag", "which is `X` in this split"),
        ("B-PER i-PER", {}, 1, "`i-PER` is not a tag", "a tag must be O, or a prefix"),
        ("B-PER S-PER", {"scheme": "iob2"}, 1, "`S-PER` is not a tag of IOB2", "check `data.scheme`"),
        ("PER-B PER-S", {"scheme": "iob2"}, 1, "`PER-S` is not a tag of IOB2", "check `data.scheme`"),
        ("PER LOC O", {"scheme": "iob2"}, 1, "`PER` is not a tag", "a tag must be O, or a prefix"),
    ],
)
def test_a_tag_unlike_the_others_is_reported_by_itself(tags, keys, line, message, help):
    decoding = TagDecoder(config_of(**keys), [])
    raw = [sentence(1, tuple(tags.split()))]
    decoding.prepare({"train": raw})
    assert decoding.example(raw[0], "train") is None
    (bad,) = decoding.bad
    assert (bad.code, bad.line, bad.problem) == ("D121", line, message)
    assert help in bad.help


def test_the_key_of_the_column_is_that_of_the_format(tmp_path):
    file = tmp_path / "t.jsonl"
    file.write_text(json.dumps({"tokens": ["a"], "tags": ["NN"]}))
    with pytest.raises(HallucError) as caught:
        read_corpora(SpansConfig(format="jsonl", train=str(file)), TABLE)
    assert caught.value.help.startswith("is `data.tags_field` right?")
    assert str(caught.value.where).startswith(f"{file}:1")


def test_what_is_gathered_of_a_hostile_column_is_bounded(monkeypatch):
    monkeypatch.setattr(tag_schemes, "MOST_KEPT", 10)
    monkeypatch.setattr(tag_schemes, "_MOST_PAIRS", 20)
    found = tag_schemes.TagStatistics.of(sentence(n, (f"t{n}", "O", "O")) for n in range(1000))
    assert len(found.sequences) == 10 and len(found.pairs) < 30 and len(found.beyond) <= 20
    many = [("B-X", "I-X", "O")] * 5 + [(f"B-{n}", "O") for n in range(100)] + [("I-X", "O")]
    decoding = TagDecoder(config_of(), [])
    raw = [sentence(n, tags) for n, tags in enumerate(many, 1)]
    decoding.prepare({"train": raw})
    assert sum(decoding.example(one, "train") is not None for one in raw) == 105
    assert [bad.problem for bad in decoding.bad] == ["I-X after the start is not valid in IOB2"]


# --- a scheme for each split ---------------------------------------------------------------------------------------

IOB2, IOB1, BIOES, BMES, NONE = "B-X I-X B-X O", "I-X I-X B-X O", "B-X E-X S-X O", "B-X M-X E-X O", "O O"
ONE, SPELLED = (
    "adjacent mentions of the same label are read as one; each tag is a label",
    "tags are written as `LABEL-B`",
)
IO, DIRTY, ENDS = "X X Y O", "B-X I-X O I-X", "B-X E-X O S-X"


def schemes(splits: dict[str, str], **keys: Any) -> tuple[dict[str, str], tuple[str | None, str]]:
    decoding, _ = decoded({split: [tuple(tags.split())] for split, tags in splits.items()}, **keys)
    return {split: one.scheme for split, one in decoding.readings.items()}, tag_schemes.summary(decoding.readings)


@pytest.mark.parametrize(
    ("splits", "expected", "summary"),
    [
        ((IOB2, IOB2), ("iob2", "iob2"), ("iob2", "every span starts with B-")),
        ((NONE, IOB1), ("iob1", "iob1"), ("iob1", "spans start with I-, and every B- follows the same label")),
        ((BIOES, NONE), ("bioes", "bioes"), ("bioes", "E- or S- tags; BMES would give the same")),
        ((ENDS, BMES), ("bmes", "bmes"), ("bmes", "M- tags")),
        ((IO, NONE), ("io", "io"), ("io", ONE)),
        ((IO, "X Y"), ("io", "io"), ("io", ONE)),
        ((IOB2, IOB1), ("iob2", "iob1"), (None, "train: IOB2 (every span starts with B-); "
                                                "dev: IOB1 (spans start with I-, and every B- follows the "
                                                "same label)")),
        ((IOB2, BIOES), ("iob2", "bioes"), (None, "train: IOB2 (every span starts with B-); "
                                                  "dev: BIOES (E- or S- tags; BMES would give the same)")),
        ((IOB2, "X-B X-I O"), ("iob2", "iob2"), ("iob2", "train: IOB2 (every span starts with B-); "
                                                 "dev: IOB2 (every span starts with B-; tags are written as "
                                                 "`LABEL-B`)")),
    ],
)  # fmt: skip
def test_each_split_is_read_by_its_own_tags_where_they_differ(splits, expected, summary):
    found, told = schemes(dict(zip(("train", "dev"), splits, strict=True)))
    assert tuple(found.values()) == expected
    assert told == summary


def test_bmes_in_one_split_and_i_tags_in_another_are_two_schemes():
    assert schemes({"train": BMES, "dev": "B-X I-X E-X"})[0] == {"train": "bmes", "dev": "bioes"}


def test_tags_that_contradict_each_other_are_read_in_the_scheme_of_the_others_line_by_line():
    decoding = TagDecoder(config_of(), [])
    raw = {"train": [sentence(1, tuple(IOB2.split()))], "dev": [sentence(1, tuple(DIRTY.split()), "dev.conll")]}
    decoding.prepare(raw)
    assert decoding.example(raw["dev"][0], "dev") is None
    assert [(bad.code, bad.problem) for bad in decoding.bad] == [("D122", "I-X after O is not valid in IOB2")]
    _, made = decoded({"train": [tuple(IOB2.split())], "dev": [tuple(DIRTY.split())]}, bad_tags="repair")
    assert made["dev"][0].spans == (Span(0, 2, "X"), Span(3, 4, "X"))
    told = schemes({"dev": DIRTY, "test": IOB2}, bad_tags="repair")[1]
    assert told[0] == "iob2"
    assert told[1].startswith(
        "dev: IOB2 (I- opens a span (dev.conll:1), as in IOB1, and B- opens one (dev.conll:1), as"
    )
    assert told[1].endswith("; IOB2 as in another split); test: IOB2 (every span starts with B-)")


def test_the_errors_of_all_splits_are_reported_at_once():
    with pytest.raises(HallucError) as caught:
        decoded({"train": [("B", "O")], "dev": [("I", "O")], "test": [tuple(DIRTY.split())]})
    assert [error.where.file for error in caught.value.errors] == ["train.conll", "dev.conll"]


def test_a_config_names_the_scheme_of_one_split():
    found, (scheme, note) = schemes({"train": IOB2, "test": "I-X I-X O"}, scheme={"test": "io"})
    assert (found, scheme) == ({"train": "iob2", "test": "io"}, None)
    assert note == "train: IOB2 (every span starts with B-); test: IO (set in the config)"


@pytest.mark.parametrize(
    ("train", "test", "spans"),
    [
        ("PER PER O vitamin-B", "vitamin-B O", [Span(0, 1, "vitamin-B")]),
        ("PER PER O S", "S S", [Span(0, 2, "S")]),
        (IOB2, DIRTY, [Span(0, 2, "X"), Span(3, 4, "X")]),
    ],
)
@pytest.mark.parametrize("read", [lambda *a: read_corpora(*a).splits, stream_corpora], ids=["at once", "streamed"])
def test_a_split_is_read_alike_though_the_others_are_not_asked_for(tmp_path, train, test, spans, read):
    keys = {"train": train, "test": test}
    for split, tags in keys.items():
        keys[split] = str(tmp_path / f"{split}.conll")
        Path(keys[split]).write_text("".join(f"w{n} {tag}\n" for n, tag in enumerate(tags.split())))
    config = SpansConfig(format="conll", bad_tags="repair", **keys)
    for asked in (("test",), ("train", "test")):
        (found,) = read(config, TABLE, asked)["test"]
        assert list(found.spans) == spans
    Path(keys["train"]).unlink()  # and without them, it is read by itself
    with pytest.raises(HallucError) if test == "S S" or test == DIRTY else nullcontext():
        list(read(config, TABLE, ("test",))["test"])


@given(
    st.lists(st.sampled_from([IOB2, IOB1, BIOES, BMES, NONE, IO, DIRTY, ENDS, "B I O", "X-B X-I O"]), max_size=3),
    st.sampled_from(["error", "repair"]),
    st.sampled_from([None, "X"]),
)
def test_streamed_or_at_once_it_is_the_same(tmp_path_factory, texts, bad_tags, label):
    assume(texts)
    folder, keys = tmp_path_factory.getbasetemp(), {}
    for split, tags in zip(("train", "dev", "test"), texts, strict=False):
        keys[split] = str(folder / f"{split}.conll")
        Path(keys[split]).write_text("".join(f"w{n} {tag}\n" for n, tag in enumerate(tags.split())))
    config = SpansConfig(format="conll", bad_tags=bad_tags, label=label, **keys)
    found: list[Any] = []
    for read in (lambda: read_corpora(config, TABLE).splits, lambda: stream_corpora(config, TABLE)):
        try:
            found.append({split: list(corpus) for split, corpus in read().items()})
        except HallucError as error:  # streamed, splits are read one after the other
            found.append(re.sub(r" \(\d+ lines: .*\)", "", render(error).split("\n\n")[0]))
    assert found[0] == found[1]
