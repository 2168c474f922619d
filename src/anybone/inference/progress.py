"""Clock: how long each of the nine steps took, and word of it to whoever shows progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""

STEPS = ("read", "normalize", "attend", "cut", "encode", "fuse", "decode", "stitch", "write")


class Clock:
    """Adds up seconds by step."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self.progress = progress if progress is not None else lambda step, done, total: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Counts the time inside for the step of that name."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start

    def rounded(self) -> dict[str, float]:
        """Seconds by step, to the millisecond."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


class Cancelled(Exception):  # noqa: N818  # no error: somebody asked for it
    """What a progress callback raises to end the work; a session then stays as it was."""
