"""Shards: parts of the examples whose candidates are made on several machines, and then accepted in order by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from halluc.augmentation.pipeline.journal import last_commit


@dataclass(frozen=True)
class Shard:
    """Shard ``number``, from 1, of ``of``."""

    FILE: ClassVar[str] = "tried.jsonl"

    number: int
    of: int

    def range(self, size: int, step: int = 1) -> tuple[int, int]:
        """The half-open range of its examples; all shards but the last end at a multiple of ``step``."""
        first, last = (size * number // self.of // step * step for number in (self.number - 1, self.number))
        return first, size if self.number == self.of else last

    @property
    def folder(self) -> str:
        return f".shard-{self.number}-of-{self.of}"


def finished_shards(folder: Path, fingerprint: str) -> list[Iterator[Any]] | None:
    """The results of all shards, if the set is complete, finished, and has this fingerprint."""
    named = (re.fullmatch(r"\.shard-1-of-(\d+)", one.name) for one in sorted(folder.glob(".shard-1-of-*")))
    for match in filter(None, named):
        shards = [Shard(number, int(match[1])) for number in range(1, int(match[1]) + 1)]
        if all(is_finished(folder / shard.folder, fingerprint) for shard in shards):
            return [_lines(folder / shard.folder / Shard.FILE) for shard in shards]
    return None


def is_finished(folder: Path, fingerprint: str) -> bool:
    """Whether the shard in a folder is finished, and has this fingerprint."""
    known = last_commit(folder, (Shard.FILE,), fingerprint)
    return known is not None and bool(known["state"].get("done"))


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield from map(json.loads, file)
