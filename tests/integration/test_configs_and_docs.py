"""What ships agrees with itself: configs with the schema, docs with both, the README with the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from halluc.components import TABLE
from halluc.config import schema
from halluc.config.augmentation import AugmentConfig, augment_type
from halluc.config.evaluation import EvalConfig
from halluc.config.matrix import load_study
from halluc.config.models import ModelConfig
from halluc.config.problems import known_paths
from halluc.config.section import Section
from halluc.config.training import CheckpointsConfig, TrainConfig
from halluc.config.yaml import Source, read

ROOT = Path(__file__).parent.parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
MODELINE = "# yaml-language-server: $schema=halluc.schema.json"


@pytest.mark.parametrize("path", [p for p in CONFIGS if p.name != "base.yaml"], ids=lambda p: p.name)
def test_every_shipped_config_validates(path):
    study = load_study(path, table=TABLE, environ={})
    assert study.name == path.stem


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_shipped_config_states_its_needs_and_fits_the_editors_schema(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(MODELINE)
    wanted = ("Use:", "Override:") if path.name == "base.yaml" else ("Needs:", "Launch:", "Override:")
    assert all(word in text for word in wanted)
    jsonschema.validate(
        read(Source(str(path), text)).value, json.loads((ROOT / "configs/halluc.schema.json").read_text())
    )


def test_the_editors_schema_refuses_what_halluc_refuses():
    made = json.loads((ROOT / "configs/halluc.schema.json").read_text())
    for wrong in (
        {"nam": "x"},
        {"train": {"epochs": 0}},
        {"data": {"format": "conll", "no_such": 1}},
        {"matrix": {"seed": []}},
        {"matrix": {"arm": {"a": 1}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, made)


def test_the_schema_file_is_fresh(halluc):
    outcome = halluc("config", "schema", "--output", "-")
    assert outcome.out == (ROOT / "configs/halluc.schema.json").read_text(encoding="utf-8"), "run `make schema`"


def test_the_shown_config_loads_to_the_same_config(halluc, tmp_path):
    shown = tmp_path / "shown.yaml"
    overrides = ["--set", "data.comment='$# \"'", "--set", "model.name='a: b'", "--set", "name=010"]
    outcome = halluc("config", "show", ROOT / "configs/demo.yaml", *overrides[:4])
    shown.write_text(outcome.out, encoding="utf-8")
    again = json.loads(halluc("config", "show", shown, "--json").out)
    first = json.loads(halluc("config", "show", ROOT / "configs/demo.yaml", *overrides[:4], "--json").out)
    assert again["config"] == first["config"]
    assert again["sha256"] == first["sha256"]
    assert first["origins"]["model.name"] == "--set model.name='a: b'"
    assert first["origins"]["train.warmup"].endswith("base.yaml:14")
    assert first["origins"]["train.schedule"] == "default"


def test_every_key_is_documented_with_its_default():
    docs = (ROOT / "docs/config.md").read_text() + (ROOT / "docs/data.md").read_text()
    docs += (ROOT / "docs/augmentation.md").read_text()
    chosen = {
        section: list(schema.component_configs(TABLE, kind).values())
        for section, kind in schema.COMPONENT_SECTIONS.items()
    }
    models = [schema.Experiment, *chosen["task"], *chosen["data"], augment_type(TABLE)]
    for kind in ("augmenter", "synthesizer", "filter"):
        models += schema.component_configs(TABLE, kind).values()
    keys = {str(path[-1]) for model in models for path in known_paths(model)}
    assert [
        key for key in sorted(keys) if f"`{key}`" not in docs and not re.search(rf"^### {key}$|{key}:", docs, re.M)
    ] == []
    for name, info in TrainConfig.model_fields.items():
        (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", docs.split("### train")[1].split("### eval")[0], re.M)
        default = info.default.model_dump() if isinstance(info.default, Section) else info.default
        assert yaml.safe_load(row) == default or float(row) == default


def test_every_key_has_a_description():
    for kind in TABLE.keys() - {"detector", "metric"}:
        for config in schema.component_configs(TABLE, kind).values():
            for name, info in config.model_fields.items():
                assert info.description or name in ("type", "format"), name
    for model in (
        AugmentConfig,
        schema.Experiment,
        ModelConfig,
        TrainConfig,
        EvalConfig,
        CheckpointsConfig,
    ):
        assert all(info.description for name, info in model.model_fields.items() if name not in ("train", "eval"))


def test_the_readme_names_commands_targets_and_files_that_exist(halluc):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^halluc (\w+)", readme, re.M)) | set(re.findall(r"`halluc (\w+)", readme))
    for command in commands:
        assert halluc(command, "--help").code == 0, command
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)$", readme, re.M)) | set(re.findall(r"`make (\w+)`", readme)):
        assert re.search(rf"^{target}:.*##", makefile, re.M), target


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def headings(page):
    """The anchors of a page, as GitHub makes them; lines of code blocks are none."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in re.findall(r"^#+ (.*)$", text, re.M)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for name, heading in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", text):
        target = page.parent / name if name else page
        assert target.exists(), name
        assert not heading or heading in headings(target), f"{name}#{heading}"


def test_the_index_of_the_docs_links_every_page():
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([a-z-]+\.md)", index))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} == linked


def test_help_lists_every_command_with_a_line(halluc):
    outcome = halluc("--help")
    assert outcome.code == 0
    for command in ("check", "train", "eval", "list", "config"):
        assert re.search(rf"^  {command} +\S", outcome.out, re.M), command


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--version"], 0, "halluc "),
        (["chek"], 2, "Did you mean"),
        (["check"], 2, "CONFIG"),
        (["check", "configs/dem.yaml"], 2, "did you mean `configs/demo.yaml`?"),
        (["list", "reader"], 0, "text_classification"),
        (["list", "raeders"], 2, "did you mean `readers`?"),
        (["train", "configs/demo.yaml", "-q", "-v"], 2, "contradict"),
        (["eval", "configs/demo.yaml", "--split", "tets"], 2, ""),
        (["export", "runs/demo/latest", "--quantize", "int4"], 2, "'--quantize': 'int4' is not one of 'int8'"),
    ],
)
def test_the_command_line_reports_what_it_is_asked(halluc, monkeypatch, arguments, code, told):
    monkeypatch.chdir(ROOT)
    outcome = halluc(*arguments)
    assert outcome.code == code, outcome.err
    assert told in outcome.out + outcome.err


def test_check_prints_the_report_as_json(halluc):
    outcome = halluc("check", ROOT / "configs/demo.yaml", "--json")
    report = json.loads(outcome.out)
    assert report["scheme"] == "iob2"
    assert report["splits"]["train"]["counts"]["sentences"] == 420
    assert outcome.err == ""


@pytest.mark.data
def test_check_reports_the_overlap_of_conll_2003(halluc, real_data, monkeypatch):
    monkeypatch.setenv("HALLUC_DATA", str(real_data))
    report = json.loads(halluc("check", ROOT / "configs/conll.yaml", "--json").out)
    (overlap,) = [o for o in report["overlaps"] if (o["earlier"], o["later"]) == ("train", "test")]
    assert (overlap["examples"], overlap["same_annotation"]) == (126, 114)


@pytest.mark.data
@pytest.mark.parametrize(
    ("config", "sentences", "mentions"),
    [("wnut17.yaml", [3394, 1009, 1287], [1975, 836, 1079]), ("cluener.yaml", [10748, 1343], [23969, 3072])],
)
def test_check_reads_the_real_corpora_as_they_are(halluc, real_data, monkeypatch, config, sentences, mentions):
    monkeypatch.setenv("HALLUC_DATA", str(real_data))
    outcome = halluc("check", ROOT / "configs" / config, "--json")
    assert outcome.code == 0, outcome.err
    splits = json.loads(outcome.out)["splits"].values()
    assert [split["counts"]["sentences"] for split in splits] == sentences
    assert [split["counts"]["mentions"] for split in splits] == mentions


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "halluc", "config", "schema", "--output", "-"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()  # as `| head` does, before anything is written
    assert process.stderr.read() == b""
    assert process.wait() == 0
