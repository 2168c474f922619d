"""Muscles with fat between them, tendons, vessels; the outline of the body, its fat and its skin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.scene import MusclePath, Scene
from anybone.anatomy.tissue import Tissue
from anybone.anatomy.tissues.field import Array, Field, Mask
from anybone.anatomy.tissues.hull import COARSE, fine, trunk_of

STATIONS = 48  # along each muscle
NEIGHBOURS = 12  # stations looked at for each voxel: enough to meet the nearest few muscles
TENDON_MM = 3.0
SKIN_MM = (1.1, 2.4)
FAT_SHARE = 0.035  # usual thickness beneath the skin, of the field of view
FAT_MM = (1.2, 18.0)
FLESH_MM = (1.5, 7.0)  # beyond bones and muscles that are modelled
CLOSING_MM = (6.0, 14.0)  # hollows between bones and muscles that are filled
DIGIT_CLOSING_MM, DIGIT_FLESH_MM, DIGIT_FAT_MM = 1.5, 2.0, (0.8, 2.5)
CELL_MM = (9.0, 26.0)  # muscles that are not
VESSELS = (4, 12)


@dataclass(frozen=True, eq=False)
class Flesh:
    """What later steps must know of the soft tissue that was laid out.

    Attributes:
        surface_mm: Distance to where flesh ends and the fat beneath the skin begins, negative within.
        lean_mm: Distance to the nearest muscle that is modelled, negative inside.
        trunk: Where the trunk is, on the field's grid.
    """

    surface_mm: Array
    lean_mm: Array
    trunk: Mask


def fill_soft(field: Field, scene: Scene, tissue: NDArray[np.uint8]) -> Flesh:
    """Writes everything outside bone, from the skin inwards, into `tissue`."""
    rng = field.rng
    paths = list(scene.muscles.values())
    lean, plane, tendon = _muscles(field, [path for path in paths if not path.cord])
    tendon |= _cords(field, [path for path in paths if path.cord])
    digits = _digits(field)
    trunk = trunk_of(field, scene)
    surface = _outline(field, lean, digits, trunk)
    usual = FAT_SHARE * float(np.sort(scene.extent_mm)[:2].mean())
    fat = np.clip(rng.lognormal(np.log(usual), 0.5), *FAT_MM) * np.clip(1 + 0.4 * field.noise(70), 0.15, None)
    fat = fat + digits * (np.minimum(fat, rng.uniform(*DIGIT_FAT_MM)) - fat)
    skin = rng.uniform(*SKIN_MM)
    tissue[...] = Tissue.AIR
    tissue[surface < fat + skin] = Tissue.SKIN
    tissue[surface < fat] = Tissue.FAT
    within = surface < 0
    tissue[within] = np.where(_filler(field) & (digits < 0.5), Tissue.MUSCLE, Tissue.FAT)[within]
    own = within & (lean < 1.5 + 1.5 * field.noise(12))
    tissue[own] = Tissue.MUSCLE
    tissue[within & (plane < 0.35 + 0.5 * np.clip(field.noise(25), 0, None))] = Tissue.FAT
    tissue[within & (np.abs(surface) < 0.7)] = Tissue.FASCIA
    tendon &= surface < fat
    tissue[tendon] = Tissue.TENDON
    pads = within & (field.away_mm < 6) & (field.gap_mm < 40) & (field.noise(14) > 0.2) & ~tendon & ~own
    tissue[pads] = Tissue.FAT
    _vessels(field, tissue, within)
    return Flesh(surface, lean, fine(field, trunk) > 0.5)


def _coarse_points(field: Field) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    shape = tuple(-(-n // COARSE) for n in field.shape)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1).reshape(-1, 3)
    points = field.geometry.to_world(index * COARSE + (COARSE - 1) / 2)
    return (shape[0], shape[1], shape[2]), points


def _muscles(field: Field, muscles: Sequence[MusclePath]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """How far outside the nearest muscle each voxel lies (negative inside), how far from the next one, and tendons."""
    from scipy.spatial import cKDTree

    far = np.full(field.shape, 1e3, dtype=np.float32)
    if not muscles:
        return far, far.copy(), np.zeros(field.shape, dtype=bool)
    stations, radii, owner, near_end = _stations(muscles)
    shape, points = _coarse_points(field)
    count = min(NEIGHBOURS, len(stations))
    away, index = cKDTree(stations).query(points, k=count, distance_upper_bound=70.0, workers=1)
    away, index = away.reshape(len(points), -1), np.minimum(index.reshape(len(points), -1), len(stations) - 1)
    outside = np.where(np.isfinite(away), away - radii[index], 1e3)
    best = outside.argmin(1)
    rows = np.arange(len(points))
    first, mine = outside[rows, best], owner[index[rows, best]]
    second = np.where(owner[index] == mine[:, None], 1e3, outside).min(1)
    string = near_end[index[rows, best]] & (away[rows, best] < TENDON_MM)
    lean, plane = (fine(field, np.clip(v, -100, 100).reshape(shape)) for v in (first, (second - first) / 2))
    return lean, plane, fine(field, string.reshape(shape)) > 0.5


def _cords(field: Field, cords: Sequence[MusclePath]) -> NDArray[np.bool_]:
    """Where there are tendons that are as thick all along."""
    from scipy.spatial import cKDTree

    if not cords:
        return np.zeros(field.shape, dtype=bool)
    lines = [_along(cord.points_mm, max(2, round(_length(cord.points_mm)))) for cord in cords]
    radii = np.concatenate([np.full(len(line), cord.radius_mm) for line, cord in zip(lines, cords, strict=True)])
    shape, points = _coarse_points(field)
    away, index = cKDTree(np.concatenate(lines)).query(points, workers=1)
    return fine(field, (away - radii[index]).reshape(shape)) < 0


def _digits(field: Field) -> Array:
    """1 about fingers and toes, 0 elsewhere: there is no muscle, little fat, and nothing fills the space between."""
    from scipy import ndimage

    numbers = [n for n, name in field.names.items() if "phalanx" in name]
    nearest = field.nearest[::COARSE, ::COARSE, ::COARSE]
    smooth = ndimage.gaussian_filter(np.isin(nearest, numbers).astype(np.float32), 4.0 / (field.spacing_mm * COARSE))
    return fine(field, smooth)


def _stations(
    muscles: Sequence[MusclePath],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
    """Points along all muscles, the tube's radius there, whose they are, and whether they lie on a tendon."""
    points, radii, owner, end = [], [], [], []
    along = np.linspace(0, 1, STATIONS)
    belly = np.sin(np.pi * along) ** 0.6
    for number, muscle in enumerate(muscles):
        points.append(_along(muscle.points_mm, STATIONS))
        radii.append(np.maximum(muscle.radius_mm * belly, 1.5))
        owner.append(np.full(STATIONS, number))
        end.append((along < 0.1) | (along > 0.82))
    return np.concatenate(points), np.concatenate(radii), np.concatenate(owner), np.concatenate(end)


def _length(line_mm: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(line_mm, axis=0), axis=1).sum())


def _along(line_mm: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Points evenly along a line."""
    steps = np.linalg.norm(np.diff(line_mm, axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(steps)]) / max(float(steps.sum()), 1e-6)
    return np.stack([np.interp(np.linspace(0, 1, count), place, line_mm[:, a]) for a in range(3)], 1)


def _outline(field: Field, lean: Array, digits: Array, trunk: Mask) -> Array:
    """Distance in mm to where flesh ends and fat begins, negative within: a smooth hull of trunk, bones and muscles."""
    from scipy import ndimage

    rng = field.rng
    step = field.spacing_mm * COARSE
    core = trunk | (np.minimum(field.away_mm, lean) <= 0.5)[::COARSE, ::COARSE, ::COARSE]
    margin = max(2, round(30 / step))
    padded = np.pad(core, margin, mode="edge")
    away = ndimage.distance_transform_edt(~padded, sampling=step)
    slim = np.pad(digits[::COARSE, ::COARSE, ::COARSE], margin, mode="edge")
    closing = (1 - slim) * rng.uniform(*CLOSING_MM) + slim * DIGIT_CLOSING_MM
    closed = away < closing
    depth = ndimage.distance_transform_edt(closed, sampling=step)
    signed = np.where(closed, closing - depth, away)  # back to about where the core ends, hollows filled
    smooth = ndimage.gaussian_filter(signed.astype(np.float32), 4.0 / step)
    smooth += slim * (np.minimum(away, signed) - smooth)  # so wide a brush would rub out a finger
    inner = (smooth - rng.uniform(*FLESH_MM) * (1 - slim) - DIGIT_FLESH_MM * slim)[
        margin:-margin, margin:-margin, margin:-margin
    ]
    return fine(field, inner) + (1.2 - 0.8 * digits) * field.noise(45)


def _filler(field: Field) -> NDArray[np.bool_]:
    """Muscle where no muscle is modelled: cells, longer than wide, with fat between."""
    from scipy.spatial import cKDTree

    rng = field.rng
    size = rng.uniform(*CELL_MM)
    stretch = np.array([1.0, 1.0, rng.uniform(2.0, 5.0)])[rng.permutation(3) if rng.random() < 0.3 else [0, 1, 2]]
    shape, points = _coarse_points(field)
    extent = np.ptp(points, axis=0) / stretch
    count = int(np.clip(np.prod(extent / size + 1), 8, 4000))
    seeds = rng.uniform(0, 1, (count, 3)) * extent
    bent = (points - points.min(axis=0)) / stretch + 0.25 * size * rng.normal(size=3)
    away, _ = cKDTree(seeds).query(bent, k=2, workers=1)
    border = fine(field, ((away[:, 1] - away[:, 0]) / 2).reshape(shape))
    return np.asarray((border > 0.4 + 0.8 * np.abs(field.noise(18))) & (field.noise(30) > -1.3))


def _vessels(field: Field, tissue: NDArray[np.uint8], within: NDArray[np.bool_]) -> None:
    """Writes arteries and veins that run along the body, each in a sleeve of fat."""
    from scipy.spatial import cKDTree

    rng = field.rng
    low, high = field.geometry.to_world((0, 0, 0)), field.geometry.to_world(np.array(field.shape) - 1)
    free = within & ~field.inside
    candidates = np.argwhere(free[:, :, field.shape[2] // 2])
    if not len(candidates):
        return
    points, widths = [], []
    for _ in range(int(rng.integers(*VESSELS))):
        start = candidates[rng.integers(len(candidates))]
        z = np.arange(low[2], high[2], 1.0)
        drift = np.cumsum(rng.normal(0, 0.18, (len(z), 2)), axis=0)
        drift -= drift[len(z) // 2]
        middle = field.geometry.to_world((*start, field.shape[2] // 2))[:2]
        points.append(np.column_stack([middle + drift, z]))
        widths.append(np.full(len(z), rng.uniform(0.7, 3.2)))
    track, width = np.concatenate(points), np.concatenate(widths)
    where = np.argwhere(free)
    away, index = cKDTree(track).query(field.geometry.to_world(where), distance_upper_bound=6.0, workers=1)
    beyond = away - np.append(width, 0.0)[index]
    for limit, kind in ((1.6, Tissue.FAT), (0.0, Tissue.VESSEL)):
        tissue[tuple(where[beyond < limit].T)] = kind
