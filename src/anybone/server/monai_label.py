"""A subset of MONAI Label's interface, so that its clients (3D Slicer and others) can ask this server.

They ask for `/info/`, `/infer/MODEL`, `/datastore/`, `/session/` and, where a server wants a password, `/auth/`; see
docs/how-to/studio-server.md. The same is below `/monailabel`. Facts of that interface, none of its code.
"""

from __future__ import annotations

import hmac
import json
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import UsageError
from anybone.server import bodies
from anybone.server.answers import ERRORS, plain
from anybone.server.house import check_room
from anybone.server.monai_infer import MODELS, Asked, infer
from anybone.server.opening import Choice
from anybone.server.problems import Absent, Unauthorized
from anybone.server.routes import House
from anybone.server.studio import Studio
from anybone.server.uploads import Incoming, remove
from anybone.version import __version__

Id = Annotated[str, Query(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
_FORM = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "params": {"type": "string"},
                        "file": {"type": "string", "format": "binary"},
                        "label": {"type": "string", "format": "binary"},
                    },
                }
            }
        }
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("application/octet-stream", "multipart/form-data")
        }
    }
}

router = APIRouter(responses=ERRORS, tags=["MONAI Label"])


class Token(BaseModel):
    """What a client sends from then on."""

    access_token: str
    token_type: str


@router.get("/auth/")
async def auth_enabled() -> dict[str, Any]:
    """That this server wants a password; it is the token."""
    return {"enabled": True, "client_id": "anybone", "realm": "anybone"}


@router.post("/auth/token", response_model=Token, openapi_extra={"requestBody": {"content": {
    "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {
        "username": {"type": "string"}, "password": {"type": "string"}}}}}}})  # fmt: skip
async def auth_token(request: Request, studio: House) -> Response:
    """The token, for whoever gives it as the password."""
    async with request.form(max_files=0, max_fields=20) as form:
        shown = str(form.get("password") or "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), studio.settings.token.encode()):
        raise Unauthorized("The password is the server's token.")
    return plain({"access_token": shown, "token_type": "bearer"})


@router.get("/auth/token/valid")
async def valid_token() -> dict[str, Any]:
    """Who asks; without the token nobody gets here."""
    return {"username": "anybone", "email": None, "name": "anybone", "roles": ["*"]}


@router.get("/info/")
async def info(studio: House) -> Response:
    """What clients can ask for."""
    facts = await run_in_threadpool(studio.datastore.facts, "stats")
    return plain(
        {
            "name": "anybone",
            "description": f"Bone on MRI, by the weights {studio.method.name}",
            "version": __version__,
            "labels": ["bone"],
            "models": {name: model.facts() for name, model in MODELS.items()},
            "trainers": {},
            "strategies": {"first": {"description": "The first image without an approved label"}},
            "scoring": {},
            "train_stats": {},
            "datastore": facts,
        }
    )


@router.post("/activelearning/{strategy}")
async def next_sample(strategy: bodies.Name, studio: House) -> Response:
    """The image to work on next; nothing where all have an approved label."""
    found = await run_in_threadpool(studio.datastore.next_unlabeled)
    return plain({} if found is None else {"id": found.id, "name": found.path.name, "weight": 1, "strategy": strategy})


@router.post("/infer/{model}", response_class=Response, responses=_FILE, openapi_extra=_FORM)
async def run_inference(
    model: bodies.Name,
    request: Request,
    studio: House,
    image: Id = "",
    session_id: Id = "",
    output: Literal["image", "json", "all"] | None = None,
) -> Response:
    """The bone that a model finds on an image: params and the mask as a form, or one of both."""
    if model not in MODELS:
        raise Absent(f"There is no model {model!r}. GET /info/ lists {', '.join(MODELS)}.")
    async with received(request, studio) as form:
        sent = next((path for name, path in form.files if name == "file"), None)
        if any(name == "label" for name, _ in form.files):
            raise UsageError("This server takes points, no label to start from. Leave the label out.")
        asked = Asked(MODELS[model], image, session_id, form.params, None if sent is None else form.folder / sent)
        params, mask = await run_in_threadpool(infer, studio, asked, form.folder / "result")
        if output == "json":
            return plain(params)
        content = await run_in_threadpool(mask.read_bytes)
    if output == "image":
        return Response(content, media_type="application/octet-stream")
    body, boundary = as_form(params, mask.name, content)
    return Response(body, media_type=f"multipart/form-data; boundary={boundary}")


@router.get("/datastore/")
async def datastore(studio: House, output: Literal["stats", "train", "all"] = "stats") -> Response:
    """The images, and how many of them have a label."""
    return plain(await run_in_threadpool(studio.datastore.facts, output))


@router.put("/datastore/", openapi_extra=_FORM)
async def add_image(request: Request, studio: House, image: Id | None = None) -> Response:
    """The id of an image that was sent."""
    async with received(request, studio) as form:
        return plain({"image": await run_in_threadpool(studio.datastore.add_image, image, form.one("file"))})


@router.delete("/datastore/")
async def remove_image(id: Id, type: Literal["image", "label", "label_tag"], studio: House) -> Response:
    """Nothing; what was sent is removed."""
    await run_in_threadpool(studio.datastore.remove, id, type)
    return plain({})


@router.put("/datastore/label", openapi_extra=_FORM)
async def save_label(request: Request, image: Id, studio: House, tag: Id = "") -> Response:
    """The ids of an image and the label that was sent for it."""
    async with received(request, studio) as form:
        label = await run_in_threadpool(studio.datastore.add_label, image, tag, form.one("label"))
    return plain({"image": image, "label": label})


@router.get("/datastore/image", response_class=FileResponse, responses=_FILE)
async def download_image(image: Id, studio: House) -> FileResponse:
    """An image."""
    found = await run_in_threadpool(studio.datastore.image, image)
    return FileResponse(found.path, media_type="application/octet-stream", filename=found.path.name)


@router.get("/datastore/label", response_class=FileResponse, responses=_FILE)
async def download_label(label: Id, studio: House, tag: Id = "") -> FileResponse:
    """A label."""
    path = await run_in_threadpool(studio.datastore.label, label, tag)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


@router.put("/session/", openapi_extra=_FORM)
async def create_session(request: Request, studio: House) -> Response:
    """A session on an image that was sent; the studio lists it too."""
    await run_in_threadpool(check_room, studio)
    upload, folder = studio.store.new_upload()
    try:
        incoming = Incoming(folder, request.headers.get("content-type", ""), studio.settings.limits.upload_files)
        await incoming.receive(request.stream())
        work = await run_in_threadpool(studio.store.start, None, upload, None)
        if isinstance(work, Choice):
            raise UsageError("The image holds several series. Send one of them.")
    except BaseException:
        await run_in_threadpool(remove, folder)
        raise
    return plain({"session_id": work.id, "session_info": _session_facts(work.about.name, work.about.path)})


@router.get("/session/{session_id}", response_class=Response, responses=_FILE)
async def get_session(session_id: bodies.SessionId, studio: House, image: bool = False) -> Response:
    """A session, or with `image` its image as NIfTI."""
    from anybone.server.image import nifti_bytes

    work = await run_in_threadpool(studio.store.get, session_id)
    if image:
        content = await run_in_threadpool(nifti_bytes, work.session.volume)
        return Response(content, media_type="application/octet-stream")
    return plain(_session_facts(work.about.name, work.about.path))


@router.delete("/session/{session_id}")
async def remove_session(session_id: bodies.SessionId, studio: House) -> Response:
    """What the session was, which is gone now."""
    work = await run_in_threadpool(studio.store.get, session_id)
    await run_in_threadpool(studio.store.forget, session_id)
    return plain(_session_facts(work.about.name, work.about.path))


class Form:
    """A form that was received: its files lie in `folder` until it is done with."""

    def __init__(self, folder: Path, incoming: Incoming) -> None:
        self.folder, self.files = folder, incoming.files
        self.params = _params(incoming.fields.get("params", ""))

    def one(self, name: str) -> Path:
        """The file of that part.

        Raises:
            UsageError: There is none.
        """
        for part, path in self.files:
            if part == name:
                return self.folder / path
        raise UsageError(f"The form has no file in a part {name!r}. Send it as such.")


@asynccontextmanager
async def received(request: Request, studio: Studio) -> AsyncIterator[Form]:
    """The form that a request holds."""
    folder = Path(tempfile.mkdtemp(prefix="anybone-", dir=studio.store.uploads))
    try:
        kind = request.headers.get("content-type", "")
        incoming = Incoming(folder, kind, studio.settings.limits.upload_files)
        await incoming.receive(request.stream())
        yield Form(folder, incoming)
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


def as_form(params: dict[str, Any], name: str, content: bytes) -> tuple[bytes, str]:
    """A form of the values "params" and the file "image", and its boundary."""
    boundary = uuid.uuid4().hex
    values = json.dumps(params)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="params"\r\nContent-Type: application/json\r\n\r\n'
        f'{values}\r\n--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), boundary


def _params(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"params is no JSON: {type(error).__name__}. Send an object, such as {{}}.") from error
    if values is not None and not isinstance(values, dict):
        raise UsageError("params is a JSON object, such as {}.")
    return dict(values or {})


def _session_facts(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "path": path, "image": path, "meta": {}}
