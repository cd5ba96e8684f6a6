"""Every key of the schema has bounds, and what is beyond them is refused with its place."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from halluc.components import TABLE
from halluc.config import loading, merging, yaml
from halluc.config.json_schema import json_schema
from halluc.config.schema import component_configs
from halluc.core.errors import HallucError, render
from halluc.tasks.token_classification.reading.config import SpansConfig


def unbounded(node: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Where a schema lets a number, a text, a list or a mapping be of any size."""
    if isinstance(node, list):
        for part in node:
            yield from unbounded(part, path)
    if not isinstance(node, dict):
        return
    kind, where = node.get("type"), ".".join(path)
    if (
        kind in ("integer", "number")
        and not {"enum", "const"} & node.keys()
        and not ({"minimum", "exclusiveMinimum"} & node.keys() and {"maximum", "exclusiveMaximum"} & node.keys())
    ):
        yield f"{where}: a number without a least and a greatest value"
    is_closed = "pattern" in node and not re.search(r"[*+]", node["pattern"])
    if kind == "string" and not is_closed and not {"maxLength", "enum", "const"} & node.keys():
        yield f"{where}: a text without a length"
    if kind == "array" and "maxItems" not in node:
        yield f"{where}: a list without a length"
    if kind == "object" and node.get("additionalProperties") is not False:
        if "maxProperties" not in node:
            yield f"{where}: a mapping without a length"
        if "propertyNames" not in node:
            yield f"{where}: keys of any length"
    for key, inner in node.items():
        if key not in ("default", "const", "enum"):
            yield from unbounded(inner, (*path, key))


def test_every_key_of_a_config_has_bounds():
    assert list(unbounded(json_schema(TABLE))) == []


@pytest.mark.parametrize("kind", TABLE)
def test_every_option_of_a_component_has_bounds(kind):
    for name, config in component_configs(TABLE, kind).items():
        assert [f"{name}: {one}" for one in unbounded(config.model_json_schema())] == []


def test_a_number_without_bounds_would_be_detected():
    assert list(unbounded({"properties": {"n": {"type": "integer", "minimum": 1}}})) == [
        "properties.n: a number without a least and a greatest value"
    ]


LEAST = {
    "name": "x",
    "task": {"type": "token_classification"},
    "data": {"format": "conll", "train": "t.txt"},
    "model": {"name": "m"},
}


def errors_of(folder, tree) -> list[HallucError]:
    path = folder / "c.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(HallucError) as caught:
        loading.load(path, table=TABLE, environ={})
    return list(getattr(caught.value, "errors", [caught.value]))


def at(key: str, value: Any) -> dict[str, Any]:
    """The least config with ``value`` at a dotted key."""
    tree = copy.deepcopy(LEAST)
    *sections, last = key.split(".")
    node = tree
    for section in sections:
        node = node.setdefault(section, {})
    node[last] = value
    return tree


SCRATCH = {"name": None, "scratch": {"layers": 100, "width": 4096}}
JSONL = {"format": "jsonl", "train": "t"}
TEXTS = {"format": "texts", "train": "t"}


@pytest.mark.parametrize(
    ("key", "value", "code", "told"),
    [
        ("task", None, "C104", "`task` must be a mapping of keys to values, not null"),
        ("task", 3, "C104", "`task` must be a mapping of keys to values, not 3"),
        ("data", "x", "C104", '`data` must be a mapping of keys to values, not "x"'),
        ("data", [1], "C104", "`data` must be a mapping of keys to values, not a list"),
        ("runs_dir", "a\0b", "C003", "`runs_dir` has a NUL character"),
        ("model.name", "a\0b", "C003", "`model.name` has a NUL character"),
        ("a\0b", 1, "C003", "the key `a\0b` has a NUL character"),
        ("data.train", "a\ud800", "C003", "`data.train` has an unpaired surrogate (U+D800)"),
        ("data.train", "x" * 300, "C106", "`data.train`: a name in the path has more than 255 bytes"),
        ("data.train", "x/" * 3000, "C105", "`data.train` has 6,000 characters, more than 4,096"),
        ("runs_dir", "~nobody_of_this_name/x", "C106", "`~nobody_of_this_name`"),
        ("train.accumulation", 10**30, "C105", "`train.accumulation` must be at most 1,000, not 1000"),
        ("train.epochs", 10**30, "C105", "`train.epochs` must be at most 100,000"),
        ("train.epochs", True, "C104", "`train.epochs` must be a whole number, not true"),
        ("model", SCRATCH, "C106", "`layers: 100` of `width: 4096` are 20,132,659,200 weights, more than 350,000,000"),
        ("seed", "0x" + "f" * 100_000, "C104", "`seed` must be a whole number"),
        ("augment", {"size": 10**12, "methods": [{"type": "noise"}]}, "C106", "is more than 100,000,000 new examples"),
        ("augment", {"size": "1001x", "methods": [{"type": "noise"}]}, "C106", "is more than `1000x`"),
        ("gates", {"entity_f1": {"min": 0.9, "max": 0.1}}, "C106", "its `min: 0.9` is more than its `max: 0.1`"),
        ("data.token_column", -1, "C106", "`data.token_column` and `data.tag_column` are both -1"),
        ("data", {**JSONL, "tags_field": "x", "spans_field": "x"}, "C106", "are both `x`: they must differ"),
        ("data", {**JSONL, "text_field": "x", "id_field": "x"}, "C106", "`data.text_field` and `data.id_field`"),
        ("eval.splits", ["test"] * 3000, "C105", "`eval.splits` has 3,000 items, more than 3"),
        ("eval.splits", ["test", "test"], "C106", "`eval.splits`: it has test more than once"),
        ("k" * 900, 1, "C101", f"unknown key `{'k' * 66}…{'k' * 33}`"),
        ("k" * 70_000, 1, "C001", "not readable as YAML"),
        ("train.precision", "x" * 70_000, "C103", f'cannot be "{"x" * 39}…{"x" * 20}"'),
    ],
)  # fmt: skip
def test_what_is_beyond_the_bounds_is_refused_in_few_words(tmp_path, key, value, code, told):
    (error,) = errors_of(tmp_path, at(key, value))
    assert error.code.startswith(code)
    assert told in error.message
    assert len(render(error)) < 800
    assert error.where is not None


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1e400", "true"])
@pytest.mark.parametrize("key", ["train.warmup", "train.max_grad_norm", "gates.entity_f1.min"])
def test_numbers_are_finite_and_no_booleans(tmp_path, key, value):
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(LEAST), encoding="utf-8")
    with pytest.raises(HallucError, match=f"`{key}` must be a"):
        loading.load(path, [f"{key}={value}"], table=TABLE, environ={})


def test_fields_of_one_name_are_refused_for_texts_too(tmp_path):
    tree = {**LEAST, "task": {"type": "text_classification"}, "data": {**TEXTS, "id_field": "label"}}
    (error,) = errors_of(tmp_path, tree)
    assert (error.code, error.message) == (
        "C106",
        "`data.id_field` and another field are both `label`: they must differ",
    )


def test_gates_compare_two_files(tmp_path):
    (tmp_path / "base.yaml").write_text("gates: {entity_f1: {min: 0.9}}\n", encoding="utf-8")
    (error,) = errors_of(tmp_path, {**LEAST, "extends": "base.yaml", "gates": {"entity_f1": {"max": 0.1}}})
    assert "`min: 0.9` is more than its `max: 0.1`" in error.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.epochs", 100_000),
        ("train.steps", 100_000_000),
        ("train.batch_tokens", 100_000_000),
        ("seed", 2**31 - 1),
        ("model", {"scratch": {"layers": 24, "width": 1024, "heads": 16}}),
        ("augment", {"size": "1000x", "methods": [{"type": "noise"}]}),
        ("data", {**JSONL, "tokens_field": "text"}),
        ("data.train", "demo:ner"),
        ("gates", {"entity_f1": {"min": 0.5, "max": 0.5}}),
        ("eval.labels", {f"LABEL_{number}": None for number in range(16_000)}),
    ],
)  # fmt: skip
def test_what_a_person_may_want_is_within_them(tmp_path, key, value):
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(at(key, value)), encoding="utf-8")
    assert loading.load(path, table=TABLE, environ={}).tree["name"] == "x"


def seconds(work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def test_positions_in_a_config_take_linear_time():
    """Each place once cost as much as the whole text has: 16,000 labels took half a minute."""
    text = "\n".join(f"LABEL_{number}: null" for number in range(16_000))
    source = yaml.Source("c.yaml", text)
    node = yaml.yaml.compose(text, Loader=yaml._Loader)
    key, value = node.value[-1]
    found = source.location(key.start_mark, key.end_mark)
    assert (found.line, found.column, found.width, found.text) == (16_000, 1, 11, "LABEL_15999: null")
    assert source.location(value.start_mark, value.end_mark).column == 14
    built = seconds(lambda: yaml._Builder(source).build(node, ()))
    again = seconds(lambda: source.location(key.start_mark))
    assert built < 5
    assert again < 0.01


def test_layers_of_many_keys_merge_in_time_that_grows_with_their_number():
    one = yaml.read(yaml.Source("c.yaml", "\n".join(f"LABEL_{number}: null" for number in range(5_000))))
    base = yaml.Located({}, {}, {})
    assert seconds(lambda: [merging.merge(base, one) for _ in range(4)]) < 5  # a minute where each looks through all
    assert (base.value, base.keys) == (one.value, one.keys)
    base.value["LABEL_0"] = 1
    assert one.value["LABEL_0"] is None  # what is laid on is a copy


def test_a_field_may_have_the_name_of_an_unused_one():
    assert SpansConfig(format="jsonl", train="t", spans_field="tags").tags_field == "tags"
