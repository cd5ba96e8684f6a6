"""brat: texts (`.txt`), each with an annotation file (`.ann`)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from halluc.core.errors import data_error
from halluc.data.rows.references import SplitName, resolve
from halluc.data.rows.row import BadLine, LeftOut, Row

# `T1<tab>PER 0 4;8 12<tab>Mira Holm`: label, parts, text.
_OFFSETS = r"\d{1,18} \d{1,18}"
_ENTITY = re.compile(rf"T\S*\t(?P<label>\S+) (?P<parts>{_OFFSETS}(;{_OFFSETS})*)(\t(?P<text>.*))?", re.DOTALL)
_BOM = "\ufeff"


def files(reference: str, split: SplitName) -> list[Path]:
    """The texts of a folder, sorted by name, or the named one (text or `.ann`).

    Raises:
        HallucError D101: no such file or folder, or a folder without a text.
    """
    path = Path(reference).expanduser()
    if not path.is_dir():
        named = resolve(reference, split)
        return [named.with_suffix(".txt") if named.suffix == ".ann" else named]
    paths = sorted(file for file in path.glob("*.txt") if file.is_file())
    if not paths:
        raise data_error("D101", f"no .txt file in {path}", help="`preset: brat` needs a folder of .txt and .ann files")
    return paths


def rows(reference: str, split: SplitName, encoding: str = "utf-8") -> Iterator[Row | BadLine | LeftOut]:
    """A row for each non-blank line of a text, with `id`, `text` and `spans`; each file is a document.

    Only entities (lines that begin with T) are read, not relations, events and notes.

    Raises:
        HallucError D101: no such file.
    """
    for document, path in enumerate(files(reference, split), 1):  # 0: no document
        annotation = path.with_suffix(".ann")
        try:
            if not annotation.is_file():
                yield LeftOut(str(path), 1, f"no {annotation.name} next to it")
                continue
            # Offsets count every character: newline="" keeps them all.
            with path.open(encoding=encoding, newline="") as stream:
                text = stream.read()
            with annotation.open(encoding=encoding) as stream:
                lines = stream.read().removeprefix(_BOM).split("\n")  # a text may contain U+2028
        except UnicodeError as error:  # UTF-16 without a byte order mark has no position
            problem = f"not {encoding}: {error}"
            if isinstance(error, UnicodeDecodeError):
                problem = f"{error.object[error.start : error.start + 1]!r} is not {encoding}"
            yield BadLine("D104", str(path), 1, problem, "set `data.encoding`, for example `latin-1`")
            continue
        yield from _of_text(path, annotation, text, lines, document)


def _of_text(path: Path, annotation: Path, text: str, lines: list[str], document: int) -> Iterator[Row | BadLine]:
    # Offsets count a byte order mark, which is not a part of the text.
    starts = [int(text.startswith(_BOM)), *(match.end() for match in re.finditer("\n", text))]
    of_line: dict[int, list[dict[str, Any]]] = {}
    for number, line in enumerate(lines, 1):
        if not line.startswith("T"):
            continue
        match = _ENTITY.fullmatch(line)
        parts = [] if match is None else [tuple(map(int, part.split())) for part in match["parts"].split(";")]
        if match is None or not parts[0][0] < parts[-1][1] <= len(text):
            problem = f"no entity in the text of {len(text)} characters"
            help = "an entity line has `T1`, a tab, label, start and end, a tab, and the text"
            yield BadLine("D107", str(annotation), number, problem, help, line)
            continue
        start, end = parts[0][0], parts[-1][1]
        at = max(bisect_right(starts, start) - 1, 0)
        span: dict[str, Any] = {"start": start - starts[at], "end": end - starts[at], "label": match["label"]}
        if any(one[1] < other[0] for one, other in pairwise(parts)):
            span["fault"] = "is discontinuous"
        elif bisect_right(starts, end - 1) - 1 != at:
            span["fault"] = "spans several lines"
        elif match["text"] is not None:
            span["text"] = match["text"]
        of_line.setdefault(at, []).append(span)
    for at, start in enumerate(starts):
        end = text.find("\n", start)
        line = text[start : len(text) if end < 0 else end].removesuffix("\r")
        if line.strip() or at in of_line:
            yield Row(
                str(path),
                at + 1,
                {"id": f"{path.stem}:{at + 1}", "text": line, "spans": of_line.get(at, [])},
                line,
                document=document,
            )
