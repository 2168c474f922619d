"""The wall of a chest: lungs keep within the ribs, muscle lies between them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from anybone.core.geometry import Geometry
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.pose import pose
from anybone.synthetic.scene import Mesh, Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues import build
from anybone.synthetic.tissues.cage import cage_of
from anybone.synthetic.tissues.field import Field
from anybone.synthetic.tissues.soft_tissue import SoftTissue

SPACING_MM = 2.0
OUTER_MM, INNER_MM = 60.0, 52.0


@pytest.fixture(scope="module")
def chest() -> LabelMap:
    rng = np.random.default_rng(1)
    return build(pose("chest", rng), SPACING_MM, rng, 1)


def hoop(height_mm: float, side: int) -> Mesh:
    """Points on the inner and the outer face of half a ring."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 60)
    around = np.column_stack([side * np.cos(turn), np.sin(turn)])
    points = np.vstack([np.column_stack([r * around, np.full(60, height_mm)]) for r in (INNER_MM, OUTER_MM)])
    return Mesh(points, np.array([[0, 1, 2]]))


def cage(sides: dict[str, int]):
    shape = (80, 80, 60)
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = (-80, -80, -60)
    field = Field(Geometry(shape, affine), np.zeros(shape, dtype=np.uint16), {}, np.random.default_rng(0))
    bones = {f"{side} rib {n}": hoop(24.0 - 24.0 * (n - 3), sign) for side, sign in sides.items() for n in (2, 3, 4, 5)}
    scene = Scene(bones, {}, np.zeros(3), np.full(3, 160.0), "chest", "both", ())
    deep = np.full(shape, -100.0, dtype=np.float32)
    return field, cage_of(field, scene, SoftTissue(deep, deep, np.ones(shape, dtype=bool)))


def test_between_two_ribs_the_cage_is_as_wide_as_at_them():
    field, found = cage({"left": -1, "right": 1})
    radius = np.hypot(field.axis_mm(0), field.axis_mm(1))
    face = np.abs(radius[:, :, 0] - INNER_MM) < 8
    for height in (0.0, -12.0):  # at a rib, between two; above them a cage narrows
        k = int((height + 60) / SPACING_MM)
        error = found.inside_mm[:, :, k] - (INNER_MM - radius)[:, :, 0]
        assert np.abs(error[face]).max() < 3.0
        assert np.abs(found.thick_mm[:, :, k] - (OUTER_MM - INNER_MM)).max() < 3.0


def test_the_ribs_of_one_side_stand_for_both():
    _, both = cage({"left": -1, "right": 1})
    field, left = cage({"left": -1})
    k = int(60 / SPACING_MM)
    moved = 16.0  # the heads lie so far from the midline in a body, and on it here
    there = field.axis_mm(0)[:, 0, 0] < -20
    difference = left.inside_mm[there, :, k] - both.inside_mm[there, :, k]
    assert np.median(np.abs(difference)) < moved / 2
    assert left.inside_mm[40, 40, k] > 20


def test_there_is_no_cage_without_ribs():
    assert cage({})[1] is None


def test_lungs_touch_neither_skin_nor_air(chest):
    around = ndimage.binary_dilation(chest.tissue == Tissue.LUNG, iterations=2)
    assert not np.isin(chest.tissue[around], [Tissue.AIR, Tissue.SKIN]).any()


def test_around_lungs_lie_ribs_and_muscle(chest):
    lung = chest.tissue == Tissue.LUNG
    ribs = np.isin(chest.bone, [n for n, name in chest.names.items() if " rib " in name])
    j = int(np.argwhere(lung)[:, 1].mean())
    heights = np.unique(np.argwhere(ribs[:, j])[:, 1])
    for k in heights[len(heights) // 4 : 3 * len(heights) // 4]:
        across = np.flatnonzero(lung[:, j, k])
        for wall in (slice(across[-1] + 1, across[-1] + 7), slice(across[0] - 6, across[0])):
            muscle = chest.tissue[wall, j, k] == Tissue.MUSCLE
            assert (muscle | ribs[wall, j, k]).any()


def test_ribs_end_in_cartilage(chest):
    cartilage, _ = ndimage.label(chest.tissue == Tissue.CARTILAGE)
    large = np.bincount(cartilage.ravel())[1:] * SPACING_MM**3 > 800  # mm3; no joint here has so much
    assert large.sum() >= 5


def test_a_shoulder_lies_beside_a_lung():
    rng = np.random.default_rng(3)
    shoulder = build(pose("shoulder", rng), SPACING_MM, rng, 3)
    lung = shoulder.tissue == Tissue.LUNG
    assert lung.sum() * SPACING_MM**3 > 10_000  # mm3
    assert not shoulder.bone[lung].any()
