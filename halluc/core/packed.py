"""Compact storage: corpora of millions of examples as bytes in files, and sequences of integers in flat arrays."""

from __future__ import annotations

import marshal
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

from halluc.core.mapped import MappedArray, number_array

ItemT = TypeVar("ItemT")

# While a sequence is iterated, its pages are unmapped after so many items.
_MAPPED = 100_000


class OnDemand(Sequence[ItemT]):
    """A sequence that builds its items on access; a subclass defines ``__len__`` and ``at`` (for places from 0 on)."""

    @abstractmethod
    def at(self, place: int) -> ItemT: ...

    def evict(self) -> None:
        """Unmap the pages of files that were read, until they are read again."""

    def __iter__(self) -> Iterator[ItemT]:
        for start in range(0, len(self), _MAPPED):
            yield from map(self.at, range(start, min(start + _MAPPED, len(self))))
            self.evict()

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
    """Items in the order in which they were appended: as objects while they are few, then, if ``Packable``, as bytes
    in temporary files, which only processes of the same training read, since ``marshal`` is unsafe for other bytes.

    Raises:
        HallucError E401: see ``MappedArray``.
    """

    _bytes: MappedArray
    _ends: MappedArray

    def __init__(self, items: Iterable[ItemT] = ()) -> None:
        self._objects: list[ItemT] = []
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
            self._bytes, self._ends = MappedArray("B"), MappedArray("Q")
            for earlier in self._objects:
                self._pack(earlier)
            self._objects = []

    def _pack(self, item: Any) -> None:
        assert type(item) is self._kind, "items of one type"
        self._bytes.frombytes(marshal.dumps(item.plain))
        self._ends.append(len(self._bytes))

    def settled(self) -> Sequence[ItemT]:
        """The finished sequence: a tuple if the items are objects."""
        return self if self._kind is not None else tuple(self._objects)

    def __len__(self) -> int:
        return len(self._objects) if self._kind is None else len(self._ends)

    def evict(self) -> None:
        if self._kind is not None:
            self._bytes.evict()

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
        is_mapped: whether they are stored in temporary files.
    """

    def __init__(
        self, rows: Iterable[Iterable[int]] = (), most: int = 2**31 - 1, *, is_mapped: bool = False
    ) -> None:  # fmt: skip
        self.values = number_array("h" if most < 2**15 else "i", is_mapped=is_mapped)
        self.ends = number_array("q", is_mapped=is_mapped)
        self.ends.append(0)
        for row in rows:
            self.append(row)

    def append(self, row: Iterable[int]) -> None:
        self.values.extend(row)
        self.ends.append(len(self.values))

    def evict(self) -> None:
        for numbers in (self.values, self.ends):
            if isinstance(numbers, MappedArray):
                numbers.evict()

    def size(self, index: int) -> int:
        return self.ends[index + 1] - self.ends[index]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def at(self, place: int) -> tuple[int, ...]:
        return tuple(self.values[self.ends[place] : self.ends[place + 1]])
