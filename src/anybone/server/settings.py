"""Settings: what a server serves, to whom, and how much of it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GIB = 1 << 30
_TOKEN_FILE = "token"


def new_token() -> str:
    """A token that nobody guesses."""
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
    """How much one server takes on.

    Attributes:
        upload_bytes: Of one upload, all its files together; a study of a few series is 1 GiB.
        upload_files: Of one upload; a day of a busy scanner is about 20 000 images.
        disk_bytes: Of all uploads and saved sessions together.
        memory_bytes: Of the sessions that are open; those not used longest are closed first. They stay on disk.
        sessions: Open at once.
        idle_s: After so long without a request a session is closed.
        queue: Jobs that may wait, and requests that may wait for the network.
        body_bytes: Of a request that is no upload; a brush stroke over a slice of 1024 x 1024 has a tenth of it.
    """

    upload_bytes: int = 4 * GIB
    upload_files: int = 20_000
    disk_bytes: int = 64 * GIB
    memory_bytes: int = 8 * GIB
    sessions: int = 16
    idle_s: float = 30 * 60
    queue: int = 16
    body_bytes: int = 16 << 20


@dataclass(frozen=True)
class Names:
    """What a server answers to: a page of another site cannot make a browser ask by these.

    Attributes:
        known: Host names and addresses, lower case.
        any_address: Whether any literal address will do: none can be made to point elsewhere, as a name can.
    """

    known: frozenset[str]
    any_address: bool = False


LOCAL = Names(frozenset({"127.0.0.1", "localhost", "::1"}))


@dataclass(frozen=True)
class Settings:
    """What a server serves.

    Attributes:
        state: Folder of saved sessions and uploads.
        token: What every request has to show.
        folder: Folder of images that may be opened by path; None: uploads only.
        opened: What the page opens at once, a path below `folder`; None leaves it to the person.
        names: What the server answers to.
        limits: How much it takes on.
    """

    state: Path
    token: str = field(default_factory=new_token, repr=False)
    folder: Path | None = None
    opened: str | None = None
    names: Names = LOCAL
    limits: Limits = Limits()


def default_state() -> Path:
    """Where a person's sessions are kept: `ANYBONE_STATE`, or the system's folder for such."""
    chosen = os.environ.get("ANYBONE_STATE") or os.environ.get("XDG_STATE_HOME")
    if os.environ.get("ANYBONE_STATE"):
        return Path(str(chosen)).expanduser()
    return (Path(chosen) if chosen else Path.home() / ".local" / "state") / "anybone"
