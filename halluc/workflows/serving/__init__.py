"""``halluc serve``; its packages are those of the extra ``serve``."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core.errors import require_package
from halluc.workflows.serving.limits import Limits

_PACKAGES = ("fastapi", "starlette", "uvicorn", "prometheus_client")


def serve(
    reference: str, host: str, port: int, limits: Limits, members: Sequence[str] = (), overrides: Sequence[str] = ()
) -> None:
    """See ``server.serve``.

    Raises:
        HallucError E420: a package is missing.
    """
    for package in _PACKAGES:
        require_package(package, "`halluc serve`", "serve")
    from halluc.workflows.serving import server

    server.serve(reference, host, port, limits, members, overrides)
