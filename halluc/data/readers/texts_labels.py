"""The labels of one text: one or several, cut to their level, and which can be none."""

from __future__ import annotations

from dataclasses import dataclass

from halluc.core.labels import MOST_CHARACTERS, label_fault
from halluc.data.readers.base import MEND
from halluc.data.readers.jsonl import Unreadable
from halluc.data.readers.texts_config import TextsConfig
from halluc.data.readers.texts_found import Found, is_absent, kind, nul, whole, without


@dataclass(frozen=True)
class Labels:
    """Reads the labels of the texts of one file; ``outside``: of one whose texts are all out of scope."""

    config: TextsConfig
    outside: bool

    def of(self, found: Found) -> tuple[tuple[str, ...], list[str]]:
        """The labels, sorted and each once, and what was mended; none of a text that is out of scope.

        Raises:
            Unreadable D107: one of a wrong kind. D119: a NUL. D123: none, an empty one, or one that is no name or that
                a text out of scope has.
        """
        config, given = self.config, found.label
        if self.outside and (is_absent(given) or given is None or given in ("", [])):
            return (), []
        if is_absent(given):
            raise without(found.fields, str(config.label_field), "label_field", "D123")
        names: list[str] = []
        repairs = []
        for one in _listed(given, config):
            name = self._name(one)
            if isinstance(one, str) and one != one.strip():
                repairs.append(f"blanks around the label `{one.strip()}`")
            if name in names:
                repairs.append(f"the label `{name}` stands twice")
            else:
                names.append(name)
        return tuple(sorted(self._in_scope(names))), repairs

    def _in_scope(self, names: list[str]) -> list[str]:
        if self.config.out_of_scope_label in names:
            if len(names) > 1:
                told = ", ".join(f"`{name}`" for name in names)
                raise Unreadable("D123", f"out of scope and a label: {told}", "a text out of scope has no other label")
            return []
        if self.outside and names:
            help = "take the labels out, or name the file in `data.test` with `data.out_of_scope_label`"
            raise Unreadable("D123", f"the label `{names[0]}` in a file of texts out of scope", help)
        return names

    def _name(self, given: object) -> str:
        """One label, cut to its level, which may be the one that is out of scope."""
        if not isinstance(given, str) and not whole(given):
            help = "a label is a string, a whole number, or a list of them; or set `data.on_bad_line: skip`"
            raise Unreadable("D107", f"the label is {kind(given)}, not a string", help)
        name = str(given).strip()
        _refuse_no_name(name)
        config = self.config
        if config.label_separator is None or config.label_level is None or name == config.out_of_scope_label:
            return name
        parts = [part.strip() for part in name.split(config.label_separator)]
        if not all(parts):
            raise Unreadable("D123", f"the label `{name}` has an empty part", "mend it, or see `data.label_separator`")
        return config.label_separator.join(parts[: config.label_level])


def _refuse_no_name(name: str) -> None:
    """Refuse what is no label of any task; a NUL is a damaged file."""
    if "\0" in name:
        raise nul("label")
    fault = label_fault(name)
    if fault is None:
        return
    help = MEND
    if not name:
        help = "a text without any label has an empty list of labels"
    elif len(name) > MOST_CHARACTERS:
        help = "is this the text? see `data.label_field` and `data.text_field`"
    raise Unreadable("D123", fault, help)


def _listed(given: object, config: TextsConfig) -> list[object]:
    """The labels of a text, one or several."""
    if isinstance(given, list):
        return given
    if given is None:
        help = "a text without any label has an empty list; one out of scope, `data.out_of_scope_label`"
        raise Unreadable("D123", f"`{config.label_field}` is null", help)
    if config.multi_separator is not None and isinstance(given, str):
        return [part.strip() for part in given.split(config.multi_separator) if part.strip()]
    if isinstance(given, str) and not given.strip():
        help = "where texts may have several labels or none, set `data.multi_separator`"
        raise Unreadable("D123", "no label", help)
    return [given]
