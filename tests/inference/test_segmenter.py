from __future__ import annotations

import itertools

import numpy as np
import pytest

from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.inference.options import SegmentOptions


def test_bright_bars_are_found_on_their_own_grid(segmenter, volume):
    bones = segmenter.segment(volume)
    assert bones.geometry == volume.geometry
    assert np.array_equal(bones.mask, volume.data > 0.5)
    assert bones.scores[1] == pytest.approx(0.9)


def test_slices_without_signal_are_skipped_and_said(segmenter, network, volume):
    bones = segmenter.segment(volume)
    assert network.encoded == 5
    assert any("1 of 6 slices" in w for w in bones.provenance.warnings)


def test_every_second_slice(segmenter, network, volume):
    bones = segmenter.segment(volume, SegmentOptions(every=2))
    assert network.encoded == 3
    assert np.array_equal(bones.mask, volume.data > 0.5)


def test_batches_give_the_same(segmenter, volume):
    one = segmenter.segment(volume)
    three = segmenter.segment(volume, SegmentOptions(batch=3))
    assert np.array_equal(one.labels, three.labels)


def test_nothing_found_is_said(segmenter):
    dark = Volume(np.zeros((16, 16, 4), np.float32), Geometry((16, 16, 4), np.diag([1.0, 1, 2, 1])))
    bones = segmenter.segment(dark)
    assert not bones.mask.any()
    assert any("No bone was found" in w for w in bones.provenance.warnings)


def test_provenance_can_make_it_again(segmenter, volume):
    provenance = segmenter.segment(volume, SegmentOptions(min_component_mm3=7)).provenance
    assert SegmentOptions(**provenance.options).min_component_mm3 == 7
    assert set(provenance.timings_s) == {"normalize", "attend", "cut", "encode", "decode", "stitch"}


ORIENTATIONS = [(p, s) for p in itertools.permutations(range(3)) for s in itertools.product((1, -1), repeat=3)]


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS[::5])
def test_any_orientation_finds_the_same_bone(segmenter, volume, order, signs):
    data = volume.data.transpose(order)[tuple(slice(None, None, s) for s in signs)]
    matrix = np.eye(4)
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        matrix[:3, axis] = 0
        matrix[world, axis] = sign * volume.geometry.spacing_mm[world]
        if sign < 0:
            matrix[world, 3] = (volume.geometry.shape_ijk[world] - 1) * volume.geometry.spacing_mm[world]
    turned = Volume(np.ascontiguousarray(data), Geometry(data.shape, matrix))
    found = segmenter.segment(turned)
    ours = turned.geometry.to_world(np.argwhere(found.mask))
    expected = volume.geometry.to_world(np.argwhere(volume.data > 0.5))
    assert {tuple(p) for p in ours.round(6)} == {tuple(p) for p in expected.round(6)}


def test_one_slice(segmenter):
    data = np.zeros((32, 32, 1), np.float32)
    data[8:16, 8:16] = 1
    bones = segmenter.segment(Volume(data, Geometry((32, 32, 1), np.diag([1.0, 1, 5, 1]))))
    assert bones.mask.sum() == 64


@pytest.mark.parametrize("wrong", [{"axis": 3}, {"every": 0}])
def test_options_that_cannot_be_meant(wrong):
    with pytest.raises(UsageError):
        SegmentOptions(**wrong)


def test_sixteen_bits_find_the_same(segmenter, volume):
    bones = segmenter.segment(volume, SegmentOptions(bfloat16=True))
    assert np.array_equal(bones.mask, volume.data > 0.5)


def test_logits_are_those_that_the_mask_was_cut_from(segmenter, volume):
    logits = segmenter.logits(volume)
    assert logits.shape == volume.geometry.shape_ijk
    assert np.array_equal(logits > 0, segmenter.segment(volume).mask)
    assert (logits[..., 5] < -10).all()  # the dark slice


def test_bone_that_cleaning_removed_is_reported(segmenter):
    data = np.full((32, 32, 3), 0.2, np.float32)
    data[8:16, 8:16, 1] = 1
    bones = segmenter.segment(Volume(data, Geometry(data.shape, np.diag([1.0, 1, 1, 1]))))
    assert not bones.mask.any()
    assert any("connected components smaller than 100 mm3" in w for w in bones.provenance.warnings)
