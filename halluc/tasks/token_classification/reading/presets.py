"""Presets: the keys of ``data`` for exports of other tools, and the recognition of such exports."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

Preset = Literal["doccano", "label_studio", "prodigy", "spacy", "brat", "gliner", "conllu", "germeval", "kaggle_ner"]

# The keys of each preset. If a tool's export has several forms, the first one whose fields a file has is used.
KEYS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "doccano": ({"spans_field": "entities"}, {"spans_field": "label"}, {"spans_field": "labels"}),
    "label_studio": (
        {"text_field": "data.text", "spans_field": "annotations.*.result"},
        {"text_field": "data.text", "spans_field": "completions.*.result"},
        {"spans_field": "label"},
    ),
    "prodigy": ({},),
    "spacy": ({"text_field": 0, "spans_field": "1.entities"}, {"spans_field": "ents"}, {"spans_field": "entities"}),
    "brat": ({},),
    "gliner": (
        {"tokens_field": "tokenized_text", "spans_field": "ner", "span_unit": "tokens", "span_end": "inclusive"},
    ),
    "conllu": (
        {
            "format": "conll", "separator": "tab", "comment": "#", "word_id_column": 0, "token_column": 1,
            "tag_column": 9, "tag_key": "name",
        },
    ),
    "germeval": (
        {"format": "conll", "separator": "tab", "comment": "#", "token_column": 1, "tag_column": 2},
    ),
    "kaggle_ner": (
        {
            "format": "conll", "separator": ",", "header": True, "sentence_column": "Sentence #",
            "token_column": "Word", "tag_column": "Tag",
        },
    ),
}  # fmt: skip
assert set(KEYS) == set(get_args(Preset))

_TITLES = {
    "doccano": "a doccano export",
    "label_studio": "a Label Studio export",
    "prodigy": "a Prodigy export",
    "spacy": "training data of spaCy",
    "brat": "texts of brat",
    "conllu": "CoNLL-U",
    "germeval": "the corpus of GermEval 2014",
    "gliner": "training data of GLiNER",
    "kaggle_ner": "the NER corpus of Kaggle",
}

_Record = Mapping[str | int, Any]


def detect_preset(records: list[_Record]) -> str | None:
    """The preset that fits the shape of the records; None if there is none, or several."""
    fit = [name for name, has_shape in _SHAPES.items() if records and all(map(has_shape, records))]
    return fit[0] if len(fit) == 1 else None


def proposal(records: list[_Record], given: str | None) -> str | None:
    """Advice for an error message if the records fit a preset that is not set."""
    name = detect_preset(records)
    return _proposal_text(name) if name is not None and name != given else None


def proposal_for(path: Path) -> str | None:
    """The same for a file, or a folder, whose first column has no tokens or that has separate annotation files."""
    if path.is_dir():
        return _proposal_text("brat") if any(path.glob("*.ann")) else None
    if not path.is_file():
        return None
    if path.suffix == ".txt" and path.with_suffix(".ann").is_file():
        return _proposal_text("brat")
    with path.open(encoding="latin-1", newline="\n") as stream:
        lines = [stream.readline(_MOST_OF_A_LINE) for _ in range(_LINES)]
    token = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    name = next((name for name, pattern in _TOKENS.items() if pattern.fullmatch(token.rstrip("\r\n"))), None)
    if name == "germeval" and not any(line.startswith("#\t") for line in lines):
        return None
    return _proposal_text(name) if name is not None else None


def _proposal_text(name: str) -> str:
    return f"this looks like {_TITLES[name]}: set `data.preset: {name}`"


# The number and length of the lines that are examined.
_LINES, _MOST_OF_A_LINE = 50, 1 << 12
# The line of a token, if the first column is its number.
_TOKENS = {"conllu": re.compile(r"\d+(-\d+|\.\d+)?(\t[^\t]*){9}"), "germeval": re.compile(r"\d+(\t[^\t]*){3}")}


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_SHAPES: dict[str, Callable[[_Record], bool]] = {
    "doccano": lambda record: (
        isinstance(record.get("text"), str)
        and not record.keys().isdisjoint(("relations", "Comments", "comments"))
        and any(_is_list(record.get(key)) for key in ("entities", "label", "labels"))
    ),
    "label_studio": lambda record: (
        _is_list(record.get("annotations")) or _is_list(record.get("completions"))
        if isinstance(record.get("data"), dict)
        else "annotation_id" in record or ("annotator" in record and _is_list(record.get("label")))
    ),
    "prodigy": lambda record: "_input_hash" in record or "_task_hash" in record,
    "spacy": lambda record: (
        "entities" in record[1]
        if isinstance(record.get(0), str) and isinstance(record.get(1), dict)
        else isinstance(record.get("text"), str) and _is_list(record.get("ents")) and _is_list(record.get("tokens"))
    ),
    "gliner": lambda record: _is_list(record.get("tokenized_text")) and _is_list(record.get("ner")),
    "kaggle_ner": lambda record: {"Sentence #", "Word", "Tag"} <= record.keys(),
}
