"""A file of names by label, from outside the training split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halluc.augment.base import Tokens
from halluc.core.errors import MOST_SHOWN, HallucError, Location, ManyErrors, data_error, did_you_mean
from halluc.data.readers.base import BadLine, absent, numbered_lines
from halluc.data.readers.jsonl import Unreadable, parse_object

_FORM = 'a line is `LABEL<TAB>name`; in a .jsonl file, {"label": …, "name": …}'


class _Entry(NamedTuple):
    line: int
    text: str
    label: str
    name: Tokens


def read_gazetteer(reference: str, labels: Sequence[str]) -> dict[str, list[Tokens]]:
    """The names of each label, each once, in the order of the file.

    ``LABEL<TAB>name`` lines, where blank lines and lines that begin with ``# `` are skipped, or JSON Lines with the
    fields ``label`` and ``name`` in a file that ends in ``.jsonl``. A name is split into tokens at white space.

    Raises:
        HallucError D101: no such file. D142: it holds no name. Or, with up to 20 at once, D104: a line that is not
            UTF-8. D140: a line that cannot be read. D141: a label that is not among ``labels``.
    """
    path = Path(reference).expanduser()
    if not path.is_file():
        raise data_error("D101", f"{path} is a folder", help=_FORM) if path.is_dir() else absent(path)
    names: dict[str, dict[Tokens, None]] = {}
    errors: list[HallucError] = []
    for item in _entries(path):
        if isinstance(item, HallucError):
            errors.append(item)
        elif item.label not in labels:
            errors.append(_unknown(path, item, labels))
        else:
            names.setdefault(item.label, {})[item.name] = None
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors[:MOST_SHOWN], len(errors))
    if not names:
        raise data_error("D142", f"{path} holds no name", Location(str(path)), _FORM)
    return {label: list(of_label) for label, of_label in names.items()}


def _entries(path: Path) -> Iterator[_Entry | HallucError]:
    parse = _of_object if path.suffix == ".jsonl" else _of_columns
    try:
        for item in numbered_lines(path, str(path)):
            if isinstance(item, BadLine):
                yield item.error()
                continue
            number, line = item
            if line.strip() and not line.startswith("# "):
                yield _entry(path, number, line, parse(line))
    except OSError as error:
        raise data_error("D101", f"cannot read {path}: {error.strerror or error}") from error


def _entry(path: Path, number: int, line: str, found: tuple[str, str] | str) -> _Entry | HallucError:
    if isinstance(found, str):
        return data_error("D140", found, Location(str(path), number, text=line), _FORM)
    label, name = found
    return _Entry(number, line, label, tuple(name.split()))


def _of_columns(line: str) -> tuple[str, str] | str:
    """Label and name, or what is wrong."""
    label, tab, name = line.partition("\t")
    if not tab:
        return "no tab between a label and a name"
    if not label.strip() or not name.strip():
        return "no label before the tab" if name.strip() else "no name behind the tab"
    return label.strip(), name


def _of_object(line: str) -> tuple[str, str] | str:
    try:
        record = parse_object(line)
    except Unreadable as told:
        return told.problem
    for field in ("label", "name"):
        value = record.get(field)
        if not isinstance(value, str) or not value.strip():
            return f"no text in the field `{field}`"
    return record["label"], record["name"]


def _unknown(path: Path, entry: _Entry, labels: Sequence[str]) -> HallucError:
    near = did_you_mean(entry.label, labels)
    help = f"did you mean `{near}`?" if near else f"it has {', '.join(labels) or 'none'}"
    where = Location(str(path), entry.line, text=entry.text)
    return data_error("D141", f"the training split has no label `{entry.label}`", where, help)
