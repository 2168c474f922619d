from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import CheckpointError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.inference.calibration import Calibration
from anybone.inference.quality import QualityEstimator, expected_dice
from anybone.inference.segmenter import Segmenter


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
    assert bones.confidence.doubts == ()


def test_a_network_that_is_not_sure_is_doubted(segmenter, volume):
    segmenter.quality_estimator = QualityEstimator(Calibration(scale=0.1), least_dice=0.9)
    bones = segmenter.segment(volume)
    (doubt,) = bones.confidence.doubts
    assert f"a Dice of {bones.confidence.dice:.2f}" in doubt
    assert doubt in bones.provenance.warnings


def test_without_a_calibration_no_dice_is_expected(segmenter, volume):
    confidence = segmenter.segment(volume).confidence
    assert (confidence.dice, dict(confidence.slices), confidence.doubts) == (None, {}, ())


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
