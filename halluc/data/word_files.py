"""Word lists of users: one entry per line, tab-separated or JSON Lines, every mistake reported with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from halluc.core.errors import HallucError, Location, data_error, refuse, suggestion
from halluc.data.rows.records import parse_object
from halluc.data.rows.references import refuse_unless_file
from halluc.data.rows.row import BadLine, Unreadable, excerpt
from halluc.data.rows.streams import numbered_lines

T = TypeVar("T")


def entries(
    reference: str,
    columns: Callable[[str], T | str],
    fields: Callable[[Mapping[str, Any]], T | str],
    errors: list[HallucError],
    *,
    code: str,
    form: str,
) -> Iterator[tuple[Location, T]]:
    """The entries of a file with their places; errors are added to ``errors``, with ``code``.

    Blank lines and lines that begin with ``# `` are skipped. ``columns`` parses a line, ``fields`` the object of a line
    in a file that ends in ``.jsonl``; both return a message for a wrong line. ``form`` describes a correct line.

    Raises:
        HallucError D101: no such file, or no regular one. D103, D114: see ``TextStream``.
    """
    path = Path(reference).expanduser()
    refuse_unless_file(path, form)
    if path.suffix == ".jsonl":
        return json_lines(path, fields, errors, code=code, form=form)
    return _lines(path, columns, errors, code, form)


def json_lines(
    path: Path, fields: Callable[[Mapping[str, Any]], T | str], errors: list[HallucError], *, code: str, form: str
) -> Iterator[tuple[Location, T]]:
    """``entries`` of a JSON Lines file that exists, whatever its suffix."""

    def parse(line: str) -> T | str:
        try:
            return fields(parse_object(line))
        except Unreadable as error:
            return error.problem

    return _lines(path, parse, errors, code, form)


def _lines(
    path: Path, parse: Callable[[str], T | str], errors: list[HallucError], code: str, form: str
) -> Iterator[tuple[Location, T]]:
    try:
        for item in numbered_lines(path, str(path)):
            if isinstance(item, BadLine):
                errors.append(item.error())
                continue
            number, line = item
            if not line.strip() or line.startswith("# "):
                continue
            result = parse(line)
            where = Location(str(path), number, text=excerpt(line)[0])
            if isinstance(result, str):
                errors.append(data_error(code, result, where, form))
            else:
                yield where, result
    except OSError as error:
        raise data_error("D101", f"cannot read {path}: {error.strerror or error}") from error


_FORM = 'write `LABEL<TAB>name` on each line, or in a .jsonl file {"label": …, "name": …}'


def read_gazetteer(
    reference: str, labels: Sequence[str], owner: str = "the training split"
) -> dict[str, dict[tuple[str, ...], int]]:
    """The names of each label, each with the weight 1, in the order of the file.

    The lines are ``LABEL<TAB>name``, or, in a file that ends in ``.jsonl``, objects with the fields ``label`` and
    ``name``. A name is split into tokens at white space. ``owner`` is the noun of messages for what has the ``labels``.

    Raises:
        HallucError D101: no such file. D142: it holds no name. Or, with up to 20 at once, D104: a line that is not
            UTF-8. D140: a line that cannot be read. D141, once for each label: it is not among ``labels``.
    """
    names: dict[str, dict[tuple[str, ...], int]] = {}
    errors: list[HallucError] = []
    unknown: dict[str, list[Location]] = {}
    for where, (label, name) in entries(reference, _of_columns, _of_object, errors, code="D140", form=_FORM):
        if label not in labels:
            unknown.setdefault(label, []).append(where)
        else:
            names.setdefault(label, {})[tuple(name.split())] = 1
    for label, places in unknown.items():
        others = f" (lines with it: {len(places):,})" if len(places) > 1 else ""
        help = suggestion(label, labels, f"it has {', '.join(labels) or 'none'}")
        errors.append(data_error("D141", f"{owner} has no label `{label}`{others}", places[0], help))
    refuse(errors)
    if not names:
        raise data_error("D142", f"{reference} has no names", Location(reference), _FORM)
    return names


def _of_columns(line: str) -> tuple[str, str] | str:
    """Label and name, or a message."""
    label, tab, name = line.partition("\t")
    if not tab:
        return "no tab between a label and a name"
    if not label.strip() or not name.strip():
        return "no label before the tab" if name.strip() else "no name after the tab"
    return label.strip(), name


def _of_object(record: Mapping[str, Any]) -> tuple[str, str] | str:
    for field in ("label", "name"):
        value = record.get(field)
        if not isinstance(value, str) or not value.strip():
            return f"no text in the field `{field}`"
    return record["label"], record["name"]
