"""Protection of the server's sockets: header timeout, body timeout, and a limit on connections."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT_S = 15.0  # from the connection, or the first byte of a further request, to its last header
BODY_TIMEOUT_S = 60.0  # without any byte of a body that is not complete
MAX_CONNECTIONS = 512
_KEEPALIVE_S = 60  # then the system checks whether the other side still exists


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 that closes half-open connections.

    A client that connects and sends no complete request head is disconnected after a timeout, and so is one that stops
    in the middle of a body. At the limit of connections, the oldest one without a request makes room for the new one.
    """

    header_timeout_s, body_timeout_s, max_connections = HEADER_TIMEOUT_S, BODY_TIMEOUT_S, MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the header timeout, and make room if there are too many connections."""
        super().connection_made(transport)
        _check_alive(transport.get_extra_info("socket"))
        self._start_timer(self.header_timeout_s)
        if len(self.connections) > self.max_connections:
            waiting = [c for c in self.connections if isinstance(c, GuardedProtocol) and c.is_without_request]
            min(waiting or [self], key=lambda c: c._timer.when() if c._timer else 0.0).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; restart the timeout unless the request is complete."""
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY:
            self._start_timer(self.body_timeout_s)
        elif not self.is_without_request:
            self._stop_timer()
        elif self._timer is None:  # the first bytes of a further request
            self._start_timer(self.header_timeout_s)

    @property
    def is_without_request(self) -> bool:
        """True while no request is complete or in progress."""
        return self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        if self.flow is not None and self.flow.read_paused:  # the server is behind, not the client
            self._start_timer(self.body_timeout_s)
        elif not self.transport.is_closing():
            self.transport.abort()


def _check_alive(connection: socket.socket | None) -> None:
    """Let the system close a connection whose other side is gone."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", _KEEPALIVE_S), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
