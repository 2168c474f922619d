"""Running a server: an address to listen at, and the application there until it is stopped."""

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
from anybone.server.settings import Settings
from anybone.server.studio import Method

_PATIENCE_S = 3  # for streams of events, once the server is told to stop


def method_of(weights: str | None, device: str) -> Method:
    """What answers, with weights of that name.

    Raises:
        CheckpointError: There are none.
    """
    header = read_header(locate(weights))
    return Method(header.name, header.license, lambda: load(header.path, device=device))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one.

    Raises:
        UsageError: The address is not this machine's, or taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Named as TCP, so that answers are sent without delay: asyncio looks at the number.
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
    """The application at an address, until it is interrupted or `should_exit` is set.

    Args:
        settings: What is served.
        method: What answers.
        listening: Where.
        started: Called once it does.
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
        self._app, self._listening, self._tell = create_app(settings, method), listening, started
        super().__init__(
            uvicorn.Config(
                self._app,
                access_log=False,  # requests are logged by their route, without what they hold
                log_level="warning",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_PATIENCE_S,
                ssl_certfile=certificate and str(certificate[0]),
                ssl_keyfile=certificate and str(certificate[1]),
            )
        )

    def go(self) -> None:
        """Nothing; serves until it is stopped."""
        self.run(sockets=[self._listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Nothing; listens, and says so."""
        await super().startup(sockets)
        if self.started:
            self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nothing; ends streams of events first, which would else keep it waiting."""
        self._app.state.studio.hub.stop()
        await super().shutdown(sockets)
