from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from anybone.core import labels
from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.synthetic.pose import pose
from anybone.synthetic.regions import REGIONS
from anybone.synthetic.scene import Scene
from anybone.synthetic.voxelize import voxelized_part

pytest.importorskip("musclemimic_models", reason="needs the extra anatomy")
pytest.importorskip("musculoskeletal.models", reason="needs the extra anatomy")

EXPECTED = {
    "humerus": {"humerus"},
    "thoracic-spine": {"T7 vertebra", "rib 7"},
    "lumbar-spine": {"L1 vertebra", "L3 vertebra", "L5 vertebra", "sacrum"},
    "forearm": {"radius", "ulna"},
    "pelvis": {"coccyx", "femur", "hip bone", "sacrum"},
    "hand": {"capitate", "metacarpal 3", "proximal phalanx of finger 3"},
    "lower-leg": {"fibula", "tibia"},
    "shoulder": {"clavicle", "humerus", "scapula"},
    "chest": {"T6 vertebra", "manubrium", "rib 5", "sternum"},
    "arm": {"humerus"},
    "elbow": {"humerus", "radius", "ulna"},
    "hip": {"femur", "hip bone"},
    "wrist": {"lunate", "radius", "scaphoid", "ulna"},
    "thigh": {"femur"},
    "knee": {"femur", "fibula", "patella", "tibia"},
    "foot": {"cuboid", "metatarsal 3", "navicular"},
    "ankle": {"calcaneus", "fibula", "talus", "tibia"},
    "neck": {"C2 vertebra", "C5 vertebra", "skull"},
    "sacroiliac-joints": {"hip bone", "sacrum"},
    "skull-base": {"C1 vertebra", "mandible", "skull"},
}


@lru_cache(maxsize=32)
def scene_of(region: str) -> Scene:
    return pose(region, np.random.default_rng(7))


def grid_of(scene: Scene, spacing_mm: float) -> Geometry:
    shape = tuple(int(n) for n in np.round(scene.extent_mm / spacing_mm))
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = scene.center_mm - (np.array(shape) - 1) / 2 * spacing_mm
    return Geometry(shape, affine)


def test_seventeen_published_locations_and_three_more() -> None:
    assert set(EXPECTED) == set(REGIONS)
    assert len(REGIONS) == 20


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_the_field_holds_its_bones_apart_from_one_another(region: str) -> None:
    scene = scene_of(region)
    grid = grid_of(scene, 1.2)
    labeled = np.zeros(grid.shape_ijk, dtype=np.uint16)
    twice = 0
    seen = set()
    for number, (name, mesh) in enumerate(scene.bones.items(), start=1):
        window, part = voxelized_part(mesh, grid)
        twice += int((part & (labeled[window] > 0)).sum())
        labeled[window][part] = number
        seen |= {name.removeprefix("left ").removeprefix("right ")} if part.any() else set()
    assert EXPECTED[region] <= seen
    assert twice <= 0.004 * (labeled > 0).sum()
    assert all(labels.named(name) is not None and labels.named(name).name == name for name in scene.bones)
    assert scene.credits


@pytest.mark.parametrize("region", ["pelvis", "chest", "neck"])
def test_left_is_left_where_both_sides_are_seen(region: str) -> None:
    bones = scene_of(region).bones
    for name, mesh in bones.items():
        if name.startswith("left ") and name.replace("left", "right", 1) in bones:
            other = bones[name.replace("left", "right", 1)]
            assert mesh.vertices_mm[:, 0].mean() < other.vertices_mm[:, 0].mean(), name


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_knee_of_either_side(side: str) -> None:
    scene = pose("knee", np.random.default_rng(3), side=side, angles_deg={"knee_flexion": 20.0, "hip_rotation": 0.0})
    assert scene.side == side
    assert all(name.startswith(side) for name in scene.bones)
    tibia, fibula, femur, patella = (
        scene.bones[f"{side} {bone}"].vertices_mm.mean(axis=0) for bone in ("tibia", "fibula", "femur", "patella")
    )
    outwards = 1 if side == "right" else -1
    assert outwards * (fibula - tibia)[0] > 8
    assert femur[2] > tibia[2]
    assert patella[1] > femur[1]


def test_the_same_seed_gives_the_same_scene_and_another_one_another() -> None:
    one, again, other = (pose("wrist", np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert list(one.bones) == list(again.bones)
    assert all(np.array_equal(one.bones[n].vertices_mm, again.bones[n].vertices_mm) for n in one.bones)
    assert np.array_equal(one.center_mm, again.center_mm)
    assert not np.allclose(one.center_mm, other.center_mm)


def test_a_knee_bends_as_far_as_asked() -> None:
    def angle(flexion: float) -> float:
        scene = pose("knee", np.random.default_rng(2), side="left", angles_deg={"knee_flexion": flexion})
        ups = []
        for bone in ("left femur", "left tibia"):
            at = scene.bones[bone].vertices_mm
            axis = np.linalg.svd(at - at.mean(axis=0), full_matrices=False)[2][0]
            ups.append(axis * np.sign(axis[2]))
        return float(np.degrees(np.arctan2(ups[0][1], ups[0][2]) - np.arctan2(ups[1][1], ups[1][2])))

    assert abs(angle(30.0) - angle(0.0)) == pytest.approx(30, abs=5)


def test_spines_have_a_canal_within_their_vertebrae() -> None:
    scene = scene_of("lumbar-spine")
    assert scene.canal is not None
    points = scene.canal.points_mm
    third = scene.bones["L3 vertebra"]
    nearest = points[np.argmin(np.abs(points[:, 2] - third.bounds_mm.mean(axis=0)[2]))]
    affine = np.eye(4)
    affine[:3, 3] = nearest - 1
    _, part = voxelized_part(third, Geometry((3, 3, 3), affine))
    assert not part.all()
    assert (nearest > third.bounds_mm[0]).all()
    assert (nearest < third.bounds_mm[1]).all()


def test_what_cannot_be_meant_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="no region 'tail'"):
        pose("tail", rng)
    with pytest.raises(UsageError, match="'elbow_flexion' is not bent"):
        pose("knee", rng, angles_deg={"elbow_flexion": 3})
    with pytest.raises(UsageError, match="both sides"):
        pose("pelvis", rng, side="left")
    with pytest.raises(UsageError, match="neither"):
        pose("knee", rng, side="middle")
