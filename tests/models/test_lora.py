from __future__ import annotations

import copy

import torch

from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.models.lora import LoraLinear, add_lora, merge_lora

CONFIG = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0),
    embed_dim=32,
    decoder_heads=4,
    decoder_mlp_dim=32,
    depth_attention=None,
)


def answer(model: BoneSam) -> torch.Tensor:
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model.decode(model.encode(image))[0]


def test_updates_begin_as_nothing_and_become_part_of_their_layers():
    torch.manual_seed(0)
    model = BoneSam(CONFIG).eval()
    names, before = list(model.state_dict()), answer(model)
    updated = copy.deepcopy(model)
    add_lora(updated, rank=2)
    layers = [m for m in updated.modules() if isinstance(m, LoraLinear)]
    assert len(layers) == 2 * 3 + 4 * (3 * 2 + 1)  # attention in three stages; three in each block, and the last one
    assert torch.equal(answer(updated), before)
    for layer in layers:
        torch.nn.init.normal_(layer.lora_up, std=0.1)
    after = answer(updated)
    assert not torch.allclose(after, before, atol=1e-3)
    merge_lora(updated)
    assert list(updated.state_dict()) == names
    torch.testing.assert_close(answer(updated), after, atol=1e-4, rtol=1e-4)
