"""The studio: the parts of one server, and the one way in which a verb is done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anybone.core.errors import AnyboneError
from anybone.server.ahead import Ahead, around
from anybone.server.bodies import Body
from anybone.server.events import Hub
from anybone.server.facts import change_facts
from anybone.server.jobs import Jobs, Run, busy
from anybone.server.meters import Meters
from anybone.server.monai_datastore import Datastore
from anybone.server.monai_infer import Asking
from anybone.server.settings import Settings
from anybone.server.store import Store
from anybone.server.turns import Rank, Turns
from anybone.server.verbs import LONG_VERBS, VERBS, Verb, result_of
from anybone.server.work import Work

if TYPE_CHECKING:
    from anybone.inference.segmenter import Segmenter

_PATIENCE_S = 60
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Method:
    """What answers.

    Attributes:
        name: Of the weights.
        license: Of these.
        load: Builds it; called once, beside the server's start.
    """

    name: str
    license: str
    load: Callable[[], Segmenter]


class Studio:
    """One server.

    Args:
        settings: What it serves.
        method: What answers.
    """

    def __init__(self, settings: Settings, method: Method) -> None:
        self.settings, self.method = settings, method
        self._network: Future[Segmenter] = Future()
        self.hub, self.meters, self.turns = Hub(), Meters(), Turns(settings.limits.queue)
        self.store = Store(settings, self._network.result, self._kept)
        self.datastore, self.asking = Datastore(settings), Asking(settings.limits.memory_bytes)
        self.jobs = Jobs(self.turns, self.hub, self.store.keep, settings.limits.queue)
        self.ahead = Ahead(self.turns)
        self._loading = threading.Thread(target=self._load, name="anybone-load", daemon=True)
        self._loading.start()

    @property
    def ready(self) -> bool:
        """Whether the network is loaded."""
        return self._network.done()

    def stop(self) -> None:
        """Nothing; ends what runs."""
        self.hub.stop()
        self.jobs.stop()
        self.ahead.stop()
        self.store.stop()
        self._loading.join(_PATIENCE_S)  # a thread inside torch must not outlive the interpreter

    def network(self) -> Segmenter:
        """What answers; waits until it is loaded."""
        return self._network.result()

    def open(self, work: Work) -> Work:
        """The session, while the slice that is seen first is encoded already."""
        count = work.session.volume.geometry.shape_ijk[work.session.axis]
        self.ahead.wish(work, around(count // 2, count), pause_s=0)
        return work

    def act(self, session_id: str, verb: str, body: Body) -> dict[str, Any]:
        """What a verb changed, once it is done and kept; all who look on are told.

        Raises:
            AnyboneError: It cannot be done; the session is as it was.
        """
        if verb in LONG_VERBS:
            long = LONG_VERBS[verb]
            return self._act(
                session_id, Verb(long.body, lambda s, b: long.run(s, b, None, None), long.text, True), body
            )
        return self._act(session_id, VERBS[verb], body)

    def begin(self, session_id: str, verb: str, body: Body) -> Run | None:
        """The job that a long verb has become; None where it is no longer than a click."""
        work, long = self.store.get(session_id), LONG_VERBS[verb]
        if long.is_short(work.session, body):
            return None
        self.ahead.drop()
        return self.jobs.submit(work, verb, lambda progress, preview: long.run(work.session, body, progress, preview))

    def look(self, session_id: str, index: int) -> None:
        """Nothing; the slice that a person looks at and its neighbors are encoded when there is time."""
        work = self.store.get(session_id)
        count = work.session.volume.geometry.shape_ijk[work.session.axis]
        self.ahead.wish(work, around(min(index, count - 1), count))

    def _act(self, session_id: str, verb: Verb, body: Body) -> dict[str, Any]:
        with self.holding(session_id) as work:
            since = work.session.revision
            with self.turns.take(Rank.PERSON) if verb.asks_network else nullcontext():
                result = result_of(verb.run(work.session, body))
            change = self.tell(work, since, result)
        self._go_on(work, change)
        return change

    @contextmanager
    def holding(self, session_id: str) -> Iterator[Work]:
        """The session, whose verbs nobody else may call meanwhile.

        Raises:
            Absent: There is none.
            Busy: A job runs on it.
        """
        self.ahead.drop()
        while True:
            work = self.store.get(session_id)
            if work.job is not None:
                raise busy(work)
            with work.lock:
                if work.closed:  # between the two lines above; it is brought back
                    continue
                if work.job is not None:
                    raise busy(work)
                yield work
                return

    def tell(self, work: Work, since: int, result: Any = None) -> dict[str, Any]:
        """What has changed since a revision, once it is kept; all who look on are told. Called while it is held."""
        if work.session.revision != since:
            self.store.keep(work)
        change = change_facts(work, since, result)
        self.hub.tell(work.id, "change", change)
        return change

    def _kept(self, work: Work, why: str | None) -> None:
        if why is None:
            return self.hub.tell(work.id, "saved", {"saved": work.saved})
        _log.error("session %s could not be saved", work.id)
        self.hub.tell(work.id, "error", {"kind": "WriteError", "message": f"The session could not be saved. {why}"})

    def _go_on(self, work: Work, change: dict[str, Any]) -> None:
        """Encodes beside the slice that was worked on."""
        slices = [row["slice"] for row in change["changed"]["answer"]]
        if len(slices) == 1:
            count = work.session.volume.geometry.shape_ijk[work.session.axis]
            self.ahead.wish(work, around(slices[0], count))

    def _open_first(self) -> None:
        """Opens what the page will ask for at once, while the browser starts."""
        if self.settings.opened is not None:
            with suppress(AnyboneError):  # the page will be told why
                work = self.store.start(self.settings.opened, None, None, resume=True)
                if isinstance(work, Work):
                    self.open(work)

    def _load(self) -> None:
        try:
            self._network.set_result(self.method.load())
        except AnyboneError as error:
            return self._network.set_exception(error)
        except Exception as error:
            _log.exception("The network could not be loaded")
            return self._network.set_exception(AnyboneError(f"The network could not be loaded: {error}."))
        self._open_first()
