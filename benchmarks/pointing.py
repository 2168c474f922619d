"""One click on one bone: Dice of that bone on the slice, and through the volume once it is followed.

    anybone anatomy corpus --count 1 --seed 9000 -o held_out
    python benchmarks/pointing.py held_out [--weights NAME|PATH] [--record FILE.json]

Each label map in the folder is scanned once, by the sequence and plane that are drawn by its name; up to four of its
larger bones are clicked in the middle of their middle slice, one after the other, and followed from there.
Beyond its ends a bone is counted as it is: what is found there is wrong.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from regions import dice, means, scans
from scipy import ndimage

import anybone
from anybone.interactive.session import Session

AMONG, BONES, LEAST_SLICES = 12, 4, 3


def chosen(labels: NDArray[np.integer], seed: int) -> Iterator[NDArray[np.bool_]]:
    """Return some of the larger bones of a volume, "slice rows columns"."""
    each = {label: labels == label for label in np.unique(labels[labels > 0]).tolist()}
    through = {label: bone for label, bone in each.items() if bone.any((1, 2)).sum() >= LEAST_SLICES}
    largest = sorted(through, key=lambda label: -int(through[label].sum()))[:AMONG]
    for label in np.random.default_rng(seed).permutation(largest)[:BONES].tolist():
        yield through[label]


def clicked(session: Session, bone: NDArray[np.bool_]) -> dict[str, float]:
    """Return the scores of one click in the middle of a bone."""
    axis = session.axis
    there = np.flatnonzero(bone.any((1, 2)))
    index = int(there[len(there) // 2])
    inside = ndimage.distance_transform_edt(np.pad(bone[index], 1))[1:-1, 1:-1]
    place = list(np.unravel_index(int(inside.argmax()), inside.shape))
    i, j, k = (int(n) for n in np.insert(place, axis, index))
    session.reset()
    session.add(anybone.Point((i, j, k)))
    on_slice = dice(np.moveaxis(session.mask, axis, 0)[index], bone[index])
    session.propagate()
    found = np.moveaxis(session.mask, axis, 0)
    has, is_there = found.any((1, 2)), bone.any((1, 2))
    beyond, short = int((has & ~is_there).sum()), int((is_there & ~has).sum())
    return {"slice": on_slice, "volume": dice(found, bone), "slices beyond": beyond, "slices short": short}


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    network = anybone.load(a.weights)
    figures: dict[str, dict[str, float]] = {}
    rows: list[dict[str, float]] = []
    for path in sorted(a.maps.glob("*.safetensors")):
        by, volume, bones = next(scans(path, 1))
        labels = np.moveaxis(bones.labels, volume.geometry.slice_axis, 0)
        session = network.session(volume)
        own = [clicked(session, bone) for bone in chosen(labels, zlib.crc32(path.stem.encode()))]
        rows += own
        figures[path.stem] = {key: round(value, 4) for key, value in means(own).items()}
        print(f"{path.stem:24} {by}", len(own), figures[path.stem], flush=True)
    together = {key: round(value, 4) for key, value in means(rows).items()}
    print(f"{len(rows)} bones", together)
    if a.record:
        facts = {"weights": network.name, "sha256": network.weights_sha256, "bones": len(rows), "mean": together}
        a.record.write_text(json.dumps({**facts, "by_map": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
