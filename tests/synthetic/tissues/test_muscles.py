from __future__ import annotations

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.synthetic.scene import MusclePath
from anybone.synthetic.tissues.field import Field
from anybone.synthetic.tissues.muscles import around, group_of, marbling


@pytest.fixture
def field():
    bone = np.zeros((40, 30, 60), dtype=np.uint16)
    return Field(Geometry(bone.shape, np.eye(4)), bone, {}, np.random.default_rng(0))


def upright(x: float, cord: bool = False) -> MusclePath:
    return MusclePath(np.array([[x, 15.0, 0.0], [x, 15.0, 59.0]]), 8.0, cord=cord)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("left MF_m1s", "left MF"),
        ("left glmax2", "left glmax"),
        ("left dorsal interosseous 2", "left dorsal interosseous 2"),
        ("right soleus", "right soleus"),
    ],
)
def test_parts_belong_to_their_muscle(name, group):
    assert group_of(name) == group


def test_fat_lies_between_muscles_and_not_between_the_parts_of_one(field):
    between = (19, 15, 30)
    apart = around(field, {"left vasmed": upright(12), "left vaslat": upright(26)})
    joined = around(field, {"left glmax1": upright(12), "left glmax2": upright(26)})
    assert apart.plane_mm[between] < 1.5
    assert joined.plane_mm[between] > 10
    assert apart.group[3, 5, 10] != apart.group[10, 5, 10]
    np.testing.assert_array_equal(apart.outside_mm, joined.outside_mm)


def test_muscles_that_lie_in_one_another_are_muscle(field):
    found = around(field, {"left BIClong": upright(20), "left BICshort": upright(20.5)})
    muscle = found.outside_mm[:, :, 30] < 0
    assert (found.plane_mm[:, :, 30][muscle] > 1.0).mean() > 0.8


def test_fat_between_muscles_is_as_thick_beside_them_as_between_them(field):
    found = around(field, {"left vasmed": upright(12), "left vaslat": upright(28)})
    x = np.arange(40)[:, None]
    error = found.plane_mm[:, :, 30] - np.abs(x - 20)
    near = (np.abs(x - 20) < 3) & (found.outside_mm[:, :, 30] < 4)
    assert np.abs(error[near]).max() < 0.6


def test_a_cord_is_as_thick_at_its_ends(field):
    belly, cord = (around(field, {"left x": upright(20, cord)}).outside_mm[20, 15] for cord in (False, True))
    assert belly[1] > -4
    assert cord[1] < -5.5
    assert belly[30] == pytest.approx(cord[30], abs=0.5)


def test_a_long_muscle_is_as_thick_between_its_stations(field):
    far = MusclePath(np.array([[20.0, 15.0, -500.0], [20.0, 15.0, 500.0]]), 5.0)
    other = MusclePath(far.points_mm + np.array([12.0, 0.0, 0.0]), 5.0)
    found = around(field, {"left x": far, "left y": other})
    assert np.ptp(found.outside_mm[23, 15]) < 0.2
    assert np.ptp(found.plane_mm[23, 15]) < 0.2


def test_nothing_is_near_no_muscle(field):
    assert around(field, {}).outside_mm.min() > 100


def test_more_marbling_is_more_of_the_same(field):
    amounts = []
    for more in (0.0, 2.0):
        field.rng.bit_generator.state = np.random.default_rng(5).bit_generator.state
        amounts.append(marbling(field, more))
    assert amounts[0].mean() < 0.06
    assert amounts[1].sum() > 2 * amounts[0].sum()
    assert not (amounts[0] & ~amounts[1]).any()
