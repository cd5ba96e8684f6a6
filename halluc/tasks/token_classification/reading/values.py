"""Notations of tokens and tags in files: lists, lists written as text, objects, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halluc.data.fields import Place, unpacked
from halluc.data.rows.row import Unreadable, quoted

# The keys of a token in an object, the most usual first.
WORD_KEYS = ("text", "word", "token", "form", "orth")
EMPTY = ("D106", "an empty sentence", "remove the line, or set `data.on_bad_line: skip`")


def words(value: Any, field: str, text: str | None = None) -> tuple[tuple[str, ...], list[Place] | None]:
    """The words of a list, and their positions in the text if the objects of the list have them.

    Args:
        value: a list of strings or of objects, or a string with such a list.

    Raises:
        Unreadable: not such a list; D106: it is empty; D109: the positions contradict the text.
    """
    if isinstance(value, str):
        value = unpacked(value)
    if isinstance(value, (list, tuple)):
        kinds = set(map(type, value))
        if kinds == {str}:
            return tuple(value), None
        if kinds == {dict}:
            return _words_of_objects(value, field, text)
        if not kinds:
            raise Unreadable(*EMPTY)
    raise Unreadable("D107", f"`{field}` is not a list of strings")


def _words_of_objects(
    tokens: Sequence[Mapping[str, Any]], field: str, text: str | None
) -> tuple[tuple[str, ...], list[Place] | None]:
    key = next((key for key in WORD_KEYS if isinstance(tokens[0].get(key), str)), None)
    places = _places(tokens)
    if key is None:
        if places is None or text is None:
            raise Unreadable(
                "D107",
                f"the items of `{field}` have no text; the first has {quoted(tokens[0])}",
                "see `data.tokens_field`",
            )
        return tuple(text[start:end] for start, end in places), places
    results = [str(token.get(key)) for token in tokens if isinstance(token.get(key), str)]
    if len(results) < len(tokens):
        raise Unreadable("D107", f"an item of `{field}` has no `{key}`")
    if (
        places is None
        or text is None
        or any(text[slice(*at)] != word for word, at in zip(results, places, strict=True))
    ):
        return tuple(results), None  # positions in another unit, such as UTF-16: the caller searches the words
    return tuple(results), places


def _places(tokens: Sequence[Mapping[str, Any]]) -> list[Place] | None:
    """The stated positions of the tokens, in order; None if there are none."""
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
    """The tags of ``count`` tokens, as strings.

    Args:
        value: a list of strings or numbers, a string with such a list, or tags separated by blanks or commas.
        names: the names of numbers.

    Raises:
        Unreadable: D107: not such a list. D108: another length. D121: a number without a name.
    """
    if isinstance(value, str) and isinstance(value := unpacked(value), str):
        pieces = value.split()
        value = pieces if len(pieces) == count else value.split(",") if value.count(",") == count - 1 else pieces
    if not isinstance(value, (list, tuple)):
        raise Unreadable("D107", f"`{field}` is not a list of tags")
    if len(value) != count:
        raise Unreadable("D108", f"{count} tokens but {len(value)} tags", f"give each token one tag in `{field}`")
    if names is None and set(map(type, value)) == {str}:
        return tuple(value)
    return tuple([_name(tag, field, names) for tag in value])


def _name(tag: Any, field: str, names: Mapping[int, str] | None) -> str:
    if isinstance(tag, str) and not (names and tag.lstrip("-").isdecimal()):
        return tag
    if isinstance(tag, bool) or not isinstance(tag, (int, str)):
        raise Unreadable("D107", f"`{field}` is not a list of strings")
    if names is None and int(tag) < 0:
        raise Unreadable("D121", f"{tag} is not a class of `{field}`", "the tags of this split may be hidden")
    if names is None:
        raise Unreadable(
            "D121",
            f"`{field}` has numbers such as {tag}, but no names for them",
            "set `data.tag_names`, starting with 0: [O, B-PER, I-PER]",
        )
    if int(tag) not in names:
        raise Unreadable("D121", f"{tag} is not a class of `{field}`", "see `data.tag_names`")
    return names[int(tag)]


def select_tags(tags: tuple[str, ...], kept: Sequence[int], outside: Sequence[str]) -> tuple[str, ...]:
    """The tags of the tokens ``kept``.

    Args:
        outside: the tags of tokens outside of all mentions.

    Raises:
        Unreadable D106: an invisible token has a tag of a mention.
    """
    visible, none = set(kept), {"O", "", *outside}
    lost = next((tag for at, tag in enumerate(tags) if at not in visible and tag not in none), None)
    if lost is not None:
        raise Unreadable("D106", f"a token without visible characters has the tag {lost}", "remove it, or move its tag")
    return tuple(tags[at] for at in kept)
