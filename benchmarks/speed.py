"""Speed and memory of the released-size network on this machine, as ratios within one run.

    python benchmarks/speed.py [--slices 74] [--threads 2] [--record FILE.json]

The volume is 272 x 204 x 74 voxels, made in code; weights are random, which costs the same. "As published" repeats the
published program's work with the same network: square 1024-pixel slices, whole feature maps, norms not folded, the 3-D
branch again for each slice. Each measurement runs in a process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from anybone.core.geometry import Geometry
from anybone.core.prompts import Point
from anybone.core.volume import Volume
from anybone.inference.attention import attention_map
from anybone.inference.device import has_bfloat16
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import published_input, published_volume_input
from anybone.inference.segmenter import Segmenter
from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from limb_phantom import limb_phantom  # noqa: E402: shared with the tests

SHAPE = (272, 204, 74)


def network() -> BoneSam:
    """Return a network of the released size with random weights."""
    torch.manual_seed(0)
    return BoneSam(ModelConfig()).eval().requires_grad_(False)


def volume(slices: int) -> Volume:
    """Return a limb of the hand sample's size: 1 mm along each axis."""
    limb = limb_phantom(seed=0, shape_ijk=(*SHAPE[:2], slices))[0]
    return Volume(limb.data, Geometry(limb.data.shape, np.eye(4)))


def as_published(slices: int, repeats: int = 3) -> dict[str, float]:
    """Seconds a slice, the published program's way; gradients stay enabled, as that keeps whole feature maps."""
    model, data = network(), volume(slices).data
    seconds = []
    for k in range(repeats + 1):
        start = perf_counter()
        attention = attention_map(model.attend(published_volume_input(data))[0, 0], k, slices)[None]
        model.decode(model.fuse(model.encode(published_input(data, k)), attention))
        seconds.append(perf_counter() - start)
    return {"seconds_a_slice": statistics.median(seconds[1:])}


def segment(slices: int, **options: Any) -> dict[str, float]:
    """Seconds a slice of a whole volume, all in, the first call's warm-up too."""
    segmenter, image = Segmenter(network(), name="random"), volume(slices)
    chosen = SegmentOptions(min_signal=0.0, **options)
    start = perf_counter()
    bones = segmenter.segment(image, chosen)
    total = perf_counter() - start
    assert bones.provenance is not None
    steps = {f"{step}_a_slice": seconds / slices for step, seconds in bones.provenance.timings_s.items()}
    return {"seconds_a_slice": total / slices, "attend_once": bones.provenance.timings_s["attend"], **steps}


def clicks(slices: int, count: int = 8) -> dict[str, float]:
    """Seconds to open a session, for the first click on a slice and for each further one, mask included."""
    image = volume(slices)
    start = perf_counter()
    session = Segmenter(network(), name="random").session(image)
    opened = perf_counter() - start
    seconds = []
    for n in range(count):
        start = perf_counter()
        session.add(Point((100 + 5 * n, 100, slices // 2)))
        session.slice_mask(slices // 2)
        seconds.append(perf_counter() - start)
    return {"open": opened, "first_click": seconds[0], "next_click": statistics.median(seconds[1:])}


def alone(function: Callable[..., dict[str, float]], threads: int, *args: Any, **kwargs: Any) -> dict[str, float]:
    """Return the function's figures and its peak memory, measured in a separate process."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=_measured, args=(queue, function, threads, args, kwargs))
    process.start()
    result: dict[str, float] = queue.get()
    process.join()
    return result


def _measured(queue: Any, function: Callable[..., dict[str, float]], threads: int, args: Any, kwargs: Any) -> None:
    torch.set_num_threads(threads)
    result = function(*args, **kwargs)
    scale = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    queue.put({**result, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e9})


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=SHAPE[2])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    figures = {
        "as published": alone(as_published, a.threads, a.slices),
        "anybone, published preprocessing": alone(segment, a.threads, a.slices, preprocessing="published"),
        "anybone, default": alone(segment, a.threads, a.slices),
        "anybone, --fast": alone(segment, a.threads, a.slices, every=2, bfloat16=has_bfloat16(torch.device("cpu"))),
        "clicks": alone(clicks, a.threads, a.slices),
    }
    reference = figures["as published"]["seconds_a_slice"]
    print(f"{platform.processor() or platform.machine()}, {a.threads} threads, {SHAPE[0]} x {SHAPE[1]} x {a.slices}")
    for name, figure in figures.items():
        if "seconds_a_slice" in figure:
            ratio = reference / figure["seconds_a_slice"]
            print(
                f"{name:34s} {figure['seconds_a_slice']:6.2f} s a slice   {ratio:5.1f} x   {figure['peak_gb']:.2f} GB"
            )
    click = figures["clicks"]
    print(f"{'session: open':34s} {click['open']:6.2f} s (the 3-D branch, once)   {click['peak_gb']:.2f} GB")
    for name in ("first_click", "next_click"):
        print(f"{'session: ' + name.replace('_', ' '):34s} {click[name]:6.2f} s   {reference / click[name]:5.1f} x")
    if a.record:
        rounded = {k: {n: float(np.round(v, 4)) for n, v in f.items()} for k, f in figures.items()}
        a.record.write_text(json.dumps(rounded, indent=1) + "\n")


if __name__ == "__main__":
    main()
