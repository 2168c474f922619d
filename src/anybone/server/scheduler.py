"""The scheduler: who uses a session and the network next. Clicks first, then jobs, then prefetching.

A request is *admitted* before it takes a thread: while it waits, it is a coroutine and no thread of the shared pool is
blocked, so other requests are answered. A ticket stands for the exclusive use of one session, of the network, or both.

Lock order: session before network. A click gets both at once; a job takes its session first and then the network, which
it lends to waiting clicks between slices without giving up the session. Nobody waits for a session while it holds the
network. `_changed` guards the scheduler's own fields; it is the innermost lock and never held during a callback.

Fairness: waiting clicks take turns by user (a session counts as one user), and a job that has lent the network to
`_CLICKS_PER_JOB_SLICE` clicks in a row does a slice before the next click. Jobs run one at a time, in order of arrival.
One worker thread runs jobs, and prefetches embeddings while no job waits and the network is idle.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from anybone.core.errors import AnyboneError
from anybone.core.progress import Cancelled, Progress
from anybone.server.events import EventHub
from anybone.server.http_errors import Busy, NotFound, Overloaded
from anybone.server.open_session import OpenSession
from anybone.server.serialization import change_row
from anybone.server.verbs import result_of

if TYPE_CHECKING:
    from anybone.core.run_lengths import RunLengths

PROGRESS_INTERVAL_S = 0.2  # between two progress events of a job
PREFETCH_PAUSE_S = 0.15  # a user who corrects clicks again within this time
PREFETCH_REACH = 3  # slices on either side
_CLICKS_PER_JOB_SLICE = 4
_FINISHED_JOBS = 100  # that can still be looked up
_log = logging.getLogger(__name__)

Preview = Callable[[int, "RunLengths"], None]
Task = Callable[[Progress, Preview], object]


class Priority(IntEnum):
    """Order in which waiting requests get the network."""

    CLICK = 0
    JOB = 1


@dataclass(eq=False)
class Ticket:
    """Exclusive use of a session, of the network, or of both.

    Attributes:
        session: Key of the session; None for the network alone.
        user: Key for taking turns.
        network: True while the network is wanted or held.
        priority: Clicks go before jobs.
        granted: Done once the ticket is valid.
        holds_session: True from the first grant to the release.
    """

    session: str | None
    user: str
    network: bool
    priority: Priority
    granted: Future[None] = field(default_factory=Future)
    holds_session: bool = False


@dataclass(eq=False)
class Job:
    """A command that runs in the background.

    Attributes:
        session: Id of its session.
        verb: Name of the command.
        id: 32 hexadecimal digits.
        state: "queued", "running", "done", "cancelled" or "failed".
        step: One of the nine steps.
        done: Amount done.
        total: Total amount.
        position: Number of jobs before it.
        error: Reason of the failure.
        result: Return value of the command.
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
    reported: float = 0.0

    def status(self) -> dict[str, Any]:
        """Return the job as plain values (`wire.JobStatus`)."""
        left = None
        if self.state == "running" and 0 < self.done <= self.total:
            left = round((monotonic() - self.started) / self.done * (self.total - self.done), 1)
        names = ("id", "verb", "state", "step", "done", "total", "position", "error", "result")
        return {**{name: getattr(self, name) for name in names}, "seconds_left": left}


class _QueuedJob(NamedTuple):
    """A job with its session and task, which are released once it has ended."""

    job: Job
    opened: OpenSession
    task: Task


@dataclass(eq=False)
class _Prefetch:
    """Slices to encode next, not before a time on the monotonic clock."""

    opened: OpenSession
    slices: list[int]
    not_before: float


class Scheduler:
    """Admission of requests, the job queue, and the worker thread.

    Args:
        hub: Receiver of progress events.
        save: Function that saves a session after a job.
        queue: Number of requests, and of jobs, that may wait.
    """

    def __init__(self, hub: EventHub, save: Callable[[OpenSession], None], queue: int) -> None:
        self._hub, self._save, self._limit = hub, save, queue
        self._changed = threading.Condition()
        self._tickets: list[Ticket] = []  # waiting
        self._sessions: set[str] = set()  # in use
        self._network: Ticket | None = None
        self._served: OrderedDict[str, int] = OrderedDict()  # user: turn of the last grant
        self._turns, self._clicks_in_a_row = count(1), 0
        self._jobs: deque[_QueuedJob] = deque()
        self._known: OrderedDict[str, Job] = OrderedDict()
        self._prefetch: _Prefetch | None = None
        self._stopped = False
        self.running: Job | None = None
        self._thread = threading.Thread(target=self._run, name="anybone-scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cancel all jobs and end the worker thread."""
        with self._changed:
            self._stopped, self._prefetch = True, None
            for job in (*(queued.job for queued in self._jobs), *([self.running] if self.running else [])):
                job.cancelled.set()
            self._changed.notify_all()
        self._thread.join(timeout=5)

    # --- admission ---

    @asynccontextmanager
    async def admit(
        self, session: str | None, *, network: bool = False, priority: Priority = Priority.CLICK, user: str = ""
    ) -> AsyncIterator[Ticket]:
        """Wait, without a thread, for exclusive use of a session and of the network.

        Args:
            session: Key of the session; None for the network alone.
            network: True if the network is used too; `release_network` returns it early.
            priority: Clicks go before jobs.
            user: Key for taking turns; by default the session.

        Raises:
            Overloaded: Too many requests wait already.
        """
        ticket = self._enqueue(Ticket(session, user or session or "", network, priority))
        try:
            await asyncio.wrap_future(ticket.granted)
            yield ticket
        finally:
            self._release(ticket)

    @contextmanager
    def try_admit(self, session: str) -> Iterator[bool]:
        """Take a session for the block if it is free, and yield whether it was."""
        with self._changed:
            free = session not in self._sessions
            if free:
                self._sessions.add(session)
        try:
            yield free
        finally:
            if free:
                self._release(Ticket(session, session, False, Priority.JOB, holds_session=True))

    def release_network(self, ticket: Ticket) -> None:
        """Return the network before the session."""
        with self._changed:
            self._return_network(ticket)
            self._grant()

    def lend_network(self, ticket: Ticket) -> None:
        """Let waiting clicks use the network, and wait until it is this ticket's turn again. Called between slices."""
        with self._changed:
            waiting = (t for t in self._tickets if t.network and t.priority < ticket.priority)
            if self._network is not ticket or not any(self._is_free(t, lent=True) for t in waiting):
                return
            self._return_network(ticket)
            ticket.network, ticket.granted = True, Future()
            self._tickets.append(ticket)
            self._grant()
        ticket.granted.result()

    def _enqueue(self, ticket: Ticket, *, always: bool = False) -> Ticket:
        with self._changed:
            if len(self._tickets) >= self._limit and not always:
                raise Overloaded(f"{len(self._tickets)} requests are waiting. Try again in a few seconds.")
            self._tickets.append(ticket)
            self._grant()
        return ticket

    def _release(self, ticket: Ticket) -> None:
        with self._changed:
            if ticket in self._tickets:  # cancelled while it waited
                self._tickets.remove(ticket)
            self._return_network(ticket)
            if ticket.holds_session and ticket.session is not None:
                ticket.holds_session = False
                self._sessions.discard(ticket.session)
            self._grant()

    def _return_network(self, ticket: Ticket) -> None:
        ticket.network = False
        if self._network is ticket:
            self._network = None

    def _grant(self) -> None:
        """Grant waiting tickets as long as one can be; called with `_changed` held."""
        while (ticket := self._next_ticket()) is not None:
            self._tickets.remove(ticket)
            if ticket.session is not None:
                self._sessions.add(ticket.session)
                ticket.holds_session = True
            if ticket.network:
                self._network = ticket
                self._clicks_in_a_row = 0 if ticket.priority else self._clicks_in_a_row + 1
                self._served[ticket.user] = next(self._turns)
                self._served.move_to_end(ticket.user)
                while len(self._served) > 10 * self._limit:
                    self._served.popitem(last=False)
            if ticket.granted.set_running_or_notify_cancel():
                ticket.granted.set_result(None)
        self._changed.notify_all()

    def _next_ticket(self) -> Ticket | None:
        free = [ticket for ticket in self._tickets if self._is_free(ticket)]
        if self._clicks_in_a_row >= _CLICKS_PER_JOB_SLICE:
            free = [ticket for ticket in free if ticket.network and ticket.priority is Priority.JOB] or free
        return min(free, key=lambda t: (t.network, t.priority, self._served.get(t.user, 0)), default=None)

    def _is_free(self, ticket: Ticket, *, lent: bool = False) -> bool:
        if ticket.network and self._network is not None and not lent:
            return False
        return ticket.session is None or ticket.holds_session or ticket.session not in self._sessions

    @contextmanager
    def _admit_job(self, job: Job) -> Iterator[Ticket]:
        """Wait for the job's session, then for the network."""
        session = self._enqueue(Ticket(job.session, job.session, False, Priority.JOB), always=True)
        try:
            session.granted.result()
            network = self._enqueue(Ticket(None, f"job {job.session}", True, Priority.JOB), always=True)
            try:
                network.granted.result()
                yield network
            finally:
                self._release(network)
        finally:
            self._release(session)

    # --- jobs ---

    @property
    def waiting(self) -> int:
        """Number of jobs that wait."""
        return len(self._jobs)

    def submit(self, opened: OpenSession, verb: str, task: Task) -> Job:
        """Queue a job and return it.

        Raises:
            Busy: A job runs on this session already.
            Overloaded: Too many jobs wait.
        """
        with self._changed:
            if opened.job is not None:
                raise busy(opened)
            if len(self._jobs) >= self._limit:
                raise Overloaded(f"{len(self._jobs)} jobs are waiting. Try again when one is done.")
            job = Job(opened.id, verb, position=len(self._jobs) + (self.running is not None))
            opened.job = job
            self._jobs.append(_QueuedJob(job, opened, task))
            self._known[job.id] = job
            while len(self._known) > _FINISHED_JOBS + self._limit:
                self._known.popitem(last=False)
            self._changed.notify_all()
        self._hub.send(opened.id, "queue", job.status())
        return job

    def find(self, job_id: str) -> Job:
        """Return a job that waits, runs, or ended recently.

        Raises:
            NotFound: There is none of that id.
        """
        try:
            return self._known[job_id]
        except KeyError:
            raise NotFound("Job not found. It may have ended long ago.") from None

    def cancel(self, opened: OpenSession) -> bool:
        """Cancel the job of a session, and return whether there was one; a running job ends after its current slice."""
        with self._changed:
            job = opened.job
            if job is None:
                return False
            job.cancelled.set()
            queued = next((queued for queued in self._jobs if queued.job is job), None)
            if queued is not None:
                self._jobs.remove(queued)
        if queued is not None:
            self._end(job, opened, "cancelled")
            self._report_positions()
        return True

    # --- prefetching ---

    def prefetch(self, opened: OpenSession, index: int, pause_s: float = PREFETCH_PAUSE_S) -> None:
        """Encode a slice and its neighbors next, after a pause, instead of what was requested before."""
        with self._changed:
            slices = neighbors(index, opened.slice_count)
            self._prefetch = _Prefetch(opened, slices, monotonic() + pause_s)
            self._changed.notify_all()

    def drop_prefetch(self) -> None:
        """Forget the slices to prefetch; a slice that is being encoded is completed."""
        with self._changed:
            self._prefetch = None

    # --- the worker thread ---

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._prefetch or self._stopped)
                if self._stopped:
                    return
                queued = self._jobs.popleft() if self._jobs else None
                if queued is not None:
                    self.running = queued.job
            if queued is None:
                self._prefetch_slice()
            else:
                self._run_job(*queued)
                del queued

    def _prefetch_slice(self) -> None:
        """Encode one slice if the network is idle; otherwise wait for a change."""
        with self._changed:
            wanted = self._prefetch
            if wanted is None or self._jobs or self._stopped:
                return
            pause_s = wanted.not_before - monotonic()
            if self._network is not None or any(ticket.network for ticket in self._tickets):
                pause_s = max(pause_s, PREFETCH_PAUSE_S)
            if pause_s > 0:
                self._changed.wait(pause_s)
                return
            index = wanted.slices.pop(0)
            if not wanted.slices:
                self._prefetch = None
        try:
            wanted.opened.session.encode(index)
        except Exception:  # the click will report it; the thread has to survive
            _log.exception("Slice %d could not be prefetched", index)

    def _run_job(self, job: Job, opened: OpenSession, task: Task) -> None:
        job.state, job.position, job.started = "running", 0, monotonic()
        self._report_positions()
        self._hub.send(opened.id, "progress", job.status())
        since = opened.session.revision
        try:
            state = self._state_after(job, opened, task)
        finally:
            self.running = None
        self._end(job, opened, state)
        self._hub.send(opened.id, "change", change_row(opened, since))

    def _state_after(self, job: Job, opened: OpenSession, task: Task) -> str:
        """Run a job and return its final state."""
        try:
            with self._admit_job(job) as ticket:
                found = task(
                    self._progress(job, opened, ticket), lambda index, runs: self._preview(opened, index, runs)
                )
                job.result = result_of(found)
                self.release_network(ticket)
                self._save(opened)
        except Cancelled:
            return "cancelled"
        except AnyboneError as error:
            job.error = str(error)
        except MemoryError:
            job.error = "Not enough memory. Close other sessions, or crop the volume."
        except Exception as error:  # the thread has to survive
            _log.exception("Unexpected error")
            job.error = f"Internal error ({type(error).__name__}). This is a bug in anybone; see the server's log."
        return "done" if job.error is None else "failed"

    def _end(self, job: Job, opened: OpenSession, state: str) -> None:
        job.state = state
        opened.job = None
        self._hub.send(opened.id, "progress", job.status())
        job.ended.set()

    def _progress(self, job: Job, opened: OpenSession, ticket: Ticket) -> Progress:
        def report(step: str, done: int, total: int) -> None:
            if job.cancelled.is_set():
                raise Cancelled
            job.step, job.done, job.total = step, done, total
            opened.used = monotonic()
            if monotonic() - job.reported > PROGRESS_INTERVAL_S or done == total:
                job.reported = monotonic()
                self._hub.send(opened.id, "progress", job.status())
            self.lend_network(ticket)

        return report

    def _preview(self, opened: OpenSession, index: int, runs: RunLengths) -> None:
        self._hub.send(opened.id, "preview", {"mask": [{"slice": index, "runs": runs.to_list()}]})

    def _report_positions(self) -> None:
        """Update the positions of the waiting jobs and notify their sessions."""
        for place, queued in enumerate(list(self._jobs)):
            queued.job.position = place + 1
            self._hub.send(queued.opened.id, "queue", queued.job.status())


def neighbors(index: int, slices: int, reach: int = PREFETCH_REACH) -> list[int]:
    """Return a slice (moved into the volume if needed) and its neighbors, nearest first."""
    index = max(0, min(index, slices - 1))
    near: Sequence[int] = [index, *(index + sign * step for step in range(1, reach + 1) for sign in (1, -1))]
    return [n for n in near if 0 <= n < slices]


def busy(opened: OpenSession) -> Busy:
    """Return the error for a command on a session with a job."""
    verb = opened.job.verb if opened.job else "a job"
    return Busy(f"{verb} runs on this session. Wait until it is done, or cancel it.")
