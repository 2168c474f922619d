from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from anybone.synthetic.posing.leg import leg

pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")

ENDS = {
    "left anterior cruciate ligament 1": ("femur", "tibia"),
    "left posterior cruciate ligament 2": ("femur", "tibia"),
    "left medial collateral ligament 3": ("femur", "tibia"),
    "left lateral collateral ligament": ("femur", "fibula"),
}


@pytest.fixture(scope="module", params=[5, 80])
def bent(request):
    return leg(np.random.default_rng(1), {"knee_flexion": request.param})


@pytest.mark.parametrize("name", ENDS)
def test_ligaments_lead_from_bone_to_bone_however_the_knee_is_bent(bent, name):
    points = bent.muscles[name].points_mm
    for bone, end in zip(ENDS[name], (points[0], points[-1]), strict=True):
        assert cKDTree(bent.bones[f"left {bone}"].vertices_mm).query(end)[0] < 7  # mm
    assert 22 < np.linalg.norm(np.diff(points, axis=0), axis=1).sum() < 90


def test_cruciates_cross_and_collaterals_lie_on_either_side(bent):
    def along_axis(name: str, end: int) -> float:
        return float((bent.muscles[f"left {name} 1"].points_mm[end] - knee) @ out)

    femur = bent.bones["left femur"].vertices_mm
    medial = bent.muscles["left medial collateral ligament 1"].points_mm
    lateral = bent.muscles["left lateral collateral ligament"].points_mm
    knee = (medial[0] + lateral[0]) / 2
    out = (lateral[0] - medial[0]) / np.linalg.norm(lateral[0] - medial[0])
    assert (lateral[-1] - knee) @ out > 10
    assert cKDTree(femur).query(knee)[0] < 30
    assert along_axis("anterior cruciate ligament", 0) > along_axis("posterior cruciate ligament", 0)


@pytest.mark.parametrize("flexion", [5, 120])
def test_fat_lies_above_the_patella_before_the_femur(flexion):
    knee = leg(np.random.default_rng(1), {"knee_flexion": flexion})
    pad, patella, femur = knee.surfaces["left prefemoral fat pad"], knee.bones["left patella"], knee.bones["left femur"]
    assert pad.vertices_mm[:, 2].mean() > patella.vertices_mm[:, 2].mean() + 10
    shaft = np.abs(femur.vertices_mm[:, 2] - pad.vertices_mm[:, 2].mean()) < 20
    assert pad.vertices_mm[:, 1].mean() > femur.vertices_mm[shaft, 1].mean() + 5  # the front
    assert np.ptp(pad.vertices_mm, axis=0).max() < 60
