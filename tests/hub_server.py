"""A hub on loopback: the requests that ``huggingface_hub`` makes to publish a model, large files by Git LFS."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.endpoint_server import running

OWNER, TOKEN = "me", "hf_right"


@dataclass
class Hub:
    """``repositories`` are private (True) or public by name; ``others`` are names of repositories of another type.

    ``commits`` are the files of each commit. ``refuse`` is a part of a path whose requests are answered with a status.
    """

    url: str = ""
    repositories: dict[str, bool] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    commits: list[dict[str, bytes]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refuse: tuple[str, int] = ("", 0)

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        self.requests.append(f"{method} {path}")
        if method == "PUT":
            self.objects[path.rpartition("/")[2]] = body
            return 200, None
        if path.startswith("/api/validate-yaml") or method == "HEAD":
            return 200, {}
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid credentials in Authorization header"}
        if self.refuse[0] and self.refuse[0] in path:
            return self.refuse[1], {"error": "refused"}
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"objects": [self._upload(one) for one in json.loads(body)["objects"]]}
        name = "/".join(path.split("/")[3:5])
        if name not in self.repositories:
            return 404, {"error": "Repository not found"}
        if "/preupload/" in path:
            files = json.loads(body)["files"]
            return 200, {
                "files": [{"path": one["path"], "uploadMode": _mode(one), "shouldIgnore": False} for one in files]
            }
        if "/commit/" in path:
            return self._commit(name, [json.loads(line) for line in body.splitlines()])
        return 200, {"id": name, "private": self.repositories[name], "sha": "0" * 40, "siblings": []}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        owner = asked.get("organization") or OWNER
        name = f"{owner}/{asked['name']}"
        if owner != OWNER:
            return 403, {"error": f"You don't have the rights to create a model under the namespace {owner!r}"}
        if name in self.others or name in self.repositories:
            return 409, {"error": "You already created this repo", "url": f"{self.url}/{name}"}
        self.repositories[name] = asked.get("visibility") == "private"
        return 200, {"url": f"{self.url}/{name}"}

    def _upload(self, asked: dict[str, Any]) -> dict[str, Any]:
        return asked | {"actions": {"upload": {"href": f"{self.url}/lfs/{asked['oid']}", "header": {}}}}

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        made: dict[str, bytes] = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                made[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                made[value["path"]] = self.objects[value["oid"]]
                assert hashlib.sha256(made[value["path"]]).hexdigest() == value["oid"]
        self.commits.append(made)
        return 200, {"commitUrl": f"{self.url}/{name}/commit/{'1' * 40}", "commitOid": "1" * 40}


def _mode(file: dict[str, Any]) -> str:
    return "lfs" if file["path"].endswith(".safetensors") else "regular"


@contextmanager
def hub() -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            status, answer = state.answer(self.command, path, self.headers.get("Authorization", ""), body)
            sent = b"" if answer is None or self.command == "HEAD" else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_HEAD = do_POST = do_PUT = _reply

        def log_message(self, format: str, *args: Any) -> None:
            """Tests print nothing."""

    with running(Handler) as state.url:
        yield state
