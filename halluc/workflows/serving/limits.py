"""The limits of a server."""

from __future__ import annotations

from dataclasses import dataclass

# The maximum inputs of one request, whose texts are read as one document.
MOST_INPUTS = 512
# Timeout in seconds for the head of a request and for its body, and for pending answers of a stopping server.
HEAD_SECONDS, BODY_SECONDS, STOP_SECONDS = 20.0, 20.0, 30
# Retry-After for a client when the queue is full, in seconds.
RETRY_AFTER = 1


@dataclass(frozen=True)
class Limits:
    """Sizes of a request: ``body`` in bytes, ``text`` in characters of one input; ``queue`` counts requests.

    A batch is full with ``batch_tokens`` tokens, and waits at most ``wait`` seconds for more.
    """

    body: int = 1 << 20
    text: int = 50_000
    queue: int = 64
    batch_tokens: int = 4096
    wait: float = 0.005
