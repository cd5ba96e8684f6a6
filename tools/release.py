"""Check that a release is consistent, and build its sdist and wheel into dist/: ``make release``."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

from packaging.metadata import Metadata

ROOT = Path(__file__).parent.parent


def problems(root: Path) -> list[str]:
    """The reasons why the commit that is checked out in ``root`` cannot be released."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found = []
    if changed := _git(root, "status", "--porcelain"):
        found.append(f"the working tree is not clean: {changed.splitlines()[0].strip()}")
    own = re.search(r'^__version__ = "(.+)"$', (root / "halluc/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    if own is None or own[1] != version:
        found.append(f"pyproject.toml has version {version}, and halluc/__init__.py {own[1] if own else 'none'}")
    top = re.search(r"^## \[?([^\]\s]+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    if top is None or top[1] != version:
        named = top[1] if top else "nothing"
        found.append(
            f"the top section of CHANGELOG.md is {named}, and the version is {version}: rename or add a section"
        )
    tag = f"v{version}"
    if _git(root, "tag", "--list", tag) and _git(root, "rev-list", "-n1", tag) != _git(root, "rev-parse", "HEAD"):
        found.append(f"the tag {tag} is at another commit: raise the version")
    return found


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def build(root: Path, target: Path) -> list[Path]:
    """The sdist and the wheel of the last commit, built only from committed files."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        made.mkdir()
        subprocess.run(["git", "archive", "-o", f"{folder}/source.tar", "HEAD"], cwd=root, check=True)
        with tarfile.open(f"{folder}/source.tar") as packed:
            packed.extractall(source, filter="data")
        for kind in ("sdist", "wheel"):  # each in a separate process, as pip does: setuptools changes sys.argv
            code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
            done = subprocess.run([sys.executable, "-c", code, str(made)], cwd=source, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"the {kind} cannot be built:\n{done.stderr}")
        return [Path(shutil.copy(file, target)) for file in sorted(made.iterdir())]


def metadata(file: Path) -> Metadata:
    """The metadata of an sdist or a wheel.

    Raises:
        ExceptionGroup: fields that an index would refuse.
    """
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as packed:
            content = packed.read(next(name for name in packed.namelist() if name.endswith(".dist-info/METADATA")))
    else:
        with tarfile.open(file) as archive:
            found = archive.extractfile(f"{file.name.removesuffix('.tar.gz')}/PKG-INFO")
            assert found is not None, "an sdist has its metadata in its folder"
            content = found.read()
    return Metadata.from_email(content)


def try_out(wheel: Path, folder: Path) -> None:
    """Install the wheel into an empty environment, and train, evaluate and predict with it on the demo corpus."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", ROOT / "constraints.txt", f"{wheel}[offline]"], check=True)
    (folder / "texts.txt").write_text("Anna Berg visited Oslo.\n", encoding="utf-8")
    # The installed halluc must not be replaced by this checkout.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in (
        "init demo:ner --output demo.yaml",
        "run demo.yaml --set train.epochs=1",
        "predict runs/demo/latest --input texts.txt",
    ):
        print(f"$ halluc {command}", flush=True)
        subprocess.run([folder / "venv/bin/halluc", *command.split()], cwd=folder, env=environment, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--try", action="store_true", dest="tries", help="also run the demo with the installed wheel")
    options = parser.parse_args()
    found = problems(ROOT)
    for problem in found:
        print(f"not released: {problem}", file=sys.stderr)
    if found:
        return 1
    files = build(ROOT, ROOT / "dist")
    for file in files:
        print(f"built: {file} ({metadata(file).name} {metadata(file).version})")
    if options.tries:
        with tempfile.TemporaryDirectory() as folder:
            try_out(next(file for file in files if file.suffix == ".whl"), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
