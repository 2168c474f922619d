"""Timing and progress of the nine steps, and the exception that cancels them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Progress = Callable[[str, int, int], None]
"""Called with a step's name, the amount done and the total."""

STEPS = ("read", "normalize", "attend", "cut", "encode", "fuse", "decode", "stitch", "write")


class Clock:
    """Sum of the seconds spent in each step.

    Args:
        progress: Called as work advances; None reports nothing.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self.progress = progress if progress is not None else lambda step, done, total: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time spent inside the context to the step of that name."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start

    def rounded(self) -> dict[str, float]:
        """Return the seconds by step, to the millisecond."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


class Cancelled(Exception):  # noqa: N818  # not an error: the user asked for it
    """Raised by a progress callback to stop the work; a session then keeps its previous state."""
