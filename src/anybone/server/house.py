"""Routes of the server itself: what it is, which bones there are, what its folder holds, uploads, metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import AnyboneError
from anybone.core.labels import find
from anybone.io import FORMATS as READABLE
from anybone.server import bodies, schemas
from anybone.server.answers import ERRORS, plain
from anybone.server.facts import hex_color
from anybone.server.files import listing
from anybone.server.image import thumbnail_png
from anybone.server.problems import Absent, TooLarge
from anybone.server.routes import House
from anybone.server.saving import FORMATS as WRITABLE
from anybone.server.studio import Studio
from anybone.server.uploads import Incoming, remove, size_of
from anybone.version import __version__

_MOST_BONES = 500
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                    "required": ["files"],
                }
            }
        },
    }
}

router = APIRouter(prefix="/api", responses=ERRORS, tags=["server"])


@router.get("/info", response_model=schemas.Info)
async def get_info(studio: House) -> Response:
    """What this server is, and what it takes."""
    settings, limits = studio.settings, studio.settings.limits
    return plain(
        {
            "version": __version__,
            "method": studio.method.name,
            "license": studio.method.license,
            "ready": studio.ready,
            "users": studio.hub.users,
            "limits": vars(limits),
            "formats": {"open": [s for kind in READABLE.values() for s in kind.suffixes], "save": [*WRITABLE]},
            "folder": settings.folder is not None,
            "open": settings.opened,
            "docs": "/api/openapi.json",
        }
    )


@router.get("/bones", response_model=list[schemas.BoneChoice])
async def get_bones(query: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Bones that fit what has been typed so far, best first."""
    return plain(
        [
            {
                "key": bone.key,
                "name": bone.name,
                "side": bone.side,
                "color": hex_color(bone.color_rgb),
                "snomed": {"code": bone.snomed_ct[0], "meaning": bone.snomed_ct[1]},
            }
            for bone in find(query)[:_MOST_BONES]
        ]
    )


@router.get("/files", response_model=schemas.Folder)
async def get_files(studio: House, path: bodies.Words = "") -> Response:
    """What a folder below the served one holds."""
    if studio.settings.folder is None:
        raise Absent("This server serves no folder. Upload images: POST /api/uploads.")
    return plain(await run_in_threadpool(listing, studio.settings.folder, path))


@router.get("/thumbnail", response_class=Response, responses=_PNG)
async def get_thumbnail(
    studio: House,
    path: bodies.Words | None = None,
    upload: bodies.SessionId | None = None,
    series: bodies.Words | None = None,
) -> Response:
    """The middle slice of an image, or of one of its series, as a small PNG."""
    volume = await run_in_threadpool(studio.store.any_volume, path, upload, series)
    return Response(await run_in_threadpool(thumbnail_png, volume), media_type="image/png")


@router.post("/uploads", status_code=201, response_model=schemas.Upload, openapi_extra=_FORM)
async def upload(request: Request, studio: House) -> Response:
    """The id under which what was sent can be opened; paths in the files' names are kept."""
    await run_in_threadpool(check_room, studio)
    name, folder = studio.store.new_upload()
    try:
        incoming = Incoming(folder, request.headers.get("content-type", ""), studio.settings.limits.upload_files)
        await incoming.receive(request.stream())
        if not incoming.files:
            raise AnyboneError("The upload holds no file. Send files as parts of a form, each with its name.")
    except BaseException:
        await run_in_threadpool(remove, folder)
        raise
    return plain({"upload": name, "files": len(incoming.files)}, 201)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics(studio: House) -> Response:
    """What the server did and has to do, as Prometheus reads it."""
    return Response(studio.meters.text(studio), media_type="text/plain; version=0.0.4")


def check_room(studio: Studio) -> None:
    """Nothing, where there is room for another upload.

    Raises:
        TooLarge: What is kept fills the limit already.
    """
    limit = studio.settings.limits.disk_bytes
    if size_of(studio.settings.state) > limit:
        raise TooLarge(f"Sessions and uploads fill the {limit >> 30} GiB that this server keeps. Delete some sessions.")
