from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.synthetic.mesh import is_closed, parts
from anybone.synthetic.shapes.coccyx import coccyx
from anybone.synthetic.shapes.neck_top import atlas_mesh, axis_mesh
from anybone.synthetic.shapes.vertebra import LEVELS, measures, varied, vertebra_mesh
from anybone.synthetic.voxelize import voxelize
from solid_meshes import ball


def inside(mesh, *points) -> list[bool]:
    """Whether each point lies in the mesh: a grid of one voxel about each."""
    found = []
    for point in points:
        affine = np.eye(4)
        affine[:3, 3] = np.array(point) - 1
        found.append(bool(voxelize(mesh, Geometry((3, 3, 3), affine))[1, 1, 1]))
    return found


@pytest.mark.parametrize("level", ["C3", "C6", "T1", "T6", "T12", "L1", "L3", "L5"])
def test_a_vertebra_is_one_closed_piece_with_body_canal_and_processes(level: str) -> None:
    v = measures(level)
    mesh = vertebra_mesh(v, neck=level.startswith("C"))
    assert is_closed(mesh)
    assert len(parts(mesh)) == 1
    canal = -v.depth / 2 - 1 - v.canal_depth / 2
    assert inside(mesh, (0, 0, 0), (0, canal, 0)) == [True, False]
    width = np.ptp(mesh.vertices_mm[:, 0])
    assert width == pytest.approx(max(v.transverse_span, v.facet_span + 9), abs=6)
    back = -mesh.vertices_mm[:, 1].min()
    assert back == pytest.approx(v.depth / 2 + v.spinous_length, abs=4)


@pytest.mark.parametrize("level", ["T3", "L4"])
def test_pedicles_join_the_body_to_the_arch_above_an_open_notch(level: str) -> None:
    v = measures(level)
    x, y = v.canal_width / 2 + v.pedicle_width / 2, -v.depth / 2 - 4
    high = v.height / 2 - v.pedicle_height / 2
    assert inside(vertebra_mesh(v), (x, y, high), (-x, y, high), (x, y, -v.height / 2 + 1)) == [True, True, False]


def test_levels_grow_toward_the_lumbar_spine() -> None:
    areas = [measures(level).width * measures(level).depth for level in LEVELS if level not in ("C1", "C2")]
    assert all(b >= a * 0.98 for a, b in pairwise(areas))
    assert measures("L3").canal_width > measures("T6").canal_width


def test_people_differ_and_the_same_seed_gives_the_same_person() -> None:
    draws = [varied(measures("L3"), np.random.default_rng(seed), 0.06) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert varied(measures("L3"), np.random.default_rng(0), 0.0) == measures("L3")


def test_osteophytes_widen_the_rims() -> None:
    flat, lipped = (replace(measures("L3"), lip=lip) for lip in (0.0, 4.0))
    front = [vertebra_mesh(v).vertices_mm[:, 1].max() for v in (flat, lipped)]
    assert front[1] > front[0] + 1.5


def test_the_atlas_is_a_ring_and_the_dens_stands_in_it() -> None:
    atlas, axis = atlas_mesh(), axis_mesh()
    assert is_closed(atlas)
    assert is_closed(axis)
    assert inside(atlas, (0, 0, 0), (0, -15, 0), (18, 0, 0), (0, 13, 0)) == [False, False, True, True]
    assert inside(axis, (0, 0, 0), (0, 0, 22), (0, -17, 5)) == [True, True, False]


def test_a_coccyx_hangs_from_the_lowest_point_of_its_sacrum() -> None:
    mesh = coccyx(ball(30.0, (100.0, 0.0, 50.0)))
    assert is_closed(mesh)
    assert mesh.bounds_mm[1, 2] == pytest.approx(20, abs=3)
    assert mesh.vertices_mm[:, 0].mean() == pytest.approx(100, abs=1)
