"""The Dockerfile: every step names commands, files, extras and options that are there. Nothing is built."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.M).replace("\\\n", " ")
STEPS = [tuple(line.split(None, 1)) for line in TEXT.splitlines() if line.strip()]


def of(kind: str) -> list[str]:
    return [rest for name, rest in STEPS if name == kind]


def copied() -> list[str]:
    """What is copied from the repository."""
    return [path for rest in of("COPY") if "--from" not in rest for path in shlex.split(rest)[:-1]]


def test_what_is_copied_is_there_and_not_ignored():
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    for path in copied():
        assert (ROOT / path).exists()
        assert f"!{path}" in rules


def test_nothing_else_is_sent_to_the_build():
    rules = [
        rule for rule in (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n") if rule and rule[0] != "#"
    ]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule[0] == "!"} == set(copied())
    assert any(fnmatch("halluc/__pycache__", rule) for rule in rules[1:])


def test_steps_are_shell_with_commands_of_the_image_and_extras_of_the_project():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for step in of("RUN"):
        assert subprocess.run(["bash", "-n"], input=step, text=True, check=False).returncode == 0
        for command in step.split("&&"):
            words = shlex.split(command)
            assert words[0] in ("python", "/opt/halluc/bin/python", "useradd", "install")
            if "pip" in words:
                assert words[words.index("-c") + 1] in copied()
            for named in re.findall(r"\[(.+?)\]", command):
                assert set(named.split(",")) <= extras.keys()


def test_base_images_are_pinned_and_the_last_user_has_no_privileges():
    (python,) = (rest for rest in of("ARG") if rest.startswith("PYTHON="))
    assert re.fullmatch(r"PYTHON=3\.\d+\.\d+-slim-\w+", python)
    assert all(rest.split()[0] == "python:${PYTHON}" for rest in of("FROM"))
    assert of("USER") and of("USER")[-1] not in ("root", "0")


def test_the_default_command_and_the_health_check_fit_the_server(halluc, monkeypatch):
    assert json.loads(of("ENTRYPOINT")[0]) == ["halluc"]
    command = json.loads(of("CMD")[0])
    monkeypatch.delenv("HALLUC_TOKEN", raising=False)
    pytest.importorskip("fastapi", reason="fastapi is not here: pip install 'halluc[serve]'")
    told = halluc(*command)
    assert told.code == 2 and "error[C017]" in told.err  # it asks for a token before anything else
    check = json.loads(of("HEALTHCHECK")[0].partition("CMD")[2])
    compile(check[2], "check", "exec")
    assert f":{of('EXPOSE')[0]}/health" in check[2]
