"""Bowel: loops of it in fat, with the vessels between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import MusclePath
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.coarse import repeated
from anybone.synthetic.tissues.field import Field, Mask
from anybone.synthetic.tissues.muscles import around

LOOP_RADIUS_MM, LOOP_BEND_MM, LOOP_TURN = (7.0, 14.0), (16.0, 38.0), (2.0, 4.8)  # of bowel; radians of a circle
LOOP_MM3, MOST_LOOPS = 2.2e4, 120  # space for each
LOOP_POINTS = 12
GUT_WALL_MM = 2.2
# What is in the bowel and how often; collapsed bowel is wall all through.
CONTENTS = {Tissue.BOWEL: 0.45, Tissue.MUSCLE: 0.25, Tissue.FLUID: 0.15, Tissue.BOWEL_GAS: 0.15}
MESENTERY_WIDTH = 0.07  # as of `winding`


def fill_bowel(field: Field, where: Mask, tissue: NDArray[np.uint8]) -> None:
    """Write loops of bowel and the vessels between them into `tissue`, in fat."""
    rng = field.rng
    tissue[where] = Tissue.FAT
    places = np.flatnonzero(where)
    count = min(round(len(places) * field.spacing_mm**3 / LOOP_MM3), MOST_LOOPS)
    if not count:
        return
    tissue[where & winding(field, 18, MESENTERY_WIDTH)] = Tissue.VESSEL
    at = field.geometry.to_world(np.stack(np.unravel_index(rng.choice(places, count), field.shape), axis=1))
    loops = {f"loop {n}": _loop(middle, rng) for n, middle in enumerate(at)}
    near = around(field, loops)
    depth = np.minimum(-near.outside_mm, near.plane_mm) + 0.8 * field.noise(10)
    kinds = rng.choice(list(CONTENTS), size=count, p=list(CONTENTS.values())).astype(np.uint8)
    tissue[where & (near.outside_mm < 0)] = Tissue.MUSCLE
    filled = where & (near.outside_mm < 0) & (depth > GUT_WALL_MM)
    tissue[filled] = kinds[repeated(field, near.group)][filled]


def winding(field: Field, length_mm: float, width: float) -> Mask:
    """Thin winding tubes: where two noises of that length are both nearer to 0 than `width`."""
    return np.asarray((np.abs(field.noise(length_mm)) < width) & (np.abs(field.noise(length_mm)) < width))


def _loop(middle_mm: NDArray[np.float64], rng: np.random.Generator) -> MusclePath:
    """Return an arc of a circle, in any plane."""
    turn, bend = np.linspace(0, rng.uniform(*LOOP_TURN), LOOP_POINTS), rng.uniform(*LOOP_BEND_MM)
    first, second = np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    arc = np.outer(np.cos(turn), first) + np.outer(np.sin(turn), second)
    return MusclePath(middle_mm + bend * (arc - arc.mean(axis=0)), rng.uniform(*LOOP_RADIUS_MM), cord=True)
