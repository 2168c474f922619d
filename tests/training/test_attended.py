from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.inference.attention import attention_input, slice_attention
from anybone.inference.options import SegmentOptions
from anybone.inference.slicing import cut, slice_axis
from anybone.models.bone_sam import BoneSam
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.scanner import Atlas
from anybone.synthetic.tissue import Tissue
from anybone.training.attended import AttendedAnatomy, AttendedSlices, attended_cache
from anybone.training.augment import augment_attended
from anybone.training.cache import IGNORE
from anybone.training.config import Augmentation
from anybone.training.slices import CaseVolume


class Bright(torch.nn.Module):
    """A 3-D branch that takes for bone what is bright."""

    def forward(self, volumes):
        return 20 * volumes


@pytest.fixture
def model(config) -> BoneSam:
    """A network whose 3-D branch looks for what is bright."""
    model = BoneSam(replace(config.model, depth_attention="light"))
    model.depth_attention = Bright()
    return model


@pytest.fixture
def case() -> CaseVolume:
    """A dark volume with one bright block, the last slice not known; pixels twice as high as they are wide."""
    unit, labels = np.full((32, 64, 8), 0.1, np.float32), np.zeros((32, 64, 8), np.uint8)
    unit[4:12, 40:56, 2:6] = 1.0
    labels[4:12, 40:56, 2:6] = 1
    labels[:, :, 7] = IGNORE
    return CaseVolume("spine/1", unit, labels, aspect=2.0)


def center(mask: torch.Tensor) -> torch.Tensor:
    """Mean place of a mask "h w", 0..1 along each side."""
    return (torch.nonzero(mask).float().mean(0) + 0.5) / mask.shape[0]


def test_the_attention_of_a_slice_lies_on_its_bone(case, model):
    cache = attended_cache([case], model)
    assert cache.attention.shape == (7, 64, 64)  # nothing is known of the eighth slice
    there = center(cache.bones[3] == 1)
    assert torch.allclose(center(cache.attention[3] > 0.5), there, atol=0.02)
    assert cache.of({"spine/2"}).attention.shape == (0, 64, 64)


def test_it_is_the_attention_that_the_engine_fuses(case, model):
    options = SegmentOptions(axis=2, keep_aspect=True)
    geometry = Geometry(case.normalized.shape, np.diag([2.0, 1.0, 5.0, 1.0]))
    frames = cut(geometry, slice_axis(geometry, options), 1024, options)
    with torch.no_grad():
        probability = model.attend(attention_input(torch.from_numpy(case.normalized)))[0, 0]
    assert torch.equal(attended_cache([case], model).attention[3], slice_attention(probability, frames[3], 8)[0])


@pytest.mark.parametrize(
    "change",
    [{"flip": 1.0}, {"quarter_turns": 1.0}, {"zoom": (0.6, 0.8)}, {"shift": 0.3}, {"turn_degrees": 40.0}, {}],
    ids=lambda change: next(iter(change), "all of it"),
)
def test_a_marker_in_the_attention_goes_where_its_pixels_go(config, change):
    """The map has a bright cell where the image has a bright square; after any change they lie at the same place."""
    marked = torch.zeros(8, 512, 512, dtype=torch.uint8)
    marked[:, 160:192, 320:352] = 1
    attention = torch.nn.functional.avg_pool2d(marked[:, None].float(), 8)[:, 0]
    assert torch.equal(attention, torch.nn.functional.avg_pool2d(marked[:, None].float(), 8)[:, 0])
    how = replace(config.augmentation, **change) if change else Augmentation(shift=0.1)
    rng = torch.Generator().manual_seed(4)
    _, bones, maps = augment_attended(marked * 200, marked, attention, 128, how, rng)
    inside = [
        i for i in range(8) if bool((bones[i] == 1).any()) and float(center(bones[i] == 1).sub(0.5).abs().max()) < 0.4
    ]
    assert len(inside) > 3
    places = [center(bones[i] == 1) for i in inside]
    assert max(float((p - torch.tensor([176.0, 336.0]) / 512).abs().max()) for p in places) > 0.03  # it did move
    for i, place in zip(inside, places, strict=True):
        assert torch.allclose(center(maps[i] > 0.5), place, atol=0.015)


def test_slices_are_drawn_with_their_attention(case, model, config):
    source = AttendedSlices(attended_cache([case], model), config)
    images, bones, maps = source.draw(4, torch.Generator().manual_seed(0))
    assert images.shape == bones.shape == maps.shape == (4, 64, 64)
    shown = [i for i in range(4) if bool((bones[i] == 1).any())]
    assert shown
    for i in shown:
        assert float(maps[i][bones[i] == 1].mean()) > 0.6
        assert float(maps[i][bones[i] == 0].mean()) < 0.2


def test_synthetic_slices_have_the_attention_of_the_volume_around_them(model, config):
    """Nothing but one bone, not in the middle and bright in any contrast, so that what is bright is bone."""
    i, j, _ = np.meshgrid(np.arange(60) - 22.0, np.arange(60) - 36.0, np.arange(90), indexing="ij")
    tissue = np.where(np.hypot(i, j) < 9, Tissue.YELLOW_MARROW, Tissue.AIR).astype(np.uint8)
    bone = (tissue > 0).astype(np.uint16)
    maps = [LabelMap(tissue, bone, Geometry((60, 60, 90), np.diag([2.0, 2.0, 2.0, 1.0])), {1: "left femur"})]
    source = AttendedAnatomy(Atlas.of(maps), model, config)
    images, bones, attention = source.draw(6, torch.Generator().manual_seed(2))
    assert images.shape == bones.shape == attention.shape == (6, 64, 64)
    shown = [n for n in range(6) if int((bones[n] == 1).sum()) > 60]
    assert len(shown) > 2
    on = torch.stack([attention[n][bones[n] == 1].mean() for n in shown])
    beside = torch.stack([attention[n][bones[n] == 0].mean() for n in shown])
    assert float((on - beside).median()) > 0.4
    again = source.draw(6, torch.Generator().manual_seed(2))
    assert torch.equal(images, again[0])
    assert torch.equal(attention, again[2])
