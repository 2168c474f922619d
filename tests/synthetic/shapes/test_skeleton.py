from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from anybone.core.errors import UsageError
from anybone.synthetic.mesh import is_closed, joined, parts
from anybone.synthetic.shapes import skeleton
from anybone.synthetic.shapes.breastbone import breastbone
from anybone.synthetic.shapes.mesh_parts import FOOT, HAND, piece_of

pytest.importorskip("musclemimic_models", reason="needs the extra anatomy")


def middle(mesh) -> np.ndarray:
    return mesh.bounds_mm.mean(axis=0)


def test_the_right_side_is_on_the_right_and_hands_hang_below_shoulders() -> None:
    bones = skeleton.articulated(["right humerus", "left humerus", "right lunate"]).bones
    assert middle(bones["right humerus"])[0] > 100
    assert middle(bones["left humerus"])[0] < -100
    assert middle(bones["right lunate"])[2] < middle(bones["right humerus"])[2]


def test_an_elbow_bends_forwards_and_takes_the_hand_with_it() -> None:
    names = ["left ulna", "left metacarpal 3", "left humerus"]
    rest = skeleton.articulated(names).bones
    bent = skeleton.articulated(names, {"elbow_flex_l": 90}).bones
    assert np.allclose(bent["left humerus"].vertices_mm, rest["left humerus"].vertices_mm)
    assert middle(bent["left metacarpal 3"])[1] > middle(rest["left metacarpal 3"])[1] + 150


def test_joints_that_the_model_couples_follow_their_leader() -> None:
    rest, raised = (skeleton.articulated(["left scapula"], {"shoulder_elv_l": a}).bones for a in (0, 60))
    assert np.abs(rest["left scapula"].vertices_mm - raised["left scapula"].vertices_mm).max() > 5


def test_an_unknown_joint_is_refused() -> None:
    with pytest.raises(UsageError, match="'tail'"):
        skeleton.articulated((), {"tail": 1})


def test_ribs_are_counted_from_above_on_either_side() -> None:
    names = [f"{side} rib {n}" for side in ("left", "right") for n in range(1, 13)]
    bones = skeleton.articulated(names).bones
    for side, sign in (("left", -1), ("right", 1)):
        tops = [bones[f"{side} rib {n}"].bounds_mm[1, 2] for n in range(1, 13)]
        assert all(a > b for a, b in pairwise(tops))
        assert all(sign * middle(bones[f"{side} rib {n}"])[0] > 0 for n in range(1, 13))


def test_toes_are_counted_from_the_big_one_and_phalanges_from_the_heel() -> None:
    bones = skeleton.articulated([f"left {name}" for name in FOOT]).bones
    across = [middle(bones[f"left metatarsal {ray}"])[0] for ray in range(1, 6)]
    assert all(a > b for a, b in pairwise(across))  # left: 5 lies farthest to the left
    for ray in range(2, 6):
        chain = [
            f"left metatarsal {ray}",
            *(f"left {row} phalanx of toe {ray}" for row in ("proximal", "middle", "distal")),
        ]
        ahead = [middle(bones[name])[1] for name in chain]
        assert all(a < b for a, b in pairwise(ahead))
    assert middle(bones["left calcaneus"])[1] < middle(bones["left cuboid"])[1] < ahead[0]


def test_bones_of_the_hand_are_closed_pieces_of_about_the_right_size() -> None:
    bones = skeleton.articulated([f"left {name}" for name in HAND]).bones
    assert len(bones) == 27
    assert all(is_closed(mesh) for mesh in bones.values())
    volumes = {name: mesh.volume_mm3 for name, mesh in bones.items()}
    assert volumes["left capitate"] > volumes["left lunate"] > volumes["left pisiform"] > 150


def test_a_breastbone_is_cut_into_manubrium_and_sternum() -> None:
    bones = breastbone()
    assert bones["manubrium"].bounds_mm[0, 2] > bones["sternum"].bounds_mm[1, 2]
    assert np.ptp(bones["sternum"].vertices_mm[:, 0]) < 45


def test_another_version_of_the_mesh_is_refused() -> None:
    whole = joined(skeleton.articulated(["left rib 3", "left rib 4"]).bones.values())
    assert len(parts(whole)) == 2
    with pytest.raises(UsageError, match="another version"):
        piece_of(whole, "left rib 1")


def test_muscles_have_paths_and_bellies() -> None:
    muscles = skeleton.articulated(()).muscles
    assert len(muscles) > 400
    assert 20 < muscles["soleus_l"].radius_mm < 40
    assert all(1 < path.radius_mm < 40 or path.radius_mm > 0.3 for path in muscles.values())
    assert muscles["soleus_l"].points_mm.shape[1] == 3


def test_vertebral_bodies_follow_one_another_upwards() -> None:
    bodies = skeleton.vertebral_bodies()
    order = (
        [f"L{n}" for n in range(5, 0, -1)] + [f"T{n}" for n in range(12, 0, -1)] + [f"C{n}" for n in range(7, 2, -1)]
    )
    heights = [bodies[level][2] for level in order]
    assert all(10 < b - a < 45 for a, b in pairwise(heights))
