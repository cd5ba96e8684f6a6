"""Sequences in compact storage, whose items are made when they are asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

ItemT = TypeVar("ItemT")


class OnDemand(Sequence[ItemT]):
    """A subclass has ``__len__`` and ``at``, which makes the item of a place from 0 to the length."""

    @abstractmethod
    def at(self, place: int) -> ItemT: ...

    @overload
    def __getitem__(self, index: int) -> ItemT: ...
    @overload
    def __getitem__(self, index: slice) -> list[ItemT]: ...
    def __getitem__(self, index: int | slice) -> ItemT | list[ItemT]:
        places = range(len(self))[index]
        return self.at(places) if isinstance(places, int) else [self.at(place) for place in places]
