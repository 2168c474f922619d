from __future__ import annotations

import numpy as np
import pytest

from anybone.synthetic.posing.small_muscles import foot_muscles, hand_muscles, tendons_cut
from anybone.synthetic.scene import MusclePath

pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")


@pytest.fixture(scope="module")
def hand():
    from anybone.synthetic.posing.arm import FOREARM, arm

    return arm(np.random.default_rng(0), {"finger_flexion": 15.0}, FOREARM)


@pytest.fixture(scope="module")
def foot():
    from anybone.synthetic.posing.leg import leg

    return leg(np.random.default_rng(0), {})


def away(points_mm, mesh):
    """Least distance in mm of each point from the vertices of a mesh."""
    return np.linalg.norm(points_mm[:, None] - mesh.vertices_mm[None], axis=2).min(axis=1)


@pytest.mark.parametrize("finger", range(1, 6))
def test_tendons_run_along_their_finger_to_its_tip(hand, finger):
    front, back = (hand.muscles[f"left {kind} tendon of finger {finger}"] for kind in ("flexor", "extensor"))
    last = hand.bones[f"left distal phalanx of finger {finger}"]
    for path in (front, back):
        assert path.cord
        assert away(path.points_mm[-1:], last)[0] < 8
    palm = hand.bones["left pisiform"].vertices_mm.mean(axis=0) - hand.bones["left triquetrum"].vertices_mm.mean(axis=0)
    if finger > 1:
        assert (front.points_mm[-4:].mean(axis=0) - back.points_mm[-4:].mean(axis=0)) @ palm > 0


@pytest.mark.parametrize("finger", range(2, 6))
def test_tendons_of_fingers_stay_beside_the_bone(hand, finger):
    for kind in ("flexor", "extensor"):
        path = hand.muscles[f"left {kind} tendon of finger {finger}"].points_mm
        bone = hand.bones[f"left proximal phalanx of finger {finger}"]
        near = away(path, bone)
        assert 0.5 < near.min() < 9


def test_muscles_between_metacarpals_lie_between_them(hand):
    for number in (2, 3, 4):
        path = hand.muscles[f"left dorsal interosseous {number}"].points_mm
        both = [away(path[1:2], hand.bones[f"left metacarpal {n}"])[0] for n in (number, number + 1)]
        assert max(both) < 14
        assert abs(both[0] - both[1]) < 5


def test_the_thumb_and_the_little_finger_have_muscles_of_their_own(hand):
    thumb = hand.muscles["left opponens pollicis"].points_mm
    little = hand.muscles["left abductor digiti minimi"].points_mm
    assert away(thumb[-1:], hand.bones["left metacarpal 1"])[0] < 10
    assert away(little[-1:], hand.bones["left metacarpal 5"])[0] < 10


def test_the_sole_lies_below_the_bones(foot):
    path = foot.muscles["left flexor digitorum brevis"].points_mm
    assert path[1, 2] < foot.bones["left metatarsal 3"].vertices_mm[:, 2].max()
    assert {f"left flexor tendon of toe {n}" for n in range(1, 6)} <= set(foot.muscles)


def test_part_of_a_hand_or_foot_has_none(hand, foot):
    assert hand_muscles({n: m for n, m in hand.bones.items() if "pisiform" not in n}) == {}
    assert foot_muscles({n: m for n, m in foot.bones.items() if "calcaneus" not in n}) == {}


def test_muscles_of_fingers_end_at_the_wrist():
    line = np.array([[0.0, 0.0, z] for z in (300, 100, 40, 0, -40, -100)])
    muscles = {"left FDS2": MusclePath(line, 8.0), "left FCR": MusclePath(line, 7.0)}
    cut = tendons_cut(muscles, ("FDS",), np.array([5.0, 0.0, 2.0]))
    assert cut["left FDS2"].points_mm[-1, 2] == 0
    assert len(cut["left FCR"].points_mm) == 6
    assert tendons_cut(muscles, ("FDS",), np.array([0.0, 0.0, 310.0])).keys() == {"left FCR"}
