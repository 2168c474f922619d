"""JSON responses, and error responses for every exception."""

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
from anybone.server.http_errors import Busy, Overloaded, status_of
from anybone.server.wire import ErrorResponse

_log = logging.getLogger(__name__)

_MEANINGS = {
    400: "Invalid values",
    401: "No token, or a wrong one",
    403: "Request from another site",
    404: "Not found",
    409: "A job runs on the session, or the file exists already",
    413: "More than the limits allow",
    415: "Unsupported media type",
    422: "The body does not match the schema",
    501: "An optional package is not installed",
    503: "Too many requests wait; retry after the seconds in Retry-After",
}
_KINDS = {404: "NotFound", 413: "TooLarge"}  # of errors that the framework raises
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": meaning} for status, meaning in _MEANINGS.items()
}


def json_response(content: Any, status: int = 200) -> Response:
    """Return plain values as JSON without validating them: the run lengths of a volume are many numbers."""
    body = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    return Response(body, status, media_type="application/json")


def error_response(error: AnyboneError, status: int | None = None) -> Response:
    """Return the response for an error of the engine or the server."""
    status = status_of(error) if status is None else status
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.retry_after_s)
    elif isinstance(error, Busy):
        headers["Retry-After"] = "1"
    return error_json(type(error).__name__, str(error), status, headers)


def error_json(kind: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error response."""
    content = {"error": {"kind": kind, "message": message}}
    return Response(
        json.dumps(content, ensure_ascii=True).encode(), status, headers=headers, media_type="application/json"
    )


def handle_errors(app: FastAPI) -> None:
    """Register handlers that turn every exception into an error response."""

    @app.exception_handler(AnyboneError)
    async def _anybone(request: Request, error: AnyboneError) -> Response:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def _schema(request: Request, error: RequestValidationError) -> Response:
        return error_json("SchemaError", _validation_text(error), 422)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        kind = _KINDS.get(error.status_code, "HttpError")
        return error_json(kind, f"{error.detail}.", error.status_code, error.headers)

    @app.exception_handler(MemoryError)
    async def _memory(request: Request, error: MemoryError) -> Response:
        return error_json("MemoryError", "Not enough memory. Crop the volume, or close sessions.", 503)

    @app.exception_handler(ClientDisconnect)
    async def _disconnect(request: Request, error: ClientDisconnect) -> Response:
        return error_json("ClientDisconnect", "The connection closed before the request was complete.", 400)

    @app.exception_handler(OSError)
    async def _system(request: Request, error: OSError) -> Response:
        _log.error("System error: %s", error.strerror)
        return error_json("WriteError", f"System error on the server: {error.strerror}. Check its disk space.", 503)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        _log.exception("Unexpected error")
        message = f"Internal error ({type(error).__name__}). This is a bug in anybone; the server's log has details."
        return error_json("InternalError", message, 500)


def _validation_text(error: RequestValidationError) -> str:
    """Return where and why a body is invalid, in one line, without repeating its content."""
    faults = [f"{'.'.join(str(p) for p in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5]]
    return "; ".join(faults).encode("utf-8", "replace").decode() + ". See /api/openapi.json."
