from __future__ import annotations

import pytest
import torch

from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.training.cache import FRAME, IGNORE, Cache
from anybone.training.config import Augmentation, TrainingConfig

TINY = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(
        dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), windows=(7, 4, 4, 4), classes=0
    ),
    embed_dim=32,
    decoder_heads=4,
    decoder_mlp_dim=32,
    depth_attention=None,
)
STILL = Augmentation(
    network=0, lesion=0,
    zoom=(1.0, 1.0), turn_degrees=0, quarter_turns=0, flip=0, stretch=0, shift=0, warp=0, gamma=(1.0, 1.0), curve=0,
    invert=0, bias=0, noise=0, blur=0, ghost=0,
)  # fmt: skip


@pytest.fixture
def cache() -> Cache:
    """Four patients of two regions with two bright bones a slice, one empty slice each, and an unknown strip."""
    images, bones, patients = [], [], []
    for n, patient in enumerate(["spine/1", "spine/2", "limb/1", "limb/2"]):
        for k in range(3):
            bone = torch.zeros(FRAME, FRAME, dtype=torch.uint8)
            if k < 2:
                bone[60 + 10 * n : 160, 60:160] = 1
                bone[220:320, 200 + 10 * k : 320] = 2
            image = torch.where(bone > 0, 220, 60).to(torch.uint8)
            bone[-20:] = IGNORE
            images.append(image), bones.append(bone), patients.append(patient)
    return Cache(torch.stack(images), torch.stack(bones), patients)


@pytest.fixture
def config() -> TrainingConfig:
    return TrainingConfig(model=TINY, augmentation=STILL, steps=4, batch=2, bfloat16=False)


@pytest.fixture
def bones() -> torch.Tensor:
    """Three slices: two bones and an unknown strip; one small bone; none."""
    bones = torch.zeros(3, 32, 32, dtype=torch.long)
    bones[0, 4:12, 4:12] = 1
    bones[0, 20:28, 20:28] = 2
    bones[0, 30:] = IGNORE
    bones[1, 2:4, 2:4] = 1
    return bones
