from __future__ import annotations

import numpy as np
import torch

from anybone.inference.postprocessing import NO_BONE, average_adjacent_slices, clean, empty_logits, interpolate_slices
from anybone.inference.slicing import SliceFrame, to_slice_grid


def test_only_the_slice_comes_back():
    frame = SliceFrame(axis=2, index=0, slice_shape=(10, 20), content_shape=(40, 80), frame_shape=(64, 96))
    logits = torch.full((1, 1, 16, 24), 9.0)
    logits[..., :10, :20] = -1
    for way in ("linear", "nearest"):
        plane = to_slice_grid(logits, frame, way)
        assert plane.shape == (10, 20)
        assert (plane == -1).all()


def test_logits_may_be_as_fine_as_the_frame():
    frame = SliceFrame(axis=2, index=0, slice_shape=(10, 20), content_shape=(40, 80), frame_shape=(64, 96))
    logits = torch.full((1, 1, 64, 96), 9.0)
    logits[..., :40, :80] = -1
    assert np.allclose(to_slice_grid(logits, frame, "linear"), -1)


def test_linear_upsampling_puts_borders_between_pixels():
    frame = SliceFrame(axis=2, index=0, slice_shape=(16, 64), content_shape=(64, 64), frame_shape=(64, 64))
    logits = torch.ones(1, 1, 16, 16)
    logits[..., 8:] = -1
    assert ((to_slice_grid(logits, frame, "linear") > 0).sum(1) == 32).all()


def test_slices_between_are_mixed_and_ends_copied():
    slices = empty_logits((6, 1, 1))
    slices[1], slices[3] = 2.0, 4.0
    interpolate_slices(slices, [1, 3], [0, 1, 2, 3, 4])
    assert slices[:, 0, 0].tolist() == [2, 2, 3, 4, 4, NO_BONE]


def test_nothing_known_leaves_nothing():
    slices = empty_logits((2, 2, 2))
    interpolate_slices(slices, [], [])
    assert np.all(slices == NO_BONE)


def test_neighbors_are_mixed_in():
    slices = np.array([1.0, 5.0, 3.0, 7.0, 9.0], np.float32)[:, None, None].repeat(2, 1).repeat(2, 2)
    average_adjacent_slices(slices, [0, 1, 2, 4], 0.5)  # slice 3 holds nothing, so slice 4 is alone
    assert slices[:, 0, 0].tolist() == [0.5 * 1 + 0.5 * 5, 0.5 * 5 + 0.5 * 2, 0.5 * 3 + 0.5 * 5, 7, 9]
    untouched = slices.copy()
    average_adjacent_slices(slices, [0, 1], 0.0)
    assert np.array_equal(slices, untouched)


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
