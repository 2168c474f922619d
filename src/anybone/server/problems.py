"""What a server refuses beside what the engine refuses, and the status that tells a client.

AnyboneError
└── Refusal          a request that the server does not carry out
    ├── Unauthorized 401: no token, or another one
    ├── Forbidden    403: from another site, or to another name than the server's
    ├── Absent       404: there is no such session, file or upload
    ├── Busy         409: a job runs on this session
    ├── TooLarge     413: more than the limits allow
    ├── Unsupported  415: a body of another kind
    └── Full         503: too many wait
"""

from __future__ import annotations

from anybone.core import errors
from anybone.core.errors import AnyboneError


class Refusal(AnyboneError):  # noqa: N818
    """A request that the server does not carry out; `status` is what it answers."""

    status = 400


class Unauthorized(Refusal):
    """A request without the token."""

    status = 401


class Forbidden(Refusal):
    """A request from another site, or to another name than the server's."""

    status = 403


class Absent(Refusal):
    """There is no such session, file or upload."""

    status = 404


class Busy(Refusal):
    """A job runs on this session."""

    status = 409


class TooLarge(Refusal):
    """More than the limits allow."""

    status = 413


class Unsupported(Refusal):
    """A body of another kind than expected."""

    status = 415


class Full(Refusal):
    """Too many wait."""

    status = 503


_STATUS: dict[str, int] = {  # of the errors below the server, by name; all others are 400
    "NothingFoundError": 404,
    "StateError": 409,
    "WriteError": 409,
    "MissingExtraError": 501,
}


def status_of(error: AnyboneError) -> int:
    """The HTTP status that an error is answered with."""
    if isinstance(error, Refusal):
        return error.status
    return next((_STATUS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _STATUS), 400)


def error_from(kind: str, message: str, status: int) -> AnyboneError:
    """The error that a server told of, as the class it was raised as; a `Refusal` where that is not known here."""
    known = {**vars(errors), **globals()}.get(kind)
    if isinstance(known, type) and issubclass(known, AnyboneError) and kind != "MissingExtraError":
        return known(message)
    refusal = Refusal(f"{message} (HTTP {status})")
    refusal.status = status
    return refusal
