"""A server of ``halluc serve`` in a thread of the test, and requests to it as bytes."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from halluc.workflows.serving.limits import Limits

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error, whose body must have a message and the id of the request."""
        assert self.json["error"]["message"] and self.json["request_id"] == self.headers["x-request-id"]
        return self.json["error"]["code"]


@dataclass(frozen=True)
class Served:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """A request; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = headers if headers is not None else JSON if method == "POST" else {}
        connection.request(method, path, sent, given)
        reply = connection.getresponse()
        found = Reply(reply.status, {key.lower(): value for key, value in reply.getheaders()}, reply.read())
        connection.close()
        return found

    def post(self, body: Any, path: str = "/predict", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, JSON | named)

    def metrics(self) -> dict[str, float]:
        lines = [line for line in self.ask("GET", "/metrics").body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@contextmanager
def serving(predictor: Any, limits: Limits = Limits(wait=0.0), host: str = "127.0.0.1") -> Iterator[Served]:
    from halluc.workflows.serving import server

    found: list[Any] = []
    there = threading.Event()

    def started(uvicorn: Any, port: int) -> None:
        found.extend((uvicorn, port))
        there.set()

    def run() -> None:
        try:
            server.serve("x", host, 0, limits, started=started)
        finally:
            there.set()

    with mock.patch("halluc.workflows.prediction.load", return_value=predictor):
        thread = threading.Thread(target=run)
        thread.start()
        there.wait()  # the model is loaded before
    uvicorn, port = found
    while not uvicorn.started:
        threading.Event().wait(0.01)
    try:
        yield Served(port)
    finally:
        uvicorn.should_exit = True
        thread.join()
