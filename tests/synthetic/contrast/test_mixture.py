import torch

from anybone.synthetic.contrast import SEQUENCES, BatchRng, draw_contrast, mixture
from anybone.synthetic.contrast.texture import LEVELS
from anybone.synthetic.tissue import Tissue


def test_air_stays_dark_and_nothing_is_negative():
    table = mixture(40, BatchRng(0)).table
    assert table[:, Tissue.AIR].abs().max() == 0
    assert table[:, Tissue.METAL].abs().max() == 0
    assert table.real.min() >= 0
    assert table.imag.min() >= 0


def test_any_tissue_may_be_brighter_than_any_other():
    mean = mixture(200, BatchRng(1)).table.abs().mean(dim=2)
    brighter = mean[:, Tissue.MUSCLE] > mean[:, Tissue.YELLOW_MARROW]
    assert 0.3 < brighter.float().mean() < 0.7
    assert (mean[:, Tissue.CORTEX] < 0.25).float().mean() > 0.6  # mostly dark, not always


def test_a_tissue_has_clusters_that_follow_the_coarse_level():
    table = mixture(30, BatchRng(2)).table[:, Tissue.MUSCLE].abs()
    by_coarse = table.view(30, LEVELS, LEVELS)
    between, within = by_coarse.mean(dim=2).std(dim=1), by_coarse.std(dim=2).mean(dim=1)
    assert (between > 0).all()
    assert (between > within).any()
    assert (between < within).any()


def test_training_draws_both_kinds_in_the_share_asked_for():
    contrast = draw_contrast(300, BatchRng(3), mixture_share=0.3, sequences=("t1", "stir"))
    random = [name == "mixture" for name in contrast.names]
    assert 0.2 < sum(random) / 300 < 0.4
    assert set(contrast.names) == {"mixture", "t1", "stir"}
    stir = torch.tensor([name == "stir" for name in contrast.names])
    muscle, fat = contrast.table[:, Tissue.MUSCLE].mean(dim=1), contrast.table[:, Tissue.FAT].mean(dim=1)
    assert (muscle.real[stir] < 0).all()  # the names sit beside their own tables: inverted water is below zero
    assert (fat.imag[torch.tensor([name == "t1" for name in contrast.names])] > 0.1).all()


def test_all_of_one_kind_works_too():
    assert set(draw_contrast(5, BatchRng(0), mixture_share=1.0).names) == {"mixture"}
    assert set(draw_contrast(5, BatchRng(0), mixture_share=0.0).names) <= set(SEQUENCES)
