from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.core.orientation import upright

SPACING = (1.0, 2.0, 3.0)


def geometry(order: tuple[int, ...], signs: tuple[int, ...]) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for array, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, array] = sign * SPACING[array]
    return Geometry((4, 5, 6), affine)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(
    ("order", "signs"), [(o, s) for o in permutations(range(3)) for s in product((1, -1), repeat=3)]
)
def test_all_48_orientations_are_shown_the_same_way(order, signs, axis):
    grid = geometry(order, signs)
    world = grid.to_world(np.stack(np.meshgrid(*map(np.arange, grid.shape_ijk), indexing="ij"), axis=-1))
    view = upright(grid, axis)
    r, a, s = (view.picture(world[..., w], 1) for w in range(3))
    if view.plane == "sagittal":
        left_to_right, letters = -a, ("S", "P", "I", "A")
    else:
        left_to_right, letters = (
            -r,
            ("A" if view.plane == "axial" else "S", "L", "P" if view.plane == "axial" else "I", "R"),
        )
    top_to_bottom = -a if view.plane == "axial" else -s
    assert (np.diff(left_to_right, axis=1) > 0).all()
    assert (np.diff(top_to_bottom, axis=0) > 0).all()
    assert view.edges == letters
    assert view.pixel_mm == pytest.approx((np.diff(top_to_bottom, axis=0)[0, 0], np.diff(left_to_right, axis=1)[0, 0]))


def test_an_oblique_volume_is_turned_to_the_nearest_plane():
    angle = np.radians(30)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    view = upright(Geometry((4, 5, 6), affine), 2)
    assert view.plane == "axial"
    assert view.edges == ("A", "L", "P", "R")
