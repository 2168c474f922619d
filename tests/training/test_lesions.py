from __future__ import annotations

import torch

from anybone.training.lesions import add_lesions


def slices(n: int = 6):
    images = torch.full((n, 96, 96), 0.4)
    images[:, :, :20] = 0.0  # air
    bones = torch.zeros(n, 96, 96, dtype=torch.long)
    bones[:, 40:60, 50:70] = 3
    images[bones > 0] = 0.9
    return images, bones


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_bone_is_never_covered():
    images, bones = slices()
    changed = add_lesions(images, bones, 1.0, rng())
    assert torch.equal(changed[bones > 0], images[bones > 0])
    assert ((changed - images).abs() > 0.02).flatten(1).any(1).all()
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_as_often_as_asked_and_by_the_seed():
    images, bones = slices(200)
    assert torch.equal(add_lesions(images, bones, 0.0, rng()), images)
    some = add_lesions(images, bones, 0.3, rng())
    share = (some != images).flatten(1).any(1).float().mean()
    assert 0.2 < share < 0.4
    assert torch.equal(some, add_lesions(images, bones, 0.3, rng()))
    assert not torch.equal(some, add_lesions(images, bones, 0.3, rng(1)))


def test_air_alone_stays_air():
    images = torch.zeros(2, 96, 96)
    assert torch.equal(add_lesions(images, torch.zeros(2, 96, 96, dtype=torch.long), 1.0, rng()), images)
