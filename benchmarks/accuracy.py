"""Dice of the shipped weights and of the floor on the validation patients, on the images' own grids.

    python benchmarks/accuracy.py SHARED_DATA [--weights NAME|PATH] [--record FILE.json]

SHARED_DATA holds spine_t2/ and limb_t1/. Every patient counts once: its Dice pools all slices where the truth is known.
"click" gives one point in the middle of each bone of each slice, which is more than a person would do in a volume;
"propagated" gives one point in each bone of the middle slice and carries it through the volume; "three clicks" corrects
the automatic answer with at most three clicks a slice, each in the middle of the largest error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import anybone
from anybone.core.geometry import Geometry
from anybone.core.prompts import Point
from anybone.evaluation.clicks import correct
from anybone.inference.classical.methods import BASELINES
from anybone.inference.segmenter import Segmenter
from anybone.training.cache import IGNORE
from anybone.training.public_sets import VALIDATION, without_sacrum

SPINE_MM = (0.55, 0.55, 4.0)  # in-plane as the data's description says; the distance of slices is not known
MIN_CLICKED_PIXELS = 20


@dataclass(frozen=True)
class Case:
    """A patient: the volume, and what is known of its bone (1, 0, or IGNORE)."""

    name: str
    volume: anybone.Volume
    truth: NDArray[np.uint8]


def cases(folder: Path) -> Iterator[Case]:
    """Yield the validation patients."""
    for name in sorted(VALIDATION):
        region, number = name.split("/")
        yield _spine(folder / "spine_t2" / number, name) if region == "spine" else limb(folder / "limb_t1", number)


def _spine(folder: Path, name: str) -> Case:
    paths = sorted(p for p in folder.glob("*.png") if not p.stem.endswith("_labels"))
    data = np.stack([np.asarray(Image.open(p), dtype=np.float32) for p in paths], -1)
    labels = [np.asarray(Image.open(p.with_name(p.stem + "_labels.png"))) for p in paths]
    truth = np.stack([without_sacrum(plane) for plane in labels], -1)
    return Case(name, anybone.Volume(data, Geometry(data.shape, np.diag([*SPINE_MM, 1.0]))), truth)


def limb(folder: Path, number: str) -> Case:
    """Return a patient of limb_t1, restricted to the slices whose bone is labeled completely."""
    volume = anybone.read(folder / f"{number}_t1.nii.gz")
    bone = np.asarray(nib.load(folder / f"{number}_bone.nii.gz").dataobj) > 0
    truth = np.full(bone.shape, IGNORE, dtype=np.uint8)
    trusted = json.loads((folder / "trusted_slices.json").read_text())[number]["trusted_slices"]
    truth[..., trusted] = bone[..., trusted]
    return Case(f"limb/{number}", volume, truth)


def dice(found: NDArray[np.bool_], truth: NDArray[np.uint8]) -> float:
    """Dice where the truth is known."""
    known = truth != IGNORE
    both = (found & (truth == 1)).sum()
    return float(2 * both / ((found & known).sum() + (truth == 1).sum()))


def middles(plane: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """For each bone of a slice its most inner pixel."""
    labels, count = ndimage.label(plane)
    depth = ndimage.distance_transform_edt(np.pad(plane, 1))[1:-1, 1:-1]
    large = [n for n in range(1, count + 1) if (labels == n).sum() >= MIN_CLICKED_PIXELS]
    return [tuple(map(int, p)) for p in ndimage.maximum_position(depth, labels, large)] if large else []


def clicked(segmenter: Segmenter, case: Case) -> NDArray[np.bool_]:
    """Return the mask for one point in each bone of each slice."""
    session = segmenter.session(case.volume)
    points = [Point((i, j, k)) for k in range(case.truth.shape[2]) for i, j in middles(case.truth[..., k] == 1)]
    session.add(*points)
    return session.mask


def propagated(segmenter: Segmenter, case: Case) -> NDArray[np.bool_]:
    """Return the mask for one point in each bone of the middle labeled slice, propagated through the volume."""
    session = segmenter.session(case.volume)
    bony = np.flatnonzero((case.truth == 1).any((0, 1)))
    k = int(bony[len(bony) // 2])
    session.add(*[Point((i, j, k)) for i, j in middles(case.truth[..., k] == 1)])
    session.propagate()
    return session.mask


def corrected(segmenter: Segmenter, case: Case, clicks: int = 3) -> NDArray[np.bool_]:
    """Return the automatic mask after some clicks per slice."""
    session = segmenter.session(case.volume).automatic()
    return correct(session, case.truth == 1, clicks, known=case.truth != IGNORE)[-1]


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    network, floor = anybone.load(a.weights), Segmenter(BASELINES["classical"](), name="classical")
    figures: dict[str, dict[str, float]] = {}
    for case in cases(a.data):
        figures[case.name] = {
            "automatic": dice(network.segment(case.volume).mask, case.truth),
            "click": dice(clicked(network, case), case.truth),
            "propagated": dice(propagated(network, case), case.truth),
            "three clicks": dice(corrected(network, case), case.truth),
            "classical": dice(floor.segment(case.volume).mask, case.truth),
        }
        print(case.name, {k: round(v, 3) for k, v in figures[case.name].items()}, flush=True)
    for region in ("spine", "limb"):
        rows = [f for name, f in figures.items() if name.startswith(region)]
        figures[region] = {k: mean(r[k] for r in rows) for k in rows[0]}
        print(region, len(rows), "patients", {k: round(v, 3) for k, v in figures[region].items()})
    if a.record:
        rounded = {name: {k: round(v, 4) for k, v in f.items()} for name, f in figures.items()}
        facts = {"weights": network.name, "sha256": network.weights_sha256, "dice": rounded}
        a.record.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
