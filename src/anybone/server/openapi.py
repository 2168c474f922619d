"""Print the server's OpenAPI description, the source of the studio's types: `python -m anybone.server.openapi`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any


def openapi() -> dict[str, Any]:
    """Return the OpenAPI description of a server, without loading weights."""
    from anybone.core.errors import AnyboneError
    from anybone.server.app import create_app
    from anybone.server.settings import Settings
    from anybone.server.state import Method

    def load() -> Any:
        raise AnyboneError("This server only describes its interface.")

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(state=Path(folder)), Method("", "", load))
        description: dict[str, Any] = app.openapi()
        app.state.server.stop()
    return description


if __name__ == "__main__":
    json.dump(openapi(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
