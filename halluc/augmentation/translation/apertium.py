"""Apertium (Forcada et al. 2011), rule-based machine translation, as a long-running process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from halluc.augmentation.translation.config import ApertiumConfig
from halluc.augmentation.translation.engine import CachedTranslator, TranslationEngine, engine_error
from halluc.augmentation.translation.programs import PipedProgram
from halluc.core.rng import Draws

# The characters that `apertium-destxt` escapes, and the end that it appends, without which the last words are missing.
_RESERVED = re.compile(r"([\[\]\\^$/<>{}@])")
_END = ".[]"
_ESCAPED = re.compile(r"\\(.)")
# The most lines that are sent at once.
_MOST_LINES = 256


class Apertium:
    """One direction. Every line ends with a NUL character, at which the pipeline resets its state.

    The pipeline of the mode is run directly, since the script `apertium` (3.8.3) delays the last line.
    """

    def __init__(self, pair: str, timeout: float) -> None:
        self._pair, self._timeout = pair, timeout
        self._script = _pipeline(pair)
        self._program: PipedProgram | None = None

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        results: list[str] = []
        for first in range(0, len(lines), _MOST_LINES):
            results += self._translate_chunk(lines[first : first + _MOST_LINES])
        return results

    def _translate_chunk(self, lines: Sequence[str]) -> list[str]:
        if self._program is None:
            # $1 and $2 are options of the mode: write unknown words without marks.
            command = ["bash", "-c", self._script, "apertium", "-n", ""]
            name = f"apertium {self._pair}"
            self._program = PipedProgram(name, command, self._timeout, {"LC_ALL": "C.UTF-8"})
        data = "".join(_RESERVED.sub(r"\\\1", line) + _END + "\0" for line in lines)
        answers = self._program.answers(data.encode("utf-8", "replace"), b"\0", len(lines))
        return [_plain(answer.decode("utf-8", "replace")) for answer in answers]

    def close(self) -> None:
        if self._program is not None:
            self._program.close()
            self._program = None


def _plain(answer: str) -> str:
    """A translation without the appended end and without escapes; empty if that end is missing."""
    text = answer.rstrip()
    if not text.endswith("[]"):
        return ""
    return _ESCAPED.sub(r"\1", text.removesuffix("[]").removesuffix("."))


def _pipeline(pair: str) -> str:
    """The pipeline of a translation mode, with output flushed at every NUL character.

    Raises:
        OptionError E441: apertium, or the mode, is missing.
    """
    if shutil.which("apertium-wblank-mode") is None or shutil.which("bash") is None:
        raise engine_error("apertium is not installed", "apt install apertium apertium-eng-spa", "E441")
    mode = Path(os.environ.get("APERTIUM_DATADIR", "/usr/share/apertium")) / "modes" / f"{pair}.mode"
    if not mode.is_file():
        known = sorted(file.stem for file in mode.parent.glob("*.mode"))
        help = f"installed are {', '.join(known) or 'none'}; `apt search apertium-` lists more pairs"
        raise engine_error(f"apertium has no translation mode `{pair}`", help, "E441")
    output = subprocess.run(
        ["apertium-wblank-mode", "-z", str(mode)], capture_output=True, text=True, timeout=60, check=False
    )
    if output.returncode or "|" not in output.stdout:
        raise engine_error(
            f"apertium cannot use {mode}: {output.stderr.strip()}", "install apertium 3.8 or later", "E441"
        )
    return output.stdout


def open_engine(config: ApertiumConfig, allow_commands: bool) -> TranslationEngine:
    forward, backward = f"{config.source}-{config.pivot}", f"{config.pivot}-{config.source}"
    return TranslationEngine(
        CachedTranslator(Apertium(forward, config.timeout)),
        CachedTranslator(Apertium(backward, config.timeout)),
        {"engine": "apertium", "forward": forward, "backward": backward, "version": _version()},
    )


def _version() -> str | None:
    program = shutil.which("apertium")
    if program is None:
        return None
    output = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=60, check=False)
    return output.stdout.strip() or None
