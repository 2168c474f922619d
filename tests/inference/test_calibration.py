from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import CheckpointError
from anybone.inference.calibration import Calibration, fit_calibration
from anybone.metrics import expected_calibration_error


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Logits that mean what they say, and a truth drawn from them."""
    rng = np.random.default_rng(0)
    logits = rng.normal(-1, 3, (100, 100, 20))
    return logits, rng.uniform(size=logits.shape) < 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(("factor", "offset"), [(4.0, 0.0), (0.25, 1.0), (1.0, -2.0)])
def test_a_known_distortion_is_undone(drawn, factor, offset):
    logits, truth = drawn
    found = fit_calibration(factor * logits + offset, truth)
    # scale * (factor * x + offset) + shift = x
    assert found.scale == pytest.approx(1 / factor, rel=0.03)
    assert found.shift == pytest.approx(-offset / factor, abs=0.03)


def test_an_overconfident_network_becomes_honest(drawn):
    logits, truth = drawn
    before = Calibration().probability(4 * logits)
    after = fit_calibration(4 * logits, truth).probability(4 * logits)
    assert expected_calibration_error(before, truth) > 0.08
    assert expected_calibration_error(after, truth) < 0.005


def test_voxels_that_are_not_known_do_not_count(drawn):
    logits, truth = drawn
    known = np.zeros(truth.shape, dtype=bool)
    known[:50] = True
    spoilt = truth.copy()
    spoilt[50:] = True
    assert fit_calibration(logits, spoilt, known) == fit_calibration(logits[:50], truth[:50])


def test_a_perfect_network_does_not_break_the_fit():
    truth = np.arange(100) % 2 == 0
    found = fit_calibration(np.where(truth, 8.0, -8.0), truth)
    assert found.scale > 0.9
    assert np.isfinite(found.shift)


def test_one_kind_of_voxel_is_refused():
    with pytest.raises(CheckpointError, match="one kind"):
        fit_calibration(np.zeros(5), np.zeros(5, dtype=bool))


def test_a_card_keeps_it():
    assert Calibration.from_card({}) == Calibration(1.0, 0.0)
    kept = Calibration(0.61234567, -0.25)
    assert Calibration.from_card({"calibration": kept.to_dict()}) == Calibration(0.6123, -0.25)
    with pytest.raises(CheckpointError, match="scale and a shift"):
        Calibration.from_card({"calibration": {"scale": "much"}})


def test_even_odds_by_hand():
    values = Calibration(scale=0.5, shift=1.0).probability(np.array([[-2.0, -2 + 2 * np.log(3)]]))
    assert values.dtype == np.float16
    assert values == pytest.approx(np.array([[0.5, 0.75]]), abs=1e-3)
