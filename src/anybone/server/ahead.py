"""Encoding ahead: the slices that a person is likely to click on next, while nobody needs the network."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from anybone.server.turns import Turns
from anybone.server.work import Work

_log = logging.getLogger(__name__)
PAUSE_S = 0.15  # a person who corrects clicks again within so long
REACH = 3  # slices on either side


def around(index: int, count: int, reach: int = REACH) -> list[int]:
    """A slice and its neighbors, nearest first."""
    near = [index, *(index + sign * step for step in range(1, reach + 1) for sign in (1, -1))]
    return [n for n in near if 0 <= n < count]


class Ahead:
    """One thread that encodes what was wished for last.

    Args:
        turns: Of the network.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._changed = threading.Condition()
        self._wish: tuple[Work, list[int], float] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="anybone-ahead", daemon=True)
        self._thread.start()

    def wish(self, work: Work, slices: Sequence[int], pause_s: float = PAUSE_S) -> None:
        """Nothing; these slices are encoded next, in that order, and no others, after a pause."""
        with self._changed:
            self._wish = (work, list(slices), pause_s)
            self._changed.notify()

    def drop(self) -> None:
        """Nothing; forgets what was wished for. The slice that is at work is finished."""
        with self._changed:
            self._wish = None

    def stop(self) -> None:
        """Nothing; ends the thread."""
        with self._changed:
            self._stopped, self._wish = True, None
            self._changed.notify()
        self._thread.join(timeout=5)

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wish is not None or self._stopped)
                if self._stopped:
                    return
            self._fulfill()

    def _fulfill(self) -> None:
        """Encodes what is wished for, as long as nothing else is."""
        with self._changed:
            wish = self._wish
            if wish is None:
                return
            work, slices, pause_s = wish
            self._changed.wait(pause_s)
        while slices and self._wish is wish:
            if self._turns.wait_idle(PAUSE_S) and self._wish is wish:
                self._encode(work, slices.pop(0))
        with self._changed:
            if self._wish is wish:
                self._wish = None

    def _encode(self, work: Work, index: int) -> None:
        try:
            work.session.encode(index)
        except Exception:  # a click will say what is wrong; the thread has to live on
            _log.exception("Slice %d could not be encoded ahead", index)
