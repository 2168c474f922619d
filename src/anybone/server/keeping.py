"""Keeping: each change goes to disk at once, in a thread of its own: no click waits long for a large session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from anybone.core.errors import AnyboneError
from anybone.server.work import Work

PATIENCE_S = 0.1  # an answer waits so long for its change to be on disk; it nearly always is by then
_log = logging.getLogger(__name__)


class Keeper:
    """Saves sessions one after the other; of one that changes meanwhile, the latest state.

    Args:
        save: Writes a session.
        told: Told of a session that was written, or could not be, and why.
    """

    def __init__(self, save: Callable[[Work], None], told: Callable[[Work, str | None], None]) -> None:
        self._save, self._told = save, told
        self._waiting: dict[Work, threading.Event] = {}
        self._at_work: dict[Work, threading.Event] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="anybone-keep", daemon=True)
        self._thread.start()

    def keep(self, work: Work, patience_s: float | None = PATIENCE_S) -> bool:
        """Whether the session as it is now is on disk, after waiting for it; None: for as long as it takes."""
        with self._changed:
            saved = self._waiting.setdefault(work, threading.Event())
            self._changed.notify()
        return saved.wait(patience_s)

    def settle(self, work: Work) -> None:
        """Nothing; what was to be saved of a session is then on disk."""
        with self._changed:
            events = [found[work] for found in (self._waiting, self._at_work) if work in found]
        for event in events:
            event.wait()

    def stop(self) -> None:
        """Nothing; saves what waits and ends the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=60)

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if not self._waiting:
                    return
            self._save_next()

    def _save_next(self) -> None:
        with self._changed:
            work = next(iter(self._waiting))
            saved = self._at_work[work] = self._waiting.pop(work)
        why = None if work.closed else self._fault(work)
        with self._changed:
            del self._at_work[work]
        saved.set()
        if not work.closed:
            self._told(work, why)

    def _fault(self, work: Work) -> str | None:
        """Why a session could not be saved; None where it was."""
        try:
            self._save(work)
        except AnyboneError as error:
            return str(error)
        except Exception as error:  # the thread has to live on
            _log.exception("A session could not be saved")
            return f"This is a bug in anybone ({type(error).__name__}). The server's log says more."
        return None
