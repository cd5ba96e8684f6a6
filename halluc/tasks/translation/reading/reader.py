"""From rows, or the lines of two files, to source texts and their translations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Any, ClassVar

from halluc.core.examples import Origin
from halluc.core.quantities import quantity
from halluc.data.config import DataConfig
from halluc.data.fields import unpacked, value_of
from halluc.data.reader import Unmapped
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, Notice, Row, Unreadable, quoted
from halluc.data.rows.tmx import VARIANTS
from halluc.tasks.text_generation.reading import SourcedReader, align_parts, reference_texts, visible_text
from halluc.tasks.text_generation.source_text import Sourced
from halluc.tasks.translation.examples import LANGUAGES, TARGETS
from halluc.tasks.translation.reading.config import ParallelConfig

# Fields with texts by language: in data sets of the hub, and in TMX.
_PAIRS = ("translation", VARIANTS)
_SOURCE, _TARGET = "source", "target"


class ParallelReader(SourcedReader):
    """Source texts and translations: two files of lines, JSON Lines, JSON, CSV, tables, TMX, the hub."""

    Config: ClassVar[type[DataConfig]] = ParallelConfig
    config: ParallelConfig

    def rows(self, reference: str, split: SplitName) -> tuple[str, Iterator[Row | BadLine | Notice]]:
        target = self.config.target_of(split)
        if target is None:
            return super().rows(reference, split)
        lines = replace(self.config.layout(), format="text")
        file, rows = open_rows(reference, split, lines)
        return file, _pair_lines(file, rows, *open_rows(target, split, lines))

    def source(self, row: Row) -> Sourced | None:
        given, pair = row.fields, self._pair(row.fields)
        if set(given) == {"text"}:  # a line of plain text
            source, languages = given["text"], (self.config.source_language or "", self.config.target_language or "")
        else:
            source, _, languages = self._sides(given, pair, needs_target=False)
        if isinstance(source, str) and not source.strip():
            return None
        return self._make_example(row, "", Origin("", 0), source, (), languages)

    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Sourced]:
        given = row.fields
        source, target, languages = self._sides(given, self._pair(given), needs_target=True)
        field = (given[TARGETS], TARGETS) if given.get(TARGETS) else (target, self._field_name(_TARGET))
        return (self._make_example(row, identity, origin, source, reference_texts(*field), languages),)

    def _make_example(
        self, row: Row, identity: str, origin: Origin, source: Any, targets: Iterable[str], languages: tuple[str, str]
    ) -> Sourced:
        text = visible_text(source, _SOURCE, self._field_name(_SOURCE))
        tokens, spaces, parts = align_parts(row.fields.get("tokens"), [(_SOURCE, text)], self._tokenizer)
        return Sourced(identity, origin, tokens, spaces, parts, tuple(targets), languages[1], languages[0])

    def _field_name(self, side: str) -> str:
        return str(self.config.source_field if side == _SOURCE else self.config.target_field)

    def _pair(self, given: Mapping[Any, Any]) -> Mapping[str, Any] | None:
        """The texts by language of a row without a source field; None if it has another form."""
        texts = next((unpacked(given[name]) for name in _PAIRS if name in given), None)
        has_source = value_of(given, self.config.source_field) is not None
        is_pair = isinstance(texts, Mapping) and all(isinstance(code, str) for code in texts)
        return texts if is_pair and not has_source else None

    def _sides(
        self, given: Mapping[Any, Any], pair: Mapping[str, Any] | None, *, needs_target: bool
    ) -> tuple[Any, Any, tuple[str, str]]:
        """Source, target, and the codes of their languages, empty if unknown.

        Raises:
            Unreadable: one of the two is missing.
        """
        config = self.config
        if pair is not None:
            return self._pair_sides(pair, needs_target)
        source, target = value_of(given, config.source_field), value_of(given, config.target_field)
        if source is None and self._field_name(_SOURCE) in given:
            raise Unreadable("D107", f"`{config.source_field}` is null, not a string", MEND)
        if source is None:
            help = "set `data.source_field`; for two parallel text files, set `data.train_target`"
            raise Unmapped("D107", f"no field `{config.source_field}`; the row has {quoted(given)}", help)
        if needs_target and target is None and self._field_name(_TARGET) not in given:
            help = "set `data.target_field`, or write null if there is none"
            raise Unmapped("D107", f"no field `{config.target_field}`; the row has {quoted(given)}", help)
        self.say(f"source from `{config.source_field}`, target from `{config.target_field}`")
        codes = [given.get(key) for key in LANGUAGES]
        known = (config.source_language, config.target_language)
        languages = tuple(
            str(code if isinstance(code, str) else one or "") for code, one in zip(codes, known, strict=True)
        )
        return source, target, (languages[0], languages[1])

    def _pair_sides(self, pair: Mapping[str, Any], needs_target: bool) -> tuple[Any, Any, tuple[str, str]]:
        codes = {code.lower(): code for code in pair}
        configured = [self.config.source_language, self.config.target_language]
        own: list[str | None] = [None if one is None else _variant(one.lower(), codes) for one in configured]
        for place, one in enumerate(configured):
            if one is not None and own[place] is None and (place == 0 or needs_target):
                key = ("source_language", "target_language")[place]
                raise Unreadable("D107", f"no text in `{one}`; the row has {quoted(pair)}", f"see `data.{key}`")
        others = [code for code in pair if code not in own]
        source = own[0] or (others.pop(0) if others else None)
        target = own[1] or (others.pop(0) if others else None)
        if source is None or (target is None and needs_target):
            raise Unreadable("D107", f"a pair needs two languages, but the row has {quoted(pair)}", MEND)
        self.say(f"source from the text in `{source}`, target from that in `{target}`")
        return pair[source], None if target is None else pair[target], (source, target or "")


def _variant(code: str, codes: Mapping[str, str]) -> str | None:
    """A language in a row: `en` also matches `en-GB`."""
    return codes.get(code) or next((own for low, own in codes.items() if low.partition("-")[0] == code), None)


def _pair_lines(
    source_file: str,
    sources: Iterable[Row | BadLine | Notice],
    target_file: str,
    targets: Iterable[Row | BadLine | Notice],
) -> Iterator[Row | BadLine | Notice]:
    """A row with source and target for each line of two files. If one file is shorter, this is reported, because lines
    may be shifted against each other."""
    for number, (one, other) in enumerate(zip_longest(sources, targets)):
        for item in (one, other):
            if item is not None and not isinstance(item, Row):
                yield item
        if any(isinstance(item, BadLine) and item.code in ("D102", "D103") for item in (one, other)):
            return  # empty or damaged: its number of lines is unknown
        if isinstance(one, Row) and isinstance(other, Row):
            text = other.fields["text"]
            try:
                visible_text(text, "translation", _TARGET)
            except Unreadable as bad:
                yield other.bad(bad)
            else:
                yield replace(one, fields={_SOURCE: one.fields["text"], _TARGET: text})
        elif one is None or other is None:
            longer, shorter = (other, source_file) if one is None else (one, target_file)
            size = number + 1 + sum(1 for _ in chain(sources, targets))
            problem = (
                f"this file has {quantity(size, 'lines')}, but {shorter} has {number:,}: line {longer.line} has no "
                "counterpart"
            )
            help = "both files need the same number of lines; one may be truncated, or belong to another split"
            yield BadLine("D125", longer.file, longer.line, problem, help)
            return
