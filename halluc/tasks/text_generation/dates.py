"""Dates in a text, as partial ISO 8601: `14 May 2015` is 2015-05-14, `May 2015` 2015-05, `14 May` --05-14, `May` --05.

A weekday is W1 to W7, a decade 199x, a year its four digits. Relative dates (`yesterday`, `two days ago`), seasons and
spelled-out years are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import regex

from halluc.tasks.text_generation.languages import WORDS, Language
from halluc.tasks.text_generation.numerals import chinese_value


class Dated(NamedTuple):
    """Characters ``start`` to ``end``, and the possible keys of the date there, most likely first.

    `5/6/2015` has two: May in the United States, June elsewhere.
    """

    start: int
    end: int
    keys: tuple[str, ...]


_ISO = regex.compile(r"(?<![0-9./-])([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?![0-9]|[./-][0-9])")
_NUMERIC = regex.compile(r"(?<![0-9./-])([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9]|[./-][0-9])")
_YEAR = regex.compile(
    r"(?V1)(?<![[\p{L}\p{N}_$£€¥.,:/]--\p{Han}]|[£$€¥]\s)(1[5-9][0-9]{2}|20[0-9]{2})(?:(?<=0)(?P<decade>er|['’]?s)\b|(?=['’]s\b)|(?![\p{N}%$£€]|[.,:/][0-9]|['’]?[\p{L}--\p{Han}]))"
)
_DECADE = regex.compile(r"(?<![\p{L}\p{N}.,:/])['’]?([1-9]0)(?:['’]?s|er)\b")
_CHINESE = regex.compile(
    r"(?:([0-9]{4}|[零〇一二三四五六七八九]{4})年)?+(?:(1?[0-9]|十?[一二三四五六七八九十])月)?+(?:([1-3]?[0-9]|[一二三]?十?[一二三四五六七八九十])[日号])?+"
)
_CHINESE_WEEKDAY = regex.compile("(?:星期|礼拜|周)([一二三四五六日天])")
_CHINESE_DAYS = {char: number for number, char in enumerate("一二三四五六日", 1)} | {"天": 7}


@cache
def _patterns(language: Language) -> tuple[regex.Pattern[str], regex.Pattern[str]] | None:
    """A date with the name of a month, and a weekday."""
    words = WORDS[language]
    if not words.months:
        return None
    months, days = ("|".join(sorted(names, key=len, reverse=True)) for names in (words.months, words.weekdays))
    day = r"[0-3]?[0-9]"
    dated = regex.compile(
        rf"""(?<![\p{{L}}\p{{N}}])
        (?:(?P<before>(?<![0-9.,:]){day})(?:st|nd|rd|th|er|[.ºª°])?(?:[ \u00a0]{{1,2}}|-)(?:of[ ]|de[ ]|the[ ])?)?+
        (?P<month>{months})(?!\p{{L}})\.?
        (?:[ \u00a0](?:the[ ])?(?P<after>{day})(?:st|nd|rd|th)?(?![\p{{L}}\p{{N}}:%]|[.,][0-9]))?+
        (?:(?:,?[ \u00a0]|-)(?:of[ ]|del?[ ])?(?P<year>[12][0-9]{{3}})(?![\p{{L}}\p{{N}}]|[.,][0-9]))?+""",
        regex.VERBOSE | regex.IGNORECASE,
    )
    return dated, regex.compile(rf"(?<![\p{{L}}\p{{N}}])({days})s?(?![\p{{L}}\p{{N}}])", regex.IGNORECASE)


def dates(text: str, language: Language) -> list[Dated]:
    """The dates of a text in order, without overlaps."""
    results = [*_parse_numeric(text, language), *_parse_month_names(text, language), *_parse_years(text)]
    if language == "zh":
        results += _parse_chinese(text)
    # Of several with the same start, the longest.
    results.sort(key=lambda one: (one.start, -one.end))
    kept: list[Dated] = []
    for one in results:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def components(key: str) -> frozenset[str]:
    """The dates that a date implies: 2015-05-14 implies 2015, 2015-05, --05 and --05-14 too; 1994 implies 199x."""
    if key.startswith("W") or key.endswith("x"):
        return frozenset({key})
    year, month, day = _parts(key)
    keys = {key}
    if year:
        keys |= {year, year[:3] + "x"}
    if month:
        keys |= {f"--{month}"} | ({f"{year}-{month}"} if year else set())
        keys |= {f"--{month}-{day}"} if day else set()
    return frozenset(keys)


def _parts(key: str) -> tuple[str, str, str]:
    if key.startswith("--"):
        month, _, day = key[2:].partition("-")
        return "", month, day
    year, _, rest = key.partition("-")
    month, _, day = rest.partition("-")
    return year, month, day


def _iso(year: str, month: int, day: int | None) -> str | None:
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return None
    begin = f"{year}-" if year else "--"
    return f"{begin}{month:02}" + (f"-{day:02}" if day is not None else "")


def _parse_numeric(text: str, language: Language) -> Iterator[Dated]:
    for match in _ISO.finditer(text):
        key = _iso(match[1], int(match[3]), int(match[4]))
        if key:
            yield Dated(match.start(), match.end(), (key,))
    for match in _NUMERIC.finditer(text):
        if len(match[4]) == 2 and match[2] == "." and language == "en":
            continue  # a version or a section number rather than a date
        one, other = int(match[1]), int(match[3])
        year = match[4] if len(match[4]) == 4 else ("20" if int(match[4]) < 50 else "19") + match[4]
        keys = [_iso(year, other, one), _iso(year, one, other)]
        if language == "en" and match[2] == "/":
            keys.reverse()
        kept = tuple(dict.fromkeys(key for key in keys if key))
        if kept:
            yield Dated(match.start(), match.end(), kept)


def _parse_month_names(text: str, language: Language) -> Iterator[Dated]:
    patterns = _patterns(language)
    if patterns is None:
        return
    words, has_capitals = WORDS[language], language in ("en", "de")
    for match in patterns[0].finditer(text):
        month, day = match["month"], match["before"] or match["after"]
        is_alone = day is None and match["year"] is None
        # `may` and `mar` are also words, and in English and German the names of months are capitalised.
        is_doubtful = month.lower() in words.ambiguous or len(month) < 4 or (has_capitals and month.islower())
        if is_alone and is_doubtful and not (month.istitle() and _follows_preposition(text, match.start())):
            continue
        key = _iso(match["year"] or "", words.months[month.lower()], int(day) if day else None)
        if key:
            yield Dated(match.start(), match.end() - match[0].endswith("."), (key,))
    for match in patterns[1].finditer(text):
        if not (has_capitals and match[1].islower()):
            yield Dated(match.start(), match.end(), (f"W{words.weekdays[match[1].lower()]}",))


_PREPOSITION = regex.compile(
    r"(?<!\p{L})(?:in|since|until|till|by|last|next|this|of|from|im|seit|bis|de|en)[ ]\Z", regex.IGNORECASE
)


def _follows_preposition(text: str, start: int) -> bool:
    return _PREPOSITION.search(text[max(0, start - 7) : start]) is not None


def _parse_years(text: str) -> Iterator[Dated]:
    for match in _YEAR.finditer(text):
        yield Dated(match.start(), match.end(), (match[1][:3] + "x" if match["decade"] else match[1],))
    for match in _DECADE.finditer(text):
        yield Dated(match.start(), match.end(), (f"19{match[1][0]}x",))


def _parse_chinese(text: str) -> Iterator[Dated]:
    def number(numeral: str) -> int:
        return int(numeral) if numeral.isascii() else chinese_value(numeral)

    for match in _CHINESE.finditer(text):
        year, month, day = match.groups()
        if year and not month:
            yield Dated(match.start(), match.end(), (str(number(year)),))
        elif month:
            key = _iso(str(number(year)) if year else "", number(month), number(day) if day else None)
            if key:
                yield Dated(match.start(), match.end(), (key,))
    for match in _CHINESE_WEEKDAY.finditer(text):
        yield Dated(match.start(), match.end(), (f"W{_CHINESE_DAYS[match[1]]}",))
