"""Session on a server, with the members of `anybone.Session`, and the HTTP transport below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import AnyboneError
from anybone.core.geometry import Geometry
from anybone.core.labels import Rgb, Side
from anybone.core.progress import Cancelled, Progress
from anybone.core.prompts import Box, Ijk, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.core.run_lengths import RunLengths
from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Source, Volume
from anybone.interactive.committed_labels import NamedBone
from anybone.interactive.history import Step
from anybone.server.http_errors import error_from
from anybone.server.serialization import hex_color, prompt_row, rgb_of

if TYPE_CHECKING:
    import httpx

_POLL_S = (0.05, 1.0)  # between two requests for the progress of a job: at first, and at most
_TIMEOUT_S = 300.0  # a large volume is read and prepared within this time
_RETRY_S = 120.0  # requests refused by an overloaded server are repeated for so long


class Transport:
    """HTTP requests to a server, with its errors raised as Python errors.

    Args:
        url: Address of the server.
        token: Token of the server.
    """

    def __init__(self, url: str, token: str) -> None:
        import httpx

        self.url = url
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S, trust_env=False
        )

    def get(self, path: str, **request: Any) -> httpx.Response:
        """Send a GET request.

        Raises:
            AnyboneError: The server cannot be reached, or refuses the request.
        """
        return self._send("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        """Send a POST request; raises like `get`."""
        return self._send("POST", path, **request)

    def delete(self, path: str) -> None:
        """Send a DELETE request; raises like `get`."""
        self._send("DELETE", path)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        import httpx

        deadline = monotonic() + _RETRY_S
        while True:
            try:
                response = self._http.request(method, path, **request)
            except httpx.HTTPError as error:
                raise AnyboneError(
                    f"The server at {self.url} cannot be reached: {error}. Check that it is running."
                ) from error
            pause_s = _retry_after(response)
            if pause_s is None or "content" in request or monotonic() + pause_s > deadline:
                break
            sleep(pause_s)
        if response.status_code >= 400:
            try:
                fault = response.json()["error"]
                kind, message = str(fault["kind"]), str(fault["message"])
            except (ValueError, KeyError, TypeError):
                kind, message = "RequestRefused", f"{response.reason_phrase}: {response.text[:200]}"
            raise error_from(kind, message, response.status_code)
        return response


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds after which an overloaded server accepts the same request; None if it is not overloaded."""
    value = response.headers.get("retry-after", "")
    return float(value) if response.status_code == 503 and value.isdecimal() else None


class RemoteSession:
    """A session on a server, which others may use at the same time.

    Properties are requested each time they are read, so that changes of others are seen.

    Args:
        transport: Connection to the server.
        info: The session, as `wire.SessionInfo`.
    """

    def __init__(self, transport: Transport, info: Mapping[str, Any]) -> None:
        self._http, self._info = transport, dict(info)
        self._path = f"/api/sessions/{info['id']}"
        self._revision = 0  # of the empty session
        self._mask: dict[int, RunLengths] = {}
        self._labels: dict[int, RunLengths] = {}

    # --- constant ---

    @property
    def id(self) -> str:
        """Id of the session on its server."""
        return str(self._info["id"])

    @property
    def name(self) -> str:
        """Display name."""
        return str(self._info["name"])

    @property
    def axis(self) -> int:
        """Array axis that slices are stacked along."""
        return int(self._info["axis"])

    @property
    def geometry(self) -> Geometry:
        """Grid of the volume, without fetching its voxels."""
        first, second, third = self._info["shape"]
        return Geometry((first, second, third), np.array(self._info["affine"], dtype=np.float64))

    @cached_property
    def volume(self) -> Volume:
        """The image, in 16 bits as viewers get it, fetched once."""
        import nibabel as nib

        picture = nib.Nifti1Image.from_bytes(self._http.get(f"{self._path}/image").content)
        source, note = self._info["source"], "Fetched from a server, in 16 bits."
        return Volume(
            np.asarray(picture.get_fdata(), dtype=np.float32),
            self.geometry,
            Source(Path(source["path"]), source["format"], source["series"], source["description"], None, (note,)),
        )

    @property
    def input_warnings(self) -> tuple[str, ...]:
        """Warnings of the input checks; usually none."""
        return tuple(self._info["input_warnings"])

    # --- current ---

    @property
    def revision(self) -> int:
        """Number that grows with every change."""
        return int(self._update()["revision"])

    @property
    def can_undo(self) -> bool:
        """True if there is a step to undo."""
        return bool(self._update()["can_undo"])

    @property
    def can_redo(self) -> bool:
        """True if there is a step to redo."""
        return bool(self._update()["can_redo"])

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """Prompts since the last committed bone; for a mask prompt, the mask of its slice."""
        return tuple(self._prompt(row) for row in self._update()["prompts"])

    @property
    def slices(self) -> list[int]:
        """Slices of the current mask."""
        return list(self._update()["mask_slices"])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The current mask, bool "i j k", without committed bones."""
        self._update()
        return self._volume_of(self._mask) > 0

    def slice_mask(self, index: int) -> NDArray[np.bool_]:
        """Return the current mask on one slice, bool, in-plane array axes in ascending order."""
        self._update()
        return self._mask[index].to_mask() if index in self._mask else np.zeros(self._shape, dtype=bool)

    @property
    def bones(self) -> tuple[NamedBone, ...]:
        """The committed bones."""
        return tuple(
            NamedBone(row["label"], row["name"], row["side"], rgb_of(row["color"]) or (0, 0, 0))
            for row in self._update()["bones"]
        )

    def statistics(self) -> list[dict[str, Any]]:
        """Return voxels, volume, extent, slices and confidence of each committed bone."""
        return list(self._update()["bones"])

    @property
    def slice_confidence(self) -> dict[int, float]:
        """Expected Dice on each slice; empty if the weights are not calibrated."""
        return {int(n): float(c) for n, c in self._update()["slice_confidence"].items()}

    @property
    def flagged(self) -> list[int]:
        """Slices to check next, the lowest confidence first."""
        return list(self._update()["flagged"])

    @property
    def history(self) -> tuple[Step, ...]:
        """Steps up to the current state."""
        return tuple(Step(**row) for row in self._http.get(self._path).json()["history"])

    def probability(self, index: int) -> NDArray[np.float16]:
        """Return the calibrated probability of bone on one slice, in steps of 1/255; 0 without a mask."""
        content = self._http.get(f"{self._path}/probability", params={"slice": index}).content
        plane = np.frombuffer(content, np.uint8).reshape(self._shape, order="F")
        return np.asarray(plane / np.float32(255), dtype=np.float16)

    def segmentation(self) -> Segmentation:
        """Return the committed bones on the volume's own grid."""
        now, info = self._update(), dict(self._http.get("/api/info").json())
        names = {row["label"]: row["name"] for row in now["bones"]}
        made = Provenance(info["version"], info["method"], source=self._info["source"]["path"], device="server")
        return Segmentation(self._volume_of(self._labels), self.geometry, names=names, provenance=made)

    # --- commands ---

    def add(self, *prompts: Prompt) -> RemoteSession:
        """Add prompts, predict the slices that they touch again, and return this session."""
        if prompts:
            self._run("add", prompts=[_prompt_body(prompt) for prompt in prompts])
        return self

    def paint(self, index: int, mask: NDArray[np.bool_], *, erase: bool = False) -> RemoteSession:
        """Paint or erase on a slice, and return this session."""
        self._run("paint", slice=index, runs=RunLengths.from_array(np.asarray(mask) > 0).to_list(), erase=erase)
        return self

    def automatic(self, slices: Iterable[int] | None = None, progress: Progress | None = None) -> RemoteSession:
        """Find all bone on some slices (by default those with tissue), and return this session."""
        chosen = {} if slices is None else {"slices": [int(n) for n in slices]}
        self._run("automatic", progress, **chosen)
        return self

    def propagate(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        backwards: bool = True,
        forwards: bool = True,
        progress: Progress | None = None,
    ) -> list[int]:
        """Propagate the current mask, and return the slices that it reached."""
        return list(
            self._run("propagate", progress, first=first, last=last, backwards=backwards, forwards=forwards) or []
        )

    def keep(self, ijk: Ijk) -> RemoteSession:
        """Keep only the connected component that contains a voxel, and return this session."""
        self._run("keep", ijk=list(ijk))
        return self

    def interpolate(self, first: int | None = None, last: int | None = None) -> list[int]:
        """Fill slices between slices with a mask by shape, and return them."""
        return list(self._run("interpolate", first=first, last=last))

    def commit(self, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None) -> int:
        """Commit the current mask as a bone, and return its label."""
        color = None if color_rgb is None else hex_color(color_rgb)
        return int(self._run("commit", name=name, side=side, color=color))

    def edit(self, label: int) -> RemoteSession:
        """Make a committed bone the current mask again, and return this session."""
        self._run("edit", label=label)
        return self

    def rename(
        self, label: int, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None
    ) -> RemoteSession:
        """Rename a bone, and return this session."""
        color = None if color_rgb is None else hex_color(color_rgb)
        self._run("rename", label=label, name=name, side=side, color=color)
        return self

    def remove(self, label: int) -> RemoteSession:
        """Remove a bone, and return this session."""
        self._run("remove", label=label)
        return self

    def split(self, label: int, *, min_mm3: float = 30.0) -> list[int]:
        """Split a bone into its connected components, and return their labels, the largest first."""
        return list(self._run("split", label=label, min_mm3=min_mm3))

    def merge(self, labels: Iterable[int], into: int) -> RemoteSession:
        """Merge bones into one of them, and return this session."""
        self._run("merge", labels=[int(label) for label in labels], into=into)
        return self

    def undo(self) -> bool:
        """Undo the last step, and return whether there was one."""
        return bool(self._run("undo"))

    def redo(self) -> bool:
        """Redo the last undone step, and return whether there was one."""
        return bool(self._run("redo"))

    def reset(self) -> RemoteSession:
        """Remove prompts and current mask, and return this session; committed bones stay."""
        self._run("reset")
        return self

    def encode(self, index: int) -> None:
        """Encode a slice while the network is idle, so that a click on it is fast."""
        self._http.post(f"{self._path}/prefetch", json={"slice": index})

    def save(self, folder: str | Path, formats: Iterable[str] = ("nifti",)) -> list[Path]:
        """Save the committed bones on the server, and download the files into a folder of this machine."""
        answer = self._http.post(f"{self._path}/save", json={"formats": list(formats)})
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for row in answer.json()["files"]:
            paths.append(folder / Path(row["download"]).name)
            paths[-1].write_bytes(self._http.get(row["download"]).content)
        return paths

    def forget(self) -> None:
        """Delete the session from the server."""
        self._http.delete(self._path)

    # --- internal ---

    @property
    def _shape(self) -> tuple[int, int]:
        rows, columns = (n for a, n in enumerate(self._info["shape"]) if a != self.axis)
        return rows, columns

    def _volume_of(self, slices: Mapping[int, RunLengths]) -> NDArray[np.uint16]:
        labels = np.zeros(self._info["shape"], dtype=np.uint16)
        by_slice = np.moveaxis(labels, self.axis, 0)
        for index, runs in slices.items():
            by_slice[index] = runs.to_array()
        return labels

    def _update(self) -> dict[str, Any]:
        """Return the current state, after updating the slices that changed."""
        change: dict[str, Any] = self._http.get(f"{self._path}/changes", params={"since": self._revision}).json()
        self._apply(change)
        return change

    def _apply(self, change: Mapping[str, Any]) -> None:
        changed = change["changed"]
        for kept, rows in ((self._mask, changed["mask"]), (self._labels, changed["labels"])):
            if changed["complete"]:
                kept.clear()
            for row in rows:
                kept[row["slice"]] = RunLengths.from_list(self._shape, row["runs"])
        self._revision = int(change["revision"])

    def _run(self, verb: str, progress: Progress | None = None, **values: Any) -> Any:
        """Run a command and return its result; wait for a job."""
        body = {name: value for name, value in values.items() if value is not None}
        answer = self._http.post(f"{self._path}/{verb}", json=body)
        return answer.json()["result"] if answer.status_code != 202 else self._wait(answer.json(), progress)

    def _wait(self, job: Mapping[str, Any], progress: Progress | None) -> Any:
        pause, most = _POLL_S
        while job["state"] in ("queued", "running"):
            sleep(pause)
            pause = min(pause * 1.5, most)
            job = self._http.get(f"{self._path}/jobs/{job['id']}").json()
            if progress is not None:
                try:
                    progress(job["step"], job["done"], job["total"])
                except BaseException:
                    self._http.post(f"{self._path}/cancel", json={})
                    raise
        if job["state"] == "cancelled":
            raise Cancelled
        if job["state"] == "failed":
            raise AnyboneError(job["error"])
        return job["result"]

    def _prompt(self, row: Mapping[str, Any]) -> Prompt:
        match row["kind"]:
            case "point":
                return Point(row["ijk"], row["positive"])
            case "box":
                return Box(row["min_ijk"], row["max_ijk"])
            case "scribble":
                return Scribble(tuple(row["ijk_list"]), row["positive"])
            case "lasso":
                return Lasso(tuple(row["ijk_list"]))
            case _:
                return MaskHint(self._mask[row["slice"]].to_mask(), row["slice"], self.axis)


def _prompt_body(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as a request body."""
    row = prompt_row(prompt)
    return {**row, "runs": RunLengths.from_array(prompt.mask).to_list()} if isinstance(prompt, MaskHint) else row
