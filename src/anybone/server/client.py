"""`anybone.connect`: a server's sessions in Python, with the members of `anybone.Session`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from anybone.core.errors import AnyboneError, SeriesError, UsageError
from anybone.server.extra import require_client
from anybone.server.problems import error_from

if TYPE_CHECKING:
    import httpx

    from anybone.server.remote import RemoteSession

_PIECE_BYTES = 1 << 20
_PATIENCE_S = 300.0  # a large volume is read and prepared within


def connect(url: str, token: str) -> Client:
    """The sessions of a server, as `anybone serve` or `anybone studio` runs it.

    Args:
        url: Its address, such as "https://bones.example:8765".
        token: What it asks for.

    Raises:
        AnyboneError: It cannot be reached, or the token is another one.
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
    """A server. Use it in a `with` block, or close it.

    Args:
        url: Its address.
        token: What it asks for.
    """

    def __init__(self, url: str, token: str) -> None:
        import httpx

        if not url.startswith(("http://", "https://")):
            raise UsageError(f"A server's address begins with http:// or https://; found {url!r}.")
        base = url.partition("#")[0]
        self._http = httpx.Client(
            base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=_PATIENCE_S, trust_env=False
        )

    def info(self) -> dict[str, Any]:
        """Version, weights, limits and formats of the server."""
        return dict(self.get("/api/info").json())

    def sessions(self) -> list[dict[str, Any]]:
        """All sessions, the latest first: id, name, path, when changed, names of bones."""
        return list(self.get("/api/sessions").json())

    def files(self, path: str = "") -> list[dict[str, Any]]:
        """What a folder below the served one holds: name, path, kind, size."""
        return list(self.get("/api/files", params={"path": path}).json()["entries"])

    def session(self, session_id: str) -> RemoteSession:
        """The session of that id.

        Raises:
            AnyboneError: There is none.
        """
        from anybone.server.remote import RemoteSession

        return RemoteSession(self, self.get(f"/api/sessions/{session_id}").json())

    def open(self, path: str, series: str | None = None, *, resume: bool = False) -> RemoteSession:
        """A new session on an image below the server's folder.

        Args:
            path: Below the folder that is served.
            series: Which DICOM series, as `anybone.read` takes it.
            resume: Go on with the latest saved session on the same image, if there is one.

        Raises:
            SeriesError: It holds several and none was chosen.
            AnyboneError: There is no such image, or it cannot be read.
        """
        return self._open({"path": path, "series": series, "resume": resume})

    def send(self, path: str | Path, series: str | None = None) -> RemoteSession:
        """A new session on an image of this machine, which is uploaded: a file, or a folder of DICOM.

        Raises:
            AnyboneError: The server refuses it.
        """
        path = Path(path)
        if not path.exists():
            raise UsageError(f"{path} does not exist. Check the name.")
        files = [p for p in sorted(path.rglob("*")) if p.is_file()] if path.is_dir() else [path]
        boundary = uuid.uuid4().hex
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = self.post("/api/uploads", content=form_of(path.parent, files, boundary), headers=kind)
        return self._open({"upload": answer.json()["upload"], "series": series})

    def close(self) -> None:
        """Nothing; ends the connection. Sessions stay on the server."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, path: str, **request: Any) -> httpx.Response:
        """The answer to a GET.

        Raises:
            AnyboneError: What the server refused it with.
        """
        return self._ask("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        """The answer to a POST; errors as `get`."""
        return self._ask("POST", path, **request)

    def delete(self, path: str) -> None:
        """Nothing; errors as `get`."""
        self._ask("DELETE", path)

    def _open(self, body: Mapping[str, Any]) -> RemoteSession:
        from anybone.server.remote import RemoteSession

        answer = self.post("/api/sessions", json={k: v for k, v in body.items() if v is not None})
        if answer.status_code == 300:
            rows = "".join(f"\n  {row['key']}: {row['description']}" for row in answer.json()["series"])
            raise SeriesError(
                f"The image holds several series. Choose one with series=KEY; KEY is before the colon:{rows}"
            )
        return RemoteSession(self, answer.json())

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        import httpx

        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise AnyboneError(
                f"The server at {self._http.base_url} cannot be reached: {error}. Does it run?"
            ) from error
        if answer.status_code >= 400:
            try:
                fault = answer.json()["error"]
                kind, message = str(fault["kind"]), str(fault["message"])
            except (ValueError, KeyError, TypeError):
                kind, message = "Refusal", f"{answer.reason_phrase}: {answer.text[:200]}"
            raise error_from(kind, message, answer.status_code)
        return answer


def form_of(top: Path, files: Sequence[Path], boundary: str) -> Iterator[bytes]:
    """The body of a multipart form with files by their paths below `top`, each opened when its turn comes."""
    for path in files:
        name = path.relative_to(top).as_posix().replace("\\", "_").replace('"', "_").replace("\n", "_")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        yield head.encode()
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
