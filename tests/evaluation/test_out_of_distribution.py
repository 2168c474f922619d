from __future__ import annotations

import numpy as np
import pytest

import anybone
from anybone.evaluation.out_of_distribution import OUT_OF_DISTRIBUTION, out_of_distribution
from anybone.models.checkpoint import read_header
from anybone.models.registry import locate


@pytest.mark.parametrize("kind", OUT_OF_DISTRIBUTION)
def test_a_seed_makes_one_volume(kind):
    one, same, other = out_of_distribution(kind, 3), out_of_distribution(kind, 3), out_of_distribution(kind, 4)
    assert np.array_equal(one.data, same.data)
    assert not np.array_equal(one.data, other.data)


def test_ct_is_in_hounsfield_units():
    data = out_of_distribution("ct", 1).data
    assert np.percentile(data, 5) == pytest.approx(-1000, abs=60)  # air around the limb
    assert data.max() > 1000  # cortex


def test_a_photograph_has_one_slice_of_bytes():
    volume = out_of_distribution("photograph")
    assert volume.geometry.shape_ijk[2] == 1
    assert np.array_equal(volume.data, volume.data.round())
    assert 0 <= volume.data.min() < volume.data.max() <= 255


def test_noise_has_no_structure_and_an_empty_scan_hardly_any():
    for kind, most in (("noise", 0.02), ("empty scanner", 0.6)):
        data = out_of_distribution(kind).data
        assert abs(np.corrcoef(data[:-1].ravel(), data[1:].ravel())[0, 1]) < most


@pytest.mark.parametrize("kind", OUT_OF_DISTRIBUTION)
def test_the_weights_that_ship_doubt_what_is_no_mri_of_bone(kind):
    if read_header(locate()).card.get("calibration") is None:
        pytest.skip("The default weights are not calibrated: python benchmarks/trust.py ... --fit does it.")
    bones = anybone.load(device="cpu").segment(out_of_distribution(kind, 100), anybone.SegmentOptions(every=3))
    assert bones.confidence.warnings or not bones.mask.any()
