from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import SUFFIX, Checkpoint, save
from anybone.models.volume_branch import DEPTH_BRANCHES
from anybone.training import loop
from anybone.training.attended import AttendedSlices, attended_cache
from anybone.training.cache import IGNORE
from anybone.training.depth import batch_loss, depth_loss, validate_volumes
from anybone.training.slices import CaseVolume
from anybone.training.stages import STAGES, prepare_stage
from anybone.training.volumes import RealVolumes, VolumeCache


def blocks(n: int) -> CaseVolume:
    """A volume with a bright block."""
    unit, labels = np.full((40, 40, 12), 0.2, np.float32), np.zeros((40, 40, 12), np.uint8)
    unit[6 + n : 24, 8:26, 2:9] = 0.9
    labels[6 + n : 24, 8:26, 2:9] = 1
    labels[:, :, 11] = IGNORE
    return CaseVolume(f"spine/{n}", unit, labels)


CASES = [blocks(n) for n in range(3)]


@pytest.fixture
def attended(config):
    """A run of stage "fusion": small slices, all of them from three volumes."""
    return replace(config, model=replace(config.model, depth_attention="light"), stage="fusion", learning_rate=1e-2)


class Threshold(torch.nn.Conv3d):
    """A branch that is learned in a moment."""

    def __init__(self):
        super().__init__(1, 1, 1)


def test_a_branch_learns_bright_blocks(config, tmp_path, monkeypatch):
    monkeypatch.setitem(DEPTH_BRANCHES, "light", Threshold)
    model = replace(config.model, depth_attention="light")
    config = replace(config, model=model, stage="depth", steps=20, learning_rate=0.5, ema=0.5)
    cache = VolumeCache.made_of(CASES)
    held_out = cache.of({"spine/2"})
    before = loop.new_run(config).model
    network = loop.train(config, {"real": RealVolumes(cache.of({"spine/0", "spine/1"}), config)}, held_out, tmp_path)
    assert validate_volumes(network, held_out)["spine depth"] > 0.9
    assert validate_volumes(before.eval(), held_out)["spine depth"] < 0.6
    assert json.loads((tmp_path / "validation.jsonl").read_text())["spine/2 depth"] > 0.9
    for (name, was), now in zip(before.state_dict().items(), network.state_dict().values(), strict=True):
        assert name.startswith("depth_attention.") != torch.equal(was, now), name


def test_the_light_branch_lowers_its_loss(config):
    torch.manual_seed(0)
    model = BoneSam(replace(config.model, depth_attention="light"))
    cache = VolumeCache.made_of(CASES, cells=32)
    volumes, bones = cache.images.float() / 255, cache.bones.long()
    optimizer = torch.optim.Adam(model.depth_attention.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        loss = depth_loss(model, volumes, bones, config)["depth"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_what_is_not_known_costs_nothing(config):
    config = replace(config, model=replace(config.model, depth_attention="light"), stage="depth")
    model = BoneSam(config.model)
    volumes, bones = torch.rand(1, 64, 64, 64), torch.zeros(1, 64, 64, 64, dtype=torch.long)
    bones[:, 8:40, 8:40, 8:40] = 1
    bones[:, 40:] = IGNORE
    model.depth_attention = Answer(torch.zeros(1, 1, 64, 64, 64))
    loss = depth_loss(model, volumes, bones, config)["depth"]
    elsewhere = torch.zeros(1, 1, 64, 64, 64)
    elsewhere[:, :, 40:] = 9
    model.depth_attention = Answer(elsewhere)
    assert torch.equal(depth_loss(model, volumes, bones, config)["depth"], loss)
    right = torch.where(bones == 1, 9.0, -9.0)[:, None]
    model.depth_attention = Answer(right)
    assert depth_loss(model, volumes, bones, config)["depth"] < 0.01


class Answer(torch.nn.Module):
    """A branch that always gives the same logits."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, volumes):
        return self.logits


def test_the_gate_has_a_gradient_and_nothing_else_but_the_fusion(attended):
    model = loop.new_run(attended).model
    source = AttendedSlices(attended_cache(CASES, model), attended)
    losses = batch_loss(model, {"real": source}, attended, torch.Generator().manual_seed(0))
    torch.stack(list(losses.values())).sum().backward()
    assert float(model.fusion.gate.grad.abs()) > 1e-6
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == name.startswith("fusion."), name


@pytest.mark.parametrize("stage", ["fusion", "fusion and heads"])
def test_a_stage_of_fusion_leaves_all_else_bit_for_bit(attended, tmp_path, stage):
    config = replace(attended, stage=stage, steps=3, warmup_fraction=0.0)
    first = loop.new_run(config).model
    before = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    cache = attended_cache(CASES, first)
    source = AttendedSlices(cache.of({"spine/0", "spine/1"}), config)
    network = loop.train(config, {"real": source}, cache.of({"spine/2"}), tmp_path)
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    trained = set(prepare_stage(BoneSam(config.model), STAGES[stage]))
    statistics = {name for name in changed if "running_" in name or "num_batches" in name}
    assert changed - statistics <= trained
    assert {"fusion.gate", "fusion.first.conv.weight", "fusion.second.norm.weight"} <= changed
    assert all(name.startswith("fusion.") for name in statistics)
    assert not any(name.startswith(("encoder.", "depth_attention.")) for name in changed)
    assert "spine/2 automatic" in json.loads((tmp_path / "validation.jsonl").read_text())


def test_fusion_learns_to_use_attention_that_is_right(attended, tmp_path):
    """The network sees noise; only the attention, which is the truth, tells where bone is."""
    config = replace(attended, stage="fusion and heads", steps=30, batch=3, ema=0.5, corrections=0)
    cache = attended_cache(CASES, loop.new_run(config).model)
    noise = torch.randint(0, 255, cache.images.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    truth = torch.nn.functional.avg_pool2d((cache.bones == 1).float()[:, None], 8)[:, 0]
    source = AttendedSlices(replace(cache, images=noise, attention=truth), config)
    run = loop.new_run(config)
    losses = [float(loop.one_step(run, {"real": source}, config)["automatic"]) for _ in range(config.steps)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_a_start_without_a_branch_keeps_its_weights(config, attended, tmp_path):
    """A 2-D network goes on as one with a branch: what it knew stays, branch and gate are new."""
    flat = BoneSam(config.model)
    path = tmp_path / ("flat" + SUFFIX)
    save(Checkpoint(config.model, flat.state_dict(), "none", "none", "flat"), path)
    model = loop.new_run(replace(attended, stage="depth", start=str(path))).model
    for name, tensor in flat.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)
    assert model.uses_volume
