"""``halluc convert``: a corpus in another format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands.terminal import Talk, Terminal
from halluc.core.messages import listening
from halluc.workflows import conversion
from halluc.workflows.conversion import ConversionOptions


def run(source: str, target: Path, overrides: Sequence[str], wanted: ConversionOptions, talk: Talk) -> None:
    with listening(Terminal(talk)):
        conversion.convert(source, target, overrides, wanted)
