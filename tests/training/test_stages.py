from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from anybone.models.bone_sam import BoneSam
from anybone.models.lora import add_lora
from anybone.training import loop
from anybone.training.sources import RealSlices
from anybone.training.stages import STAGES, prepare_stage


@pytest.mark.parametrize("name", [name for name, stage in STAGES.items() if stage.sees == "slices"])
def test_a_stage_changes_its_weights_and_no_others(cache, config, tmp_path, name):
    config = replace(config, stage=name, steps=2, learning_rate=1e-2, warmup_fraction=0.0)
    torch.manual_seed(config.seed)
    before = BoneSam(config.model).state_dict()
    model = loop.train(config, {"real": RealSlices(cache, config)}, cache.of(set()), tmp_path)
    after = model.state_dict()
    assert list(after) == list(before)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    stage = STAGES[name]
    probe = BoneSam(config.model)
    if stage.lora:
        add_lora(probe)
    trained = set(prepare_stage(probe, stage))
    assert trained
    if stage.lora:  # updates become part of the layers beside which they lay
        trained = {key.replace("lora_up", "weight") for key in trained if "lora_down" not in key}
    statistics = {key for key in changed if "running_" in key or "num_batches" in key}
    assert changed - statistics <= trained
    assert len(changed - statistics) > 0.5 * len(trained)
    frozen_encoder = not any(key.startswith("encoder.") for key in trained)
    assert not (frozen_encoder and any(key.startswith("encoder.") for key in changed))


def test_only_stages_that_see_volumes_train_the_3d_branch(config):
    model = BoneSam(replace(config.model, depth_attention="light"))
    for stage in STAGES.values():
        parts = {name.split(".")[0] for name in prepare_stage(model, stage)}
        if stage.sees == "volumes":
            assert parts == {"depth_attention"}
        else:
            assert "depth_attention" not in parts
        assert ("fusion" in parts) == (stage.sees == "attended slices")
