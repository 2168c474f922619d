"""Events: what happens in a session, told to all who look on."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

PING_S = 15.0
_BACKLOG = 256  # events that a slow listener may be behind, before it is told to start afresh


class Hub:
    """The listeners of every session; `tell` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, set[asyncio.Queue[bytes | None]]] = defaultdict(set)

    def start(self) -> None:
        """Nothing; events are from now on delivered in the running event loop."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Nothing; ends all streams."""
        for queues in self._listeners.values():
            for queue in queues:
                _put(queue, None)

    @property
    def users(self) -> int:
        """How many listen to anything."""
        return sum(len(queues) for queues in self._listeners.values())

    def watching(self, session: str) -> int:
        """How many listen to a session."""
        return len(self._listeners.get(session, ()))

    def tell(self, session: str, kind: str, content: Any) -> None:
        """Nothing; sends an event to all who listen to a session."""
        if self._loop is None or not self.watching(session):
            return
        event = _event(kind, content)
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._deliver, session, event)

    async def listen(self, session: str, first: Any) -> AsyncIterator[bytes]:
        """The events of a session as they happen, each as the bytes of an event stream, from "hello" on."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_BACKLOG)
        self._listeners[session].add(queue)
        try:
            yield _event("hello", first)
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), PING_S)
                except TimeoutError:
                    event = _event("ping", {})
                if event is None:
                    return
                yield event
        finally:
            self._listeners[session].discard(queue)
            if not self._listeners[session]:
                del self._listeners[session]

    def _deliver(self, session: str, event: bytes) -> None:
        for queue in self._listeners.get(session, ()):
            _put(queue, event)


def _put(queue: asyncio.Queue[bytes | None], event: bytes | None) -> None:
    try:
        queue.put_nowait(event)
    except asyncio.QueueFull:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(_event("resync", {}) if event is not None else None)


def _event(kind: str, content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, allow_nan=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {text}\n\n".encode()
