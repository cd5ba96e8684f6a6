"""The turns of a dialogue, in the notations of files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from halluc.core.characters import is_invisible
from halluc.data.config import Column
from halluc.data.fields import kind, nul, unpacked, value_of
from halluc.data.rows.row import MEND, Unreadable, quoted
from halluc.tasks.dialogue.examples import AGENT, USER
from halluc.tasks.text_generation.reading import first_with_value, visible_text

_SPEAKERS, _TEXTS = ("speaker", "role", "from"), ("text", "content", "value")
# The separator of turns within a text, in the test files of several dialogue corpora.
_BETWEEN = "<|endoftext|>"
# The role of instructions in lists of messages.
_SYSTEM = "system"
_FORMS = "a turn must be `{speaker, text}`, a text, or a pair of texts of user and agent"


@dataclass(frozen=True)
class Turn:
    """One turn; ``is_reply``: it is a target. ``knowledge`` is that of the turn."""

    speaker: str
    text: str
    is_reply: bool = False
    knowledge: tuple[str, ...] = ()


@dataclass(frozen=True)
class TurnForms:
    """How turns are read: ``agents`` are the speakers of replies, ``knowledge`` is the field of a turn's knowledge."""

    agents: Collection[str]
    knowledge: Column

    def turns(self, given: Any, field: Column) -> tuple[list[str], list[Turn]]:
        """The system's instructions, and the turns.

        Raises:
            Unreadable D107: they are not turns. D126: there are none. D106: one is empty.
        """
        items = unpacked(given)
        if not isinstance(items, (list, tuple)):
            raise Unreadable("D107", f"`{field}` is {kind(given)}, not a list of turns", _FORMS)
        if not items:
            raise Unreadable("D126", "a dialogue without turns", MEND)
        system, turns = list[str](), list[Turn]()
        for number, one in enumerate(items, 1):
            what = f"turn {number} of `{field}`"
            if isinstance(one, Mapping):
                turn = self._parse_turn(one, what)
                if turn.speaker == _SYSTEM and _SYSTEM not in self.agents:
                    system.append(turn.text)
                else:
                    turns.append(turn)
            elif isinstance(one, str):
                is_agent = number % 2 == 0
                turns.append(Turn(AGENT if is_agent else USER, _text(one, what), is_agent))
            else:
                turns += _pair(one, what)
        return system, turns

    def history(self, given: Any, field: Column) -> tuple[list[str], list[Turn]]:
        """The same for the turns before a reply: none of them is a target, and there may be none.

        In texts without speakers, the last turn is the user's.
        """
        items = unpacked(given)
        if items is None or items == [] or items == "":
            return [], []
        if isinstance(items, str):
            return [], list(_alternating_turns(items, f"`{field}`"))
        if isinstance(items, (list, tuple)) and all(isinstance(one, str) for one in items):
            return [], list(_alternating_turns(_BETWEEN.join(items), f"`{field}`"))
        system, turns = self.turns(items, field)
        return system, [Turn(one.speaker, one.text) for one in turns]

    def _parse_turn(self, given: Mapping[Any, Any], what: str) -> Turn:
        speaker, text = first_with_value(given, _SPEAKERS), first_with_value(given, _TEXTS)
        if speaker is None or text is None:
            raise Unreadable("D107", f"{what} has {quoted(given)}: the speaker or the text is missing", _FORMS)
        for name in (speaker, text):
            if not isinstance(given[name], str):
                raise Unreadable("D107", f"{what}: `{name}` is {kind(given[name])}, not a string", _FORMS)
        name = given[speaker].strip()
        known = facts(value_of(given, self.knowledge), self.knowledge)
        return Turn(name, visible_text(given[text], f"text in {what}", text), name in self.agents, tuple(known))


def facts(given: Any, field: Column) -> list[str]:
    """The texts of a field: empty for null and an empty list.

    Raises:
        Unreadable D126: one is empty. D107: it is not text. D119: it has a NUL character.
    """
    value = unpacked(given) if isinstance(given, str) and given.lstrip()[:1] == "[" else given
    if value is None:
        return []
    texts = list(value) if isinstance(value, (list, tuple)) else [value]
    for text in texts:
        if not isinstance(text, str):
            raise Unreadable(
                "D107", f"`{field}` has {kind(text)}, not a string", "it must be a text, or a list of texts"
            )
        if "\0" in text:
            raise nul(f"field `{field}`")
        if is_invisible(text):
            help = "write null if there is none, or set `data.on_bad_line: skip`"
            raise Unreadable("D126", f"`{field}` is an empty text", help)
    return [text.strip() for text in texts]


def _pair(given: Any, what: str) -> Iterator[Turn]:
    """The turns of a pair [preceding turns, reply]."""
    if not isinstance(given, (list, tuple)) or len(given) != 2 or not all(isinstance(one, str) for one in given):
        raise Unreadable("D107", f"{what} is {kind(given)}, not a turn", _FORMS)
    yield from _alternating_turns(given[0], what)
    yield Turn(AGENT, _text(given[1], what), is_reply=True)


def _alternating_turns(text: str, what: str) -> Iterator[Turn]:
    """The turns of a text, alternately of agent and user; the last is the user's."""
    turns = text.split(_BETWEEN)
    for number, one in enumerate(turns):
        is_agent = (len(turns) - number) % 2 == 0
        yield Turn(AGENT if is_agent else USER, _text(one, what))


def _text(given: str, what: str) -> str:
    return visible_text(given, f"text in {what}", what)
