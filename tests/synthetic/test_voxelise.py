from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from anybone.core.geometry import Geometry
from anybone.synthetic.voxelize import touched, voxelize, voxelized_part
from solid_meshes import ball, cube, without_faces


def grid(count: int = 40, spacing_mm: float = 1.0, low_mm: float = -20.0) -> Geometry:
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = low_mm
    return Geometry((count, count + 2, count + 3), affine)


def test_a_cube_fills_the_voxels_whose_middles_it_holds() -> None:
    inside = voxelize(cube(10.0, (0.4, 0.4, 0.4)), grid())
    assert inside.sum() == 1000
    assert inside[21:31, 21:31, 21:31].all()


@pytest.mark.parametrize("spacing_mm", [0.5, 0.7, 1.0])
def test_the_volume_of_the_mask_is_that_of_the_mesh(spacing_mm: float) -> None:
    mesh = ball(11.3, (0.3, -0.2, 0.1))
    count = int(30 / spacing_mm)
    inside = voxelize(mesh, grid(count, spacing_mm, -15.0))
    assert inside.sum() * spacing_mm**3 == pytest.approx(mesh.volume_mm3, rel=0.01)


def test_two_directions_outvote_a_hole() -> None:
    mesh = ball(11.3)
    torn = without_faces(mesh, 12)
    inside = voxelize(torn, grid())
    assert inside.sum() == pytest.approx(mesh.volume_mm3, rel=0.02)


def test_oblique_grids_are_filled_as_well() -> None:
    turn = np.eye(4)
    angle = np.radians(30)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    geometry = Geometry((44, 44, 44), turn @ grid().affine_ras_mm)
    mesh = ball(9.0, (2.0, -4.0, 1.0))
    inside = voxelize(mesh, geometry)
    assert inside.sum() == pytest.approx(mesh.volume_mm3, rel=0.02)
    middle = geometry.to_world(np.argwhere(inside)).mean(axis=0)
    assert np.abs(middle - (2.0, -4.0, 1.0)).max() < 0.1


def test_what_reaches_beyond_the_grid_is_cut_off_not_shifted() -> None:
    geometry = grid()
    inside = voxelize(ball(12.0, (20.0, 0.0, 0.0)), geometry)
    x = geometry.to_world(np.argwhere(inside))[:, 0]
    assert x.min() > 7.9
    assert x.max() == 19.0


def test_a_mesh_outside_the_grid_fills_nothing() -> None:
    window, part = voxelized_part(ball(5.0, (200.0, 0, 0)), grid())
    assert part.size == 0
    assert not voxelize(ball(5.0, (200.0, 0, 0)), grid()).any()
    assert len(window) == 3


def test_no_way_from_face_to_face_leads_through_what_a_surface_touches() -> None:
    skin = touched(ball(9.7, (0.2, 0.1, 0.3)), grid())
    rooms, count = label(~skin)
    assert count == 2
    assert rooms[0, 0, 0] != rooms[20, 20, 20]
