"""Answers: JSON that is written once, and errors as a client reads them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from anybone.core.errors import AnyboneError
from anybone.server.problems import status_of
from anybone.server.schemas import Problem

_log = logging.getLogger(__name__)

_MEANINGS = {
    400: "Values that cannot be meant",
    401: "No token, or another one",
    403: "From another site",
    404: "There is no such thing",
    409: "Not now: a job runs, or a file is there already",
    413: "More than the limits allow",
    415: "A body of another kind",
    422: "Another shape than expected",
    501: "An optional part is not installed",
    503: "Too many wait",
}
_KINDS = {404: "Absent", 413: "TooLarge"}  # of what the framework refuses by itself
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning} for status, meaning in _MEANINGS.items()
}


def plain(content: Any, status: int = 200) -> Response:
    """An answer of plain values, which are not looked at again: runs of a volume are many numbers."""
    body = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    return Response(body, status, media_type="application/json")


def refused(error: AnyboneError, status: int | None = None) -> Response:
    """What a client reads of an error."""
    status = status_of(error) if status is None else status
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "2"} if status == 503 else None
    return told(type(error).__name__, str(error), status, headers)


def told(kind: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An error of that kind."""
    content = {"error": {"kind": kind, "message": message}}
    return Response(
        json.dumps(content, ensure_ascii=True).encode(), status, headers=headers, media_type="application/json"
    )


def handle_errors(app: FastAPI) -> None:
    """Nothing; the app then answers every exception in the same form."""

    @app.exception_handler(AnyboneError)
    async def _ours(request: Request, error: AnyboneError) -> Response:
        return refused(error)

    @app.exception_handler(RequestValidationError)
    async def _schema(request: Request, error: RequestValidationError) -> Response:
        return told("SchemaError", _faults(error), 422)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        kind = _KINDS.get(error.status_code, "HttpError")
        return told(kind, f"{error.detail}.", error.status_code, error.headers)

    @app.exception_handler(MemoryError)
    async def _memory(request: Request, error: MemoryError) -> Response:
        return told("MemoryError", "There is not enough memory for this. Crop the volume, or close sessions.", 503)

    @app.exception_handler(ClientDisconnect)
    async def _gone(request: Request, error: ClientDisconnect) -> Response:
        return told("Gone", "The request ended before its body did.", 400)  # nobody reads it

    @app.exception_handler(OSError)
    async def _system(request: Request, error: OSError) -> Response:
        _log.error("The system refuses: %s", error.strerror)
        return told("WriteError", f"The server's system refuses: {error.strerror}. Is its disk full?", 503)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        _log.exception("A fault of the program")
        return told("Bug", f"This is a bug in anybone ({type(error).__name__}). The server's log says more.", 500)


def _faults(error: RequestValidationError) -> str:
    """Where and why, in one line; what was sent is not repeated."""
    faults = [f"{'.'.join(str(p) for p in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5]]
    return "; ".join(faults).encode("utf-8", "replace").decode() + ". See /api/openapi.json."
