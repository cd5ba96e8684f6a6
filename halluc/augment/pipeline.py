"""A corpus made: candidates by many processes, taken one after the other in (example, copy) order, in constant memory.

The bytes of the result depend on nothing but config, seed and corpora: not on processes, chunks, shards or kills.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from halluc.augment.columns import COLUMNS, write_columns
from halluc.augment.diversity import Sample, alike_in_size, distinct
from halluc.augment.filters import Filter
from halluc.augment.journal import Journal
from halluc.augment.lines import Line, Press, Tried
from halluc.augment.making import Refusal
from halluc.augment.preparing import Prepared
from halluc.augment.shards import Shard, finished_shards, shard_journal
from halluc.augment.tally import Tally
from halluc.augment.workers import in_order, number_of
from halluc.core.files import sha256_of, sync_folder, write_json
from halluc.runs.schema import AugmentFile

TRAIN, PROVENANCE, MANIFEST = "train.jsonl", "provenance.jsonl", "manifest.json"
PARTIAL = ".partial"
_ORIGINALS, _CANDIDATES, _NOTES = "originals.jsonl", "candidates.jsonl", "notes.jsonl"
_JOURNALLED = (_ORIGINALS, _CANDIDATES, PROVENANCE, _NOTES)

# Examples that are made together: enough that handing them over costs little, few enough to be done in a blink.
_CHUNK = 128

# Called with examples done and examples in all.
Progress = Callable[[int, int], None]


class Item(NamedTuple):
    """An example, its place in the training split, and how many copies it is to have."""

    number: int
    example: Any
    copies: int


class Outcome(NamedTuple):
    """What came of an example: its own line where originals are kept, and of every copy what was tried."""

    original: str | None
    tried: list[Tried]


def make(prepared: Prepared, folder: Path, fingerprint: str, progress: Progress) -> AugmentFile:
    """Write train.jsonl, provenance.jsonl and, last, manifest.json into ``folder``; goes on where a kill left off.

    Raises:
        HallucError E401: the disk is full. E430: a process was killed. R130: the journal is damaged. D130: a token
            does not fit the columns that `format: conll` asks for.
    """
    clock = time.monotonic()
    with Journal(folder / PARTIAL, _JOURNALLED, fingerprint) as journal:
        taking = _Taking.resumed(prepared, journal)
        began = taking.seconds
        for item, outcome in _outcomes(prepared, folder, fingerprint, taking.next):
            taking.take(item, outcome)
            progress(item.number + 1, len(prepared.plan))
            if journal.is_due():
                taking.seconds = began + time.monotonic() - clock
                journal.commit(taking.state())
        taking.next = len(prepared.plan)
        taking.seconds = began + time.monotonic() - clock
        journal.commit(taking.state())
    return _finish(prepared, taking.tally, folder, fingerprint, taking.seconds)


def make_shard(prepared: Prepared, folder: Path, fingerprint: str, shard: Shard, progress: Progress) -> int:
    """Try the candidates of one share of the examples, for ``make`` to take; returns how many examples that were."""
    first, last = shard.range(len(prepared.plan))
    with shard_journal(folder, shard, fingerprint) as journal:
        start = int(journal.state.get("next", first))
        if not journal.state.get("done"):
            items = _items(prepared, start, last)
            for item, outcome in _tried(prepared, items):
                journal.write(shard.FILE, json.dumps(outcome, ensure_ascii=True))
                progress(item.number + 1 - first, last - first)
                if journal.is_due():
                    journal.commit({"next": item.number + 1})
            journal.commit({"next": last, "done": True})
    return last - first


def _outcomes(prepared: Prepared, folder: Path, fingerprint: str, start: int) -> Iterator[tuple[Item, Outcome]]:
    items = _items(prepared, start, len(prepared.plan))
    shards = finished_shards(folder, fingerprint)
    if shards is None:
        return _tried(prepared, items)
    # A shard has a line an item, in the order of the items.
    skipped = sum(1 for number in range(start) if prepared.job.config.keep_original or prepared.plan[number])
    lines = itertools.islice(itertools.chain.from_iterable(shards), skipped, None)
    return zip(items, map(_read_outcome, lines), strict=True)


def _items(prepared: Prepared, first: int, last: int) -> Iterator[Item]:
    """The examples from ``first`` to ``last`` that anything is to be written of."""
    keep = prepared.job.config.keep_original
    source = itertools.islice(prepared.job.source, first, last)
    for number, example in enumerate(source, first):
        if keep or prepared.plan[number]:
            yield Item(number, example, prepared.plan[number])


def _tried(prepared: Prepared, items: Iterable[Item]) -> Iterator[tuple[Item, Outcome]]:
    """Items with their outcomes, by as many processes as the config allows."""
    config = prepared.job.config
    press, keep = prepared.press, config.keep_original

    def work(chunk: Sequence[Item]) -> list[Outcome]:
        return [_try(press, item, keep) for item in chunk]

    # A few examples are sooner made than processes started.
    workers = number_of(config.workers) if len(prepared.plan) > 4 * _CHUNK or config.workers != "auto" else 1
    for chunk, outcomes in in_order(work, _chunks(items), workers):
        yield from zip(chunk, outcomes, strict=True)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    items = iter(items)
    while chunk := list(itertools.islice(items, _CHUNK)):
        yield chunk


def _try(press: Press, item: Item, keep: bool) -> Outcome:
    original = press.original(item.example) if keep else None
    return Outcome(original, [press.candidate(item.example, copy) for copy in range(1, item.copies + 1)])


def _read_outcome(plain: Any) -> Outcome:
    """An outcome that went through JSON."""
    original, tried = plain
    return Outcome(original, [Tried(_read_line(line), [Refusal(*one) for one in refused]) for line, refused in tried])


def _read_line(plain: Any) -> Line | None:
    if plain is None:
        return None
    line = Line(*plain)
    return line._replace(keys=tuple(tuple(keys) for keys in line.keys), labels=tuple(line.labels))


@dataclass
class _Taking:
    """Takes outcomes in order: the one place where candidates meet each other."""

    prepared: Prepared
    journal: Journal
    tally: Tally
    next: int = 0
    seconds: float = 0.0
    memories: list[tuple[int, Filter]] = field(init=False)

    def __post_init__(self) -> None:
        filters = enumerate(self.prepared.filters)
        self.memories = [(number, one) for number, one in filters if one.memory is not None]

    @classmethod
    def resumed(cls, prepared: Prepared, journal: Journal) -> _Taking:
        """As the journal has it: what was taken is remembered again."""
        state = journal.state
        tally = Tally.restored(state["tally"]) if state else Tally(wanted=prepared.wanted)
        taking = cls(prepared, journal, tally, state.get("next", 0), state.get("seconds", 0.0))
        if state:
            for keys, _ in journal.lines(_NOTES):
                taking._remember(keys)
        return taking

    def state(self) -> dict[str, Any]:
        return {"next": self.next, "seconds": self.seconds, "tally": self.tally.state()}

    def take(self, item: Item, outcome: Outcome) -> None:
        if outcome.original is not None:
            self.journal.write(_ORIGINALS, outcome.original)
        for copy, tried in enumerate(outcome.tried, 1):
            self._take_one(item.example, copy, tried)
        self.next = item.number + 1

    def _take_one(self, example: Any, copy: int, tried: Tried) -> None:
        """The first candidate that shares no key with one taken before; further ones are made here and now."""
        press = self.prepared.press
        while True:
            for refusal in tried.refusals:
                self.tally.refuse(refusal, self._text(example))
            line = tried.line
            if line is None:
                self.tally.given_up += not any(refusal.reason == "unchangeable" for refusal in tried.refusals)
                return
            clash = self._clash(line)
            if clash is None:
                self._write(line)
                return
            self.tally.refuse(Refusal(clash, line.method, line.shown), self._text(example))
            tried = press.candidate(example, copy, line.attempt + 1)

    def _text(self, example: Any) -> str:
        return " ".join(self.prepared.job.shape.editable(example).tokens)

    def _clash(self, line: Line) -> str | None:
        """The filter that knows one of the line's keys already."""
        for number, one in self.memories:
            assert one.memory is not None
            if any(key in one.memory for key in line.keys[number]):
                return one.name
        return None

    def _remember(self, keys: Sequence[Sequence[int]]) -> None:
        for number, one in self.memories:
            assert one.memory is not None
            one.memory.update(keys[number])

    def _write(self, line: Line) -> None:
        self._remember(line.keys)
        self.tally.keep(line.method, line.size, line.labels, line.new)
        self.journal.write(_CANDIDATES, line.text)
        self.journal.write(PROVENANCE, line.provenance)
        self.journal.write(_NOTES, json.dumps([line.keys, line.shown]))


def _finish(prepared: Prepared, tally: Tally, folder: Path, fingerprint: str, seconds: float) -> AugmentFile:
    """Put the parts together, describe them, and let the manifest, which makes them valid, come last."""
    partial = folder / PARTIAL
    for old in (MANIFEST, COLUMNS):
        (folder / old).unlink(missing_ok=True)
    sample = Sample()
    with (partial / _NOTES).open("rb") as notes:
        for line in notes:
            sample.offer(json.loads(line)[1].split(" "))
    with (partial / _ORIGINALS).open("ab") as whole, (partial / _CANDIDATES).open("rb") as candidates:
        shutil.copyfileobj(candidates, whole, 1 << 20)
        whole.flush()
        os.fsync(whole.fileno())
    (partial / _ORIGINALS).replace(folder / TRAIN)
    (partial / PROVENANCE).replace(folder / PROVENANCE)
    sync_folder(folder)
    if prepared.job.config.format == "conll":
        write_columns(folder / TRAIN)
    manifest = _manifest(prepared, tally, fingerprint, seconds, sample, sha256_of(folder / TRAIN))
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    for left in [partial, *folder.glob(".shard-*")]:
        shutil.rmtree(left, ignore_errors=True)
    return manifest


def _manifest(
    prepared: Prepared, tally: Tally, fingerprint: str, seconds: float, sample: Sample, sha256: str
) -> AugmentFile:  # fmt: skip
    keep = prepared.job.config.keep_original
    after = prepared.before.plus(tally.new) if keep else tally.new
    diversity = {
        part: {f"distinct_{n}": distinct(texts, n) for n in (1, 2)}
        for part, texts in zip(("before", "new"), alike_in_size(prepared.sample.texts, sample.texts), strict=True)
    }
    return AugmentFile(
        fingerprint=fingerprint,
        sha256=sha256,
        wanted=tally.wanted,
        made=tally.made,
        originals=prepared.before.examples if keep else 0,
        kept=dict(sorted(tally.kept.items())),
        refused={reason: dict(sorted(by.items())) for reason, by in sorted(tally.refused.items())},
        refused_examples=dict(sorted(tally.shown.items())),
        unchangeable=tally.unchangeable,
        given_up=tally.given_up,
        before={**prepared.before.as_json(), **diversity["before"]},
        new={**tally.new.as_json(), **diversity["new"]},
        after=after.as_json(),
        seconds=round(seconds, 2),
    )
