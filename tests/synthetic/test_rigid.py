from __future__ import annotations

import numpy as np
import pytest

from anybone.synthetic import rigid
from anybone.synthetic.scene import Mesh
from solid_meshes import ball, cube


def test_a_quarter_turn_about_an_axis_through_a_point() -> None:
    move = rigid.turned(90, (0, 0, 1), (1, 0, 0))
    assert np.allclose(move(np.array([[2.0, 0.0, 5.0]])), [[1, 1, 5]])
    assert np.allclose(move.inverse()(move(np.eye(3))), np.eye(3))


def test_moves_follow_one_another() -> None:
    both = rigid.shifted((1, 0, 0)).after(rigid.turned(90, (0, 0, 1)))
    assert np.allclose(both(np.array([1.0, 0, 0])), [1, 1, 0])


def test_a_frame_stands_its_own_axes_up() -> None:
    place = rigid.frame((1, 2, 3), (0, 1, 0), (0, 0, 2))
    assert np.allclose(place.matrix, [[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert np.linalg.det(place.matrix) == pytest.approx(1)


def test_the_move_between_two_sets_of_points_is_found() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3)) * 30
    truth = rigid.Move(1.3 * rigid.turned(40, (1, 2, 3)).matrix, np.array([5.0, -7, 9]))
    found = rigid.fitted(points, truth(points))
    assert np.allclose(found.matrix, truth.matrix)
    assert np.allclose(found.offset_mm, truth.offset_mm)


def test_a_fit_never_mirrors() -> None:
    points = np.random.default_rng(1).normal(size=(20, 3))
    assert np.linalg.det(rigid.fitted(points, points * (-1, 1, 1)).matrix) > 0


def test_two_surfaces_of_one_shape_are_laid_on_one_another() -> None:
    mesh = ball(10.0)
    shape = Mesh(mesh.vertices_mm * (1, 1.6, 2.3) + 0.02 * mesh.vertices_mm**2, mesh.faces)
    moved = rigid.turned(12, (1, 1, 0)).after(rigid.shifted((3, -2, 4))).mesh(shape)
    found = rigid.aligned(shape, moved)
    assert np.abs(found(shape.vertices_mm) - moved.vertices_mm).max() < 2.0  # vertices are 1 to 2 mm apart


def test_the_sphere_through_points() -> None:
    middle, radius = rigid.sphere(ball(8.0, (1, 2, 3)).vertices_mm)
    assert np.abs(middle - (1, 2, 3)).max() < 0.05
    assert radius == pytest.approx(8, abs=0.1)


def test_a_moved_mesh_keeps_its_volume() -> None:
    assert rigid.turned(33, (1, 2, 3), (4, 5, 6)).mesh(cube()).volume_mm3 == pytest.approx(1000)
