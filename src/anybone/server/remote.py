"""A session on a server, as if it were here: the members of `anybone.Session`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from time import sleep
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
from anybone.server.facts import hex_color, prompt_facts, rgb_of

if TYPE_CHECKING:
    from anybone.server.client import Client

_POLL_S = (0.05, 1.0)  # between questions how far a job is: at first, and at most


class RemoteSession:
    """One person's work on one volume, on a server that others may look at too.

    What is read is asked for anew each time, so that others' changes show.

    Args:
        client: The server.
        facts: What it says of the session.
    """

    def __init__(self, client: Client, facts: Mapping[str, Any]) -> None:
        self._client, self._facts = client, dict(facts)
        self._path = f"/api/sessions/{facts['id']}"
        self._revision = 0  # at which nothing was there
        self._answer: dict[int, RunLengths] = {}
        self._bones: dict[int, RunLengths] = {}

    # --- what does not change ---

    @property
    def id(self) -> str:
        """Of the session on its server."""
        return str(self._facts["id"])

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self._facts["name"])

    @property
    def axis(self) -> int:
        """The array axis that slices are stacked along."""
        return int(self._facts["axis"])

    @property
    def geometry(self) -> Geometry:
        """The volume's grid; `volume` would fetch its voxels too."""
        first, second, third = self._facts["shape"]
        return Geometry((first, second, third), np.array(self._facts["affine"], dtype=np.float64))

    @cached_property
    def volume(self) -> Volume:
        """The image, in 16 bits as viewers get it, fetched once."""
        import nibabel as nib

        picture = nib.Nifti1Image.from_bytes(self._client.get(f"{self._path}/image").content)
        source, about = self._facts["source"], "Fetched from a server, in 16 bits."
        return Volume(
            np.asarray(picture.get_fdata(), dtype=np.float32),
            self.geometry,
            Source(Path(source["path"]), source["format"], source["series"], source["description"], None, (about,)),
        )

    @property
    def input_warnings(self) -> tuple[str, ...]:
        """Why the image does not look like MRI of a body; mostly nothing."""
        return tuple(self._facts["doubts"])

    # --- what does ---

    @property
    def revision(self) -> int:
        """Grows with every change."""
        return int(self._now()["revision"])

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._now()["can_undo"])

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to bring back."""
        return bool(self._now()["can_redo"])

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts since the last accepted bone; of a mask prompt, the answer on its slice."""
        return tuple(self._prompt(row) for row in self._now()["prompts"])

    @property
    def slices(self) -> list[int]:
        """The slices that have an answer now."""
        return list(self._now()["answered"])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The answer to the prompts so far, bool "i j k"; accepted bones are not part of it."""
        self._now()
        return self._volume_of(self._answer) > 0

    def slice_mask(self, index: int) -> NDArray[np.bool_]:
        """The answer on one slice, bool, the slice's in-plane array axes in ascending order."""
        self._now()
        return self._answer[index].to_mask() if index in self._answer else np.zeros(self._shape, dtype=bool)

    @property
    def bones(self) -> tuple[NamedBone, ...]:
        """The accepted bones."""
        return tuple(
            NamedBone(row["label"], row["name"], row["side"], rgb_of(row["color"]) or (0, 0, 0))
            for row in self._now()["bones"]
        )

    def statistics(self) -> list[dict[str, Any]]:
        """Voxels, volume, extent, slices and confidence of each accepted bone."""
        return list(self._now()["bones"])

    @property
    def slice_confidence(self) -> dict[int, float]:
        """The Dice to be expected on each slice; empty where the weights are not calibrated."""
        return {int(n): float(c) for n, c in self._now()["slice_confidence"].items()}

    @property
    def flagged(self) -> list[int]:
        """Slices to look at next, the least sure first."""
        return list(self._now()["flagged"])

    @property
    def history(self) -> tuple[Step, ...]:
        """What was done."""
        return tuple(Step(**row) for row in self._client.get(self._path).json()["history"])

    def probability(self, index: int) -> NDArray[np.float16]:
        """The calibrated probability of bone on one slice, in steps of 1/255; 0 where there is no answer."""
        content = self._client.get(f"{self._path}/probability", params={"slice": index}).content
        plane = np.frombuffer(content, np.uint8).reshape(self._shape, order="F")
        return np.asarray(plane / np.float32(255), dtype=np.float16)

    def segmentation(self) -> Segmentation:
        """The accepted bones on the volume's own grid."""
        now, info = self._now(), self._client.info()
        names = {row["label"]: row["name"] for row in now["bones"]}
        made = Provenance(info["version"], info["method"], source=self._facts["source"]["path"], device="server")
        return Segmentation(self._volume_of(self._bones), self.geometry, names=names, provenance=made)

    # --- verbs ---

    def add(self, *prompts: Prompt) -> RemoteSession:
        """This session, with prompts added and the slices that they touch answered anew."""
        if prompts:
            self._do("add", prompts=[_plain(prompt) for prompt in prompts])
        return self

    def paint(self, index: int, mask: NDArray[np.bool_], *, erase: bool = False) -> RemoteSession:
        """This session, with bone painted on a slice, or erased."""
        self._do("paint", slice=index, runs=RunLengths.from_array(np.asarray(mask) > 0).to_list(), erase=erase)
        return self

    def automatic(self, slices: Iterable[int] | None = None, progress: Progress | None = None) -> RemoteSession:
        """This session, with all bone found on the given slices (all that hold tissue) as an answer to correct."""
        chosen = {} if slices is None else {"slices": [int(n) for n in slices]}
        self._do("automatic", progress, **chosen)
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
        """The slices that the answer was carried to."""
        return list(
            self._do("propagate", progress, first=first, last=last, backwards=backwards, forwards=forwards) or []
        )

    def keep(self, ijk: Ijk) -> RemoteSession:
        """This session, with no more of the answer than the piece that holds a voxel."""
        self._do("keep", ijk=list(ijk))
        return self

    def interpolate(self, first: int | None = None, last: int | None = None) -> list[int]:
        """The slices between answered ones that were filled by shape."""
        return list(self._do("interpolate", first=first, last=last))

    def commit(self, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None) -> int:
        """The label that the answer got; the next bone starts afresh."""
        color = None if color_rgb is None else hex_color(color_rgb)
        return int(self._do("commit", name=name, side=side, color=color))

    def edit(self, label: int) -> RemoteSession:
        """This session, with an accepted bone as the answer again."""
        self._do("edit", label=label)
        return self

    def rename(
        self, label: int, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None
    ) -> RemoteSession:
        """This session, with a bone called otherwise."""
        color = None if color_rgb is None else hex_color(color_rgb)
        self._do("rename", label=label, name=name, side=side, color=color)
        return self

    def remove(self, label: int) -> RemoteSession:
        """This session without that bone."""
        self._do("remove", label=label)
        return self

    def split(self, label: int, *, min_mm3: float = 30.0) -> list[int]:
        """Split a bone into its connected components, and return their labels, largest first."""
        return list(self._do("split", label=label, min_mm3=min_mm3))

    def merge(self, labels: Iterable[int], into: int) -> RemoteSession:
        """This session, with several bones as one of them."""
        self._do("merge", labels=[int(label) for label in labels], into=into)
        return self

    def undo(self) -> bool:
        """Whether there was a change to take back."""
        return bool(self._do("undo"))

    def redo(self) -> bool:
        """Whether there was a change to bring back."""
        return bool(self._do("redo"))

    def reset(self) -> RemoteSession:
        """This session without prompts and answer; accepted bones stay."""
        self._do("reset")
        return self

    def encode(self, index: int) -> None:
        """Nothing; a hint that a click on this slice will follow."""
        self._client.post(f"{self._path}/look", json={"slice": index})

    def save(self, folder: str | Path, formats: Iterable[str] = ("nifti",)) -> list[Path]:
        """The files of the accepted bones, written by the server and fetched into a folder of this machine."""
        answer = self._client.post(f"{self._path}/save", json={"formats": list(formats)})
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for row in answer.json()["files"]:
            paths.append(folder / Path(row["download"]).name)
            paths[-1].write_bytes(self._client.get(row["download"]).content)
        return paths

    def forget(self) -> None:
        """Nothing; the session is gone from the server."""
        self._client.delete(self._path)

    # --- within ---

    @property
    def _shape(self) -> tuple[int, int]:
        rows, columns = (n for a, n in enumerate(self._facts["shape"]) if a != self.axis)
        return rows, columns

    def _volume_of(self, slices: Mapping[int, RunLengths]) -> NDArray[np.uint16]:
        labels = np.zeros(self._facts["shape"], dtype=np.uint16)
        by_slice = np.moveaxis(labels, self.axis, 0)
        for index, runs in slices.items():
            by_slice[index] = runs.to_array()
        return labels

    def _now(self) -> dict[str, Any]:
        """What the server says now; the slices that changed are taken over."""
        change: dict[str, Any] = self._client.get(f"{self._path}/changes", params={"since": self._revision}).json()
        self._take(change)
        return change

    def _take(self, change: Mapping[str, Any]) -> None:
        changed = change["changed"]
        for kept, rows in ((self._answer, changed["answer"]), (self._bones, changed["bones"])):
            if changed["complete"]:
                kept.clear()
            for row in rows:
                kept[row["slice"]] = RunLengths.from_list(self._shape, row["runs"])
        self._revision = int(change["revision"])

    def _do(self, verb: str, progress: Progress | None = None, **values: Any) -> Any:
        """What a verb gave; a job is waited for."""
        body = {name: value for name, value in values.items() if value is not None}
        answer = self._client.post(f"{self._path}/{verb}", json=body)
        return answer.json()["result"] if answer.status_code != 202 else self._wait(answer.json(), progress)

    def _wait(self, job: Mapping[str, Any], progress: Progress | None) -> Any:
        pause, most = _POLL_S
        while job["state"] in ("queued", "running"):
            sleep(pause)
            pause = min(pause * 1.5, most)
            job = self._client.get(f"{self._path}/jobs/{job['id']}").json()
            if progress is not None:
                try:
                    progress(job["step"], job["done"], job["total"])
                except BaseException:
                    self._client.post(f"{self._path}/cancel", json={})
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
                return MaskHint(self._answer[row["slice"]].to_mask(), row["slice"], self.axis)


def _plain(prompt: Prompt) -> dict[str, Any]:
    """A prompt as a request holds it."""
    row = prompt_facts(prompt)
    return {**row, "runs": RunLengths.from_array(prompt.mask).to_list()} if isinstance(prompt, MaskHint) else row
