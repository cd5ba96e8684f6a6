"""The formats of text classification: records, CSV, `LABEL text` lines, and those of annotation tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from halluc.core.characters import is_invisible
from halluc.data.fields import written_list
from halluc.data.writers import (
    MARK,
    Files,
    Options,
    Write,
    Writer,
    csv_rows,
    json_lines,
    json_list,
    parquet,
    unfit,
)
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.token_classification.writers import annotated_task

_PREFIX = "__label__"
_HELP = "choose another format: jsonl supports any text and label"
_JOIN = frozenset({"join"})
_ATTRIBUTES = ("timestamp", "group")


def _texts(example: Labelled, options: Options) -> tuple[str, str | None]:
    """The text, and the second one of a pair.

    Raises:
        HallucError D130: one of them is invisible, or contains a NUL, which readers treat as damage.
    """
    first = options.joiner.join(example.tokens[: example.second])
    second = None if example.second is None else options.joiner.join(example.tokens[example.second :])
    for text in (first,) if second is None else (first, second):
        if is_invisible(text):
            raise unfit(example, "a text in which nothing is visible", "remove it")
        if "\0" in text:
            raise unfit(example, "a NUL character in a text", "remove it")
    return first, second


def _labels(example: Labelled, options: Options) -> list[str]:
    """The labels of a text; if it has none, the label for out of scope, if that is set."""
    return list(example.labels) or ([] if options.out_of_scope is None else [options.out_of_scope])


def _lone_label(labels: Sequence[str]) -> str | None:
    """The only label of a text; None if there are none or several, or if it would be read as a list."""
    return labels[0] if len(labels) == 1 and written_list(labels[0]) is None else None


def _complete_options(options: Options, examples: Sequence[Labelled]) -> Options:
    pairs = any(example.second is not None for example in examples)
    one_label = all(_lone_label(_labels(example, options)) is not None for example in examples)
    attributes = tuple(name for name in _ATTRIBUTES if any(getattr(example, name) is not None for example in examples))
    return replace(options, pairs=pairs, one_label=one_label, attributes=attributes)


def _record(example: Labelled, options: Options) -> dict[str, Any]:
    text, second = _texts(example, options)
    labels: list[str] | str = _labels(example, options)
    pair = {} if second is None else {"second": second}
    label = labels[0] if options.one_label else labels
    return {"id": example.id, "text": text, **pair, "label": label, **_attributes(example, options)}


def _attributes(example: Labelled, options: Options) -> dict[str, str]:
    values = {name: getattr(example, name) for name in options.attributes}
    return {name: value for name, value in values.items() if value is not None}


def _single_text(example: Labelled, options: Options) -> str:
    text, second = _texts(example, options)
    if second is not None:
        raise unfit(example, "a pair of texts, but the format supports only one", _HELP)
    return text


def _required_labels(example: Labelled, options: Options) -> list[str]:
    """The labels, at least one: these formats cannot represent a text without labels."""
    if labels := _labels(example, options):
        return labels
    raise unfit(example, "a text without a label", "set `data.out_of_scope_label`, or write jsonl")


def _single_label(example: Labelled, options: Options) -> str:
    labels = _required_labels(example, options)
    if len(labels) > 1:
        raise unfit(example, f"{len(labels)} labels on a text, but the format supports only one", _HELP)
    if (label := _lone_label(labels)) is None:
        raise unfit(example, f"the label `{labels[0]}` would be read as a list of labels", _HELP)
    return label


def _rows(examples: Iterable[Labelled], options: Options) -> Iterator[list[str]]:
    yield ["id", "text", *(["second"] if options.pairs else []), "label", *options.attributes]
    for example in examples:
        label, known = _single_label(example, options), _attributes(example, options)
        texts = (text for text in _texts(example, options) if text is not None)
        yield [example.id, *texts, label, *(known.get(name, "") for name in options.attributes)]


def _lines(line: Callable[[Labelled, str, Options], str]) -> Write:
    """Plain lines, one per text."""

    def write(files: Files, examples: Iterable[Labelled], options: Options) -> None:
        for number, example in enumerate(examples):
            text = _single_text(example, options)
            for char, what in (("\n", "a line feed"), ("\r", "a carriage return")):
                if char in text:
                    raise unfit(example, f"{what} in a text does not fit a line", _HELP)
            written = line(example, text, options)
            if not number and written.startswith(MARK):
                raise unfit(example, "the first line begins with a byte order mark", _HELP)
            files[0].write(written + "\n")

    return write


def _label_then_text(example: Labelled, text: str, options: Options) -> str:
    label = _single_label(example, options)
    _refuse_prefix(example, text if label.startswith(_PREFIX) else "")
    return f"{_label_without_space(example, label)} {text}"


def _fasttext(example: Labelled, text: str, options: Options) -> str:
    """Labels and text; labels that were read from such lines already have the prefix."""
    labels = [_label_without_space(example, label) for label in _required_labels(example, options)]
    _refuse_prefix(example, text)
    return " ".join((*(label if label.startswith(_PREFIX) else _PREFIX + label for label in labels), text))


def _refuse_prefix(example: Labelled, text: str) -> None:
    if text.lstrip().startswith(_PREFIX):
        raise unfit(example, f"a text that begins with {_PREFIX} would be read as a label", _HELP)


def _label_without_space(example: Labelled, label: str) -> str:
    if any(char.isspace() for char in label):
        raise unfit(example, f"the label `{label}` contains white space, which ends a label on a line", _HELP)
    return label


def _doccano(example: Labelled, options: Options) -> dict[str, Any]:
    return {"id": example.id, "text": _single_text(example, options), "label": _required_labels(example, options)}


def _label_studio(example: Labelled, options: Options) -> dict[str, Any]:
    result = [("choices", {"choices": _required_labels(example, options)})]
    return annotated_task(_single_text(example, options), example.id, result)


def _table(options: Options) -> dict[str, bool]:
    """The columns of a table, and whether each contains lists."""
    texts = ("text", "second") if options.pairs else ("text",)
    return {**dict.fromkeys(("id", *texts), False), "label": not options.one_label} | dict.fromkeys(
        options.attributes, False
    )


_FORMATS = {
    "jsonl": Writer("text and label, one object per line", json_lines(_record), (".jsonl",), {}, _JOIN),
    "json": Writer("the same, as one list", json_list(_record), (".json",), {}, _JOIN),
    "csv": Writer("text and label in columns", csv_rows(_rows), (".csv",), {"format": "csv"}, _JOIN),
    "tsv": Writer(
        "the same with tabs", csv_rows(_rows, "\t"), (".tsv",), {"format": "csv", "delimiter": "tab"}, _JOIN
    ),
    "table": Writer("a Parquet table", parquet(_record, _table), (".parquet",), {}, _JOIN, "wb"),
    "lines": Writer("`LABEL text` lines", _lines(_label_then_text), (".txt",), {"format": "lines"}, _JOIN),
    "fasttext": Writer("fastText's `__label__` lines", _lines(_fasttext), (".txt",), {"format": "lines"}, _JOIN),
    "doccano": Writer("doccano's JSON Lines", json_lines(_doccano), (".jsonl",), {"preset": "doccano"}, _JOIN),
    "label_studio": Writer(
        "Label Studio's JSON", json_list(_label_studio), (".json",), {"preset": "label_studio"}, _JOIN
    ),
}  # fmt: skip
WRITERS = {name: replace(writer, fitted=_complete_options) for name, writer in _FORMATS.items()}
