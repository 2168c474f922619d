from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import UsageError
from anybone.synthetic import mesh as meshes
from anybone.synthetic.scene import Mesh
from solid_meshes import ball, cube, without_faces


def test_a_cube_has_its_volume_and_its_mirror_image_too() -> None:
    assert cube().volume_mm3 == pytest.approx(1000)
    assert meshes.mirrored(cube()).volume_mm3 == pytest.approx(1000)
    assert meshes.mirrored(cube()).bounds_mm[:, 0].tolist() == [-10, 0]


def test_a_face_without_its_vertex_is_refused() -> None:
    with pytest.raises(UsageError, match="there are 3"):
        Mesh(np.zeros((3, 3)), np.array([[0, 1, 3]]))


def test_welding_joins_what_lies_at_one_place() -> None:
    soup = Mesh(cube().vertices_mm[cube().faces].reshape(-1, 3), np.arange(36).reshape(-1, 3))
    assert len(meshes.open_edges(soup)) == 36
    assert len(meshes.welded(soup).vertices_mm) == 8
    assert meshes.is_closed(meshes.welded(soup))


def test_a_hole_is_found_and_closed() -> None:
    torn = without_faces(cube(), 2)
    assert len(meshes.open_edges(torn)) == 4
    assert not meshes.is_closed(torn)
    assert meshes.is_closed(meshes.closed(torn))
    assert meshes.closed(torn).volume_mm3 == pytest.approx(1000)


def test_parts_come_apart_largest_first() -> None:
    both = meshes.joined([cube(2.0, (20, 0, 0)), ball(6.0)])
    first, second = meshes.parts(both)
    assert first.volume_mm3 == pytest.approx(4 / 3 * np.pi * 216, rel=0.04)
    assert second.volume_mm3 == pytest.approx(8)


def test_faces_that_turn_either_way_are_turned_outwards() -> None:
    mixed = cube().faces.copy()
    mixed[::3] = mixed[::3, ::-1]
    assert meshes.oriented(Mesh(cube().vertices_mm, mixed)).volume_mm3 == pytest.approx(1000)


def test_subdividing_quarters_triangles_and_keeps_the_surface_closed() -> None:
    fine = meshes.subdivided(ball(10.0, spacing_mm=2.0))
    assert len(fine.faces) == 4 * len(ball(10.0, spacing_mm=2.0).faces)
    assert meshes.is_closed(fine)


def test_the_rim_of_a_hole_stays_in_its_plane() -> None:
    low, high = cube().bounds_mm
    fine = meshes.subdivided(without_faces(cube(), 2))  # the face at x = 0 is missing
    rim = fine.vertices_mm[np.unique(meshes.open_edges(fine))]
    assert len(rim) == 8
    assert np.abs(rim[:, 0] - low[0]).max() == pytest.approx(0)
    assert high[0] == 10


def test_smoothing_levels_steps_and_keeps_the_volume() -> None:
    rng = np.random.default_rng(0)
    rough = ball(15.0)
    rough = Mesh(rough.vertices_mm + rng.normal(0, 0.2, rough.vertices_mm.shape), rough.faces)
    smooth = meshes.smoothed(rough)
    spread = [np.std(np.linalg.norm(mesh.vertices_mm, axis=1)) for mesh in (rough, smooth)]
    assert spread[1] < 0.5 * spread[0]
    assert smooth.volume_mm3 == pytest.approx(rough.volume_mm3, rel=0.02)


def test_refining_keeps_the_volume_of_a_coarse_bone() -> None:
    coarse = ball(10.0, spacing_mm=4.0)
    fine = meshes.refined(coarse, 3000)
    assert len(fine.faces) >= 3000
    assert fine.volume_mm3 == pytest.approx(coarse.volume_mm3, rel=1e-6)


def test_making_anew_heals_overlapping_pieces() -> None:
    pair = meshes.joined([ball(10.0), ball(10.0, (6.0, 0, 0))])
    whole = meshes.remeshed(pair, 1.0)
    lens = np.pi * (4 * 10 + 6) * (2 * 10 - 6) ** 2 / 12  # what two balls of radius 10 share, 6 apart
    assert meshes.is_closed(whole)
    assert whole.volume_mm3 == pytest.approx(2 * 4 / 3 * np.pi * 1000 - lens, rel=0.05)


def test_the_hull_of_a_cube_is_the_cube() -> None:
    assert meshes.hull(meshes.joined([cube(), cube(2.0, (4, 4, 4))])).volume_mm3 == pytest.approx(1000)
