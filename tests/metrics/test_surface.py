"""Masks small enough that every face can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from anybone.metrics import assd_mm, hd95_mm, nsd


def block(first, last, shape=(14, 14, 14)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] = True
    return mask


def test_a_single_voxel_and_its_neighbour():
    # Faces of voxel 0 at x = -0.5, 0.5 and four sides at x = 0; of voxel 1 one further on. Distances from the first:
    # x = -0.5: sqrt(0.5 + 1) away from the sides of the other, 1 from its near face; x = 0.5: shared, 0;
    # a side: centre 0.5 from the axis, sqrt(0.25 + 0.25) from the shared face, 1 from the same side of the other.
    first, second = block((5, 5, 5), (6, 6, 6)), block((6, 5, 5), (7, 6, 6))
    side = math.sqrt(0.5)
    assert assd_mm(first, second, (1, 1, 1)) == pytest.approx((1 + 0 + 4 * side) / 6)
    assert hd95_mm(first, second, (1, 1, 1)) == pytest.approx(1)
    assert nsd(first, second, (1, 1, 1), tolerance_mm=0.8) == pytest.approx(5 / 6)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 2, 4), (3, 1, 0.7)])
def test_shifted_cubes_under_anisotropy(spacing):
    # Two 4 x 4 x 4 cubes, one layer apart along i. Of each: one end face (16 faces of sy * sz) lies a full layer out
    # or in; the side faces of the layer not shared (4 of 16 in each of four sides) lie min(one layer, half a layer in
    # and half a voxel across) out; all else is shared.
    first, second = block((2, 2, 2), (6, 6, 6)), block((3, 2, 2), (7, 6, 6))
    sx, sy, sz = spacing
    ends, sides_y, sides_z = 16 * sy * sz, 16 * sx * sz, 16 * sx * sy
    total = 2 * (ends + sides_y + sides_z)
    # the outer end: its 16 faces are sx from the other's end (which it covers exactly), unless a side is nearer
    rim = np.array([[y, z] for y in (0.5, 1.5, 1.5, 0.5) for z in (0.5, 1.5, 1.5, 0.5)]) * (sy, sz)
    outer = np.minimum(sx, np.hypot(1.5 * sx, rim.min(axis=1)))
    # the inner end lies within the other: straight out 1 layer, or across to its sides half a layer on
    inner = np.minimum(sx, np.hypot(0.5 * sx, rim.min(axis=1)))
    out_y, out_z = min(sx, math.hypot(sx / 2, sy / 2)), min(sx, math.hypot(sx / 2, sz / 2))
    # by symmetry each mask has one outer end, one inner end, and 8 side faces out of the other's reach in y and in z
    expected = sy * sz * (outer.sum() + inner.sum()) + 8 * (sx * sz * out_y + sx * sy * out_z)
    assert assd_mm(first, second, spacing) == pytest.approx(expected / total)
    assert hd95_mm(first, second, spacing) <= sx
    assert nsd(first, second, spacing, tolerance_mm=sx) == 1


def test_distances_follow_the_spacing_of_their_axis():
    thin = [block((0, 0, k), (14, 14, k + 1)) for k in (3, 4, 6)]  # plates through the whole grid
    for apart, other in ((1, thin[1]), (3, thin[2])):
        # every face of a plate but its rim lies a whole number of layers from the other's
        assert hd95_mm(thin[0], other, (1, 1, 5)) == pytest.approx(5 * apart)
    # within 4.9 mm: the shared faces (196 mm2) and the rim (56 faces of 5 mm2), not the far faces (196 mm2)
    assert nsd(thin[0], thin[1], (1, 1, 5), tolerance_mm=4.9) == pytest.approx((196 + 280) / (2 * 196 + 280))
    assert nsd(thin[0], thin[1], (1, 1, 5), tolerance_mm=5) == 1


def test_a_stray_voxel_does_not_move_hd95():
    truth = block((2, 2, 2), (9, 9, 9))
    stray = truth.copy()
    stray[13, 13, 13] = True
    assert hd95_mm(stray, truth, (1, 1, 1)) == 0
    assert assd_mm(stray, truth, (1, 1, 1)) > 0


def test_a_mask_at_the_border_has_faces_there():
    whole = np.ones((4, 4, 4), dtype=bool)
    inner = block((1, 1, 1), (3, 3, 3), shape=(4, 4, 4))
    assert hd95_mm(whole, inner, (1, 1, 1)) == pytest.approx(math.sqrt(3))
    assert assd_mm(whole, inner, (1, 1, 1)) == pytest.approx(assd_mm(np.pad(whole, 2), np.pad(inner, 2), (1, 1, 1)))


def test_surfaces_in_two_dimensions():
    square, shifted = np.zeros((2, 9, 9), dtype=bool)
    square[2:5, 2:5], shifted[3:6, 2:5] = True, True
    assert hd95_mm(square, shifted, (1, 1)) == pytest.approx(1)
