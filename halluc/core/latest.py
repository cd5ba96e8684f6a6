"""``latest``: a symbolic link in the folder of runs to the newest trained run; a text file if links are not
supported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from halluc.core.errors import HallucError
from halluc.core.files import expanded, replace_link, write_text

LATEST = "latest"
RUN_FILE = "run.json"
_LONGEST_NAME = 4096


def point(run: Path) -> None:
    """Make ``latest`` in the folder of ``run`` point to it; the target is relative, so the parent folder can be moved.

    Raises:
        HallucError E401: it cannot be written, for example because it is a folder.
    """
    pointer = run.with_name(LATEST)
    if not replace_link(pointer, run.name):
        write_text(pointer, run.name + "\n")


def is_pointer(path: Path) -> bool:
    """Whether this is ``latest``, as a link or a text file, and not a folder of that name."""
    return path.name == LATEST and (path.is_symlink() or path.is_file())


def is_run(path: Path) -> bool:
    """Whether this is the folder of a run."""
    return _is(Path.is_file, path / RUN_FILE)


def resolve(path: Path) -> Path:
    """``path`` with ``latest`` replaced by the run it names: ``runs/x/latest/model`` is ``runs/x/20260101…/model``.

    Every other path is returned unchanged, also if a link of that name does not lead to a run.

    Raises:
        HallucError R115: the link or text file is damaged, names something that does not exist, or leads out of its
            folder.
    """
    if LATEST not in path.parts:
        return path
    resolved = Path()
    for part in path.parts:
        resolved /= part
        if is_pointer(resolved):
            resolved = _target(resolved)
    return resolved


def resolve_text(reference: str) -> str:
    """``resolve`` for a model reference in a config; ``hub:`` and ``package:`` references contain no path.

    Raises:
        HallucError R115: as ``resolve``.
    """
    if LATEST not in reference or reference.startswith(("hub:", "package:")):
        return reference
    path = expanded(reference)
    resolved = resolve(path)
    return reference if resolved == path else str(resolved)


# The keys of a config that may name a run, or the model in one; and those with a list of them.
KEYS = (("model", "name"), ("augment", "from"))
LIST_KEYS = (("eval", "ensemble"), ("train", "teacher", "runs"))


def resolve_override(override: str) -> str:
    """``resolve_text`` for ``model.name=…`` and ``augment.from=…`` of a recorded command line.

    Raises:
        HallucError R115: as ``resolve``.
    """
    key, equals, value = override.partition("=")
    return f"{key}={resolve_text(value)}" if equals and tuple(key.split(".")) in KEYS else override


def _target(pointer: Path) -> Path:
    home, is_link = pointer.parent, pointer.is_symlink()
    try:
        name = str(pointer.readlink()) if is_link else _first_bytes(pointer).decode("utf-8").strip()
        name.encode("utf-8")  # fails if the target of a link contains bytes that are not text, as lone surrogates
    except UnicodeError:
        raise _damaged(pointer, "it is not UTF-8 text") from None
    except OSError as error:
        raise _damaged(pointer, error.strerror or str(error)) from None
    if not name:
        raise _damaged(pointer, "it is empty")
    target = home / name
    if not _is(Path.is_dir, target):
        raise _damaged(pointer, f"it points to `{name[:100]}`, which does not exist")
    if is_link and not is_run(target):
        return pointer  # a link of another program, such as one next to models
    if target.name in ("", "..") or target.parent.resolve() != home.resolve():
        raise _damaged(pointer, f"it points to `{name[:100]}`, which is outside {home}")
    return home / target.name


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST_NAME)


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    try:
        return kind(path)
    except (OSError, ValueError):  # not a valid file name: too long, or with a NUL
        return False


def _damaged(pointer: Path, why: str) -> HallucError:
    help = f"use a run in {pointer.parent} directly, or remove the file: the next finished training writes it again"
    return HallucError("R115", f"{pointer} is damaged: {why}", help=help)
