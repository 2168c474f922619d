"""Errors of the server itself, and the HTTP status of every error.

AnyboneError
└── RequestRefused        a request that the server does not carry out
    ├── Unauthorized      401: no token, or a wrong one
    ├── Forbidden         403: from another site, or addressed to another host name
    ├── NotFound          404: no such session, file or upload
    ├── Busy              409: a job runs on this session
    ├── TooLarge          413: more than the limits allow
    ├── UnsupportedMedia  415: a body of another media type
    └── Overloaded        503: too many requests or jobs wait; retry later
"""

from __future__ import annotations

from anybone.core import errors
from anybone.core.errors import AnyboneError


class RequestRefused(AnyboneError):  # noqa: N818
    """A request that the server does not carry out; `status` is the HTTP status of the response."""

    status = 400


class Unauthorized(RequestRefused):
    """The request has no token, or a wrong one."""

    status = 401


class Forbidden(RequestRefused):
    """The request comes from another site, or is addressed to another host name."""

    status = 403


class NotFound(RequestRefused):
    """The session, file or upload does not exist."""

    status = 404


class Busy(RequestRefused):
    """A job runs on this session."""

    status = 409


class TooLarge(RequestRefused):
    """The request asks for more than the limits allow."""

    status = 413


class UnsupportedMedia(RequestRefused):
    """The body has another media type than expected."""

    status = 415


class Overloaded(RequestRefused):
    """Too many requests or jobs wait; the same request can be sent again after `retry_after_s`."""

    status = 503
    retry_after_s = 2


_STATUS: dict[str, int] = {  # errors of the engine by name; all others are 400
    "NothingFoundError": 404,
    "StateError": 409,
    "WriteError": 409,
    "MissingExtraError": 501,
}


def status_of(error: AnyboneError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RequestRefused):
        return error.status
    return next((_STATUS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _STATUS), 400)


def error_from(kind: str, message: str, status: int) -> AnyboneError:
    """Return the error that a server reported, as its own class if that is known, else as `RequestRefused`."""
    known = {**vars(errors), **globals()}.get(kind)
    if isinstance(known, type) and issubclass(known, AnyboneError) and kind != "MissingExtraError":
        return known(message)
    refused = RequestRefused(message)
    refused.status = status
    return refused
