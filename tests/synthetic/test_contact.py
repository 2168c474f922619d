from __future__ import annotations

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.synthetic.contact import apart, seat, vertex_normals
from anybone.synthetic.voxelize import voxelize
from solid_meshes import ball, cube


def overlap(first, second) -> int:
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = -30
    grid = Geometry((60, 60, 60), affine)
    return int((voxelize(first, grid) & voxelize(second, grid)).sum())


@pytest.mark.parametrize("start_mm", [-4.0, 0.0, 9.0])
def test_a_bone_is_seated_at_its_distance_whether_too_near_or_too_far(start_mm: float) -> None:
    below, above = cube(20.0, (-10, -10, -20)), cube(20.0, (-10, -10, start_mm))
    move = seat(above, below, (0, 0, 1), 3.0, (0, 0, 0), 14.0)
    assert move.mesh(above).bounds_mm[0, 2] == pytest.approx(3.0, abs=0.01)


def test_only_what_is_near_counts_for_the_seat() -> None:
    below = cube(20.0, (-10, -10, -20))
    far = cube(20.0, (30, -10, 0))
    assert np.array_equal(seat(far, below, (0, 0, 1), 3.0, (0, 0, 0), 9.0).offset_mm, (0, 0, 0))


def test_bones_that_pass_through_one_another_are_pushed_apart() -> None:
    bones = {"one": ball(12.0, (-11.0, 0, 0)), "other": ball(12.0, (11.0, 0, 0))}
    assert overlap(*bones.values()) > 20
    pushed = apart(bones, 1.5)
    assert overlap(*pushed.values()) == 0
    for name, mesh in pushed.items():
        assert mesh.volume_mm3 == pytest.approx(bones[name].volume_mm3, rel=0.03)


def test_bones_that_are_far_apart_stay_as_they_are() -> None:
    bones = {"one": ball(8.0, (-11.0, 0, 0)), "other": ball(8.0, (11.0, 0, 0))}
    for name, mesh in apart(bones, 1.5).items():
        assert np.array_equal(mesh.vertices_mm, bones[name].vertices_mm)


def test_the_normals_of_a_ball_look_away_from_its_middle() -> None:
    mesh = ball(10.0)
    out = mesh.vertices_mm / np.linalg.norm(mesh.vertices_mm, axis=1, keepdims=True)
    assert (vertex_normals(mesh) * out).sum(axis=1).min() > 0.95
