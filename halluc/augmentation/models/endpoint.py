"""Chat completions from an endpoint with the OpenAI protocol, such as vLLM, llama.cpp or Ollama.

Answers are cached by a hash of the request, in files that only their owner can read. Requests are sent to the endpoint
alone: redirects are not followed, proxies are not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field

from halluc.augmentation.methods.base import MethodConfig, OptionError
from halluc.config.section import LONGEST_PATH, SmallCount, Text
from halluc.core.errors import EXIT_ENVIRONMENT, EXIT_USAGE, cut
from halluc.core.files import write_text

_MOST_BYTES = 1 << 24
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0


class LlmSynthesisConfig(MethodConfig):
    type: Literal["llm_synthesis"]
    url: str = Field(
        default="http://127.0.0.1:8000/v1",
        min_length=1,
        max_length=LONGEST_PATH,
        description="the base URL of an OpenAI-compatible API (vLLM, llama.cpp, Ollama)",
    )
    model: Text = Field(default="default", description="the name of the model at the endpoint")
    send_data_to: Text | None = Field(
        default=None,
        description="the host of `url`, if it is not this machine, as confirmation: training text is sent to it",
    )
    key_variable: Text = Field(
        default="OPENAI_API_KEY", description="environment variable with the API key; if it is not set, no key is sent"
    )
    instructions: str = Field(
        default="You write realistic training texts in the language, domain and style of the examples. Write a new "
        "text, with other names, facts and wording.",
        max_length=10_000,
        description="instructions for the model before the examples",
    )
    shots: int = Field(default=5, ge=0, le=100, description="number of training examples in a prompt")
    output: Literal["json_schema", "json_object", "text"] = Field(
        default="json_schema", description="how JSON is requested from the endpoint; text: only in the prompt"
    )
    temperature: float = Field(default=1.0, ge=0, le=10, description="sampling temperature")
    max_tokens: int = Field(default=512, ge=1, le=100_000, description="maximum number of tokens of an answer")
    timeout: float = Field(default=120, gt=0, le=86_400, description="timeout of a request in seconds")
    retries: int = Field(
        default=4, ge=0, le=100, description="number of retries of a request, after 1, 2, 4, … seconds"
    )
    concurrent: SmallCount = Field(default=4, description="number of simultaneous requests")
    max_requests: int = Field(
        default=1_000,
        ge=1,
        le=100_000_000,
        description="maximum number of requests per run, including retries; cached answers do not count",
    )


@dataclass(frozen=True)
class Answer:
    """The model's output, and the token counts from the endpoint."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Endpoint:
    """One endpoint; it may be used by several threads.

    Args:
        config: its URL, the host that training text may be sent to, and the limits of requests.
        key: the API key, or None.
        cache: the folder of the answers; created on demand.
        wait: called with the seconds before a request is retried.

    Raises:
        OptionError C149: the URL is invalid, or the host was not allowed.
    """

    def __init__(
        self, config: LlmSynthesisConfig, key: str | None, cache: Path, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._config, self._key, self._cache, self._wait = config, key, cache, wait
        self._url = parse_url(config.url)
        _refuse_host(self._url, config.send_data_to, key is not None)
        self._sent = 0
        self._lock = threading.Lock()

    def complete(self, request: Mapping[str, Any]) -> Answer:
        """The answer to a request in the form of ``/chat/completions``, from the cache if it was sent before.

        Raises:
            OptionError E450: the endpoint cannot be reached, refuses the request, or its answer is invalid. E451:
                ``max_requests`` was reached. HallucError E401: the answer cannot be written.
        """
        text = json.dumps({"url": self._url.geturl(), **request}, sort_keys=True, ensure_ascii=True)
        file = self._cache / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
        cached = _read_cached(file)
        if cached is not None:
            return cached
        answer = self._request_with_retries(json.dumps(request, ensure_ascii=True).encode())
        with self._lock:
            _write(file, answer)
        return answer

    def usage(self) -> dict[str, int]:
        """The number of answers in the cache, and of their tokens."""
        answers = [answer for file in sorted(self._cache.glob("*.json")) if (answer := _read_cached(file)) is not None]
        return {
            "answers": len(answers),
            "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
            "completion_tokens": sum(answer.completion_tokens for answer in answers),
        }

    def _request_with_retries(self, body: bytes) -> Answer:
        """The answer of the endpoint, after retries with increasing delays."""
        least, problem = 0.0, ""
        for attempt in range(self._config.retries + 1):
            if attempt:
                self._wait(max(least, min(_FIRST_WAIT * 2 ** min(attempt - 1, 10), _LONGEST_WAIT)))
            least = 0.0
            self._count()
            try:
                status, headers, content = self._post(body)
            except (OSError, http.client.HTTPException) as error:
                problem = f"cannot be reached: {type(error).__name__}: {error}"
                continue
            if status == 200:
                return _answer(content, self._name)
            problem = f"answered {status}: {cut(self._redact(content.decode('utf-8', 'replace')), 200)}"
            if 300 <= status < 400:
                problem = f"answered {status}, a redirect, which is not followed"
            if status not in _RETRIED:
                break
            least = _retry_after(headers)
        raise self._error("E450", problem)

    def _post(self, body: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._config.timeout)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        with contextlib.closing(connection):
            connection.request("POST", self._url.path.rstrip("/") + "/chat/completions", body, headers)
            response = connection.getresponse()
            content = response.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise http.client.HTTPException(f"an answer of more than {_MOST_BYTES:,} bytes")
            if response.length:
                raise http.client.IncompleteRead(content, response.length)
            return response.status, response.headers, content

    def _count(self) -> None:
        with self._lock:
            if self._sent >= self._config.max_requests:
                raise self._error(
                    "E451",
                    f"was asked {self._sent} times, as often as `max_requests` allows",
                    "raise `max_requests` and run again: answers are kept, and only new requests count",
                )
            self._sent += 1

    @property
    def _name(self) -> str:
        return f"the endpoint {self._url.scheme}://{self._url.netloc}"

    def _redact(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _error(self, code: str, message: str, help: str | None = None) -> OptionError:
        help = help or "check `url`, `model` and the key; answers so far are kept, and the same command continues"
        return OptionError("url", code, f"{self._name} {cut(message, 400)}", help, EXIT_ENVIRONMENT)


def parse_url(url: str) -> SplitResult:
    """
    Raises:
        OptionError C149: it is not a URL of an endpoint.
    """
    try:
        split = urlsplit(url)
        is_valid = split.scheme in ("http", "https") and bool(split.hostname) and (split.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or split.username or split.query or split.fragment or not url.isascii() or not url.isprintable():
        message = f"`{cut(url, 100)}` is not a URL of an endpoint"
        raise OptionError("url", "C149", message, "write it like http://127.0.0.1:8000/v1", EXIT_USAGE)
    return split


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_host(url: SplitResult, send_data_to: str | None, has_key: bool) -> None:
    host = url.hostname or ""
    if is_loopback(host):
        return
    if send_data_to is None or send_data_to.lower() != host.lower():
        message = f"training text would be sent to {host}, and the config does not allow it"
        raise OptionError("url", "C149", message, f"if you want that, add `send_data_to: {host}`", EXIT_USAGE)
    if has_key and url.scheme != "https":
        message = f"the API key would go to {host} unencrypted"
        raise OptionError("url", "C149", message, "use https, or unset the variable of the key", EXIT_USAGE)


def _answer(content: bytes, name: str) -> Answer:
    """
    Raises:
        OptionError E450: it is not a chat completion.
    """
    try:
        record = json.loads(content)
        text = record["choices"][0]["message"]["content"]
        usage = record.get("usage") or {}
        counts = [int(usage.get(key) or 0) for key in ("prompt_tokens", "completion_tokens")]
        if not isinstance(text, str):
            raise TypeError
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        shown = cut(content.decode("utf-8", "replace"), 100)
        message = f"{name} did not answer with a chat completion, but with `{shown}`"
        help = "`url` must be the base URL of an OpenAI-compatible API, which usually ends in /v1"
        raise OptionError("url", "E450", message, help, EXIT_ENVIRONMENT) from None
    return Answer(text, *counts)


def _retry_after(headers: http.client.HTTPMessage) -> float:
    try:
        return min(max(0.0, float(headers.get("Retry-After", "0"))), _LONGEST_WAIT)
    except ValueError:
        return 0.0


def _read_cached(file: Path) -> Answer | None:
    """A cached answer; None if there is none, or if it is damaged."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return Answer(str(record["text"]), int(record["prompt_tokens"]), int(record["completion_tokens"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write(file: Path, answer: Answer) -> None:
    before = os.umask(0o077)  # files 0600, folders 0700
    try:
        write_text(file, json.dumps(vars(answer)) + "\n")
    finally:
        os.umask(before)
