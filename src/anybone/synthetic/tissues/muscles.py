"""Muscles and tendons: how far they lie from each voxel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import MusclePath
from anybone.synthetic.tissues.coarse import borders, coarse_points, coarse_shape, fine, to_plane
from anybone.synthetic.tissues.field import Array, Field, Mask

STATIONS = 48  # along each muscle
NEIGHBORS = 32  # stations looked at for each voxel: enough to meet the nearest few muscles
TENDON_MM, TENDON_SHARE = (1.5, 3.5), 0.13  # radius, and as a share of the muscle's
TENDON_ENDS = (0.1, 0.82)  # of a muscle's length, where its belly begins and ends
MARBLE_MM, MARBLE_WIDTH = 14.0, 0.075  # sheets of fat within muscle: bends, and width in deviations of noise
MARBLED, MARBLED_MM = (0.8, 2.6), 7.0  # how rare they are, in deviations, and how long
_PART = re.compile(r"_.*$|(?<=[A-Za-z])\d+$")


@dataclass(frozen=True, eq=False)
class Around:
    """Positions of voxels relative to the nearest of some tubes.

    Attributes:
        outside_mm: Distance to its surface, negative inside.
        plane_mm: Distance to where a tube of another group is as near.
        group: Number of its group, on the coarse grid.
    """

    outside_mm: Array
    plane_mm: Array
    group: NDArray[np.intp]


def around(field: Field, paths: Mapping[str, MusclePath]) -> Around:
    """Return the positions of voxels relative to muscles; the parts of one touch without fat between."""
    from scipy.spatial import cKDTree

    far = np.full(field.shape, 1e3, dtype=np.float32)
    if not paths:
        return Around(far, far, np.zeros(coarse_shape(field), dtype=np.intp))
    tubes = _tubes(paths)
    shape, points = coarse_points(field)
    count = min(NEIGHBORS, len(tubes.points_mm))
    away, index = cKDTree(tubes.points_mm).query(points, k=count, distance_upper_bound=70.0, workers=1)
    away, index = away.reshape(len(points), -1), np.minimum(index.reshape(len(points), -1), len(tubes.points_mm) - 1)
    outside = np.where(np.isfinite(away), away - tubes.radius_mm[index], 1e3)
    rows, best = np.arange(len(points)), outside.argmin(1)
    mine = tubes.group[index[rows, best]]
    others = np.where(tubes.group[index] == mine[:, None], 1e3, outside)
    next_best = others.argmin(1)
    first, way = tubes.surface(index[rows, best], points)
    second, other_way = tubes.surface(index[rows, next_best], points)
    second = np.where(others[rows, next_best] < 1e3, second, 1e3)
    plane_mm = np.clip(to_plane(first, second, way, other_way), 0, 100).reshape(shape)
    plane = borders(field, plane_mm, mine.reshape(shape), int(tubes.group.max()) + 1)
    return Around(fine(field, np.clip(first, -100, 100).reshape(shape)), plane, mine.reshape(shape))


def cords(field: Field, paths: Sequence[MusclePath]) -> Array:
    """Return the distance of voxels outside tendons of constant thickness, in mm; large without tendons."""
    from scipy.spatial import cKDTree

    if not paths:
        return np.full(field.shape, 1e3, dtype=np.float32)
    lines = [_along(cord.points_mm, max(2, round(_length(cord.points_mm)))) for cord in paths]
    radii = np.concatenate([np.full(len(line), cord.radius_mm) for line, cord in zip(lines, paths, strict=True)])
    shape, points = coarse_points(field)
    away, index = cKDTree(np.concatenate(lines)).query(points, workers=1)
    return fine(field, (away - radii[index]).reshape(shape))


def group_of(name: str) -> str:
    """Return the muscle that a part belongs to: "left MF" of "left MF_m1s", "left glmax" of "left glmax2"."""
    return _PART.sub("", name)


def tendons_of(muscle: MusclePath) -> list[MusclePath]:
    """Both tendons of a muscle."""
    radius = float(np.clip(TENDON_SHARE * muscle.radius_mm, *TENDON_MM))
    line = _along(muscle.points_mm, STATIONS)
    first, last = (round(share * (STATIONS - 1)) for share in TENDON_ENDS)
    return [MusclePath(part, radius, cord=True) for part in (line[: first + 1], line[last:])]


def marbling(field: Field, more: Array | float = 0.0) -> Mask:
    """Thin sheets of fat along the body, in patches, within muscle.

    Args:
        field: Where.
        more: Deviations of noise by which there are more of them.
    """
    lines = np.abs(field.noise(MARBLE_MM, (1, 1, 5))) < MARBLE_WIDTH
    return np.asarray(lines & (field.noise(MARBLED_MM, (1, 1, 5)) > field.rng.uniform(*MARBLED) - more))


@dataclass(frozen=True, eq=False)
class _Tubes:
    """Stations along all muscles: where, the radius there, and the number of their muscle's group."""

    points_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    group: NDArray[np.intp]

    def surface(
        self, station: NDArray[np.intp], points_mm: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the distance of points from the tube at one station each, and the directions to its line.

        Args:
            station: "n".
            points_mm: "n 3".
        """
        below, above = station % STATIONS > 0, station % STATIONS < STATIONS - 1
        (down, way_down), (up, way_up) = (
            self._piece(station, station - below, points_mm),
            self._piece(station, station + above, points_mm),
        )
        nearer = up < down
        return np.where(nearer, up, down), np.where(nearer[:, None], way_up, way_down)

    def _piece(
        self, start: NDArray[np.intp], end: NDArray[np.intp], points_mm: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        way, along = self.points_mm[start] - points_mm, self.points_mm[end] - self.points_mm[start]
        share = np.clip(-(way * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0, 1)
        way = way + share[:, None] * along
        radius = (1 - share) * self.radius_mm[start] + share * self.radius_mm[end]
        return np.linalg.norm(way, axis=1) - radius, way


def _tubes(paths: Mapping[str, MusclePath]) -> _Tubes:
    groups = {group: number for number, group in enumerate(dict.fromkeys(map(group_of, paths)))}
    belly = np.sin(np.pi * np.linspace(0, 1, STATIONS)) ** 0.6
    radii = [np.maximum(m.radius_mm * (np.ones(STATIONS) if m.cord else belly), 1.5) for m in paths.values()]
    return _Tubes(
        np.concatenate([_along(muscle.points_mm, STATIONS) for muscle in paths.values()]),
        np.concatenate(radii),
        np.repeat([groups[group_of(name)] for name in paths], STATIONS),
    )


def _length(line_mm: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(line_mm, axis=0), axis=1).sum())


def _along(line_mm: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Points evenly along a line."""
    steps = np.linalg.norm(np.diff(line_mm, axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(steps)]) / max(float(steps.sum()), 1e-6)
    return np.stack([np.interp(np.linspace(0, 1, count), place, line_mm[:, a]) for a in range(3)], 1)
