from __future__ import annotations

import numpy as np

from anybone.core.geometry import Geometry
from anybone.synthetic.bones import label_bones
from solid_meshes import ball, cube


def test_bones_are_numbered_in_turn_and_never_touch() -> None:
    bones = {"one": cube(6.0, (1.5, 1.5, 1.5)), "other": cube(6.0, (6.5, 1.5, 1.5)), "far": ball(3.0, (90.0, 0, 0))}
    labels, names = label_bones(bones, Geometry((16, 10, 10), np.eye(4)))
    assert names == {1: "one", 2: "other"}
    assert (labels == 1).sum() == 216
    assert labels[2:8, 4, 4].tolist() == [1] * 6
    assert labels[8:13, 4, 4].tolist() == [0, 2, 2, 2, 2]  # the seam is one voxel wide


def test_a_bone_that_reaches_beyond_the_grid_keeps_the_part_within() -> None:
    labels, names = label_bones({"one": ball(5.0)}, Geometry((8, 8, 8), np.eye(4)))
    assert names == {1: "one"}
    assert labels[0, 0, 0] == 1
    assert labels[7, 7, 7] == 0


def test_no_bones_give_an_empty_grid() -> None:
    labels, names = label_bones({}, Geometry((3, 3, 3), np.eye(4)))
    assert not labels.any()
    assert names == {}
