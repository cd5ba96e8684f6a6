"""The formats of relation extraction: records with tokens, head, tail and relation."""

from __future__ import annotations

from typing import Any

from halluc.data.writers.base import Options, Writer, each
from halluc.data.writers.files import json_lines, json_list
from halluc.tasks.relation_extraction.examples import Related, RelationExamples


def _record(example: Related, options: Options) -> dict[str, Any]:
    return RelationExamples().record(example)


WRITERS = {
    "jsonl": Writer("tokens, head, tail and relation, an object a line", json_lines(each(_record)), (".jsonl",)),
    "json": Writer("the same as one list", json_list(each(_record)), (".json",)),
}
