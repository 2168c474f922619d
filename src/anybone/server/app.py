"""The application: guard, routes, page and clockwork, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anybone.server import house, monai_label, routes
from anybone.server.answers import handle_errors
from anybone.server.security import Guard
from anybone.server.settings import Settings
from anybone.server.studio import Method, Studio
from anybone.version import __version__

PAGE = Path(__file__).parent / "static"
_SWEEP_S = 60.0  # idle sessions are looked for at least so often
_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>anybone</title>
<p>The server runs, but its page is not built. In a clone of the repository: <code>make studio</code></p>
"""
_log = logging.getLogger("anybone.server")


def create_app(settings: Settings, method: Method) -> FastAPI:
    """The application that serves sessions.

    Args:
        settings: What is served, and to whom.
        method: What answers.
    """
    studio = Studio(settings, method)
    app = FastAPI(
        title="anybone studio",
        version=__version__,
        docs_url=None,  # its page would be fetched from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.studio = studio
    handle_errors(app)
    shown = [Depends(HTTPBearer(auto_error=False, description="The server's token"))]  # told here, checked by the guard
    for part in (house.router, routes.router, monai_label.router):
        app.include_router(part, dependencies=shown)
    app.include_router(monai_label.router, prefix="/monailabel", include_in_schema=False)
    _add_page(app)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Counted, studio=studio)  # around the guard: what is refused counts too
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    studio: Studio = app.state.studio
    studio.hub.start()
    sweeping = asyncio.create_task(_sweep(studio))
    try:
        yield
    finally:
        sweeping.cancel()
        await run_in_threadpool(studio.stop)


async def _sweep(studio: Studio) -> None:
    pause_s = min(_SWEEP_S, studio.settings.limits.idle_s / 2)
    while True:
        await asyncio.sleep(pause_s)
        await run_in_threadpool(studio.asking.sweep, studio.settings.limits.idle_s)
        for closed in await run_in_threadpool(studio.store.sweep):
            _log.info("session %s was idle and is closed", closed)


def _add_page(app: FastAPI) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        index = PAGE / "index.html"
        return FileResponse(index) if index.is_file() else HTMLResponse(_NOT_BUILT)

    @app.get("/favicon.svg", include_in_schema=False)
    async def favicon() -> Response:
        icon = PAGE / "favicon.svg"
        return FileResponse(icon) if icon.is_file() else Response(status_code=404)

    if (PAGE / "assets").is_dir():
        app.mount("/assets", StaticFiles(directory=PAGE / "assets"), name="assets")


class Counted:
    """Counts and logs every request by its route: never by its address, its headers or its body.

    Args:
        app: What is behind it.
        studio: Whose meters count.
    """

    def __init__(self, app: ASGIApp, studio: Studio) -> None:
        self._app, self._studio = app, studio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing; lets the request through."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, status = perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                seconds = perf_counter() - start
                route = getattr(scope.get("route"), "path", "other")
                self._studio.meters.count(route, status, seconds)
                _log.info("%s %s %d %.0f ms", scope["method"], route, status, seconds * 1000)
            await send(message)

        await self._app(scope, receive, sending)
