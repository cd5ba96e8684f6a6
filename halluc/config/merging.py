"""Reads and merges config files: ``extends``, environment variables, and the location of every value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from halluc.config import yaml
from halluc.config.section import LONGEST_PATH
from halluc.config.yaml import Located, Source, copy_tree
from halluc.core.errors import HallucError, Location, cut, did_you_mean
from halluc.core.files import irregular
from halluc.core.latest import is_run

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")

# Limits on files and values: 40 files that each extend the next one twice would otherwise be merged 2^40 times.
MOST_FILES = 100
_MOST_MERGED = 1_000_000
_MOST_BYTES = 16 << 20


class Files:
    """Reads a config file and, depth first, the files that it extends; each is read once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.files: list[Path] = []
        self.chain: list[Path] = []
        self.done: dict[Path, Located] = {}
        self.nodes = self.characters = self.merged = 0

    def read(self, path: Path, requested_at: Location | None) -> Located:
        """The file merged with all files that it extends; the result is shared and must not be modified.

        Raises:
            HallucError C001 to C008: it, or a file that it extends, cannot be read; or there are too many.
        """
        resolved = _resolve(path, requested_at)
        if resolved in self.chain:
            circle = " -> ".join(p.name for p in [*self.chain[self.chain.index(resolved) :], resolved])
            raise HallucError("C006", f"`extends` is circular: {cut(circle, 300)}", requested_at)
        if resolved not in self.done:
            if len(self.files) == MOST_FILES:
                raise HallucError("C006", f"`extends` lists more than {MOST_FILES} files in total", requested_at)
            self.files.append(path)
            self.chain.append(resolved)
            self.done[resolved] = self._merge_parents(path, self._own_values(path, requested_at))
            self.chain.pop()
        return self.done[resolved]

    def _own_values(self, path: Path, requested_at: Location | None) -> Located:
        text = _text(path, requested_at)
        located = yaml.read(Source(str(path), text))
        self.nodes += len(located.values)
        self.characters += len(text)
        if self.nodes > yaml.MOST_NODES or self.characters > yaml.MOST_CHARACTERS:
            most = f"{yaml.MOST_NODES:,} values or {yaml.MOST_CHARACTERS:,} characters"
            raise HallucError("C006", f"the files in `extends` have more than {most} in total", requested_at)
        return located

    def _merge_parents(self, path: Path, located: Located) -> Located:
        if not isinstance(located.value, dict):
            return located
        parents = Located({"extends": located.value.get("extends")}, located.keys, located.values)
        interpolate(parents, self.environ)
        merged = Located({}, {}, {})
        for name, where in _parents(parents):
            parent = self.read(path.parent / name, where)
            self.merged += len(parent.values)
            if self.merged > _MOST_MERGED:
                raise HallucError("C006", f"`extends` merges more than {_MOST_MERGED:,} values", where)
            if isinstance(parent.value, dict):
                merge(merged, parent)
        merge(merged, located)
        merged.value.pop("extends", None)
        return merged


def _resolve(path: Path, requested_at: Location | None) -> Path:
    try:
        return path.resolve()
    except ValueError:
        raise HallucError(
            "C005", f"invalid file name {cut(repr(str(path)))}: it has a NUL character", requested_at
        ) from None
    except (OSError, RuntimeError):
        raise HallucError(
            "C005", f"cannot read {cut(str(path))}: its symbolic links are circular", requested_at
        ) from None


def _text(path: Path, requested_at: Location | None) -> str:
    text = cut(str(path), 300)
    kind = irregular(path)
    if kind is not None:
        instead = f"to use a run, write --run {text}" if is_run(path) else "a config must be a regular file"
        raise HallucError("C005", f"{text} is not a regular file ({kind})", requested_at, instead)
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise HallucError(
                "C003", f"{text} has more than {_MOST_BYTES >> 20} MB", requested_at, "check whether this is a config"
            )
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise HallucError("C005", f"no such config file: {text}", requested_at, _other_configs(path)) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        help = "save the file as UTF-8"
        raise HallucError("C001", message, Location(str(path), line), help) from None
    except OSError as error:
        raise HallucError("C005", f"cannot read {text}: {error.strerror}", requested_at) from None


def _other_configs(path: Path) -> str | None:
    folder = path.parent if path.parent.is_dir() else Path("configs")
    near = (
        did_you_mean(path.name, [file.name for file in folder.glob("*.y*ml")], cutoff=0.75) if folder.is_dir() else None
    )
    return f"did you mean `{folder / near}`?" if near else "paths are relative to the working directory"


def _parents(located: Located) -> Iterable[tuple[str, Location]]:
    value = located.value.get("extends")
    if value is None:
        return
    names = value if isinstance(value, list) else [value]
    if len(names) > MOST_FILES:
        message = f"`extends` names {len(names):,} files, more than {MOST_FILES}"
        raise HallucError("C006", message, located.values[("extends",)])
    for index, name in enumerate(names):
        where = located.values.get(("extends", index)) or located.values[("extends",)]
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_PATH:
            raise HallucError("C006", "`extends` must be a file name or a list of file names", where)
        yield name, where


def merge(base: Located, over: Located) -> None:
    """Merge ``over`` into ``base`` in place: mappings are merged, everything else is replaced. ``over`` stays
    unchanged."""
    replaced: set[yaml.Path] = set()
    _merge(base, over, base.value, over.value, (), replaced)
    for target, source in ((base.keys, over.keys), (base.values, over.values)):
        # All at once: searching all locations for each replaced key would take quadratic time.
        for path in [path for path in target if _is_below(path, replaced)]:
            del target[path]
        target.update({path: where for path, where in source.items() if _is_below(path, replaced)})
    base.values.setdefault((), over.values.get((), Location("--set")))


def _merge(
    base: Located, over: Located, into: dict[str, Any], new: dict[str, Any], path: yaml.Path, replaced: set[yaml.Path]
) -> None:
    for key, value in new.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(base, over, into[key], value, here, replaced)
            if here in over.keys:
                base.keys[here] = over.keys[here]
                base.values[here] = over.values[here]
        else:
            into[key] = copy_tree(value)
            replaced.add(here)


def _is_below(path: yaml.Path, roots: set[yaml.Path]) -> bool:
    return any(path[:length] in roots for length in range(1, len(path) + 1))


def interpolate(located: Located, environ: Mapping[str, str]) -> None:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in every string; ``$$`` is a literal dollar sign.

    Raises:
        HallucError C008: a variable without a default is not set.
    """

    def fill(text: str, path: yaml.Path) -> str:
        def value_of(match: re.Match[str]) -> str:
            if match[1]:
                return "$"
            name, default = match[2], match[3]
            value = environ.get(name) or default
            if value is None:
                help = f"export {cut(name)}=…, or write ${{{cut(name)}:-default}}"
                raise HallucError(
                    "C008", f"environment variable `{cut(name)}` is not set", located.values.get(path), help
                )
            if fault := yaml.unusable(value):
                raise HallucError("C008", f"environment variable `{cut(name)}` has {fault}", located.values.get(path))
            return value

        return _VARIABLE.sub(value_of, text)

    def walk(node: Any, path: yaml.Path) -> Any:
        if isinstance(node, str):
            return fill(node, path)
        if isinstance(node, dict):
            return {key: walk(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value, (*path, index)) for index, value in enumerate(node)]
        return node

    located.value = walk(located.value, ())
