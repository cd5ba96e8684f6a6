"""Hashes of configs, which identify runs: the keys that affect the model, in the form of the first versions.

A key that was added later is hashed only if its value is not the default, so that earlier runs keep their hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from halluc.components import TABLE
from halluc.config import schema
from halluc.config.section import MOST_LINE_BYTES, Section
from halluc.core import registry

# Keys that a section did not have in earlier versions, with their defaults; tasks declare their own.
LATER_KEYS: dict[str, dict[str, Any]] = {
    "model": {"scratch": None, "lora": None},
    "augment": {"online": False},
    "train": {
        "average": None,
        "layer_decay": None,
        "unfreeze": None,
        "pretrain": None,
        "teacher": None,
        "r_drop": 0.0,
        "adversarial": 0.0,
        "gradient_checkpointing": False,
        "fsdp": False,
    },
    "eval": {"ensemble": None, "uncertainty": None, "consistency": "none"},
}
# Such keys of methods of `augment`, by type.
_LATER_KEYS_OF_METHODS: dict[str, dict[str, Any]] = {"synonym": {"thesaurus": "wordnet"}}

# The keys of ``data`` that are always hashed, by format: those of the version that first wrote runs of it.
_SPLITS = ("train", "dev", "test", "on_bad_line", "format")
_TAGS = (*_SPLITS, "scheme", "bad_tags")
_FIRST_KEYS: dict[str, tuple[str, ...]] = {
    "conll": (*_TAGS, "separator", "token_column", "tag_column", "comment"),
    "jsonl": (
        *_TAGS, "tokens_field", "tags_field", "text_field", "spans_field", "id_field", "span_end", "tokenize",
        "overlaps",
    ),
    "hub": (*_TAGS, "subset", "tokens_field", "tags_field"),
    "texts": (
        *_SPLITS, "form", "text_field", "second_field", "label_field", "id_field", "tokenize", "delimiter", "header",
        "quoting", "label_separator", "label_level", "multi_separator", "out_of_scope_label", "out_of_scope", "subset",
        "dev_share",
    ),
}  # fmt: skip
# The default of every other key of ``data`` is one of these, unless it is listed here.
USUAL_DEFAULTS: tuple[Any, ...] = (None, "auto", "none", False, "error", [], {})
OTHER_DEFAULTS: dict[str, Any] = {
    "max_line_bytes": MOST_LINE_BYTES, "encoding": "utf-8", "separator": "whitespace", "token_column": 0,
    "tag_column": -1, "tokens_field": "tokens", "tags_field": "tags", "text_field": "text",
    "spans_field": "spans", "id_field": "id", "span_end": "exclusive", "tokenize": "words", "outside_tags": ["O"],
    "question_field": "question", "context_field": "context", "answers_field": "answers", "title_field": "title",
    "source_field": "source", "target_field": "target", "history_field": "history", "reply_field": "reply",
    "persona_field": "persona", "knowledge_field": "knowledge", "dialogue_field": "dialogue_id",
    "agents": ["agent", "assistant", "bot", "gpt", "model", "wizard"],
    "label_position": "first", "answer_field": "answer", "span_base": 0, "head_field": "head", "tail_field": "tail",
    "tokenizer_version": 1,  # for runs that do not state it
}  # fmt: skip


# The keys of these sections that do not affect the model.
UNDECIDING = {"data": ("test", "test_target"), "train": ("checkpoints", "fsdp"), "augment": ("workers",)}


def model_sections(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a config that affect the model, as plain values; its ``data`` must be a mapping."""
    sections = {name: section_in_hash(tree, name) for name in schema.MODEL_SECTIONS if tree.get(name) is not None}
    for name, left_out in UNDECIDING.items():
        if isinstance(sections.get(name), dict):
            sections[name] = {key: value for key, value in sections[name].items() if key not in left_out}
    return sections


def is_usable(trained: Mapping[str, Any], requested: Mapping[str, Any]) -> bool:
    """Whether two configs describe the same model, except for values of ``Section.replaceable_keys``."""
    kind = requested["task"].get("type")
    component = registry.load(TABLE, "task", kind) if kind in TABLE["task"] else None
    replaceable = component.Config.replaceable_keys if component is not None else frozenset()
    of_trained, of_requested = (model_sections(tree) for tree in (trained, requested))
    for sections in (of_trained, of_requested):
        sections["task"] = {key: value for key, value in sections["task"].items() if key not in replaceable}
    return sha256_of_tree(of_trained) == sha256_of_tree(of_requested)


def section_in_hash(tree: Mapping[str, Any], name: str, *, undeciding: bool = False) -> Any:
    """A section as it is hashed; with ``undeciding``, including keys that affect only evaluations."""
    section = tree[name]
    if not isinstance(section, dict):
        return section
    if name == "data":
        return _data(section)
    later = LATER_KEYS.get(name, {})
    if name == "task" and (kind := section.get("type")) in TABLE["task"]:
        config: type[Section] = registry.load(TABLE, "task", kind).Config
        later = {key: config.model_fields[key].default for key in config.later_keys}
        if not undeciding:
            section = {key: value for key, value in section.items() if key not in config.undeciding_keys}
    kept = _drop_defaults(section, later)
    if isinstance(kept.get("abstain"), dict):
        kept["abstain"] = _drop_defaults(kept["abstain"], {"by": None})
    return {**kept, "methods": [_method(one) for one in kept["methods"]]} if name == "augment" else kept


def _drop_defaults(section: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in later or value != later[key]}


def _method(method: Mapping[str, Any]) -> dict[str, Any]:
    kept = _drop_defaults(method, _LATER_KEYS_OF_METHODS.get(method["type"], {}))
    return {**kept, "methods": [_method(one) for one in kept["methods"]]} if "methods" in kept else kept


def _data(section: Mapping[str, Any]) -> dict[str, Any]:
    data = dict(section)
    if "label_field" in data and data["format"] != "texts":
        # Texts had a single format, and another key for the format of their files.
        data["form"] = "auto" if data["format"] == "hub" else data["format"]
        data["format"] = "texts"
        data["quoting"] = True if data["quoting"] == "auto" else data["quoting"]
    if data["format"] in ("conll", "hub") or data.get("tokenize") != "words":
        data.pop("tokenizer_version", None)  # no text is tokenized into words
    first = _FIRST_KEYS.get(data["format"], _SPLITS)
    return {key: value for key, value in data.items() if key in first or not is_default(key, value)}


def is_default(key: str, value: Any) -> bool:
    """Whether a key of ``data`` that was added later has its default."""
    if key in OTHER_DEFAULTS:
        return bool(value == OTHER_DEFAULTS[key])
    return any(value is one or (value == one and type(value) is type(one)) for one in USUAL_DEFAULTS)


def sha256_of_tree(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()
