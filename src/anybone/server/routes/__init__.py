"""Routes of the server: sessions, the server itself, and MONAI Label's interface."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from anybone.server.state import ServerState

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


async def state_of(request: Request) -> ServerState:
    """Return the state of the server that a request reached; a coroutine, so that it takes no thread."""
    state: ServerState = request.app.state.server
    return state


State = Annotated[ServerState, Depends(state_of)]
