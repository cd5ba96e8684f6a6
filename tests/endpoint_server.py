"""A small server on loopback that answers like an API of the OpenAI kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: Any) -> bytes:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return json.dumps({"choices": [{"message": {"content": text}}], "usage": usage}).encode()


# What a request is answered with: status, headers, body.
Reply = tuple[int, dict[str, str], bytes]


@dataclass
class EndpointServer:
    """``reply`` is called with each request, and may be exchanged."""

    reply: Callable[[dict[str, Any]], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on loopback that answers within this context."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving(reply: Callable[[dict[str, Any]], Reply]) -> Iterator[EndpointServer]:
    state = EndpointServer(reply)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(request)
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            status, headers, body = state.reply(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests print nothing."""

    with running(Handler) as url:
        state.url = f"{url}/v1"
        yield state


def sentence_of(request: dict[str, Any]) -> Reply:
    """A sentence that has the labels asked for, each mention with a number of its own from the seed."""
    asked = request["messages"][-1]["content"].rpartition("Mentions: ")[2].rstrip(".")
    wanted = [] if asked == "none" else [part.split(" of label ") for part in asked.split(", ")]
    labels = [label for count, label in wanted for _ in range(int(count))]
    seed = request["seed"]
    mentions = [{"text": f"Name{number}x{seed}", "label": label} for number, label in enumerate(labels)]
    text = " and ".join(["It said", *(one["text"] for one in mentions), f"left {seed}."])
    return 200, {}, completion(json.dumps({"text": text, "mentions": mentions}))
