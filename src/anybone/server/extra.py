"""What the server needs beyond anybone itself."""

from __future__ import annotations

from importlib.util import find_spec

from anybone.core.errors import MissingExtraError

_NEEDED = ("fastapi", "uvicorn", "python_multipart", "httpx", "prometheus_client")


def require_studio(feature: str) -> None:
    """Nothing, where the extra is installed.

    Raises:
        MissingExtraError: It is not.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError(feature, "studio")


def require_client(feature: str) -> None:
    """Nothing, where what a client needs is installed.

    Raises:
        MissingExtraError: It is not.
    """
    if find_spec("httpx") is None:
        raise MissingExtraError(feature, "studio")
