"""Session store: sessions in memory, and those on disk, from where they are restored on request.

Locks: `_lock` guards the dict of open sessions and the dict of loading locks, and is never held during I/O. A loading
lock (one per session or image) is held while an image is read; under it, `_lock` may be taken, and the scheduler's
`try_admit`, which never waits.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from anybone.core.atomic import write_whole
from anybone.core.errors import AnyboneError, MissingExtraError, StateError, WriteError
from anybone.server.autosave import Autosave
from anybone.server.http_errors import NotFound, TooLarge
from anybone.server.image_loading import ImageLoader, SeriesChoice, frame_of, name_of, patient_of
from anybone.server.open_session import OpenSession, SessionRecord
from anybone.server.served_folder import inside
from anybone.server.settings import Settings
from anybone.server.staging import Staging
from anybone.server.uploads import remove

if TYPE_CHECKING:
    from anybone.core.volume import Volume
    from anybone.inference.segmenter import Segmenter

RECORD, STATE = "about.json", "session.safetensors"
_UNUSED_S = 24 * 3600


@contextmanager
def naming(path: Path, shown: str) -> Iterator[None]:
    """Replace a path on this machine by a name that users know, in errors raised by the block."""
    try:
        yield
    except MissingExtraError:
        raise
    except AnyboneError as error:
        text = str(error).replace(str(path), shown).replace(f"{path.parent}/", "")
        raise type(error)(text) from error


def now() -> str:
    """Return the time as ISO text, UTC, to the second."""
    return _time(time())


class Store:
    """All sessions of one server.

    Args:
        settings: Folders and limits.
        segmenter: Function that returns the network; it waits until it is loaded.
        report: Function called after each save, with an error message or None.
        try_admit: Function that takes a session for a block if nobody uses it, and yields whether it did.
    """

    def __init__(
        self,
        settings: Settings,
        segmenter: Callable[[], Segmenter],
        report: Callable[[OpenSession, str | None], None],
        try_admit: Callable[[str], AbstractContextManager[bool]],
    ) -> None:
        self._settings, self._segmenter, self._try_admit = settings, segmenter, try_admit
        self._sessions, self.uploads = settings.state / "sessions", settings.state / "uploads"
        for folder in (self._sessions, self.uploads):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.staging = Staging(settings.state)
        self._open: dict[str, OpenSession] = {}
        self._lock = threading.Lock()
        self._loader, self._autosave = ImageLoader(settings.limits.memory_bytes), Autosave(self._write, report)
        self._loading: dict[str, tuple[threading.Lock, int]] = {}
        self._remove_unused()

    @property
    def open(self) -> list[OpenSession]:
        """Sessions in memory."""
        return list(self._open.values())

    def start(
        self, path: str | None, upload: str | None, series: str | None, *, resume: bool = False
    ) -> OpenSession | SeriesChoice:
        """Start a session on an image, or with `resume` return the latest saved one on the same image.

        Raises:
            NotFound: There is no such image.
            ReadError: It cannot be read.
        """
        folder = self._source_folder(upload)
        found = inside(folder, path or "")
        where = found.relative_to(folder.resolve()).as_posix()
        found = _only_entry(found, upload, where)
        with self._only_one(where if resume else uuid.uuid4().hex):
            earlier = self._latest(where, upload, series) if resume else None
            if earlier is not None:
                with suppress(AnyboneError):  # a session that cannot be restored does not prevent a new one
                    return self.get(earlier)
            return self._begin(found, where, upload, series)

    def in_memory(self, session_id: str) -> OpenSession | None:
        """Return a session if it is in memory."""
        opened = self._open.get(session_id)
        if opened is not None:
            opened.used = monotonic()
        return opened

    def get(self, session_id: str) -> OpenSession:
        """Return a session; restore it from disk if it is not in memory.

        Raises:
            NotFound: There is none of that id.
            StateError: It cannot be restored.
        """
        opened = self.in_memory(session_id)
        if opened is None:
            with self._only_one(session_id):
                opened = self.in_memory(session_id) or self._restore(session_id)
        return opened

    def other_volume(self, opened: OpenSession, series: str) -> Volume:
        """Return another series of a session's image, to compare with.

        Raises:
            NotFound: There is none of that key.
        """
        if series not in {row["key"] for row in opened.record.other_series}:
            raise NotFound(f"The image has no other series {series!r}. Choose one from the session's list.")
        found = self._found(opened.record)
        with naming(found, _shown(found, opened.record.path)):
            return self._loader.read(found, *frame_of(series))

    def any_volume(self, path: str | None, upload: str | None, series: str | None) -> Volume:
        """Read a series of an image without a session.

        Raises:
            NotFound: There is no such image.
            ReadError: It cannot be read.
        """
        folder = self._source_folder(upload)
        found = inside(folder, path or "")
        where = found.relative_to(folder.resolve()).as_posix()
        found = _only_entry(found, upload, where)
        with naming(found, _shown(found, where)):
            return self._loader.read(found, *frame_of(series))

    def save(self, opened: OpenSession) -> None:
        """Save a session, or queue it for saving if the disk is slow."""
        self._autosave.request(opened)

    def forget(self, session_id: str) -> None:
        """Delete a session, and its upload unless another session uses it.

        Raises:
            NotFound: There is none of that id.
        """
        record = self._record(session_id)
        with self._lock:
            opened = self._open.pop(session_id, None)
        if opened is not None:
            opened.closed = True
            self._autosave.flush(opened)
        remove(self._sessions / session_id)
        if record.upload is not None and all(other.upload != record.upload for other in self._records()):
            remove(self.uploads / record.upload)

    def rows(self) -> list[dict[str, Any]]:
        """Return all sessions that are open or were changed (`wire.SessionRow` without viewers), latest first."""
        rows = []
        for record in self._records():
            opened = self._open.get(record.id)
            with suppress(FileNotFoundError):  # never changed, or deleted a moment ago
                saved = _saved_summary(self._sessions / record.id / STATE) if opened is None else _open_summary(opened)
                row = {"id": record.id, "name": record.name, "path": record.path, "changed": saved[0]}
                study = {"patient": record.patient, "study_date": record.study_date}
                rows.append({**row, **study, "bones": saved[1], "open": opened is not None})
        return sorted(rows, key=lambda row: str(row["changed"]), reverse=True)

    def add_upload(self, staged: Path) -> str:
        """Move a folder of received files to the uploads, and return its id."""
        name = uuid.uuid4().hex
        staged.rename(self.uploads / name)
        return name

    def stop(self) -> None:
        """Write all queued saves and end the autosave thread."""
        self._autosave.stop()
        self.staging.stop()

    def close_idle(self) -> list[str]:
        """Close the sessions that were idle for too long, and return their ids."""
        limit = monotonic() - self._settings.limits.idle_s
        idle = [opened for opened in self.open if opened.used < limit and opened.job is None]
        return [opened.id for opened in idle if self._close(opened)]

    @contextmanager
    def _only_one(self, name: str) -> Iterator[None]:
        """Let one thread at a time load the session or image of a name."""
        with self._lock:
            lock, users = self._loading.get(name, (threading.Lock(), 0))
            self._loading[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._loading.pop(name)
                if users > 1:
                    self._loading[name] = (lock, users - 1)

    def _begin(self, found: Path, where: str, upload: str | None, series: str | None) -> OpenSession | SeriesChoice:
        with naming(found, _shown(found, where)):
            loaded = self._loader.open(found, series)
        if isinstance(loaded, SeriesChoice):
            return loaded
        name = name_of(found.name, loaded.volume)
        record = SessionRecord(
            *(uuid.uuid4().hex, name, where, upload, loaded.series, loaded.frame, loaded.others, now()),
            *patient_of(loaded.volume.source),
        )
        opened = self._make(record, loaded.volume)
        write_whole(opened.folder / RECORD, json.dumps(record.to_dict()))
        self._add(opened)
        return opened

    def _source_folder(self, upload: str | None) -> Path:
        if upload is not None:
            folder = self.uploads / upload
            if len(upload) != 32 or not upload.isalnum() or not folder.is_dir():
                raise NotFound("The upload was not found. It may have been deleted: send the files again.")
            return folder
        if self._settings.folder is None:
            raise NotFound("This server has no folder of images. Upload the image instead.")
        return self._settings.folder

    def _found(self, record: SessionRecord) -> Path:
        return _only_entry(inside(self._source_folder(record.upload), record.path), record.upload, record.path)

    def _latest(self, path: str, upload: str | None, series: str | None) -> str | None:
        """Return the id of the latest saved session on an image."""
        wanted = {record.id: record for record in self._records() if (record.path, record.upload) == (path, upload)}
        fitting = (row["id"] for row in self.rows() if row["id"] in wanted)
        return next((i for i in fitting if series in (None, wanted[i].series)), None)

    def _restore(self, session_id: str) -> OpenSession:
        from anybone.interactive.persistence import restore_session

        record = self._record(session_id)
        found = self._found(record)
        with naming(found, _shown(found, record.path)):
            volume = self._loader.read(found, record.series, record.frame)
        opened = self._make(record, volume)
        path = opened.folder / STATE
        if path.is_file():
            restore_session(opened.session, path)
            opened.written_ns = path.stat().st_mtime_ns
            opened.saved = _time(path.stat().st_mtime)
        self._add(opened)
        return opened

    def _make(self, record: SessionRecord, volume: Volume) -> OpenSession:
        folder = self._sessions / record.id
        folder.mkdir(exist_ok=True, mode=0o700)
        shown = replace(volume, source=replace(volume.source, path=Path(record.path)))
        segmenter = self._segmenter()
        opened = OpenSession(
            record, segmenter.session(shown), folder, flag_below=segmenter.quality_estimator.least_dice
        )
        # The first save needs the hash, which takes seconds for a large volume.
        threading.Thread(target=lambda: opened.session.volume_hash, daemon=True).start()
        return opened

    def _add(self, opened: OpenSession) -> None:
        limits = self._settings.limits
        if opened.memory_bytes > limits.memory_bytes:
            if not (opened.folder / STATE).is_file():
                remove(opened.folder)
            raise TooLarge(
                f"This image needs {opened.memory_bytes >> 20} MiB of memory; the limit for all sessions is "
                f"{limits.memory_bytes >> 20} MiB. Crop the image, or start the server with a larger --memory-limit."
            )
        with self._lock:
            self._open[opened.id] = opened
        for old in sorted(self.open, key=lambda o: o.used):
            total = sum(o.memory_bytes for o in self.open)
            if total <= limits.memory_bytes and len(self._open) <= limits.sessions:
                return
            if old is not opened and old.job is None:
                self._close(old)

    def _close(self, opened: OpenSession) -> bool:
        """Close a session unless a command runs on it, and return whether it was closed."""
        with self._try_admit(opened.id) as admitted:
            if admitted:
                self._autosave.flush(opened)
                with self._lock:
                    self._open.pop(opened.id, None)
                opened.closed = True
        return admitted

    def _write(self, opened: OpenSession) -> None:
        from anybone.interactive.persistence import save_session

        path = opened.folder / STATE
        if path.is_file() and path.stat().st_mtime_ns != opened.written_ns:
            raise StateError("Another server has changed this session. Open it again to continue from there.")
        try:
            with self.staging.folder() as folder:
                save_session(opened.session, folder / STATE)
                (folder / STATE).replace(path)
        except OSError as error:
            raise WriteError(f"System error: {error.strerror or error}. Check the server's free disk space.") from error
        opened.written_ns, opened.saved = path.stat().st_mtime_ns, now()

    def _record(self, session_id: str) -> SessionRecord:
        if len(session_id) == 32 and session_id.isalnum():
            with suppress(OSError, ValueError, TypeError, KeyError):
                return SessionRecord.from_dict(
                    json.loads((self._sessions / session_id / RECORD).read_text(encoding="utf-8"))
                )
        raise NotFound("Session not found. It may have been deleted: open the image again.")

    def _records(self) -> list[SessionRecord]:
        found = []
        for folder in self._sessions.iterdir():
            with suppress(NotFound):
                found.append(self._record(folder.name))
        return found

    def _remove_unused(self) -> None:
        """Remove sessions without changes, and uploads without session, that are older than a day.

        Younger ones may belong to another server on the same folder.
        """
        old = time() - _UNUSED_S
        for folder in list(self._sessions.iterdir()):
            if not (folder / STATE).is_file() and folder.stat().st_mtime < old:
                remove(folder)
        used = {record.upload for record in self._records()}
        for folder in list(self.uploads.iterdir()):
            if folder.name not in used and folder.stat().st_mtime < old:
                remove(folder)


def _only_entry(found: Path, upload: str | None, where: str) -> Path:
    """Return the single file or folder of an upload; the upload's own folder if there are several."""
    entries = [p for p in found.iterdir() if not p.name.startswith(".")] if upload and where == "." else []
    return entries[0] if len(entries) == 1 else found


def _shown(found: Path, where: str) -> str:
    """Return the name of an image for messages; an upload of several files has none."""
    if where != ".":
        return where
    return "The upload" if len(found.name) == 32 and found.name.isalnum() else found.name


def _saved_summary(path: Path) -> tuple[str, list[str]]:
    """Return when a session on disk was changed, and the names of its bones; none if the file is damaged."""
    from anybone.interactive.persistence import read_summary

    changed, bones = _time(path.stat().st_mtime), []
    with suppress(AnyboneError):
        bones = [bone.name for bone in read_summary(path).bones]
    return changed, bones


def _open_summary(opened: OpenSession) -> tuple[str, list[str]]:
    return opened.saved or opened.record.started, [bone.name for bone in opened.session.bones]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
