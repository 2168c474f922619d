from __future__ import annotations

import pytest
import torch

from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.models.fusion import FUSIONS


@pytest.mark.parametrize("kind", FUSIONS)
def test_every_fusion_resizes_the_attention_and_learns(kind):
    torch.manual_seed(0)
    fusion = FUSIONS[kind](8)
    fused = fusion(torch.rand(2, 8, 4, 6), torch.rand(2, 8, 12))
    assert fused.shape == (2, 8, 4, 6)
    fused.square().sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in fusion.parameters())


def test_how_each_begins():
    torch.manual_seed(0)
    embedding, attention = torch.rand(2, 8, 4, 4), torch.rand(2, 4, 4)
    product, concatenation = (FUSIONS[kind](8).eval()(embedding, attention) for kind in ("product", "concatenation"))
    assert torch.allclose(product, embedding * attention[:, None])
    assert torch.allclose(concatenation, embedding)


def test_a_narrow_gate_is_small_and_lets_a_network_be():
    torch.manual_seed(0)
    narrow, full = FUSIONS["narrow gate"](64), FUSIONS["gate"](64)
    assert sum(p.numel() for p in narrow.parameters()) < sum(p.numel() for p in full.parameters()) / 3
    embedding = torch.rand(1, 64, 4, 4)
    torch.nn.init.zeros_(narrow.gate)
    assert torch.equal(narrow.eval()(embedding, torch.rand(1, 4, 4)), embedding)


def test_concatenation_sees_where_attention_is():
    torch.manual_seed(0)
    fusion = FUSIONS["concatenation"](8).eval()
    torch.nn.init.ones_(fusion.second.norm.weight)
    embedding = torch.rand(1, 8, 4, 4)
    assert not torch.allclose(fusion(embedding, torch.zeros(1, 4, 4)), fusion(embedding, torch.ones(1, 4, 4)))


def test_the_configuration_chooses():
    tiny = TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0)
    config = ModelConfig(
        image_size=64, tiny_vit=tiny, embed_dim=32, decoder_heads=4, depth_attention="light", fusion="product"
    )
    with torch.device("meta"):
        assert isinstance(BoneSam(config).fusion, FUSIONS["product"])
    assert ModelConfig.from_dict(config.to_dict()) == config
    old = {key: value for key, value in config.to_dict().items() if key != "fusion"}
    assert ModelConfig.from_dict(old).fusion == "gate"
