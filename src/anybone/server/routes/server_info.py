"""Routes of the server itself: info, list of bones, served folder, uploads, metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import UsageError
from anybone.core.labels import find
from anybone.io import FORMATS as READABLE
from anybone.server import wire
from anybone.server.http_errors import NotFound
from anybone.server.image import thumbnail_png
from anybone.server.responses import ERRORS, json_response
from anybone.server.routes import BINARY, State
from anybone.server.saved_files import FORMATS as WRITABLE
from anybone.server.serialization import hex_color
from anybone.server.served_folder import listing
from anybone.server.uploads import Incoming, check_disk
from anybone.version import __version__

_MAX_BONES = 500
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"files": {"type": "array", "items": BINARY["schema"]}},
                    "required": ["files"],
                }
            }
        },
    }
}

router = APIRouter(prefix="/api", responses=ERRORS, tags=["server"])


@router.get("/info", response_model=wire.ServerInfo)
async def get_info(state: State) -> Response:
    """Return version, weights, limits and formats of the server."""
    settings, limits = state.settings, state.settings.limits
    return json_response(
        {
            "version": __version__,
            "method": state.method.name,
            "license": state.method.license,
            "ready": state.ready,
            "users": state.hub.users,
            "limits": vars(limits),
            "formats": {"open": [s for kind in READABLE.values() for s in kind.suffixes], "save": [*WRITABLE]},
            "folder": settings.folder is not None,
            "open": settings.opened,
            "docs": "/api/openapi.json",
        }
    )


@router.get("/bones", response_model=list[wire.BoneChoice])
async def get_bones(query: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Search the list of bones, best match first."""
    return json_response(
        [
            {
                "key": bone.key,
                "name": bone.name,
                "side": bone.side,
                "color": hex_color(bone.color_rgb),
                "snomed": {"code": bone.snomed_ct[0], "meaning": bone.snomed_ct[1]},
            }
            for bone in find(query)[:_MAX_BONES]
        ]
    )


@router.get("/files", response_model=wire.FolderListing)
async def get_files(state: State, path: wire.Text = "") -> Response:
    """List a folder below the served folder."""
    if state.settings.folder is None:
        raise NotFound("This server has no folder of images. Upload images instead.")
    return json_response(await run_in_threadpool(listing, state.settings.folder, path))


@router.get("/thumbnail", response_class=Response, responses={200: {"content": {"image/png": BINARY}}})
async def get_thumbnail(
    state: State, path: wire.Text | None = None, upload: wire.SessionId | None = None, series: wire.Text | None = None
) -> Response:
    """Return the middle slice of an image, or of one of its series, as a small PNG."""
    volume = await state.read(state.store.any_volume, path, upload, series)
    return Response(await run_in_threadpool(thumbnail_png, volume), media_type="image/png")


@router.post("/uploads", status_code=201, response_model=wire.UploadReceipt, openapi_extra=_FORM)
async def upload(request: Request, state: State) -> Response:
    """Store files, and return the id under which they can be opened; relative paths in file names are kept."""
    await run_in_threadpool(check_disk, state.settings)
    with state.store.staging.folder() as folder:
        incoming = Incoming(folder, request.headers.get("content-type", ""), state.settings.limits.upload_files)
        await incoming.receive(request.stream())
        if not incoming.files:
            raise UsageError("The upload contains no file. Send files as parts of a form, each with its name.")
        name = state.store.add_upload(folder)
    return json_response({"upload": name, "files": len(incoming.files)}, 201)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics(state: State) -> Response:
    """Return requests, sessions, memory and jobs in Prometheus' format."""
    return Response(state.metrics.text(state), media_type="text/plain; version=0.0.4")
