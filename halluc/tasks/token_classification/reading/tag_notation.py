"""The notation of a file's tags: the position of the prefix, the separator, and the tag for no label.

Models and files of halluc only use ``B-PER``. Other tags are converted to this form before their scheme is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from halluc.core.errors import cut
from halluc.core.labels import Scheme

_LETTERS = "BIESMLUW"
_SEPARATORS = "-_:./|"
# Prefixes that may occur together in one file: IOB1, IOB2, BIOES, BMES, BMEWO, BILOU.
_ALPHABETS = tuple(map(frozenset, ("BIES", "BIEW", "BMES", "BMEW", "BILU")))
# What other tools write for O, in lower case. `other` may be a label: it counts as O only if there is no O.
_OUTSIDE = frozenset(("o", "0", "_", "-", "", "out", "outside", "none", "null", "nil", "nan", "other"))
# The minimum share of O in a column of labels. Part-of-speech columns with a tag O (pronouns of English tweets) have it
# for less than a tenth of the tokens.
LEAST_OUTSIDE = 0.1


class UnknownNotation(ValueError):
    """Tags that cannot be read, or are ambiguous. ``tag`` is one of them; ``other_column``: they may not be tags at
    all."""

    def __init__(self, problem: str, help: str, tag: str, *, other_column: bool = False) -> None:
        self.problem, self.help, self.tag, self.other_column = problem, help, tag, other_column
        super().__init__(problem)


@dataclass(frozen=True)
class Notation:
    """The position of the prefix in a tag. ``label`` is the label of tags that consist of a prefix only.

    If tags have no prefix, each is a label, as in IO.
    """

    prefix: Literal["before", "after", "alone", "none"] = "before"
    separator: str = "-"
    lower: bool = False
    label: str = ""

    def split(self, tag: str) -> tuple[str, str] | None:
        """Prefix and label, or None if the tag does not have this notation."""
        if self.prefix == "none":
            return "I", tag
        if self.prefix == "before":
            prefix, separator, label = tag[:1], tag[1:2], tag[2:]
        elif self.prefix == "after":
            prefix, separator, label = tag[-1:], tag[-2:-1], tag[:-2]
        else:
            prefix, separator, label = tag, self.separator, self.label
        letters = _LETTERS.lower() if self.lower else _LETTERS
        if len(prefix) != 1 or prefix not in letters or separator != self.separator or not label:
            return None
        return prefix.upper(), label

    def canonical(self, tag: str) -> str | None:
        """The tag in halluc's notation, or None if it does not have this notation."""
        parts = self.split(tag)
        return None if parts is None else "-".join(parts)

    @property
    def is_rare(self) -> bool:
        """Whether labels such as `type-b` look similar, so that a single prefix is not evidence."""
        return self.lower and self.prefix == "after"

    def fits(self, tags: Collection[str]) -> bool:
        """Whether all tags have this notation, with prefixes of one scheme."""
        parts = list(map(self.split, tags))
        return None not in parts and _are_of_one_scheme({one[0] for one in parts if one is not None})

    def fits_partly(self, tags: Collection[str]) -> bool:
        """Whether a label occurs with several prefixes, so that other tags are mistakes rather than labels."""
        prefixes: dict[str, set[str]] = {}
        for prefix, label in filter(None, map(self.split, tags)):
            prefixes.setdefault(label, set()).add(prefix)
        return any(len(one) > 1 and _are_of_one_scheme(one) for one in prefixes.values())

    def __str__(self) -> str:
        """The form of a tag, if it is not halluc's."""
        if self.prefix == "none":
            return "each tag is a label"
        if self.prefix == "alone":
            return f"tags without a label, which is `{self.label}`"
        first = "b" if self.lower else "B"
        parts = (first, "LABEL") if self.prefix == "before" else ("LABEL", first)
        return f"tags are written as `{self.separator.join(parts)}`"


def _are_of_one_scheme(prefixes: Collection[str]) -> bool:
    """Whether a scheme has these prefixes, and a mention can begin with one of them."""
    begins = not set("EML").intersection(prefixes) or "B" in prefixes
    return begins and any(alphabet.issuperset(prefixes) for alphabet in _ALPHABETS)


STANDARD, LABELS = Notation(), Notation("none")


_SIDES: tuple[Literal["before", "after"], ...] = ("before", "after")
_AFFIXED = tuple(
    Notation(prefix, separator, lower) for separator in _SEPARATORS for lower in (False, True) for prefix in _SIDES
)


def may_be_outside(tag: str) -> bool:
    """Whether a tag may be another tool's O."""
    return tag.strip().lower() in _OUTSIDE


def notation_of(
    tags: Collection[str], configured: Scheme | None, label: str | None, outside: Callable[[], float]
) -> Notation:
    """The notation of the tags, from all of them.

    Args:
        tags: the distinct tags, without those outside. configured: the configured scheme, if any.
        label: the label of tags without one. outside: returns the share of tokens outside.

    Raises:
        UnknownNotation: no reading fits, or several do.
    """
    spelled = [STANDARD.split(tag) for tag in tags]
    if configured == "io":
        return _io_notation(tags, spelled)
    if all(spelled):
        return STANDARD
    if (bare := _bare_notation(tags, label)) is not None:
        return bare
    some = [one for one in _AFFIXED if one.fits_partly(tags)]
    fitting = [one for one in _AFFIXED if one.fits(tags) and (one in some or not one.is_rare)] or some
    if len(fitting) > 1 and fitting[0] != STANDARD:
        raise UnknownNotation(
            f"the tags can be read in several ways: {'; or '.join(map(str, fitting))}",
            "write them as B-LABEL; or, if each tag is a label, set `data.scheme: io`",
            min(tags),
        )
    if fitting:
        return fitting[0]
    if configured is None and not any(spelled):
        _refuse_labels(tags, outside())
        return LABELS
    return STANDARD


def _io_notation(tags: Collection[str], spelled: list[tuple[str, str] | None]) -> Notation:
    prefixes = {parts[0] if parts else None for parts in spelled}
    if prefixes <= {"I"}:
        return STANDARD
    if None not in prefixes:
        tag = min(tag for tag in tags if not tag.startswith("I"))
        raise UnknownNotation(
            f"`{cut(tag)}` marks the start or end of a mention, but IO has no such tags",
            "set `data.scheme: auto`, or remove the key",
            tag,
        )
    return LABELS


def _bare_notation(tags: Collection[str], label: str | None) -> Notation | None:
    """The notation of tags that consist of a prefix only, or of B and I among such."""
    for lower in (False, True):
        notation = Notation("alone", "", lower, label or "LABEL")
        begin = "b" if lower else "B"
        if notation.fits(tags) or {begin, "i" if lower else "I"} <= set(tags):
            if label is None:
                raise UnknownNotation(
                    f"tags without a label, such as `{begin if begin in tags else min(tags)}`",
                    "set `data.label: ENTITY` (the name of the label); or, if each tag is a label, set `data.scheme: "
                    "io`",
                    min(tags),
                )
            return notation
    return None


def _refuse_labels(tags: Collection[str], outside: float) -> None:
    """
    Raises:
        UnknownNotation: tags that are more likely something else than labels.
    """
    odd = next((tag for tag in sorted(tags) if may_be_outside(tag) and not (outside and tag.lower() == "other")), None)
    if all(tag.removeprefix("-").isdecimal() for tag in tags):
        problem = "the tags are numbers"
        help = "set `data.tag_names`, such as [O, B-PER]; or, if each number is a label, set `data.scheme: io`"
    elif odd is not None:
        problem = f"`{odd}` may be a label, or mean O"
        help = f"if so, set {outside_key(odd)}; if it is a label, set `data.scheme: io`"
    elif not outside:
        problem = f"{_list_tags(tags)}, but no token is O"
        help = "if each tag is a label, set `data.scheme: io`"
    elif outside < LEAST_OUTSIDE:
        problem = f"{_list_tags(tags)}, but only {outside:.1%} of the tokens are O"
        help = "if each tag is a label, set `data.scheme: io`"
    else:
        return
    raise UnknownNotation(problem, help, odd if odd is not None else min(tags), other_column=True)


def outside_key(tag: str) -> str:
    """The config key for a tag with the meaning of O."""
    return f'`data.outside_tags: ["O", "{tag}"]`'


def _list_tags(tags: Collection[str]) -> str:
    shown = ", ".join(f"`{cut(tag)}`" for tag in sorted(tags)[:4])
    return f"tags without a prefix ({shown}{f' and {len(tags) - 4:,} more' if len(tags) > 4 else ''})"
