"""``halluc serve``: the model of a run behind HTTP, until the process is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import uvicorn

from halluc.core.errors import HallucError, environment_error
from halluc.core.messages import say, tell
from halluc.workflows import prediction
from halluc.workflows.serving.app import Service, application
from halluc.workflows.serving.guard import Guard, is_loopback
from halluc.workflows.serving.limits import STOP_SECONDS, Limits
from halluc.workflows.serving.protocol import TimedProtocol

TOKEN = "HALLUC_TOKEN"
_SHORTEST_TOKEN = 16


def serve(
    reference: str,
    host: str,
    port: int,
    limits: Limits,
    members: Sequence[str] = (),
    overrides: Sequence[str] = (),
    started: Callable[[uvicorn.Server, int], object] = lambda server, port: None,
) -> None:
    """Answer requests until SIGTERM or SIGINT; requests in progress are still answered.

    Args:
        members, overrides: as in ``prediction.load``.
        started: is called with the server and its port before it runs.

    Raises:
        HallucError E460: the address cannot be used. C017: no token, or one that is too weak, for an address that
            others can reach. As ``prediction.load``.
    """
    token = _token(host)
    with contextlib.closing(_bind(host, port)) as listening:
        service = Service(prediction.load(reference, members=members, overrides=overrides), limits)
        hosts = frozenset({"localhost", "127.0.0.1", "::1", host.lower()}) if is_loopback(host) else None
        app = Guard(application(service), service.metrics, token, hosts)
        config = uvicorn.Config(
            app, http=TimedProtocol, ws="none", lifespan="on", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=STOP_SECONDS,
        )  # fmt: skip
        server, used = uvicorn.Server(config), listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        listening.listen(128)  # clients may connect as soon as the next line is printed
        say(f"serving {service.predictor.trained.reference} at http://{shown}:{used}")
        tell(
            f"requests need the token in {TOKEN}"
            if token
            else "requests need no token: the server is only reachable from this machine"
        )
        started(server, used)
        with _stopped_by_signals():
            server.run(sockets=[listening])
    tell("stopped")


def _token(host: str) -> str | None:
    """The token that requests need; None if none is set.

    Raises:
        HallucError C017: the address needs one, or the token cannot be sent or is easy to guess.
    """
    token = os.environ.get(TOKEN)
    if token is None:
        if is_loopback(host):
            return None
        message = f"--host {host} can be reached from other machines, but {TOKEN} is not set"
        raise HallucError("C017", message, help=f"export {TOKEN}=$(openssl rand -hex 32), or remove --host")
    if len(token) < _SHORTEST_TOKEN or not all("!" <= char <= "~" for char in token):
        message = f"{TOKEN} is not a valid token: it needs {_SHORTEST_TOKEN} or more ASCII characters without spaces"
        raise HallucError("C017", message, help=f"export {TOKEN}=$(openssl rand -hex 32)")
    return token


def _bind(host: str, port: int) -> socket.socket:
    """A socket at the address, opened before the model is loaded, which takes long.

    Raises:
        HallucError E460: the address cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise environment_error("E460", f"--host {host}: {error}", "use an address of this machine") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        help = "it is in use, or is not an address of this machine: choose another --port or --host"
        raise environment_error("E460", f"{host}:{port} cannot be used: {error.strerror}", help) from None
    return listening


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """uvicorn ends with the signal that stopped it; here a stopped server counts as success."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
