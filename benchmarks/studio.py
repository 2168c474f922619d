"""Measure the studio's response times: requests to a server on this machine, with the weights that ship.

    python benchmarks/studio.py [--threads 2] [--clicks 6] [--large]

The last column is the share of the time that a person should wait at most: a second for the first click on a volume,
counted from asking for it to be opened, and 0.3 s for each further one. "After a pause" is as long as a person takes to
look at the next slice, which is encoded meanwhile. --large adds a volume of 512 x 512 x 200 voxels.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx
import numpy as np
import torch

import anybone
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.server.running import Server, listen, method_of
from anybone.server.settings import Settings
from anybone.synthetic.example_knee import example_scan

FIRST_S, NEXT_S = 1.0, 0.3
PAUSE_S = 2.5


@contextmanager
def serving(folder: Path) -> Iterator[httpx.Client]:
    """Yield a client of a server on a folder, with its network loaded."""
    listening = listen("127.0.0.1", 0)
    settings = Settings(state=folder / "state", folder=folder)
    server = Server(settings, method_of(None, "cpu"), listening)
    thread = threading.Thread(target=server.go)
    thread.start()
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {settings.token}"}, timeout=120) as client:
        while not client.get("/api/info").json()["ready"]:
            time.sleep(0.1)
        yield client
    server.should_exit = True
    thread.join()


def timed(ask: Callable[[], httpx.Response]) -> float:
    """Seconds until the answer is there."""
    start = perf_counter()
    ask().raise_for_status()
    return perf_counter() - start


def inner_voxels(truth: np.ndarray, axis: int) -> dict[int, list[int]]:
    """Return a voxel inside the largest bone of each slice that has one."""
    found = {}
    for index in range(truth.shape[axis]):
        rows_columns = np.argwhere(np.take(truth, index, axis) > 0)
        if len(rows_columns):
            voxel = rows_columns[len(rows_columns) // 2].tolist()
            voxel.insert(axis, index)
            found[index] = voxel
    return found


def measure(client: httpx.Client, name: str, truth: np.ndarray, clicks: int) -> dict[str, float]:
    """Seconds of each thing that a person waits for."""
    start = perf_counter()
    session = client.post("/api/sessions", json={"path": name}).raise_for_status().json()
    seconds = {"open a volume": perf_counter() - start}
    path, axis = f"/api/sessions/{session['id']}", session["axis"]
    voxels = inner_voxels(truth, axis)
    middle = session["slices"] // 2

    def click(index: int, shift: int = 0) -> float:
        voxel = list(voxels[index])
        voxel[(axis + 1) % 3] += shift
        return timed(lambda: client.post(f"{path}/add_point", json={"ijk": voxel}))

    click(middle)
    seconds["... and its first click, at once"] = perf_counter() - start
    seconds["the image, for the viewer"] = timed(lambda: client.get(f"{path}/image"))
    near = [n for n in range(middle + 1, middle + 1 + clicks) if n in voxels]
    ahead = []
    for n in near:
        time.sleep(PAUSE_S)
        ahead.append(click(n))
    seconds["click on the next slice, after a pause"] = statistics.median(ahead)
    seconds["further click on a slice"] = statistics.median([click(middle, shift) for shift in range(2, 2 + clicks)])
    far = [n for n in sorted(voxels) if n < middle - 4][:clicks]
    seconds["click on a far slice, at once"] = statistics.median([click(n) for n in far])
    seconds["undo"] = timed(lambda: client.post(f"{path}/undo", json={}))
    seconds["commit"] = timed(lambda: client.post(f"{path}/commit", json={"name": "bone"}))
    seconds["all layers, for a new tab"] = timed(lambda: client.get(f"{path}/layers"))
    return seconds


GOALS = {
    "... and its first click, at once": FIRST_S,
    "click on the next slice, after a pause": NEXT_S,
    "further click on a slice": NEXT_S,
    "click on a far slice, at once": NEXT_S,
}


def large(volume: Volume, truth: np.ndarray) -> tuple[Volume, np.ndarray]:
    """Return the knee, stretched to 512 x 512 x 200 voxels."""
    where = [np.linspace(0, n - 1, m).round().astype(int) for n, m in zip(truth.shape, (512, 512, 200), strict=True)]
    data = volume.data[np.ix_(*where)]
    return Volume(data, Geometry(data.shape, np.diag([0.35, 0.35, 0.6, 1.0]))), truth[np.ix_(*where)]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    volume, bones = example_scan()
    cases = [("knee.nii.gz", volume, bones.labels)]
    if a.large:
        cases.append(("large.nii.gz", *large(volume, bones.labels)))
    with tempfile.TemporaryDirectory() as folder:
        for name, image, _ in cases:
            anybone.write(image, Path(folder) / name)
        with serving(Path(folder)) as client:
            for name, image, truth in cases:
                shape = " x ".join(str(n) for n in image.geometry.shape_ijk)
                print(f"studio, {shape}, {a.threads} threads")
                for what, seconds in measure(client, name, truth, a.clicks).items():
                    goal = f"   {seconds / GOALS[what]:5.2f} of {GOALS[what]:g} s" if what in GOALS else ""
                    print(f"{what:40s} {seconds:7.3f} s{goal}")


if __name__ == "__main__":
    main()
