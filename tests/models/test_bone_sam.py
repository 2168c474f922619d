from __future__ import annotations

import copy

import pytest
import torch

from anybone.core.errors import PromptError
from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig, TinyVitConfig


@pytest.fixture(scope="module")
def model() -> BoneSam:
    torch.manual_seed(0)
    vit = TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0)
    config = ModelConfig(
        image_size=128, tiny_vit=vit, embed_dim=32, decoder_heads=4, decoder_mlp_dim=64, depth_attention="light"
    )
    return BoneSam(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def embedding(model):
    return model.encode(torch.randn(1, 3, 128, 96))


def test_shapes(model, embedding):
    assert embedding.shape == (1, 32, 8, 6)
    assert model.attend(torch.randn(1, 1, 64, 64, 64)).shape == (1, 1, 64, 64, 64)
    assert model.fuse(embedding, torch.rand(1, 64, 64)).shape == embedding.shape
    logits, quality = model.decode(embedding)
    assert logits.shape == (1, 2, 32, 24)
    assert quality.shape == (1, 2)


def test_several_boxes_of_one_image_make_one_mask(model, embedding):
    boxes = torch.tensor([[0.0, 0, 30, 30], [40, 40, 90, 90]])
    together, _ = model.decode(embedding, boxes_xyxy=boxes)
    assert together.shape == (1, 2, 32, 24)
    torch.testing.assert_close(together, model.decode(embedding, boxes_xyxy=boxes[None])[0])
    assert not torch.allclose(together, model.decode(embedding, boxes_xyxy=boxes[:1])[0])


def test_padding_points_count_as_no_more_than_padding(model, embedding):
    points, labels = torch.tensor([[[20.0, 30.0]]]), torch.tensor([[1]])
    padded = torch.cat([points, torch.full((1, 1, 2), 77.0)], 1)
    one = model.decode(embedding, padded, torch.tensor([[1, -1]]))[0]
    other = model.decode(embedding, padded * torch.tensor([1.0, 1.0]) + 0, torch.tensor([[1, -1]]))[0]
    assert torch.equal(one, other)
    assert not torch.equal(one, model.decode(embedding, points, labels * 0)[0])


@pytest.mark.parametrize(
    "given",
    [
        {"points_xy": torch.zeros(1, 2, 2)},
        {"points_xy": torch.zeros(2, 2), "point_labels": torch.zeros(2)},
        {"points_xy": torch.zeros(2, 1, 2), "point_labels": torch.zeros(2, 1)},
        {"boxes_xyxy": torch.zeros(1, 3)},
        {"mask_logits": torch.zeros(1, 1, 8, 8)},
    ],
)
def test_wrong_shapes_are_named(model, embedding, given):
    with pytest.raises(PromptError, match="must be"):
        model.decode(embedding, **given)


def test_a_network_without_volume_branch():
    vit = TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0)
    flat = BoneSam(ModelConfig(image_size=64, tiny_vit=vit, embed_dim=32, decoder_heads=4, depth_attention=None))
    e = torch.randn(1, 32, 4, 4)
    assert flat.fuse(e, torch.rand(1, 64, 64)) is e
    assert (flat.attend(torch.rand(1, 1, 64, 64, 64)) == 1).all()
    assert not flat.uses_volume


def test_ready_for_inference_gives_the_same(model):
    x = torch.randn(1, 3, 128, 128)
    ready = copy.deepcopy(model).for_inference()
    with torch.inference_mode():
        torch.testing.assert_close(ready.encode(x), model.encode(x), atol=1e-4, rtol=1e-4)


def test_every_weight_gets_a_gradient(model):
    net = copy.deepcopy(model).train().requires_grad_(True)
    embedding = net.fuse(net.encode(torch.randn(2, 3, 64, 64)), net.attend(torch.randn(2, 1, 64, 64, 64))[:, 0, 0])
    points, labels = torch.rand(2, 3, 2) * 64, torch.tensor([[1, 0, -1], [1, 1, 0]])
    boxes = torch.tensor([[[0.0, 0, 9, 9]], [[5, 5, 50, 50]]])
    logits, quality = net.decode(embedding, points, labels, boxes, torch.randn(2, 1, 16, 16))
    more, _ = net.decode(embedding)
    (logits.sum() + quality.sum() + more.sum()).backward()
    silent = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    # the mask that SAM gives for unambiguous prompts is not used, as published
    assert all(name.startswith("mask_decoder.hypernetworks.0.") for name in silent), silent


@pytest.fixture
def detailed() -> BoneSam:
    torch.manual_seed(0)
    vit = TinyVitConfig(dims=(8, 16, 16, 32), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), windows=(7, 4, 4, 4), classes=0)
    sizes = {"embed_dim": 32, "decoder_heads": 4, "decoder_mlp_dim": 32, "depth_attention": "light"}
    model = BoneSam(ModelConfig(image_size=128, tiny_vit=vit, detail_channels=4, **sizes)).eval().requires_grad_(False)
    torch.nn.init.normal_(model.mask_decoder.sharpen.out.weight)  # as after training: at first it is zero
    return model


def test_detail_rides_along_in_the_embedding(detailed):
    embedding = detailed.encode(torch.randn(1, 3, 64, 128))
    assert embedding.shape == (1, 32 + 16 * 4, 4, 8)
    fused = detailed.fuse(embedding, torch.rand(1, 4, 8))
    assert not torch.equal(fused[:, :32], embedding[:, :32])
    assert torch.equal(fused[:, 32:], embedding[:, 32:])
    assert detailed.decode(fused)[0].shape == (1, 2, 16, 32)


def test_detail_changes_masks_where_it_lies(detailed):
    embedding = detailed.encode(torch.randn(1, 3, 64, 64))
    other = embedding.clone()
    other[:, 32:, 1, 2] += 1.0  # 4 x 4 pixels of the mask: rows 4..7, columns 8..11
    changed = (detailed.decode(embedding)[0] != detailed.decode(other)[0])[0, 1]
    rows, columns = changed.nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 8, 7, 12)  # a 3 x 3 kernel reaches one further


def test_the_copy_that_runs_sees_the_same_detail(detailed):
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = detailed.decode(detailed.encode(image))[0]
        after = detailed.for_inference()
        assert torch.allclose(after.decode(after.encode(image))[0], before, atol=1e-4)
