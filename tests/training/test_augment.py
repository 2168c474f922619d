from __future__ import annotations

import torch

from anybone.training.augment import augment, gray_curve, plain, random_network
from anybone.training.config import Augmentation


def draw(cache, a: Augmentation, seed: int = 0):
    return augment(cache.images[:2], cache.bones[:2], 96, a, torch.Generator().manual_seed(seed))


def test_nothing_changes_where_nothing_is_asked(cache, config):
    gray, bones = draw(cache, config.augmentation)
    same_gray, same_bones = plain(cache.images[:2], cache.bones[:2], 96)
    assert (bones != same_bones).float().mean() < 0.01
    assert (gray - same_gray).abs().mean() < 0.01


def test_bones_move_with_their_image(cache):
    only_moved = Augmentation(
        gamma=(1.0, 1.0), curve=0, network=0, lesion=0, invert=0, bias=0, noise=0, blur=0, ghost=0
    )
    gray, bones = draw(cache, only_moved)
    on_bone = (bones > 0) & (bones < 255)
    assert on_bone.any()
    assert gray[on_bone].mean() > 0.8
    assert gray[(bones == 0)].mean() < 0.3


def test_the_seed_decides(cache):
    a = Augmentation()
    assert torch.equal(draw(cache, a)[0], draw(cache, a)[0])
    assert not torch.equal(draw(cache, a)[0], draw(cache, a, seed=1)[0])


def test_gray_values_stay_in_range(cache):
    for seed in range(5):
        gray, bones = draw(cache, Augmentation(), seed)
        assert torch.isfinite(gray).all()
        assert gray.min() >= 0
        assert gray.max() <= 1
        assert set(torch.unique(bones).tolist()) <= {0, 1, 2, 255}


def test_curves_keep_black_black():
    x = torch.rand(3, 8, 8)
    x[:, 0] = 0
    assert (gray_curve(x, torch.Generator().manual_seed(0))[:, 0] == 0).all()


def test_a_random_network_changes_contrast_not_places():
    x = torch.zeros(4, 32, 32)
    x[:, 8:24, 8:24] = 0.6
    y = random_network(x, torch.Generator().manual_seed(3))
    assert y.shape == x.shape
    assert y.min() >= 0
    assert y.max() <= 1
    inside, outside = y[:, 12:20, 12:20], y[:, :4, :4]
    assert (inside.flatten(1).std(1) < 1e-5).all()
    assert (outside.flatten(1).std(1) < 1e-5).all()
    contrast = inside.mean((1, 2)) - outside.mean((1, 2))
    assert (contrast.abs() > 0.05).all()
    assert len(set(contrast.mul(1000).round().tolist())) == 4
