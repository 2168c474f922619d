"""Dice on synthetic volumes of every region: automatic, after one and after three clicks a slice, and the floor's.

    anybone anatomy corpus --count 1 --seed 9000 -o held_out
    python benchmarks/regions.py held_out [--weights NAME|PATH] [--scans 2] [--record FILE.json]

Each label map in the folder is scanned twice, by sequences and planes that are drawn by its name; figures are
means over its scans. No map of these seeds may be in the corpus that the weights were trained on.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

import anybone
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.evaluation.clicks import correct
from anybone.inference.classical.methods import BASELINES
from anybone.inference.segmenter import Segmenter
from anybone.synthetic.contrast import SEQUENCES
from anybone.synthetic.label_map import load
from anybone.synthetic.scanner import PLANES, scan


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice of two masks of which one is not empty."""
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def scans(path: Path, count: int) -> Iterator[tuple[str, Volume, Segmentation]]:
    """Yield scans of a label map: key, image, bones; the map's name seeds sequence and plane."""
    anatomy = load(path)
    for number in range(count):
        seed = zlib.crc32(f"{path.stem} {number}".encode() if number else path.stem.encode())
        sequence, plane = list(SEQUENCES)[seed % len(SEQUENCES)], list(PLANES)[seed // 64 % len(PLANES)]
        volume, bones = scan(anatomy, sequence, plane, seed)
        yield f"{sequence} {plane}", volume, bones


def measured(network: Segmenter, floor: Segmenter, volume: Volume, truth: NDArray[np.bool_]) -> dict[str, float]:
    """Dice by how much help there was."""
    one, _, three = correct(network.session(volume).automatic(), truth, 3)
    return {
        "automatic": dice(network.segment(volume).mask, truth),
        "one click": dice(one, truth),
        "three clicks": dice(three, truth),
        "classical": dice(floor.segment(volume).mask, truth),
    }


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each column."""
    return {key: mean(row[key] for row in rows) for key in rows[0]}


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--scans", type=int, default=2)
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    network, floor = anybone.load(a.weights), Segmenter(BASELINES["classical"](), name="classical")
    figures: dict[str, dict[str, float]] = {}
    scanned: dict[str, list[str]] = {}
    for path in sorted(a.maps.glob("*.safetensors")):
        rows = []
        for by, volume, bones in scans(path, a.scans):
            rows.append(measured(network, floor, volume, bones.mask))
            scanned.setdefault(path.stem, []).append(by)
            print(f"{path.stem:24} {by:18}", {k: round(v, 3) for k, v in rows[-1].items()}, flush=True)
        figures[path.stem] = means(rows)
    figures["mean"] = means(list(figures.values()))
    print("mean", {k: round(v, 3) for k, v in figures["mean"].items()})
    if a.record:
        rounded = {name: {k: round(v, 4) for k, v in f.items()} for name, f in figures.items()}
        facts = {"weights": network.name, "sha256": network.weights_sha256, "scanned": scanned, "dice": rounded}
        a.record.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
