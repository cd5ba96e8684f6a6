"""Shared reading of tasks whose model writes a text, and outputs of other systems."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from halluc.core.examples import Origin
from halluc.data.fields.values import kind, located
from halluc.data.predictions import (
    PREDICTED,
    PredictionFile,
    Stated,
    confidence_field,
    confidence_of,
    given_id,
    predicted_field,
)
from halluc.data.rows.row import MEND, Row, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.source_text import BETWEEN_PARTS, CutParts, Sourced, SourcePart, cut_parts

# Common names of outputs.
_OUTPUTS = ("output", "prediction", "hypothesis", "response", "generated")


def texts_of(given: Any, field: str) -> list[str]:
    """The reference texts of a field: none for null, one, or a list of them, stripped.

    Raises:
        Unreadable D106: one is empty. D107: it is not text.
    """
    if given is None:
        return []
    texts = given if isinstance(given, list) else [given]
    for text in texts:
        if not isinstance(text, str):
            raise Unreadable("D107", f"`{field}` is {kind(text)}, not a string", f"see `data.{field}_field`")
        if not text.strip():
            raise Unreadable("D106", f"an empty {field}", MEND)
    return [text.strip() for text in texts]


def given_parts(words: Any, parts: Sequence[tuple[str, str]], tokenizer: Tokenizer) -> CutParts:
    """Tokens, spaces and parts of an input; its ``words`` are used unchanged if they are a list.

    Args:
        parts: the name and the stripped text of each; together the words make up these texts.

    Raises:
        Unreadable D107: the words are not strings, or do not make up the texts.
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

    def read(self) -> list[Stated]:
        layout = self.layout()
        make = self._of_line if layout.format == "text" else self._of_record
        return list(self.each(self.rows(layout), make))

    def renamed(self, one: Stated, names: Mapping[str, str | None]) -> Stated:
        return one

    def _of_line(self, row: Row) -> Stated:
        return self._stated(row, str(row.fields["text"]), None, {})

    def _of_record(self, row: Row) -> Stated:
        record = row.fields
        own = "output" in record and isinstance(record.get(PREDICTED), list)  # written by halluc
        text = record["output"] if own else record[predicted_field(record, _OUTPUTS)]
        if not isinstance(text, str):
            raise Unreadable("D107", f"the output is {kind(text)}, not a string", MEND)
        confidence = None if own else confidence_of(confidence_field(record))
        return self._stated(row, text, confidence, given_id(record, self.data))

    def _stated(self, row: Row, text: str, confidence: float | None, identity: Mapping[str, str]) -> Stated:
        """The output as the only target of an example without input: outputs are joined by id, or by order."""
        name = identity.get("id", f"{self.corpus.split}-{row.number or row.line}")
        tokens, spaces, parts = cut_parts([], Tokenizer())
        example = Sourced(name, Origin(str(self.path), row.line), tokens, spaces, parts, (text,))
        return Stated(example, (confidence,), bool(identity))
