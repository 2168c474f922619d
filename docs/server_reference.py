"""Writes docs/reference/server.md from the server's own description, its OpenAPI.

python docs/server_reference.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anybone.server.openapi import openapi

PAGE = Path(__file__).parent / "reference" / "server.md"

HEAD = """# Server API

<!-- Written by docs/server_reference.py from the server's OpenAPI; a test compares both. -->

The HTTP interface of `anybone studio` and `anybone serve`. A running server returns the complete description, with
types and errors, at `/api/openapi.json`; [run the studio on a server](../how-to/studio-server.md) shows how to use it.

Every request except `GET /healthz`, the page itself and MONAI Label's login needs the token: `Authorization: Bearer
TOKEN`. An error is `{"error": {"kind": ..., "message": ...}}`; the kind is the class of the [error](errors.md), or
one of the server's own: `Unauthorized` 401, `Forbidden` 403, `NotFound` 404, `Busy` 409, `TooLarge` 413,
`UnsupportedMedia` 415, `SchemaError` 422, `Overloaded` 503. Voxel indices are those of the source; slices are cut along
the session's `axis`.
Labels of a slice are sent as run lengths, `[label, count, label, count, ...]`, with the first in-plane axis varying
fastest.

A request that changes a session returns the change: the new `revision`, the slices that differ (`changed`), all other
state that may have changed, and the return value in Python (`result`). `automatic` on more than one slice and
`propagate` become jobs: they return 202 with the job, and other changes to the session return 409 until it has ended.

The stream `events` reports `hello`, `change`, `preview` (a slice that a job has computed, before it is part of the
session), `progress`, `queue`, `saved`, `error` (the session could not be saved), `resync` (too many events were
missed: request `changes`) and `ping`.
"""

_TITLES = {"server": "The server", "sessions": "Sessions", "MONAI Label": "MONAI Label's clients"}
_METHODS = ("get", "post", "put", "delete")


def page() -> str:
    """Return the whole page as Markdown."""
    spec = openapi()
    lines = [HEAD]
    for tag, title in _TITLES.items():
        lines += [f"## {title}\n", "| | takes | gives |\n| --- | --- | --- |"]
        for path, methods in spec["paths"].items():
            lines += [
                _row(method, path, methods[method], spec)
                for method in _METHODS
                if method in methods and methods[method]["tags"] == [tag]
            ]
        lines.append("")
    return "\n".join(lines)


def _row(method: str, path: str, spec: dict[str, Any], whole: dict[str, Any]) -> str:
    takes = ", ".join([*_parameters(spec), *_body(spec, whole)])
    text = " ".join(spec.get("description", "").split())
    return f"| `{method.upper()} {path}` | {takes} | {text} |".replace("|  |", "| |")


def _parameters(spec: dict[str, Any]) -> Iterator[str]:
    for parameter in spec.get("parameters", ()):
        if parameter["in"] == "query":
            yield f"`{parameter['name']}`" + ("" if parameter.get("required") else "?")


def _body(spec: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    for kind, content in spec.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        if "$ref" in schema:
            schema = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        required = schema.get("required", ())
        form = " (form)" if kind.startswith(("multipart", "application/x-www")) else ""
        for name in schema.get("properties", {}):
            yield f"`{name}`" + ("" if name in required else "?") + form


def main() -> None:
    """Write the page, or with --check compare it with the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="Write nothing; exit with 1 where the page is old.")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE} is older than the server. Renew it: python docs/server_reference.py")


if __name__ == "__main__":
    main()
