from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import GeometryError
from anybone.metrics import expected_calibration_error


def test_two_bins_by_hand():
    probability = np.array([0.2, 0.2, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9, 0.9])
    truth = np.array([1, 0, 0, 0, 0, 1, 1, 1, 0, 0], dtype=bool)
    # of five at 0.2 one is bone: exact; of five at 0.9 three are: 0.3 off, for half of the voxels
    assert expected_calibration_error(probability, truth, bins=2) == pytest.approx(0.15)


def test_what_is_not_known_does_not_count():
    probability, truth = np.array([1.0, 0.0, 1.0]), np.array([True, False, False])
    assert expected_calibration_error(probability, truth) == pytest.approx(1 / 3)
    assert expected_calibration_error(probability, truth, np.array([True, True, False])) == 0


def test_draws_of_the_probabilities_themselves_are_calibrated():
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=200_000)
    truth = rng.uniform(size=probability.size) < probability
    assert expected_calibration_error(probability, truth) < 0.01
    assert expected_calibration_error(np.sqrt(probability), truth) > 0.1


def test_grids_that_differ_are_refused():
    with pytest.raises(GeometryError, match="one grid"):
        expected_calibration_error(np.zeros(3), np.zeros(4, dtype=bool))
    with pytest.raises(GeometryError, match="no voxel"):
        expected_calibration_error(np.zeros(3), np.zeros(3, dtype=bool), np.zeros(3, dtype=bool))
