"""The table of everything pluggable: kind -> name -> "module:attribute".

A new component is one file and one row here. This module imports nothing, so that any layer may read it.
The first line of a component's docstring is what ``halluc list`` prints.
"""

TABLE: dict[str, dict[str, str]] = {
    "task": {
        "token_classification": "halluc.tasks.token_classification:TokenClassification",
    },
    "detector": {
        "gold_spans": "halluc.hallucination.gold_spans:GoldSpans",
    },
    "reader": {
        "conll": "halluc.data.readers.conll:ConllReader",
        "jsonl": "halluc.data.readers.jsonl:JsonlReader",
        "hub": "halluc.data.readers.hub:HubReader",
    },
}
