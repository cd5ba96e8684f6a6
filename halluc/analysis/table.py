"""A ledger as arrays: one row per claim, and one per gold mention. All rates are computed from these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy

from halluc.runs.schema import LedgerLine
from halluc.task import AnyTask


@dataclass(frozen=True)
class Claims:
    """The claims that could be judged; all arrays are (claims,). ``example`` has the indexes of examples.

    ``novelty`` is empty if unknown, ``confidence`` NaN; ``kept``: the claim was not withdrawn.
    """

    example: numpy.ndarray
    verdict: numpy.ndarray
    reason: numpy.ndarray
    label: numpy.ndarray
    novelty: numpy.ndarray
    confusable: numpy.ndarray
    withheld: numpy.ndarray
    confidence: numpy.ndarray
    kept: numpy.ndarray


@dataclass(frozen=True)
class Gold:
    """The gold mentions; all arrays are (mentions,).

    ``best`` is the highest confidence of the claims that touch the mention, minus infinity if there is none;
    ``recalled``: a claim equals the mention. ``best_kept`` and ``recalled_kept`` are the same for kept claims.
    """

    example: numpy.ndarray
    label: numpy.ndarray
    novelty: numpy.ndarray
    withheld: numpy.ndarray
    best: numpy.ndarray
    best_kept: numpy.ndarray
    recalled: numpy.ndarray
    recalled_kept: numpy.ndarray


@dataclass(frozen=True)
class Table:
    """A ledger of a task with its examples; ``lengths`` are numbers of tokens, (examples,).

    ``unverifiable`` is the number of claims that could not be judged, which are in no rate. ``label_counts`` are the
    frequencies of labels in training, None if figures are not reported by frequency.
    """

    task: AnyTask
    ids: tuple[str, ...]
    lengths: numpy.ndarray
    claims: Claims
    gold: Gold
    unverifiable: int
    label_counts: Mapping[str, int] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def knows_novelty(self) -> bool:
        """Whether the training split is known: then every claim and every gold mention has a novelty."""
        return bool((self.claims.novelty != "").any() or (self.gold.novelty != "").any())

    @property
    def knows_confidence(self) -> bool:
        """Whether figures of confidence are meaningful: false if there are claims, but none has a confidence."""
        return not len(self.claims.confidence) or not numpy.isnan(self.claims.confidence).all()

    @property
    def reported_novelties(self) -> tuple[str, ...]:
        """The novelties that have figures, from the best known to new."""
        reported = {*self.task.knowledge.reported, *self.claims.novelty.tolist(), *self.gold.novelty.tolist()}
        return tuple(novelty for novelty in self.task.knowledge.novelties if novelty in reported)


def table(
    task: AnyTask,
    lines: Iterable[LedgerLine],
    ids: Sequence[str],
    lengths: Sequence[int],
    label_counts: Mapping[str, int] | None = None,
) -> Table:
    """The table of ledger lines; ``ids`` and ``lengths`` (in tokens) are of all examples."""
    index = {identity: number for number, identity in enumerate(ids)}
    claims: list[LedgerLine] = []
    unverifiable = 0
    gold = _GoldRows(index)
    for line in lines:
        if line.record == "omission":
            gold.omission(line)
        elif line.verdict == "unverifiable":
            unverifiable += 1
        else:
            claims.append(line)
            gold.claim(line)
    return Table(
        task,
        tuple(ids),
        numpy.asarray(lengths, dtype=numpy.int64),
        _claims(claims, index),
        gold.arrays(),
        unverifiable,
        label_counts,
    )


def _claims(lines: Sequence[LedgerLine], index: dict[str, int]) -> Claims:
    confidence = [numpy.nan if line.confidence is None else line.confidence for line in lines]
    return Claims(
        example=numpy.array([index[line.id] for line in lines], dtype=numpy.int64),
        verdict=_words(line.verdict for line in lines),
        reason=_words(line.reason for line in lines),
        label=_labels(line.label for line in lines),
        novelty=_words(line.novelty for line in lines),
        confusable=numpy.array([bool(line.confusable) for line in lines], dtype=bool),
        withheld=numpy.array([line.withheld for line in lines], dtype=bool),
        confidence=numpy.array(confidence, dtype=numpy.float64),
        kept=numpy.array([not line.abstained for line in lines], dtype=bool),
    )


def _words(values: Iterable[str | None]) -> numpy.ndarray:
    """An array of words from a small vocabulary, empty for None."""
    return numpy.array([value or "" for value in values], dtype=numpy.str_)


def _labels(values: Iterable[str]) -> numpy.ndarray:
    """An array of objects: in an array of strings, one label of a million characters would make every cell as wide."""
    labels = list(values)
    array = numpy.empty(len(labels), dtype=object)
    array[:] = labels
    return array


@dataclass
class _GoldRow:
    novelty: str
    withheld: bool
    best: float = -numpy.inf
    best_kept: float = -numpy.inf
    recalled: bool = False
    recalled_kept: bool = False


class _GoldRows:
    """Collects each gold mention once, from its omission or from the claims that touch it."""

    def __init__(self, index: dict[str, int]) -> None:
        self.index = index
        self.rows: dict[tuple[int, int | None, int | None, str], _GoldRow] = {}

    def omission(self, line: LedgerLine) -> None:
        self.rows[(self.index[line.id], line.start, line.end, line.label)] = _GoldRow(line.novelty or "", line.withheld)

    def claim(self, line: LedgerLine) -> None:
        # A claim without a confidence counts as certain: no threshold withdraws it.
        confidence = numpy.inf if line.confidence is None else line.confidence
        for gold in line.gold or ():
            key = (self.index[line.id], gold.start, gold.end, gold.label)
            row = self.rows.setdefault(key, _GoldRow(gold.novelty or "", gold.withheld))
            exact = line.verdict == "supported" and line.matched == (gold.start, gold.end, gold.label)
            row.best = max(row.best, confidence)
            row.recalled |= exact
            if not line.abstained:
                row.best_kept = max(row.best_kept, confidence)
                row.recalled_kept |= exact

    def arrays(self) -> Gold:
        """The mentions in the order of the text, so that two ledgers with the same gold have the same rows."""
        keys = sorted(self.rows, key=lambda key: (key[0], -1 if key[1] is None else key[1], key[2] or 0, key[3]))
        rows = [self.rows[key] for key in keys]
        return Gold(
            example=numpy.array([key[0] for key in keys], dtype=numpy.int64),
            label=_labels(key[3] for key in keys),
            novelty=_words(row.novelty for row in rows),
            withheld=numpy.array([row.withheld for row in rows], dtype=bool),
            best=numpy.array([row.best for row in rows], dtype=numpy.float64),
            best_kept=numpy.array([row.best_kept for row in rows], dtype=numpy.float64),
            recalled=numpy.array([row.recalled for row in rows], dtype=bool),
            recalled_kept=numpy.array([row.recalled_kept for row in rows], dtype=bool),
        )
