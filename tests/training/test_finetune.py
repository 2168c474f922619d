from __future__ import annotations

from dataclasses import replace

import torch

from anybone.model import checkpoint
from anybone.model.bone_sam import BoneSam
from anybone.training.finetune import STAGE, finetune
from anybone.training.validate import validate


def test_the_decoder_learns_from_kept_embeddings(cache, config, tmp_path):
    torch.manual_seed(0)
    began = BoneSam(config.model).eval()
    start = checkpoint.save(
        checkpoint.Checkpoint(config.model, began.state_dict(), "MIT", "random", "tiny"), tmp_path / "tiny.safetensors"
    )
    config = replace(config, start=str(start.path), stage=STAGE, steps=150, batch=4, learning_rate=5e-3, ema=0.9)
    seen = []
    tuned = finetune(config, cache, lambda step, done, total: seen.append((step, done, total)))
    assert validate(tuned, cache)["limb automatic"] > validate(began, cache)["limb automatic"] + 0.2
    assert seen[-1] == ("train", 150, 150)
    assert ("encode", 144, 144) in seen  # twelve views of twelve slices
    for name, weight in tuned.state_dict().items():
        if name.startswith("encoder."):
            assert torch.equal(weight, began.state_dict()[name])
