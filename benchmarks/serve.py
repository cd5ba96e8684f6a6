"""Load test of ``halluc serve``: requests per second, p50, p99 and errors, with several connections.

    python benchmarks/serve.py [RUN] [--connections 50] [--seconds 60]

It starts the server on a free port of this machine, and stops it with SIGTERM. Without a run it trains one epoch on the
demo corpus.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Annotated

import typer

TEXT = "Angela Merkel met Bosch in Lyon and the bank of Oslo said on Monday that Acme Corp won"


async def ask(port: int, until: float, number: int, seconds: list[float], statuses: Counter[str]) -> None:
    """Send requests in sequence over one connection until the time ``until``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        text = " ".join(TEXT.split()[number % 7 : 7 + number % 11])
        body = json.dumps({"inputs": text}).encode()
        lines = ("POST /predict HTTP/1.1", "Host: localhost", "Content-Type: application/json")
        head = "\r\n".join((*lines, f"Content-Length: {len(body)}"))
        started = time.monotonic()
        try:
            writer.write(head.encode() + b"\r\n\r\n" + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
        except (OSError, asyncio.IncompleteReadError) as error:
            statuses[type(error).__name__] += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        statuses[answer.split(b" ", 2)[1].decode()] += 1
        seconds.append(time.monotonic() - started)
        number += 1
    writer.close()


async def load(port: int, connections: int, duration: float) -> None:
    seconds: list[float] = []
    statuses: Counter[str] = Counter()
    until = time.monotonic() + duration
    await asyncio.gather(*(ask(port, until, number, seconds, statuses) for number in range(connections)))
    seconds.sort()
    p50, p99 = (seconds[min(len(seconds) - 1, int(share * len(seconds)))] * 1000 for share in (0.5, 0.99))
    print(
        f"{len(seconds) / duration:,.1f} requests/s, p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, by status {dict(statuses)}"
    )


def main(run: Annotated[str | None, typer.Argument()] = None, connections: int = 50, seconds: float = 60) -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure(run or trained(folder), connections, seconds)


def trained(folder: str) -> str:
    command = [sys.executable, "-m", "halluc", "train", "configs/demo.yaml", "--quiet"]
    subprocess.run([*command, "--set", "train.epochs=1", "--set", f"runs_dir={folder}"], check=True)
    return f"{folder}/demo/latest"


def measure(run: str, connections: int, seconds: float) -> None:
    command = [sys.executable, "-m", "halluc", "serve", run, "--port", "0", "--quiet"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "serving " in line)
        asyncio.run(load(int(line.rsplit(":", 1)[1]), connections, seconds))
    finally:
        server.send_signal(signal.SIGTERM)
        print(f"exit code {server.wait()}")


if __name__ == "__main__":
    typer.run(main)
