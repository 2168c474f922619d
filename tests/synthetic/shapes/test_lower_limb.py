from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.synthetic.mesh import is_closed
from anybone.synthetic.posing.joints import femoral_head, knee_axis
from anybone.synthetic.shapes import lower_limb as limb
from anybone.synthetic.voxelize import voxelize

pytest.importorskip("musculoskeletal.models", reason="needs the extra anatomy")


def test_bones_of_a_person_are_closed_and_stand_where_they_belong() -> None:
    bones = limb.lower_limb(np.random.default_rng(0))
    assert all(is_closed(mesh) and mesh.volume_mm3 > 0 for mesh in bones.values())
    middle = bones["sacrum"].vertices_mm[:, 0].mean()
    assert bones["left hip bone"].vertices_mm[:, 0].max() < middle + 40
    assert bones["left hip bone"].vertices_mm[:, 0].mean() < middle < bones["right hip bone"].vertices_mm[:, 0].mean()
    assert bones["left femur"].vertices_mm[:, 0].mean() < middle
    assert bones["left patella"].vertices_mm[:, 1].mean() > bones["left femur"].vertices_mm[:, 1].mean()
    assert 380 < np.ptp(bones["left femur"].vertices_mm[:, 2]) < 520


def test_a_person_comes_back_by_seed_and_people_differ() -> None:
    one, again, other = (limb.lower_limb(np.random.default_rng(seed))["left femur"] for seed in (1, 1, 2))
    assert np.array_equal(one.vertices_mm, again.vertices_mm)
    assert 1 < np.abs(one.vertices_mm - other.vertices_mm).mean() < 40


def test_the_mask_of_a_femur_has_its_volume() -> None:
    femur = limb.lower_limb(np.random.default_rng(3), 0.0)["left femur"]
    low, high = femur.bounds_mm
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = low - 2
    shape = np.ceil(high - low + 4).astype(int)
    mask = voxelize(femur, Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine))
    assert mask.sum() == pytest.approx(femur.volume_mm3, rel=0.01)


def test_joints_are_found_on_a_femur() -> None:
    femur = limb.lower_limb(np.random.default_rng(4))["left femur"]
    head, radius = femoral_head(femur)
    assert 18 < radius < 30
    at = femur.vertices_mm
    trochanter = at[np.argmin(at[:, 0])]  # the outermost point
    assert head[0] > trochanter[0] + 30
    middle, axis = knee_axis(femur)
    assert axis[0] > 0.85
    assert 5 < middle[2] - femur.vertices_mm[:, 2].min() < 40


def test_the_reader_refuses_a_pickle_that_holds_more_than_arrays() -> None:
    with pytest.raises(pickle.UnpicklingError, match="no part of"):
        limb._ArraysOnly(io.BytesIO(pickle.dumps(Path("x")))).load()
