"""`anybone serve`: sessions for several users on a shared machine."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal
from anybone.cli.threads import let_threads_sleep
from anybone.core.errors import UsageError

if TYPE_CHECKING:
    from anybone.server.settings import Limits, Settings

TOKEN_VARIABLE = "ANYBONE_TOKEN"
_MIN_TOKEN = 16  # characters; a shorter one can be guessed
_ACCESS, _LIMITS = "Who may use it", "Limits"
_GIB = 1 << 30

Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")]
Served = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Images that may be opened by path.", show_default="uploads only")
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help=f"Secret that clients send; better set in the environment as {TOKEN_VARIABLE}.",
        show_default="a random one on this machine's own address",
        rich_help_panel=_ACCESS,
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name", metavar="NAME", help="A name that clients know the server by. Repeat.", rich_help_panel=_ACCESS
    ),
]
TlsCert = Annotated[Path | None, typer.Option(metavar="FILE", help="TLS certificate, PEM.", rich_help_panel=_ACCESS)]
TlsKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Its key.", rich_help_panel=_ACCESS)]
UploadLimit = Annotated[
    float, typer.Option(metavar="GIB", min=0.001, help="Size of one upload.", rich_help_panel=_LIMITS)
]
DiskLimit = Annotated[
    float, typer.Option(metavar="GIB", min=0.001, help="Size of all uploads and sessions.", rich_help_panel=_LIMITS)
]
MemoryLimit = Annotated[
    float, typer.Option(metavar="GIB", min=0.001, help="Memory of open sessions.", rich_help_panel=_LIMITS)
]
IdleMinutes = Annotated[
    float,
    typer.Option(metavar="N", min=0.01, help="Idle time before a session is closed.", rich_help_panel=_LIMITS),
]
MaxSessions = Annotated[int, typer.Option(metavar="N", min=1, help="Sessions open at once.", rich_help_panel=_LIMITS)]


@handle_errors
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8765,
    folder: Served = None,
    weights: opt.Weights = None,
    device: opt.DeviceName = "auto",
    state: opt.State = None,
    token: Token = None,
    names: Names = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    upload_limit: UploadLimit = 4,
    disk_limit: DiskLimit = 64,
    memory_limit: MemoryLimit = 8,
    idle_minutes: IdleMinutes = 30,
    max_sessions: MaxSessions = 16,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Serve sessions to several users, or to other viewers, on a shared machine.

    Everyone with the token sees all sessions. If other machines can reach the server, a token has to be chosen, and
    TLS keeps it secret: give a certificate, or put the server behind a proxy that has one. /healthz needs no token.
    See docs/how-to/studio-server.md.

    Examples:

    anybone serve --folder studies
    anybone serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key --folder studies
    """
    from anybone.server.optional_packages import require_studio

    require_studio("The server")
    let_threads_sleep()
    from anybone.server.security import is_loopback, names_of
    from anybone.server.settings import Settings, default_state, kept_token

    chosen = _token(token, is_loopback(host))
    certificate = _certificate(tls_cert, tls_key)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. Give the folder with the images.")
    limits = _limits(upload_limit, disk_limit, memory_limit, idle_minutes, max_sessions)
    place = state or default_state()
    settings = Settings(place, chosen or kept_token(place), folder, None, names_of(host, names or ()), limits)
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, format="%(asctime)s %(message)s")
    _run(settings, weights, device, (host, port), certificate, Terminal(quiet, verbose), show_token=chosen is None)


def _run(
    settings: Settings,
    weights: str | None,
    device: str,
    place: tuple[str, int],
    certificate: tuple[Path, Path] | None,
    terminal: Terminal,
    *,
    show_token: bool,
) -> None:
    """Serve until the server is stopped."""
    from anybone.server.running import Server, listen, method_of
    from anybone.server.security import is_loopback

    method = method_of(weights, device)
    listening = listen(*place)
    scheme = "https" if certificate else "http"
    address = f"{scheme}://{_shown(place[0])}:{listening.getsockname()[1]}/"

    def started() -> None:
        terminal.result(f"anybone serves at {address}" + (f"#token={settings.token}" if show_token else ""))
        if certificate is None and not is_loopback(place[0]):
            terminal.warn("Without TLS, others on the network can read the token and the images. See --tls-cert.")

    Server(settings, method, listening, started=started, certificate=certificate).go()


def _limits(upload_gib: float, disk_gib: float, memory_gib: float, idle_minutes: float, sessions: int) -> Limits:
    from anybone.server.settings import Limits

    return Limits(
        upload_bytes=int(upload_gib * _GIB),
        disk_bytes=int(disk_gib * _GIB),
        memory_bytes=int(memory_gib * _GIB),
        idle_s=idle_minutes * 60,
        sessions=sessions,
    )


def _token(typed: str | None, local: bool) -> str | None:
    """Return the chosen token; None if there is none, which is allowed on a loopback address."""
    token = typed if typed is not None else os.environ.get(TOKEN_VARIABLE)
    if token is None:
        if local:
            return None
        raise UsageError(
            f"Other machines can reach this address, so clients need a token. Choose one: {TOKEN_VARIABLE}="
            '$(python -c "import secrets; print(secrets.token_urlsafe())"), or --token TEXT.'
        )
    if len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"A token has {_MIN_TOKEN} characters or more, without spaces, in ASCII; this one has {len(token)}."
        )
    return token


def _certificate(cert: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageError("TLS needs both --tls-cert and --tls-key.")
    for path in (cert, key):
        if not path.is_file():
            raise UsageError(f"{path} is not a file. Check the name.")
    return cert, key


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
