"""``halluc push`` against a hub on loopback: what is published, and what is refused before anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from halluc import api
from halluc.core import hub as core_hub
from halluc.runs.directory import RunDir
from tests.conftest import write_corpus, write_experiment
from tests.hub_server import TOKEN, Hub, hub


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder) -> Path:
    folder = tmp_path_factory.mktemp("pushed")
    config = write_experiment(folder, tiny_encoder, write_corpus(folder), train="steps: 2, batch_tokens: 64")
    done = api.run(config)
    return Path(done.trainings[0].run)


@pytest.fixture
def served(monkeypatch):
    with hub() as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        core_hub.unreachable.cache_clear()
        yield found
    core_hub.unreachable.cache_clear()


def test_a_dry_run_lists_files_and_asks_no_network(halluc, served, run):
    told = halluc("push", run, "hub:me/x")
    assert told.code == 0 and served.requests == []
    for part in ("model.safetensors", "README.md", "config.yaml", f"{served.url}/me/x", "dry run"):
        assert part in told.err
    result = json.loads(halluc("push", run, "hub:me/x", "--json", "--with-report").out)
    sizes = {one["path"]: one["bytes"] for one in result["files"]}
    assert sizes["model.safetensors"] == (run / "model" / "model.safetensors").stat().st_size
    assert "report/index.html" in sizes and result["commit"] is None


def test_all_files_are_published_in_one_commit(halluc, served, run):
    done = halluc("push", run, "hub:me/x", "--yes", "--private", "--with-report")
    assert done.code == 0, done.err
    (files,) = served.commits
    assert served.repositories == {"me/x": True}
    names = {path.name for path in (run / "model").iterdir()}
    assert set(files) == names | {
        "config.yaml",
        *(f"report/{name}" for name in ("index.html", "report.md", "report.json")),
    }
    assert all(files[name] == (run / "model" / name).read_bytes() for name in names)
    assert "quotes texts of the corpus" in done.err and f"{served.url}/me/x/commit/" in done.err


def test_a_name_without_owner_is_of_the_owner_of_the_token(served, run):
    result = api.push(run, "hub:x", dry_run=False)
    assert served.repositories == {"me/x": False} and result.commit.startswith(served.url)
    assert "report/index.html" not in served.commits[0]
    api.push(run, "hub:me/x", dry_run=False)
    assert len(served.commits) == 2


def test_the_published_config_has_no_absolute_path(served, run):
    api.push(run, "hub:x", dry_run=False)
    text = served.commits[0]["config.yaml"].decode()
    assert "task:" in text and str(run.parent.parent) not in text


def refusal(run: Path, name: str, **options) -> api.HallucError:
    with pytest.raises(api.HallucError) as caught:
        api.push(run, name, **{"dry_run": False, **options})
    return caught.value


def test_a_wrong_token_and_none_are_refused(served, run, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert refusal(run, "hub:x").code == "E470"
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    assert refusal(run, "hub:x").code == "E470"
    assert served.commits == [] and served.repositories == {}


def test_what_the_hub_refuses_is_reported_and_nothing_is_published(served, run):
    served.others.add("me/data")
    served.repositories["me/open"] = False
    assert refusal(run, "hub:other/x").code == "E471"
    assert refusal(run, "hub:me/data").code == "E472"
    assert refusal(run, "hub:me/open", private=True).code == "E473"
    for part, status, code in (("/commit/", 403, "E471"), ("/commit/", 500, "E474"), ("/lfs/objects", 403, "E471")):
        served.refuse = part, status
        error = refusal(run, "hub:x")
        assert (error.code, error.exit_code) == (code, 4)
    assert served.commits == []


def test_a_hub_that_is_down_is_reported(served, run, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    error = refusal(run, "hub:x")
    assert error.code == "E474" and "127.0.0.1:9" in error.message


@pytest.mark.parametrize(
    "name", ["me/x", "hub:", "hub:a/b/c", "hub:a b", "hub:me/x@main", "hub:../x", "hub:" + "x" * 200]
)
def test_a_name_that_is_none_is_refused(served, run, name):
    assert refusal(run, name).code == "C018"


def test_a_run_without_model_card_or_report_is_refused(served, run, tmp_path):
    import shutil

    assert refusal(tmp_path, "hub:x").code == "R101"
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "model" / "note.md").write_text("mine")
    api.push(copy, "hub:x", dry_run=False)
    assert "note.md" not in served.commits[0]
    shutil.rmtree(copy / "report")
    assert refusal(copy, "hub:x", with_report=True).code == "R134"
    (copy / "model" / "README.md").unlink()
    assert "halluc report" in refusal(copy, "hub:x").help
    (copy / "model" / "config.json").write_text("{}")
    assert "config.json" in refusal(copy, "hub:x").message
    shutil.rmtree(RunDir(copy).model)
    assert refusal(copy, "hub:x").code == "R105"


def test_the_command_takes_endpoint_and_token_from_the_environment(run):
    with hub() as served:
        own = {"HF_ENDPOINT": served.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        command = [sys.executable, "-m", "halluc", "push", str(run), "hub:me/x", "--yes"]
        done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert isinstance(served, Hub) and len(served.commits) == 1 and TOKEN not in done.stderr + done.stdout
