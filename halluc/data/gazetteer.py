"""A file of names by label, from outside the training split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halluc.core.errors import HallucError, Location, data_error, refuse, suggestion
from halluc.data.word_files import entries

_FORM = 'write `LABEL<TAB>name` on each line, or in a .jsonl file {"label": …, "name": …}'


def read_gazetteer(
    reference: str, labels: Sequence[str], owner: str = "the training split"
) -> dict[str, dict[tuple[str, ...], int]]:
    """The names of each label, each with the weight 1, in the order of the file.

    ``LABEL<TAB>name`` lines, where blank lines and lines that begin with ``# `` are skipped, or JSON Lines with the
    fields ``label`` and ``name`` in a file that ends in ``.jsonl``. A name is split into tokens at white space.
    ``owner`` says in messages what has the ``labels``.

    Raises:
        HallucError D101: no such file. D142: it holds no name. Or, with up to 20 at once, D104: a line that is not
            UTF-8. D140: a line that cannot be read. D141: a label that is not among ``labels``.
    """
    names: dict[str, dict[tuple[str, ...], int]] = {}
    errors: list[HallucError] = []
    for where, (label, name) in entries(reference, _of_columns, _of_object, errors, code="D140", form=_FORM):
        if label not in labels:
            help = suggestion(label, labels, f"it has {', '.join(labels) or 'none'}")
            errors.append(data_error("D141", f"{owner} has no label `{label}`", where, help))
        else:
            names.setdefault(label, {})[tuple(name.split())] = 1
    refuse(errors)
    if not names:
        raise data_error("D142", f"{reference} has no names", Location(reference), _FORM)
    return names


def _of_columns(line: str) -> tuple[str, str] | str:
    """Label and name, or what is wrong."""
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
