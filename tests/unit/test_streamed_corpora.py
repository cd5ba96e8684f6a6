"""Corpora that are read again for each use have the same examples and errors as corpora in memory."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.errors import HallucError, ManyErrors, render
from halluc.data import corpora
from halluc.data.config import DataConfig
from halluc.data.corpora import are_small, read_corpora, stream_corpora
from halluc.tasks.token_classification.reading.reader import SpansReader
from halluc.tasks.token_classification.tagged_sentence import Tagged

DOCUMENTS = "-DOCSTART- O\n\n"


def conll(train: Path, **keys: Any) -> DataConfig:
    return SpansReader.Config(format="conll", train=str(train), **keys)


def at_once(config: DataConfig) -> dict[str, list[Tagged]]:
    return {split: list(corpus) for split, corpus in read_corpora(config, TABLE).splits.items()}


def streamed(config: DataConfig) -> dict[str, list[Tagged]]:
    return {split: list(corpus) for split, corpus in stream_corpora(config, TABLE).items()}


def told(read: Any, config: DataConfig) -> str:
    with pytest.raises(HallucError) as caught:
        read(config)
    return render(caught.value)


def written(folder: Path, text: str, name: str = "train.txt") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


IOB1 = "Anna I-PER\nBerg I-PER\nOslo I-LOC\nParis B-LOC\n\nit O\n"
IOB2 = "Anna B-PER\nBerg I-PER\nOslo B-LOC\nParis B-LOC\n\nit O\n"
BIOES = "Anna B-PER\nBerg E-PER\nOslo S-LOC\n\nit O\n"


@pytest.mark.parametrize("text", [IOB1, IOB2, BIOES], ids=["iob1", "iob2", "bioes"])
@pytest.mark.parametrize("scheme", ["auto", "named"])
def test_every_scheme_gives_the_same_spans(tmp_path, text, scheme):
    name = {IOB1: "iob1", IOB2: "iob2", BIOES: "bioes"}[text] if scheme == "named" else "auto"
    config = conll(written(tmp_path, text), scheme=name)
    assert streamed(config) == at_once(config)
    assert streamed(config)["train"][0].spans[0][:3] == (0, 2, "PER")


def test_each_split_has_its_own_scheme(tmp_path):
    train = written(tmp_path, "Anna B-PER\nBerg I-PER\n")
    config = conll(train, dev=str(written(tmp_path, BIOES, "dev.txt")), test=str(written(tmp_path, IOB1, "test.txt")))
    assert streamed(config) == at_once(config)
    assert {split: [len(one.spans) for one in found] for split, found in streamed(config).items()} == {
        "train": [1], "dev": [2, 0], "test": [3, 0]}  # fmt: skip


def test_tags_that_only_another_split_explains_are_read_alike(tmp_path):
    """Alone, the tags of dev would be those of a scheme without labels."""
    train = written(tmp_path, "Ann PER\nBerg PER\nleft O\nS S\n")
    config = conll(train, dev=str(written(tmp_path, "it O\nS S\n", "dev.txt")))
    assert streamed(config) == at_once(config)
    assert [span.label for span in streamed(config)["dev"][0].spans] == ["S"]
    assert "data.label: ENTITY" in told(streamed, conll(tmp_path / "dev.txt"))


def test_documents_lines_and_ids_are_preserved(tmp_path):
    config = conll(written(tmp_path, f"{DOCUMENTS}{IOB2}\n{DOCUMENTS}{IOB2}"))
    found = streamed(config)["train"]
    assert found == at_once(config)["train"]
    assert [(one.origin.document, one.id) for one in found] == [
        (1, "train-3"), (1, "train-8"), (2, "train-12"), (2, "train-17")]  # fmt: skip


def test_the_demo_corpus_is_the_same(tmp_path):
    config = SpansReader.Config(format="conll", train="demo:ner", dev="demo:ner", test="demo:ner")
    assert streamed(config) == at_once(config)


def test_small_is_a_corpus_of_few_bytes_that_are_no_other_in_disguise(tmp_path, monkeypatch):
    train = written(tmp_path, IOB2)
    packed = tmp_path / "train.txt.gz"
    packed.write_bytes(gzip.compress(train.read_bytes()))
    assert are_small(conll(train))
    assert not are_small(conll(packed))
    assert not are_small(conll(train, dev=str(packed)))
    assert not are_small(SpansReader.Config(train="hub:eriktks/conll2003@abcdef0#train"))
    monkeypatch.setattr(corpora, "_MOST_BYTES", len(IOB2) - 1)
    assert not are_small(conll(train))
    with pytest.raises(HallucError, match="no such file"):
        are_small(conll(tmp_path / "absent.txt"))


def test_it_can_be_read_as_often_as_wanted(tmp_path):
    corpus = stream_corpora(conll(written(tmp_path, IOB2)), TABLE)["train"]
    first = iter(corpus)
    next(first)  # one that is left half read disturbs no other
    assert list(corpus) == list(corpus)
    assert len(list(corpus)) == 2


RAGGED = "Anna B-PER\n\nalone\nOslo B-LOC\n\nit O\n\nBerg X-PER\n\nEva B-PER\nwon I-ORG\n"


def test_bad_lines_are_left_out_alike(tmp_path):
    config = conll(written(tmp_path, RAGGED), on_bad_line="skip", scheme="iob2")
    assert streamed(config) == at_once(config)
    assert [one.tokens[0] for one in streamed(config)["train"]] == ["Anna", "it"]


def test_bad_tags_are_repaired_alike(tmp_path):
    config = conll(written(tmp_path, "Anna B-PER\nwon I-ORG\nOslo I-LOC\n"), bad_tags="repair", scheme="iob2")
    assert streamed(config) == at_once(config)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (RAGGED, {"scheme": "iob2"}),
        ("", {}),
        ("\n\n", {}),
        (f"{DOCUMENTS}{DOCUMENTS}", {}),
        ("Anna B-PER\nOslo E-LOC\nit I-PER\n", {}),
        ("alone\n", {"on_bad_line": "skip"}),
        ("".join(f"bad{n}\n\n" for n in range(60)) + "Anna B-PER\n", {}),
    ],
    ids=["several", "empty", "blank", "documents", "no scheme", "nothing left", "sixty"],
)
def test_what_cannot_be_read_is_reported_in_the_same_words(tmp_path, text, keys):
    config = conll(written(tmp_path, text), **keys)
    assert told(streamed, config) == told(at_once, config)


def test_all_mistakes_of_a_split_are_reported_together(tmp_path):
    config = conll(written(tmp_path, RAGGED), scheme="iob2")
    with pytest.raises(ManyErrors) as caught:
        streamed(config)
    assert [error.where.line for error in caught.value.errors] == [3, 8, 11]


def test_an_absent_file_is_reported(tmp_path):
    config = conll(tmp_path / "none.txt")
    assert told(streamed, config) == told(at_once, config)


def jsonl(folder: Path, *records: Any, **keys: Any) -> DataConfig:
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records)
    return SpansReader.Config(format="jsonl", train=str(written(folder, text, "train.jsonl")), **keys)


def test_json_lines_of_every_form_are_the_same(tmp_path):
    spans = jsonl(tmp_path, {"id": "a", "tokens": ["Anna", "won"], "spans": [[0, 1, "PER"]]},
                  {"tokens": ["it"], "spans": []}, {"text": "Oslo won", "spans": [[0, 4, "LOC"]]})  # fmt: skip
    assert streamed(spans) == at_once(spans)
    tags = jsonl(tmp_path, {"tokens": ["Anna", "Berg"], "tags": ["B-PER", "I-PER"]})
    assert streamed(tags) == at_once(tags)


def test_overlaps_are_repaired_alike(tmp_path):
    record = {"tokens": ["a", "b", "c"], "spans": [[0, 2, "X"], [1, 2, "Y"]]}
    config = jsonl(tmp_path, record, overlaps="longest")
    assert streamed(config) == at_once(config)


def test_broken_records_are_reported_or_left_out_alike(tmp_path):
    records = ['{"tokens"', {"tokens": ["a"], "spans": [[0, 9, "X"]]}, {"tokens": ["b"], "spans": []}, [1]]
    config = jsonl(tmp_path, *records)
    assert told(streamed, config) == told(at_once, config)
    config = jsonl(tmp_path, *records, on_bad_line="skip")
    assert streamed(config) == at_once(config)
    assert len(streamed(config)["train"]) == 1


def test_many_bad_lines_that_are_left_out_fill_no_memory(tmp_path):
    text = "".join(f"bad{n}\n\n" for n in range(1_000)) + "Anna B-PER\n"
    config = conll(written(tmp_path, text), on_bad_line="skip")
    assert streamed(config) == at_once(config)


LINES = st.sampled_from(["Anna B-PER", "Berg I-PER", "Oslo I-LOC", "it O", "", "", "-DOCSTART- O", "alone", "x Y-Z"])


@given(st.lists(LINES, max_size=14), st.sampled_from(["error", "skip"]), st.sampled_from(["error", "repair"]))
def test_both_ways_of_reading_agree_on_any_file(tmp_path_factory, lines, on_bad_line, bad_tags):
    file = written(tmp_path_factory.getbasetemp(), "\n".join(lines) + "\n", "any.txt")
    config = conll(file, on_bad_line=on_bad_line, bad_tags=bad_tags, scheme="iob2")
    found = []
    for read in (at_once, streamed):
        try:
            found.append(read(config))
        except HallucError as error:
            # At once, lines are told before tags; streamed, all in the order of the file.
            found.append(sorted(render(error).split("\n\n")))
    assert found[0] == found[1]
