"""The Hugging Face hub: whether it is reachable, and what is in the local cache.

Without a network, a download by ``huggingface_hub`` fails only after a minute: it retries each file of a model five
times. So one request with a short timeout is made first.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path

from halluc.core.errors import HallucError, environment_error

# Seconds: the timeout of connection and response, and of the whole request, since name resolution has no timeout.
TIMEOUT, GIVE_UP = 3.0, 3.2
HELP = "connect to the network (HF_ENDPOINT and proxies are used), or use a local model"


@functools.cache
def unreachable() -> str | None:
    """Why the hub is not reachable; None if it is. Checked once per process."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    answers: list[str | None] = []

    def ask() -> None:
        try:
            get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
        except Exception as error:  # noqa: BLE001  of any HTTP library: a download would fail too
            answers.append(str(error) or type(error).__name__)
        else:
            answers.append(None)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(GIVE_UP)
    answer = answers[0] if answers else f"no response within {GIVE_UP:g} s"
    return None if answer is None else f"{constants.ENDPOINT}: {answer}"


def has_model(name: str, revision: str | None) -> bool:
    """Whether the config and the weights of a model are in the local cache.

    Raises:
        HallucError E410: the name is not valid on the hub.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError as error:
        raise environment_error("E410", f"`hub:{name}` is not a valid model name: {error}") from None
    return isinstance(config, str) and any(
        file.suffix in (".safetensors", ".bin") for file in Path(config).parent.iterdir()
    )


def not_cached(reference: str, reason: str) -> HallucError:
    """The error for a model or corpus that is not in the cache while the hub is unreachable."""
    message = f"`{reference}` is not in the local cache, and the hub cannot be reached ({reason})"
    return environment_error("E412", message, HELP)
