"""Server-sent events: every change of a session, sent to all pages that show it."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent

PING_S = 15
_SEND_TIMEOUT_S = 60.0  # a listener that takes nothing for so long is disconnected
_BACKLOG = 256  # events that a slow listener may be behind before it has to resynchronize

_Queue = asyncio.Queue[ServerSentEvent | None]


class EventHub:
    """Listeners of every session; `send` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, set[_Queue]] = defaultdict(set)

    def start(self) -> None:
        """Deliver events in the running event loop from now on."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """End all streams."""
        for queues in self._listeners.values():
            for queue in queues:
                _put(queue, None)

    @property
    def users(self) -> int:
        """Number of listeners."""
        return sum(len(queues) for queues in self._listeners.values())

    def viewers(self, session: str) -> int:
        """Return the number of listeners of a session."""
        return len(self._listeners.get(session, ()))

    def send(self, session: str, kind: str, content: Any) -> None:
        """Send an event to all listeners of a session."""
        if self._loop is None or not self.viewers(session):
            return
        event = _event(kind, content)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._deliver, session, event)

    def stream(self, session: str, first: Any) -> EventSourceResponse:
        """Return the stream of a session's events, "hello" first."""
        return EventSourceResponse(
            self._listen(session, first),
            ping=PING_S,
            sep="\n",
            ping_message_factory=lambda: _event("ping", {}),
            send_timeout=_SEND_TIMEOUT_S,
        )

    async def _listen(self, session: str, first: Any) -> AsyncIterator[ServerSentEvent]:
        queue: _Queue = asyncio.Queue(_BACKLOG)
        self._listeners[session].add(queue)
        try:
            yield _event("hello", first)
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners[session].discard(queue)
            if not self._listeners[session]:
                del self._listeners[session]

    def _deliver(self, session: str, event: ServerSentEvent) -> None:
        for queue in self._listeners.get(session, ()):
            _put(queue, event)


def _put(queue: _Queue, event: ServerSentEvent | None) -> None:
    try:
        queue.put_nowait(event)
    except asyncio.QueueFull:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(_event("resync", {}) if event is not None else None)


def _event(kind: str, content: Any) -> ServerSentEvent:
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return ServerSentEvent(text, event=kind, sep="\n")
