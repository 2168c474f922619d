"""The layout of a contact sheet: which slices are shown, and where on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAGE_WIDTH = 1600
MARGIN = 24
_PAGE_ASPECT = 4 / 3  # of a screen: the number of columns is the one that comes closest
_EMPTY_TILE_COST = 0.12  # against a page a tenth too long or too short: a full last row looks better
_GAP = 6
_TILE_HEIGHT_LIMIT = 1000  # one slice alone must not fill two screens
_TILES = 12
_TILES_WITHOUT_BONE = 2  # so that a missed bone shows


def choose_slices(has_bone: NDArray[np.bool_], count: int = _TILES) -> list[int]:
    """Up to `count` slice indices, ascending: evenly among the slices with bone, and a few among the rest."""
    inside, outside = np.flatnonzero(has_bone), np.flatnonzero(~has_bone)
    spare = min(_TILES_WITHOUT_BONE, len(outside)) if len(inside) else count
    from_inside = _evenly(inside, count - spare)
    return sorted([*from_inside, *_evenly(outside, count - len(from_inside))])


def _evenly(indices: NDArray[np.intp], count: int) -> list[int]:
    if len(indices) <= count:
        return [int(i) for i in indices]
    places = (np.arange(count) + 0.5) * len(indices) / count
    return [int(indices[int(p)]) for p in places]


@dataclass(frozen=True)
class Grid:
    """Positions of the tiles on the page, in pixels."""

    columns: int
    rows: int
    tile_width: int
    tile_height: int

    @property
    def height(self) -> int:
        """Height of all rows together."""
        return self.rows * (self.tile_height + _GAP) - _GAP

    def corner(self, place: int, top: int) -> tuple[int, int]:
        """Return left and top of a tile on a page with tiles from height `top` on."""
        width = self.columns * (self.tile_width + _GAP) - _GAP
        left = (PAGE_WIDTH - width) // 2
        row, column = divmod(place, self.columns)
        return left + column * (self.tile_width + _GAP), top + row * (self.tile_height + _GAP)


def grid_for(count: int, aspect: float) -> Grid:
    """Return the grid for `count` tiles of an aspect ratio: close to the shape of a screen, few empty tiles."""
    grids = []
    for columns in range(1, count + 1):
        width = (PAGE_WIDTH - 2 * MARGIN + _GAP) // columns - _GAP
        height = min(width / aspect, _TILE_HEIGHT_LIMIT)
        width = min(width, round(height * aspect))
        grids.append(Grid(columns, math.ceil(count / columns), max(width, 1), max(round(height), 1)))

    def cost(grid: Grid) -> float:
        empty = grid.columns * grid.rows - count
        return abs(math.log(PAGE_WIDTH / grid.height / _PAGE_ASPECT)) + _EMPTY_TILE_COST * empty

    return min(grids, key=cost)
