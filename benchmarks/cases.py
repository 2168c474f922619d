"""Cases to compare on, as volumes with a manifest: the public collections, and scans of synthetic anatomy.

    python benchmarks/cases.py patients SHARED_DATA OUT
    python benchmarks/cases.py synthetic MAPS OUT [--training]

The first writes OUT/patients.csv: SHARED_DATA holds spine_t2/ and limb_t1/; the usual patients are kept for validation.
The second writes OUT/synthetic.csv: one scan of each label map in the folder MAPS, all of them kept for validation, or
to be learned from; the sequences and planes take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

import anybone
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.synthetic.label_map import load
from anybone.synthetic.scanner.scan import Series, scan
from anybone.training.cache import IGNORE
from anybone.training.cases import TRAINING, VALIDATION, Case
from anybone.training.manifest import write_manifest
from anybone.training.public_sets import VALIDATION as HELD_OUT
from anybone.training.public_sets import limb_volumes, spine_volumes
from anybone.training.slices import CaseVolume

SPINE_MM = (0.55, 0.55, 4.0)  # in-plane as the data's description says; the distance of slices is not known
SLICES = 12  # of a patient that are kept, about: neighbors show the same
SERIES = Series(pixel_mm=0.9, thickness_mm=7.0, gap_mm=7.0)
SEQUENCES, PLANES = ("t1", "t2", "pd-fs", "stir"), ("axial", "sagittal", "coronal")


def patients(shared: Path, out: Path) -> Iterator[Case]:
    """Spines and limbs; what is not known is 255."""
    sagittal = np.array([[0, 0, 1, 0], [0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])  # rows down, columns backwards
    for one in spine_volumes(shared / "spine_t2"):
        yield _written(one, sagittal @ np.diag([*SPINE_MM, 1]), "t2", out)
    for one in limb_volumes(shared / "limb_t1"):
        affine = nib.load(shared / "limb_t1" / f"{one.patient.split('/')[1]}_t1.nii.gz").affine
        yield _written(one, affine, "t1", out)


def _written(one: CaseVolume, affine: NDArray[np.float64], sequence: str, out: Path) -> Case:
    """Slices evenly spread from the first to the last of which something is known."""
    known = np.flatnonzero((one.labels != IGNORE).any((0, 1)))
    step = max(1, (int(known[-1]) - int(known[0]) + 1) // SLICES)
    kept = slice(int(known[0]), int(known[-1]) + 1, step)
    affine = affine @ np.diag([1, 1, step, 1.0])
    unit, labels = one.unit[..., kept], one.labels[..., kept]
    region, number = one.patient.split("/")
    geometry = Geometry(unit.shape, affine)
    image, bones = (out / "patients" / f"{region}-{number}{ending}.nii.gz" for ending in ("", "_bones"))
    anybone.write(Volume((unit * 1000).round(), geometry), image)
    anybone.write(Segmentation(labels.astype(np.uint16), geometry, {1: "bone", IGNORE: "not known"}), bones)
    split = VALIDATION if one.patient in HELD_OUT else TRAINING
    return Case(image, bones, f"{region}-{number}", region, sequence, split, plane=geometry.plane(geometry.slice_axis))


def synthetic(maps: Path, out: Path) -> Iterator[Case]:
    """Yield a scan of each label map."""
    turns = zip(cycle(SEQUENCES), cycle(PLANES), strict=False)
    for path, (sequence, plane) in zip(sorted(maps.glob("*.safetensors")), turns, strict=False):
        region, _, seed = path.stem.rpartition("_")
        volume, truth = scan(load(path), sequence, plane, int(seed), SERIES)
        image, bones = (out / "synthetic" / f"{path.stem}{ending}.nii.gz" for ending in ("", "_bones"))
        anybone.write(volume, image)
        anybone.write(truth, bones)
        yield Case(image, bones, path.stem, region, sequence, VALIDATION, plane=plane)


def main() -> None:
    """Write volumes and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("patients", "synthetic"))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--training", action="store_true")
    a = parser.parse_args()
    if a.training and a.what == "patients":
        parser.error("--training goes with synthetic: of patients, the usual ones are kept for validation")
    made = {"patients": patients, "synthetic": synthetic}[a.what](a.source, a.out)
    cases = [replace(one, split=TRAINING) if a.training else one for one in made]
    write_manifest(cases, a.out / f"{a.what}.csv")
    print(f"{a.out / a.what}.csv  {len(cases)} cases")


if __name__ == "__main__":
    main()
