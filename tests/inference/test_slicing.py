from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.core.orientation import AS_STORED, Turn
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import find_nonempty_slices, fine_noise, render
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
    frames = frames_of(Geometry((1, 500, 3), np.diag([0.2, 1.0, 5.0, 1])), 256, SegmentOptions(axis=2))
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
    expected = SliceFrame(2, 0, (20, 30), (64, 96), (64, 96), pixel_mm=(0.3125, 0.3125))
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


def test_smoothing_is_in_mm_along_both_axes():
    geometry = Geometry((40, 60, 2), np.diag([1.0, 1.0, 5.0, 1.0]))
    (frame, _) = frames_of(geometry, 192, SegmentOptions())
    assert frame.pixel_mm == pytest.approx((60 / 192, 60 / 192))
    unit = torch.zeros(40, 60, 2)
    unit[20, 30, 0] = 1.0
    plain, smoothed = (render(unit, frame, SegmentOptions(smoothing_mm=mm))[0, 0] for mm in (0.0, 2.0))
    weights = [x - x[0, 0] for x in (plain, smoothed)]  # air is not 0 there
    place_mm = torch.arange(128) * 60 / 192, torch.arange(192) * 60 / 192
    for axis, place in enumerate(place_mm):
        spreads = []
        for weight in weights:
            profile = weight[:128, :192].sum(1 - axis)
            mean = (profile * place).sum() / profile.sum()
            spreads.append(float((profile * (place - mean) ** 2).sum() / profile.sum()))
        assert spreads[1] - spreads[0] == pytest.approx(2.0**2, rel=0.05)
    assert weights[1].sum() == pytest.approx(float(weights[0].sum()), rel=1e-3)


def test_squashed_slices_are_smoothed_alike_in_mm():
    geometry = Geometry((40, 80, 2), np.diag([1.0, 1.0, 5.0, 1.0]))
    (frame, _) = frames_of(geometry, 64, SegmentOptions(keep_aspect=False, upright=False))
    assert frame.pixel_mm == pytest.approx((40 / 64, 80 / 64))


def noisy(level):
    """A volume of even tissue with air beside it, and noise of some deviation."""
    rng = np.random.default_rng(1)
    data = np.zeros((192, 192, 4), np.float32)
    data[20:170, 20:170] = 0.5
    return torch.from_numpy(data + rng.normal(0, level, data.shape).astype(np.float32)).clamp(0, 1)


@pytest.mark.parametrize("level", [0.002, 0.01, 0.04])
def test_noise_is_measured_in_tissue(level):
    geometry = Geometry((192, 192, 4), np.diag([0.5, 0.5, 4.0, 1.0]))
    frames = frames_of(geometry, 192, SegmentOptions())
    alive = np.array([True, True, False, True])
    beside = (1 - 1 / 9) ** 0.5  # of a pixel's own noise the mean of 3 x 3 takes a ninth
    assert fine_noise(noisy(level), frames, alive) == pytest.approx(level * beside, rel=0.1)


def test_no_tissue_has_no_noise():
    frames = frames_of(Geometry((64, 64, 3), np.diag([1.0, 1.0, 4.0, 1.0])), 96, SegmentOptions())
    assert fine_noise(torch.zeros(64, 64, 3), frames, np.zeros(3, bool)) == 0
    assert fine_noise(torch.zeros(64, 64, 3), frames, np.ones(3, bool)) == 0
