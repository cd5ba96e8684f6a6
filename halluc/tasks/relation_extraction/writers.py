"""The formats of relation extraction: records with tokens, head, tail and relation."""

from __future__ import annotations

from typing import Any

from halluc.data.writers import Options, Writer, each, json_lines, json_list, unfit
from halluc.tasks.relation_extraction.examples import NO_RELATION, Related, RelationExamples
from halluc.tasks.relation_extraction.reading.config import NONE_LABELS


def _record(example: Related, options: Options) -> dict[str, Any]:
    """
    Raises:
        HallucError D130: the relation has the name of none, or would be stripped.
    """
    label = example.relation
    if label is not None and (label != label.strip() or label in (*NONE_LABELS, NO_RELATION)):
        raise unfit(example, f"the relation `{label}` would be read as another", "rename it")
    return RelationExamples().record(example)


WRITERS = {
    "jsonl": Writer("tokens, head, tail and relation, an object a line", json_lines(each(_record)), (".jsonl",)),
    "json": Writer("the same as one list", json_list(each(_record)), (".json",)),
}
