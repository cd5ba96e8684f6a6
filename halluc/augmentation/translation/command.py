"""Any program that maps lines to lines. It is started for each batch, at whose end it exits."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.translation.config import CommandConfig
from halluc.augmentation.translation.engine import TranslationEngine, engine_error
from halluc.augmentation.translation.programs import PipedProgram
from halluc.core.errors import cut
from halluc.core.rng import Draws


class Command:
    """One direction: the lines are written to standard input, which is then closed; as many lines are read from
    standard output."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._command, self._timeout = command, timeout
        if shutil.which(command[0]) is None:
            help = "use a program on the PATH, or its path"
            raise engine_error(f"there is no program `{cut(command[0])}`", help, "E441")

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        program = PipedProgram(f"`{cut(self._command[0])}`", self._command, self._timeout)
        try:
            answer = program.answer_until_end("".join(line + "\n" for line in lines).encode("utf-8", "replace"))
        finally:
            program.close()
        try:
            results = answer.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            raise engine_error(f"`{cut(self._command[0])}` wrote bytes that are not UTF-8") from None
        if results[-1] == "":
            results.pop()
        if len(results) != len(lines):
            message = f"`{cut(self._command[0])}` returned {len(results)} lines for {len(lines)}"
            raise engine_error(message, "it must write one line for each input line, also for empty lines")
        return results

    def close(self) -> None:
        """Nothing runs between batches."""


def open_engine(config: CommandConfig, allow_commands: bool) -> TranslationEngine:
    if not allow_commands:
        message = f"the config wants to start `{cut(config.forward[0])}`, but commands are not allowed"
        raise OptionError("engine", "C148", message, "check the config, then run again with --allow-commands")
    return TranslationEngine(
        Command(config.forward, config.timeout),
        # `back_translation` refuses a config without `backward`; other methods do not use it.
        Command(config.backward or config.forward, config.timeout),
        {"engine": "command", "forward": list(config.forward), "backward": config.backward},
    )
