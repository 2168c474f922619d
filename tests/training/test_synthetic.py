from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.scanner import Atlas
from anybone.synthetic.tissue import Tissue
from anybone.training.sources import SyntheticSlices, draw_batch


@pytest.fixture
def atlas() -> Atlas:
    """A limb of muscle with one bone of marrow in cortex."""
    i, j, _ = np.meshgrid(*[np.arange(60) - 30.0] * 3, indexing="ij")
    away = np.hypot(i, j)
    tissue = np.full(away.shape, Tissue.AIR, dtype=np.uint8)
    for radius, kind in ((26, Tissue.FAT), (22, Tissue.MUSCLE), (10, Tissue.CORTEX), (7, Tissue.YELLOW_MARROW)):
        tissue[away < radius] = kind
    bone = (away < 10).astype(np.uint16)
    return Atlas.of([LabelMap(tissue, bone, Geometry((60, 60, 60), np.diag([1.0, 1.0, 1.0, 1.0])), {1: "left femur"})])


def test_batches_of_images_and_bones(atlas, config):
    config = replace(config, batch=6, sources={"synthetic": 1.0})
    source = SyntheticSlices(atlas, config)
    rng = torch.Generator().manual_seed(0)
    images, bones = draw_batch({"synthetic": source}, config, rng)
    assert images.shape == bones.shape == (6, 64, 64)
    assert images.min() >= 0
    brightest = images.flatten(1).amax(1)  # 1 before the acquisition is degraded, which may smooth it
    assert brightest.min() > 0.9
    assert brightest.max() == 1
    assert set(bones.unique().tolist()) <= {0, 1, 2, 255}  # 2: a pixel that a ragged edge separates
    assert (bones == 1).any()


def test_the_seed_decides(atlas, config):
    source = SyntheticSlices(atlas, config)
    first, second = (source.draw(2, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
