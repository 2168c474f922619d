"""The knee that comes with the package: synthetic MRI without any shapes of bones installed.

It is a label map as `anybone anatomy corpus` makes them, coarser, and cut to the bones from side to side. Its file
holds the credits of the shapes that it was made from; NOTICE says the rest. `make knee` makes it again, which takes the
extra anybone[anatomy].
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.synthetic.label_map import LabelMap, load, save
from anybone.synthetic.scanner import Series, scan

FILE = Path(__file__).with_name("data") / "knee.safetensors"
SERIES = Series(pixel_mm=0.6, thickness_mm=3.5, gap_mm=0.5, field_t=1.5, filled=1.0, clean=True)
"""As a clinical knee is scanned."""

_SEED, _SPACING_MM = 20, 0.8
_SCAN_SEED = 8
_MARGIN_MM = 9.0  # beside the bones
_SMALLEST = 9  # effort of deflating: this file is kept


def example_knee() -> LabelMap:
    """Return the knee: femur, patella, tibia and fibula with all tissues around them."""
    return load(FILE)


def example_scan(series: Series = SERIES) -> tuple[Volume, Segmentation]:
    """Return a sagittal T1 volume of the knee, and the ground truth of its bones; deterministic."""
    return scan(example_knee(), "t1", "sagittal", _SCAN_SEED, series)


def make_example(path: Path = FILE) -> LabelMap:
    """Generate the knee and write it.

    Raises:
        MissingExtraError: The shapes of bones are not installed.
    """
    from anybone.synthetic.drawing import draw

    knee = between_sides(draw("knee", _SEED, spacing_mm=_SPACING_MM), _MARGIN_MM)
    save(knee, path, effort=_SMALLEST)
    return knee


def between_sides(label_map: LabelMap, margin_mm: float) -> LabelMap:
    """Return the label map cropped to its bones, and a margin, from left to right; uncropped along other axes."""
    used = np.flatnonzero((label_map.bone > 0).any(axis=(1, 2)))
    margin = round(margin_mm / label_map.spacing_mm)
    first, last = max(0, int(used[0]) - margin), min(len(label_map.bone), int(used[-1]) + 1 + margin)
    affine = np.array(label_map.geometry.affine_ras_mm)
    affine[:3, 3] = label_map.geometry.to_world(np.array([first, 0, 0]))
    tissue, bone = label_map.tissue[first:last], label_map.bone[first:last]
    return replace(label_map, tissue=tissue, bone=bone, geometry=Geometry(bone.shape, affine))


if __name__ == "__main__":
    made = make_example()
    print(f"{FILE}  {FILE.stat().st_size / 1000:.0f} kB  {', '.join(made.names.values())}")
