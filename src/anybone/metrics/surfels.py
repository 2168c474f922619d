"""The surface of a mask as surface elements ("surfels"): a place and an area for every corner where voxels meet.

Eight voxels meet in a corner. Where some are inside and some are not, the surface passes through the cube between their
centers, and marching cubes (Lorensen and Cline, SIGGRAPH 1987, doi:10.1145/37401.37422) says with which area. This is
the surface that DeepMind's `surface-distance` measures (Nikolov et al., arXiv 1809.04430), and the areas are the same
to rounding; they are worked out here from the cube alone, as follows.

- Which of inside and outside has fewer corners is what the surface encloses; with four and four, inside.
- On each face of the cube lines run between the middles of edges that join inside to outside. Where all four do, each
  enclosed corner is cut off by itself. The lines close into polygons.
- A polygon of more than three corners may be bent, so that its area depends on how it is cut into triangles. Of the
  fans, the one whose area is largest in a cube of 1 mm is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anybone.metrics.overlap import Mask

Corner = tuple[int, ...]  # of a cube: 0 or 1 along each axis
Polygon = NDArray[np.float64]  # n 3, in edges of the cube

_CORNERS: tuple[Corner, ...] = tuple(product((0, 1), repeat=3))
_RING = ((0, 0), (1, 0), (1, 1), (0, 1))  # around a face


class Surfels(NamedTuple):
    """Surface elements: `places_mm` "n 3" from the center of voxel 0, `areas_mm2` "n"."""

    places_mm: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]


def surfels(mask: Mask, spacing_mm: Sequence[float], known: Mask | None = None) -> Surfels:
    """Return the surface elements of a mask "i j k"; everything beyond its grid is outside.

    Args:
        mask: What is inside.
        spacing_mm: Of its voxels.
        known: Voxels with a known label: corners with an unknown voxel have an area of 0. None: all voxels.
    """
    codes = _codes(mask)
    at = np.argwhere((codes > 0) & (codes < 255))
    areas = _areas_mm2(tuple(float(s) for s in spacing_mm))[codes[tuple(at.T)]]
    if known is not None:
        areas = np.where(_codes(~known)[tuple(at.T)] == 0, areas, 0.0)
    return Surfels((at - 0.5).astype(np.float64) * np.asarray(spacing_mm, dtype=np.float64), areas)


def _codes(mask: Mask) -> NDArray[np.uint8]:
    """Which of the eight voxels around each corner are inside, a bit each; corners are one more than voxels."""
    padded = np.pad(np.asarray(mask, dtype=np.uint8), 1)
    i, j, k = (n - 1 for n in padded.shape)
    codes = np.zeros((i, j, k), dtype=np.uint8)
    for bit, (a, b, c) in enumerate(_CORNERS):
        codes |= padded[a : a + i, b : b + j, c : c + k] << np.uint8(bit)
    return codes


@cache
def _areas_mm2(spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Area of the surface in a cube, by code; 0 where all its corners are inside or none is."""
    areas = np.zeros(256)
    for code, polygons in enumerate(_surfaces()):
        areas[code] = sum(_fan_area(polygon * spacing_mm) for polygon in polygons)
    return areas


@cache
def _surfaces() -> tuple[tuple[Polygon, ...], ...]:
    """Polygons of the surface in a unit cube, by code; each begins where its fan does."""
    return tuple(tuple(map(_begun_well, _polygons(_enclosed(code)))) for code in range(256))


def _enclosed(code: int) -> set[Corner]:
    """Return the corners that the surface of a code encloses: those inside, or those outside if they are fewer."""
    inside = {corner for bit, corner in enumerate(_CORNERS) if code >> bit & 1}
    return inside if len(inside) <= 4 else set(_CORNERS) - inside


def _polygons(enclosed: set[Corner]) -> list[Polygon]:
    """Join the lines on the cube's faces to polygons."""
    neighbors: dict[Corner, list[Corner]] = {}  # middles of edges are kept as the sum of both ends: whole numbers
    for first, second in _lines(enclosed):
        neighbors.setdefault(first, []).append(second)
        neighbors.setdefault(second, []).append(first)
    polygons = []
    while neighbors:
        place = next(iter(neighbors))
        polygon = []
        while place in neighbors:
            polygon.append(place)
            ends = neighbors.pop(place)
            place = ends[0] if ends[0] in neighbors else ends[1]
        polygons.append(np.array(polygon) / 2)
    return polygons


def _lines(enclosed: set[Corner]) -> list[tuple[Corner, Corner]]:
    """From the middle of an edge to that of another, on each face of the cube."""
    lines = []
    for axis, side in product(range(3), (0, 1)):
        face = [(*flat[:axis], side, *flat[axis:]) for flat in _RING]
        edges = [_sum(face[n], face[(n + 1) % 4]) for n in range(4)]
        crossed = [n for n in range(4) if (face[n] in enclosed) != (face[(n + 1) % 4] in enclosed)]
        if len(crossed) == 2:
            lines.append((edges[crossed[0]], edges[crossed[1]]))
        elif crossed:
            lines += [(edges[n - 1], edges[n]) for n in range(4) if face[n] in enclosed]
    return lines


def _sum(first: Corner, second: Corner) -> Corner:
    return tuple(a + b for a, b in zip(first, second, strict=True))


def _begun_well(polygon: Polygon) -> Polygon:
    """Start the polygon at the corner with the triangle fan of largest area."""
    begun = [np.roll(polygon, -n, axis=0) for n in range(len(polygon))]
    return max(begun, key=lambda one: round(_fan_area(one), 9))


def _fan_area(polygon: Polygon) -> float:
    sides = polygon[1:] - polygon[0]
    return float(np.linalg.norm(np.cross(sides[:-1], sides[1:]), axis=1).sum() / 2)
