"""Settings of a server: folders, access and limits."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GIB = 1 << 30
_TOKEN_FILE = "token"


def new_token() -> str:
    """Return a random token."""
    return secrets.token_urlsafe(32)


def kept_token(state: Path) -> str:
    """Return the token that the state folder keeps, so that an open page still works after a restart.

    The first call makes it; only the owner of the folder can read it.
    """
    path = state / _TOKEN_FILE
    with suppress(OSError):
        token = path.read_text(encoding="ascii").strip()
        if token:
            return token
    token = new_token()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(token)
    return token


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Attributes:
        upload_bytes: Size of one upload with all its files; a study of a few series has 1 GiB.
        upload_files: Number of files in one upload; a busy scanner makes about 20,000 images a day.
        disk_bytes: Size of all uploads and saved sessions together.
        memory_bytes: Memory of open sessions; the least recently used are closed first. They stay on disk.
        sessions: Number of open sessions.
        idle_s: Seconds without a request after which a session is closed.
        queue: Number of jobs, and of requests, that may wait; more are refused with the time to retry.
        body_bytes: Size of a request other than an upload; a brush stroke on 1024 x 1024 pixels has a tenth of it.
    """

    upload_bytes: int = 4 * GIB
    upload_files: int = 20_000
    disk_bytes: int = 64 * GIB
    memory_bytes: int = 8 * GIB
    sessions: int = 16
    idle_s: float = 30 * 60
    queue: int = 64
    body_bytes: int = 16 << 20


@dataclass(frozen=True)
class HostNames:
    """Host names of a server. A page of another site cannot make a browser send requests under these names.

    Attributes:
        known: Host names and addresses, lower case.
        any_address: True to accept every literal IP address: unlike a name, it cannot point elsewhere.
    """

    known: frozenset[str]
    any_address: bool = False


LOCAL = HostNames(frozenset({"127.0.0.1", "localhost", "::1"}))


@dataclass(frozen=True)
class Settings:
    """Settings of one server.

    Attributes:
        state: Folder of saved sessions and uploads.
        token: Secret that every request carries.
        folder: Folder of images that can be opened by path; None allows uploads only.
        opened: Path below `folder` that the page opens at once; None shows a list.
        names: Host names of the server.
        limits: Limits of the server.
    """

    state: Path
    token: str = field(default_factory=new_token, repr=False)
    folder: Path | None = None
    opened: str | None = None
    names: HostNames = LOCAL
    limits: Limits = Limits()


def default_state() -> Path:
    """Return the folder of sessions: `ANYBONE_STATE`, or the system's folder for application state."""
    chosen = os.environ.get("ANYBONE_STATE") or os.environ.get("XDG_STATE_HOME")
    if os.environ.get("ANYBONE_STATE"):
        return Path(str(chosen)).expanduser()
    return (Path(chosen) if chosen else Path.home() / ".local" / "state") / "anybone"
