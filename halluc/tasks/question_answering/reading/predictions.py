"""Predictions of another tool: the file of SQuAD's script, {id: answer}, or rows with an id and an answer."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.core.characters import cut
from halluc.core.errors import Location, data_error
from halluc.core.examples import Origin
from halluc.data.fields import kind
from halluc.data.predictions import (
    PREDICTED,
    ExternalPrediction,
    PredictionFile,
    confidence_field,
    confidence_of,
    given_id,
    predicted_field,
)
from halluc.data.rows.records import parse_object
from halluc.data.rows.row import BadLine, Row, Unreadable
from halluc.data.rows.streams import TextStream

# Files next to that of answers: the probability of no answer, or the score of no answer minus that of the best answer.
_PROBABILITIES, _DIFFERENCES = "na_prob.json", "null_odds.json"
_TEXTS = ("prediction_text", "prediction")
_NEAREST = 1e-9


@dataclass(frozen=True)
class ExternalAnswer:
    """The answer to the question ``id``, None if none is given; ``no_answer`` as in ``AnswerPrediction``."""

    id: str
    origin: Origin
    text: str | None
    no_answer: float | None = None
    tokens: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class AnswerFile(PredictionFile):
    """Answers by id: one JSON object; rows as ``evaluate`` and halluc have them."""

    def read(self) -> list[ExternalPrediction]:
        layout = self.layout(*_TEXTS, formats=("jsonl", "json", "csv", "table"))
        whole = self._read_object() if layout.format in ("json", "jsonl") else None
        if whole is not None:
            scores = self._scores()
            return [self._prediction(1, identity, text, scores.get(identity), None) for identity, text in whole.items()]
        return list(self.each(self.rows(layout), self._parse_record))

    def _read_object(self) -> dict[str, str | None] | None:
        """The answers of a file that is one JSON object of texts, or null for no answer."""
        try:
            result = parse_object(self._text(self.path))
        except Unreadable:
            return None  # several lines, or an error that is reported when its rows are read
        if not result or not all(isinstance(key, str) and isinstance(text, str | None) for key, text in result.items()):
            return None
        # A row has a field for the id or for the answer.
        return None if not result.keys().isdisjoint((self.data.id_field, "id", PREDICTED, *_TEXTS)) else result

    def _text(self, path: Path) -> str:
        """The text of a file, which may be compressed, in ``data.encoding``.

        Raises:
            Unreadable: it is damaged, or in another encoding.
        """
        with path.open("rb") as file:
            chunks = list(TextStream(file, str(path), encoding=self.data.encoding).chunks())
        bad = next((chunk for chunk in chunks if isinstance(chunk, BadLine)), None)
        if bad is not None:
            raise Unreadable(bad.code, bad.problem, bad.help)
        return "".join(map(str, chunks))

    def _scores(self) -> dict[str, float]:
        """For each id the score of no answer minus that of the answer, from a second file, if there is one.

        Raises:
            HallucError D107: it is not an object of numbers.
        """
        for name, convert in ((_DIFFERENCES, _finite), (_PROBABILITIES, _logit)):
            path = self.path.with_name(name)
            if not path.is_file():
                continue
            try:
                result = parse_object(self._text(path))
                scores = {str(identity): convert(score) for identity, score in result.items()}
            except (Unreadable, TypeError, ValueError, OverflowError):
                problem = "not one JSON object of ids and finite numbers"
                raise data_error("D107", problem, Location(str(path)), "fix it, or rename it") from None
            self.warnings.append(f"no-answer scores are read from {path}")
            return scores
        return {}

    def _parse_record(self, row: Row) -> ExternalPrediction:
        record = row.fields
        confidence, difference = confidence_field(record), record.get("no_answer")
        own = next((name for name in _TEXTS if name in record), None)
        if PREDICTED not in record and "context_start" in record:  # the output of `halluc predict`
            value, confidence = _first_answer(record.get("answers"))
        else:
            value = record[own if own is not None and PREDICTED not in record else predicted_field(record, ())]
        if isinstance(value, list):
            value, confidence = _only_answer(value, record, confidence)
        if difference is None and record.get("no_answer_probability") is not None:
            difference = _logit(confidence_of(record["no_answer_probability"]))
        if value is not None and not isinstance(value, str):
            raise Unreadable("D107", f"the answer is {kind(value)}, not a string", "give a text, or null for none")
        identity = given_id(record, self.data)
        if not identity:
            raise Unreadable("D107", "a prediction without an id", "give each the id of its question")
        return self._prediction(row.line, identity["id"], value, difference, confidence)

    def _prediction(
        self, line: int, identity: str, text: str | None, difference: Any, confidence: Any
    ) -> ExternalPrediction:
        text = text if text is not None and text.strip() else None
        score = None if difference is None else _score(difference)
        confidence = confidence_of(confidence)
        if confidence is None and score is not None:
            confidence = 1 / (1 + math.exp(min(700.0, max(-700.0, score))))
        answer = ExternalAnswer(identity, Origin(str(self.path), line), text, score)
        return ExternalPrediction(answer, (confidence,) if text is not None else (), True)


def _first_answer(answers: Any) -> tuple[Any, Any]:
    """The text and confidence of the first of the ``answers`` in output of `halluc predict`, None if there is none.

    Raises:
        Unreadable D107: they are not a list of objects.
    """
    if not isinstance(answers, list) or not all(isinstance(one, Mapping) for one in answers):
        help = "write them as `halluc predict` does, or one text as `predicted`"
        raise Unreadable("D107", "`answers` is not a list of objects", help)
    first = answers[0] if answers else {}
    return first.get("text"), first.get("confidence")


def _score(given: Any) -> float:
    """A score of no answer.

    Raises:
        Unreadable D107: it is not a finite number.
    """
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return _finite(given)
    raise Unreadable("D107", f"the no-answer score is {cut(repr(given))}, not a finite number")


def _finite(given: Any) -> float:
    """
    Raises:
        ValueError, TypeError or OverflowError: it is not a finite number.
    """
    if not math.isfinite(number := float(given)):
        raise ValueError(given)
    return number


def _only_answer(values: list[Any], record: Mapping[Any, Any], confidence: Any) -> tuple[Any, Any]:
    """The only answer of a list and its confidence: a text, or in halluc's form, with text and position.

    Raises:
        Unreadable D107: it is neither, or there are several.
    """
    if not values:
        return None, None
    if len(values) == 1 and isinstance(values[0], str):
        return values[0], confidence
    if len(values) == 1 and isinstance(values[0], list) and values[0] and "answer" in record:
        return record["answer"], values[0][-1]
    raise Unreadable("D107", "the answer is a list, but not of one text", "give a text, or null for none")


def _logit(probability: Any) -> float:
    """
    Raises:
        ValueError: it is not a probability.
    """
    if not 0 <= float(probability) <= 1:
        raise ValueError(probability)
    inside = min(1 - _NEAREST, max(_NEAREST, float(probability)))
    return math.log(inside / (1 - inside))
