"""Checks for the optional packages of the server and the client."""

from __future__ import annotations

from importlib.util import find_spec

from anybone.core.errors import MissingExtraError

_SERVER = ("fastapi", "uvicorn", "python_multipart", "httpx", "prometheus_client", "sse_starlette")


def require_studio(feature: str) -> None:
    """Raise an error unless the packages of the server are installed.

    Raises:
        MissingExtraError: A package is not installed.
    """
    if any(find_spec(name) is None for name in _SERVER):
        raise MissingExtraError(feature, "studio")


def require_client(feature: str) -> None:
    """Raise an error unless the packages of the client are installed.

    Raises:
        MissingExtraError: A package is not installed.
    """
    if find_spec("httpx") is None:
        raise MissingExtraError(feature, "studio")
