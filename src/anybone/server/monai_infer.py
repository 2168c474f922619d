"""Models of the MONAI Label interface, and inference with them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import PromptError, UsageError
from anybone.core.prompts import Point
from anybone.core.segmentation import Segmentation
from anybone.io import write
from anybone.server.image_loading import ImageLoader
from anybone.server.scheduler import Priority, Ticket
from anybone.server.store import naming

if TYPE_CHECKING:
    from anybone.core.volume import Volume
    from anybone.interactive.session import Session
    from anybone.server.state import ServerState

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".seg.nrrd", ".mha")
_MAX_POINTS = 1000
_MAX_COORDINATE = 1 << 20  # voxels: no volume has so many along an axis
_CACHED = 2  # sessions on images of the datastore
_IMAGES = "datastore images"  # the scheduler's key for these sessions


@dataclass(frozen=True)
class InferenceModel:
    """A model that clients can choose.

    Attributes:
        kind: MONAI Label's type, by which clients choose their controls.
        text: Description.
        by_points: True if it needs points.
        propagates: True if the mask is propagated through the slices.
    """

    kind: str
    text: str
    by_points: bool = False
    propagates: bool = False

    @property
    def priority(self) -> Priority:
        """Priority of a request."""
        return Priority.CLICK if self.by_points and not self.propagates else Priority.JOB

    def summary(self) -> dict[str, Any]:
        """Return the model as `/info/` describes it."""
        return {
            "type": self.kind,
            "labels": {"bone": 1},
            "dimension": 2 if self.by_points and not self.propagates else 3,
            "description": self.text,
            "config": {"result_extension": list(_SUFFIXES)},
        }


MODELS: dict[str, InferenceModel] = {
    "bones": InferenceModel("segmentation", "All bone, without prompts"),
    "bone": InferenceModel("deepgrow", "The bone at the points, propagated through the slices", True, True),
    "bone_slice": InferenceModel("deepgrow", "The bone at the points, on the slices with points", True),
}


@dataclass(frozen=True)
class InferenceRequest:
    """A request for inference.

    Attributes:
        model: One of `MODELS`.
        image: Id in the datastore.
        session: Id of a session instead.
        params: Parameters of the client: foreground, background, result_extension.
        file: An image file instead.
    """

    model: InferenceModel
    image: str
    session: str
    params: dict[str, Any]
    file: Path | None


class ImageSessions:
    """Sessions that keep the embeddings of datastore images between requests; no user owns them.

    Args:
        memory_bytes: Memory of one session.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._loader = ImageLoader(memory_bytes)
        self._cached: OrderedDict[tuple[str, int], Session] = OrderedDict()
        self._used = monotonic()

    @asynccontextmanager
    async def session(self, state: ServerState, path: Path, name: str) -> AsyncIterator[Session]:
        """Yield an empty session on an image, for this request alone.

        Raises:
            ReadError: The image cannot be read.
            Overloaded: Too many requests wait.
        """
        async with state.scheduler.admit(_IMAGES, user=name):
            self._used = monotonic()
            yield await state.read(self._get, state, path, name)

    def read(self, path: Path, name: str) -> Volume:
        """Read an image that errors call by a name.

        Raises:
            ReadError: It cannot be read.
        """
        with naming(path, name):
            return self._loader.read(path, None, None)

    def close_idle(self, state: ServerState, idle_s: float) -> None:
        """Release the sessions if no request used them for so long."""
        if self._used < monotonic() - idle_s:
            with state.scheduler.try_admit(_IMAGES) as admitted:
                if admitted:
                    self._cached.clear()

    def _get(self, state: ServerState, path: Path, name: str) -> Session:
        key = (str(path), path.stat().st_mtime_ns)
        if key not in self._cached:
            self._cached[key] = state.segmenter().session(self.read(path, name))
        self._cached.move_to_end(key)
        while len(self._cached) > _CACHED:
            self._cached.popitem(last=False)
        return self._cached[key].reset()


async def infer(state: ServerState, request: InferenceRequest, folder: Path) -> tuple[dict[str, Any], Path]:
    """Run a model and write its mask to a folder; return the response's parameters and the file.

    Raises:
        NotFound: There is no such image or session.
        PromptError: Points are missing, or outside of the image.
        ReadError: The image cannot be read.
    """
    started = perf_counter()
    points = _points(request)
    suffix = request.params.get("result_extension") or ".nii.gz"
    if suffix not in _SUFFIXES:
        raise UsageError(f"result_extension is {suffix!r}. Use one of {', '.join(_SUFFIXES)}.")
    if request.session:
        async with state.admit(request.session, network=True, priority=request.model.priority) as (opened, ticket):
            since = opened.session.revision
            session = opened.session.reset() if points else opened.session
            bones = await run_in_threadpool(_segment, state, ticket, session, request.model, points)
            await run_in_threadpool(state.publish, opened, since)
    elif request.file is not None:
        volume = await state.read(state.image_sessions.read, request.file, request.file.name)
        session = await state.read(state.segmenter().session, volume)
        bones = await _admitted(state, session, request.model, points)
    elif request.image:
        image = await state.read(state.datastore.image, request.image)
        async with state.image_sessions.session(state, image.path, image.id) as session:
            bones = await _admitted(state, session, request.model, points)
    else:
        raise UsageError("The request names no image. Name an image or a session, or send a file.")
    path = folder / f"label{suffix}"
    await run_in_threadpool(write, bones, path)
    seconds = {"total": round(perf_counter() - started, 3)}
    return {"label_names": {"bone": 1}, "latencies": seconds}, path


async def _admitted(state: ServerState, session: Session, model: InferenceModel, points: list[Point]) -> Segmentation:
    """Wait for the network and run a model."""
    async with state.scheduler.admit(None, network=True, priority=model.priority) as ticket:
        return await run_in_threadpool(_segment, state, ticket, session, model, points)


def _segment(
    state: ServerState, ticket: Ticket, session: Session, model: InferenceModel, points: list[Point]
) -> Segmentation:
    """Return the bone as label 1; clicks of others go before the next slice."""

    def progress(step: str, done: int, total: int) -> None:
        state.scheduler.lend_network(ticket)

    try:
        if not model.by_points:
            found = state.segmenter().segment(session.volume, progress=progress).mask
        else:
            session.add(*points)
            if model.propagates and session.mask.any():
                session.propagate(progress=progress)
            found = session.mask
        return Segmentation(found.astype(np.uint16), session.volume.geometry)
    finally:
        state.scheduler.release_network(ticket)


def _points(request: InferenceRequest) -> list[Point]:
    """Return the points of a request; none if the model needs none.

    Raises:
        PromptError: They are missing, invalid or too many.
    """
    if not request.model.by_points:
        return []
    found = []
    for name, positive in (("foreground", True), ("bone", True), ("background", False)):
        rows = request.params.get(name) or []
        if not isinstance(rows, list) or len(rows) > _MAX_POINTS or not all(_is_triple(row) for row in rows):
            raise PromptError(f"{name} is invalid. Send a list of up to {_MAX_POINTS} voxels [i, j, k].")
        found += [Point((row[0], row[1], row[2]), positive) for row in rows]
    if not any(point.positive for point in found):
        raise PromptError("The request has no point on bone. Send a list foreground of voxels [i, j, k] in params.")
    return found


def _is_triple(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) < _MAX_COORDINATE for x in row)
    )
