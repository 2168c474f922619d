"""What MONAI Label's models are here, and how one answers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from anybone.core.errors import PromptError, UsageError
from anybone.core.prompts import Point
from anybone.core.segmentation import Segmentation
from anybone.io import write
from anybone.server.opening import Opener
from anybone.server.store import naming
from anybone.server.turns import Rank

if TYPE_CHECKING:
    from anybone.core.volume import Volume
    from anybone.interactive.session import Session
    from anybone.server.studio import Studio

_RESULTS = (".nii.gz", ".nii", ".nrrd", ".seg.nrrd", ".mha")
_MOST_POINTS = 1000
_FAR = 1 << 20  # voxels: no volume has so many along an axis
_KEPT = 2  # sessions on images of the datastore


@dataclass(frozen=True)
class Model:
    """One way of asking.

    Attributes:
        kind: As MONAI Label calls it: what a client shows for it goes by that.
        text: For people.
        by_points: Whether it needs points.
        follows: Whether the bone is followed through the slices.
    """

    kind: str
    text: str
    by_points: bool = False
    follows: bool = False

    def facts(self) -> dict[str, Any]:
        """What `/info/` says of it."""
        return {
            "type": self.kind,
            "labels": {"bone": 1},
            "dimension": 2 if self.by_points and not self.follows else 3,
            "description": self.text,
            "config": {"result_extension": list(_RESULTS)},
        }


MODELS: dict[str, Model] = {
    "bones": Model("segmentation", "All bone, by itself"),
    "bone": Model("deepgrow", "The bone that is pointed at, followed through the slices", True, True),
    "bone_slice": Model("deepgrow", "The bone that is pointed at, on the slices with points", True),
}


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        model: Of `MODELS`.
        image: Id in the datastore.
        session: Or of a session.
        params: What the client said: foreground, background, label, result_extension.
        file: Or the image itself.
    """

    model: Model
    image: str
    session: str
    params: dict[str, Any]
    file: Path | None


class Asking:
    """The sessions in which images of the datastore stay encoded between requests; they are nobody's work.

    Args:
        memory_bytes: What a session may take.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._opener = Opener(memory_bytes)
        self._kept: OrderedDict[tuple[str, int], Session] = OrderedDict()
        self._used = monotonic()
        self._lock = threading.Lock()

    @contextmanager
    def session(self, studio: Studio, path: Path, name: str) -> Iterator[Session]:
        """A session on an image, for this request alone.

        Raises:
            ReadError: The image cannot be read.
        """
        with self._lock:
            key = (str(path), path.stat().st_mtime_ns)
            if key not in self._kept:
                volume = self.read(path, name)
                self._kept[key] = studio.network().session(volume)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            self._used = monotonic()
            yield self._kept[key].reset()

    def read(self, path: Path, name: str) -> Volume:
        """An image, which errors call by that name.

        Raises:
            ReadError: It cannot be read.
        """
        with naming(path, name):
            return self._opener.read(path, None, None)

    def sweep(self, idle_s: float) -> None:
        """Nothing; lets the images go that nobody has asked about for so long."""
        if self._used < monotonic() - idle_s and self._lock.acquire(blocking=False):
            self._kept.clear()
            self._lock.release()


def infer(studio: Studio, asked: Asked, folder: Path) -> tuple[dict[str, Any], Path]:
    """What a client is told, and the mask's file.

    Raises:
        Absent: There is no such image or session.
        PromptError: Points are missing, or lie outside.
        ReadError: The image cannot be read.
    """
    started = perf_counter()
    points = _points(asked)
    suffix = asked.params.get("result_extension") or ".nii.gz"
    if suffix not in _RESULTS:
        raise UsageError(f"result_extension is one of {', '.join(_RESULTS)}; found {suffix!r}.")
    if asked.session:
        with studio.holding(asked.session) as work:
            since = work.session.revision
            bones = _answer(studio, work.session.reset() if points else work.session, asked.model, points)
            studio.tell(work, since)
    elif asked.file is not None:
        volume = studio.asking.read(asked.file, asked.file.name)
        bones = _answer(studio, studio.network().session(volume), asked.model, points)
    elif asked.image:
        image = studio.datastore.image(asked.image)
        with studio.asking.session(studio, image.path, image.id) as session:
            bones = _answer(studio, session, asked.model, points)
    else:
        raise UsageError("Name an image or a session, or send a file.")
    path = folder / f"label{suffix}"
    write(bones, path)
    told = {"label_names": {"bone": 1}, "latencies": {"total": round(perf_counter() - started, 3)}}
    return told, path


def _answer(studio: Studio, session: Session, model: Model, points: list[Point]) -> Segmentation:
    """The bone as label 1; a click of a person goes before the next slice."""

    def progress(step: str, done: int, total: int) -> None:
        studio.turns.give_way(Rank.JOB)

    with studio.turns.take(Rank.PERSON if points and not model.follows else Rank.JOB):
        if not model.by_points:
            found = studio.network().segment(session.volume, progress=progress).mask
        else:
            session.add(*points)
            if model.follows and session.mask.any():
                session.propagate(progress=progress)
            found = session.mask
    return Segmentation(found.astype(np.uint16), session.volume.geometry)


def _points(asked: Asked) -> list[Point]:
    """The points that a client sent; none where the model needs none.

    Raises:
        PromptError: They are none, or too many.
    """
    if not asked.model.by_points:
        return []
    found = []
    for name, positive in (("foreground", True), ("bone", True), ("background", False)):
        rows = asked.params.get(name) or []
        if not isinstance(rows, list) or len(rows) > _MOST_POINTS or not all(_is_triple(row) for row in rows):
            raise PromptError(f"{name} is a list of up to {_MOST_POINTS} voxels [i, j, k]. Send the points so.")
        found += [Point((row[0], row[1], row[2]), positive) for row in rows]
    if not any(point.positive for point in found):
        raise PromptError("Point at the bone: params needs a list foreground of voxels [i, j, k].")
    return found


def _is_triple(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) < _FAR for x in row)
    )
