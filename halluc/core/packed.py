"""Compact storage: corpora of millions of examples as bytes, and sequences of whole numbers in flat arrays."""

from __future__ import annotations

import marshal
from abc import abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

ItemT = TypeVar("ItemT")


class OnDemand(Sequence[ItemT]):
    """A sequence that builds its items on access; a subclass defines ``__len__`` and ``at`` (for places from 0 on)."""

    @abstractmethod
    def at(self, place: int) -> ItemT: ...

    @overload
    def __getitem__(self, index: int) -> ItemT: ...
    @overload
    def __getitem__(self, index: slice) -> list[ItemT]: ...
    def __getitem__(self, index: int | slice) -> ItemT | list[ItemT]:
        places = range(len(self))[index]
        return self.at(places) if isinstance(places, int) else [self.at(place) for place in places]


# More examples are stored as bytes: a sentence of twelve words takes a kilobyte as objects, 160 bytes as bytes. An
# example is then built each time it is accessed, in a few microseconds.
MOST_OBJECTS = 100_000


@runtime_checkable
class Packable(Protocol):
    """An object that can be stored as bytes: ``of_plain(*plain)`` is equal to it.

    ``plain`` is a tuple of strings, numbers, None and tuples of these.
    """

    @property
    def plain(self) -> tuple[Any, ...]: ...
    @staticmethod
    def of_plain(*plain: Any) -> Any: ...


class Packed(OnDemand[ItemT]):
    """Items in the order in which they were appended: as objects while they are few, then, if ``Packable``, as bytes.

    The bytes never leave the process, since ``marshal`` is unsafe for bytes from elsewhere.
    """

    def __init__(self, items: Iterable[ItemT] = ()) -> None:
        self._objects: list[ItemT] = []
        self._bytes, self._ends = bytearray(), array("Q")
        self._kind: type[Any] | None = None
        for item in items:
            self.append(item)

    def append(self, item: ItemT) -> None:
        if self._kind is not None:
            self._pack(item)
            return
        self._objects.append(item)
        if len(self._objects) > MOST_OBJECTS and isinstance(item, Packable):
            self._kind = type(self._objects[0])
            for earlier in self._objects:
                self._pack(earlier)
            self._objects = []

    def _pack(self, item: Any) -> None:
        assert type(item) is self._kind, "items of one type"
        self._bytes += marshal.dumps(item.plain)
        self._ends.append(len(self._bytes))

    def settled(self) -> Sequence[ItemT]:
        """The finished sequence: a tuple if the items are objects."""
        return self if self._kind is not None else tuple(self._objects)

    def __len__(self) -> int:
        return len(self._objects) if self._kind is None else len(self._ends)

    def __iter__(self) -> Iterator[ItemT]:
        return iter(self._objects) if self._kind is None else map(self.at, range(len(self._ends)))

    def at(self, place: int) -> ItemT:
        if self._kind is None:
            return self._objects[place]
        start = self._ends[place - 1] if place else 0
        item: ItemT = self._kind.of_plain(*marshal.loads(self._bytes[start : self._ends[place]]))
        return item


class Ragged(OnDemand[tuple[int, ...]]):
    """Sequences of integers in one flat array: sequence ``i`` is ``values[ends[i] : ends[i + 1]]``.

    Args:
        most: the maximum absolute value of the integers.
    """

    def __init__(self, rows: Iterable[Iterable[int]] = (), most: int = 2**31 - 1) -> None:
        self.values = array("h" if most < 2**15 else "i")
        self.ends = array("q", (0,))
        for row in rows:
            self.append(row)

    def append(self, row: Iterable[int]) -> None:
        self.values.extend(row)
        self.ends.append(len(self.values))

    def size(self, index: int) -> int:
        return self.ends[index + 1] - self.ends[index]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def at(self, place: int) -> tuple[int, ...]:
        return tuple(self.values[self.ends[place] : self.ends[place + 1]])
