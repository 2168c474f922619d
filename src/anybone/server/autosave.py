"""Autosave: one worker thread writes changed sessions to disk, so that no click waits for a large file.

The worker holds no lock while it writes. `_changed` is the only lock; it is never held while another one is taken.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from anybone.core.errors import AnyboneError
from anybone.server.open_session import OpenSession

WAIT_S = 0.1  # a response waits this long for its change to reach the disk; usually it does
_log = logging.getLogger(__name__)


class Autosave:
    """Save sessions one after the other; intermediate states of a session that changes meanwhile are skipped.

    Args:
        save: Function that writes a session.
        report: Function called after each save with the session and an error message or None.
    """

    def __init__(self, save: Callable[[OpenSession], None], report: Callable[[OpenSession, str | None], None]) -> None:
        self._save, self._report = save, report
        self._waiting: dict[OpenSession, threading.Event] = {}
        self._writing: dict[OpenSession, threading.Event] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="anybone-autosave", daemon=True)
        self._thread.start()

    def request(self, opened: OpenSession, wait_s: float | None = WAIT_S) -> bool:
        """Queue a session, wait up to some seconds (None: until it is saved), and return whether it is saved."""
        with self._changed:
            saved = self._waiting.setdefault(opened, threading.Event())
            self._changed.notify()
        return saved.wait(wait_s)

    def flush(self, opened: OpenSession) -> None:
        """Wait until all queued saves of a session are done."""
        with self._changed:
            events = [queue[opened] for queue in (self._waiting, self._writing) if opened in queue]
        for event in events:
            event.wait()

    def stop(self) -> None:
        """Save what is queued and end the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if not self._waiting:
                    return
            self._save_next()

    def _save_next(self) -> None:
        with self._changed:
            opened = next(iter(self._waiting))
            saved = self._writing[opened] = self._waiting.pop(opened)
        error = None if opened.closed else self._error_of(opened)
        with self._changed:
            del self._writing[opened]
        saved.set()
        if not opened.closed:
            self._report(opened, error)

    def _error_of(self, opened: OpenSession) -> str | None:
        """Save a session, and return the error message; None on success."""
        try:
            self._save(opened)
        except AnyboneError as error:
            return str(error)
        except Exception as error:  # the thread has to survive
            _log.exception("A session could not be saved")
            return f"Internal error ({type(error).__name__}). This is a bug in anybone; the server's log has details."
        return None
