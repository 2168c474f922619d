"""Staging folders: files of unfinished uploads and saves, removed when the server that wrote them is gone.

Each server has a folder below `STATE/staging` with a lock file that it holds open. A server that starts removes the
folders whose lock nobody holds: they are leftovers of a server that was killed.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_LOCK = "lock"


class Staging:
    """Staging folder of one server.

    Args:
        state: Folder of sessions and uploads; other servers may use the same one.
    """

    def __init__(self, state: Path) -> None:
        top = state / "staging"
        top.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in list(top.iterdir()):
            _remove_if_abandoned(folder)
        self._folder = top / uuid.uuid4().hex
        self._folder.mkdir(mode=0o700)
        self._lock: IO[bytes] = (self._folder / _LOCK).open("wb")
        _try_lock(self._lock)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield an empty folder that is removed after the block, with whatever was not moved out of it."""
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """Remove this server's folder."""
        self._lock.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(OSError):  # on Windows the lock file of a running server cannot be opened or removed
        lock = folder / _LOCK
        if lock.is_file():
            with lock.open("r+b") as file:
                if not _try_lock(file):
                    return
            lock.unlink()
        shutil.rmtree(folder, ignore_errors=True)


def _try_lock(file: IO[bytes]) -> bool:
    """Lock a file for this process, and return False if another one holds it."""
    if os.name == "nt":  # an open file cannot be removed there, which serves the same purpose
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
