from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from anybone.core.errors import ReadError
from anybone.synthetic.pose import pose
from anybone.synthetic.shapes import visible_human


@pytest.mark.shared
@pytest.mark.parametrize("person", ["vhf", "vhm"])
def test_either_person_has_a_whole_left_leg(shared: Path, person: str) -> None:
    bones = visible_human.leg_of(shared / "data" / "visible_human_leg", person)
    assert {"left tibia", "left fibula", "left talus", "left metatarsal 5", "left distal phalanx of toe 1"} <= set(
        bones
    )
    assert all(mesh.volume_mm3 > 0 for mesh in bones.values())
    at = {name: mesh.vertices_mm.mean(axis=0) for name, mesh in bones.items()}
    assert at["left fibula"][0] < at["left tibia"][0]  # on its outer side
    assert at["left talus"][2] < at["left tibia"][2]
    assert at["left calcaneus"][1] < at["left talus"][1] < at["left metatarsal 1"][1]
    rays = [at[f"left metatarsal {ray}"][0] for ray in range(1, 6)]
    assert all(a > b for a, b in pairwise(rays))


@pytest.mark.shared
def test_a_foot_of_the_folder_is_credited(shared: Path) -> None:
    pytest.importorskip("musculoskeletal.models", reason="needs the extra anatomy")
    pytest.importorskip("musclemimic_models", reason="needs the extra anatomy")
    scene = pose("ankle", np.random.default_rng(0), shapes=shared / "data" / "visible_human_leg")
    assert any("Visible Human" in line for line in scene.credits)


def test_a_folder_without_the_surfaces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"Bone_Tibia\.ply is missing"):
        visible_human.leg_of(tmp_path, "vhf")
