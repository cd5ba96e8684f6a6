"""What is installed by pip: all modules and data files of the package, and nothing else; and what a release checks."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import REPOSITORY

spec = importlib.util.spec_from_file_location("release", REPOSITORY / "tools/release.py")
release = importlib.util.module_from_spec(spec)
spec.loader.exec_module(release)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The file names of a wheel that is built from a copy."""
    pytest.importorskip("setuptools", minversion="77", reason="setuptools, which builds the wheel, is not installed")
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(REPOSITORY / "halluc", source / "halluc", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    code = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as packed:
        names = set(packed.namelist())
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        return names, packed.read(entry).decode()


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel):
    names, entry_points = wheel
    files = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "halluc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {name for name in names if ".dist-info/" not in name} == files
    assert any(name.startswith("halluc/data/demo/") for name in files)
    assert any(name.startswith("halluc/reporting/templates/") for name in files)
    assert "halluc = halluc.__main__:main" in entry_points


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "halluc").mkdir()
    write(tmp_path, "1.2.0", "1.2.0", "## [1.2.0] - 2026-01-01")
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.name", "name")
    git(tmp_path, "config", "user.email", "name@example.org")
    commit(tmp_path)
    return tmp_path


def write(root, version, own, section):
    (root / "pyproject.toml").write_text(f'[project]\nname = "halluc"\nversion = "{version}"\n')
    (root / "halluc/__init__.py").write_text(f'__version__ = "{own}"\n')
    (root / "CHANGELOG.md").write_text(f"# Changelog\n\n{section}\n\n- text\n\n## 1.1.0\n")


def git(root, *arguments):
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-qm", "text", "--no-gpg-sign")


def test_a_consistent_commit_may_be_released_and_its_tag_may_be_there(checkout):
    assert release.problems(checkout) == []
    git(checkout, "tag", "v1.2.0")
    assert release.problems(checkout) == []


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("1.2.0", "1.2.0", "## Unreleased"), "the top section of CHANGELOG.md is Unreleased"),
        (("1.3.0", "1.3.0", "## 1.2.0"), "is 1.2.0, and the version is 1.3.0"),
        (("1.2.0", "1.1.9", "## 1.2.0"), "halluc/__init__.py 1.1.9"),
    ],
)
def test_what_is_inconsistent_is_reported(checkout, texts, told):
    write(checkout, *texts)
    commit(checkout)
    (problem,) = release.problems(checkout)
    assert told in problem


def test_an_unclean_tree_and_a_tag_elsewhere_are_reported(checkout):
    git(checkout, "tag", "v1.2.0")
    (checkout / "more.txt").write_text("text")
    assert "not clean: ?? more.txt" in release.problems(checkout)[0]
    commit(checkout)
    assert "tag v1.2.0 is at another commit" in release.problems(checkout)[0]
