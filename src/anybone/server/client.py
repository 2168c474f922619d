"""`anybone.connect`: sessions of a server in Python, with the members of `anybone.Session`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from anybone.core.errors import AnyboneError, SeriesError, UsageError
from anybone.server.optional_packages import require_client
from anybone.server.remote_session import RemoteSession, Transport

_CHUNK_BYTES = 1 << 20


def connect(url: str, token: str) -> Client:
    """Connect to a server that `anybone serve` or `anybone studio` runs.

    Args:
        url: Address of the server, such as "https://bones.example:8765".
        token: Token of the server.

    Raises:
        AnyboneError: The server cannot be reached.
        Unauthorized: The server does not accept the token.
        MissingExtraError: httpx is not installed.
    """
    require_client("anybone.connect")
    client = Client(url, token)
    try:
        client.info()
    except AnyboneError:
        client.close()
        raise
    return client


class Client:
    """Connection to a server. Use it in a `with` block, or close it.

    Requests that an overloaded server refuses are sent again after the time that it asks for.

    Args:
        url: Address of the server.
        token: Token of the server.
    """

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"The server's address has to begin with http:// or https://; found {url!r}.")
        self._http = Transport(url.partition("#")[0], token)

    def info(self) -> dict[str, Any]:
        """Return version, weights, limits and formats of the server."""
        return dict(self._http.get("/api/info").json())

    def sessions(self) -> list[dict[str, Any]]:
        """Return all sessions, latest first: id, name, path, time of the last change, names of bones."""
        return list(self._http.get("/api/sessions").json())

    def files(self, path: str = "") -> list[dict[str, Any]]:
        """Return the entries of a folder below the served folder: name, path, kind, size."""
        return list(self._http.get("/api/files", params={"path": path}).json()["entries"])

    def session(self, session_id: str) -> RemoteSession:
        """Return the session of an id.

        Raises:
            NotFound: There is none.
        """
        return RemoteSession(self._http, self._http.get(f"/api/sessions/{session_id}").json())

    def open(self, path: str, series: str | None = None, *, resume: bool = False) -> RemoteSession:
        """Start a session on an image below the server's folder.

        Args:
            path: Path below the served folder.
            series: DICOM series, as `anybone.read` takes it.
            resume: True to resume the latest saved session on the same image, if there is one.

        Raises:
            SeriesError: The image has several series and none was chosen.
            AnyboneError: The image does not exist or cannot be read.
        """
        return self._open({"path": path, "series": series, "resume": resume})

    def send(self, path: str | Path, series: str | None = None) -> RemoteSession:
        """Upload an image, a file or a folder of DICOM, and start a session on it.

        Raises:
            AnyboneError: The server refuses it.
        """
        path = Path(path)
        if not path.exists():
            raise UsageError(f"{path} does not exist. Check the name.")
        files = [p for p in sorted(path.rglob("*")) if p.is_file()] if path.is_dir() else [path]
        boundary = uuid.uuid4().hex
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = self._http.post("/api/uploads", content=form_of(path.parent, files, boundary), headers=kind)
        return self._open({"upload": answer.json()["upload"], "series": series})

    def close(self) -> None:
        """Close the connection. Sessions stay on the server."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, body: Mapping[str, Any]) -> RemoteSession:
        answer = self._http.post("/api/sessions", json={k: v for k, v in body.items() if v is not None})
        if answer.status_code == 300:
            rows = "".join(f"\n  {row['key']}: {row['description']}" for row in answer.json()["series"])
            raise SeriesError(
                f"The image has several series. Choose one with series=KEY; KEY is before the colon:{rows}"
            )
        return RemoteSession(self._http, answer.json())


def form_of(top: Path, files: Sequence[Path], boundary: str) -> Iterator[bytes]:
    """Yield the body of a multipart form with files by their paths below `top`, each opened when it is sent."""
    for path in files:
        name = path.relative_to(top).as_posix().replace("\\", "_").replace('"', "_").replace("\n", "_")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        yield head.encode()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
