from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from anybone.models.bone_sam import BoneSam
from anybone.training.augment import plain
from anybone.training.step import training_loss


@pytest.fixture
def losses(cache, config):
    """The losses of one step of the same network on the same batch with the same prompts, for a weight of clicks."""
    torch.manual_seed(0)
    network = BoneSam(config.model).eval()
    images, bones = plain(cache.images[:2], cache.bones[:2], config.model.image_size)

    def of(click: float, **changes: object) -> dict[str, float]:
        asked = replace(config, corrections=2, click_loss_weight=click, **changes)
        found = training_loss(network, images, bones, asked, torch.Generator().manual_seed(0))
        return {name: loss.item() for name, loss in found.items()}

    return of


def test_the_weight_of_clicks_counts_in_corrections_alone(losses):
    without, with_clicks = losses(0.0), losses(1.0)
    assert with_clicks["corrected"] > without["corrected"] + 0.1
    for name in ("automatic", "prompted", "quality"):
        assert with_clicks[name] == pytest.approx(without[name], abs=1e-6)


def test_the_weight_of_clicks_scales_what_they_cost(losses):
    zero, one, two = (losses(weight)["corrected"] for weight in (0.0, 1.0, 2.0))
    assert two - one == pytest.approx(one - zero, rel=1e-4)


def test_without_prompts_the_automatic_answer_is_all_that_is_learned(losses):
    with_prompts, without = losses(0.0), losses(0.0, prompts={})
    assert set(without) == {"automatic", "quality"}
    assert without["automatic"] == pytest.approx(with_prompts["automatic"], abs=1e-6)
    assert without["quality"] < with_prompts["quality"]
