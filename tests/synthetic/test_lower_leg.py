from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")

BELLIES = ("tibant", "edl", "ehl", "perlong", "perbrev", "tibpost", "fdl", "fhl", "soleus", "gasmed", "gaslat")


@pytest.fixture(scope="module", params=[0.0, 60.0])
def lower_leg(request):
    from anybone.synthetic.posing.leg import leg

    return leg(np.random.default_rng(4), {"knee_flexion": request.param})


def down_of(lower_leg):
    """The way down from the middle of the tibia to that of the talus, of length 1."""
    return unit(
        lower_leg.bones["left talus"].vertices_mm.mean(axis=0) - lower_leg.bones["left tibia"].vertices_mm.mean(axis=0)
    )


def unit(vector):
    return vector / np.linalg.norm(vector)


def along(lower_leg, points_mm):
    """Shares of the tibia's length, from its upper end on."""
    reach = lower_leg.bones["left tibia"].vertices_mm @ down_of(lower_leg)
    return (points_mm @ down_of(lower_leg) - reach.min()) / np.ptp(reach)


def widest(lower_leg, name):
    """The middle of a muscle halfway along its belly."""
    points = lower_leg.muscles[f"left {name}"].points_mm
    return points[along(lower_leg, points) > 0.02][2:4].mean(axis=0)


def level(lower_leg, bone, point_mm):
    """The points of a bone at the level of a point."""
    at = lower_leg.bones[bone].vertices_mm
    return at[np.abs((at - point_mm) @ down_of(lower_leg)) < 10]


def beside(lower_leg, point_mm):
    """How far to the outer side and to the front of the tibia's middle at its level; the foot points to the front."""
    toe, heel = (lower_leg.bones[f"left {name}"].vertices_mm.mean(axis=0) for name in ("metatarsal 2", "calcaneus"))
    down = down_of(lower_leg)
    front = unit(toe - heel - ((toe - heel) @ down) * down)
    away = point_mm - level(lower_leg, "left tibia", point_mm).mean(axis=0)
    return away @ np.cross(front, down), away @ front


def test_bellies_lie_against_bone_and_not_within(lower_leg):
    for name in BELLIES:
        middle = widest(lower_leg, name)
        for bone in ("left tibia", "left fibula"):
            near = level(lower_leg, bone, middle)
            away = middle - near.mean(axis=0)
            assert np.linalg.norm(away) > ((near - near.mean(axis=0)) @ unit(away)).max(), (name, bone)


def test_the_front_of_the_tibia_lies_beneath_the_skin(lower_leg):
    for name in ("tibant", "edl", "ehl"):
        aside, ahead = beside(lower_leg, widest(lower_leg, name))
        assert aside > 8, name
        assert ahead < 16, name


def test_the_calf_lies_behind(lower_leg):
    for name in ("soleus", "gasmed", "gaslat", "fdl", "fhl", "tibpost"):
        assert beside(lower_leg, widest(lower_leg, name))[1] < -8, name
    medial, lateral = (beside(lower_leg, widest(lower_leg, name))[0] for name in ("gasmed", "gaslat"))
    assert lateral - medial > 15


def test_bellies_end_above_the_ankle_and_tendons_lead_on(lower_leg):
    for name in ("tibant", "soleus", "gasmed", "perlong"):
        belly, tendon = lower_leg.muscles[f"left {name}"], lower_leg.muscles[f"left tendon of {name}"]
        assert along(lower_leg, belly.points_mm).max() < 0.85
        assert tendon.cord
        assert not belly.cord
        np.testing.assert_allclose(tendon.points_mm[0], belly.points_mm[-1])
    heel = lower_leg.bones["left calcaneus"].vertices_mm
    ends = [lower_leg.muscles[f"left tendon of {name}"].points_mm[-1] for name in ("soleus", "gasmed", "gaslat")]
    assert max(np.linalg.norm(heel - end, axis=1).min() for end in ends) < 15


def test_the_calf_still_begins_at_the_femur(lower_leg):
    femur = lower_leg.bones["left femur"].vertices_mm
    for name in ("gasmed", "gaslat"):
        assert np.linalg.norm(femur - lower_leg.muscles[f"left {name}"].points_mm[0], axis=1).min() < 20
