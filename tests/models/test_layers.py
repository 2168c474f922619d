from __future__ import annotations

import pytest
import torch

from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.models.encoders.tiny_vit import AttentionBlock, ConvBlock, TinyVit, WindowAttention, _offset_index
from anybone.models.sam.layers import ConvNorm, by_rows
from anybone.models.volume_branch import DEPTH_BRANCHES, VNet


def test_folding_changes_nothing():
    torch.manual_seed(0)
    layer = ConvNorm(3, 5, 3, bias=True).train()
    for _ in range(3):
        layer(torch.randn(4, 3, 8, 8) + 2)
    layer.eval()
    x = torch.randn(1, 3, 9, 9)
    before = layer(x)
    layer.fold()
    torch.testing.assert_close(layer(x), before)


@pytest.mark.parametrize("height", [8, 16, 17, 40])
@pytest.mark.parametrize("block", [ConvBlock(8), AttentionBlock(8, 2, 7, 2.0, 0.25)])
def test_strips_give_what_whole_images_give(block, height):
    x = torch.randn(2, 8, height, 24)
    block = block.eval()
    whole = block(x).detach()
    for part in block.modules():
        if isinstance(part, ConvNorm):
            part.fold()
    with torch.inference_mode():
        torch.testing.assert_close(block(x), whole, atol=1e-5, rtol=1e-5)


def test_by_rows_covers_every_row():
    x = torch.arange(10.0).view(1, 10, 1, 1)
    with torch.inference_mode():
        assert torch.equal(by_rows(lambda s: s + 1, x, 4), x + 1)


def test_offsets_count_rows_then_columns():
    index = _offset_index(3)
    assert index.shape == (9, 9)
    assert index[0, 5] == 1 * 3 + 2  # from (0, 0) to (1, 2)
    assert torch.equal(index, index.T)


def test_windows_do_not_see_one_another():
    attention = WindowAttention(8, 2, 4).eval()
    x = torch.randn(1, 8, 8, 8)
    changed = x.clone()
    changed[:, 4:] += 1
    assert torch.equal(attention(x)[:, :4], attention(changed)[:, :4])
    assert not torch.equal(attention(x)[:, 4:], attention(changed)[:, 4:])


def test_encoder_takes_images_that_are_not_square():
    config = TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0)
    assert TinyVit(config, embed_dim=32)(torch.randn(2, 3, 64, 96)).shape == (2, 32, 4, 6)


def test_vnet_is_monais():
    monai = pytest.importorskip("monai.networks.nets", reason="MONAI is not installed")
    from anybone.models.conversion import _ATTENTION_RULES, rename

    theirs = monai.VNet().eval()
    ours = VNet().eval()
    weights = rename(theirs.state_dict(), _ATTENTION_RULES)
    ours.load_state_dict({k.removeprefix("depth_attention."): v for k, v in weights.items()})
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-4)


def test_light_branch_is_light():
    vnet, light, slim = (
        sum(p.numel() for p in DEPTH_BRANCHES[name]().parameters()) for name in ("vnet", "light", "slim")
    )
    assert slim < light < vnet / 50


@pytest.mark.parametrize("name", ["light", "slim"])
@pytest.mark.parametrize("count", [1, 2])
def test_light_branches_answer_cell_by_cell(name, count):
    assert DEPTH_BRANCHES[name]()(torch.randn(count, 1, 64, 64, 64)).shape == (count, 1, 64, 64, 64)


def test_configuration_survives_json():
    config = ModelConfig(image_size=256, depth_attention="light", tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16)))
    import json

    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
