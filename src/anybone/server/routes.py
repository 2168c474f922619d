"""Routes of sessions: open, see, act, follow, save."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import UsageError
from anybone.server import bodies, schemas
from anybone.server.answers import ERRORS, plain
from anybone.server.bodies import SessionId
from anybone.server.facts import change_facts, layer_facts, session_facts
from anybone.server.image import nifti_bytes
from anybone.server.jobs import Run
from anybone.server.opening import Choice
from anybone.server.problems import Absent
from anybone.server.saving import save_bones, saved_file
from anybone.server.studio import Studio
from anybone.server.verbs import LONG_VERBS, VERBS
from anybone.server.work import Work

_PATIENCE_S = 30
_Responses = dict[int | str, dict[str, Any]]
_BYTES: _Responses = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_EVENTS: _Responses = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}

router = APIRouter(prefix="/api/sessions", responses=ERRORS, tags=["sessions"])


def studio_of(request: Request) -> Studio:
    """The studio that a request is for."""
    studio: Studio = request.app.state.studio
    return studio


House = Annotated[Studio, Depends(studio_of)]


@router.post(
    "",
    status_code=201,
    response_model=schemas.Session,
    responses={300: {"model": schemas.SeriesList}},
    name="set_image",
)
async def set_image(body: bodies.OpenImage, studio: House) -> Response:
    """A new session on an image; 300 with a list where it holds several series and none was chosen."""
    if body.path is None and body.upload is None:
        raise UsageError("Name the image: its path below the served folder, or the id of an upload.")
    work = await run_in_threadpool(studio.store.start, body.path, body.upload, body.series, resume=body.resume)
    if isinstance(work, Choice):
        return plain({"series": work.rows}, 300)
    studio.open(work)
    return plain(await run_in_threadpool(session_facts, work), 201)


@router.get("", response_model=list[schemas.SessionRow])
async def list_sessions(studio: House) -> Response:
    """All sessions that are open or in which something was done, the latest first."""
    rows = await run_in_threadpool(studio.store.rows)
    return plain([{**row, "watched": studio.hub.watching(row["id"])} for row in rows])


@router.get("/{id}", response_model=schemas.Session)
async def get_session(id: SessionId, studio: House) -> Response:
    """A session; one that was closed is brought back."""
    work = await run_in_threadpool(studio.store.get, id)
    return plain(await run_in_threadpool(session_facts, work))


@router.delete("/{id}", status_code=204)
async def forget_session(id: SessionId, studio: House) -> None:
    """Nothing; the session is closed and forgotten."""
    for work in studio.store.open:
        if work.id == id and work.job is not None:
            await _end(studio, work, work.job)
    await run_in_threadpool(studio.store.forget, id)


@router.get("/{id}/image", response_class=Response, responses=_BYTES)
async def get_image(id: SessionId, studio: House, series: bodies.Words | None = None) -> Response:
    """The volume, or another series of the same image, as an uncompressed NIfTI-1 file of int16."""
    work = await run_in_threadpool(studio.store.get, id)
    volume = work.session.volume
    if series is not None:
        volume = await run_in_threadpool(studio.store.other_volume, work, series)
    content = await run_in_threadpool(nifti_bytes, volume)
    return Response(content, media_type="application/octet-stream")


@router.get("/{id}/layers", response_model=schemas.Layers)
async def get_layers(id: SessionId, studio: House) -> Response:
    """All that there is to draw."""
    work = await run_in_threadpool(studio.store.get, id)
    return plain(await run_in_threadpool(layer_facts, work.session))


@router.get("/{id}/changes", response_model=schemas.Change)
async def get_changes(id: SessionId, studio: House, since: Annotated[int, Query(ge=0, le=1 << 53)] = 0) -> Response:
    """What differs from a revision."""
    work = await run_in_threadpool(studio.store.get, id)
    return plain(await run_in_threadpool(change_facts, work, since))


@router.get("/{id}/probability", response_class=Response, responses=_BYTES)
async def get_probability(id: SessionId, studio: House, slice: Annotated[int, Query(ge=0)]) -> Response:
    """The probability of bone on a slice, a byte a voxel, the first in-plane axis fastest."""
    work = await run_in_threadpool(studio.store.get, id)
    if slice >= work.session.volume.geometry.shape_ijk[work.session.axis]:
        raise UsageError(f"There is no slice {slice}.")
    plane = await run_in_threadpool(work.session.probability, slice)
    content = (plane.astype("f4") * 255).round().astype("u1").tobytes(order="F")
    return Response(content, media_type="application/octet-stream")


@router.get("/{id}/events", response_class=StreamingResponse, responses=_EVENTS)
async def get_events(id: SessionId, studio: House) -> StreamingResponse:
    """What happens in the session: hello, change, preview, progress, queue, resync, ping."""
    work = await run_in_threadpool(studio.store.get, id)
    first = {"revision": work.session.revision, "job": None if work.job is None else work.job.facts()}
    return StreamingResponse(studio.hub.listen(id, first), media_type="text/event-stream")


@router.post("/{id}/look", status_code=204)
async def look(id: SessionId, body: bodies.Look, studio: House) -> None:
    """Nothing; a hint that a person looks at this slice, so that a click on it will be quick."""
    await run_in_threadpool(studio.look, id, body.slice)


@router.post("/{id}/cancel", response_model=schemas.Change)
async def cancel(id: SessionId, body: bodies.Nothing, studio: House) -> Response:
    """The state, once the job that runs on the session has ended."""
    work = await run_in_threadpool(studio.store.get, id)
    if work.job is not None:
        await _end(studio, work, work.job)
    return plain(await run_in_threadpool(change_facts, work, work.session.revision))


@router.get("/{id}/jobs/{job}", response_model=schemas.Job)
async def get_job(id: SessionId, job: SessionId, studio: House) -> Response:
    """A job that waits, runs or has ended not long ago."""
    run = studio.jobs.find(job)
    if run.session != id:
        raise Absent("There is no such job on this session.")
    return plain(run.facts())


@router.post("/{id}/save", response_model=schemas.SavedFiles)
async def save(id: SessionId, body: bodies.Save, studio: House) -> Response:
    """The files into which the accepted bones were written."""
    work = await run_in_threadpool(studio.store.get, id)
    return plain(await run_in_threadpool(save_bones, work, body.formats, studio.settings.folder, body.path))


@router.get("/{id}/files/{name}", response_class=FileResponse, responses=_BYTES)
async def get_file(id: SessionId, name: str, studio: House) -> FileResponse:
    """A file that was saved."""
    work = await run_in_threadpool(studio.store.get, id)
    path = await run_in_threadpool(saved_file, work.folder, name)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


async def _end(studio: Studio, work: Work, run: Run) -> None:
    """Cancels a job and waits until it has ended, which takes as long as the slice that it is at."""
    await run_in_threadpool(studio.jobs.cancel, work)
    await run_in_threadpool(run.ended.wait, _PATIENCE_S)


def _short(verb: str) -> Callable[..., Awaitable[Response]]:
    async def endpoint(id: SessionId, body: Any, studio: House) -> Response:
        return plain(await run_in_threadpool(studio.act, id, verb, body))

    return endpoint


def _long(verb: str) -> Callable[..., Awaitable[Response]]:
    async def endpoint(id: SessionId, body: Any, studio: House) -> Response:
        run = await run_in_threadpool(studio.begin, id, verb, body)
        if run is None:
            return plain(await run_in_threadpool(studio.act, id, verb, body))
        return plain(run.facts(), 202)

    return endpoint


def _add_verbs() -> None:
    for name, verb in VERBS.items():
        _add_verb(name, verb.body, verb.text, _short(name), {})
    for name, long in LONG_VERBS.items():
        more: _Responses = {202: {"model": schemas.Job, "description": "A job was begun"}}
        _add_verb(name, long.body, long.text, _long(name), more)


def _add_verb(name: str, body: type[bodies.Body], text: str, endpoint: Any, more: _Responses) -> None:
    endpoint.__annotations__ = {"id": SessionId, "body": body, "studio": House, "return": Response}
    add = router.post(f"/{{id}}/{name}", response_model=schemas.Change, responses=more, name=name, description=text)
    add(endpoint)


_add_verbs()
