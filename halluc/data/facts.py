"""Facts and cloze patterns to probe a language model with, in the layout of ParaRel (Elazar et al. 2021) and LAMA.

A folder has one JSON Lines file per relation, named after the relation: of patterns ``{"pattern": "[X] was born in
[Y]."}``, of facts ``{"sub_label": "Anna Berg", "obj_label": "Oslo"}``. Other fields are ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.core.errors import HallucError, data_error, refuse, suggestion
from halluc.data.rows.references import refuse_unless_file
from halluc.data.word_files import json_lines

SUBJECT, OBJECT = "[X]", "[Y]"

_PATTERN_FORM = 'write {"pattern": "[X] was born in [Y]."}, with one [X] for the subject and one [Y] for the object'
_FACT_FORM = 'write {"sub_label": "Anna Berg", "obj_label": "Oslo"}'


@dataclass(frozen=True)
class Pattern:
    """A sentence with a slot for the subject and one for the object."""

    text: str

    def around(self, subject: str) -> tuple[str, str]:
        """The text before and after the object."""
        before, _, after = self.text.partition(OBJECT)
        return before.replace(SUBJECT, subject), after.replace(SUBJECT, subject)

    @property
    def context(self) -> str | None:
        """The text of the pattern between the subject, or its start, and the object; None if the object is first."""
        if self.text.startswith(OBJECT):
            return None
        return self.text.partition(OBJECT)[0].rpartition(SUBJECT)[2]


@dataclass(frozen=True)
class Fact:
    """A subject of a relation with all of its objects, and the line of the first fact."""

    relation: str
    subject: str
    objects: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Relation:
    """The patterns and facts of a relation, and the objects of all its facts, the most frequent first."""

    name: str
    patterns: tuple[Pattern, ...]
    facts: tuple[Fact, ...]
    objects: tuple[str, ...]


def read_relations(patterns: Path, facts: Path, wanted: Sequence[str] = ()) -> tuple[list[Relation], list[str]]:
    """The relations with both patterns and facts, by name, and the names of other relations.

    Args:
        patterns, facts: a folder of ``.jsonl`` files, or one such file.
        wanted: the names of the relations to read; all if it is empty.

    Raises:
        HallucError or ManyErrors D101, D103, D104, D114: a file cannot be read. D190: a line is not a pattern, or not a
            fact. D191: no relation has both. C011: a wanted relation does not exist.
    """
    of_patterns, of_facts = _files(patterns, _PATTERN_FORM), _files(facts, _FACT_FORM)
    both = [name for name in of_facts if name in of_patterns]
    for name in wanted:
        if name not in both:
            help = suggestion(name, both, f"there are {', '.join(both[:8]) or 'none'}")
            raise HallucError("C011", f"no relation `{name}` in both {patterns} and {facts}", help=help)
    chosen = [name for name in both if not wanted or name in wanted]
    errors: list[HallucError] = []
    read = [_relation(name, of_patterns[name], of_facts[name], errors) for name in chosen]
    refuse(errors)
    complete = [relation for relation in read if relation.patterns and relation.facts]
    if not complete:
        help = "each relation needs two files with the same name, such as patterns/P19.jsonl and facts/P19.jsonl"
        raise data_error("D191", f"no relation has patterns in {patterns} and facts in {facts}", help=help)
    lacking = {*of_facts, *of_patterns} - {relation.name for relation in complete}
    return complete, sorted(lacking) if not wanted else []


def _files(path: Path, form: str) -> dict[str, Path]:
    path = path.expanduser()
    if path.is_dir():
        return {one.stem: one for one in sorted(path.glob("*.jsonl"))}
    refuse_unless_file(path, form)
    return {path.stem: path}


def _relation(name: str, patterns: Path, facts: Path, errors: list[HallucError]) -> Relation:
    objects: dict[str, dict[str, None]] = {}
    lines: dict[str, int] = {}
    for where, (subject, phrase) in json_lines(facts, _fact, errors, code="D190", form=_FACT_FORM):
        objects.setdefault(subject, {})[phrase] = None
        lines.setdefault(subject, where.line or 0)
    lines_of_patterns = json_lines(patterns, _pattern, errors, code="D190", form=_PATTERN_FORM)
    distinct = dict.fromkeys(pattern for _, pattern in lines_of_patterns)
    counts = Counter(phrase for of in objects.values() for phrase in of)
    return Relation(
        name,
        tuple(distinct),
        tuple(Fact(name, subject, tuple(of), lines[subject]) for subject, of in objects.items()),
        tuple(phrase for phrase, _ in counts.most_common()),
    )


def _pattern(record: Mapping[str, Any]) -> Pattern | str:
    text = record.get("pattern")
    if isinstance(text, str) and text.count(SUBJECT) == 1 and text.count(OBJECT) == 1:
        return Pattern(text)
    return "not a cloze pattern"


def _fact(record: Mapping[str, Any]) -> tuple[str, str] | str:
    subject, text = (record.get(key) for key in ("sub_label", "obj_label"))
    if isinstance(subject, str) and isinstance(text, str) and subject.strip() and text.strip():
        return subject.strip(), text.strip()
    return "no fact"
