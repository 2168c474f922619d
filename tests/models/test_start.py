from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from anybone.core.errors import CheckpointError
from anybone.models import checkpoint
from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import Checkpoint
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.models.image_normalization import to_network
from anybone.models.initialization import start_from

CONFIG = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0),
    embed_dim=32,
    decoder_heads=4,
    decoder_mlp_dim=32,
    depth_attention=None,
)


@pytest.fixture
def saved(tmp_path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(Checkpoint(CONFIG, BoneSam(CONFIG).state_dict(), "Apache-2.0", "made in a test", "tiny"), path)
    return path


def sam_file(folder: Path, **tensors: torch.Tensor) -> Path:
    torch.save({"model": {key.replace("__", "."): t for key, t in tensors.items()}}, folder / "sam.pth")
    return folder / "sam.pth"


def test_a_checkpoint_of_a_like_network_is_a_start(saved, caplog):
    larger = BoneSam(replace(CONFIG, image_size=128, detail_channels=2))
    before = larger.state_dict()["mask_decoder.sharpen.join.weight"].clone()
    with caplog.at_level("INFO"):
        initial = start_from(larger, saved)
    assert initial
    assert all("detail" in name or "sharpen" in name for name in initial)
    assert "mask_decoder.sharpen.join.weight" in caplog.text
    assert torch.equal(larger.state_dict()["mask_decoder.sharpen.join.weight"], before)
    theirs = checkpoint.load(saved).weights
    assert all(torch.equal(larger.state_dict()[name], tensor) for name, tensor in theirs.items())


def test_detail_changes_nothing_at_first(saved):
    plain, detailed = BoneSam(CONFIG), BoneSam(replace(CONFIG, detail_channels=2))
    images = torch.rand(1, 3, 64, 64)
    answers = []
    for model in (plain, detailed):
        start_from(model, saved)
        answers.append(model.eval().decode(model.encode(images))[0])
    assert torch.allclose(*answers, atol=1e-5)


def test_what_does_not_fit_is_named(tmp_path, caplog):
    file = sam_file(
        tmp_path,
        prompt_encoder__no_mask_embed__weight=torch.full((1, 32), 3.0),
        prompt_encoder__not_a_point_embed__weight=torch.zeros(1, 256),  # of a wider network
        image_encoder__blocks__0__attn__qkv__weight=torch.zeros(3, 3),  # of another encoder
    )
    model = BoneSam(CONFIG)
    with caplog.at_level("INFO"):
        initial = start_from(model, file)
    assert (model.prompt_encoder.no_mask == 3).all()
    assert "prompt_encoder.padding" in initial
    assert "(256,) there, (32,) here: initialized" in caplog.text
    assert "has no place in this network" in caplog.text


def test_nothing_that_fits_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="No weight"):
        start_from(BoneSam(CONFIG), sam_file(tmp_path, a=torch.zeros(1)))


def test_sams_answer_to_unambiguous_prompts_becomes_every_mask(tmp_path):
    heads = {f"mask_decoder__output_hypernetworks_mlps__{i}__layers__2__bias": torch.full((4,), i) for i in range(4)}
    file = sam_file(
        tmp_path,
        mask_decoder__mask_tokens__weight=torch.arange(4.0)[:, None].expand(4, 32) + 5,
        mask_decoder__iou_prediction_head__layers__2__bias=torch.arange(4.0) + 7,
        **{key: bias + 9.0 for key, bias in heads.items()},
    )
    model = BoneSam(CONFIG)
    initial = start_from(model, file)
    decoder = model.mask_decoder
    assert (decoder.mask_tokens == 5).all()
    assert (decoder.quality_head.layers[-1].bias == 7).all()
    assert all((net.layers[-1].bias == 9).all() for net in decoder.hypernetworks)
    assert "mask_decoder.mask_tokens" not in initial


def test_single_pixels_of_lite_medsam_are_spread_over_ours(tmp_path):
    torch.manual_seed(1)
    theirs = {
        "first": torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1, bias=False), torch.nn.BatchNorm2d(4)).eval(),
        "second": torch.nn.Sequential(torch.nn.Conv2d(4, 8, 1, bias=False), torch.nn.BatchNorm2d(8)).eval(),
    }
    tensors = {}
    for i, layer in zip((0, 2), theirs.values(), strict=True):
        layer[1].running_mean.uniform_()
        tensors[f"image_encoder__patch_embed__seq__{i}__c__weight"] = layer[0].weight.data
        for name, tensor in layer[1].state_dict().items():
            tensors[f"image_encoder__patch_embed__seq__{i}__bn__{name}"] = tensor
    model = BoneSam(CONFIG).eval()
    start_from(model, sam_file(tmp_path, **tensors))
    gray = torch.full((1, 64, 64), 0.4)
    ours = model.encoder.patch_embed(to_network(gray))
    small = gray[:, None, ::4, ::4].expand(-1, 3, -1, -1)
    expected = theirs["second"](torch.nn.functional.gelu(theirs["first"](small)))
    assert torch.allclose(ours[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-5)
