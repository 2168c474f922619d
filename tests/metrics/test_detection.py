"""Pieces that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anybone.metrics import Detection, detection

UNIT = (1, 1, 1)


def rods(*spans: tuple[int, int, int]) -> np.ndarray:
    """A rod along i for each (row, first, last)."""
    mask = np.zeros((12, 12, 3), dtype=bool)
    for row, first, last in spans:
        mask[first:last, row, 1] = True
    return mask


def test_found_missed_and_invented():
    truth = rods((0, 0, 10), (4, 0, 10), (8, 0, 10))
    found = rods((0, 2, 10), (4, 6, 10), (11, 0, 3))  # IoU 0.8, 0.4, none
    assert detection(found, truth, UNIT) == Detection(found=1, missed=2, false_positives=2)
    assert detection(found, truth, UNIT, least_iou=0.3) == Detection(found=2, missed=1, false_positives=1)
    assert detection(found, truth, UNIT).f1 == pytest.approx(2 / 6)
    assert detection(truth, truth, UNIT).f1 == 1


def test_one_piece_over_two_bones_finds_one_of_them_at_most():
    truth, merged = rods((0, 0, 10), (2, 0, 6)), rods((0, 0, 10), (1, 0, 1), (2, 0, 6))
    merged[0, 1, 1] = True  # joins both
    assert detection(merged, truth, UNIT, least_iou=0.3) == Detection(found=1, missed=1, false_positives=0)


def test_matching_finds_as_many_as_can_be():
    # The second piece fits both bones, the first only the one that it fits best: each bone gets its own.
    truth, found = rods((0, 0, 5), (0, 6, 12)), rods((0, 0, 4), (0, 5, 12))
    assert detection(found, truth, UNIT, least_iou=0.1).found == 2


def test_corners_connect_and_nothing_is_nothing():
    chain = np.zeros((3, 3, 3), dtype=bool)
    chain[range(3), range(3), range(3)] = True
    assert detection(chain, chain, UNIT) == Detection(1, 0, 0)
    assert detection(~chain & chain, chain & ~chain, UNIT).f1 is None
    assert detection(chain, ~chain & chain, UNIT) == Detection(0, 0, 1)
