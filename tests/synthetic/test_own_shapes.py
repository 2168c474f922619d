from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.synthetic.drawing import draw_like
from anybone.synthetic.own_shapes import scene_from, surfaces_of

RADIUS_MM = 14.0


def case(names: dict[int, str] | None = None) -> Segmentation:
    """A ball wholly inside, and a rod that leaves below; slices of 3 mm, turned by 10 degrees about S, LPS."""
    turn = np.radians(10)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-np.cos(turn), np.sin(turn), 0], [-np.sin(turn), -np.cos(turn), 0], [0, 0, 1]])
    affine[:3, :3] = affine[:3, :3] * (1.0, 1.0, 3.0)
    affine[:3, 3] = (30, 40, -50)
    geometry = Geometry((70, 60, 30), affine)
    i, j, k = np.indices(geometry.shape_ijk) * np.array([1.0, 1.0, 3.0])[:, None, None, None]
    labels = np.zeros(geometry.shape_ijk, dtype=np.uint16)
    labels[(i - 35) ** 2 + (j - 30) ** 2 + (k - 62) ** 2 < RADIUS_MM**2] = 1
    labels[((i - 35) ** 2 + (j - 30) ** 2 < 8**2) & (k < 40)] = 2
    return Segmentation(labels, geometry, names or {1: "left patella", 2: "left tibia"})


def test_surfaces_have_the_volume_and_the_place_of_their_masks():
    found = surfaces_of(case())
    ball = found["left patella"]
    assert ball.volume_mm3 == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3, rel=0.05)
    middle = case().geometry.to_world(np.argwhere(case().labels == 1)).mean(axis=0)
    assert ball.bounds_mm.mean(axis=0) == pytest.approx(middle, abs=1.0)


def test_a_bone_that_the_volume_cuts_goes_on_beyond_it():
    rod = surfaces_of(case())["left tibia"]
    lowest = case().geometry.affine_ras_mm[2, 3]
    assert rod.bounds_mm[0, 2] < lowest - 15


def test_somebody_else_each_time_and_the_same_for_the_same_seed():
    first, again, other = (scene_from(case(), np.random.default_rng(seed), "a case") for seed in (1, 1, 2))
    name = next(iter(first.bones))
    assert np.array_equal(first.bones[name].vertices_mm, again.bones[name].vertices_mm)
    assert first.extent_mm.tolist() != other.extent_mm.tolist()
    sides = {scene_from(case(), np.random.default_rng(seed), "a case").side for seed in range(12)}
    assert sides == {"left", "right"}


def test_a_label_map_with_all_tissues():
    made = draw_like(case(), 3, "Bones: case.nii.gz", spacing_mm=1.5)
    drawn = scene_from(case(), np.random.default_rng(3), "Bones: case.nii.gz").bones
    assert set(made.names.values()) == set(drawn)
    assert made.credits == ("Bones: case.nii.gz",)
    number, name = next((number, name) for number, name in made.names.items() if "patella" in name)
    assert (made.bone == number).sum() * 1.5**3 == pytest.approx(drawn[name].volume_mm3, rel=0.1)
    assert len(np.unique(made.tissue)) > 6


def test_labels_that_are_no_bones_are_refused_by_name():
    with pytest.raises(UsageError, match="liver"):
        scene_from(case({1: "liver", 2: "left tibia"}), np.random.default_rng(0), "a case")
