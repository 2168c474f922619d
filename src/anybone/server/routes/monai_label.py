"""Routes of a subset of MONAI Label's interface, for its clients such as 3D Slicer.

The routes are `/info/`, `/infer/MODEL`, `/datastore/`, `/session/` and `/auth/`, and the same below `/monailabel`; see
docs/how-to/studio-server.md. They follow the interface and use none of its code.
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import UsageError
from anybone.server import wire
from anybone.server.http_errors import NotFound, Unauthorized
from anybone.server.image import nifti_bytes
from anybone.server.image_loading import SeriesChoice
from anybone.server.monai_infer import MODELS, InferenceRequest, infer
from anybone.server.open_session import OpenSession
from anybone.server.responses import ERRORS, json_response
from anybone.server.routes import BINARY, State
from anybone.server.state import ServerState
from anybone.server.uploads import Incoming, check_disk, remove
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
    200: {"content": {kind: BINARY for kind in ("application/octet-stream", "multipart/form-data")}}
}

router = APIRouter(responses=ERRORS, tags=["MONAI Label"])


@router.get("/auth/")
async def auth_enabled() -> dict[str, Any]:
    """Report that this server needs a password, which is its token."""
    return {"enabled": True, "client_id": "anybone", "realm": "anybone"}


@router.post("/auth/token", response_model=wire.AccessToken, openapi_extra={"requestBody": {"content": {
    "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {
        "username": {"type": "string"}, "password": {"type": "string"}}}}}}})  # fmt: skip
async def auth_token(request: Request, state: State) -> Response:
    """Return the token to a client that sends it as the password."""
    async with request.form(max_files=0, max_fields=20) as form:
        shown = str(form.get("password") or "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), state.settings.token.encode()):
        raise Unauthorized("The password is wrong. Use the server's token as the password.")
    return json_response({"access_token": shown, "token_type": "bearer"})


@router.get("/auth/token/valid")
async def valid_token() -> dict[str, Any]:
    """Return the user; requests without a token are refused before."""
    return {"username": "anybone", "email": None, "name": "anybone", "roles": ["*"]}


@router.get("/info/")
async def info(state: State) -> Response:
    """Return models, labels and datastore."""
    facts = await run_in_threadpool(state.datastore.summary, "stats")
    return json_response(
        {
            "name": "anybone",
            "description": f"Bone on MRI with the weights {state.method.name}",
            "version": __version__,
            "labels": ["bone"],
            "models": {name: model.summary() for name, model in MODELS.items()},
            "trainers": {},
            "strategies": {"first": {"description": "The first image without an approved label"}},
            "scoring": {},
            "train_stats": {},
            "datastore": facts,
        }
    )


@router.post("/activelearning/{strategy}")
async def next_sample(strategy: wire.Name, state: State) -> Response:
    """Return the next image without an approved label; an empty object if there is none."""
    found = await run_in_threadpool(state.datastore.next_unlabeled)
    return json_response(
        {} if found is None else {"id": found.id, "name": found.path.name, "weight": 1, "strategy": strategy}
    )


@router.post("/infer/{model}", response_class=Response, responses=_FILE, openapi_extra=_FORM)
async def run_inference(
    model: wire.Name,
    request: Request,
    state: State,
    image: Id = "",
    session_id: Id = "",
    output: Literal["image", "json", "all"] | None = None,
) -> Response:
    """Segment an image with a model; return parameters and mask as a form, or one of the two."""
    if model not in MODELS:
        raise NotFound(f"Unknown model {model!r}. Choose from {', '.join(MODELS)}.")
    async with received(request, state) as form:
        sent = next((path for name, path in form.files if name == "file"), None)
        if any(name == "label" for name, _ in form.files):
            raise UsageError("This server supports points only, not an initial label. Leave the label out.")
        asked = InferenceRequest(
            MODELS[model], image, session_id, form.params, None if sent is None else form.folder / sent
        )
        params, mask = await infer(state, asked, form.folder / "result")
        if output == "json":
            return json_response(params)
        content = await run_in_threadpool(mask.read_bytes)
    if output == "image":
        return Response(content, media_type="application/octet-stream")
    body, boundary = as_form(params, mask.name, content)
    return Response(body, media_type=f"multipart/form-data; boundary={boundary}")


@router.get("/datastore/")
async def datastore(state: State, output: Literal["stats", "train", "all"] = "stats") -> Response:
    """Describe the datastore: images and labels."""
    return json_response(await run_in_threadpool(state.datastore.summary, output))


@router.put("/datastore/", openapi_extra=_FORM)
async def add_image(request: Request, state: State, image: Id | None = None) -> Response:
    """Store an image, and return its id."""
    async with received(request, state) as form:
        return json_response({"image": await run_in_threadpool(state.datastore.add_image, image, form.one("file"))})


@router.delete("/datastore/")
async def remove_image(id: Id, type: Literal["image", "label", "label_tag"], state: State) -> Response:
    """Remove an image or labels that a client sent."""
    await run_in_threadpool(state.datastore.remove, id, type)
    return json_response({})


@router.put("/datastore/label", openapi_extra=_FORM)
async def save_label(request: Request, image: Id, state: State, tag: Id = "") -> Response:
    """Store a label for an image; it has to be a mask on the image's grid."""
    async with received(request, state) as form:
        label = await run_in_threadpool(state.datastore.add_label, image, tag, form.one("label"))
    return json_response({"image": image, "label": label})


@router.get("/datastore/image", response_class=FileResponse, responses=_FILE)
async def download_image(image: Id, state: State) -> FileResponse:
    """Return an image file."""
    found = await run_in_threadpool(state.datastore.image, image)
    return FileResponse(found.path, media_type="application/octet-stream", filename=found.path.name)


@router.get("/datastore/label", response_class=FileResponse, responses=_FILE)
async def download_label(label: Id, state: State, tag: Id = "") -> FileResponse:
    """Return a label file."""
    path = await run_in_threadpool(state.datastore.label, label, tag)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


@router.put("/session/", openapi_extra=_FORM)
async def create_session(request: Request, state: State) -> Response:
    """Start a session on an image that was sent; the studio lists it too."""
    await run_in_threadpool(check_disk, state.settings)
    with state.store.staging.folder() as folder:
        incoming = Incoming(folder, request.headers.get("content-type", ""), state.settings.limits.upload_files)
        await incoming.receive(request.stream())
        upload = state.store.add_upload(folder)
    try:
        opened = await state.read(state.store.start, None, upload, None)
        if isinstance(opened, SeriesChoice):
            raise UsageError("The image has several series. Send one of them.")
    except BaseException:
        await run_in_threadpool(remove, state.store.uploads / upload)
        raise
    return json_response({"session_id": opened.id, "session_info": _session_info(opened)})


@router.get("/session/{session_id}", response_class=Response, responses=_FILE)
async def get_session(session_id: wire.SessionId, state: State, image: bool = False) -> Response:
    """Return a session, or with `image` its image as NIfTI."""
    opened = await state.get(session_id)
    if image:
        content = await run_in_threadpool(nifti_bytes, opened.session.volume)
        return Response(content, media_type="application/octet-stream")
    return json_response(_session_info(opened))


@router.delete("/session/{session_id}")
async def remove_session(session_id: wire.SessionId, state: State) -> Response:
    """Delete a session, and return what it was."""
    opened = await state.get(session_id)
    await run_in_threadpool(state.store.forget, session_id)
    return json_response(_session_info(opened))


class Form:
    """A received form; its files are in `folder` until the end of the request."""

    def __init__(self, folder: Path, incoming: Incoming) -> None:
        self.folder, self.files = folder, incoming.files
        self.params = _params(incoming.fields.get("params", ""))

    def one(self, name: str) -> Path:
        """Return the file of a part.

        Raises:
            UsageError: There is none.
        """
        for part, path in self.files:
            if part == name:
                return self.folder / path
        raise UsageError(f"The form has no file in its part {name!r}. Send the file there.")


@asynccontextmanager
async def received(request: Request, state: ServerState) -> AsyncIterator[Form]:
    """Receive the form of a request."""
    with state.store.staging.folder() as folder:
        kind = request.headers.get("content-type", "")
        incoming = Incoming(folder, kind, state.settings.limits.upload_files)
        await incoming.receive(request.stream())
        yield Form(folder, incoming)


def as_form(params: dict[str, Any], name: str, content: bytes) -> tuple[bytes, str]:
    """Return a form with the part "params" and the file "image", and its boundary."""
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
        raise UsageError("params is not valid JSON. Send an object, such as {}.") from error
    if values is not None and not isinstance(values, dict):
        raise UsageError("params has to be a JSON object, such as {}.")
    return dict(values or {})


def _session_info(opened: OpenSession) -> dict[str, Any]:
    record = opened.record
    return {"name": record.name, "path": record.path, "image": record.path, "meta": {}}
