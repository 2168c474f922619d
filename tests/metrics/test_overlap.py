from __future__ import annotations

import math

import numpy as np
import pytest

from anybone.core.errors import GeometryError
from anybone.metrics import METRICS, dice, iou, volume_error

SPACING = (1.0, 2.0, 5.0)


def cube(start: int, side: int = 4) -> np.ndarray:
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[start : start + side, 2 : 2 + side, 2 : 2 + side] = True
    return mask


NOTHING = np.zeros((12, 12, 12), dtype=bool)


def test_cubes_shifted_by_one_voxel_of_four():
    # 64 voxels each, 3 of 4 layers shared: 48 in common, 80 in the union
    assert dice(cube(2), cube(3), SPACING) == 2 * 48 / 128
    assert iou(cube(2), cube(3), SPACING) == 48 / 80
    assert volume_error(cube(2), cube(3), SPACING) == 0


def test_volume_error_has_a_sign():
    small, large = cube(2, 2), cube(2, 4)  # 8 and 64 voxels
    assert volume_error(large, small, SPACING) == 7
    assert volume_error(small, large, SPACING) == -56 / 64


@pytest.mark.parametrize(
    ("name", "both", "no_prediction", "no_truth"),
    [
        ("dice", 1, 0, 0),
        ("iou", 1, 0, 0),
        ("volume_error", 0, -1, math.inf),
        ("hd95_mm", 0, math.inf, math.inf),
        ("assd_mm", 0, math.inf, math.inf),
        ("nsd_2mm", 1, 0, 0),
    ],
)
def test_empty_masks_have_defined_values(name, both, no_prediction, no_truth):
    assert METRICS[name](NOTHING, NOTHING, SPACING) == both
    assert METRICS[name](NOTHING, cube(2), SPACING) == no_prediction
    assert METRICS[name](cube(2), NOTHING, SPACING) == no_truth


@pytest.mark.parametrize("name", METRICS)
def test_equal_masks_and_label_numbers(name):
    best = 1 if name in ("dice", "iou", "nsd_2mm") else 0
    assert METRICS[name](cube(2), cube(2), SPACING) == best
    assert METRICS[name](cube(2).astype(np.uint16) * 7, cube(2), SPACING) == best


@pytest.mark.parametrize("name", METRICS)
def test_different_grids_are_refused(name):
    with pytest.raises(GeometryError, match=r"\(12, 12, 12\) and \(12, 12, 11\)"):
        METRICS[name](cube(2), cube(2)[..., :-1], SPACING)
    with pytest.raises(GeometryError, match="spacings"):
        METRICS[name](cube(2), cube(2), (1, 1))
