import math

import pytest
import torch

from anybone.synthetic.contrast import SEQUENCES, BatchRng, physics
from anybone.synthetic.tissue import Tissue


def seen(sequence, field_t=1.5, seeds=12):
    """Mean magnitude of each tissue over some scans, relative to the reference, with suppression as set."""
    contrast = physics([sequence] * seeds, BatchRng(1), field_t)
    mean = contrast.table.mean(dim=2)
    fat = mean.imag * contrast.fat_left[:, None] * torch.cos(contrast.fat_phase_rad)[:, None]
    return ((mean.real + fat).abs() / contrast.reference[:, None]).mean(dim=0)


@pytest.mark.parametrize("field_t", [1.5, 3.0])
def test_tissues_rank_as_on_clinical_images(field_t):
    t1, t2, pd_fs = seen("t1", field_t), seen("t2", field_t), seen("pd-fs", field_t)
    assert t1[Tissue.FAT] > t1[Tissue.YELLOW_MARROW] > t1[Tissue.RED_MARROW] > 1.2 * t1[Tissue.MUSCLE]
    assert t1[Tissue.MUSCLE] > t1[Tissue.FLUID]
    assert t2[Tissue.FLUID] > 3 * t2[Tissue.MUSCLE]
    assert t2[Tissue.DISC_NUCLEUS] > 2 * t2[Tissue.DISC_ANNULUS]
    assert pd_fs[Tissue.FLUID] > pd_fs[Tissue.CARTILAGE] > pd_fs[Tissue.YELLOW_MARROW]


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_cortex_tendon_and_air_are_dark_and_marrow_is_not(sequence):
    signal = seen(sequence)
    assert signal[Tissue.AIR] == 0
    assert signal[Tissue.CORTEX] < 0.05
    assert signal[Tissue.TENDON] < 0.15
    assert signal[Tissue.RED_MARROW] > 4 * signal[Tissue.CORTEX]


def test_suppression_lowers_marrow_against_muscle():
    for plain, suppressed in (("t1", "t1-fs"), ("pd", "pd-fs"), ("t2", "t2-fs"), ("pd", "stir")):
        before, after = seen(plain), seen(suppressed)
        for tissue in (Tissue.FAT, Tissue.YELLOW_MARROW):
            assert after[tissue] / after[Tissue.MUSCLE] < 0.5 * before[tissue] / before[Tissue.MUSCLE]


def test_dixon_images_show_one_pool_each_where_it_is():
    water, fat = seen("dixon-water"), seen("dixon-fat")
    assert water[Tissue.MUSCLE] > 2 * water[Tissue.FAT]
    assert fat[Tissue.FAT] > 10 * fat[Tissue.MUSCLE]
    assert physics(["dixon-water", "t1"], BatchRng(0), 3.0).shift_hz.tolist() == [0, pytest.approx(434, abs=5)]


def test_only_gradient_echoes_turn_fat_against_water():
    contrast = physics(["t1", "gre", "stir"], BatchRng(0), 1.5)
    assert contrast.fat_phase_rad[0] == contrast.fat_phase_rad[2] == 0
    assert contrast.fat_phase_rad[1] > math.pi  # 4 ms and more at 217 Hz


def test_textures_vary_tissue_around_its_mean():
    table = physics(["t1"], BatchRng(3), 1.5).table[0]
    assert table[Tissue.FAT].imag.std() / table[Tissue.FAT].imag.mean() > 0.05
    muscle = table[Tissue.MUSCLE].real
    assert 0.01 < muscle.std() / muscle.mean() < 0.2


def test_the_same_dice_give_the_same_contrast():
    names = list(SEQUENCES)
    first, again, other = (physics(names, BatchRng(seed)) for seed in (5, 5, 6))
    assert torch.equal(first.table, again.table)
    assert not torch.equal(first.table, other.table)
    assert first.names == tuple(names)
