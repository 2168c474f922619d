from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import CheckpointError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.inference.quality import Calibration, QualityEstimator, expected_dice, fit_calibration
from anybone.inference.segmenter import Segmenter
from anybone.metrics import expected_calibration_error


@pytest.fixture
def volume(volume: Volume) -> Volume:
    """The bright bars with some texture, without which they would be doubted as a phantom."""
    texture = np.random.default_rng(0).uniform(0.8, 1.2, volume.data.shape)
    return Volume((volume.data * texture).astype(np.float32), volume.geometry)


SURE = QualityEstimator(Calibration(), least_dice=0.9)


def test_expected_dice_by_hand():
    probability = np.array([[0.9, 0.8, 0.3, 0.0]])
    mask = probability > 0.5
    # 2 * (0.9 + 0.8) / ((0.9 + 0.8 + 0.3) + 2)
    assert expected_dice(probability, mask) == pytest.approx(0.85)
    assert expected_dice(probability, np.zeros_like(mask)) == 0


def test_the_mean_over_truths_drawn_from_the_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=(40, 40)) ** 2
    mask = probability > 0.5
    truths = rng.uniform(size=(500, 40, 40)) < probability
    found = [2 * (t & mask).sum() / (t.sum() + mask.sum()) for t in truths]
    assert expected_dice(probability, mask) == pytest.approx(np.mean(found), abs=0.003)


def test_volume_and_slices(segmenter, volume):
    segmenter.quality_estimator = SURE
    bones = segmenter.segment(volume)
    sure = 1 / (1 + np.exp(-4))  # the network of these tests says logit 4 or -4
    bone, background = 512, 64 * 64 - 512
    expected = 2 * sure * bone / (sure * bone + (1 - sure) * background + bone)
    assert bones.confidence.dice == pytest.approx(expected, abs=1e-3)
    assert set(bones.confidence.slices) == {0, 1, 2, 3, 4}
    assert bones.confidence.slices[2] == pytest.approx(expected, abs=1e-3)
    assert bones.confidence.warnings == ()


def test_a_network_that_is_not_sure_is_doubted(segmenter, volume):
    segmenter.quality_estimator = QualityEstimator(Calibration(scale=0.1), least_dice=0.9)
    bones = segmenter.segment(volume)
    (doubt,) = bones.confidence.warnings
    assert f"a Dice of {bones.confidence.dice:.2f}" in doubt
    assert doubt in bones.provenance.warnings


def test_without_a_calibration_no_dice_is_expected(segmenter, volume):
    confidence = segmenter.segment(volume).confidence
    assert (confidence.dice, dict(confidence.slices), confidence.warnings) == (None, {}, ())


def test_nothing_found_leaves_nothing_to_expect(segmenter):
    segmenter.quality_estimator = SURE
    dark = Volume(np.zeros((16, 16, 4), np.float32), Geometry((16, 16, 4), np.diag([1.0, 1, 2, 1])))
    assert segmenter.segment(dark).confidence.dice is None


def test_probabilities_are_stitched_as_the_mask_is(segmenter, volume):
    segmenter.quality_estimator = QualityEstimator(Calibration(scale=0.5, shift=1.0))
    bones = segmenter.segment(volume)
    assert bones.probability.dtype == np.float16
    assert bones.probability.shape == bones.labels.shape
    inside, outside = 1 / (1 + np.exp(-3)), 1 / (1 + np.exp(1))  # of 0.5 * 4 + 1 and 0.5 * -4 + 1
    assert np.allclose(bones.probability[..., :5], np.where(bones.mask[..., :5], inside, outside), atol=1e-3)
    assert bones.probability[..., 5].max() < 1e-3  # the dark slice, where nobody looked


def test_a_card_keeps_the_judge():
    kept = QualityEstimator(Calibration(0.8, -0.1), 0.61)
    assert QualityEstimator.from_card(kept.to_card()) == kept
    assert QualityEstimator.from_card({"knows": "knees"}) == QualityEstimator()
    with pytest.raises(CheckpointError, match="least_dice"):
        QualityEstimator.from_card({"calibration": {"scale": 1, "shift": 0, "least_dice": "high"}})


def test_an_uncalibrated_segmenter_still_says_probabilities(segmenter: Segmenter, volume: Volume):
    assert segmenter.segment(volume).probability.max() == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)


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
