"""Jobs: work that takes longer than a click, one at a time, in the order in which it was asked for."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from anybone.core.errors import AnyboneError
from anybone.core.progress import Cancelled, Progress
from anybone.server.events import Hub
from anybone.server.facts import change_facts
from anybone.server.problems import Absent, Busy, Full
from anybone.server.turns import Rank, Turns
from anybone.server.verbs import result_of
from anybone.server.work import Work

if TYPE_CHECKING:
    from anybone.core.run_lengths import RunLengths

TELL_EVERY_S = 0.2  # progress is not told of more often
_KEPT = 100  # jobs that ended and can still be asked after
_log = logging.getLogger(__name__)

Preview = Callable[[int, "RunLengths"], None]
Task = Callable[[Progress, Preview], object]


@dataclass(eq=False)
class Run:
    """A job.

    Attributes:
        session: On which it is.
        verb: Of which kind.
        id: 32 hexadecimal digits.
        state: "queued", "running", "done", "cancelled" or "failed".
        step: One of the nine steps.
        done: How much of it is.
        total: How much there is.
        position: How many wait before it.
        error: Why it failed.
        result: What the verb gave.
    """

    session: str
    verb: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: str = "queued"
    step: str = ""
    done: int = 0
    total: int = 0
    position: int = 0
    error: str | None = None
    result: bool | int | list[int] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    started: float = 0.0
    told: float = 0.0

    def facts(self) -> dict[str, Any]:
        """The job as plain values."""
        left = None
        if self.state == "running" and 0 < self.done <= self.total:
            left = round((monotonic() - self.started) / self.done * (self.total - self.done), 1)
        names = ("id", "verb", "state", "step", "done", "total", "position", "error", "result")
        return {**{name: getattr(self, name) for name in names}, "seconds_left": left}


class _Order(NamedTuple):
    """A job with what it needs, which is let go once it has ended."""

    run: Run
    work: Work
    task: Task


class Jobs:
    """The queue, and the one thread that works it off.

    Args:
        turns: Of the network.
        hub: Who is told.
        keep: Called with a session that has changed.
        queue: How many jobs may wait.
    """

    def __init__(self, turns: Turns, hub: Hub, keep: Callable[[Work], None], queue: int) -> None:
        self._turns, self._hub, self._keep, self._limit = turns, hub, keep, queue
        self._queue: deque[_Order] = deque()
        self._known: OrderedDict[str, Run] = OrderedDict()
        self._changed = threading.Condition()
        self._stopped = False
        self.running: Run | None = None
        self._thread = threading.Thread(target=self._loop, name="anybone-jobs", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    def submit(self, work: Work, verb: str, task: Task) -> Run:
        """The job, queued.

        Raises:
            Busy: One runs on this session already.
            Full: Too many wait.
        """
        with self._changed:
            if work.job is not None:
                raise busy(work)
            if len(self._queue) >= self._limit:
                raise Full(f"{len(self._queue)} jobs wait already. Try again when one is done.")
            run = Run(work.id, verb, position=len(self._queue) + (self.running is not None))
            work.job = run
            self._queue.append(_Order(run, work, task))
            self._known[run.id] = run
            while len(self._known) > _KEPT + self._limit:
                self._known.popitem(last=False)
            self._changed.notify()
        self._hub.tell(work.id, "queue", run.facts())
        return run

    def find(self, job_id: str) -> Run:
        """A job that waits, runs or has ended not long ago.

        Raises:
            Absent: There is none.
        """
        try:
            return self._known[job_id]
        except KeyError:
            raise Absent("There is no such job, or it ended long ago.") from None

    def cancel(self, work: Work) -> bool:
        """Whether there was a job to cancel; one that runs ends after the slice that it is at."""
        with self._changed:
            run = work.job
            if run is None:
                return False
            run.cancelled.set()
            order = next((order for order in self._queue if order.run is run), None)
            if order is not None:
                self._queue.remove(order)
                self._end(run, work, "cancelled")
                self._move_up()
        return True

    def stop(self) -> None:
        """Nothing; cancels what runs and ends the thread."""
        with self._changed:
            self._stopped = True
            for run in (*(order.run for order in self._queue), *([self.running] if self.running else [])):
                run.cancelled.set()
            self._changed.notify()
        self._thread.join(timeout=5)

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._stopped)
                if self._stopped:
                    return
            self._do_next()

    def _do_next(self) -> None:
        with self._changed:
            if not self._queue:  # cancelled a moment ago
                return
            run, work, task = self._queue.popleft()
            self.running = run
            run.state, run.position, run.started = "running", 0, monotonic()
            self._move_up()
        self._hub.tell(work.id, "progress", run.facts())
        since = work.session.revision
        try:
            state = self._do(run, work, task)
        finally:
            self.running = None
        self._end(run, work, state)
        self._hub.tell(work.id, "change", change_facts(work, since))

    def _do(self, run: Run, work: Work, task: Task) -> str:
        """The state in which the job has ended."""
        try:
            with work.lock, self._turns.take(Rank.JOB):
                found = task(self._progress(run, work), lambda index, runs: self._preview(work, index, runs))
                run.result = result_of(found)
                self._keep(work)
        except Cancelled:
            return "cancelled"
        except AnyboneError as error:
            run.error = str(error)
        except MemoryError:
            run.error = "There is not enough memory. Close other sessions, or crop the volume."
        except Exception as error:  # the thread has to live on
            _log.exception("A fault of the program")
            run.error = f"This is a bug in anybone ({type(error).__name__}). The server's log says more."
        return "done" if run.error is None else "failed"

    def _end(self, run: Run, work: Work, state: str) -> None:
        run.state = state
        work.job = None
        self._hub.tell(work.id, "progress", run.facts())
        run.ended.set()

    def _progress(self, run: Run, work: Work) -> Progress:
        def told(step: str, done: int, total: int) -> None:
            if run.cancelled.is_set():
                raise Cancelled
            run.step, run.done, run.total = step, done, total
            work.used = monotonic()
            if monotonic() - run.told > TELL_EVERY_S or done == total:
                run.told = monotonic()
                self._hub.tell(work.id, "progress", run.facts())
            self._turns.give_way(Rank.JOB)

        return told

    def _preview(self, work: Work, index: int, runs: RunLengths) -> None:
        self._hub.tell(work.id, "preview", {"answer": [{"slice": index, "runs": runs.to_list()}]})

    def _move_up(self) -> None:
        for place, waiting in enumerate(self._queue):
            waiting.run.position = place + 1
            self._hub.tell(waiting.work.id, "queue", waiting.run.facts())


def busy(work: Work) -> Busy:
    """What is told where a job runs on a session."""
    verb = work.job.verb if work.job else "a job"
    return Busy(f"{verb} runs on this session. Wait until it is done, or cancel it: POST .../cancel.")
