"""Dice on synthetic volumes of every region: automatic, after one and after three clicks a slice, and the floor's.

    anybone anatomy corpus --count 1 --seed 9000 -o held_out
    python benchmarks/regions.py held_out [--weights NAME|PATH] [--record FILE.json]

Each label map in the folder is scanned once, as a sequence and plane that are drawn by its name. No map of these seeds
may be in the corpus that the weights were trained on.
"""

from __future__ import annotations

import argparse
import json
import zlib
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

import anybone
from anybone.anatomy.contrast import SEQUENCES
from anybone.anatomy.label_map import load
from anybone.anatomy.scanner import PLANES, scan
from anybone.engine.segmenter import Segmenter
from anybone.evaluation.baselines import BASELINES
from anybone.evaluation.clicks import correct


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice of two masks of which one is not empty."""
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    network, floor = anybone.load(a.weights), Segmenter(BASELINES["cortex"](), name="cortex")
    figures: dict[str, dict[str, float]] = {}
    scanned: dict[str, str] = {}
    for path in sorted(a.maps.glob("*.safetensors")):
        seed = zlib.crc32(path.stem.encode())
        sequence, plane = list(SEQUENCES)[seed % len(SEQUENCES)], list(PLANES)[seed // 64 % len(PLANES)]
        volume, bones = scan(load(path), sequence, plane, seed)
        truth = bones.mask
        session = network.session(volume).automatic()
        one, _, three = correct(session, truth, 3)
        scanned[path.stem] = f"{sequence} {plane}"
        figures[path.stem] = {
            "automatic": dice(network.segment(volume).mask, truth),
            "one click": dice(one, truth),
            "three clicks": dice(three, truth),
            "cortex": dice(floor.segment(volume).mask, truth),
        }
        print(
            f"{path.stem:24} {scanned[path.stem]:18}",
            {k: round(v, 3) for k, v in figures[path.stem].items()},
            flush=True,
        )
    figures["mean"] = {k: mean(f[k] for f in figures.values()) for k in next(iter(figures.values()))}
    print("mean", {k: round(v, 3) for k, v in figures["mean"].items()})
    if a.record:
        rounded = {name: {k: round(v, 4) for k, v in f.items()} for name, f in figures.items()}
        facts = {"weights": network.name, "sha256": network.weights_sha256, "scanned": scanned, "dice": rounded}
        a.record.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
