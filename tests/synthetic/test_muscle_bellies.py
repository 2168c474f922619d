from __future__ import annotations

import numpy as np
import pytest

from anybone.synthetic.posing.muscle_bellies import ended, flattened
from anybone.synthetic.scene import MusclePath

UPPER, LOWER = np.zeros(3), np.array([0.0, 0.0, -100.0])


def down(*heights: float) -> MusclePath:
    return MusclePath(np.array([[5.0, 0.0, z] for z in heights]), 10.0)


def test_a_belly_ends_at_its_share_and_a_tendon_leads_on():
    found = ended({"left FCR": down(10, -20, -110), "left PT": down(0, -40)}, {"FC": 0.6}, UPPER, LOWER, 2.0)
    assert found["left FCR"].points_mm[:, 2].tolist() == pytest.approx([10, -20, -60])
    tendon = found["left tendon of FCR"]
    assert tendon.points_mm[:, 2].tolist() == pytest.approx([-60, -110])
    assert tendon.cord
    assert tendon.radius_mm == 2.0
    assert found["left PT"].points_mm[:, 2].tolist() == [0, -40]
    assert len(found) == 3


@pytest.mark.parametrize("heights", [(0, -50), (-70, -110)])
def test_a_muscle_that_lies_wholly_on_one_side_stays_as_it_is(heights):
    found = ended({"left FCR": down(*heights)}, {"FCR": 0.6}, UPPER, LOWER, 2.0)
    assert [path.points_mm[:, 2].tolist() for path in found.values()] == [list(heights)]


def test_a_flat_muscle_is_as_broad_as_asked_and_thin():
    parts = flattened(down(0, -10), LOWER - UPPER, 40.0, 5, 4.0)
    assert [part.points_mm[0, 2] for part in parts] == [20, 10, 0, -10, -20]
    assert {part.radius_mm for part in parts} == {4.0}


def test_only_tendons_reach_the_wrist():
    pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")
    from anybone.synthetic.posing.arm import FOREARM, arm

    body = arm(np.random.default_rng(0), {}, FOREARM)
    elbow, wrist = body.places_mm["elbow"], body.places_mm["wrist"]
    way = (wrist - elbow) / np.sum((wrist - elbow) ** 2)
    for name in ("BRD", "ECRL", "ECRB", "ECU", "FCR", "FCU", "PL", "FDS3", "FDP3", "FPL", "EDC3", "APL"):
        belly = body.muscles[f"left {name}"]
        assert ((belly.points_mm - elbow) @ way).max() < 0.93, name
        assert not belly.cord
        assert body.muscles[f"left tendon of {name}"].cord, name
    square = [path for name, path in body.muscles.items() if name.startswith("left PQ")]
    assert max(path.radius_mm for path in square) < 6


def test_thigh_muscles_reach_the_knee_as_tendons():
    pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")
    from anybone.synthetic.posing.leg import leg

    body = leg(np.random.default_rng(0), {"knee_flexion": 20.0})
    hip, knee = body.places_mm["hip"], body.places_mm["knee"]
    way = (knee - hip) / np.sum((knee - hip) ** 2)
    lowest = {name: ((body.muscles[f"left {name}"].points_mm - hip) @ way).max() for name in ("tfl", "grac", "semiten")}
    assert lowest["tfl"] < 0.35
    assert max(lowest.values()) < 0.8
    patella = body.bones["left patella"].vertices_mm
    tendon = body.muscles["left tendon of recfem"].points_mm
    assert np.linalg.norm(patella - tendon[-1], axis=1).min() < 12
