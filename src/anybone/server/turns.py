"""Turns: who uses the network next. People come first, then jobs; what is done ahead waits until nobody does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from anybone.server.problems import Full


class Rank(IntEnum):
    """Who comes first."""

    PERSON = 0
    JOB = 1


class Turns:
    """One network, used by one thread at a time.

    Args:
        queue: How many may wait in each rank.
    """

    def __init__(self, queue: int = 16) -> None:
        self._queue = queue
        self._free = threading.Condition()
        self._taken = False
        self._waiting = [0 for _ in Rank]

    @contextmanager
    def take(self, rank: Rank) -> Iterator[None]:
        """A context in which this thread has the network to itself.

        Raises:
            Full: Too many wait already.
        """
        self._take(rank)
        try:
            yield
        finally:
            self._give()

    def give_way(self, rank: Rank) -> None:
        """Nothing; lets those of a higher rank go first, for whoever has the network now."""
        if any(self._waiting[:rank]):
            self._give()
            self._take(rank, always=True)

    def wait_idle(self, timeout_s: float) -> bool:
        """Whether nobody uses the network or waits for it, now or within some seconds."""
        with self._free:
            return self._free.wait_for(lambda: not self._taken and not any(self._waiting), timeout_s)

    def _take(self, rank: Rank, *, always: bool = False) -> None:
        with self._free:
            if self._waiting[rank] >= self._queue and not always:
                raise Full(f"{self._waiting[rank]} requests wait for the network already. Try again in some seconds.")
            self._waiting[rank] += 1
            try:
                self._free.wait_for(lambda: not self._taken and not any(self._waiting[:rank]))
                self._taken = True
            finally:
                self._waiting[rank] -= 1

    def _give(self) -> None:
        with self._free:
            self._taken = False
            self._free.notify_all()
