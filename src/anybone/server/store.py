"""The store: sessions that are open, and those on disk, from where any is brought back when it is asked for."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from anybone.core.atomic import write_whole
from anybone.core.errors import AnyboneError, MissingExtraError, StateError
from anybone.server.files import inside
from anybone.server.keeping import Keeper
from anybone.server.opening import Choice, Opener, frame_of, name_of, patient_of
from anybone.server.problems import Absent, TooLarge
from anybone.server.settings import Settings
from anybone.server.uploads import remove
from anybone.server.work import About, Work

if TYPE_CHECKING:
    from anybone.core.volume import Volume
    from anybone.inference.segmenter import Segmenter

ABOUT, STATE = "about.json", "session.safetensors"
_UNUSED_S = 24 * 3600


@contextmanager
def naming(path: Path, shown: str) -> Iterator[None]:
    """A context in which errors name a file as people know it, not where it lies on this machine."""
    try:
        yield
    except MissingExtraError:
        raise
    except AnyboneError as error:
        text = str(error).replace(str(path), shown).replace(f"{path.parent}/", "")
        raise type(error)(text) from error


def _only_entry(found: Path, upload: str | None, where: str) -> Path:
    """The file or folder that was uploaded; the upload's own folder where there were several."""
    entries = [p for p in found.iterdir() if not p.name.startswith(".")] if upload and where == "." else []
    return entries[0] if len(entries) == 1 else found


def _save(work: Work) -> None:
    from anybone.interactive.persistence import save_session

    path = work.folder / STATE
    if path.is_file() and path.stat().st_mtime_ns != work.written_ns:
        raise StateError("Another server has changed this session meanwhile. Open it again to go on from there.")
    save_session(work.session, path)
    work.written_ns, work.saved = path.stat().st_mtime_ns, now()


def _kept(path: Path) -> tuple[str, list[str]]:
    """When a session on disk was changed, and the names of its bones; none where the file is damaged."""
    from anybone.interactive.persistence import read_summary

    changed, bones = _time(path.stat().st_mtime), []
    with suppress(AnyboneError):
        bones = [bone.name for bone in read_summary(path).bones]
    return changed, bones


def _open_facts(work: Work) -> tuple[str, list[str]]:
    return work.saved or work.about.started, [bone.name for bone in work.session.bones]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def now() -> str:
    """The time, ISO, UTC, to the second."""
    return _time(time())


class Store:
    """All sessions of one server.

    Args:
        settings: Where they are kept, and how many may be open.
        segmenter: Gives the network; waits until it is loaded.
        told: Told of a session that was kept, or could not be, and why.
    """

    def __init__(
        self, settings: Settings, segmenter: Callable[[], Segmenter], told: Callable[[Work, str | None], None]
    ) -> None:
        self._settings, self._segmenter = settings, segmenter
        self._sessions, self.uploads = settings.state / "sessions", settings.state / "uploads"
        for folder in (self._sessions, self.uploads):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open: dict[str, Work] = {}
        self._lock = threading.Lock()
        self._opener, self._keeper = Opener(settings.limits.memory_bytes), Keeper(_save, told)
        self._opening: dict[str, tuple[threading.Lock, int]] = {}
        self._clean()

    @property
    def open(self) -> list[Work]:
        """Those in memory."""
        return list(self._open.values())

    def start(self, path: str | None, upload: str | None, series: str | None, *, resume: bool = False) -> Work | Choice:
        """A new session on an image; with `resume` the latest saved one on the same image.

        Raises:
            Absent: There is no such image.
            ReadError: It cannot be read.
        """
        folder = self._source_folder(upload)
        found = inside(folder, path or "")
        where = found.relative_to(folder.resolve()).as_posix()
        found = _only_entry(found, upload, where)
        with self._only_one(where if resume else uuid.uuid4().hex):
            earlier = self._latest(where, upload, series) if resume else None
            if earlier is not None:
                with suppress(AnyboneError):  # what cannot be restored is no reason not to begin anew
                    return self.get(earlier)
            return self._begin(found, where, upload, series)

    def _begin(self, found: Path, where: str, upload: str | None, series: str | None) -> Work | Choice:
        with naming(found, found.name if where == "." else where):
            opened = self._opener.open(found, series)
        if isinstance(opened, Choice):
            return opened
        name = name_of(found.name, opened.volume)
        about = About(
            *(uuid.uuid4().hex, name, where, upload, opened.series, opened.frame, opened.others, now()),
            *patient_of(opened.volume.source),
        )
        work = self._make(about, opened.volume)
        write_whole(work.folder / ABOUT, json.dumps(about.to_dict()))
        self._add(work)
        return work

    def get(self, session_id: str) -> Work:
        """The session of that id, brought back from disk where it is not open.

        Raises:
            Absent: There is none.
            StateError: It cannot be brought back.
        """
        work = self._open.get(session_id)
        if work is None:
            with self._only_one(session_id):
                work = self._open.get(session_id) or self._restore(session_id)
        work.used = monotonic()
        return work

    def other_volume(self, work: Work, series: str) -> Volume:
        """Another series of the image that a session is on, to look at beside it.

        Raises:
            Absent: There is none of that key.
        """
        if series not in {row["key"] for row in work.about.other_series}:
            raise Absent(f"There is no other series {series!r}. The session's other_series lists them.")
        found = self._found(work.about)
        with naming(found, work.about.path):
            return self._opener.read(found, *frame_of(series))

    def any_volume(self, path: str | None, upload: str | None, series: str | None) -> Volume:
        """Read a series of an image on which there is no session.

        Raises:
            Absent: There is no such image.
            ReadError: It cannot be read.
        """
        folder = self._source_folder(upload)
        found = inside(folder, path or "")
        where = found.relative_to(folder.resolve()).as_posix()
        found = _only_entry(found, upload, where)
        with naming(found, found.name if where == "." else where):
            return self._opener.read(found, *frame_of(series))

    def keep(self, work: Work) -> None:
        """Nothing; the session as it is now is then on disk, or on its way there."""
        self._keeper.keep(work)

    def forget(self, session_id: str) -> None:
        """Nothing; the session is closed, and gone from disk with its upload.

        Raises:
            Absent: There is none.
        """
        about = self._about(session_id)
        with self._lock:
            work = self._open.pop(session_id, None)
        if work is not None:
            work.closed = True
            self._keeper.settle(work)
        remove(self._sessions / session_id)
        if about.upload is not None and all(other.upload != about.upload for other in self._abouts()):
            remove(self.uploads / about.upload)

    def rows(self) -> list[dict[str, Any]]:
        """All sessions that are open or in which something was done, the latest first."""
        rows = []
        for about in self._abouts():
            work = self._open.get(about.id)
            with suppress(FileNotFoundError):  # nothing was done in it, or it was forgotten a moment ago
                changed, bones = _kept(self._sessions / about.id / STATE) if work is None else _open_facts(work)
                row = {"id": about.id, "name": about.name, "path": about.path, "changed": changed}
                study = {"patient": about.patient, "study_date": about.study_date}
                rows.append({**row, **study, "bones": bones, "open": work is not None})
        return sorted(rows, key=lambda row: str(row["changed"]), reverse=True)

    def new_upload(self) -> tuple[str, Path]:
        """An id and an empty folder for what will be uploaded."""
        name = uuid.uuid4().hex
        folder = self.uploads / name
        folder.mkdir(mode=0o700)
        return name, folder

    def stop(self) -> None:
        """Nothing; what is still to be kept is then on disk."""
        self._keeper.stop()

    def sweep(self) -> list[str]:
        """The ids of the sessions that were closed, since nobody used them for long."""
        limit = monotonic() - self._settings.limits.idle_s
        idle = [work for work in self.open if work.used < limit and work.job is None]
        return [work.id for work in idle if self._close(work)]

    @contextmanager
    def _only_one(self, name: str) -> Iterator[None]:
        """A context in which no other thread opens what goes by this name."""
        with self._lock:
            lock, users = self._opening.get(name, (threading.Lock(), 0))
            self._opening[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._opening.pop(name)
                if users > 1:
                    self._opening[name] = (lock, users - 1)

    def _source_folder(self, upload: str | None) -> Path:
        if upload is not None:
            folder = self.uploads / upload
            if len(upload) != 32 or not upload.isalnum() or not folder.is_dir():
                raise Absent("There is no such upload. Send the files again: POST /api/uploads.")
            return folder
        if self._settings.folder is None:
            raise Absent("This server serves no folder. Upload the image: POST /api/uploads.")
        return self._settings.folder

    def _found(self, about: About) -> Path:
        return _only_entry(inside(self._source_folder(about.upload), about.path), about.upload, about.path)

    def _latest(self, path: str, upload: str | None, series: str | None) -> str | None:
        """The id of the latest saved session on an image."""
        wanted = {about.id: about for about in self._abouts() if (about.path, about.upload) == (path, upload)}
        fitting = (row["id"] for row in self.rows() if row["id"] in wanted)
        return next((i for i in fitting if series in (None, wanted[i].series)), None)

    def _restore(self, session_id: str) -> Work:
        from anybone.interactive.persistence import restore_session

        about = self._about(session_id)
        found = self._found(about)
        with naming(found, found.name if about.path == "." else about.path):
            volume = self._opener.read(found, about.series, about.frame)
        work = self._make(about, volume)
        path = work.folder / STATE
        if path.is_file():
            restore_session(work.session, path)
            work.written_ns = path.stat().st_mtime_ns
            work.saved = _time(path.stat().st_mtime)
        self._add(work)
        return work

    def _make(self, about: About, volume: Volume) -> Work:
        folder = self._sessions / about.id
        folder.mkdir(exist_ok=True, mode=0o700)
        shown = replace(volume, source=replace(volume.source, path=Path(about.path)))
        segmenter = self._segmenter()
        flag_below = segmenter.quality_estimator.least_dice
        work = Work(about, segmenter.session(shown), folder, flag_below=flag_below)
        # What is saved first needs it, and of a large volume it takes seconds.
        threading.Thread(target=lambda: work.session.volume_hash, daemon=True).start()
        return work

    def _add(self, work: Work) -> None:
        limits = self._settings.limits
        if work.memory_bytes > limits.memory_bytes:
            remove(work.folder) if not (work.folder / STATE).is_file() else None
            raise TooLarge(
                f"This image would take {work.memory_bytes >> 20} MiB of memory; the server gives "
                f"{limits.memory_bytes >> 20} MiB to all sessions. Crop it, or start it with a larger --memory-limit."
            )
        with self._lock:
            self._open[work.id] = work
        for old in sorted(self.open, key=lambda w: w.used):
            total = sum(w.memory_bytes for w in self.open)
            if total <= limits.memory_bytes and len(self._open) <= limits.sessions:
                return
            if old is not work and old.job is None:
                self._close(old)

    def _close(self, work: Work) -> bool:
        """Whether the session was closed: not while a verb is at work."""
        if not work.lock.acquire(blocking=False):
            return False
        try:
            self._keeper.settle(work)
            with self._lock:
                self._open.pop(work.id, None)
            work.closed = True
        finally:
            work.lock.release()
        return True

    def _about(self, session_id: str) -> About:
        if len(session_id) == 32 and session_id.isalnum():
            with suppress(OSError, ValueError, TypeError, KeyError):
                return About.from_dict(json.loads((self._sessions / session_id / ABOUT).read_text(encoding="utf-8")))
        raise Absent("There is no such session. GET /api/sessions lists those that there are.")

    def _abouts(self) -> list[About]:
        found = []
        for folder in self._sessions.iterdir():
            with suppress(Absent):
                found.append(self._about(folder.name))
        return found

    def _clean(self) -> None:
        """Drops what an earlier server left and nobody will miss: sessions in which nothing was done, unused uploads.

        What is younger than a day stays: another server may be at work on the same folder.
        """
        old = time() - _UNUSED_S
        for folder in list(self._sessions.iterdir()):
            if not (folder / STATE).is_file() and folder.stat().st_mtime < old:
                remove(folder)
        used = {about.upload for about in self._abouts()}
        for folder in list(self.uploads.iterdir()):
            if folder.name not in used and folder.stat().st_mtime < old:
                remove(folder)
