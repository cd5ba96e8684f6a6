"""Predictions of another tool in a file, with or without confidences, and their assignment to the examples of a split.

Files are read like gold, by ``data.rows`` and the readers of the tasks, with two differences: the field is called
``predicted`` or as in the data, and items have confidences. Output of halluc can be read too.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.characters import cut
from halluc.core.errors import HallucError, Location, data_error, refuse
from halluc.core.examples import Corpus
from halluc.core.quantities import quantity
from halluc.data.config import DataConfig
from halluc.data.fields import whole
from halluc.data.rows.reading import format_of, open_rows
from halluc.data.rows.references import refuse_unless_file
from halluc.data.rows.row import BadLine, Format, Layout, Notice, Row, Unreadable, folded

# Errors of the assignment: the file may belong to another split.
MISSING, EXTRA, OTHER_TOKENS = "D150", "D151", "D152"
JoinedBy = Literal["id", "order"]
_SHOWN_TOKENS = 12


@dataclass(frozen=True, slots=True)
class ExternalPrediction:
    """The prediction of a file for one example.

    ``example`` has the prediction as its annotation; its tokens are empty if the file has no text. ``confidences`` has
    one entry for each span or label, None if the file has no confidence. ``tags`` are raw IOB2 tags, valid or not, if
    the file has tags; ``in_scope`` is the highest probability of any label, if the file has it.
    """

    example: Any
    confidences: tuple[float | None, ...]
    has_id: bool = False
    tags: tuple[str, ...] | None = None
    in_scope: float | None = None


PREDICTED, PREDICTED_TAGS = "predicted", "predicted_tags"
_CONFIDENCES = ("confidence", "score")
MEND = "every example needs a prediction: fix the line"


class PredictionFile(ABC):
    """A file of predictions; ``bad``, ``notes`` (counts) and ``warnings`` (sentences) are filled while it is read.

    Args:
        data: the section of the config, with field names and tokenization.
        corpus: the split of the predictions.
        scheme: the tag scheme of its gold annotation, None if it has none.
    """

    def __init__(self, path: Path, data: Any, corpus: Corpus[Any], scheme: str | None) -> None:
        self.path, self.data, self.corpus, self.gold_scheme = path, data, corpus, scheme
        self.bad: list[BadLine] = []
        self.notes: dict[str, int] = {}
        self.warnings: list[str] = []

    @abstractmethod
    def read(self) -> list[ExternalPrediction]:
        """All predictions in the order of the file."""

    def renamed(self, one: ExternalPrediction, names: Mapping[str, str | None]) -> ExternalPrediction:
        """Rename predicted labels according to ``eval.labels``; labels without a name are left out."""
        return one

    def identity(self, row: Row, given: Mapping[str, str]) -> str:
        """The id of a prediction: the ``given`` one, or that of the example at this place."""
        return given.get("id", f"{self.corpus.split}-{row.number or row.line}")

    def differs(self, one: ExternalPrediction, example: Any) -> bool:
        """Whether a prediction, if it has its input, belongs to another input than the example."""
        return bool(one.example.tokens) and bool(one.example.tokens != example.tokens)

    def layout(
        self,
        *fields: str,
        formats: tuple[Format, ...] = ("jsonl", "json", "csv", "table", "text"),
        unique: Sequence[str] = (),
    ) -> Layout:
        """The layout of the file; its format is detected from name and content.

        Args:
            fields: the fields that may contain the predictions, besides ``predicted``. unique: further fields that a
                table may have only once.
        """
        layout = Layout(
            encoding=self.data.encoding,
            max_line_bytes=self.data.max_line_bytes,
            quoting=self.data.quoting,
            formats=formats,
            requested_fields=(PREDICTED, *fields),
            unique=(*unique, str(self.data.id_field), *_CONFIDENCES),
        )
        return replace(layout, format=format_of(self.path, layout))

    def rows(self, layout: Layout) -> list[Row]:
        return list(self.sound(open_rows(str(self.path), "test", layout)[1], Row))

    def sound(self, items: Iterable[Any], kind: type) -> Iterator[Any]:
        """The items of a kind; lines that cannot be read are added to ``bad``."""
        for item in items:
            if isinstance(item, kind):
                yield item
            elif isinstance(item, BadLine):
                self.bad.append(item)

    def each(self, rows: Iterable[Row], make: Callable[[Row], Any]) -> Iterator[Any]:
        """The result for each readable row."""
        for row in rows:
            try:
                yield make(row)
            except Unreadable as why:
                self.bad.append(row.bad(why))

    def warn(self, note: str, notices: Sequence[Notice], text: str) -> None:
        if notices:
            self.notes[note] = len(notices)
            self.warnings.append(f"{quantity(len(notices), text)} (first: {notices[0]})")


def read_predictions(
    path: Path, data: DataConfig, corpus: Corpus[Any], scheme: str | None
) -> tuple[list[ExternalPrediction], PredictionFile]:
    """All predictions in the order of the file, and the file with its notes; see ``PredictionFile``.

    Raises:
        HallucError or ManyErrors D1xx: the file is absent or empty, or a line cannot be read.
    """
    refuse_unless_file(path, "it is read several times: save its content to a file")
    reader = registry.load(TABLE, "reader", data.task)
    file: PredictionFile = reader.Predictions(path, data, corpus, scheme)
    predictions = file.read()
    refuse(folded(replace(one, help=_help(one, data)) for one in file.bad))
    if not predictions:
        raise data_error("D102", "it has no predictions", Location(str(path)), "check that this is the right file")
    return predictions, file


def _help(bad: BadLine, data: DataConfig) -> str:
    """The advice for a line of predictions: the keys of ``data`` also apply to gold, and no line may be left out."""
    if bad.code == "D104":
        return f"convert the file to {data.encoding}, the encoding of the data, for example with `iconv`"
    return MEND if bad.help is None or "on_bad_line" in bad.help else bad.help


def given_id(record: Mapping[Any, Any], data: DataConfig) -> dict[str, Any]:
    """The ``id``, if there is one.

    Raises:
        Unreadable: it is neither a string nor a whole number.
    """
    given = next((record[key] for key in (data.id_field, "id") if key in record), None)
    if given is not None and not isinstance(given, str) and not whole(given):
        raise Unreadable("D107", "the id is neither a string nor a whole number")
    return {} if given is None or given == "" else {"id": str(given)}


def predicted_field(record: Mapping[Any, Any], others: Sequence[Any]) -> Any:
    """The name of the predicted field: ``predicted``, otherwise the first of the other names.

    Raises:
        Unreadable: there is none; or only one of the other names, which may be gold, besides a field such as ``pred``.
    """
    name = next((name for name in (PREDICTED_TAGS, PREDICTED, *others) if name in record), None)
    meant = next((key for key in record if str(key).lower().startswith("pred")), None)
    if name in (PREDICTED_TAGS, PREDICTED) or (name is not None and meant is None):
        return name
    have = ", ".join(f"`{cut(str(key))}`" for key in list(record)[:8]) or "nothing"
    problem = f"no field `{PREDICTED}`; it has {have}"
    help = ("" if meant is None else f"did you mean `{cut(str(meant))}`? ") + f"rename it to `{PREDICTED}`"
    raise Unreadable("D107" if others else "D116", problem, help)


def confidence_field(record: Mapping[Any, Any]) -> Any:
    return next((record[key] for key in _CONFIDENCES if key in record), None)


def confidence_of(given: Any) -> float | None:
    """
    Raises:
        Unreadable: it is not a number from 0 to 1.
    """
    if given is None or given == "":
        return None
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not isinstance(given, bool) and 0 <= (number := float(given)) <= 1:
            return number
    raise Unreadable("D107", f"the confidence {cut(repr(given))} is not between 0 and 1", "give probabilities")


def joined(
    predictions: Sequence[ExternalPrediction], corpus: Corpus[Any], file: PredictionFile
) -> tuple[list[ExternalPrediction], JoinedBy]:
    """The prediction for each example, in the order of the split, and how they were assigned: by ``id`` or ``order``.

    Ids are not used if none of them occurs in the split and the file has the texts.

    Raises:
        HallucError or ManyErrors D107: only some predictions have an id. D112: an id is not unique. D150: examples
            without a prediction. D151: predictions without an example. D152: other tokens than in the split.
    """
    place = {example.id: number for number, example in enumerate(corpus)}
    named = [one for one in predictions if one.has_id]
    if not any(one.example.id in place for one in named) and all(one.example.tokens for one in named):
        refuse(_of_order(predictions, corpus, file))
        return list(predictions), "order"
    if len(named) < len(predictions):
        message = f"{quantity(len(predictions) - len(named), 'predictions')} without an id, but {len(named):,} with one"
        help = "give an id to all or to none"
        raise data_error("D107", message, _where(next(one for one in predictions if not one.has_id)), help)
    by_id: dict[str, ExternalPrediction] = {}
    twice = [one for one in predictions if by_id.setdefault(one.example.id, one) is not one]
    pairs = [(by_id[example.id], example) for example in corpus if example.id in by_id]
    refuse(
        chain(
            _twice(twice, by_id),
            _extra([one for identity, one in by_id.items() if identity not in place], corpus),
            _missing([example for example in corpus if example.id not in by_id], corpus, file),
            _differing(pairs, file),
        )
    )
    return [one for one, _ in pairs], "id"


def _of_order(
    predictions: Sequence[ExternalPrediction], corpus: Corpus[Any], file: PredictionFile
) -> Iterator[HallucError]:
    """Errors of predictions that are assigned by their order.

    If there are fewer predictions than examples, or more, one is missing or extra at the first difference of tokens.
    """
    pairs = list(zip(predictions, corpus.examples, strict=False))
    place = next((number for number, pair in enumerate(pairs) if file.differs(*pair)), len(pairs))
    if len(predictions) < len(corpus):
        yield from _missing([corpus.examples[place], *corpus.examples[len(predictions) + 1 :]], corpus, file)
    elif len(predictions) > len(corpus):
        yield from _extra([predictions[place], *predictions[len(corpus) + 1 :]], corpus)
    else:
        yield from _differing(pairs, file)


def _where(one: ExternalPrediction) -> Location:
    return Location(one.example.origin.file, one.example.origin.line)


def _twice(twice: Sequence[ExternalPrediction], first: Mapping[str, ExternalPrediction]) -> Iterator[HallucError]:
    for one in twice[:1]:
        message = f"the id `{cut(one.example.id)}` is already on line {first[one.example.id].example.origin.line}"
        more = f" ({len(twice):,} predictions have a repeated id)" if len(twice) > 1 else ""
        yield data_error("D112", message + more, _where(one), "each example needs exactly one prediction")


def _missing(missing: Sequence[Any], corpus: Corpus[Any], file: PredictionFile) -> Iterator[HallucError]:
    for first in missing[:1]:
        yield data_error(
            MISSING,
            f"no prediction for {len(missing):,} of the {len(corpus):,} examples of {corpus.split}; the first: "
            f"`{cut(first.id)}` ({first.origin.file}:{first.origin.line}): {_words(first.tokens)}",
            Location(str(file.path)),
            "every example needs a prediction: without labels O tags or an empty list, without text an empty text",
        )


def _extra(extra: Sequence[ExternalPrediction], corpus: Corpus[Any]) -> Iterator[HallucError]:
    for one in extra[:1]:
        yield data_error(
            EXTRA,
            f"{quantity(len(extra), 'predictions')} without an example in {corpus.split}, which has {len(corpus):,}; "
            f"the first: `{cut(one.example.id)}`: {_words(one.example.tokens)}",
            _where(one),
            f"ids of {corpus.split} are like `{cut(corpus.examples[0].id)}`; the file may belong to another split",
        )


def _differing(pairs: Sequence[tuple[ExternalPrediction, Any]], file: PredictionFile) -> Iterator[HallucError]:
    differing = [(one, example) for one, example in pairs if file.differs(one, example)]
    for one, example in differing[:1]:
        own, gold = one.example.tokens, example.tokens
        shorter = min(len(own), len(gold))
        at = next((number for number in range(shorter) if own[number] != gold[number]), shorter)
        part = slice(max(0, at - _SHOWN_TOKENS // 2), at + _SHOWN_TOKENS // 2)
        many = f"{len(differing):,} predictions have" if len(differing) > 1 else "a prediction has"
        yield data_error(
            OTHER_TOKENS,
            f"{many} other tokens than the data; the first difference is at token {at + 1}: {_words(own[part])} here, "
            f"and {_words(gold[part])} in {example.origin.file}:{example.origin.line}",
            _where(one),
            "predict on the tokens of the split, in its order; texts are split according to `data.tokenize`",
        )


def _words(tokens: Sequence[str]) -> str:
    return f"`{cut(' '.join(tokens[:_SHOWN_TOKENS]))}`" if tokens else "(without a text)"


def unknown_labels(predictions: Sequence[ExternalPrediction], corpus: Corpus[Any]) -> Counter[str]:
    """The predicted labels that do not occur in gold, with their frequencies."""
    known = {label for example in corpus for label in example.labels}
    return Counter(label for one in predictions for label in one.example.labels if label not in known)
