from __future__ import annotations

import numpy as np
import pytest

from anybone.inference.preprocessing import normalize, percentile_by_rank, published_input


def test_percentile_is_a_value_of_the_volume():
    values = np.arange(101, dtype=np.float32)[::-1]
    assert percentile_by_rank(values, 1) == 1
    assert percentile_by_rank(values, 99) == 99
    assert percentile_by_rank(np.array([3.0], np.float32), 99) == 3


def test_unit_range():
    unit = normalize(np.arange(1000, dtype=np.float32).reshape(10, 10, 10))
    assert (unit.min(), unit.max()) == (0, 1)
    assert unit[0, 0, 5] == 0  # below the 1st percentile


@pytest.mark.parametrize("value", [0.0, -7.0, 3e38])
def test_constant_volumes_become_zero(value):
    assert not normalize(np.full((4, 4, 4), value, np.float32)).any()


def test_a_rare_bright_spot_survives():
    data = np.zeros((20, 20, 20), np.float32)
    data[3, 3, 3] = 5  # both percentiles are 0
    assert normalize(data).max() == 1


def test_published_input_brightens_dark_slices():
    rng = np.random.default_rng(0)
    volume = np.zeros((32, 24, 3), np.float32)
    volume[:, :, 0] = rng.random((32, 24))
    volume[2:4, 2:4, 1] = 1
    x = published_input(volume, 0)
    assert x.shape == (1, 3, 1024, 1024)
    assert np.isfinite(published_input(volume, 2).numpy()).all()


def test_published_input_takes_volumes_and_arrays(volume):
    assert published_input(volume, 0).equal(published_input(volume.data, 0))
