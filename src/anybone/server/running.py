"""Run the server: bind a socket and serve the application until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from anybone.core.errors import UsageError
from anybone.inference.loading import load
from anybone.models.checkpoint import read_header
from anybone.models.registry import locate
from anybone.server.app import create_app
from anybone.server.connections import GuardedProtocol
from anybone.server.settings import Settings
from anybone.server.state import Method

_SHUTDOWN_TIMEOUT_S = 3  # for event streams


def method_of(weights: str | None, device: str) -> Method:
    """Return the method for the weights of a name.

    Raises:
        CheckpointError: There are no such weights.
    """
    header = read_header(locate(weights))
    return Method(header.name, header.license, lambda: load(header.path, device=device))


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 chooses a free one.

    Raises:
        UsageError: The address is not one of this machine, or in use.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With IPPROTO_TCP, asyncio sets TCP_NODELAY.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)
        except BaseException:
            listening.close()
            raise
    except (OSError, OverflowError) as error:
        raise UsageError(f"The server cannot listen at {host}, port {port}: {error}. Choose another --port.") from error
    return listening


class Server(uvicorn.Server):
    """Serve the application until it is interrupted or `should_exit` is set.

    Args:
        settings: Folders, access and limits.
        method: The network that segments.
        listening: Listening socket.
        started: Function called once the server accepts requests.
        certificate: TLS certificate and key.
    """

    def __init__(
        self,
        settings: Settings,
        method: Method,
        listening: socket.socket,
        *,
        started: Callable[[], None] = lambda: None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._app, self._listening, self._on_started = create_app(settings, method), listening, started
        super().__init__(
            uvicorn.Config(
                self._app,
                http=GuardedProtocol,
                access_log=False,  # RequestCounter logs requests without their content
                log_level="warning",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
                ssl_certfile=certificate and str(certificate[0]),
                ssl_keyfile=certificate and str(certificate[1]),
            )
        )

    def go(self) -> None:
        """Serve until the server is stopped."""
        self.run(sockets=[self._listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and call `started`."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End event streams, which would delay the shutdown, and stop."""
        self._app.state.server.hub.stop()
        await super().shutdown(sockets)
