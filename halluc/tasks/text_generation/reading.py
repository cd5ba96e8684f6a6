"""The base of the readers of text generation tasks, and outputs of other systems."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from halluc.core.characters import is_invisible
from halluc.core.examples import Origin
from halluc.data.config import Column
from halluc.data.fields import kind, located, nul
from halluc.data.inputs import InputText, identity_of
from halluc.data.predictions import (
    PREDICTED,
    ExternalPrediction,
    PredictionFile,
    confidence_field,
    confidence_of,
    given_id,
    predicted_field,
)
from halluc.data.reader import RowReader
from halluc.data.rows.row import MEND, Row, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.source_text import BETWEEN_PARTS, LANGUAGE, CutParts, Sourced, SourcePart, cut_parts

# Common names of outputs.
_OUTPUTS = ("output", "prediction", "hypothesis", "response", "generated")


def reference_texts(given: Any, field: str) -> list[str]:
    """The reference texts of a field: none for null, one, or a list of them, stripped.

    Raises:
        Unreadable: see ``visible_text``.
    """
    if given is None:
        return []
    return [visible_text(text, field, field) for text in (given if isinstance(given, list) else [given])]


def align_parts(words: Any, parts: Sequence[tuple[str, str]], tokenizer: Tokenizer) -> CutParts:
    """Tokens, spaces and parts of an input; its ``words``, if they are a list, are its tokens.

    Args:
        parts: the name and the stripped text of each.

    Raises:
        Unreadable D107: the words are not strings, or not those of the texts.
    """
    if not isinstance(words, list):
        return cut_parts(parts, tokenizer)
    if not all(isinstance(word, str) and word for word in words):
        raise Unreadable("D107", "`tokens` is not a list of words", "remove it, or set it to a list of words")
    whole = BETWEEN_PARTS.join(text for _, text in parts)
    places = located(words, whole)
    if not places or whole[places[-1][1] :].strip():
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(name for name, _ in parts))
        raise Unreadable("D107", f"`tokens` and {names} differ", "remove `tokens`")
    starts = [start for start, _ in places]
    spaces = [whole[end:start] for (_, end), start in zip(places, starts[1:], strict=False)]
    result, begin = list[SourcePart](), 0
    for name, text in parts:
        first, last = (bisect_left(starts, place) for place in (begin, begin + len(text)))
        result.append(SourcePart(name, first, last))
        begin += len(text) + len(BETWEEN_PARTS)
    return tuple(words), ("", *spaces, ""), tuple(result)


class WrittenPredictions(PredictionFile):
    """Outputs of another system: one text per line, or rows with ``predicted`` (or ``output``), and a confidence."""

    def read(self) -> list[ExternalPrediction]:
        layout = self.layout(unique=_OUTPUTS)
        return list(self.each(self.rows(layout), self._parse_line if layout.format == "text" else self._parse_record))

    def _parse_line(self, row: Row) -> ExternalPrediction:
        return self._prediction(row, str(row.fields["text"]), None, {})

    def _parse_record(self, row: Row) -> ExternalPrediction:
        record = row.fields
        own = "output" in record and isinstance(record.get(PREDICTED), list)  # written by halluc
        text = record["output"] if own else record[predicted_field(record, _OUTPUTS)]
        if not isinstance(text, str):
            raise Unreadable("D107", f"the output is {kind(text)}, not a string", MEND)
        confidence = None if own else confidence_of(confidence_field(record))
        return self._prediction(row, text, confidence, given_id(record, self.data))

    def _prediction(
        self, row: Row, text: str, confidence: float | None, identity: Mapping[str, str]
    ) -> ExternalPrediction:
        """The output as the only target of an example without input, which is matched by id or by order."""
        where = Origin(str(self.path), row.line)
        example = Sourced(self.identity(row, identity), where, *cut_parts([], Tokenizer()), (text,))
        return ExternalPrediction(example, (confidence,), bool(identity))


class SourcedReader(RowReader):
    """A subclass builds the examples of a row, and the input of a row to predict."""

    Predictions: ClassVar[type[PredictionFile] | None] = WrittenPredictions

    @abstractmethod
    def source(self, row: Row) -> Sourced | None:
        """The input of a row, whose targets are ignored; None if it is blank.

        Raises:
            Unreadable: it has none.
        """

    def make_example(
        self,
        given: Mapping[Any, Any],
        origin: Origin,
        identity: str,
        parts: Sequence[tuple[str, str]],
        targets: Sequence[str],
    ) -> Sourced:
        """An example whose parts and targets have the language of the row, or of the config."""
        own = given.get(LANGUAGE)
        language = own if isinstance(own, str) else self.config.language or ""
        cut = align_parts(given.get("tokens"), parts, self._tokenizer)
        return Sourced(identity, origin, *cut, tuple(targets), language, language)

    def input_of(self, row: Row) -> InputText:
        identity = identity_of(row, self.config.id_field)
        example = self.source(row)
        if example is None:
            return InputText(row.line, identity, (), "", ())
        return InputText(row.line, identity, example.tokens, example.full_text, details=example)


def first_with_value(given: Mapping[Any, Any], names: Iterable[Column]) -> Column | None:
    """The first of the names for which a row has a value; otherwise the first one that exists."""
    own = [name for name in names if name in given]
    return next((name for name in own if given[name] not in (None, "")), own[0] if own else None)


def visible_text(given: Any, what: str, field: Column) -> str:
    """A visible text, stripped.

    Raises:
        Unreadable D106: it is empty or invisible. D107: it is not text. D119: it has a NUL character.
    """
    if not isinstance(given, str):
        raise Unreadable("D107", f"`{field}` is {kind(given)}, not a string", MEND)
    if "\0" in given:
        raise nul(what)
    if is_invisible(given):
        raise Unreadable("D106", f"an empty {what}", MEND)
    return given.strip()
