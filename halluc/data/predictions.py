"""Predictions of another tool in a file, with confidences or without.

Files are read as gold is, by the row layer and the readers of the tasks. Here is what differs: the field is called
``predicted`` or as in the data, and items have confidences. What halluc itself writes is read too.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.characters import cut
from halluc.core.errors import Location, data_error, refuse
from halluc.core.examples import Corpus
from halluc.data.config import DataConfig
from halluc.data.fields.values import whole
from halluc.data.joining import Stated, differs
from halluc.data.rows.layout import Layout
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import absent, refuse_irregular
from halluc.data.rows.row import BadLine, Finding, Row, Unreadable, folded
from halluc.data.statistics import counted

PREDICTED, PREDICTED_TAGS = "predicted", "predicted_tags"
MEND = "every example needs a prediction: mend the line"


class PredictionFile(ABC):
    """One file; ``bad``, ``notes`` (counts) and ``warnings`` (the same in sentences) fill up while it is read.

    Args:
        reader: the class of the task's reader. data: the section of the config, which names fields and cuts texts.
        corpus: the split that the predictions are about. scheme: that of its gold annotation, None where it has none.
    """

    def __init__(self, path: Path, reader: Any, data: Any, corpus: Corpus[Any], scheme: str | None) -> None:
        self.path, self.data, self.corpus, self.gold_scheme = path, data, corpus, scheme
        self.bad: list[BadLine] = []
        self.notes: dict[str, int] = {}
        self.warnings: list[str] = []

    @abstractmethod
    def read(self) -> list[Stated]:
        """All predictions in the order of the file."""

    @abstractmethod
    def renamed(self, one: Stated, names: Mapping[str, str | None]) -> Stated:
        """With other names for predicted labels, as ``eval.labels`` has them; those without a name are left out."""

    def differs(self, one: Stated, example: Any) -> bool:
        """Whether a prediction is about another input than the example has."""
        return differs(one, example)

    def rows(self, layout: Layout) -> list[Row]:
        return list(self.sound(open_rows(str(self.path), "test", layout)[1], Row))

    def sound(self, items: Iterable[Any], kind: type) -> Iterator[Any]:
        """Those of a kind; lines that cannot be read are kept in ``bad``."""
        for item in items:
            if isinstance(item, kind):
                yield item
            elif isinstance(item, BadLine):
                self.bad.append(item)

    def each(self, rows: Iterable[Row], make: Callable[[Row], Any]) -> Iterator[Any]:
        """What is made of each row that can be read."""
        for row in rows:
            try:
                yield make(row)
            except Unreadable as why:
                self.bad.append(row.bad(why))

    def warn(self, note: str, found: Sequence[Finding], told: str) -> None:
        if found:
            self.notes[note] = len(found)
            self.warnings.append(f"{counted(len(found), told)} (first: {found[0].where}: {found[0].what})")


def read_predictions(
    path: Path, data: DataConfig, corpus: Corpus[Any], scheme: str | None
) -> tuple[list[Stated], PredictionFile]:
    """All predictions in the order of the file, and the file with what was noticed in it; see ``PredictionFile``.

    Raises:
        HallucError or ManyErrors D1xx: the file is absent or empty, or a line cannot be read.
    """
    refuse_irregular(path, "it is read several times: copy what it gives into a file")
    if not path.is_file():
        raise absent(path)
    reader = registry.load(TABLE, "reader", data.task)
    file: PredictionFile = reader.Predictions(path, reader, data, corpus, scheme)
    found = file.read()
    refuse(folded(replace(one, help=MEND) if "on_bad_line" in (one.help or "") else one for one in file.bad))
    if not found:
        raise data_error("D102", "there is no prediction in it", Location(str(path)), "is this the right file?")
    return found, file


def given_id(record: Mapping[Any, Any], data: DataConfig) -> dict[str, Any]:
    """The ``id``, where there is one.

    Raises:
        Unreadable: it is neither a string nor a whole number.
    """
    given = next((record[key] for key in (data.id_field, "id") if key in record), None)
    if given is not None and not isinstance(given, str) and not whole(given):
        raise Unreadable("D107", "the id is neither a string nor a whole number")
    return {} if given is None or given == "" else {"id": str(given)}


def predicted_field(record: Mapping[Any, Any], others: Sequence[Any]) -> Any:
    """The name of the predicted field: ``predicted``, or else the first of the others.

    Raises:
        Unreadable: there is none; or one of a like name, beside which another may be gold.
    """
    name = next((name for name in (PREDICTED_TAGS, PREDICTED, *others) if name in record), None)
    meant = next((key for key in record if str(key).lower().startswith("pred")), None)
    if name in (PREDICTED_TAGS, PREDICTED) or (name is not None and meant is None):
        return name
    have = ", ".join(f"`{cut(str(key))}`" for key in list(record)[:8]) or "nothing"
    help = "" if meant is None else f"is `{cut(str(meant))}` meant? "
    problem = f"no field `{PREDICTED}`; it has {have}"
    raise Unreadable("D107" if others else "D116", problem, f"{help}call it `{PREDICTED}`")


def confidence_field(record: Mapping[Any, Any]) -> Any:
    return next((record[key] for key in ("confidence", "score") if key in record), None)


def confidence_of(given: Any) -> float | None:
    """
    Raises:
        Unreadable: it is no number from 0 to 1.
    """
    if given is None or given == "":
        return None
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not isinstance(given, bool) and 0 <= (number := float(given)) <= 1:
            return number
    raise Unreadable("D107", f"the confidence {cut(repr(given))} is not between 0 and 1", "give probabilities")
