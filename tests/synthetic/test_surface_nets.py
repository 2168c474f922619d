from __future__ import annotations

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.synthetic.mesh import is_closed
from anybone.synthetic.surface_nets import surface
from solid_meshes import ball


def test_the_surface_of_a_ball_is_closed_looks_out_and_has_its_volume() -> None:
    mesh = ball(12.0, (3.0, 4.0, 5.0))
    assert is_closed(mesh)
    assert mesh.volume_mm3 == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.01)
    assert np.abs(mesh.vertices_mm.mean(axis=0) - (3, 4, 5)).max() < 0.05


def test_a_field_that_is_positive_up_to_its_border_is_closed_there() -> None:
    mesh = surface(np.ones((4, 5, 6)), Geometry((4, 5, 6), np.eye(4)))
    assert is_closed(mesh)
    assert mesh.volume_mm3 == pytest.approx(4 * 5 * 6, rel=0.15)


def test_a_grid_that_mirrors_still_gives_faces_that_look_out() -> None:
    field = 5.0 - np.linalg.norm(np.argwhere(np.ones((15, 15, 15))) - 7, axis=1).reshape(15, 15, 15)
    assert surface(field, Geometry((15, 15, 15), np.diag([-1.0, 1, 1, 1]))).volume_mm3 > 0


def test_an_empty_field_has_no_surface() -> None:
    assert len(surface(-np.ones((3, 3, 3)), Geometry((3, 3, 3), np.eye(4))).faces) == 0
