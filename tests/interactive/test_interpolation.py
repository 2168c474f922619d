from __future__ import annotations

import numpy as np
import pytest

from anybone.interactive.interpolation import interpolate_masks, interpolate_shape

ROWS, COLUMNS = np.mgrid[:64, :64]


def disc(row: float, column: float, radius: float) -> np.ndarray:
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 <= radius**2


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_a_cone_has_the_radius_between():
    [middle] = interpolate_shape(disc(32, 32, 8), disc(32, 32, 20), [0.5], (1.0, 1.0))
    assert dice(middle, disc(32, 32, 14)) > 0.97


def test_a_slanting_bone_keeps_its_width_though_its_ends_do_not_overlap():
    found = interpolate_shape(disc(12, 32, 6), disc(50, 40, 6), [0.25, 0.5], (1.0, 1.0))
    assert dice(found[0], disc(21.5, 34, 6)) > 0.93
    assert dice(found[1], disc(31, 36, 6)) > 0.93


def test_two_pieces_stay_two():
    both = disc(16, 16, 6) | disc(48, 48, 6)
    [middle] = interpolate_shape(both, both, [0.5], (1.0, 1.0))
    assert dice(middle, both) == 1


def test_distances_are_in_millimeters():
    """A plate that grows by 10 rows on one slice and 10 columns on another, of which each is four rows wide."""
    small, tall, wide = (np.zeros((64, 64), bool) for _ in range(3))
    small[20:40, 20:40] = tall[20:48, 20:40] = wide[20:40, 20:48] = True
    [rows] = interpolate_shape(small, tall, [0.5], (1.0, 4.0))
    [columns] = interpolate_shape(small, wide, [0.5], (4.0, 1.0))
    assert np.array_equal(rows, columns.T)
    assert rows.sum() == pytest.approx(20 * 24, abs=40)


def test_only_gaps_between_bone_are_filled():
    empty = np.zeros((64, 64), bool)
    masks = {1: disc(32, 32, 5), 4: disc(32, 32, 8), 5: disc(32, 32, 8), 8: empty, 10: disc(32, 32, 8)}
    assert sorted(interpolate_masks(masks, (1.0, 1.0))) == [2, 3]
    assert interpolate_masks({}, (1.0, 1.0)) == {}
