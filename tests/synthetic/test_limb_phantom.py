from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from anybone.core.errors import UsageError
from anybone.core.labels import named
from limb_phantom import SEQUENCES, limb_phantom

SHAPE = (96, 96, 14)


@pytest.fixture(scope="module")
def leg():
    return limb_phantom(0, SHAPE)


def bones_share(labels: np.ndarray) -> float:
    return float((labels > 0).mean())


def test_the_same_seed_gives_the_same_limb_and_another_seed_another(leg):
    again, other = limb_phantom(0, SHAPE), limb_phantom(1, SHAPE)
    assert np.array_equal(leg[0].data, again[0].data)
    assert np.array_equal(leg[1].labels, again[1].labels)
    assert not np.array_equal(leg[1].labels, other[1].labels)


def test_bones_are_named_and_known(leg):
    assert [name.split()[1] for name in leg[1].names.values()] == ["tibia", "fibula"]
    assert all(named(name) for name in leg[1].names.values())
    assert [n.split()[1] for n in limb_phantom(0, (48, 48, 4), region="thigh")[1].names.values()] == ["femur"]


@pytest.mark.parametrize("seed", range(4))
def test_the_fibula_is_lateral_of_the_tibia_on_its_side(seed):
    _, truth = limb_phantom(seed, (64, 64, 4))
    side = truth.names[1].split()[0]
    right_mm = [truth.geometry.to_world(np.argwhere(truth.labels == n)).mean(axis=0)[0] for n in (1, 2)]
    assert (right_mm[1] > right_mm[0]) == (side == "right")


def test_each_bone_is_one_piece_with_dark_cortex_around_bright_marrow(leg):
    volume, truth = leg
    for label in truth.names:
        bone = truth.labels == label
        assert ndimage.label(bone)[1] == 1
        layer = np.zeros((3, 3, 3), dtype=bool)
        layer[:, :, 1] = ndimage.generate_binary_structure(2, 1)
        inner = ndimage.binary_erosion(bone, layer, iterations=2 if label == 2 else 4)
        rim = ndimage.binary_erosion(bone, layer) & ~ndimage.binary_erosion(bone, layer, iterations=2)
        assert np.median(volume.data[inner]) > 2.5 * np.median(volume.data[rim])


def test_sizes_are_those_of_a_leg(leg):
    _, truth = leg
    tibia_mm2 = (truth.labels == 1).sum(axis=(0, 1)) * np.prod(truth.geometry.spacing_mm[:2])
    assert 300 < tibia_mm2.min() < 800  # the shaft
    assert tibia_mm2.argmax() == SHAPE[2] - 1  # it widens toward the knee
    assert truth.geometry.spacing_mm == pytest.approx((1.8, 1.8, 10))
    assert truth.geometry.orientation == "LPS"


def test_the_truth_does_not_depend_on_the_sequence_or_much_on_the_grid(leg):
    fat_suppressed = limb_phantom(0, SHAPE, "t2_fat_suppressed")
    assert np.array_equal(fat_suppressed[1].labels, leg[1].labels)
    fine = limb_phantom(0, (144, 144, 14))[1]
    assert bones_share(fine.labels) == pytest.approx(bones_share(leg[1].labels), rel=0.03)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_marrow_is_bright_unless_fat_is_suppressed(sequence):
    volume, truth = limb_phantom(0, (64, 64, 4), sequence)
    image, tibia = volume.data[..., -1], truth.labels[..., -1] == 1
    marrow = ndimage.binary_erosion(tibia, iterations=3)
    muscle = ndimage.binary_erosion((image > 100) & ~tibia, iterations=3)
    assert (np.median(image[marrow]) > 1.2 * np.median(image[muscle])) == (sequence != "t2_fat_suppressed")


def test_air_is_rician_noise(leg):
    volume, _ = leg
    corner = volume.data[:8, :8]
    assert corner.min() >= 0
    assert corner.mean() / corner.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.05)  # Rayleigh's ratio


def test_one_slice_and_odd_shapes():
    volume, truth = limb_phantom(0, (50, 61, 1))
    assert volume.data.shape == (50, 61, 1)
    assert truth.mask.any()


def test_an_unknown_sequence_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="t2_fat_suppressed"):
        limb_phantom(sequence="flair")
