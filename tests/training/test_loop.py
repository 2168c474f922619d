from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from anybone.core.errors import InputError
from anybone.training import loop
from anybone.training.cache import Cache, load_cache, save_cache
from anybone.training.sampler import BalancedSampler
from anybone.training.sources import RealSlices, draw_batch
from anybone.training.validate import validate


@pytest.fixture
def real(cache, config):
    """The slices of all but one patient as the only source."""
    return {"real": RealSlices(cache.of(set(cache.patients) - {"spine/2"}), config)}


def test_a_tiny_network_learns_bright_squares(cache, config, real, tmp_path):
    config = replace(config, steps=120, batch=4, learning_rate=3e-3, ema=0.9)
    before = loop.BoneSam(config.model).eval()
    network = loop.train(config, real, cache.of({"spine/2"}), tmp_path)
    assert validate(network, cache)["limb automatic"] > 0.9
    assert validate(before, cache)["limb automatic"] < 0.7
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == 1 + 120 // loop.LOG_EVERY
    scores = json.loads((tmp_path / "validation.jsonl").read_text())
    assert "spine/2 automatic" in scores
    assert "limb/1 automatic" not in scores
    assert list(tmp_path.glob("validation_*.png"))


@pytest.mark.parametrize("killed_in", [1, 7, 8])
def test_a_killed_run_goes_on_exactly(cache, config, real, tmp_path, monkeypatch, killed_in):
    config = replace(config, steps=12, save_steps=3)
    nobody = cache.of(set())
    whole = loop.train(config, real, nobody, tmp_path / "whole")

    step = loop.one_step
    count = iter(range(100))

    def killed(*args):
        if next(count) == killed_in:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(loop, "one_step", killed)
    with pytest.raises(KeyboardInterrupt):
        loop.train(config, real, nobody, tmp_path / "killed")
    monkeypatch.setattr(loop, "one_step", step)
    again = loop.train(config, real, nobody, tmp_path / "killed")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_another_configuration_is_refused(cache, config, real, tmp_path):
    loop.train(config, real, cache.of(set()), tmp_path)
    with pytest.raises(InputError, match="another configuration"):
        loop.train(replace(config, batch=1), real, cache.of(set()), tmp_path)


def test_steps_are_counted_by_a_trial(config, real):
    assert loop.steps_within(0.0, config, real) == 1
    assert loop.steps_within(1.0, config, real) > 20


def test_regions_are_drawn_equally_often(cache):
    lopsided = Cache(cache.images[[0, 1, 2, 6]], cache.bones[[0, 1, 2, 6]], [cache.patients[i] for i in (0, 1, 2, 6)])
    sampler = BalancedSampler(lopsided, empty_slice_fraction=0.25)
    drawn = sampler.draw(2000, torch.Generator().manual_seed(0))
    limb, empty = (drawn == 3).float().mean(), (drawn == 2).float().mean()
    assert 0.45 < limb < 0.55
    assert 0.09 < empty < 0.16  # a quarter of the spine's half


def test_sources_give_their_shares(cache, config):
    class Constant:
        def __init__(self, number):
            self.number = number

        def draw(self, count, rng):
            return torch.full((count, 8, 8), float(self.number)), torch.full((count, 8, 8), self.number)

    config = replace(config, batch=16, sources={"real": 3.0, "synthetic": 1.0, "none": 0.0})
    sources = {"real": Constant(1), "synthetic": Constant(2)}
    rng = torch.Generator().manual_seed(0)
    drawn = torch.cat([draw_batch(sources, config, rng)[1][:, 0, 0] for _ in range(40)])
    assert drawn.shape == (640,)
    assert 0.65 < (drawn == 1).float().mean() < 0.85


def test_a_cache_survives_its_file(cache, tmp_path):
    save_cache(cache, tmp_path / "cache.safetensors")
    again = load_cache(tmp_path / "cache.safetensors")
    assert torch.equal(again.images, cache.images)
    assert torch.equal(again.bones, cache.bones)
    assert again.patients == cache.patients


def test_a_step_needs_torch_numpy_and_safetensors_alone():
    refused = ("scipy", "PIL", "nibabel", "pydicom", "SimpleITK", "typer", "rich", "jaxtyping", "beartype")
    code = f"""
import sys
for name in {refused!r}:
    sys.modules[name] = None
import torch
from anybone.training import loop, cache, step, augment, simulate_prompts, losses, sampler, sources, config
from anybone.models.checkpoint import Checkpoint
from anybone.models.config import ModelConfig
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
