"""Determines from the first rows of a file which fields contain tokens, tags, the text and spans.

A field is used if the config names it, or if it has a usual name. Other fields are used only if exactly one choice fits
all of these rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.core.errors import HallucError, Location, data_error
from halluc.data.fields import Path, located, named, path_of, unpacked, value_at
from halluc.data.rows.delimited import DELIMITERS
from halluc.data.rows.row import Row, Unreadable, quoted
from halluc.tasks.token_classification.reading import forms, presets, values
from halluc.tasks.token_classification.reading.config import HUB_TAGS_FIELD, SpansConfig

# How many of the first rows are used.
MOST_ROWS = 100
# With more fields, the input is not guessed.
_MOST_FIELDS = 64
_ROLES = ("tokens", "tags", "text", "spans")
# Fields with these names are also used, if no field has the default name of the config.
_USUAL = {"tokens": ("words",), "tags": (HUB_TAGS_FIELD,)}

_Records = Sequence[Mapping[str | int, Any]]


@dataclass(frozen=True, slots=True)
class SentenceFields:
    """The fields of the parts of an example; None if a file does not have a part. ``form`` is that of its spans."""

    id: Path
    tokens: Path | None = None
    tags: Path | None = None
    text: Path | None = None
    spans: Path | None = None
    form: str | None = None

    @property
    def description(self) -> str:
        """In one line, as ``halluc check`` prints it."""
        parts = [(role, getattr(self, role)) for role in ("tokens", "text", "tags", "spans", "id")]
        form = f" ({self.form})" if self.form else ""
        return "; ".join(f"{role}: `{named(path)}`{form if role == 'spans' else ''}" for role, path in parts if path)


def choose(rows: Sequence[Row], config: SpansConfig, gold: bool = True) -> tuple[SpansConfig, SentenceFields]:
    """The fields of a file, from its first rows, and the config with the keys of the fitting preset form.

    Args:
        gold: tags or spans are needed.

    Raises:
        HallucError D107: no field, or several, could be meant; the help names the key to set.
    """
    records = [row.fields for row in rows]
    several = presets.KEYS[config.preset] if config.preset is not None else ({},)
    names = ("tokens_field", "text_field", *(("spans_field",) if gold else ()))
    resolved = config.resolved(
        next((one for one in several if _has_all(records, [one[name] for name in names if name in one])), several[0])
    )
    choice = _Choice(rows, resolved, records, gold)
    if gold and config.preset is None and choice.is_default("tokens") and presets.detect_preset(records) == "gliner":
        raise choice.error("span ends in GLiNER files are inclusive, which cannot be detected", "")
    return resolved, choice.fields()


def _has_all(records: _Records, names: Sequence[str | int]) -> bool:
    return all(any(_value(record, path_of(name, records)) is not None for record in records) for name in names)


def _value(record: Mapping[str | int, Any], path: Path) -> Any:
    """The value at a path; True if it exists but is ambiguous, which is reported when its row is read."""
    try:
        return value_at(record, path)
    except Unreadable:
        return True


def no_input_error(config: SpansConfig, names: Iterable[str | int]) -> Unreadable:
    """The error for a record with these fields, none of which is the input."""
    return Unreadable(
        "D107",
        f"neither a list `{config.tokens_field}` nor a string `{config.text_field}`; it has {quoted(names)}",
        "set `data.tokens_field` or `data.text_field`",
    )


def no_annotation_error(config: SpansConfig, names: Iterable[str | int]) -> Unreadable:
    return Unreadable(
        "D107",
        f"neither `{config.tags_field}` nor `{config.spans_field}`; it has {quoted(names)}",
        "a sentence without mentions needs an empty list; or set `data.tags_field` or `data.spans_field`",
    )


class _Choice:
    def __init__(self, rows: Sequence[Row], config: SpansConfig, records: _Records, gold: bool) -> None:
        self.rows, self.config, self.records, self.gold = rows, config, records, gold
        self.names = list(dict.fromkeys(name for record in records for name in record))
        self.known = {role: self._find_field(role) for role in _ROLES}
        id_path = path_of(config.id_field, records)
        self.id = id_path if any(value_at(record, id_path) is not None for record in records) else ()

    def fields(self) -> SentenceFields:
        known = self.known
        if known["tokens"] is None and known["text"] is None:
            self._guess_input()
        if self.gold and known["tokens"] is not None and known["text"] is None and self.is_default("text"):
            known["text"] = self._find_text(known["tokens"])
        if self.gold and known["tags"] is None and known["spans"] is None:
            self._guess_annotation()
        if not self.gold:
            return SentenceFields(self.id, known["tokens"], None, known["text"])
        if known["tags"] is not None and known["tokens"] is None and known["spans"] is not None:
            known["tags"] = None  # tags of the whole text, such as topics
        at = known["spans"]
        if at is not None and self.is_default("spans"):
            self._refuse_empty(at)
        if at is None and self._is_token_per_row(known["tokens"] or known["text"]):
            raise self._token_per_row_error()
        text = (forms.form(_value(record, at), self.config.span_label_field) for record in self.records if at)
        return SentenceFields(self.id, **known, form=next((form for form in text if form is not None), None))

    # --- by name

    def _find_field(self, role: str) -> Path | None:
        """The field that the config names, or one with a usual name that fits; None if there is none."""
        name = getattr(self.config, f"{role}_field")
        is_default = self.is_default(role)
        for one in (name, *(_USUAL.get(role, ()) if is_default else ())):
            path = path_of(one, self.records)
            met = [value for record in self.records if (value := _value(record, path)) is not None]
            if not met:
                continue
            # The field named like the text may be a list of words, and the reverse.
            if role == "text" and not any(isinstance(value, str) for value in met):
                continue
            if role == "tokens" and is_default and not any(isinstance(value, (str, list, tuple)) for value in met):
                continue
            return path
        return None

    def is_default(self, role: str) -> bool:
        name = getattr(self.config, f"{role}_field")
        return name == SpansConfig.model_fields[f"{role}_field"].default or name in _USUAL.get(role, ())

    # --- by shape

    def _guess_input(self) -> None:
        """Words if exactly one field has them, else a text."""
        known = self.known
        if absent := self._absent("tokens", "text"):
            raise self._input_error(absent)
        used = self._used_fields()
        free = [name for name in self.names if name not in used]
        if len(free) > _MOST_FIELDS:
            raise self._input_error([])
        lists = [name for name in free if self._all_values_fit(name, forms.are_words)]
        texts = [name for name in free if self._all_values_fit(name, forms.is_plain)]
        if self.gold and (known["tags"] is not None or known["spans"] is None):
            pairs = self._tokens_with_tags([*lists, *texts], known["tags"])
            if len(pairs) == 1:
                known["tokens"], known["tags"] = ((name,) for name in pairs[0])
                return
            if pairs and self._is_token_per_row((pairs[0][0],)):
                raise self._token_per_row_error()
            if pairs:
                raise self._ambiguity("tokens", list(dict(pairs)), "words in addition to tags")
        if len(texts) > 1 or (lists and texts):
            texts = self._fitting_texts(texts)
        results = [*lists, *texts]
        if len(results) > 1:
            raise self._ambiguity("tokens" if lists else "text", results, "words or a text")
        if not results:
            raise self._input_error([])
        known["tokens" if lists else "text"] = (results[0],)

    def _find_text(self, tokens: Path) -> Path | None:
        """The only field whose text contains the tokens of each row, in order: offsets may count its characters."""
        used = self._used_fields()
        results = [name for name in self.names if name not in used and self._contains_tokens(name, tokens)]
        return (results[0],) if len(results) == 1 else None

    def _contains_tokens(self, name: str | int, tokens: Path) -> bool:
        for record in self.records:
            text, listed = record.get(name), _value(record, tokens)
            if not isinstance(text, str) or listed is None:
                return False
            try:
                if located(values.words(listed, "", text)[0], text) is None:
                    return False
            except Unreadable:
                return False
        return True

    def _fitting_texts(self, texts: list[str | int]) -> list[str | int]:
        """Of several text fields, those that fit the offsets and surfaces of all spans."""
        if not self.gold:
            return texts
        known = self.known["spans"]
        spans = [known] if known else [(name,) for name in self._spans_fields()]
        if len(spans) != 1:
            return texts
        pairs = [(record, _value(record, spans[0])) for record in self.records]
        return [
            name for name in texts if all(forms.fits(record.get(name), value, self.config) for record, value in pairs)
        ]

    def _guess_annotation(self) -> None:
        if absent := self._absent("tags", "spans"):
            raise self._annotation_error(absent)
        used, words = self._used_fields(), self.known["tokens"] or self.known["text"]
        tags = [name for name in self.names if words and name not in used and self._are_tags(words, name)]
        spans = self._spans_fields()
        if tags and spans:
            raise self.error(
                f"{quoted((*tags, *spans), ' and ')} could be the annotation",
                "set `data.tags_field` or `data.spans_field` to the right one",
            )
        role, result, what = ("tags", tags, "lists of tags") if tags else ("spans", spans, "spans")
        if len(result) != 1:
            raise self._ambiguity(role, result, what) if result else self._annotation_error([])
        self.known[role] = (result[0],)

    def _spans_fields(self) -> list[str | int]:
        """Fields whose values are all spans, and not all empty."""
        used = self._used_fields()
        return [name for name in self.names if name not in used and self._are_spans(name)]

    def _are_spans(self, name: str | int) -> bool:
        met = [unpacked(record[name]) for record in self.records if record.get(name) is not None]
        if not any(met) or not all(isinstance(value, (list, Mapping, tuple)) for value in met):
            return False
        try:
            return bool(
                [given for value in met for given in forms.spans(value, str(name), self.config.span_label_field)]
            )
        except Unreadable as bad:
            # These spans have a defect that is reported when they are read.
            return "labels:" in bad.problem or "span_label_field" in (bad.help or "")

    def _tokens_with_tags(self, words: Sequence[str | int], known: Path | None) -> list[tuple[str | int, str | int]]:
        """Pairs of fields of which the second has a tag for each word of the first, and not the other way round."""
        names = self.names if known is None else [named(known)]
        pairs = [(one, other) for one in words for other in names if one != other and self._are_tags((one,), other)]
        return [(one, other) for one, other in pairs if not self._are_tags((other,), one)]

    def _are_tags(self, words: Path, name: str | int) -> bool:
        """Whether a field has a tag for each word, in all rows, some of them O or with a prefix."""
        pairs = [(_value(record, words), record.get(name)) for record in self.records]
        return forms.are_tags(pairs, self.config.names_of_tags)

    def _refuse_empty(self, at: Path) -> None:
        """Refuse to read no spans if another field has them."""
        if not any(unpacked(_value(record, at)) for record in self.records):
            others = self._spans_fields()
            if others and self.known["tags"] is None:
                raise self.error(
                    f"`{named(at)}` is empty, but `{others[0]}` has spans",
                    f"set `data.spans_field` to the right one, for example `{others[0]}`",
                )

    def _is_token_per_row(self, words: Path | None) -> bool:
        """Whether several rows all consist of one word in text form: then a row is not a sentence."""
        given = [_value(record, words) for record in self.records] if words is not None else []
        return len(given) > 1 and all(forms.is_plain(value) and len(value.split()) < 2 for value in given)

    def _all_values_fit(self, name: str | int, fits: Any) -> bool:
        met = [record[name] for record in self.records if record.get(name) is not None]
        return len(met) == len(self.records) > 0 and all(map(fits, met))

    def _used_fields(self) -> set[str | int]:
        return {path[0] for path in (*self.known.values(), self.id) if path}

    # --- errors

    def _absent(self, *roles: str) -> list[str]:
        """The configured keys whose field does not exist in any row."""
        given = [role for role in roles if not self.is_default(role) and self.known[role] is None]
        return [f"`data.{role}_field: {getattr(self.config, f'{role}_field')}`" for role in given]

    def _input_error(self, absent: list[str]) -> HallucError:
        tags = [name for name in self.names if self._all_values_fit(name, forms.is_tag)]
        if len(self.rows) > 1 and tags and any(record[tags[0]] == "O" for record in self.records):
            return self._token_per_row_error()
        return self._missing_field_error(no_input_error(self.config, self.names), absent)

    def _annotation_error(self, absent: list[str]) -> HallucError:
        why = no_annotation_error(self.config, self.names)
        label = next((name for name in ("label", "labels") if self._all_values_fit(name, forms.is_plain)), None)
        if label is not None:
            why.help = f"`{label}` has one value per text: perhaps it is `task.type: text_classification`"
        return self._missing_field_error(why, absent)

    def _missing_field_error(self, why: Unreadable, absent: list[str]) -> HallucError:
        return self.error(
            f"no row has {' or '.join(absent)}; it has {quoted(self.names)}" if absent else why.problem, why.help
        )

    def _token_per_row_error(self) -> HallucError:
        """The error for a file with one token per row, with the keys that read it if it is CSV."""
        shown, names = self.rows[0].shown, list(map(str, self.names))
        problem = "each row has one token instead of a sentence"
        separator = next((one for one in DELIMITERS if shown.count(one) >= len(names) - 1 > 0), None)
        if separator is None or shown.startswith("{"):
            return self.error(problem, "write a record for each sentence, with the lists `tokens` and `tags`")
        keys = ["format: conll", "separator: tab" if separator == "\t" else f'separator: "{separator}"']
        has_header = not any(map(forms.is_tag, names))
        keys += ["header: true"] * has_header
        cells = [*([] if has_header else names[:1]), *(str(row.fields.get(self.names[0])) for row in self.rows)]
        numbers = [int(cell) if cell.isdecimal() else -1 for cell in cells]
        if min(numbers) >= 0:
            counts_sentences = numbers == sorted(numbers) and len(set(numbers)) < len(numbers)
            keys += ["sentence_column: 0"] * counts_sentences + ["token_column: 1"]
        return self.error(problem, f"set {', '.join(f'`data.{key}`' for key in keys)}")

    def _ambiguity(self, role: str, names: Sequence[str | int], what: str) -> HallucError:
        return self.error(
            f"{quoted(names, ' and ')} have {what}",
            f"set `data.{role}_field` to the right one, for example `data.{role}_field: {names[0]}`",
        )

    def error(self, problem: str, help: str | None) -> HallucError:
        first = self.rows[0]
        help = presets.proposal(list(self.records), self.config.preset) or help
        return data_error("D107", problem, Location(first.file, first.line, text=first.shown or None), help)
