from __future__ import annotations

import numpy as np
import pytest
import trimesh

from anybone.core.geometry import Geometry
from anybone.export.surfaces import Surface, surface_of

SPACINGS = [(1.0, 1.0, 1.0), (0.8, 0.8, 4.0), (3.0, 1.0, 1.0)]


def grid(spacing, size_mm=50.0, flip=False, turn=None) -> Geometry:
    shape = tuple(round(size_mm / s) for s in spacing)
    affine = np.diag([-spacing[0] if flip else spacing[0], *spacing[1:], 1.0])
    if turn is not None:
        affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = (12.0, -30.0, 7.0)
    return Geometry(shape, affine)


def ball(geometry: Geometry, radius_mm: float) -> tuple[np.ndarray, np.ndarray]:
    center = geometry.to_world((np.array(geometry.shape_ijk) - 1) / 2)
    world = geometry.to_world(np.moveaxis(np.indices(geometry.shape_ijk), 0, -1))
    return np.linalg.norm(world - center, axis=-1) <= radius_mm, center


def as_mesh(surface: Surface) -> trimesh.Trimesh:
    return trimesh.Trimesh(surface.vertices_ras_mm, surface.faces, process=False)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("flip", [False, True])
def test_a_ball(spacing, flip):
    geometry = grid(spacing, flip=flip)
    mask, center = ball(geometry, 18.0)
    surface = surface_of(mask, geometry)
    mesh = as_mesh(surface)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert surface.volume_mm3 == pytest.approx(mask.sum() * geometry.voxel_volume_mm3, rel=1e-3)
    assert surface.volume_mm3 == pytest.approx(4 / 3 * np.pi * 18**3, rel=0.03)
    radius = np.linalg.norm(surface.vertices_ras_mm - center, axis=1)
    assert radius.min() > 18 - max(spacing) / 2
    assert radius.max() < 18 + max(spacing) / 2
    outwards = np.einsum("ij,ij->i", mesh.face_normals, mesh.triangles_center - center)
    assert (outwards > 0).all()


def test_a_box_lies_where_its_voxels_lie():
    geometry = grid((1.0, 2.0, 1.0))
    mask = np.zeros(geometry.shape_ijk, bool)
    mask[10:30, 5:15, 8:40] = True
    surface = surface_of(mask, geometry)
    low, high = (geometry.to_world(np.array(ijk)) for ijk in ((9.5, 4.5, 7.5), (29.5, 14.5, 39.5)))
    np.testing.assert_allclose(surface.vertices_ras_mm.min(0), low, atol=0.6)
    np.testing.assert_allclose(surface.vertices_ras_mm.max(0), high, atol=0.6)
    assert surface.volume_mm3 == pytest.approx(20 * 20 * 32, rel=1e-3)
    assert as_mesh(surface).is_watertight


def test_an_oblique_sheared_grid():
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle), 0.2], [np.sin(angle), np.cos(angle), 0.1], [0, 0, 1]])
    geometry = grid((1.0, 1.0, 3.0), turn=turn)
    mask, _ = ball(geometry, 15.0)
    surface = surface_of(mask, geometry)
    assert as_mesh(surface).is_watertight
    assert surface.volume_mm3 == pytest.approx(mask.sum() * geometry.voxel_volume_mm3, rel=1e-3)


def test_at_the_border_of_the_volume_it_is_closed():
    geometry = grid((1.0, 1.0, 2.0), size_mm=12)
    surface = surface_of(np.ones(geometry.shape_ijk, bool), geometry)
    assert as_mesh(surface).is_watertight
    assert surface.volume_mm3 == pytest.approx(12**3, rel=0.03)


def test_a_thin_plate_a_hole_and_two_pieces():
    geometry = grid((1.0, 1.0, 1.0), size_mm=30)
    mask = np.zeros(geometry.shape_ijk, bool)
    mask[2:28, 2:28, 3] = True
    mask[5:25, 5:25, 10:25] = True
    mask[10:15, 10:15, 15:20] = False
    surface = surface_of(mask, geometry)
    mesh = as_mesh(surface)
    assert mesh.is_watertight
    assert mesh.body_count == 3, "plate, block and the hole's own shell"
    assert surface.volume_mm3 == pytest.approx(mask.sum(), rel=0.03)


def test_one_voxel_is_still_closed():
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    surface = surface_of(mask, Geometry((3, 3, 3), np.eye(4)))
    assert as_mesh(surface).is_watertight
    assert 0 < surface.volume_mm3 < 1


def test_noise_of_single_voxels_is_closed():
    mask = np.random.default_rng(0).random((20, 20, 10)) < 0.2
    surface = surface_of(mask, Geometry(mask.shape, np.diag([1, 1, 2.5, 1])))
    mesh = as_mesh(surface)
    assert mesh.is_winding_consistent
    assert np.isfinite(surface.vertices_ras_mm).all()
