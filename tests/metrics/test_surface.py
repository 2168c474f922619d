"""Cubes whose surface can be worked out by hand, and DeepMind's and MONAI's figures for the same masks."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import ndimage

from anybone.core.errors import GeometryError
from anybone.metrics import SurfaceDistances, assd_mm, hd95_mm, nsd
from anybone.metrics.surfels import surfels

SPACINGS = [(1.0, 1.0, 1.0), (0.5, 2.0, 4.0), (3.0, 1.0, 0.7)]


def block(first, last, shape=(14, 14, 14)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] = True
    return mask


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = ndimage.gaussian_filter(rng.normal(size=(30, 26, 14)), 2) > 0.02
    return ndimage.gaussian_filter(truth + rng.normal(0, 0.4, truth.shape), 1) > 0.5, truth


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_surface_of_a_cube(spacing):
    # 4 x 4 x 4 voxels. On each face 3 x 3 corners have a whole voxel face around them; along each of the 12 edges 3
    # corners have a rectangle over the two halves of voxel faces; each of the 8 tips has a triangle over three halves.
    x, y, z = spacing
    faces = 2 * 9 * (y * z + x * z + x * y)
    edges = 4 * 3 * (x * math.hypot(y, z) + y * math.hypot(x, z) + z * math.hypot(x, y)) / 2
    tips = 8 * math.sqrt((x * y) ** 2 + (y * z) ** 2 + (x * z) ** 2) / 8
    assert surfels(block((2, 2, 2), (6, 6, 6)), spacing).areas_mm2.sum() == pytest.approx(faces + edges + tips)


def test_a_single_voxel_and_its_neighbor():
    # Each has its 8 corners, as triangles of the same area. 4 are common, the others lie 1 mm away.
    first, second = block((5, 5, 5), (6, 6, 6)), block((6, 5, 5), (7, 6, 6))
    assert assd_mm(first, second, (1, 1, 1)) == pytest.approx(0.5)
    assert hd95_mm(first, second, (1, 1, 1)) == pytest.approx(1)
    assert nsd(first, second, (1, 1, 1), tolerance_mm=0.9) == pytest.approx(0.5)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_cube_shifted_by_one_voxel(spacing):
    # 6 x 6 x 6 voxels, one further along i: of the 7 layers of corners, the last lies beyond the other cube, and the
    # first is within it. A corner there goes straight out by x, or across to the nearest side.
    x, y, z = spacing
    first, second = block((2, 2, 2), (8, 8, 8)), block((3, 2, 2), (9, 8, 8))
    flat, rim_y, rim_z = y * z, z * math.hypot(x, y) / 2, y * math.hypot(x, z) / 2
    tip = math.sqrt((x * y) ** 2 + (y * z) ** 2 + (x * z) ** 2) / 8
    end, far, near = 0.0, 0.0, 0.0  # area of an end, and area times distance seen from outside and from inside
    for j in range(7):
        for k in range(7):
            at_y, at_z = j in (0, 6), k in (0, 6)
            area = tip if at_y and at_z else rim_y if at_y else rim_z if at_z else flat
            end += area
            far += area * x  # of the outer layer: the other's end lies straight behind it
            near += area * min(x, min(j, 6 - j) * y, min(k, 6 - k) * z)  # its sides run past the inner layer
    ring = 5 * 2 * (x * z + x * y) + 4 * x * math.hypot(y, z) / 2  # a layer of corners in between
    total = 2 * end + 5 * ring
    assert assd_mm(first, second, spacing) == pytest.approx((far + near) / total)
    assert nsd(first, second, spacing, tolerance_mm=x) == 1
    assert hd95_mm(first, second, spacing) == pytest.approx(x)


def test_distances_follow_the_spacing_of_their_axis():
    thin = [block((0, 0, k), (14, 14, k + 1)) for k in (3, 4, 6)]
    for apart, other in ((1, thin[1]), (3, thin[2])):
        assert hd95_mm(thin[0], other, (1, 1, 5)) == pytest.approx(5 * apart)
    assert nsd(thin[0], thin[1], (1, 1, 5), tolerance_mm=4.9) == pytest.approx(0.5)  # they share one side of two
    assert nsd(thin[0], thin[1], (1, 1, 5), tolerance_mm=5) == 1


def test_a_distance_of_the_tolerance_lies_within_it_whatever_the_spacing():
    for spacing in (0.1, 0.3, 0.7, 1.1, 1.3):
        first, second = block((2, 2, 2), (6, 6, 6)), block((5, 2, 2), (9, 6, 6))
        assert nsd(first, second, (spacing, 3, 3), tolerance_mm=3 * spacing) == 1


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", [0, 1])
def test_as_deepmind_measures(spacing, seed):
    found, truth = blobs(seed)
    ours = SurfaceDistances(found, truth, spacing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls functions that scipy has moved
        import surface_distance as deepmind

        theirs = deepmind.compute_surface_distances(truth, found, spacing)
    assert ours.hd95_mm == pytest.approx(deepmind.compute_robust_hausdorff(theirs, 95), abs=1e-6)
    for tolerance in (0.3, 0.5, 1, 2, 4):
        expected = deepmind.compute_surface_dice_at_tolerance(theirs, tolerance)
        assert ours.nsd(tolerance) == pytest.approx(expected, abs=1e-6)
    areas = theirs["surfel_areas_gt"].sum(), theirs["surfel_areas_pred"].sum()
    averages = deepmind.compute_average_surface_distance(theirs)  # one for each direction; ours is over both
    assert ours.assd_mm == pytest.approx(np.average(averages, weights=areas), abs=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_as_monai_measures_with_subvoxels(spacing):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.metrics import compute_dice, compute_surface_dice

        found, truth = blobs(2)
        masks = [torch.from_numpy(mask)[None, None] for mask in (found, truth)]
        expected = compute_surface_dice(*masks, [1.0], include_background=True, spacing=spacing, use_subvoxels=True)
        overlap = compute_dice(*masks)
    assert nsd(found, truth, spacing, tolerance_mm=1.0) == pytest.approx(expected.item(), abs=1e-6)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) == pytest.approx(overlap.item(), abs=1e-6)


def test_a_stray_voxel_does_not_move_hd95():
    truth = block((2, 2, 2), (9, 9, 9))
    stray = truth.copy()
    stray[13, 13, 13] = True
    assert hd95_mm(stray, truth, (1, 1, 1)) == 0
    assert assd_mm(stray, truth, (1, 1, 1)) > 0


def test_a_mask_at_the_border_has_a_surface_there():
    whole, inner = np.ones((4, 4, 4), dtype=bool), block((1, 1, 1), (3, 3, 3), shape=(4, 4, 4))
    # of its surface the tips, 1.7 of 81 mm2, lie sqrt(3) from the other; the edges, 25.5 mm2, sqrt(2)
    assert hd95_mm(whole, inner, (1, 1, 1)) == pytest.approx(math.sqrt(2))
    assert assd_mm(whole, inner, (1, 1, 1)) == pytest.approx(assd_mm(np.pad(whole, 2), np.pad(inner, 2), (1, 1, 1)))


def test_what_is_not_known_does_not_count():
    truth = block((2, 2, 2), (9, 9, 9))
    wrong = truth.copy()
    wrong[9:12, 2:9, 2:9] = True
    known = np.ones_like(truth)
    known[8:] = False
    assert SurfaceDistances(wrong, truth, (1, 1, 1)).assd_mm > 0.3
    beside = SurfaceDistances(wrong, truth, (1, 1, 1), known)
    assert (beside.assd_mm, beside.hd95_mm, beside.nsd(0.1)) == (0, 0, 1)


@pytest.mark.parametrize(("found", "distance", "share"), [(False, 0, 1), (True, math.inf, 0)])
def test_empty_masks(found, distance, share):
    masks = np.zeros((2, 5, 5, 5), dtype=bool)
    masks[0, 2:4, 2:4, 2:4] = found
    assert (hd95_mm(*masks, (1, 1, 1)), assd_mm(*masks, (1, 1, 1))) == (distance, distance)
    assert nsd(*masks, (1, 1, 1)) == share


def test_surfaces_have_three_axes():
    with pytest.raises(GeometryError, match="three axes"):
        hd95_mm(np.ones((4, 4), dtype=bool), np.ones((4, 4), dtype=bool), (1, 1))
