"""References in configs: paths, built-in corpora (``demo:ner``), data sets of the hub, and lists inside of files."""

from __future__ import annotations

import contextlib
import re
from importlib import resources
from pathlib import Path
from typing import Literal

from halluc.core.errors import HallucError, data_error, did_you_mean
from halluc.core.files import irregular

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")
DEMO, HUB = "demo:", "hub:"

HUB_REFERENCE = re.compile(r"hub:(?P<name>[^@#]+)(@(?P<revision>[^#]+))?(#(?P<split>.+))?")


def of_train(reference: str) -> str:
    """A reference to train that is valid in any split: for built-in corpora the file, for data sets of the hub the
    split `train`."""
    if reference.startswith(HUB):
        return reference if "#" in reference else f"{reference}#train"
    if reference.startswith(DEMO):
        with contextlib.suppress(HallucError):  # reported when it is opened
            return str(resolve(reference, "train"))
    return reference


def resolve(reference: str, split: SplitName) -> Path:
    """The file of a reference: a path, with or without ``#key``, or a built-in corpus (``demo:ner``).

    Raises:
        HallucError D101: no such file or corpus.
    """
    if reference.startswith(HUB):
        raise HallucError("C111", f"`data.{split}: {reference}` is not a file")
    if reference.startswith(DEMO):
        return _demo(reference.removeprefix(DEMO), split)
    path = Path(reference).expanduser()
    if not path.exists():
        path = Path(parts(reference)[0]).expanduser()
    help = f"`data.{split}` must be a regular file, because it is read several times: save its content to a file"
    refuse_unless_file(path, help)
    return path


def refuse_unless_file(path: Path, help: str) -> None:
    """
    Args:
        help: the advice for a path that is not a regular file.

    Raises:
        HallucError D101: ``path`` does not exist, or is a folder, a device, a pipe, a socket or a virtual file.
    """
    if (kind := irregular(path)) is not None:
        raise data_error("D101", f"{path} is not a regular file ({kind})", help=help)
    if not path.is_file():
        raise absent(path)


def parts(reference: str) -> tuple[str, tuple[str, ...]]:
    """A path and the keys after its ``#``, as in ``data.json#train+extra``; if a file has the whole name, there are no
    keys."""
    path, _, keys = reference.rpartition("#")
    if not path or Path(reference).expanduser().exists():
        return reference, ()
    return path, tuple(keys.split("+"))


def absent(path: Path) -> HallucError:
    """The error for a missing file, with the most similar name next to it or the first missing folder."""
    folder = path.parent
    if folder.is_dir():
        near = did_you_mean(path.name, [one.name for one in folder.iterdir()], cutoff=0.75)
        help = f"did you mean `{near}`?" if near else "relative paths start in the working directory"
    else:
        missing = next(one for one in (folder, *folder.parents) if one.parent.is_dir() or one == one.parent)
        help = f"there is no folder `{missing}`; check HALLUC_DATA and the working directory"
    return data_error("D101", f"no such file: {path}", help=help)


def _demo(name: str, split: SplitName) -> Path:
    shipped = Path(str(resources.files("halluc.data") / "demo"))
    names = sorted(folder.name for folder in shipped.iterdir() if folder.is_dir())
    if name not in names:
        near = did_you_mean(name, names)
        help = f"did you mean `demo:{near}`?" if near else f"there is: {', '.join('demo:' + n for n in names)}"
        raise data_error("D101", f"no demo corpus `{name}`", help=help)
    return next((shipped / name).glob(f"{split}.*"))
