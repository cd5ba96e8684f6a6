"""Text of a corpus as it may be printed: nothing in it acts on a terminal, and ordinary text stays as it is."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress
from rich.text import Text

from halluc.commands import terminal
from halluc.commands.terminal import Grid, put_table, say
from halluc.core.characters import cut, escaped_json, printable, printable_cell, printable_line
from halluc.core.errors import HallucError, Location, render
from halluc.tasks import label_tables
from tests.hostile_texts import ACTING, HOSTILE_TEXT, LABELS, REFUSED_LABELS, TOKENS, acting

ORDINARY = (
    "क्‍ष न्‍य हिन्दी",  # Hindi with a zero-width joiner
    "می‌خواهم",  # Persian with a zero-width non-joiner
    "مُحَمَّد ؀١٢ ۝",  # vocalised Arabic, the number sign and the end of a verse
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 ❤️",
    "名\u3000前 인물 e\u0301 naïve",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text):
    assert printable(text) == printable_line(text) == printable_cell(text) == text


@pytest.mark.parametrize("char", sorted(ACTING))
def test_whatever_acts_on_a_terminal_is_escaped(char):
    escape = f"\\u{ord(char):04x}"
    assert printable(f"a{char}b") == printable_line(f"a{char}b") == f"a{escape}b"
    assert escaped_json(json.dumps(char, ensure_ascii=False)).lower() in (f'"{escape}"', *_SHORT.get(char, ()))


# Of the escapes of JSON, those with a letter of their own.
_SHORT = {char: (json.dumps(char),) for char in "\b\t\f\r"}


def test_a_line_feed_stays_in_a_text_and_is_escaped_on_a_line():
    assert printable("a\nb") == "a\nb"
    assert printable_line("a\nb") == "a\\nb"


def test_beyond_four_digits_an_escape_has_eight():
    assert printable("\U000e0041") == "\\U000e0041"


def test_long_text_keeps_both_ends():
    assert cut("abcdefghij", 10) == "abcdefghij"
    assert cut("abcdefghijk", 10) == "abcdef…ijk"
    assert len(printable_cell("x" * 1_000_000)) == 80


@given(st.text(max_size=300), st.integers(1, 200))
def test_a_text_is_cut_to_its_bound_and_no_shorter(text, most):
    shown = cut(text, most)
    assert len(shown) == min(len(text), most)
    before, _, behind = shown.partition("…") if len(text) > most and "…" not in text else (text, "", "")
    assert text.startswith(before) and text.endswith(behind)


@given(HOSTILE_TEXT)
def test_nothing_is_active_after_an_escape(text):
    assert not acting(printable(text))
    assert not acting(printable_line(text)) and "\n" not in printable_line(text)


@given(st.recursive(HOSTILE_TEXT, lambda inner: st.lists(inner) | st.dictionaries(HOSTILE_TEXT, inner), max_leaves=5))
def test_json_is_escaped_and_keeps_its_value(value):
    text = escaped_json(json.dumps(value, ensure_ascii=False))
    assert not acting(text)
    assert json.loads(text) == value


def told(print_) -> str:
    with contextlib.redirect_stderr(io.StringIO()) as captured:
        print_()
    return captured.getvalue()


@given(HOSTILE_TEXT)
def test_no_way_to_print_lets_a_character_act(text):
    def print_all():
        say(text)
        terminal.say_from_any_process(text)
        terminal.people.print(text)
        terminal.people.print(Text(text, style="bold"))
        terminal.say_error(HallucError("D1", text, Location(text, 1, 2, 3, text), text))
        grid = Grid(text, title=text)
        grid.add_row(text)
        put_table(grid)
        with Progress(console=terminal.people, auto_refresh=False) as progress:
            progress.add_task(text)

    assert not acting(told(print_all))


@given(HOSTILE_TEXT)
def test_a_message_is_one_line(text):
    assert told(lambda: say(text)).count("\n") == 1


@pytest.mark.parametrize("text", ["[/x]", "[red]"])
def test_a_progress_bar_shows_markup_as_text(monkeypatch, text):
    console = terminal._SafeConsole(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(terminal, "people", console)
    with terminal.drawn(text, "texts") as draw:
        draw(1, 2)
    assert text in console.file.getvalue()


def test_colours_of_our_own_stay():
    console = terminal._SafeConsole(file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    console.print("a\x1b[31mb", style="red")
    assert console.file.getvalue() == "\x1b[31ma\\u001b[31mb\x1b[0m\n"


def test_cells_are_aligned_as_they_are_shown():
    grid = Grid("label", "train")
    grid.add_row("\x1b[31m", "1")
    grid.add_row("y" * 1_000_000, "22")
    lines = told(lambda: put_table(grid)).splitlines()
    assert {len(line) for line in lines} == {80 + len("  train")}
    assert lines[1] == "\\u001b[31m" + " " * 70 + "      1"


def test_a_message_of_an_error_is_one_line_of_bounded_length():
    error = HallucError("D1", "a\nerror[D2]: forged " + "x" * 1_000_000, Location("f\n2", 1), "b\nc")
    lines = render(error).splitlines()
    assert len(lines) == 3 and max(map(len, lines)) < 1_100
    assert lines[0].startswith("error[D1]: a\\nerror[D2]: forged xx")


NAMES = [*LABELS, *REFUSED_LABELS, *TOKENS]


def test_no_classification_report_lets_a_label_act():
    rows = {name: {"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": 1} for name in NAMES}
    confusions = [{"gold": name, "predicted": name, "n": 1} for name in NAMES]
    texts = [
        label_tables.rows_as_text(rows),
        label_tables.confusions_as_text(confusions),
        label_tables.as_text(rows),
        label_tables.confusion_as_text({name: dict.fromkeys(NAMES, 1) for name in NAMES}),
    ]
    for text in texts:
        assert not acting(text)
        lines = [line for line in text.splitlines() if line]
        assert len(lines) == 1 + (len(NAMES) if text is texts[1] else len(set(NAMES)))
        assert max(map(len, lines)) < 80 * (len(NAMES) + 2)
    assert "\\u001b[31mPER" in texts[0] and "PER\\nORG" in texts[0]
