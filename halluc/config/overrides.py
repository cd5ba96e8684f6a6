"""``--set KEY=VALUE``: values from the command line, which override those of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.config import yaml
from halluc.config.yaml import Located, Source
from halluc.core.errors import HallucError, Location, cut


def apply_all(located: Located, overrides: Sequence[str]) -> list[HallucError]:
    """Apply the overrides in place; returns the errors of invalid ones."""
    errors: list[HallucError] = []
    for override in overrides:
        try:
            apply(located, override)
        except HallucError as error:
            errors.append(error)
    return errors


def apply(located: Located, override: str) -> None:
    """Apply ``a.b.0.c=value`` in place; the value is parsed as YAML.

    Raises:
        HallucError C007: the key does not exist, or the form is not ``key=value``.
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        message = f"`--set {cut(override)}` does not have the form key.subkey=value"
        raise HallucError("C007", message, help="for example --set train.epochs=1")
    if len(key) > yaml.LONGEST_KEY or len(parts) > yaml.MOST_DEPTH or yaml.unusable(key):
        most = f"more than {yaml.LONGEST_KEY:,} characters or {yaml.MOST_DEPTH} levels"
        raise HallucError("C007", f"the key `{cut(key)}` of --set has {yaml.unusable(key) or most}")
    if parts[0] == "extends":
        help = "write a config file that extends the files"
        raise HallucError("C007", "`extends` cannot be set from the command line", help=help)
    if parts[0] == "matrix" and len(parts) > 1:
        parts = ["matrix", *_split_at_axis(located.value.get("matrix"), parts[1:])]
    value = _override_value(key, text, override)
    place = Location("--set", None, 1, len(key), override)
    container, here = _reach(located, parts, place)
    container[here[-1]] = value.value
    located.forget(here)
    located.keys.update({(*here, *p): where for p, where in value.keys.items()})
    located.values.update({(*here, *p): where for p, where in value.values.items()})
    located.keys[here] = place
    located.values.setdefault(here, place)


def _split_at_axis(matrix: Any, parts: list[str]) -> list[str]:
    """The axis and the rest of the path: the longest matching name, since names of axes may contain dots."""
    for length in range(len(parts), 0, -1):
        axis = ".".join(parts[:length])
        if isinstance(matrix, dict) and axis in matrix:
            return [axis, *parts[length:]]
    return [".".join(parts)]


def _reach(located: Located, parts: Sequence[str], place: Location) -> tuple[Any, yaml.Path]:
    """The mapping or list that holds the last part, created if it is missing, and the whole path."""
    node: Any = located.value
    path: yaml.Path = ()
    for part in parts[:-1]:
        step = _step(node, part, path, place)
        child = node.get(step) if isinstance(node, dict) else node[step]
        if not isinstance(child, (dict, list)):
            child = node[step] = {}
        node, path = child, (*path, step)
        located.keys.setdefault(path, place)
        located.values.setdefault(path, place)
    return node, (*path, _step(node, parts[-1], path, place))


def _step(node: Any, part: str, path: yaml.Path, place: Location) -> str | int:
    """``part`` as a key of a mapping or an index of a list."""
    if not isinstance(node, list):
        return part
    if not part.isdecimal() or int(part) >= len(node):
        raise HallucError(
            "C007", f"`{cut(yaml.dotted(path))}` is a list of {len(node)} items and has no item `{cut(part)}`", place
        )
    return int(part)


def _override_value(key: str, text: str, override: str) -> Located:
    quoting = f"quote the value: --set '{cut(key)}=\"…\"'"
    try:
        value = yaml.read(Source("--set", text, shift=len(key) + 1, whole=override))
    except HallucError as error:
        if error.help is None and error.code == "C001":
            error.help = quoting
        raise
    if value.value is None and text.strip().lower() not in ("", "null", "~"):  # a comment in YAML
        place = Location("--set", None, len(key) + 2, len(text), override)
        raise HallucError("C007", f"the value of `{cut(key)}` is parsed as empty", place, quoting)
    return value
