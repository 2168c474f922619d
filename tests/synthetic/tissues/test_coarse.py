"""From the coarse grid to the field's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from anybone.core.geometry import Geometry
from anybone.synthetic.tissues.coarse import COARSE, borders, coarse_points, coarse_shape, fine
from anybone.synthetic.tissues.field import Field


@pytest.fixture
def field():
    bone = np.zeros((40, 31, 26), dtype=np.uint16)  # no multiples of the step
    return Field(Geometry(bone.shape, np.eye(4)), bone, {}, np.random.default_rng(0))


def test_fine_is_linear_between_the_middles_of_coarse_voxels(field):
    coarse = field.rng.normal(size=coarse_shape(field))
    found = fine(field, coarse)
    usual = ndimage.zoom(coarse, COARSE, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(found, usual[: field.shape[0], : field.shape[1], : field.shape[2]], atol=1e-5)


def test_a_border_is_met_wherever_it_lies_between_coarse_voxels(field):
    shape, points = coarse_points(field)
    x, y = (points[:, axis].reshape(shape) for axis in (0, 1))
    number = np.where(x > 20.3, np.where(y > 14.1, 5, 3), 0)  # three pieces that meet
    away = np.where(x > 20.3, np.minimum(x - 20.3, np.abs(y - 14.1)), 20.3 - x)
    found = borders(field, away, number, 6)
    assert found[20, 15, 13] == pytest.approx(0.3, abs=0.2)
    assert found[35, 14, 13] == pytest.approx(0.1, abs=0.2)
    assert found[10, 15, 13] == pytest.approx(10.3, abs=0.2)


def test_one_piece_has_no_border(field):
    away = np.full(coarse_shape(field), 7.0)
    np.testing.assert_allclose(borders(field, away, np.zeros(away.shape, dtype=int), 1), 7.0)
