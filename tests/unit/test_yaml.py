from __future__ import annotations

import math

import pytest

from halluc.config.yaml import Source, read
from halluc.core.errors import HallucError, ManyErrors


def value_of(text: str):
    return read(Source("c.yaml", text)).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-5", 5e-5),
        ("1.", 1.0),
        (".5", 0.5),
        ("NO", "NO"),
        ("yes", "yes"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("2026-11-23", "2026-11-23"),
        ("1_000", "1_000"),
        ("true", True),
        ("True", True),
        ("~", None),
        ("null", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 1", "1"),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("+12", 12),
        ("e5", "e5"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_reads_them(text, value):
    found = value_of(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number():
    assert math.isnan(value_of("a: .nan")["a"])


def test_every_key_and_value_has_its_place():
    located = read(Source("c.yaml", "train:\n  epochs: 3\n  list: [1, {b: 2}]\n"))
    key, value = located.keys[("train", "epochs")], located.values[("train", "epochs")]
    assert (key.line, key.column, key.width) == (2, 3, 6)
    assert (value.line, value.column, value.width) == (2, 11, 1)
    assert located.values[("train", "list", 1, "b")].column == 17


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("a: 1\na: 2", "C002", "duplicate key `a`"),
        ("a:\n  b: 1\n  b: 2", "C002", "duplicate key `a.b`"),
        ("a: [1", "C001", "flow sequence"),
        ("a:\n\tb: 1", "C001", "not readable"),
        ("a: !!python/object:os.system x", "C003", "YAML tag"),
        ("a: !custom x", "C003", "YAML tag"),
        ("a: !!int 3", "C003", "YAML tag"),
        ("a: !foo {b: 1}", "C003", "YAML tag"),
        ("a: !!set [1]", "C003", "YAML tag"),
        ("<<: {a: 1}", "C003", "merge key"),
        ("? [a]\n: 1", "C003", "plain scalar"),
        ("a: &x [*x]", "C003", "refers to its own parent"),
        ("a: *x", "C001", "undefined alias"),
        ("a: 1\n---\nb: 2", "C001", "single document"),
        ("a: \x07", "C001", "U+0007"),
        ('a: "\\0"', "C003", "`a` has a NUL character"),
        ('"\\0": 1', "C003", "the key `\0` has a NUL character"),
        ('a: "\\ud800"', "C003", "an unpaired surrogate (U+D800)"),
        ('a: "\\U00110000"', "C001", "an escape above"),
        ('a: "\\UFFFFFFFF"', "C001", "an escape above"),
        (f"? {'k' * 70_000}\n: 1", "C003", f"`{'k' * 66}…{'k' * 33}` has 70,000 characters"),
        (f"a: !{'x' * 70_000} 1", "C003", "x…x"),
        ("{a: " * 60 + "1" + "}" * 60, "C003", "more than 50 levels"),
        ("[" * 100_000, "C001", "too deeply"),
        ("[" + "1," * 60_000 + "]", "C003", "more than 50,000 values"),
        ("#" * 4_000_001, "C003", "more than 4,000,000 characters"),
    ],
)
def test_what_a_config_may_not_hold_is_reported_with_its_place(text, code, told):
    with pytest.raises(HallucError) as caught:
        value_of(text)
    assert caught.value.code == code
    assert told in caught.value.message
    assert caught.value.where is not None


def test_digits_without_end_are_text():
    assert value_of("a: 0x" + "f" * 5_000) == {"a": "0x" + "f" * 5_000}


def test_places_are_right_whatever_else_ends_a_line_for_yaml():
    located = read(Source("c.yaml", "a: x\u2028b: 2\r\n  \nc:   3\n"))
    place = located.values[("c",)]
    assert (place.line, place.column, place.text) == (3, 6, "c:   3")


def test_all_duplicates_are_reported_at_once():
    with pytest.raises(ManyErrors) as caught:
        value_of("a: 1\na: 2\nb: 1\nb: 2")
    assert [error.where.line for error in caught.value.errors] == [2, 4]


def test_an_alias_bomb_is_refused_before_it_grows():
    text = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(HallucError, match="more than"):
        value_of(text)


def test_nesting_without_end_is_an_error_and_no_crash():
    with pytest.raises(HallucError, match="deeply"):
        value_of("[" * 5000)


def test_aliases_without_cycles_are_read():
    assert value_of("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}
