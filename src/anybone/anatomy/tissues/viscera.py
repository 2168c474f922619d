"""Organs of the belly and the pelvis: bowel in its fat, liver, spleen, stomach, kidneys, rectum and bladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.scene import MusclePath
from anybone.anatomy.tissue import Tissue
from anybone.anatomy.tissues.field import Array, Field, Mask
from anybone.anatomy.tissues.muscles import around

LOOP_RADIUS_MM, LOOP_BEND_MM, LOOP_TURN = (7.0, 14.0), (16.0, 38.0), (2.0, 4.8)  # of bowel; radians of a circle
LOOP_MM3, MOST_LOOPS = 2.2e4, 120  # space for each
LOOP_POINTS = 12
GUT_WALL_MM = 2.2
# What is in the bowel and how often; collapsed bowel is wall all through.
CONTENTS = {Tissue.BOWEL: 0.45, Tissue.MUSCLE: 0.25, Tissue.FLUID: 0.15, Tissue.BOWEL_GAS: 0.15}
COLON_MM, COLON_GAS = (15.0, 24.0), 0.7  # radius; deviations of noise above which there is gas
FOLDS_MM = 3.0  # by which the colon's wall swings in and out
VESSEL_WIDTH = 0.09  # of noise about 0, twice: where both are, thin tubes wind
MESENTERY_WIDTH = 0.07
PERIRENAL_SHARE = (1.12, 1.35)  # of a kidney, that its fat is larger
BLADDER_MM = (16.0, 42.0)  # radius
BLADDER_AT_MM = (0.0, 22.0, -18.0)  # from the middle of the pelvis
BLADDER_WALL_MM = 3.0
RECTUM_MM, BEFORE_SACRUM_MM = (9.0, 19.0), 20.0  # radius; from the middle of the rectum to bone behind it
MIDLINE_MM = 15.0  # half of the sacrum's middle


@dataclass(frozen=True)
class Organ:
    """An ellipsoid.

    Attributes:
        tissue: What it is made of.
        at_mm: Its middle: to the right and to the front of the spinal canal, and above the second lumbar vertebra.
        radii_mm: Along the same axes.
        wall_mm: Of muscle around it; 0 if it is the same throughout.
    """

    tissue: Tissue
    at_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    wall_mm: float = 0.0


STOMACH = Organ(Tissue.BOWEL, (-52.0, 110.0, 58.0), (48.0, 42.0, 46.0), 4.0)
SPLEEN = Organ(Tissue.ORGAN, (-105.0, 30.0, 62.0), (30.0, 48.0, 58.0))
LIVER = Organ(Tissue.ORGAN, (78.0, 82.0, 70.0), (100.0, 88.0, 82.0))
KIDNEYS = tuple(Organ(Tissue.ORGAN, (side * 60.0, 26.0, z), (27.0, 24.0, 54.0)) for side, z in ((1, -6.0), (-1, 6.0)))
SINUS_MM, SINUS_SHARE = 17.0, 0.5  # of a kidney: how far to its inner side, and how large against it
POLE_TILT = 0.22  # the upper poles lean to the spine
COLON_PATH_MM = (  # to the right, to the front, above; caecum, flexures, sigmoid
    ((88.0, 72.0, -115.0), (98.0, 52.0, -50.0), (92.0, 70.0, 0.0)),
    ((92.0, 70.0, 0.0), (40.0, 128.0, -28.0), (-30.0, 128.0, -22.0), (-88.0, 60.0, 24.0)),
    ((-88.0, 60.0, 24.0), (-104.0, 45.0, -50.0), (-92.0, 62.0, -120.0), (-40.0, 70.0, -160.0)),
)


def fill_belly(field: Field, where: Mask, xyz: Sequence[Array], tissue: NDArray[np.uint8]) -> None:
    """Writes the organs of a belly into `tissue`.

    Args:
        field: Where.
        where: The cavity, and what lies behind it beside the spine.
        xyz: mm to the right and to the front of the spinal canal, and above the second lumbar vertebra.
        tissue: What is there; changed.
    """
    rng = field.rng
    tissue[where] = Tissue.FAT
    inner = where & (xyz[1] > 40)
    fill_bowel(field, inner, tissue)
    _colon(field, where, xyz, tissue)
    for organ in (STOMACH, SPLEEN, LIVER):
        _lay(field, where, xyz, organ, tissue)
    liver = where & (_depth(field, xyz, LIVER, rng.normal(0, 4, 3), 1.0) > 4)
    tissue[liver & _winding(field, 26, VESSEL_WIDTH)] = Tissue.VESSEL
    for kidney in KIDNEYS:
        _kidney(field, where, xyz, kidney, tissue)


def fill_bowel(field: Field, where: Mask, tissue: NDArray[np.uint8]) -> None:
    """Writes loops of bowel and the vessels between them into `tissue`, in fat."""
    rng = field.rng
    tissue[where] = Tissue.FAT
    places = np.flatnonzero(where)
    count = min(round(len(places) * field.spacing_mm**3 / LOOP_MM3), MOST_LOOPS)
    if not count:
        return
    tissue[where & _winding(field, 18, MESENTERY_WIDTH)] = Tissue.VESSEL
    at = field.geometry.to_world(np.stack(np.unravel_index(rng.choice(places, count), field.shape), axis=1))
    loops = {f"loop {n}": _loop(middle, rng) for n, middle in enumerate(at)}
    near = around(field, loops)
    depth = np.minimum(-near.outside_mm, near.plane_mm) + 0.8 * field.noise(10)
    kinds = rng.choice(list(CONTENTS), size=count, p=list(CONTENTS.values())).astype(np.uint8)
    tissue[where & (near.outside_mm < 0)] = Tissue.MUSCLE
    filled = where & (near.outside_mm < 0) & (depth > GUT_WALL_MM)
    tissue[filled] = kinds[near.group][filled]


def fill_pelvis(field: Field, where: Mask, bone: Mask, tissue: NDArray[np.uint8]) -> None:
    """Writes bowel, rectum and bladder into `tissue`.

    Args:
        field: Where.
        where: What is neither bone, muscle nor wall.
        bone: Of the pelvis.
        tissue: What is there; changed.
    """
    rng = field.rng
    points = field.points_mm(bone)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    x, y, z = (field.axis_mm(axis) - middle[axis] for axis in range(3))
    within = where & (np.abs(x) < (points[:, 0].max() - middle[0]))
    fill_bowel(field, within & (z > BLADDER_AT_MM[2] - 8), tissue)
    fill_presacral(field, within, tissue)
    at = np.array(BLADDER_AT_MM) + rng.normal(0, 6, 3)
    radius = rng.uniform(*BLADDER_MM) * np.array([1.15, 0.9, 0.85])
    away = np.sqrt(sum(((c - m) / r) ** 2 for c, m, r in zip((x, y, z), at, radius, strict=True)))
    depth = (1 - away) * float(radius.min())
    tissue[where & (depth > -4)] = Tissue.FAT
    tissue[where & (depth > 0)] = Tissue.MUSCLE
    tissue[where & (depth > BLADDER_WALL_MM)] = Tissue.FLUID


def before_sacrum(field: Field) -> Array | None:
    """How far before the middle of sacrum and coccyx, at their height, voxels lie, mm; None where there are none."""
    points = field.points_mm(_sacrum(field))
    if not len(points):
        return None
    points = points[np.abs(points[:, 0] - _middle(points)) < MIDLINE_MM]
    heights, slot = np.unique(points[:, 2].round(), return_inverse=True)
    front = np.full(len(heights), -np.inf)
    np.maximum.at(front, slot, points[:, 1])
    return np.asarray(field.axis_mm(1) - np.interp(field.axis_mm(2), heights, front).astype(np.float32))


def fill_presacral(field: Field, where: Mask, tissue: NDArray[np.uint8]) -> None:
    """Writes the rectum in its fat into `tissue`, before sacrum and coccyx."""
    rng, before = field.rng, before_sacrum(field)
    if before is None:
        return
    within = where & (before > 0)
    middle_mm = _middle(field.points_mm(_sacrum(field)))
    across = np.hypot(field.axis_mm(0) - middle_mm - 6 * field.noise(60), before - BEFORE_SACRUM_MM)
    away = across - rng.uniform(*RECTUM_MM)
    tissue[within & (before < 2 * BEFORE_SACRUM_MM)] = Tissue.FAT
    tissue[within & (away < 0)] = Tissue.MUSCLE
    tissue[within & (away < -GUT_WALL_MM - 1)] = Tissue.BOWEL_GAS if rng.random() < 0.4 else Tissue.BOWEL


def _sacrum(field: Field) -> Mask:
    return np.isin(field.bone, [n for n, name in field.names.items() if name in ("sacrum", "coccyx")])


def _middle(points_mm: NDArray[np.float64]) -> float:
    """Between left and right."""
    return float((points_mm[:, 0].min() + points_mm[:, 0].max()) / 2)


def _loop(middle_mm: NDArray[np.float64], rng: np.random.Generator) -> MusclePath:
    """A part of a circle, in any plane."""
    turn, bend = np.linspace(0, rng.uniform(*LOOP_TURN), LOOP_POINTS), rng.uniform(*LOOP_BEND_MM)
    first, second = np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    arc = np.outer(np.cos(turn), first) + np.outer(np.sin(turn), second)
    return MusclePath(middle_mm + bend * (arc - arc.mean(axis=0)), rng.uniform(*LOOP_RADIUS_MM), cord=True)


def _winding(field: Field, length_mm: float, width: float) -> Mask:
    """Thin winding tubes."""
    return np.asarray((np.abs(field.noise(length_mm)) < width) & (np.abs(field.noise(length_mm)) < width))


def _depth(
    field: Field, xyz: Sequence[Array], organ: Organ, shift_mm: NDArray[np.float64], size: float, uneven_mm: float = 2.0
) -> Array:
    """About how deep in an organ voxels lie, mm; negative outside."""
    parts = zip(xyz, organ.at_mm, shift_mm, organ.radii_mm, strict=True)
    away = np.sqrt(sum(((c - m - s) / (size * r)) ** 2 for c, m, s, r in parts))
    return np.asarray((1 - away) * size * min(organ.radii_mm) + uneven_mm * field.noise(35), dtype=np.float32)


def _lay(field: Field, where: Mask, xyz: Sequence[Array], organ: Organ, tissue: NDArray[np.uint8]) -> None:
    depth = _depth(field, xyz, organ, field.rng.normal(0, 6, 3), field.rng.uniform(0.85, 1.15), 3.0)
    tissue[where & (depth > -3.0)] = Tissue.FAT
    tissue[where & (depth > 0)] = Tissue.MUSCLE if organ.wall_mm else organ.tissue
    if organ.wall_mm:
        tissue[where & (depth > organ.wall_mm)] = organ.tissue
        tissue[where & (depth > organ.wall_mm) & (xyz[1] > organ.at_mm[1] + 8 * field.rng.normal())] = Tissue.BOWEL_GAS


def _kidney(field: Field, where: Mask, xyz: Sequence[Array], kidney: Organ, tissue: NDArray[np.uint8]) -> None:
    """In its own fat, with fat where its vessels enter."""
    rng, side = field.rng, np.sign(kidney.at_mm[0])
    x, y, z = xyz
    leaning = (x + side * POLE_TILT * (z - kidney.at_mm[2]), y, z)
    shift, size = rng.normal(0, 5, 3), rng.uniform(0.85, 1.1)
    cover = _depth(field, leaning, kidney, shift, size * rng.uniform(*PERIRENAL_SHARE))
    tissue[where & (cover > 0)] = Tissue.FAT
    depth = _depth(field, leaning, kidney, shift, size, 1.0)
    tissue[where & (depth > 0)] = kidney.tissue
    inner = shift - np.array([side * SINUS_MM, 0.0, 0.0])
    sinus = _depth(field, leaning, kidney, inner, SINUS_SHARE * size, 2.0)
    tissue[where & (sinus > 0)] = Tissue.FAT


def _colon(field: Field, where: Mask, xyz: Sequence[Array], tissue: NDArray[np.uint8]) -> None:
    """Around the bowel: up on the right, across, down on the left."""
    from scipy.spatial import cKDTree

    rng = field.rng
    radius = rng.uniform(*COLON_MM)
    turns = [np.array(part) + rng.normal(0, 5, 3) for part in COLON_PATH_MM]
    line = np.concatenate([_through(part) for part in turns])
    low, high = line.min(axis=0) - 30, line.max(axis=0) + 30
    box = where.copy()
    for axis, c in enumerate(xyz):
        box &= (c > low[axis]) & (c < high[axis])
    points = np.stack([np.broadcast_to(c, field.shape)[box] for c in xyz], axis=1)
    away, _ = cKDTree(line).query(points, distance_upper_bound=40.0, workers=1)
    outside = np.minimum(away, 40.0) - radius + FOLDS_MM * field.noise(16)[box]
    kinds = tissue[box]
    kinds[outside < 2.0] = Tissue.FAT
    kinds[outside < 0] = Tissue.MUSCLE
    inside = outside < -GUT_WALL_MM
    kinds[inside] = np.where(field.noise(45)[box] > COLON_GAS, Tissue.BOWEL_GAS, Tissue.BOWEL)[inside]
    tissue[box] = kinds


def _through(corners_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on a smooth line from corner to corner, 3 mm apart or less."""
    from scipy.interpolate import CubicSpline

    steps = np.linalg.norm(np.diff(corners_mm, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(CubicSpline(length, corners_mm)(np.linspace(0, length[-1], max(2, int(length[-1] / 2)))))
