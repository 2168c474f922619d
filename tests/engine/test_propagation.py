from __future__ import annotations

import numpy as np
import pytest

from anybone.engine.propagation import StopRule, _goes_on, _inner_points, _touching


def square(low: int, high: int) -> np.ndarray:
    mask = np.zeros((32, 32), bool)
    mask[low:high, low:high] = True
    return mask


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (square(4, 12), square(5, 12), True),
        (square(4, 12), square(20, 28), False),  # jumped aside
        (square(4, 12), square(0, 32), False),  # leaked
        (square(0, 32), square(4, 12), False),  # collapsed
        (square(4, 12), np.zeros((32, 32), bool), False),  # ended
    ],
)
def test_stop_rule(before, after, expected):
    assert _goes_on(before, after, StopRule()) is expected


def test_one_inner_point_a_piece():
    points = _inner_points(square(0, 8) | square(16, 25))
    assert len(points) == 2
    assert points[1].tolist() == [(20 + 0.5) * 4 - 0.5] * 2


def test_pieces_that_do_not_touch_are_left_out():
    assert np.array_equal(_touching(square(4, 8) | square(16, 20), square(6, 10)), square(4, 8))
