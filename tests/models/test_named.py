from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from anybone.core.errors import CheckpointError
from anybone.models import checkpoint
from anybone.models.bone_names import named, with_bones
from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.models.initialization import start_from

VIT = TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), windows=(7, 4, 4, 4), classes=0)
PLAIN = ModelConfig(
    image_size=64, tiny_vit=VIT, embed_dim=32, decoder_heads=4, decoder_mlp_dim=32, depth_attention=None
)
BONES = {3: "femur", 7: "tibia"}


@pytest.fixture
def plain():
    torch.manual_seed(0)
    return BoneSam(PLAIN).eval()


def test_answers_to_prompts_stay_and_names_begin_as_the_answer_without(plain):
    model = BoneSam(with_bones(PLAIN, BONES)).eval()
    model.load_state_dict(named(plain.state_dict(), len(BONES)))
    embedding = model.encode(torch.randn(1, 3, 64, 64))
    assert torch.equal(model.decode(embedding)[0], plain.decode(embedding)[0])
    first, second = model.tell_apart(embedding)[0]
    assert first.shape == (16, 16)
    torch.testing.assert_close(first, second)


def test_a_network_without_names_tells_nothing_apart(plain):
    assert plain.tell_apart(plain.encode(torch.randn(2, 3, 64, 64))).shape == (2, 0, 16, 16)


def test_other_names_are_refused():
    config = with_bones(PLAIN, BONES)
    assert with_bones(config, BONES) == config
    with pytest.raises(CheckpointError, match="apart already"):
        with_bones(config, {1: "femur"})


def test_changes_with_names_are_kept_beside_a_base_without(plain, tmp_path):
    path = checkpoint.save(
        checkpoint.Checkpoint(PLAIN, plain.state_dict(), "MIT", "random", "tiny"), tmp_path / "tiny.safetensors"
    ).path
    model = BoneSam(with_bones(PLAIN, BONES))
    assert "mask_decoder.mask_tokens" not in start_from(model, path)
    with torch.no_grad():
        model.mask_decoder.mask_tokens[-1] += 1
    made = checkpoint.Checkpoint(model.config, model.state_dict(), "MIT", "tuned", "mine")
    written = checkpoint.save_changes(made, path, tmp_path / "mine.safetensors")
    assert written.config.bones == BONES
    assert written.parameters <= model.mask_decoder.mask_tokens.numel()
    again = checkpoint.load(written.path)
    for name, weight in again.build().state_dict().items():
        torch.testing.assert_close(weight, made.weights[name], atol=1e-3, rtol=1e-3)
    further = replace(again, name="further")
    assert checkpoint.save_changes(further, written.path, tmp_path / "further.safetensors").base == written.base
