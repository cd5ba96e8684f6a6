"""Tokens and tags as files hold them: lists, lists that were written as text, objects, numbers."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from halluc.data.rows.row import Unreadable

# The keys of a token that is an object, the most usual first.
WORD_KEYS = ("text", "word", "token", "form", "orth")
# Longer texts are not taken for a list of Python, whose parser is slow and takes memory.
_MOST_LITERAL = 1_000_000
_STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# As NumPy prints arrays: no commas. Python would take the strings of such a list for one.
_ARRAY = re.compile(rf"\[\s*{_STRING}(?:\s+{_STRING})+\s*\]", re.DOTALL)
_NUMBERS = re.compile(r"\[\s*-?\d+(?:\s+-?\d+)+\s*\]")
_STRINGS = re.compile(_STRING, re.DOTALL)
_GLUED = re.compile(r"""['"]\s*['"]""")
EMPTY = ("D106", "an empty sentence", "take the line out, or set `data.on_bad_line: skip`")

Place = tuple[int, int]


def unpacked(value: Any) -> Any:
    """A value, or what it says where it is text that holds a list or an object, in JSON or as Python prints it."""
    if not isinstance(value, str) or not (text := value.strip()) or text[0] + text[-1] not in ("[]", "{}"):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _MOST_LITERAL:
        return value
    if _ARRAY.fullmatch(text):
        return [_literal(piece) for piece in _STRINGS.findall(text)]
    if _NUMBERS.fullmatch(text):
        return [int(piece) for piece in text[1:-1].split()]
    found = _literal(text)
    return value if found is None else found


def _literal(text: str) -> Any:
    """What Python reads; None where it is not a literal, or two strings stand side by side, which Python would join."""
    try:
        tree = ast.parse(text, mode="eval")
        if _GLUED.search(text) and any(_is_joined(node, text) for node in ast.walk(tree)):
            return None
        return ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _is_joined(node: ast.AST, text: str) -> bool:
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return False
    source = ast.get_source_segment(text, node) or ""
    return len(_STRINGS.findall(source)) > 1


def words(value: Any, field: str, text: str | None = None) -> tuple[tuple[str, ...], list[Place] | None]:
    """The words of a list, and their places in the text where the objects of the list say them.

    Args:
        value: a list of strings or of objects, or text that holds such a list.

    Raises:
        Unreadable: no such list; D106: it is empty; D109: the places contradict the text.
    """
    if isinstance(value, str):
        value = unpacked(value)
    if isinstance(value, (list, tuple)):
        kinds = set(map(type, value))
        if kinds == {str}:
            return tuple(value), None
        if kinds == {dict}:
            return _of_objects(value, field, text)
        if not kinds:
            raise Unreadable(*EMPTY)
    raise Unreadable("D107", f"`{field}` is not a list of strings")


def _of_objects(
    tokens: Sequence[Mapping[str, Any]], field: str, text: str | None
) -> tuple[tuple[str, ...], list[Place] | None]:
    key = next((key for key in WORD_KEYS if isinstance(tokens[0].get(key), str)), None)
    places = _places(tokens)
    if key is None:
        if places is None or text is None:
            have = ", ".join(f"`{name}`" for name in list(tokens[0])[:8]) or "nothing"
            raise Unreadable(
                "D107", f"the items of `{field}` have no text; the first has {have}", "see `data.tokens_field`"
            )
        return tuple(text[start:end] for start, end in places), places
    found = [str(token.get(key)) for token in tokens if isinstance(token.get(key), str)]
    if len(found) < len(tokens):
        raise Unreadable("D107", f"an item of `{field}` has no `{key}`")
    if places is None or text is None or any(text[slice(*at)] != word for word, at in zip(found, places, strict=True)):
        return tuple(found), None  # as where they count UTF-16: the words are looked for in the text
    return tuple(found), places


def _places(tokens: Sequence[Mapping[str, Any]]) -> list[Place] | None:
    """Where the tokens say that they stand, one after another; None where they do not."""
    places: list[Place] = []
    at = 0
    for token in tokens:
        start, end = token.get("start"), token.get("end")
        if type(start) is not int or type(end) is not int or not at <= start < end:
            return None
        places.append((start, end))
        at = end
    return places


def tags(value: Any, field: str, count: int, names: Mapping[int, str] | None) -> tuple[str, ...]:
    """The tags of ``count`` tokens, as text.

    Args:
        value: a list of texts or numbers, text that holds such a list, or tags between blanks or commas.
        names: what numbers mean.

    Raises:
        Unreadable: D107: no such list. D108: of another length. D121: a number that has no name.
    """
    if isinstance(value, str) and isinstance(value := unpacked(value), str):
        pieces = value.split()
        value = pieces if len(pieces) == count else value.split(",") if value.count(",") == count - 1 else pieces
    if not isinstance(value, (list, tuple)):
        raise Unreadable("D107", f"`{field}` is not a list of tags")
    if len(value) != count:
        raise Unreadable("D108", f"{count} tokens but {len(value)} tags")
    if names is None and set(map(type, value)) == {str}:
        return tuple(value)
    return tuple([_name(tag, field, names) for tag in value])


def _name(tag: Any, field: str, names: Mapping[int, str] | None) -> str:
    if isinstance(tag, str) and not (names and tag.lstrip("-").isdecimal()):
        return tag
    if isinstance(tag, bool) or not isinstance(tag, (int, str)):
        raise Unreadable("D107", f"`{field}` is not a list of strings")
    if names is None and int(tag) < 0:
        raise Unreadable("D121", f"{tag} is no class of `{field}`", "are the tags of this split hidden?")
    if names is None:
        help = "set `data.tag_names`, the name of 0 first: [O, B-PER, I-PER]"
        raise Unreadable("D121", f"`{field}` holds numbers, as {tag}, and nothing says which tags they are", help)
    if int(tag) not in names:
        raise Unreadable("D121", f"{tag} is no class of `{field}`", "see `data.tag_names`")
    return names[int(tag)]


def kept_tags(tags: tuple[str, ...], kept: Sequence[int]) -> tuple[str, ...]:
    """The tags of the tokens that are kept.

    Raises:
        Unreadable D106: a token that shows nothing has a tag of a mention.
    """
    left = set(kept)
    odd = next((tag for at, tag in enumerate(tags) if at not in left and tag not in ("O", "")), None)
    if odd is not None:
        raise Unreadable("D106", f"a token that shows nothing has the tag {odd}", "take it out, or move its tag")
    return tuple(tags[at] for at in kept)


def located(tokens: Sequence[str], text: str) -> list[Place] | None:
    """Where the tokens stand in the text, one after another with only white space between; None where they do not."""
    bounds, at = [], 0
    for token in tokens:
        if not text.startswith(token, at):
            while at < len(text) and text[at].isspace():
                at += 1
            if not text.startswith(token, at):
                return None
        bounds.append((at, at + len(token)))
        at += len(token)
    return bounds
