"""ASGI middleware: authentication, request ids, headers, counters, and one log line per request."""

from __future__ import annotations

import hmac
import re
import time
import traceback
import uuid
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from halluc.core.messages import say, tell
from halluc.workflows.serving.metrics import Metrics
from halluc.workflows.serving.requests import Refused

REQUEST_ID = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Paths that need no token, since they reveal nothing about the model: the page is only a form.
OPEN = frozenset({"/", "/health", "/ready"})
PATHS = OPEN | {"/predict", "/try", "/metrics", "/openapi.json"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


def is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Guard:
    """An ASGI application that wraps another one.

    ``token`` is required, if it is set. ``hosts`` are the allowed names of the server, None for any: a web page whose
    own name resolves to this server (DNS rebinding) uses its own name.
    """

    app: ASGIApp
    metrics: Metrics
    token: str | None
    hosts: frozenset[str] | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, started, status = Headers(scope=scope), time.perf_counter(), 0
        own_id = headers.get(REQUEST_ID, "")
        request_id = own_id if _REQUEST_ID.fullmatch(own_id) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_response(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({REQUEST_ID: request_id, **_HEADERS})
            await send(message)

        try:
            self._refuse(scope, headers)
            await self.app(scope, receive, send_response)
        except Refused as refused:
            await refused.response(request_id)(scope, receive, send_response)
        except Exception as error:  # noqa: BLE001 - a bug: it is logged without the message, which may quote a text
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(frame.filename).name}:{frame.lineno}"
            say(f"request {request_id}: a bug, {type(error).__name__} at {place}", style="red")
        finally:
            path = scope["path"] if scope["path"] in PATHS else "other"
            seconds = time.perf_counter() - started
            self.metrics.seconds.labels(path).observe(seconds)
            self.metrics.requests.labels(path, str(status)).inc()
            method = scope["method"] if scope["method"].isalpha() else "?"
            tell(f"{request_id} {method[:10]} {path} {status} {seconds * 1000:.1f} ms")

    def _refuse(self, scope: Scope, headers: Headers) -> None:
        """
        Raises:
            Refused 403: it was sent to another host, or by a page of another one. 401: without the token. 415: it is
                not JSON.
        """
        host = headers.get("host", "")
        if self.hosts is not None and _host_name(host) not in self.hosts:
            help = f"use {' or '.join(sorted(self.hosts))}"
            raise Refused(403, "S103", f"this server is not called {host!r}", help)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise Refused(403, "S103", f"a page of {origin!r} may not use this server")
        is_open = scope["path"] in OPEN and scope["method"] in ("GET", "HEAD")
        if self.token is not None and not is_open:
            scheme, _, token = headers.get("authorization", "").partition(" ")
            is_right = hmac.compare_digest(token.strip().encode(), self.token.encode())
            if scheme.lower() != "bearer" or not is_right:
                help = "send the header `Authorization: Bearer TOKEN` with the token of the server"
                raise Refused(401, "S101", "the token is missing or wrong", help, {"WWW-Authenticate": "Bearer"})
        if scope["method"] == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json" or "content-encoding" in headers:
                help = "send the header `Content-Type: application/json`, and no Content-Encoding"
                raise Refused(415, "S115", "the body is not declared as uncompressed JSON", help)


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
