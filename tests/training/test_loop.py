from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from anybone.errors import InputError
from anybone.training import loop
from anybone.training.cache import Cache, load_cache, save_cache
from anybone.training.sampler import BalancedSampler
from anybone.training.validate import validate


class Ticks:
    """A clock on which each step takes a second, so that runs are equal however busy the machine is."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def ticks(monkeypatch):
    monkeypatch.setattr(loop, "time", Ticks())


def test_a_tiny_network_learns_bright_squares(cache, config, tmp_path, ticks):
    config = replace(config, minutes=2.0, batch=4, learning_rate=3e-3, validate_minutes=99, ema=0.9)
    before = loop.BoneSam(config.model).eval()
    network = loop.train(config, cache, {"spine/2"}, tmp_path)
    assert validate(network, cache)["limb automatic"] > 0.9
    assert validate(before, cache)["limb automatic"] < 0.7
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == 1 + 120 // loop.LOG_EVERY
    scores = json.loads((tmp_path / "validation.jsonl").read_text())
    assert "spine/2 automatic" in scores
    assert "limb/1 automatic" not in scores
    assert list(tmp_path.glob("validation_*.png"))


def test_a_killed_run_goes_on_exactly(cache, config, tmp_path, ticks, monkeypatch):
    config = replace(config, minutes=0.2, save_minutes=0.04)
    whole = loop.train(config, cache, set(), tmp_path / "whole")

    step = loop._one_step
    count = iter(range(100))

    def killed(*args):
        if next(count) == 7:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(loop, "_one_step", killed)
    with pytest.raises(KeyboardInterrupt):
        loop.train(config, cache, set(), tmp_path / "killed")
    monkeypatch.setattr(loop, "_one_step", step)
    again = loop.train(config, cache, set(), tmp_path / "killed")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_another_configuration_is_refused(cache, config, tmp_path, ticks):
    loop.train(config, cache, set(), tmp_path)
    with pytest.raises(InputError, match="another configuration"):
        loop.train(replace(config, batch=1), cache, set(), tmp_path)


def test_regions_are_drawn_equally_often(cache):
    lopsided = Cache(cache.images[[0, 1, 2, 6]], cache.bones[[0, 1, 2, 6]], [cache.patients[i] for i in (0, 1, 2, 6)])
    sampler = BalancedSampler(lopsided, empty_share=0.25)
    drawn = sampler.draw(2000, torch.Generator().manual_seed(0))
    limb, empty = (drawn == 3).float().mean(), (drawn == 2).float().mean()
    assert 0.45 < limb < 0.55
    assert 0.09 < empty < 0.16  # a quarter of the spine's half


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
from anybone.training import loop, cache, step, augment, simulate_prompts, losses, sampler, config
from anybone.model.checkpoint import Checkpoint
from anybone.model.config import ModelConfig
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
