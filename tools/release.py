"""Check that a release is consistent, and build its sdist and wheel into dist/: ``make release``."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def problems(root: Path) -> list[str]:
    """What is in the way of a release of the commit that is checked out in ``root``."""
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
    """The sdist and the wheel of the last commit, from files of git alone."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "source.tar"
        subprocess.run(["git", "archive", "-o", str(archive), "HEAD"], cwd=root, check=True)
        with tarfile.open(archive) as packed:
            packed.extractall(Path(folder) / "source", filter="data")
        for kind in ("sdist", "wheel"):  # each in a process of its own, as pip does: setuptools changes sys.argv
            code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
            command = [sys.executable, "-c", code, str(target.resolve())]
            subprocess.run(command, cwd=Path(folder) / "source", check=True, capture_output=True)
    return sorted(target.iterdir())


def main() -> int:
    found = problems(ROOT)
    for problem in found:
        print(f"not released: {problem}", file=sys.stderr)
    if found:
        return 1
    files = build(ROOT, ROOT / "dist")
    for file in files:
        print(f"built: {file}")
    try:
        import twine  # noqa: F401
    except ImportError:
        print("twine is not installed: the metadata was not checked")
        return 0
    return subprocess.run([sys.executable, "-m", "twine", "check", *map(str, files)]).returncode


if __name__ == "__main__":
    sys.exit(main())
