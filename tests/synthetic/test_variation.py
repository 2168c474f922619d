from __future__ import annotations

import numpy as np

from anybone.synthetic.mesh import is_closed
from anybone.synthetic.variation import individual, warp
from solid_meshes import ball


def test_a_warp_without_waves_or_stretch_scales_about_its_center() -> None:
    bend = warp(np.random.default_rng(0), np.array([1.0, 2, 3]), 0.0, (100, 200), size=2.0, proportion=0.0)
    assert np.allclose(bend(np.array([[1.0, 2, 3], [2, 2, 3]])), [[1, 2, 3], [3, 2, 3]])


def test_waves_displace_by_about_their_height_and_fold_nothing() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(-100, 100, (500, 3))
    for _ in range(20):
        bend = warp(rng, np.zeros(3), 3.0, (60, 200), proportion=0.0)
        assert 0.2 < np.abs(bend(points) - points).mean() < 9
        step = 0.01
        slopes = np.stack([(bend(points + step * e) - bend(points)) / step for e in np.eye(3)], axis=2)
        assert np.linalg.det(slopes).min() > 0


def test_each_bone_differs_in_its_own_way_and_stays_closed() -> None:
    bones = {"one": ball(15.0), "other": ball(15.0)}
    changed = individual(bones, np.random.default_rng(2))
    assert all(is_closed(mesh) for mesh in changed.values())
    assert not np.allclose(changed["one"].vertices_mm, changed["other"].vertices_mm)
    assert np.abs(changed["one"].vertices_mm - bones["one"].vertices_mm).max() < 5
