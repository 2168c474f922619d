"""What lies before and behind the spine of an abdomen, and in a pelvis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from anybone.core.geometry import Geometry
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.pose import pose
from anybone.synthetic.scene import Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues import build
from anybone.synthetic.tissues.abdomen import KIDNEYS, fill_abdomen
from anybone.synthetic.tissues.bowel import fill_bowel
from anybone.synthetic.tissues.field import Field

SPACING_MM = 2.0


@pytest.fixture
def block():
    """A field of nothing, 240 mm wide, and where it lies about a spine."""
    shape = (120, 80, 120)
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = (-120, -10, -120)
    field = Field(Geometry(shape, affine), np.zeros(shape, dtype=np.uint16), {}, np.random.default_rng(0))
    return field, [field.axis_mm(axis) for axis in range(3)]


def test_a_kidney_lies_on_either_side_in_fat_of_its_own(block):
    field, xyz = block
    tissue = np.zeros(field.shape, dtype=np.uint8)
    fill_abdomen(field, np.ones(field.shape, dtype=bool), xyz, tissue)
    assert not (tissue == Tissue.AIR).any()
    for kidney in KIDNEYS:
        i, j, k = (int((at - low) / SPACING_MM) for at, low in zip(kidney.at_mm, (-120, -10, -120), strict=True))
        outer = int(np.sign(kidney.at_mm[0]) * 5)
        assert tissue[i + outer, j, k] == Tissue.ORGAN  # the inner side is the sinus
        pieces, _ = ndimage.label(tissue == Tissue.ORGAN)
        volume = (pieces == pieces[i + outer, j, k]).sum() * SPACING_MM**3 / 1000
        assert 50 < volume < 300 or kidney.at_mm[0] > 0  # ml; the right one may touch the liver
        assert (tissue[i - 25 : i + 25, j, k] == Tissue.FAT).any()


def test_bowel_has_walls_and_keeps_to_its_place(block):
    field, xyz = block
    where = np.broadcast_to(xyz[1] > 40, field.shape) & np.broadcast_to(xyz[2] > 0, field.shape)
    tissue = np.full(field.shape, Tissue.ORGAN, dtype=np.uint8)
    fill_bowel(field, where, tissue)
    assert (tissue[~where] == Tissue.ORGAN).all()
    within = where & (tissue != Tissue.FAT)
    assert 0.1 < within.sum() / where.sum() < 0.8
    filled = np.isin(tissue, [Tissue.BOWEL, Tissue.BOWEL_GAS, Tissue.FLUID])
    assert filled.any()
    beside = ndimage.binary_dilation(filled) & ~filled & where
    assert (tissue[beside] == Tissue.MUSCLE).mean() > 0.9


@pytest.fixture(scope="module")
def lumbar() -> tuple[Scene, LabelMap]:
    rng = np.random.default_rng(2)
    scene = pose("lumbar-spine", rng)
    return scene, build(scene, SPACING_MM, rng, 2)


def test_behind_a_spine_lie_columns_of_muscle(lumbar):
    scene, made = lumbar
    level = scene.canal.points_mm[4]
    for side in (-1, 1):
        at = made.geometry.to_voxel(level + np.array([side * 28.0, -32.0, 0.0])).round().astype(int)
        box = made.tissue[tuple(slice(c - 4, c + 5) for c in at)]
        bone = made.bone[tuple(slice(c - 4, c + 5) for c in at)] > 0
        assert (box[~bone] == Tissue.MUSCLE).mean() > 0.6


def test_great_vessels_part_above_the_pelvis():
    rng = np.random.default_rng(3)
    scene = pose("sacroiliac-joints", rng)
    made = build(scene, SPACING_MM, rng, 3)
    blood, _ = ndimage.label(made.tissue == Tissue.VESSEL)
    sizes = np.bincount(blood.ravel())
    sizes[0] = 0
    vessels = np.argwhere(sizes[blood] * SPACING_MM**3 > 1000)  # no small ones
    aside = made.geometry.to_world(vessels)[:, 0] - scene.canal.points_mm[-1, 0]
    assert aside.min() < -20
    assert aside.max() > 20


def test_a_rectum_runs_before_the_sacrum():
    made = build_of("pelvis", 1)
    sacrum = np.argwhere(made.bone == next(n for n, name in made.names.items() if name == "sacrum"))
    i, _, k = sacrum.mean(axis=0).round().astype(int)
    front = sacrum[(sacrum[:, 2] == k) & (np.abs(sacrum[:, 0] - i) < 6)][:, 1].max()
    before = made.tissue[i - 12 : i + 13, front + 2 : front + 22, k]
    assert np.isin(before, [Tissue.BOWEL, Tissue.BOWEL_GAS]).any()
    assert (before == Tissue.FAT).mean() > 0.2


def build_of(region: str, seed: int) -> LabelMap:
    rng = np.random.default_rng(seed)
    return build(pose(region, rng), SPACING_MM, rng, seed)
