"""Config files read and laid on each other: ``extends``, the environment, and the place of every value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from halluc.config import yaml
from halluc.config.yaml import Located, Source
from halluc.core import latest
from halluc.core.errors import HallucError, Location, did_you_mean

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


class Files:
    """Reads a file and, depth first, those it extends; remembers which."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.files: list[Path] = []
        self.chain: list[Path] = []

    def read(self, path: Path, asked: Location | None) -> Located:
        resolved = path.resolve()
        if resolved in self.chain:
            circle = " -> ".join(p.name for p in [*self.chain[self.chain.index(resolved) :], resolved])
            raise HallucError("C006", f"`extends` goes round in a circle: {circle}", asked)
        located = yaml.read(Source(str(path), _text(path, asked)))
        if path not in self.files:
            self.files.append(path)
        if not isinstance(located.value, dict):
            return located
        parents = Located({"extends": located.value.get("extends")}, located.keys, located.values)
        interpolate(parents, self.environ)
        self.chain.append(resolved)
        merged = Located({}, {}, {})
        for name, where in _parents(parents):
            parent = self.read(path.parent / name, where)
            if isinstance(parent.value, dict):
                merge(merged, parent)
        self.chain.pop()
        merge(merged, located)
        merged.value.pop("extends", None)
        return merged


def _text(path: Path, asked: Location | None) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        help = _other_configs(path)
        raise HallucError("C005", f"no such config file: {path}", asked, help) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise HallucError(
            "C001", f"byte 0x{error.object[error.start]:02x} is not UTF-8", Location(str(path), line), "save as UTF-8"
        ) from None
    except OSError as error:
        help = f"a run is named by --run {path}" if (path / latest.RUN_FILE).is_file() else None
        raise HallucError("C005", f"cannot read {path}: {error.strerror}", asked, help) from None


def _other_configs(path: Path) -> str | None:
    folder = path.parent if path.parent.is_dir() else Path("configs")
    near = (
        did_you_mean(path.name, [file.name for file in folder.glob("*.y*ml")], cutoff=0.75) if folder.is_dir() else None
    )
    return f"did you mean `{folder / near}`?" if near else "the path is relative to the working directory"


def _parents(located: Located) -> Iterable[tuple[str, Location]]:
    value = located.value.get("extends")
    if value is None:
        return
    names = value if isinstance(value, list) else [value]
    for index, name in enumerate(names):
        where = located.values.get(("extends", index)) or located.values[("extends",)]
        if not isinstance(name, str) or not name:
            raise HallucError("C006", "`extends` takes a file name or a list of them", where)
        yield name, where


def merge(base: Located, over: Located) -> None:
    """Lay ``over`` on ``base`` in place: maps merge, everything else replaces."""
    _merge(base, over, base.value, over.value, ())
    base.values.setdefault((), over.values.get((), Location("--set")))


def _merge(base: Located, over: Located, into: dict[str, Any], new: dict[str, Any], path: yaml.Path) -> None:
    for key, value in new.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(base, over, into[key], value, here)
        else:
            base.forget(here)
            into[key] = value
            base.keys.update({p: where for p, where in over.keys.items() if p[: len(here)] == here})
            base.values.update({p: where for p, where in over.values.items() if p[: len(here)] == here})
        if here in over.keys:
            base.keys[here] = over.keys[here]
            base.values[here] = over.values[here]


def interpolate(located: Located, environ: Mapping[str, str]) -> None:
    """Fill ``${NAME}`` and ``${NAME:-default}`` into every string; ``$$`` stands for one dollar sign.

    Raises:
        HallucError C008: a variable without a default is not set.
    """

    def fill(text: str, path: yaml.Path) -> str:
        def one(match: re.Match[str]) -> str:
            if match[1]:
                return "$"
            name, default = match[2], match[3]
            found = environ.get(name) or default
            if found is None:
                help = f"export {name}=…, or write ${{{name}:-default}}"
                raise HallucError("C008", f"environment variable `{name}` is not set", located.values.get(path), help)
            return found

        return _VARIABLE.sub(one, text)

    def walk(node: Any, path: yaml.Path) -> Any:
        if isinstance(node, str):
            return fill(node, path)
        if isinstance(node, dict):
            return {key: walk(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value, (*path, index)) for index, value in enumerate(node)]
        return node

    located.value = walk(located.value, ())
