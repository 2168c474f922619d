from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from anybone.core.errors import NothingFoundError
from anybone.core.geometry import Geometry
from anybone.inference.attention import attention_input
from anybone.synthetic.contrast import BatchRng
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.scanner import Atlas
from anybone.synthetic.scanner.aim import draw_frames
from anybone.synthetic.tissue import Tissue
from anybone.training.augment_volumes import augment_volumes, change_contrast, reorient
from anybone.training.cache import IGNORE
from anybone.training.config import Augmentation
from anybone.training.slices import CaseVolume
from anybone.training.volumes import (
    COARSE,
    MOST_BEYOND,
    PIXELS,
    SLICES,
    RealVolumes,
    SyntheticVolumes,
    VolumeCache,
    as_input,
    fitting,
    resized,
    stack_around,
)


def case(patient: str, shape=(40, 30, 10)) -> CaseVolume:
    unit = np.full(shape, 0.2, np.float32)
    labels = np.zeros(shape, np.uint8)
    unit[8:24, 6:20, 2:8] = 0.9
    labels[8:24, 6:20, 2:8] = 1
    labels[:, :, -1] = IGNORE
    return CaseVolume(patient, unit, labels)


@pytest.fixture
def cache() -> VolumeCache:
    return VolumeCache.made_of([case("spine/1"), case("spine/2"), case("limb/1")], cells=32)


@pytest.fixture
def atlas() -> Atlas:
    """A limb along k of muscle with one bone of marrow in cortex."""
    i, j, _ = np.meshgrid(np.arange(60) - 30.0, np.arange(60) - 30.0, np.arange(90), indexing="ij")
    away = np.hypot(i, j)
    tissue = np.full(away.shape, Tissue.AIR, dtype=np.uint8)
    for radius, kind in ((26, Tissue.FAT), (22, Tissue.MUSCLE), (12, Tissue.CORTEX), (9, Tissue.YELLOW_MARROW)):
        tissue[away < radius] = kind
    bone = (away < 12).astype(np.uint16)
    return Atlas.of([LabelMap(tissue, bone, Geometry((60, 60, 90), np.diag([2.0, 2.0, 2.0, 1.0])), {1: "left femur"})])


def test_the_branch_is_trained_on_what_the_engine_gives_it():
    unit = torch.rand(40, 30, 10)
    assert torch.equal(as_input(resized(unit)[None]), attention_input(unit))


def test_a_cache_keeps_places_and_what_is_not_known(cache):
    assert cache.images.shape == cache.bones.shape == (3, 32, 32, 32)
    bone = cache.bones[0] == 1
    inside = bone[7:19, 7:20, 7:25]
    assert inside.all()
    assert bone.sum() == inside.numel() + (bone.sum() - inside.sum())
    assert 0.9 < bone.float().mean() / (16 * 14 * 6 / (40 * 30 * 10)) < 1.1
    assert (cache.bones[0, :, :, -3:] == IGNORE).all()
    assert cache.images[0][cache.bones[0] == 1].float().mean() > 200
    assert cache.of({"limb/1"}).patients == ["limb/1"]


def test_no_volumes_are_refused():
    with pytest.raises(NothingFoundError, match="no volume whose truth is known"):
        VolumeCache.made_of([])


def test_regions_are_drawn_equally_often(config):
    marked = VolumeCache(
        torch.stack([torch.full((8, 8, 8), v, dtype=torch.uint8) for v in (50, 50, 250)]),
        torch.zeros(3, 8, 8, 8, dtype=torch.uint8),
        ["spine/1", "spine/2", "limb/1"],
    )
    images, _ = RealVolumes(marked, config).draw(12, torch.Generator().manual_seed(0))
    limbs = int((images.flatten(1).amax(1) > 0.5).sum())
    assert 2 <= limbs <= 10


def test_augmentation_moves_bones_with_images(cache):
    images = torch.where(cache.bones == 1, 0.9, 0.2)
    still = Augmentation(curve=0, network=0, invert=0, bias=0, noise=0, blur=0, gamma=(1.0, 1.0))
    rng = torch.Generator().manual_seed(3)
    moved, bones = augment_volumes(images, cache.bones, 64, still, rng)
    assert moved.shape == bones.shape == (3, 64, 64, 64)
    assert (bones == 1).flatten(1).any(1).all()
    for image, bone in zip(moved, bones, strict=True):
        agree = ((image > 0.55) == (bone == 1)).float().mean()
        assert agree > 0.98
    assert not torch.equal(bones[0], bones[1])


def test_reorienting_keeps_every_cell(cache):
    images = cache.bones.float() / 255
    turned, bones = reorient(images, cache.bones, torch.Generator().manual_seed(0))
    assert torch.equal(turned, bones.float() / 255)
    assert torch.equal(turned.flatten(1).sort(1).values, images.flatten(1).sort(1).values)
    assert not torch.equal(turned, images)


def test_contrast_changes_a_volume_as_a_whole(cache):
    """The same gray value stays the same in all slices but for noise and bias."""
    images = cache.images.float() / 255
    grays = replace(Augmentation(), curve=1.0, network=0, bias=0, noise=0, blur=0)
    changed = change_contrast(images, grays, torch.Generator().manual_seed(1))
    bone = cache.bones[0] == 1
    assert changed[0][bone].std() < 0.2
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (changed - images).abs().mean() > 0.02


def test_synthetic_volumes_by_seed(atlas):
    source = SyntheticVolumes(atlas)
    images, bones = source.draw(4, torch.Generator().manual_seed(5))
    assert images.shape == bones.shape == (4, 64, 64, 64)
    assert images.min() >= 0
    assert images.flatten(1).amax(1).tolist() == [1.0] * 4
    assert set(bones.unique().tolist()) <= {0, 1, IGNORE}
    assert (bones == 1).flatten(1).any(1).all()
    again = source.draw(4, torch.Generator().manual_seed(5))
    assert torch.equal(images, again[0])
    assert torch.equal(bones, again[1])


def test_stacks_lie_in_their_map_and_hold_their_slice(atlas):
    dice = BatchRng(0)
    frames = fitting(atlas, draw_frames(atlas, torch.zeros(64, dtype=torch.long), (1, PIXELS, PIXELS), COARSE, dice))
    stack, number = stack_around(atlas, frames)
    assert int(number.min()) >= 0
    assert int(number.max()) < SLICES
    slice_there = stack.center_vx + (number - SLICES // 2)[:, None] * stack.through_vx
    torch.testing.assert_close(slice_there, frames.center_vx, atol=1e-3, rtol=0)
    axis = frames.through_vx.abs().argmax(1)
    long = SLICES * frames.through_vx.abs().amax(1)
    assert (long <= MOST_BEYOND * atlas.shapes[0][axis] + 1e-3).all()
    assert len(number.unique()) > 3


def test_synthetic_volumes_need_torch_numpy_and_safetensors_alone():
    refused = ("scipy", "PIL", "nibabel", "pydicom", "SimpleITK", "typer", "rich", "jaxtyping", "beartype")
    code = f"""
import sys
for name in {refused!r}:
    sys.modules[name] = None
from anybone.training import depth, volumes
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
