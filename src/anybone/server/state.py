"""State of one server: its parts, and how a command on a session is carried out."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import AnyboneError
from anybone.server.events import EventHub
from anybone.server.monai_datastore import Datastore
from anybone.server.monai_infer import ImageSessions
from anybone.server.open_session import OpenSession
from anybone.server.request_metrics import Metrics
from anybone.server.scheduler import Job, Priority, Scheduler, Ticket, busy
from anybone.server.serialization import change_row
from anybone.server.settings import Settings
from anybone.server.store import Store
from anybone.server.verbs import LONG_VERBS, VERBS, result_of
from anybone.server.wire import RequestBody

if TYPE_CHECKING:
    from anybone.inference.segmenter import Segmenter

_LOADING_TIMEOUT_S = 60
_READERS = 4  # images that are read at the same time
_log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Method:
    """The network that segments.

    Attributes:
        name: Name of the weights.
        license: License of the weights.
        load: Function that loads them; called once, in a thread of its own.
    """

    name: str
    license: str
    load: Callable[[], Segmenter]


class ServerState:
    """Parts of one server.

    Args:
        settings: Folders, access and limits.
        method: The network that segments.
    """

    def __init__(self, settings: Settings, method: Method) -> None:
        self.settings, self.method = settings, method
        self._segmenter: Future[Segmenter] = Future()
        self._readers = anyio.CapacityLimiter(_READERS)
        self.hub, self.metrics = EventHub(), Metrics()
        self.scheduler = Scheduler(self.hub, lambda opened: self.store.save(opened), settings.limits.queue)
        self.store = Store(settings, self._segmenter.result, self._report_save, self.scheduler.try_admit)
        self.datastore, self.image_sessions = Datastore(settings), ImageSessions(settings.limits.memory_bytes)
        self._loading = threading.Thread(target=self._load, name="anybone-load", daemon=True)
        self._loading.start()

    @property
    def ready(self) -> bool:
        """True once the network is loaded."""
        return self._segmenter.done()

    def stop(self) -> None:
        """End all threads; queued saves are written."""
        self.hub.stop()
        self.scheduler.stop()
        self.store.stop()
        self._loading.join(_LOADING_TIMEOUT_S)  # a thread inside torch must not outlive the interpreter

    def segmenter(self) -> Segmenter:
        """Return the network; wait until it is loaded."""
        return self._segmenter.result()

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that reads an image, in one of the few threads for that, not in the shared pool."""
        return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs), limiter=self._readers)

    async def get(self, session_id: str) -> OpenSession:
        """Return a session; restore it from disk if it is not in memory.

        Raises:
            NotFound: There is none of that id.
            StateError: It cannot be restored.
        """
        opened = self.store.in_memory(session_id)
        return await self.read(self.store.get, session_id) if opened is None else opened

    def prefetch_first(self, opened: OpenSession) -> None:
        """Encode the middle slice, which a page shows first."""
        self.scheduler.prefetch(opened, opened.slice_count // 2, pause_s=0)

    async def run(self, session_id: str, verb: str, body: RequestBody) -> dict[str, Any]:
        """Run a command, save the session, notify all listeners, and return the change.

        Raises:
            AnyboneError: The command failed; the session is as it was.
        """
        command = VERBS[verb] if verb in VERBS else LONG_VERBS[verb].without_job()
        async with self.admit(session_id, network=command.uses_network) as (opened, ticket):
            change = await run_in_threadpool(self._run, opened, ticket, lambda: command.run(opened.session, body))
        slices = [row["slice"] for row in change["changed"]["mask"]]
        if len(slices) == 1:
            self.scheduler.prefetch(opened, slices[0])
        return change

    async def submit(self, session_id: str, verb: str, body: RequestBody) -> Job | None:
        """Queue a long command as a job and return it; None if it takes no longer than a click."""
        opened, command = await self.get(session_id), LONG_VERBS[verb]
        if command.is_short(opened.session, body):
            return None
        self.scheduler.drop_prefetch()
        return self.scheduler.submit(
            opened, verb, lambda progress, preview: command.run(opened.session, body, progress, preview)
        )

    @asynccontextmanager
    async def admit(
        self, session_id: str, *, network: bool, priority: Priority = Priority.CLICK
    ) -> AsyncIterator[tuple[OpenSession, Ticket]]:
        """Wait for exclusive use of a session.

        Raises:
            NotFound: There is none of that id.
            Busy: A job runs on it.
            Overloaded: Too many requests wait.
        """
        self.scheduler.drop_prefetch()
        while True:
            opened = await self.get(session_id)
            if opened.job is not None:
                raise busy(opened)
            async with self.scheduler.admit(session_id, network=network, priority=priority) as ticket:
                if opened.closed:  # while it waited; the next round restores it
                    continue
                if opened.job is not None:
                    raise busy(opened)
                yield opened, ticket
                return

    def close_idle(self) -> list[str]:
        """Close sessions that nobody used for long, and return their ids."""
        self.image_sessions.close_idle(self, self.settings.limits.idle_s)
        return self.store.close_idle()

    def publish(self, opened: OpenSession, since: int, result: Any = None) -> dict[str, Any]:
        """Save a session that is admitted, notify its listeners, and return the change since a revision."""
        if opened.session.revision != since:
            self.store.save(opened)
        change = change_row(opened, since, result)
        self.hub.send(opened.id, "change", change)
        return change

    def _run(self, opened: OpenSession, ticket: Ticket, command: Callable[[], object]) -> dict[str, Any]:
        since = opened.session.revision
        try:
            result = result_of(command())
        finally:
            self.scheduler.release_network(ticket)
        return self.publish(opened, since, result)

    def _report_save(self, opened: OpenSession, error: str | None) -> None:
        if error is None:
            return self.hub.send(opened.id, "saved", {"saved": opened.saved})
        _log.error("session %s could not be saved", opened.id)
        self.hub.send(opened.id, "error", {"kind": "WriteError", "message": f"The session could not be saved. {error}"})

    def _open_first(self) -> None:
        """Open the image that the page will ask for, while the browser starts."""
        if self.settings.opened is not None:
            with suppress(AnyboneError):  # the page's own request will report it
                opened = self.store.start(self.settings.opened, None, None, resume=True)
                if isinstance(opened, OpenSession):
                    self.prefetch_first(opened)

    def _load(self) -> None:
        try:
            self._segmenter.set_result(self.method.load())
        except AnyboneError as error:
            return self._segmenter.set_exception(error)
        except Exception as error:
            _log.exception("The weights could not be loaded")
            return self._segmenter.set_exception(AnyboneError(f"The weights could not be loaded: {error}."))
        self._open_first()
