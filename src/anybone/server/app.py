"""The ASGI application: middleware, routes, page and periodic cleanup."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.staticfiles import StaticFiles

from anybone.server.request_metrics import RequestCounter
from anybone.server.responses import handle_errors
from anybone.server.routes import monai_label, server_info, sessions
from anybone.server.security import AccessControl
from anybone.server.settings import Settings
from anybone.server.state import Method, ServerState
from anybone.version import __version__

PAGE = Path(__file__).parent / "static"
_CLEANUP_S = 60.0  # longest time between two looks for idle sessions
_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>anybone</title>
<p>The server runs, but its page is not built. In a clone of the repository: <code>make page</code></p>
"""
_log = logging.getLogger("anybone.server")


def create_app(settings: Settings, method: Method) -> FastAPI:
    """Return the application.

    Args:
        settings: Folders, access and limits.
        method: The network that segments.
    """
    state = ServerState(settings, method)
    app = FastAPI(
        title="anybone studio",
        version=__version__,
        docs_url=None,  # its page would be fetched from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.server = state
    handle_errors(app)
    documented = [Depends(HTTPBearer(auto_error=False, description="The server's token"))]  # AccessControl checks it
    for router in (server_info.router, sessions.router, monai_label.router):
        app.include_router(router, dependencies=documented)
    app.include_router(monai_label.router, prefix="/monailabel", include_in_schema=False)
    _add_page(app)
    app.add_middleware(AccessControl, settings=settings)
    app.add_middleware(RequestCounter, metrics=state.metrics)  # outermost: refused requests count too
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: ServerState = app.state.server
    state.hub.start()
    cleanup = asyncio.create_task(_close_idle_sessions(state))
    try:
        yield
    finally:
        cleanup.cancel()
        await run_in_threadpool(state.stop)


async def _close_idle_sessions(state: ServerState) -> None:
    pause_s = min(_CLEANUP_S, state.settings.limits.idle_s / 2)
    while True:
        await asyncio.sleep(pause_s)
        for closed in await run_in_threadpool(state.close_idle):
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
