"""Run the steps of the Dockerfile without Docker, in an empty folder: ``python tools/dockerfile_steps.py FOLDER``.

Folders of the image become folders in ``FOLDER/root``; the Python is the one that runs this script. Base images and
users, which only a container has, are left out with a message. Afterwards the entry point is run; with ``--run`` also
the default command, until its health check succeeds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Folders of the image, which are moved into ``root``; other absolute paths do not change.
_OWN = re.compile(r"(?<![\w./:$}-])/(?=(?:opt|src|srv|work)\b)")
_KEPT = re.compile(r"PIP_.+|(https?|all|no)_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE", re.IGNORECASE)
_SHIMS = {
    "useradd": "echo 'left out: useradd' >&2",
    "install": 'mkdir -p "${@: -1}"; echo "left out: owner of a folder" >&2',
}


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile with their arguments, without comments, lines joined."""
    joined = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(str.strip, joined.splitlines()):
        name, _, rest = line.partition(" ")
        yield name.upper(), rest.strip()


class Image:
    """The result of a build in ``folder``: ``root`` is the image of the current stage, ``stages`` has earlier ones."""

    def __init__(self, folder: Path, context: Path, arguments: dict[str, str]) -> None:
        self.folder, self.context, self.arguments = folder, context, arguments
        self.root, self.place = folder / "root", folder / "root"
        self.values: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self.stage: str | None = None
        commands = folder / "commands"
        commands.mkdir()
        python = getattr(sys, "_base_executable", sys.executable)
        for name, body in {"python": f'exec {shlex.quote(python)} "$@"', **_SHIMS}.items():
            (commands / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
            (commands / name).chmod(0o755)
        (folder / "home").mkdir()
        own = {"PATH": f"{commands}:/usr/bin:/bin", "HOME": str(folder / "home"), "LANG": "C.UTF-8"}
        self.base = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)} | own
        self.environment = dict(self.base)

    def build(self, text: str) -> None:
        for name, rest in steps(text):
            print(f"-- {name} {rest}", flush=True)
            if (step := getattr(self, f"_{name.lower()}", None)) is not None:
                step(rest)
            elif name in ("ENTRYPOINT", "CMD", "EXPOSE", "HEALTHCHECK"):
                self.kept[name] = rest
            else:
                print(f"left out: {name}")

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        self.values[name] = self.arguments.get(name, default)

    def _from(self, rest: str) -> None:
        if self.stage is not None:
            (self.folder / "stages").mkdir(exist_ok=True)
            self.root.rename(self.folder / "stages" / self.stage)
        self.stage = rest.split()[-1] if " AS " in rest.upper() else "last"
        self.root.mkdir()
        self.place, self.environment, self.kept = self.root, dict(self.base), {}

    def _workdir(self, rest: str) -> None:
        self.place = Path(self.inside(rest))
        self.place.mkdir(parents=True, exist_ok=True)

    def _env(self, rest: str) -> None:
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            value = re.sub(r"\$\{?(\w+)\}?", lambda found: self.environment.get(found[1], ""), self.inside(value))
            self.environment[name] = value

    def _copy(self, rest: str) -> None:
        words = shlex.split(rest)
        named = [word.partition("=")[2] for word in words if word.startswith("--from=")]
        *sources, target = (word for word in words if not word.startswith("--"))
        origin = self.folder / "stages" / named[0] if named else self.context
        for source in sources:
            there = origin / source.lstrip("/")
            to = self.place / self.inside(target)
            if there.is_dir():
                shutil.copytree(there, to, symlinks=True, ignore=None if named else _ignored, dirs_exist_ok=True)
            else:
                shutil.copyfile(there, to / there.name if target.endswith("/") else to)

    def _run(self, rest: str) -> None:
        subprocess.run(
            ["/bin/sh", "-euc", self.inside(rest)], cwd=self.place, env=self.environment | self.values, check=True
        )

    def inside(self, text: str) -> str:
        """The text with paths of the image replaced by paths in ``root``."""
        return _OWN.sub(f"{self.root}/", text)

    def command(self, kind: str) -> list[str]:
        text = self.kept[kind]
        return [self.inside(word) for word in json.loads(text[text.index("[") :])]

    def start(self, arguments: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """The entry point with these arguments, as a process."""
        return subprocess.Popen(
            [*self.command("ENTRYPOINT"), *arguments], cwd=self.place, env=self.environment | environment
        )  # fmt: skip


def _ignored(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__" or fnmatch(name, "*.pyc")]


def serves(image: Image, run: Path, wait: float = 180) -> bool:
    """Whether the default command with a run becomes healthy, and ends with exit code 0."""
    shutil.copytree(run.resolve(), image.root / "srv" / "run")
    server = image.start(image.command("CMD"), HALLUC_TOKEN=secrets.token_hex(16))
    try:
        until = time.monotonic() + wait
        healthy = False
        while not healthy and server.poll() is None and time.monotonic() < until:
            time.sleep(1)
            check = subprocess.run(image.command("HEALTHCHECK"), env=image.environment, capture_output=True)
            healthy = check.returncode == 0
    finally:
        server.send_signal(signal.SIGTERM)
    code = server.wait(30)
    print(f"health check: {'ok' if healthy else 'failed'}; exit code after SIGTERM: {code}")
    return healthy and code == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="an empty folder, or one that is made")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--run", type=Path, help="a run that the image serves")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    image = Image(folder, ROOT, dict(one.split("=", 1) for one in options.build_arg))
    image.build((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    for arguments in (["--version"], ["doctor"]):
        if code := image.start(arguments).wait():
            return code
    return 0 if options.run is None or serves(image, options.run) else 1


if __name__ == "__main__":
    sys.exit(main())
