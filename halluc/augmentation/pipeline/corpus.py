"""Makes a corpus in constant memory: candidates come from many processes, and are accepted in (example, copy) order.

The result depends only on config, seed and corpora: not on processes, chunks, shards or interruptions.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from halluc.augmentation.pipeline.journal import JOURNALLED, PARTIAL, Journal
from halluc.augmentation.pipeline.manifest import finish
from halluc.augmentation.pipeline.preparation import Prepared
from halluc.augmentation.pipeline.selection import CandidateSelection, ExampleOutcome, Item, read_outcome
from halluc.augmentation.pipeline.shards import Shard, finished_shards
from halluc.core.workers import in_order, number_of
from halluc.runs.schema import AugmentFile

# Examples that one process gets at a time.
_CHUNK = 128

# Called with examples done and examples in all.
Progress = Callable[[int, int], None]


def make(prepared: Prepared, folder: Path, fingerprint: str, progress: Progress) -> AugmentFile:
    """Write train.jsonl, provenance.jsonl and, last, manifest.json into ``folder``; resumes after an interruption.

    Raises:
        HallucError E401: the disk is full. E430: a process was killed. R130: the journal is damaged. D130: a token
            does not fit the columns that `format: conll` asks for.
    """
    clock = time.monotonic()
    with Journal(folder / PARTIAL, JOURNALLED, fingerprint) as journal:
        selection = CandidateSelection.resume(prepared, journal)
        began = selection.seconds
        for item, outcome in _outcomes(prepared, folder, fingerprint, selection.next):
            selection.accept(item, outcome)
            progress(item.number + 1, len(prepared.plan))
            if journal.is_due():
                selection.seconds = began + time.monotonic() - clock
                journal.commit(selection.state())
        selection.next = len(prepared.plan)
        selection.seconds = began + time.monotonic() - clock
        journal.commit(selection.state())
    return finish(prepared, selection.tally, folder, fingerprint, selection.seconds)


def make_shard(prepared: Prepared, folder: Path, fingerprint: str, shard: Shard, progress: Progress) -> int:
    """Make the candidates of one shard, which ``make`` then accepts; returns the number of its examples."""
    first, last = shard.range(len(prepared.plan), _CHUNK if prepared.line_maker.maker.uses_model else 1)
    with Journal(folder / shard.folder, (shard.FILE,), fingerprint) as journal:
        start = int(journal.state.get("next", first))
        if not journal.state.get("done"):
            for item, outcome in _outcomes_from(prepared, start, last):
                journal.write(shard.FILE, json.dumps(outcome, ensure_ascii=True))
                progress(item.number + 1 - first, last - first)
                if journal.is_due():
                    journal.commit({"next": item.number + 1})
            journal.commit({"next": last, "done": True})
    return last - first


def _outcomes(prepared: Prepared, folder: Path, fingerprint: str, start: int) -> Iterator[tuple[Item, ExampleOutcome]]:
    shards = finished_shards(folder, fingerprint)
    if shards is None:
        return _outcomes_from(prepared, start, len(prepared.plan))
    # A shard has one line per item, in the order of the items.
    skipped = sum(1 for number in range(start) if prepared.job.config.keep_original or prepared.plan[number])
    lines = itertools.islice(itertools.chain.from_iterable(shards), skipped, None)
    return zip(_items(prepared, start, len(prepared.plan)), map(read_outcome, lines), strict=True)


def _items(prepared: Prepared, first: int, last: int) -> Iterator[Item]:
    """The examples from ``first`` to ``last`` that are kept or copied."""
    keep = prepared.job.config.keep_original
    source = itertools.islice(prepared.job.source, first, last)
    for number, example in enumerate(source, first):
        if keep or prepared.plan[number]:
            yield Item(number, example, prepared.plan[number])


def _outcomes_from(prepared: Prepared, start: int, last: int) -> Iterator[tuple[Item, ExampleOutcome]]:
    """The outcomes of examples from ``start`` on.

    The output of a model may depend on its batch, so the whole chunk of ``start`` is made again.
    """
    first = start - start % _CHUNK if prepared.line_maker.maker.uses_model else start
    outcomes = _parallel_outcomes(prepared, _items(prepared, first, last))
    return itertools.dropwhile(lambda one: one[0].number < start, outcomes)


def _parallel_outcomes(prepared: Prepared, items: Iterable[Item]) -> Iterator[tuple[Item, ExampleOutcome]]:
    """Items with their outcomes, from several processes."""
    config, source = prepared.job.config, prepared.job.source
    line_maker, keep = prepared.line_maker, config.keep_original

    def work(given: Sequence[Item]) -> list[ExampleOutcome]:
        chunk = with_examples(given)
        copies = [(item.example, copy) for item in chunk for copy in range(1, item.copies + 1)]
        results = iter(line_maker.candidates(copies))
        originals = [line_maker.original(item.example) if keep else None for item in chunk]
        return [
            ExampleOutcome(original, list(itertools.islice(results, item.copies)))
            for original, item in zip(originals, chunk, strict=True)
        ]

    def without_examples(chunk: list[Item]) -> list[Item]:
        """Without examples that are in memory: processes have them since they were forked."""
        return [item._replace(example=None) for item in chunk] if isinstance(source, Sequence) else chunk

    def with_examples(chunk: Sequence[Item]) -> Sequence[Item]:
        return [one._replace(example=source[one.number]) for one in chunk] if isinstance(source, Sequence) else chunk

    # For a few examples, starting processes takes longer than making them; a model runs in one process, with threads.
    few = len(prepared.plan) <= 4 * _CHUNK and config.workers == "auto"
    workers = 1 if few or line_maker.maker.uses_model else number_of(config.workers)
    for chunk, outcomes in in_order(work, map(without_examples, _chunks(items)), workers):
        yield from zip(with_examples(chunk), outcomes, strict=True)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Divide by the numbers of the examples, so that chunks do not depend on where an interrupted run resumes."""
    for _, chunk in itertools.groupby(items, lambda item: item.number // _CHUNK):
        yield list(chunk)
