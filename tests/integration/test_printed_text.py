"""Whatever text a corpus, a path, an argument or a model brings: nothing that commands print can act on a terminal."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.__main__ import exit_code_of
from halluc.core.errors import EXIT_BUG, EXIT_USAGE
from tests.hostile_texts import HOSTILE_TEXT, LABELS, TOKENS, acting

AUGMENT = "augment: {size: 2x, methods: [{type: mention_replacement, rate: 1}, {type: noise}], workers: 1}\n"
PATHS = HOSTILE_TEXT.map(lambda text: text.replace("/", "").replace("\x00", "").encode("utf-8", "ignore").decode())


def call(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, standard output and standard error, as bytes that a terminal would get."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = exit_code_of([str(argument) for argument in arguments])
        streams = []
        for stream in (out, err):
            stream.flush()
            streams.append(stream.buffer.getvalue().decode("utf-8"))
    assert code != EXIT_BUG, streams[1]
    assert not acting("".join(streams)), ascii(streams)
    return code, streams[0], streams[1]


@st.composite
def records(draw) -> list[dict[str, Any]]:
    """Sentences of hostile tokens with hostile ids and labels, most of which are readable."""
    labels = st.sampled_from(["PER", "LOC", *LABELS]) | HOSTILE_TEXT
    made = []
    for number in range(draw(st.integers(1, 4))):
        tokens = draw(st.lists(HOSTILE_TEXT, min_size=1, max_size=5))
        spans = [[0, 1, draw(labels)], *([[2, 3, draw(labels)]] if len(tokens) > 2 else [])]
        made.append({"id": f"{number}{draw(HOSTILE_TEXT)}", "tokens": tokens, "spans": spans})
    return made


def write(folder: Path, name: str, made: Sequence[dict[str, Any]], splits: Sequence[str] = ("train",)) -> Path:
    """A config of this name, on a corpus of this name; its values as JSON, which is YAML too."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus, config = folder / f"d{name}.jsonl", folder / f"c{name}.yaml"
    corpus.write_text("".join(json.dumps(record) + "\n" for record in made), encoding="utf-8")
    data = {"format": "jsonl", **dict.fromkeys(splits, str(corpus))}
    values = {"data": data, "model": {"name": "made/encoder"}, "runs_dir": str(folder / "runs"), "name": "printed"}
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())
    config.write_text(f"{lines}task: {{type: token_classification}}\n{AUGMENT}", encoding="utf-8")
    return config


@settings(max_examples=25)
@given(records(), PATHS)
def test_nothing_of_a_corpus_or_a_path_acts(tmp_path_factory, made, name):
    config = write(tmp_path_factory.getbasetemp() / "printed", name, made, ("train", "test"))
    for command in (["check"], ["augment", "--preview", 3], ["config", "show"]):
        code, out, _ = call(*command, config)
        as_json, parsed, _ = call(*command, "--json", config)
        assert code == as_json
        if not code and command[0] != "augment":
            assert json.loads(parsed)
        if command[0] != "config":
            assert not out, "people's text goes to standard error"


@settings(max_examples=60)
@given(HOSTILE_TEXT.filter(lambda text: "\x00" not in text), st.integers(0, 5))
def test_no_argument_acts(text, place):
    ways = (
        ["list", text], [text], ["check", "c.yaml", text], ["predict", "x", "--format", text], ["check", f"--{text}"],
        ["config", "show", text, "--set", text],
    )  # fmt: skip
    _, _, err = call(*ways[place])
    if err.startswith("Usage"):
        assert err.count("\nError: ") == 1


def test_a_line_feed_in_an_argument_forges_no_message():
    code, _, err = call("check", "c.yaml", "x\nError: forged")
    assert code == EXIT_USAGE
    assert "\nError: forged" not in err


def test_a_line_feed_in_a_path_forges_no_warning(tmp_path):
    made = [{"tokens": ["Anna", "\x07"], "spans": [[0, 1, "PER"]]}]
    code, _, err = call("check", write(tmp_path, "\nwarning: forged", made))
    assert code == 0
    assert "\\nwarning: forged.jsonl:1 '\\x07'" in err
    assert "\nwarning: forged" not in err


def test_a_token_of_a_million_characters_floods_nothing(tmp_path):
    made = [
        {"id": "i" * 1_000_000, "tokens": ["Anna", "z" * 1_000_000, "Oslo"], "spans": [[0, 1, "PER"], [1, 3, "LOC"]]},
        {"tokens": ["Bob", "in", "Paris"], "spans": [[0, 1, "PER"], [2, 3, "LOC"]]},
    ]
    config = write(tmp_path, "", made)
    for command in (["check"], ["augment", "--preview", 3]):
        code, _, err = call(*command, config)
        assert code == 0 and len(err) < 3_000
    assert "z" * 53 + "…" + "z" * 26 in err
    code, _, err = call("check", write(tmp_path, "", [made[0], made[0]]))
    assert code == 3 and len(err) < 1_500


def test_what_reads_like_text_stays_readable(tmp_path):
    tokens = ["क्‍ष", "می‌خواهم", "مُحَمَّد", "👩‍👩‍👧", "名\u3000前"]
    made = [{"tokens": [*tokens, end], "spans": [[0, 1, "नाम‍"], [1, 2, "نام‌ها"]]} for end in "ab"]
    _, _, err = call("augment", "--preview", 2, write(tmp_path, "", made))
    assert all(token in err for token in tokens)
    _, _, err = call("check", write(tmp_path, "", made))
    assert "नाम‍" in err and "نام‌ها" in err


@pytest.fixture(scope="module")
def model(tiny_encoder, tmp_path_factory) -> Path:
    """A token classifier from elsewhere whose labels end in a right-to-left mark."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    folder = tmp_path_factory.mktemp("foreign") / "model"
    outputs = dict(enumerate(["O", "B-PER\u200f", "I-PER\u200f", "B-LOC", "I-LOC"]))
    names = {"id2label": outputs, "label2id": {name: number for number, name in outputs.items()}}
    AutoModelForTokenClassification.from_pretrained(tiny_encoder, **names).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(folder)
    return folder


def test_nothing_that_eval_prints_or_writes_for_people_acts(tmp_path, model):
    made = [{"id": f"\x1b[31m{n}", "tokens": ["Anna", t, "."], "spans": [[1, 2, LABELS[n % len(LABELS)]]]}
            for n, t in enumerate(TOKENS) if t]  # fmt: skip
    config = write(tmp_path, "\u202e", made, ("train", "test"))
    code, _, err = call("eval", config, "--checkpoint", model, "--split", "test")
    assert code == 0, err
    assert "PER\\u200f" in err
    code, out, _ = call("eval", config, "--checkpoint", model, "--split", "test", "--json")
    assert code == 0 and json.loads(out)["split"] == "test"
    reports = list(tmp_path.glob("runs/printed/*/eval/test_classification_report.txt"))
    assert reports and not any(acting(path.read_text(encoding="utf-8")) for path in reports)
    assert "PER\\u200f" in reports[0].read_text(encoding="utf-8")


def test_a_model_with_hostile_labels_is_refused_before_anything_is_printed(tmp_path, model):
    settings_ = json.loads((model / "config.json").read_text())
    spoiled = tmp_path / "spoiled"
    spoiled.mkdir()
    for file in model.iterdir():
        (spoiled / file.name).write_bytes(file.read_bytes())
    settings_["id2label"] = {"0": "O", "1": "B-\x1b[31m", "2": "I-\x1b[31m", "3": "B-" + "y" * 1_000_000, "4": "I-LOC"}
    (spoiled / "config.json").write_text(json.dumps(settings_))
    config = write(tmp_path, "", [{"tokens": ["Anna"], "spans": [[0, 1, "PER"]]}], ("test",))
    for command in (["predict", spoiled], ["eval", config, "--checkpoint", spoiled]):
        code, out, err = call(*command, stdin=b"Anna met Oslo\n")
        assert (code, out) == (EXIT_USAGE, "")
        assert "error[C203]: the model has the control character U+001B in a label: `\\u001b[31m`" in err
        assert "error[C203]: the model has a label with 1,000,000 characters" in err
        assert len(err) < 1_500


@settings(max_examples=5)
@given(st.lists(st.lists(HOSTILE_TEXT, min_size=1, max_size=4), min_size=20, max_size=30))
def test_nothing_that_predict_prints_acts_and_a_file_has_the_same_values(tmp_path_factory, model, texts):
    stdin = "".join(json.dumps({"tokens": tokens}) + "\n" for tokens in texts).encode()
    code, out, _ = call("predict", model, "--format", "jsonl", stdin=stdin)
    file = tmp_path_factory.getbasetemp() / "predicted.jsonl"
    assert call("predict", model, "--format", "jsonl", "--output", file, stdin=stdin)[0] == code
    written = file.read_text(encoding="utf-8").split("\n")[:-1]
    printed = out.split("\n")[:-1]
    assert [json.loads(line) for line in printed] == [json.loads(line) for line in written]
    assert len(printed) == len(texts)
