"""``halluc serve``; its packages are those of the extra ``serve``."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core.errors import environment_error
from halluc.workflows.serving.limits import Limits

_PACKAGES = ("fastapi", "starlette", "uvicorn", "prometheus_client")


def serve(
    reference: str, host: str, port: int, limits: Limits, members: Sequence[str] = (), overrides: Sequence[str] = ()
) -> None:
    """See ``server.serve``.

    Raises:
        HallucError E420: a package is missing.
    """
    try:
        from halluc.workflows.serving import server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _PACKAGES:
            raise
        message = f"`halluc serve` needs the package {error.name}"
        raise environment_error("E420", message, 'install it: pip install "halluc[serve]"') from None
    server.serve(reference, host, port, limits, members, overrides)
