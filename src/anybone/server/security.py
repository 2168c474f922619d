"""Who may ask: the token, the name the server was asked by, the page that asked, and how much it sends.

A browser sends a page's requests to 127.0.0.1 whatever site the page is from, so a local server is open to every site
unless it looks. The token keeps them out; Host and Origin are looked at so that one leaked token is not enough.
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

from anybone.server.answers import refused
from anybone.server.problems import Forbidden, Refusal, TooLarge, Unauthorized
from anybone.server.settings import LOCAL, Names, Settings

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


class Guard:
    """The door: every request passes it before anything else.

    Args:
        app: What is behind it.
        settings: Token, names and limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.token.encode()
        self._names = settings.names
        self._limits = settings.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing; lets the request through or answers it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = Headers(scope=scope)
        send = _with_headers(send)
        try:
            self._check(scope, headers)
            receive = _bounded(receive, headers, self._limit(scope["path"]))
        except Refusal as error:
            return await refused(error)(scope, receive, send)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._answers_to(_name(host)):
            raise Forbidden(f"This server does not answer to the name {host!r}. Use the address it printed.")
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
                "This needs the token of the server: Authorization: Bearer TOKEN. "
                "The studio prints an address with it; whoever runs the server knows it."
            )

    def _answers_to(self, name: str) -> bool:
        return name in self._names.known or (self._names.any_address and _is_address(name))

    def _limit(self, path: str) -> int:
        uploads = any(path == part or path.startswith(f"{part}/") for part in UPLOADS)
        return self._limits.upload_bytes if uploads else self._limits.body_bytes


def names_of(address: str, extra: Iterable[str] = ()) -> Names:
    """What a server that listens at an address answers to: that, this machine's names where it listens at all of them,
    and further names by which a proxy knows it."""
    known = {address.lower(), *(name.lower() for name in extra)}
    if is_loopback(address):
        return Names(frozenset({*known, *LOCAL.known}))
    if address in ("0.0.0.0", "::"):
        own = {socket.gethostname().lower(), socket.getfqdn().lower()}
        return Names(frozenset({*known, *own, *LOCAL.known}), any_address=True)
    return Names(frozenset(known))


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
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
    """The host without its port: "localhost:8000", "[::1]:8000"."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _bounded(receive: Receive, headers: Headers, limit: int) -> Receive:
    """What receives a request's body, up to a limit.

    Raises:
        TooLarge: The request says that it is larger.
    """
    told = headers.get("content-length", "0")
    if told.isdecimal() and int(told) > limit:
        raise _too_large(limit)
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, str(_too_large(limit)).rstrip("."))  # FastAPI lets no other error through here
        return message

    return bounded


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request is larger than the {limit >> 20} MiB that this server takes. Send less at once.")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
