from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.core.orientation import AS_STORED, Turn
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import find_nonempty_slices, render
from anybone.inference.slicing import SliceFrame, cut, slice_axis


def frames_of(geometry: Geometry, side: int, options: SegmentOptions) -> list[SliceFrame]:
    return cut(geometry, slice_axis(geometry, options), side, options)


def test_centers_go_to_centers():
    frame = SliceFrame(axis=2, index=0, slice_shape=(10, 20), content_shape=(40, 80), frame_shape=(64, 96))
    # voxel (0, 0) covers pixels 0..3, whose center is 1.5; i is the row and so y, j is the column and so x
    assert frame.to_model_xy((0, 0, 0)).tolist() == [1.5, 1.5]
    assert frame.to_model_xy((1, 3, 0)).tolist() == [13.5, 5.5]
    assert frame.to_model_xy((-0.5, 19.5, 0)).tolist() == [79.5, -0.5]


@pytest.mark.parametrize(("axis", "expected"), [(0, [5.5, 9.5]), (1, [5.5, 1.5]), (2, [9.5, 1.5])])
def test_rows_and_columns_are_the_other_axes_in_order(axis, expected):
    frame = SliceFrame(axis=axis, index=0, slice_shape=(8, 8), content_shape=(32, 32), frame_shape=(32, 32))
    # voxel (0, 2, 1): the pair of in-plane indices (row, column) is (2, 1), (0, 1) or (0, 2)
    assert frame.to_model_xy((0, 2, 1)).tolist() == expected


def test_the_slice_axis_is_the_acquired_one():
    sagittal = Geometry((20, 256, 256), np.diag([4.0, 0.7, 0.7, 1]))
    assert slice_axis(sagittal, SegmentOptions()) == 0
    assert slice_axis(sagittal, SegmentOptions(axis=1)) == 1
    assert slice_axis(sagittal, SegmentOptions(preprocessing="published")) == 2


def test_aspect_ratio_is_that_in_mm():
    geometry = Geometry((100, 100, 9), np.diag([0.5, 1.0, 5.0, 1]))
    frames = frames_of(geometry, 256, SegmentOptions())
    assert frames[0].content_shape == (128, 256)
    assert frames[0].frame_shape == (128, 256)
    squashed = frames_of(geometry, 256, SegmentOptions(keep_aspect=False))
    assert squashed[0].content_shape == squashed[0].frame_shape == (256, 256)


def test_a_sliver_keeps_at_least_one_pixel():
    frames = frames_of(Geometry((1, 500, 3), np.diag([0.2, 1.0, 5.0, 1])), 256, SegmentOptions())
    assert frames[0].content_shape == (4, 256)
    assert frames[0].frame_shape == (32, 256)


def test_beside_the_slice_is_black():
    frame = SliceFrame(axis=2, index=0, slice_shape=(10, 20), content_shape=(40, 80), frame_shape=(64, 96))
    x = render(torch.ones(10, 20, 1), frame, SegmentOptions())
    assert x.shape == (1, 3, 64, 96)
    assert x[0, :, :40, :80].min() > 0
    assert torch.equal(x[0, :, 40:], x[0, :, -1:, -1:].expand(3, 24, 96))


def test_noise_has_no_signal():
    rng = np.random.default_rng(0)
    noise = np.abs(rng.normal(0, 0.03, (64, 64, 3))).astype(np.float32)
    noise[20:40, 20:40, 1] = 0.5
    assert find_nonempty_slices(torch.from_numpy(noise), 2, 0.1).tolist() == [False, True, False]
    assert find_nonempty_slices(torch.from_numpy(noise), 2, 0.0).all()


@pytest.mark.parametrize("side", [256, 1024])
def test_published_slices_fill_the_frame_of_any_network(side):
    options = SegmentOptions(preprocessing="published")
    frames = frames_of(Geometry((40, 60, 2), np.diag([0.5, 1.0, 5.0, 1])), side, options)
    unit = torch.rand(40, 60, 2, generator=torch.Generator().manual_seed(0))
    x = render(unit, frames[1], options)
    assert x.shape == (1, 3, side, side)
    assert not torch.equal(x, render(unit, frames[1], SegmentOptions(keep_aspect=False)))  # 8 bits, stretched


@pytest.mark.parametrize("signs", list(product((1, -1), repeat=2)))
@pytest.mark.parametrize("transposed", [False, True])
def test_the_network_sees_any_orientation_upright(transposed, signs):
    front_to_back, right_to_left = np.mgrid[:20, :30].astype(np.float32) / 30
    plane = (front_to_back + 2 * right_to_left)[:: signs[0], :: signs[1]]
    steps = {0: (0, -1.0 * signs[0], 0), 1: (-1.0 * signs[1], 0, 0)}  # rows run to the back, columns to the left
    order = (1, 0) if transposed else (0, 1)
    affine = np.eye(4)
    for axis, step in enumerate(order):
        affine[:3, axis] = steps[step]
    affine[:3, 2:] = [[0, 7], [0, 8], [5, 9]]
    unit = torch.from_numpy(np.ascontiguousarray(plane.T if transposed else plane))[..., None]
    (frame,) = frames_of(Geometry(tuple(unit.shape), affine), 96, SegmentOptions())
    expected = SliceFrame(2, 0, (20, 30), (64, 96), (64, 96))
    straight = torch.from_numpy(front_to_back + 2 * right_to_left)[..., None]
    assert torch.allclose(render(unit, frame, SegmentOptions()), render(straight, expected, SegmentOptions()))
    assert torch.equal(frame.planes(frame.picture(unit[..., 0])), unit[..., 0])
    brightest = np.array(np.unravel_index(int(unit.argmax()), unit.shape), dtype=float)
    assert frame.to_model_xy(brightest) == pytest.approx(expected.to_model_xy((19.0, 29.0, 0.0)))


def test_what_does_not_say_how_it_lies_stays_as_stored():
    stacked = Geometry((20, 30, 3), np.diag([1.0, 1.0, 5.0, 1.0]))
    assert frames_of(stacked, 96, SegmentOptions())[0].turn == AS_STORED
    placed = Geometry((20, 30, 3), np.diag([-1.0, -1.0, 5.0, 1.0]))
    assert frames_of(placed, 96, SegmentOptions())[0].turn == Turn(True, (False, False))
    assert frames_of(placed, 96, SegmentOptions(upright=False))[0].turn == AS_STORED
