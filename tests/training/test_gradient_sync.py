"""Parts of a batch, on one process or on two, teach the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from anybone.core.errors import UsageError
from anybone.training import loop
from anybone.training.gradient_sync import BatchNormStatistics, micro_batch_seed
from anybone.training.processes import ALONE, Processes
from anybone.training.sources import RealSlices


def test_draws_depend_on_seed_step_and_part():
    seeds = {micro_batch_seed(a, b, c) for a in range(5) for b in range(5) for c in range(5)}
    assert len(seeds) == 125
    assert micro_batch_seed(1, 2, 3) == micro_batch_seed(1, 2, 3)


def test_statistics_are_the_mean_over_parts():
    norm = nn.BatchNorm2d(1, momentum=0.5)
    statistics = BatchNormStatistics(norm)
    for value in (2.0, 6.0):
        norm(torch.full((1, 1, 2, 2), value))
        statistics.end_micro_batch()
        assert norm.running_mean.item() == 0.0
    statistics.end_step(2, ALONE)
    assert norm.running_mean.item() == pytest.approx(2.0)  # half of 2 and of 6
    assert norm.num_batches_tracked.item() == 1


def test_a_batch_in_parts_has_the_mean_of_their_gradients(cache, config, monkeypatch):
    config = replace(config, batch=4, micro_batches=2)
    sources = {"real": RealSlices(cache, config)}
    kept = []
    monkeypatch.setattr(loop, "_update", lambda run, config: kept.append(gradients(run.model)))
    loop.one_step(loop.new_run(config), sources, config)
    half = replace(config, batch=2, micro_batches=1)
    parts = []
    for part in range(2):
        run = loop.new_run(config)
        monkeypatch.setattr(
            loop, "micro_batch_seed", lambda seed, step, _, part=part: micro_batch_seed(seed, step, part)
        )
        loop.one_step(run, sources, half)
        parts.append(kept[-1])
    for name, gradient in kept[0].items():
        torch.testing.assert_close(gradient, sum(p.get(name, torch.zeros(())) for p in parts) / 2)


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_a_batch_has_to_be_divisible(cache, config, tmp_path):
    with pytest.raises(UsageError, match="multiple of micro_batches"):
        replace(config, batch=3, micro_batches=2)
    with pytest.raises(UsageError, match="micro_batches = 2"):
        loop.train(config, {}, cache.of(set()), tmp_path, processes=Processes(1, 2))
