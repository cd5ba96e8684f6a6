"""The Hugging Face hub: whether it can be asked, and what of it is in the local cache.

``huggingface_hub`` retries a file five times and a model is many files, so that without a network a download fails only
after a minute. One request with a short time-out tells it before anything is made for the answer; nothing else of the
library's settings is changed.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path

from halluc.core.errors import HallucError, environment_error

# Of connecting, and of the answer. A name server may keep the system waiting longer: the whole is given up then.
TIMEOUT, GIVE_UP = 3.0, 3.2
HELP = "connect to the network (HF_ENDPOINT and proxies are honoured), or use what lies on this machine"


@functools.cache
def unreachable() -> str | None:
    """Why the hub cannot be asked from here; None where it can. Asked once a process."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    answers: list[str | None] = []

    def ask() -> None:
        try:
            get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
        except Exception as error:  # noqa: BLE001  of whichever HTTP library: a download would fail alike
            answers.append(str(error) or type(error).__name__)
        else:
            answers.append(None)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(GIVE_UP)
    answer = answers[0] if answers else f"no answer within {GIVE_UP:g} s"
    return None if answer is None else f"{constants.ENDPOINT}: {answer}"


def has_model(name: str, revision: str | None) -> bool:
    """Whether the config and weights of a model are in the local cache.

    Raises:
        HallucError E410: no model of the hub can have such a name.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError as error:
        raise environment_error("E410", f"`hub:{name}` is no name of a model: {error}") from None
    return isinstance(config, str) and any(
        file.suffix in (".safetensors", ".bin") for file in Path(config).parent.iterdir()
    )


def not_here(reference: str, reason: str) -> HallucError:
    """The error of what is not in the cache while the hub cannot be asked."""
    message = f"`{reference}` is not in the local cache, and the hub cannot be reached ({reason})"
    return environment_error("E412", message, HELP)
