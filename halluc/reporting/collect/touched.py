"""Edits on record, made again or taken back, to tell which tokens of an example they touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from pydantic import BaseModel

Range = tuple[int, int]


class Edited(BaseModel):
    """An edit as augment/provenance.jsonl has it: positions are tokens before the edits of its step, which do not
    overlap. A reordering has ``cuts`` and ``order``."""

    step: int = 0
    start: int
    end: int
    before: list[str]
    after: list[str]
    why: str
    cuts: list[int] | None = None
    order: list[int] | None = None


Steps = Sequence[Sequence[Edited]]


def steps(edits: Iterable[Edited]) -> list[list[Edited]]:
    """The edits that were made at once, from left to right, step after step."""
    ordered = sorted(edits, key=lambda edit: (edit.step, edit.start, edit.end))
    return [list(step) for _, step in groupby(ordered, key=lambda edit: edit.step)]


class Token(NamedTuple):
    """A token on its way through the edits; ``origin`` is its place in the original, None for a new one."""

    text: str
    origin: int | None
    touched: bool


class EditedTokens(NamedTuple):
    """An example after its edits, and the ranges that any of them touched, before and after."""

    tokens: list[str]
    before: list[Range]
    after: list[Range]


def made(before: Sequence[str], all_steps: Steps) -> EditedTokens | None:
    """Make the edits; None where one does not fit the text."""
    tokens = [Token(text, place, False) for place, text in enumerate(before)]
    touched: set[int] = set()
    for step in all_steps:
        changed = _step(tokens, step)
        if changed is None:
            return None
        there = {token.origin for token in changed if not token.touched}
        touched |= {token.origin for token in tokens if token.origin is not None and token.origin not in there}
        tokens = changed
    after = runs(place for place, token in enumerate(tokens) if token.touched)
    return EditedTokens([token.text for token in tokens], runs(touched), after)


def _step(tokens: Sequence[Token], step: Sequence[Edited]) -> list[Token] | None:
    changed: list[Token] = []
    done = 0
    for edit in step:
        old = tokens[edit.start : edit.end]
        if edit.start < done or [token.text for token in old] != edit.before:
            return None
        new = [Token(text, None, True) for text in edit.after] if edit.cuts is None else _moved(old, edit)
        if [token.text for token in new] != edit.after:
            return None
        changed += [*tokens[done : edit.start], *new]
        done = edit.end
    return [*changed, *tokens[done:]]


def _moved(old: Sequence[Token], edit: Edited) -> list[Token]:
    """The pieces in their new order; tokens that end up elsewhere are touched. Empty where the cuts make no sense."""
    cuts, order = [cut - edit.start for cut in edit.cuts or ()], edit.order or []
    if any(not 0 <= cut <= len(old) for cut in cuts) or sorted(order) != list(range(len(cuts) - 1)):
        return []
    places = [place for piece in order for place in range(cuts[piece], cuts[piece + 1])]
    if sorted(places) != list(range(len(old))):
        return []
    return [old[place]._replace(touched=old[place].touched or place != new) for new, place in enumerate(places)]


def undone(after: Sequence[str], all_steps: Steps) -> list[str] | None:
    """The tokens before all edits, taken back from the last step on; None where an edit is not found in the text."""
    tokens = list(after)
    for step in reversed(all_steps):
        earlier: list[str] = []
        done = shift = 0
        for edit in step:
            start = edit.start + shift
            end = start + len(edit.after)
            if start < done or tokens[start:end] != edit.after:
                return None
            earlier += [*tokens[done:start], *edit.before]
            done, shift = end, shift + len(edit.after) - len(edit.before)
        tokens = [*earlier, *tokens[done:]]
    return tokens


def runs(places: Iterable[int]) -> list[Range]:
    """Neighbouring places as (start, end)."""
    found: list[Range] = []
    for place in sorted(places):
        if found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found
