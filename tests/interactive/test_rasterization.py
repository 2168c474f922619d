from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import PromptError
from anybone.core.geometry import Geometry
from anybone.interactive.rasterization import brush_mask, polygon_mask

GEOMETRY = Geometry((20, 30, 4), np.diag([1.0, 2.0, 5.0, 1.0]))


def test_a_brush_is_round_in_millimeters():
    index, mask = brush_mask(GEOMETRY, 2, [(10, 15, 3)], 4.0)
    rows, columns = np.mgrid[:20, :30]
    assert index == 3
    assert np.array_equal(mask, (rows - 10) ** 2 + (2 * (columns - 15)) ** 2 <= 16)


def test_a_stroke_joins_what_it_went_through():
    _, mask = brush_mask(GEOMETRY, 2, [(2, 5, 0), (12, 5, 0), (12, 20, 0)], 0.0)
    assert mask[2:13, 5].all()
    assert mask[12, 5:21].all()
    assert mask.sum() == 11 + 15


def test_the_voxel_under_the_center_is_always_painted():
    _, mask = brush_mask(GEOMETRY, 2, [(2.4, 5.4, 0)], 0.1)
    assert mask[2, 5]
    assert mask.sum() == 1


@pytest.mark.parametrize(("axis", "shape"), [(0, (30, 4)), (1, (20, 4)), (2, (20, 30))])
def test_any_axis(axis, shape):
    index, mask = brush_mask(GEOMETRY, axis, [(10, 15, 3)], 0)
    assert index == (10, 15, 3)[axis]
    assert mask.shape == shape
    assert mask.sum() == 1


def test_at_the_border_it_is_cut_off():
    _, mask = brush_mask(GEOMETRY, 2, [(0, 0, 0)], 2.0)
    assert mask.sum() == 4
    assert mask[:3, 0].all()
    assert mask[0, 1]


@pytest.mark.parametrize(
    ("path", "radius"),
    [
        ([], 1.0),
        ([(1, 1)], 1.0),
        ([(1, 1, 9)], 1.0),
        ([(1, 1, 0), (1, 1, 1)], 1.0),
        ([(1, 1, 0)], -1.0),
        ([(1, 1, 0)], np.nan),
        ([(np.nan, 1, 0)], 1.0),
    ],
)
def test_what_is_no_stroke_is_refused(path, radius):
    with pytest.raises(PromptError):
        brush_mask(GEOMETRY, 2, path, radius)


def test_a_polygon_holds_the_centers_inside():
    square = polygon_mask([(2, 3), (2, 6.5), (5, 6.5), (5, 3)], (10, 10))
    expected = np.zeros((10, 10), bool)
    expected[2:5, 3:7] = True
    assert np.array_equal(square[3:5], expected[3:5])
    assert square.sum() in (12, 16)
    triangle = polygon_mask([(0, 0), (0, 9), (9, 0)], (10, 10))
    assert triangle[1, 1]
    assert not triangle[8, 8]
    assert abs(int(triangle.sum()) - 45) <= 10


def test_a_polygon_may_leave_the_plane():
    assert polygon_mask([(-5, -5), (-5, 50), (50, 50), (50, -5)], (10, 12)).all()


def test_even_and_odd():
    bow = polygon_mask([(0, 0), (8, 8), (8, 0), (0, 8)], (9, 9))
    assert bow[1, 4] == bow[7, 4]
    assert not bow[4, 0]
