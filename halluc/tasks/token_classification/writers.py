"""The formats of token classification: columns, tokens with spans, and texts with spans by characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from halluc.core.labels import write_tags
from halluc.data.writers import (
    MARK,
    Files,
    Options,
    Writer,
    csv_rows,
    json_lines,
    json_list,
    parquet,
    unfit,
    write,
)
from halluc.tasks.token_classification.tagged_sentence import Tagged

DOCUMENT_START = "-DOCSTART-"
_TOKENS_HELP = "choose another format: jsonl supports any token and label"
_SCHEME, _JOIN = frozenset({"scheme"}), frozenset({"join"})


class Mention(NamedTuple):
    """A span in characters of a text, half open."""

    start: int
    end: int
    label: str
    surface: str


def text_of(example: Tagged, options: Options) -> tuple[str, list[tuple[int, int]], list[Mention]]:
    """The tokens as one text, the bounds of each token in it, and the mentions in characters.

    Raises:
        HallucError D130: the text is invisible, or a mention begins or ends with white space, which readers strip.
    """
    text = options.joiner.join(example.tokens)
    bounds, start = [], 0
    for token in example.tokens:
        bounds.append((start, start + len(token)))
        start += len(token) + len(options.joiner)
    if not text.strip():
        raise unfit(example, "a text of only white space", "write jsonl, which keeps tokens")
    mentions = []
    for span in example.spans:
        start, end = bounds[span.start][0], bounds[span.end - 1][1]
        surface = text[start:end]
        if not options.keeps_text and (not surface or surface != surface.strip()):
            raise unfit(
                example,
                f"the mention {surface!r} is empty, or starts or ends with white space",
                "write jsonl or prodigy, which keep tokens",
            )
        mentions.append(Mention(start, end, span.label, surface))
    return text, bounds, mentions


def _detect_documents(options: Options, examples: Sequence[Tagged]) -> Options:
    return replace(options, documents=any(example.origin.document for example in examples))


def _identity(example: Tagged, options: Options) -> dict[str, Any]:
    """The id and, if documents are known, the number of the document, since its name is not stored."""
    return {"id": example.id, **({"document": example.origin.document} if options.documents else {})}


def _record(example: Tagged, options: Options) -> dict[str, Any]:
    return {**_identity(example, options), "tokens": example.tokens, "spans": example.spans}


def _tags(example: Tagged, options: Options) -> list[str]:
    try:
        return write_tags(len(example.tokens), example.spans, options.scheme)
    except ValueError as error:
        raise unfit(example, str(error), "choose another `--scheme`") from None


def _columns(files: Files, examples: Iterable[Tagged], options: Options) -> None:
    """Token and tag, ``-DOCSTART-`` before each further document, a blank line after each sentence."""
    separator, begun, document = options.separator, False, 0
    ends = {"\n", "\r", "\t", separator}
    for example in examples:
        lines = []
        if example.origin.document != document:
            document = example.origin.document
            lines.append(f"{DOCUMENT_START}{separator}O\n\n")
            begun = True
        for token, tag in zip(example.tokens, _tags(example, options), strict=True):
            clash = any(end in cell for end in ends for cell in (token, tag)) or not token
            if clash or token.startswith(DOCUMENT_START) or (not begun and token.startswith(MARK)):
                raise unfit(example, f"token {token!r} with tag {tag!r} does not fit columns", _TOKENS_HELP)
            lines.append(f"{token}{separator}{tag}\n")
            begun = True
        files[0].write("".join((*lines, "\n")))


def _cells(examples: Iterable[Tagged], options: Options) -> Iterator[tuple[str, str, str]]:
    """One row per token, with the number of its sentence."""
    yield "Sentence #", "Word", "Tag"
    for number, example in enumerate(examples, 1):
        for token, tag in zip(example.tokens, _tags(example, options), strict=True):
            if not token or any(char in token for char in "\n\r\0"):
                raise unfit(example, f"token {token!r} does not fit a cell", _TOKENS_HELP)
            yield f"Sentence: {number}", token, tag


def _tag_record(example: Tagged, options: Options) -> dict[str, Any]:
    return {"id": example.id, "tokens": example.tokens, "tags": _tags(example, options)}


def _text_spans(example: Tagged, options: Options) -> dict[str, Any]:
    text, _, mentions = text_of(example, options)
    return {**_identity(example, options), "text": text, "spans": [mention[:3] for mention in mentions]}


def _doccano(example: Tagged, options: Options) -> dict[str, Any]:
    text, _, mentions = text_of(example, options)
    return {"id": example.id, "text": text, "label": [mention[:3] for mention in mentions]}


def annotated_task(text: str, identity: str, result: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """A task of Label Studio with its annotation, of (type, value) pairs; ``label`` and ``text`` name its controls."""
    results = [{"from_name": "label", "to_name": "text", "type": kind, "value": value} for kind, value in result]
    return {"data": {"text": text, "id": identity}, "annotations": [{"result": results}]}


def _label_studio(example: Tagged, options: Options) -> dict[str, Any]:
    text, _, mentions = text_of(example, options)
    values = ({"start": m.start, "end": m.end, "text": m.surface, "labels": [m.label]} for m in mentions)
    return annotated_task(text, example.id, [("labels", value) for value in values])


def _prodigy(example: Tagged, options: Options) -> dict[str, Any]:
    """``token_end`` is the last token, as in Prodigy. An original text is written without tokens."""
    text, bounds, mentions = text_of(example, options)
    if options.keeps_text:
        return {
            "text": text,
            "spans": [{"start": m.start, "end": m.end, "label": m.label} for m in mentions],
            "answer": "accept",
            "meta": {"id": example.id},
        }
    last, blank = len(bounds) - 1, bool(options.joiner)
    tokens = [{"text": token, "start": start, "end": end, "id": place, "ws": blank and place < last}
              for place, (token, (start, end)) in enumerate(zip(example.tokens, bounds, strict=True))]  # fmt: skip
    spans = [{"start": m.start, "end": m.end, "token_start": span.start, "token_end": span.end - 1, "label": m.label}
             for m, span in zip(mentions, example.spans, strict=True)]  # fmt: skip
    return {"text": text, "tokens": tokens, "spans": spans, "answer": "accept", "meta": {"id": example.id}}


def _spacy(example: Tagged, options: Options) -> list[Any]:
    text, _, mentions = text_of(example, options)
    return [text, {"entities": [mention[:3] for mention in mentions]}]


def _gliner(example: Tagged, options: Options) -> dict[str, Any]:
    """The end of a mention is its last token, as GLiNER counts."""
    return {"tokenized_text": example.tokens, "ner": [(span.start, span.end - 1, span.label) for span in example.spans]}


def _brat(files: Files, examples: Iterable[Tagged], options: Options) -> None:
    """A line of text per example; offsets count the characters of the whole ``.txt``."""
    texts, annotations = files
    offset = number = 0
    for example in examples:
        text, _, mentions = text_of(example, options)
        if len(f"{text}.".splitlines()) > 1:  # any kind of line break
            raise unfit(example, "a text with a line break does not fit a line of brat", _TOKENS_HELP)
        for mention in mentions:
            if any(char.isspace() for char in mention.label):
                raise unfit(
                    example,
                    f"the label `{mention.label}` contains white space, which brat does not allow in a type",
                    _TOKENS_HELP,
                )
            number += 1
            place = f"{offset + mention.start} {offset + mention.end}"
            annotations.write(f"T{number}\t{mention.label} {place}\t{mention.surface}\n")
        texts.write(text + "\n")
        offset += len(text) + 1


WRITERS: dict[str, Writer] = {
    "conll": Writer(
        "one token per line, in columns", _columns, (".conll", ".bio", ".iob", ".txt"), {"format": "conll"},
        frozenset({"scheme", "separator"}),
    ),
    "jsonl": Writer(
        "tokens and spans, one object per line", json_lines(_record), (".jsonl",), fitted=_detect_documents
    ),
    "json": Writer("the same, as one list", json_list(_record), (".json",), fitted=_detect_documents),
    "text_spans": Writer(
        "texts and spans by characters, one object per line", json_lines(_text_spans), (".jsonl",), {}, _JOIN,
        fitted=_detect_documents,
    ),
    "csv": Writer(
        "one token per row, with its sentence number", csv_rows(_cells), (".csv",), {"preset": "kaggle_ner"}, _SCHEME
    ),
    "table": Writer(
        "a Parquet table of tokens and tags",
        parquet(_tag_record, lambda _: {"id": False, "tokens": True, "tags": True}),
        (".parquet",), {}, _SCHEME, "wb",
    ),
    "doccano": Writer("doccano's JSON Lines", json_lines(_doccano), (".jsonl",), {"preset": "doccano"}, _JOIN),
    "label_studio": Writer(
        "Label Studio's JSON", json_list(_label_studio), (".json",), {"preset": "label_studio"}, _JOIN
    ),
    "prodigy": Writer("Prodigy's JSON Lines", json_lines(_prodigy), (".jsonl",), {"preset": "prodigy"}, _JOIN),
    "spacy": Writer("spaCy's JSON", json_list(_spacy), (".json",), {"preset": "spacy"}, _JOIN),
    "gliner": Writer("GLiNER's JSON", json_list(_gliner), (".json",), {"preset": "gliner"}),
    "brat": Writer("brat's .txt and .ann", _brat, (".ann",), {"preset": "brat"}, _JOIN, parts=(".txt", ".ann")),
}  # fmt: skip


def write_conll(path: Path, examples: Iterable[Tagged]) -> None:
    """Token and IOB2 tag with a tab between; raises as ``write``."""
    write({path: examples}, WRITERS["conll"], Options())
