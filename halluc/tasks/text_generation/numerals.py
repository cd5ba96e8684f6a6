"""Numbers in a text, in digits and in words, as keys for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import regex

from halluc.tasks.text_generation.languages import WORDS, Language, LanguageWords


class Numeral(NamedTuple):
    """Characters ``start`` to ``end`` of a text, and the possible keys of the number there, most likely first.

    A key is a decimal numeral, such as ``1000`` or ``2.5``; with ``th`` for an ordinal, such as ``2th``; ``17:00`` for
    a clock time; an ISO 8601 duration for a number of days, years and so on, such as ``P2D``. ``1.000`` has two: 1000,
    and 1 in English. ``is_weak`` marks words that are often not numbers, such as `one`.
    """

    start: int
    end: int
    keys: tuple[str, ...]
    is_weak: bool = False


# A longer sequence of digits is compared as text.
_MOST_DIGITS = 30
_DIGITS = regex.compile(
    r"""(?P<sign>[-−–])?+
    (?P<digits>(?:[0-9]{1,3}(?:['’\u00a0\u202f ][0-9]{3}(?![0-9]))++|[0-9]++)(?:[.,:][0-9]++)*+)
    (?:(?P<half>[ ]?(?:am|pm|a\.m\.|p\.m\.|Uhr|h))(?!\p{L})
      |(?P<ordinal>st|nd|rd|th|ers?|re|e|è?me|ème|[ºª°])(?![\p{L}\p{N}])
      |(?P<chinese>[十百千万萬亿億]++)
      |[ \u00a0-]?(?P<scale>\p{L}{1,9}+)\b)?+""",
    regex.VERBOSE | regex.IGNORECASE,
)
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*+")
_GAP = regex.compile(r"[ \u00a0]?-?[ \u00a0]?")
_CHINESE = regex.compile(r"第?[零〇一二两兩三四五六七八九十百千万萬亿億]++(?:点[零〇一二三四五六七八九]++)?")
_OF_DIGITS = ("零〇", "一", "二两兩", "三", "四", "五", "六", "七", "八", "九")
_CHINESE_DIGITS = {digit: number for number, digits in enumerate(_OF_DIGITS) for digit in digits}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE_SCALES = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
# In `a million`, but not in `half a million`.
_ARTICLE = regex.compile(r"(?<!\bhalf[ -])\b(\p{L}+)[ \u00a0]\Z", regex.IGNORECASE)
_LONGEST_WORD = 60


def numerals(text: str, language: Language) -> list[Numeral]:
    """The numbers of a text in order, without overlaps."""
    words = WORDS[language]
    digits = sorted(_parse_digits(text, words))
    results = sorted([*digits, *_parse_words(text, words, digits), *(_parse_chinese(text) if language == "zh" else ())])
    kept: list[Numeral] = []
    for one in results:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


_UNIT = regex.compile(r"[ \u00a0-]?(\p{Han}{1,3}|[\p{L}--\p{Han}]++)", regex.V1)
# The distance within which a number counts a unit of time, as in `nine to twelve long months`.
_WORDS_TO_UNIT = regex.compile(r"(?:[^\p{L}\n.!?]{1,9}\p{L}{1,15}){1,4}")


def merge_units(text: str, numbers: Sequence[Numeral], language: Language) -> list[Numeral]:
    """The numbers; a number and a unit of time after it are one duration."""
    units = WORDS[language].units
    results = []
    for one in numbers:
        match = _UNIT.match(text, one.end, min(len(text), one.end + 20)) if units else None
        unit = _unit(match[1], units) if match else None
        if match is None or unit is None or one.keys[0].endswith("th"):
            results.append(one)
            continue
        end = match.start(1) + len(unit)
        results.append(Numeral(one.start, end, _durations(one, units[unit]), one.keys[0] == "1"))
    return results


def duration_keys(text: str, numbers: Sequence[Numeral], language: Language) -> Iterator[str]:
    """The keys of all possible durations, with a few words between number and unit."""
    units = WORDS[language].units
    for one in numbers if units else ():
        following = _WORDS_TO_UNIT.match(text, one.end, min(len(text), one.end + 80))
        words = _WORD.findall(following[0].lower()) if following else []
        direct = _UNIT.match(text, one.end, min(len(text), one.end + 20))
        words += [direct[1].lower()] if direct else []
        for word in words:
            unit = _unit(word, units)
            if unit is not None:
                yield from _durations(one, units[unit])


def _unit(word: str, units: Mapping[str, str]) -> str | None:
    """The unit of a word; for a run of Chinese characters the unit at its start."""
    if word.lower() in units:
        return word.lower()
    sizes = range(min(3, len(word)), 0, -1) if word[0] >= "\u3400" else ()
    return next((word[:size] for size in sizes if word[:size] in units), None)


def _durations(one: Numeral, letter: str) -> tuple[str, ...]:
    return tuple(
        f"PT{key}{letter[1:]}" if letter[0] == "T"
        else f"P{_key(key, 7)}D" if letter == "W" and key.replace(".", "", 1).isdigit()
        else f"P{key}{letter}"
        for key in one.keys
    )  # fmt: skip


def _parse_digits(text: str, words: LanguageWords) -> Iterator[Numeral]:
    for match in _DIGITS.finditer(text):
        start, end, digits = match.start("digits"), match.end("digits"), match["digits"]
        before = text[start - 1] if start else " "
        # `A380` contains no number, but `COVID-19` and 在2015 do.
        if (before.isalnum() and before < "\u3400") or before == "_" or (before in "'’" and text[start - 2].isalpha()):
            continue
        if len(digits) > _MOST_DIGITS:
            yield Numeral(start, end, (digits,))
        elif match["half"]:
            yield Numeral(start, match.end(), (_clock(digits, match["half"]),))
        else:
            yield _suffixed_numeral(text, match, words)


def _suffixed_numeral(text: str, match: regex.Match[str], words: LanguageWords) -> Numeral:
    """A number with its sign, and the scale or ordinal suffix after it."""
    start, end = match.start("digits"), match.end("digits")
    factor, suffix, sign = 1, "", ""
    if match["scale"] and match["scale"].lower() in words.scales:
        factor, end = words.scales[match["scale"].lower()], match.end()
    elif match["chinese"]:
        factor, end = _chinese_factor(match["chinese"]), match.end()
    elif match["ordinal"]:
        suffix, end = "th", match.end()
    # A hyphen is a sign only after a blank or bracket.
    if match["sign"] and (match.start() == 0 or text[match.start() - 1] in " \t\n([\u00a0"):
        sign, start = "-", match.start()
    return Numeral(start, end, tuple(sign + key + suffix for key in _readings(match["digits"], words.comma, factor)))


def _clock(digits: str, half: str) -> str:
    """The time of day on a 24-hour clock, if it is one."""
    hour, _, minute = digits.replace(".", ":").partition(":")
    half = half.strip().lower()[:1]
    is_of_twelve = half in ("a", "p")
    if not hour.isdigit() or int(hour) > (12 if is_of_twelve else 24):
        return digits
    return f"{int(hour) % 12 + 12 * (half == 'p') if is_of_twelve else int(hour)}:{minute or '00'}"


def _readings(digits: str, comma: bool, factor: int) -> list[str]:
    """The keys of a number in digits. A single separator before three digits may separate thousands or decimals: the
    usual reading in the language comes first."""
    if ":" in digits:
        return [digits.lstrip("0") if digits[:2] != "0:" else digits]
    digits = regex.sub(r"[ \u00a0\u202f'’]", "", digits)
    separators = [char for char in digits if char in ".,"]
    if not separators:
        return [_key(digits, factor)]
    last = separators[-1]
    whole, _, part = digits.rpartition(last)
    as_decimal = regex.sub("[.,]", "", whole) + "." + part
    as_thousands = regex.sub("[.,]", "", digits)
    groups = regex.split("[.,]", digits)
    fits = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    if len(set(separators)) == 2:
        return [_key(as_decimal, factor)] if separators.count(last) == 1 else [digits]
    if len(separators) > 1:
        return [_key(as_thousands, factor)] if fits else [digits]
    if not fits or groups[0] == "0":
        return [_key(as_decimal, factor)]
    in_order = [as_thousands, as_decimal] if (last == ",") is not comma else [as_decimal, as_thousands]
    return [_key(one, factor) for one in in_order]


def _key(number: str, factor: int) -> str:
    value = format((Decimal(number) * factor).normalize(), "f")
    return value if value != "-0" else "0"


def _parse_words(text: str, words: LanguageWords, digits: Sequence[Numeral]) -> Iterator[Numeral]:
    """The numbers of runs of number words, with spaces, hyphens or `and` between them, outside of ``digits``."""
    if not words.numbers:
        return
    scaled = {one.end for one in digits}
    run: list[tuple[int, int, int]] = []  # start, end, value
    joint_end = -1
    for match in _WORD.finditer(text):
        if match.end() - match.start() > _LONGEST_WORD:
            continue
        word = match[0].lower()
        parts = [] if match.end() in scaled else _values(word, words)
        follows = bool(run) and _GAP.fullmatch(text, max(run[-1][1], joint_end), match.start()) is not None
        if follows and word in words.joints:
            joint_end = match.end()
            continue
        if word in words.ordinals:
            yield from _run_with_ordinal(run if follows else [], match, words)
            if not follows:
                yield from _run_numerals(run, words, text)
            run, joint_end = [], -1
            continue
        if run and not (follows and parts):
            yield from _run_numerals(run, words, text)
            run, joint_end = [], -1
        run += [(match.start(), match.end(), value) for value in parts]
    yield from _run_numerals(run, words, text)


def _values(word: str, words: LanguageWords) -> list[int]:
    """The values of the parts of a number word, such as 2, 100, 50 for a German compound; empty if it is not a
    number."""
    value = words.numbers.get(word, words.scales.get(word) if len(word) > 2 else None)
    if value is not None:
        return [value]
    if not words.nouns_are_capitalised or len(word) < 7:
        return []
    values: list[int] = []
    rest = word
    while rest:
        part = next((rest[:size] for size in range(min(11, len(rest)), 2, -1)
                     if rest[:size] in words.numbers or rest[:size] in words.scales), None)  # fmt: skip
        if part is None and values and rest.startswith("und"):
            part = "und"
        if part is None:
            return []
        if part != "und":
            values.append(words.numbers.get(part, words.scales.get(part, 0)))
        rest = rest[len(part) :]
    return [sum(values)] if "und" in word and len(values) == 2 and values[0] < 10 else _move_units_last(values)


def _move_units_last(values: list[int]) -> list[int]:
    """German puts units before tens: `zweihundertfünfundzwanzig` is 2, 100, 5, 20."""
    ordered = list(values)
    for place in range(len(ordered) - 1):
        if ordered[place] < 10 and 20 <= ordered[place + 1] < 100:
            ordered[place : place + 2] = ordered[place + 1], ordered[place]
    return ordered


def _run_with_ordinal(
    run: Sequence[tuple[int, int, int]], match: regex.Match[str], words: LanguageWords
) -> Iterator[Numeral]:
    """The numbers of a run and the ordinal after it: `twenty-first` is one number, `two first` are two."""
    value = words.ordinals[match[0].lower()]
    if len(run) == 1 and 20 <= run[0][2] < 100 and value < 10:
        yield Numeral(run[0][0], match.end(), (f"{run[0][2] + value}th",))
        return
    yield from _run_numerals(run, words, match.string)
    yield Numeral(match.start(), match.end(), (f"{value}th",), value == 1 or match[0].lower() in words.ambiguous)


def _run_numerals(run: Sequence[tuple[int, int, int]], words: LanguageWords, text: str) -> Iterator[Numeral]:
    """The numbers of a run: `twenty three` is one number, `two three` are two."""
    start = end = None
    total, current, unit = 0, 0, 0  # `unit`: the upper bound of the next part, 0 before the first
    for begin, stop, value in run:
        fits = start is None or _continues(current, unit, value)
        if start is not None and not fits:
            assert end is not None
            yield _number(text, start, end, total + current, words)
            start, total, current = None, 0, 0
        if start is None:
            start = begin
        end = stop
        if value >= 1000:
            total, current, unit = total + max(current, 1) * value, 0, value
        elif value == 100:
            current = max(current, 1) * 100
            unit = 100
        elif value == 20 and current % 100 == 4 and unit == 1:  # quatre-vingts
            current, unit = current + 76, 20
        else:
            current += value
            # French continues from 60 and 80: soixante-dix-sept.
            unit = 10 if value == 10 and current % 100 in (70, 90) else _unit_of(value)
    if start is not None and end is not None:
        yield _number(text, start, end, total + current, words)


def _unit_of(value: int) -> int:
    return (
        100 if value % 100 == 0 and value else 20 if value in (60, 80) else 10 if value >= 20 and value % 10 == 0 else 1
    )


def _continues(current: int, unit: int, value: int) -> bool:
    if value >= 100:
        return (value == 100 and 0 < current < 100) or value >= 1000
    return value < unit or (value == 20 and current % 100 == 4)


def _number(text: str, start: int, end: int, value: int, words: LanguageWords) -> Numeral:
    word = text[start:end].lower()
    article = _ARTICLE.search(text, max(0, start - 10), start) if word in words.scales else None
    if article and article[1].lower() in words.articles:
        return Numeral(article.start(), end, (str(value),))
    return Numeral(start, end, (str(value),), word in words.ambiguous or value == 1 or word in words.scales)


def _chinese_factor(units: str) -> int:
    factor = 1
    for unit in units[:8]:
        factor *= _CHINESE_UNITS.get(unit) or _CHINESE_SCALES[unit]
    return factor


def _parse_chinese(text: str) -> Iterator[Numeral]:
    for match in _CHINESE.finditer(text):
        numeral = match[0]
        is_ordinal = numeral.startswith("第")
        whole, _, part = numeral.lstrip("第").partition("点")
        if not whole or len(whole) > _MOST_DIGITS:
            continue
        value = chinese_value(whole)
        decimals = "".join(str(_CHINESE_DIGITS[digit]) for digit in part[:_MOST_DIGITS])
        key = _key(f"{value}.{decimals}" if decimals else str(value), 1)
        # A single character is often part of a word, as in 一起.
        yield Numeral(match.start(), match.end(), (key + "th" * is_ordinal,), len(whole) == 1)


def chinese_value(numeral: str) -> int:
    if all(char in _CHINESE_DIGITS for char in numeral):  # 二〇一五
        return int("".join(str(_CHINESE_DIGITS[char]) for char in numeral))
    total = section = digit = 0
    for char in numeral:
        if char in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[char]
        elif char in _CHINESE_UNITS:
            section, digit = section + (digit or 1) * _CHINESE_UNITS[char], 0
        else:
            total, section, digit = (total + section + digit or 1) * _CHINESE_SCALES[char], 0, 0
    return total + section + digit
