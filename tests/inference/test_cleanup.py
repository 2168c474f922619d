from __future__ import annotations

import numpy as np

from anybone.inference.cleanup import clean


def test_small_pieces_go_and_large_ones_stay():
    mask = np.zeros((10, 10, 10), bool)
    mask[1:5, 1:5, 1:5] = True  # 64 voxels of 2 mm3
    mask[8, 8, 8] = mask[9, 9, 9] = True  # diagonal neighbors are one piece of 4 mm3
    assert clean(mask, 2.0, min_component_mm3=4.1, max_hole_mm3=0).sum() == 64
    assert clean(mask, 2.0, min_component_mm3=4.0, max_hole_mm3=0).sum() == 66
    assert clean(mask, 2.0, min_component_mm3=0, max_hole_mm3=0).sum() == 66


def test_closed_holes_are_filled_up_to_their_limit():
    mask = np.zeros((10, 10, 10), bool)
    mask[1:9, 1:9, 1:9] = True
    mask[4:6, 4:6, 4:6] = False  # 8 voxels
    assert clean(mask, 1.0, min_component_mm3=0, max_hole_mm3=8).sum() == 512
    assert clean(mask, 1.0, min_component_mm3=0, max_hole_mm3=7).sum() == 504


def test_a_hole_that_is_open_at_the_border_is_not_filled():
    mask = np.ones((6, 6, 6), bool)
    mask[3, 3, 2:] = False
    assert clean(mask, 1.0, min_component_mm3=0, max_hole_mm3=100).sum() == mask.sum()


def test_empty_and_full():
    empty, full = np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)
    assert not clean(empty, 1.0, min_component_mm3=5, max_hole_mm3=5).any()
    assert clean(full, 1.0, min_component_mm3=5, max_hole_mm3=5).all()
