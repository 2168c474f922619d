from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import anybone
from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.models import checkpoint
from anybone.synthetic.label_map import LabelMap, save
from anybone.synthetic.tissue import Tissue
from anybone.training.batch_sources import model_with_branch, read_volumes
from anybone.training.config import TrainingConfig
from anybone.training.recipe import Data, Recipe
from anybone.training.run import run_recipe
from anybone.training.volumes import VolumeCache


@pytest.fixture
def data(tmp_path) -> Data:
    """Two volumes with a bright bone, and a label map of a limb."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        labels = np.zeros((40, 40, 6), np.uint16)
        labels[10:25, 12:26, 1:5] = 1
        image = (100 * labels + rng.random(labels.shape) * 50).astype(np.float32)
        geometry = Geometry(labels.shape, np.diag([1.0, 1.0, 4.0, 1.0]))
        anybone.write(anybone.Volume(image, geometry), tmp_path / f"cases/images/{name}.nii.gz")
        anybone.write(anybone.Segmentation(labels, geometry, {1: "bone"}), tmp_path / f"cases/masks/{name}.nii.gz")
    i, j, _ = np.meshgrid(*[np.arange(40) - 20.0] * 3, indexing="ij")
    tissue = np.where(np.hypot(i, j) < 17, Tissue.MUSCLE, Tissue.AIR).astype(np.uint8)
    tissue[np.hypot(i, j) < 8] = Tissue.YELLOW_MARROW
    bone = (tissue == Tissue.YELLOW_MARROW).astype(np.uint16)
    limb = LabelMap(tissue, bone, Geometry((40, 40, 40), np.diag([3.0, 3.0, 3.0, 1.0])), {1: "left femur"})
    save(limb, tmp_path / "corpus/limb.safetensors")
    return Data(cases=(tmp_path / "cases",), corpus=(tmp_path / "corpus",), hold_out=("cases/b",))


def test_a_recipe_for_each_stage_of_the_3d_branch(data, config, tmp_path):
    """Volumes teach the branch, slices with its attention the gate; the weights that come out make a network."""
    model = replace(config.model, depth_attention="light")
    depth = replace(
        config,
        model=model,
        stage="depth",
        steps=1,
        batch=2,
        sources={"real": 0.5, "synthetic": 0.5},
        warmup_fraction=0.0,
    )
    first = run_recipe(Recipe(data, depth, name="branch"), tmp_path / "branch")
    assert "cases/b depth" in (tmp_path / "branch" / "validation.jsonl").read_text()
    fusion = replace(depth, stage="fusion", start=str(first.path))
    second = run_recipe(Recipe(data, fusion, name="fused"), tmp_path / "fused")
    assert "cases/b automatic" in (tmp_path / "fused" / "validation.jsonl").read_text()
    before, after = checkpoint.load(first.path).weights, checkpoint.load(second.path).weights
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("fusion.") for name in changed)
    volume = anybone.read(tmp_path / "cases/images/b.nii.gz")
    assert anybone.load(second.path).segment(volume).labels.shape == (40, 40, 6)


def test_fusion_wants_a_branch_that_knows_something(config, tmp_path):
    fusion = replace(config, model=replace(config.model, depth_attention="light"), stage="fusion")
    with pytest.raises(UsageError, match="Train stage 'depth' first"):
        model_with_branch(fusion)


def test_volumes_of_cases(data, config):
    config = TrainingConfig(model=replace(config.model, depth_attention="light"), stage="depth")
    cache = read_volumes(data.cases, config)
    assert isinstance(cache, VolumeCache)
    assert cache.patients == ["cases/a", "cases/b"]
