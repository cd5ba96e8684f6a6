"""``halluc doctor``: versions, devices, and what extras lack."""

from __future__ import annotations

import json
from importlib import metadata

import pytest
import torch

NEEDS = [
    "torch>=2.6",
    'peft>=0.17; extra == "lora"',
    'no-such-package>=1; extra == "imagined"',
    "numpy>=2.0; extra == 'imagined'",
    'pytest; extra == "dev"',
]


@pytest.fixture
def needs(monkeypatch):
    def set_to(*lines: str) -> None:
        extras = {line.split("extra ==")[1].strip(" \"'") for line in lines if "extra ==" in line}
        monkeypatch.setattr(metadata, "requires", lambda name: list(lines))
        monkeypatch.setattr(
            metadata, "metadata", lambda name: type("Message", (), {"get_all": lambda self, key: sorted(extras)})()
        )

    return set_to


def test_versions_device_and_extras_are_reported(halluc, needs):
    needs(*NEEDS)
    outcome = halluc("doctor", "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["versions"]["torch"] == metadata.version("torch")
    assert found["device"]["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert found["device"]["threads"] == torch.get_num_threads()
    (imagined,) = [extra for extra in found["extras"] if extra["name"] == "imagined"]
    assert {one["name"]: one["fits"] for one in imagined["requirements"]} == {"no-such-package": False, "numpy": True}
    shown = halluc("doctor").err
    assert 'lacks no-such-package>=1: pip install "halluc[imagined]"' in shown
    assert "dev" not in shown.split("extras")[1].split()


def test_long_cells_are_wrapped_to_the_width_of_the_terminal(halluc, needs, monkeypatch):
    packages = [f"no-such-package-{number}" for number in range(9)]
    needs(*(f'{name}>=1; extra == "imagined"' for name in packages))
    monkeypatch.setenv("COLUMNS", "80")
    shown = halluc("doctor").err
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "…" not in shown
    assert [name for name in packages if name not in "".join(shown.split())] == []


def test_a_missing_requirement_is_reported_and_ends_with_4(halluc, needs):
    needs("no-such-package>=1", "numpy>=999")
    outcome = halluc("doctor")
    assert outcome.code == 4
    assert f"no-such-package>=1, numpy>=999 ({metadata.version('numpy')})" in outcome.err


def test_a_folder_that_is_not_installed_is_an_error(halluc, monkeypatch):
    def unknown(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", unknown)
    outcome = halluc("doctor")
    assert (outcome.code, "error[E411]" in outcome.err) == (4, True)
