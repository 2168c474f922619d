"""Access control: token, host name, origin and size of every request, and security headers of every response.

A browser sends a page's requests to 127.0.0.1 whatever site the page is from, so a local server is open to every site
unless it checks. The token keeps them out; Host and Origin are checked so that one leaked token is not enough.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anybone.server.http_errors import Forbidden, RequestRefused, TooLarge, Unauthorized
from anybone.server.responses import error_response
from anybone.server.settings import LOCAL, HostNames, Settings

_LOGIN = ("/auth/", "/auth/token", "/monailabel/auth/", "/monailabel/auth/token")
OPEN = ("/", "/healthz", "/favicon.svg", *_LOGIN)
OPEN_BELOW = ("/assets/",)
UPLOADS = ("/api/uploads", "/datastore", "/session", "/infer", "/monailabel")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self' blob: data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class AccessControl:
    """Middleware that refuses requests without token, from other sites, or with too large a body.

    Args:
        app: Application behind this middleware.
        settings: Token, names and limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.token.encode()
        self._names = settings.names
        self._limits = settings.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = Headers(scope=scope)
        send = _with_headers(send)
        try:
            self._check(scope, headers)
            receive = _bounded(receive, headers, self._limit(scope["path"]))
        except RequestRefused as error:
            return await error_response(error)(scope, receive, send)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_known(_name(host)):
            raise Forbidden(f"This server is not known as {host!r}. Use the address that it printed.")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Forbidden("Requests from pages of other sites are refused. Open the address that the server printed.")
        path = scope["path"]
        if path in OPEN or path.startswith(OPEN_BELOW):
            return
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("Requests from pages of other sites are refused. Open the address that the server printed.")
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self._token):
            raise Unauthorized(
                "The server's token is missing or wrong (Authorization: Bearer TOKEN). "
                "The server prints an address with it when it starts."
            )

    def _is_known(self, name: str) -> bool:
        return name in self._names.known or (self._names.any_address and _is_address(name))

    def _limit(self, path: str) -> int:
        uploads = any(path == part or path.startswith(f"{part}/") for part in UPLOADS)
        return self._limits.upload_bytes if uploads else self._limits.body_bytes


def names_of(address: str, extra: Iterable[str] = ()) -> HostNames:
    """Return the host names of a server that listens at an address.

    Args:
        address: Where it listens; all addresses include this machine's own names.
        extra: Further names, such as that of a proxy.
    """
    known = {address.lower(), *(name.lower() for name in extra)}
    if is_loopback(address):
        return HostNames(frozenset({*known, *LOCAL.known}))
    if address in ("0.0.0.0", "::"):
        own = {socket.gethostname().lower(), socket.getfqdn().lower()}
        return HostNames(frozenset({*known, *own, *LOCAL.known}), any_address=True)
    return HostNames(frozenset(known))


def is_loopback(address: str) -> bool:
    """Return True if only this machine can reach an address."""
    if address.lower() == "localhost":
        return True
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(host: str) -> str:
    """Return the host without its port: "localhost:8000", "[::1]:8000"."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _bounded(receive: Receive, headers: Headers, limit: int) -> Receive:
    """Return a function that receives a request's body up to a limit.

    Raises:
        TooLarge: The declared length is over the limit.
    """
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, str(_too_large(limit)).rstrip("."))  # FastAPI lets no other error through here
        return message

    return bounded


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request is larger than this server's limit of {limit >> 20} MiB. Send less at once.")


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers
