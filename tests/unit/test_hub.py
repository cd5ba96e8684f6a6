"""Whether the hub can be asked is found out quickly, and what is in the cache needs no network."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from huggingface_hub import constants

from halluc.core import hub
from halluc.core.errors import HallucError
from halluc.data.rows.tables import load_table
from halluc.engine.references import resolve_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def online(monkeypatch, tmp_path):
    """Without HF_HUB_OFFLINE, an empty cache, and a port of this machine in the place of the hub."""
    server = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hub.unreachable.cache_clear()
    yield server
    server.close()
    hub.unreachable.cache_clear()


@pytest.fixture
def cached(tmp_path):
    home = tmp_path / "cache/models--me--tiny"
    (home / "refs").mkdir(parents=True)
    (home / "refs/main").write_text(COMMIT)
    (home / "snapshots" / COMMIT).mkdir(parents=True)
    (home / "snapshots" / COMMIT / "config.json").write_text("{}")
    return home / "snapshots" / COMMIT


def test_a_hub_that_answers_may_be_asked(online):
    online.settimeout(5)

    def answer():
        connection, _ = online.accept()
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        connection.close()

    threading.Thread(target=answer, daemon=True).start()
    assert hub.unreachable() is None
    assert resolve_model("hub:me/tiny@v2") == type(resolve_model("hub:me/tiny"))("me/tiny", "v2", local=False)


def test_a_hub_that_refuses_is_reported_at_once_and_once(online):
    online.close()
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(HallucError, match="not in the local cache, and the hub cannot be reached") as caught:
            resolve_model("hub:me/tiny")
        assert (caught.value.code, caught.value.exit_code) == ("E412", 4)
    assert time.monotonic() - started < 5


def test_a_hub_that_never_answers_is_given_up(online):
    started = time.monotonic()  # the connection is taken, and nothing is ever said
    assert hub.unreachable() is not None
    assert time.monotonic() - started < 4.5


def test_a_data_set_is_looked_for_in_the_cache_alone(online, monkeypatch):
    datasets = pytest.importorskip("datasets")
    online.close()
    started = time.monotonic()
    before = datasets.config.HF_HUB_OFFLINE
    with pytest.raises(HallucError) as caught:
        load_table("hub:example/none", "train", None)
    assert (caught.value.code, caught.value.exit_code) == ("E412", 4)
    assert time.monotonic() - started < 5
    assert before == datasets.config.HF_HUB_OFFLINE


def test_a_model_of_the_cache_needs_no_network_but_has_to_be_whole(online, cached):
    online.close()
    with pytest.raises(HallucError, match="is not in the local cache"):
        resolve_model("hub:me/tiny")  # a config without weights
    (cached / "model.safetensors").write_bytes(b"")
    found = resolve_model("hub:me/tiny")
    assert (found.name, found.revision, found.local) == ("me/tiny", None, True)
    assert resolve_model(f"hub:me/tiny@{COMMIT}").local
    with pytest.raises(HallucError, match="is not in the local cache"):
        resolve_model("hub:me/tiny@other")


def test_a_name_that_the_hub_cannot_have_is_reported(online):
    online.close()
    with pytest.raises(HallucError, match="is not a valid model name") as caught:
        resolve_model("hub:a/b/c")
    assert caught.value.code == "E410"
