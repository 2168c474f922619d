"""Routes of sessions: open, show, run commands, listen to events, save."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import UsageError
from anybone.server import wire
from anybone.server.http_errors import NotFound
from anybone.server.image import nifti_bytes
from anybone.server.image_loading import SeriesChoice
from anybone.server.open_session import OpenSession
from anybone.server.responses import ERRORS, json_response
from anybone.server.routes import BINARY, State
from anybone.server.saved_files import save_bones, saved_file
from anybone.server.serialization import change_row, layer_rows, session_row
from anybone.server.state import ServerState
from anybone.server.verbs import LONG_VERBS, VERBS
from anybone.server.wire import SessionId

_CANCEL_TIMEOUT_S = 30
_Responses = dict[int | str, dict[str, Any]]
_BYTES: _Responses = {200: {"content": {"application/octet-stream": BINARY}}}
_EVENTS: _Responses = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}

router = APIRouter(prefix="/api/sessions", responses=ERRORS, tags=["sessions"])


@router.post("", status_code=201, response_model=wire.SessionInfo, responses={300: {"model": wire.SeriesList}})
async def open_image(body: wire.OpenImage, state: State) -> Response:
    """Start a session on an image; 300 with a list if it has several series and none was chosen."""
    if body.path is None and body.upload is None:
        raise UsageError("The request names no image. Give a path below the served folder, or the id of an upload.")
    opened = await state.read(state.store.start, body.path, body.upload, body.series, resume=body.resume)
    if isinstance(opened, SeriesChoice):
        return json_response({"series": opened.rows}, 300)
    state.prefetch_first(opened)
    return json_response(await run_in_threadpool(session_row, opened), 201)


@router.get("", response_model=list[wire.SessionRow])
async def list_sessions(state: State) -> Response:
    """List all sessions that are open or were changed, the latest first."""
    rows = await run_in_threadpool(state.store.rows)
    return json_response([{**row, "viewers": state.hub.viewers(row["id"])} for row in rows])


@router.get("/{id}", response_model=wire.SessionInfo)
async def get_session(id: SessionId, state: State) -> Response:
    """Return a session; one that is not in memory is restored from disk."""
    return json_response(await run_in_threadpool(session_row, await state.get(id)))


@router.delete("/{id}", status_code=204)
async def delete_session(id: SessionId, state: State) -> None:
    """Delete a session."""
    opened = state.store.in_memory(id)
    if opened is not None:
        await _cancel(state, opened)
    await run_in_threadpool(state.store.forget, id)


@router.get("/{id}/image", response_class=Response, responses=_BYTES)
async def get_image(id: SessionId, state: State, series: wire.Text | None = None) -> Response:
    """Return the volume, or another series of the same image, as an uncompressed NIfTI-1 file of int16."""
    opened = await state.get(id)
    volume = opened.session.volume
    if series is not None:
        volume = await state.read(state.store.other_volume, opened, series)
    return Response(await run_in_threadpool(nifti_bytes, volume), media_type="application/octet-stream")


@router.get("/{id}/layers", response_model=wire.SessionLayers)
async def get_layers(id: SessionId, state: State) -> Response:
    """Return the current mask and the committed labels of all slices."""
    opened = await state.get(id)
    return json_response(await run_in_threadpool(layer_rows, opened.session))


@router.get("/{id}/changes", response_model=wire.SessionChange)
async def get_changes(id: SessionId, state: State, since: Annotated[int, Query(ge=0, le=1 << 53)] = 0) -> Response:
    """Return the difference from a revision."""
    return json_response(await run_in_threadpool(change_row, await state.get(id), since))


@router.get("/{id}/probability", response_class=Response, responses=_BYTES)
async def get_probability(id: SessionId, state: State, slice: Annotated[int, Query(ge=0)]) -> Response:
    """Return the probability of bone on a slice, one byte per voxel, the first in-plane axis fastest."""
    opened = await state.get(id)
    if slice >= opened.slice_count:
        raise UsageError(f"Slice {slice} does not exist. The last one is {opened.slice_count - 1}.")
    plane = await run_in_threadpool(opened.session.probability, slice)
    content = (plane.astype("f4") * 255).round().astype("u1").tobytes(order="F")
    return Response(content, media_type="application/octet-stream")


@router.get("/{id}/events", response_class=EventSourceResponse, responses=_EVENTS)
async def get_events(id: SessionId, state: State) -> EventSourceResponse:
    """Stream the session's events: hello, change, preview, progress, queue, saved, error, resync, ping."""
    opened = await state.get(id)
    first = {"revision": opened.session.revision, "job": None if opened.job is None else opened.job.status()}
    return state.hub.stream(id, first)


@router.post("/{id}/prefetch", status_code=204)
async def prefetch(id: SessionId, body: wire.PrefetchSlice, state: State) -> None:
    """Encode the slice on screen and its neighbors while the network is idle, so that a click is fast."""
    state.scheduler.prefetch(await state.get(id), body.slice)


@router.post("/{id}/cancel", response_model=wire.SessionChange)
async def cancel(id: SessionId, body: wire.NoOptions, state: State) -> Response:
    """Cancel the job of the session, and return the state once it has ended."""
    opened = await state.get(id)
    await _cancel(state, opened)
    return json_response(await run_in_threadpool(change_row, opened, opened.session.revision))


@router.get("/{id}/jobs/{job}", response_model=wire.JobStatus)
async def get_job(id: SessionId, job: SessionId, state: State) -> Response:
    """Return a job that waits, runs, or ended recently."""
    found = state.scheduler.find(job)
    if found.session != id:
        raise NotFound("Job not found on this session.")
    return json_response(found.status())


@router.post("/{id}/save", response_model=wire.SavedFiles)
async def save(id: SessionId, body: wire.SaveFiles, state: State) -> Response:
    """Write the committed bones to files."""
    opened, store = await state.get(id), state.store
    files = await run_in_threadpool(save_bones, opened, body.formats, state.settings.folder, body.path, store.staging)
    return json_response(files)


@router.get("/{id}/files/{name}", response_class=FileResponse, responses=_BYTES)
async def get_file(id: SessionId, name: str, state: State) -> FileResponse:
    """Return a file that was saved."""
    opened = await state.get(id)
    path = await run_in_threadpool(saved_file, opened.folder, name)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


async def _cancel(state: ServerState, opened: OpenSession) -> None:
    """Cancel a session's job and wait until it has ended, which takes up to one slice."""
    job = opened.job
    if job is not None:
        state.scheduler.cancel(opened)
        await run_in_threadpool(job.ended.wait, _CANCEL_TIMEOUT_S)


def _command(verb: str) -> Callable[..., Awaitable[Response]]:
    async def endpoint(id: SessionId, body: Any, state: State) -> Response:
        return json_response(await state.run(id, verb, body))

    return endpoint


def _long_command(verb: str) -> Callable[..., Awaitable[Response]]:
    async def endpoint(id: SessionId, body: Any, state: State) -> Response:
        job = await state.submit(id, verb, body)
        return json_response(await state.run(id, verb, body)) if job is None else json_response(job.status(), 202)

    return endpoint


def _add_commands() -> None:
    for name, command in VERBS.items():
        _add_command(name, command.body, command.text, _command(name), {})
    for name, long in LONG_VERBS.items():
        job: _Responses = {202: {"model": wire.JobStatus, "description": "The command runs as a job"}}
        _add_command(name, long.body, long.text, _long_command(name), job)


def _add_command(name: str, body: type[wire.RequestBody], text: str, endpoint: Any, more: _Responses) -> None:
    endpoint.__annotations__ = {"id": SessionId, "body": body, "state": State, "return": Response}
    add = router.post(f"/{{id}}/{name}", response_model=wire.SessionChange, responses=more, name=name, description=text)
    add(endpoint)


_add_commands()
