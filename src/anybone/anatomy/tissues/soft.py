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
from anybone.anatomy.tissues.vessels import lay_vessels
from anybone.anatomy.voxelise import voxelise

STATIONS = 48  # along each muscle
NEIGHBOURS = 12  # stations looked at for each voxel: enough to meet the nearest few muscles
TENDON_MM, TENDON_SHARE = (1.5, 3.5), 0.13  # radius, and as a share of the muscle's
TENDON_ENDS = (0.1, 0.82)  # of a muscle's length, where its belly begins and ends
SKIN_MM = (1.1, 2.4)
FAT_SHARE = 0.035  # usual thickness beneath the skin, of the field of view
FAT_MM = (1.2, 18.0)
FLESH_MM = (0.5, 4.0)  # beyond bones and muscles that are modelled
CLOSING_SHARE, CLOSED_MM = (0.08, 0.16), 30.0  # of the field of view: hollows between bones and muscles that are filled
MUSCLE_MM = (0.5, 4.0)  # that muscles are thicker than their tubes
PLANE_SHARE = 0.03  # half of the fat between two muscles, of their usual radius, in most people
STREAKS = (2.0, 3.4)  # deviations above which noise along the fibres is fat within a muscle
UNKNOWN_MM, BARE_MM = 12.0, 6.0  # from muscles that are modelled and from bone, to where there are other muscles
FULL = ("radius", "ulna")  # bones among more muscles than are modelled: there, others fill what is left
OUTLINE_MM = 6.0  # that it is smoothed over
DIGIT_CLOSING_MM, DIGIT_FLESH_MM, DIGIT_FAT_MM = 1.5, 2.0, (0.8, 2.5)
CELL_MM = (9.0, 26.0)  # muscles that are not


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
    muscles = [path for path in paths if not path.cord]
    lean, plane = _muscles(field, muscles)
    tendon = _cords(field, [path for path in paths if path.cord] + [end for path in muscles for end in _ends(path)])
    digits = _digits(field)
    trunk = trunk_of(field, scene)
    pad = _pads(field, scene)
    closing = min(rng.uniform(*CLOSING_SHARE) * _breadth(scene), CLOSED_MM)
    surface = _outline(field, (np.minimum(field.away_mm, lean) <= 0.5) | tendon | pad, digits, trunk, closing)
    usual = FAT_SHARE * _breadth(scene)
    fat = np.clip(rng.lognormal(np.log(usual), 0.5), *FAT_MM) * np.clip(1 + 0.4 * field.noise(70), 0.15, None)
    fat = fat + digits * (np.minimum(fat, rng.uniform(*DIGIT_FAT_MM)) - fat)
    skin = max(rng.uniform(*SKIN_MM), 1.2 * field.spacing_mm)  # nowhere open, however coarse the grid
    tissue[...] = Tissue.AIR
    tissue[surface < fat + skin] = Tissue.SKIN
    tissue[surface < fat] = Tissue.FAT
    within = surface < 0
    others = (lean > UNKNOWN_MM) & (field.away_mm > BARE_MM)
    others |= np.isin(field.nearest, [n for n, name in field.names.items() if name.endswith(FULL)]) & (lean > 2.0)
    others &= _filler(field) & (digits < 0.5)
    tissue[within] = np.where(others, Tissue.MUSCLE, Tissue.FAT)[within]
    own = within & (lean < rng.uniform(*MUSCLE_MM) + 1.5 * field.noise(12))
    tissue[own] = Tissue.MUSCLE
    usual_mm = float(np.median([path.radius_mm for path in muscles])) if muscles else 0.0
    thin = PLANE_SHARE * usual_mm * rng.lognormal(0, 0.4) * np.clip(1 + 0.7 * field.noise(25), 0.2, None)
    tissue[own & (plane < thin + COARSE * field.spacing_mm / 6)] = Tissue.FAT
    tissue[own & (field.noise(2.5, (1, 1, 8)) > rng.uniform(*STREAKS))] = Tissue.FAT
    tissue[within & (np.abs(surface) < 0.7)] = Tissue.FASCIA
    tissue[pad & within] = Tissue.FAT
    tendon &= surface < fat
    tissue[tendon] = Tissue.TENDON
    pads = within & (field.away_mm < 6) & (field.gap_mm < 24) & (field.noise(14) > 0.5) & ~tendon & ~own
    tissue[pads] = Tissue.FAT
    lay_vessels(field, within, np.minimum(plane, np.abs(lean)), tissue)
    return Flesh(surface, lean, fine(field, trunk) > 0.5)


def _breadth(scene: Scene) -> float:
    """Of the field of view, mm: the mean of its two smaller sides."""
    return float(np.sort(scene.extent_mm)[:2].mean())


def _coarse_points(field: Field) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    shape = tuple(-(-n // COARSE) for n in field.shape)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1).reshape(-1, 3)
    points = field.geometry.to_world(index * COARSE + (COARSE - 1) / 2)
    return (shape[0], shape[1], shape[2]), points


def _muscles(field: Field, muscles: Sequence[MusclePath]) -> tuple[Array, Array]:
    """How far outside the nearest muscle each voxel lies (negative inside), and how far from the next one."""
    from scipy.spatial import cKDTree

    far = np.full(field.shape, 1e3, dtype=np.float32)
    if not muscles:
        return far, far.copy()
    stations, radii, owner = _stations(muscles)
    shape, points = _coarse_points(field)
    count = min(NEIGHBOURS, len(stations))
    away, index = cKDTree(stations).query(points, k=count, distance_upper_bound=70.0, workers=1)
    away, index = away.reshape(len(points), -1), np.minimum(index.reshape(len(points), -1), len(stations) - 1)
    outside = np.where(np.isfinite(away), away - radii[index], 1e3)
    best = outside.argmin(1)
    rows = np.arange(len(points))
    first, mine = outside[rows, best], owner[index[rows, best]]
    second = np.where(owner[index] == mine[:, None], 1e3, outside).min(1)
    lean, plane = (fine(field, np.clip(v, -100, 100).reshape(shape)) for v in (first, (second - first) / 2))
    return lean, plane


def _ends(muscle: MusclePath) -> list[MusclePath]:
    """Both tendons of a muscle."""
    radius = float(np.clip(TENDON_SHARE * muscle.radius_mm, *TENDON_MM))
    line = _along(muscle.points_mm, STATIONS)
    first, last = (round(share * (STATIONS - 1)) for share in TENDON_ENDS)
    return [MusclePath(part, radius, cord=True) for part in (line[: first + 1], line[last:])]


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
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Points along all muscles, the tube's radius there, and whose they are."""
    points, radii, owner = [], [], []
    along = np.linspace(0, 1, STATIONS)
    belly = np.sin(np.pi * along) ** 0.6
    for number, muscle in enumerate(muscles):
        points.append(_along(muscle.points_mm, STATIONS))
        radii.append(np.maximum(muscle.radius_mm * belly, 1.5))
        owner.append(np.full(STATIONS, number))
    return np.concatenate(points), np.concatenate(radii), np.concatenate(owner)


def _length(line_mm: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(line_mm, axis=0), axis=1).sum())


def _along(line_mm: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Points evenly along a line."""
    steps = np.linalg.norm(np.diff(line_mm, axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(steps)]) / max(float(steps.sum()), 1e-6)
    return np.stack([np.interp(np.linspace(0, 1, count), place, line_mm[:, a]) for a in range(3)], 1)


def _pads(field: Field, scene: Scene) -> Mask:
    """Where there are pads of fat that have a surface of their own."""
    found = np.zeros(field.shape, dtype=bool)
    for name, mesh in scene.surfaces.items():
        if name.endswith("fat pad"):
            found |= voxelise(mesh, field.geometry)
    return found


def _outline(field: Field, lean: Mask, digits: Array, trunk: Mask, closing_mm: float) -> Array:
    """Distance in mm to where flesh ends and fat begins, negative within: a smooth hull of trunk and what is lean."""
    from scipy import ndimage

    rng = field.rng
    step = field.spacing_mm * COARSE
    core = trunk | lean[::COARSE, ::COARSE, ::COARSE]
    margin = max(2, round(45 / step))
    padded = np.pad(core, margin, mode="edge")
    away = ndimage.distance_transform_edt(~padded, sampling=step)
    slim = np.pad(digits[::COARSE, ::COARSE, ::COARSE], margin, mode="edge")
    closing = (1 - slim) * closing_mm + slim * DIGIT_CLOSING_MM
    closed = away < closing
    depth = ndimage.distance_transform_edt(closed, sampling=step)
    signed = np.where(closed, closing - depth, away)  # back to about where the core ends, hollows filled
    smooth = ndimage.gaussian_filter(signed.astype(np.float32), OUTLINE_MM / step)
    smooth += slim * (np.minimum(away, signed) - smooth)  # so wide a brush would rub out a finger
    inner = (smooth - rng.uniform(*FLESH_MM) * (1 - slim) - DIGIT_FLESH_MM * slim)[
        margin:-margin, margin:-margin, margin:-margin
    ]
    return fine(field, inner) + (1.2 - 0.8 * digits) * field.noise(60)


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
