from __future__ import annotations

import pytest
import torch

from anybone.training.cache import IGNORE
from anybone.training.losses import intersection_over_union, mask_loss
from anybone.training.simulate_prompts import correct, draw_boxes, draw_points, no_prompts


@pytest.fixture
def bones() -> torch.Tensor:
    bones = torch.zeros(3, 32, 32, dtype=torch.long)
    bones[0, 4:12, 4:12] = 1
    bones[0, 20:28, 20:28] = 2
    bones[0, 30:] = IGNORE
    bones[1, 2:4, 2:4] = 1
    return bones  # the third is empty


@pytest.mark.parametrize("seed", range(20))
def test_points_lie_where_they_say(bones, seed):
    prompted = draw_points(bones, 4, torch.Generator().manual_seed(seed))
    for image, target, points, labels in zip(bones, prompted.target, prompted.points_xy, prompted.labels, strict=True):
        assert (labels >= 0).any()
        for (x, y), label in zip(points.long(), labels, strict=True):
            if label >= 0:
                assert bool(target[y, x]) == bool(label)
                assert image[y, x] != IGNORE
    assert not prompted.target[2].any()


def test_only_bones_that_are_pointed_at_are_asked_for(bones):
    prompted = draw_points(bones[:1], 1, torch.Generator().manual_seed(0))
    assert int(prompted.target[0].sum()) == 64


def test_a_correction_lies_in_the_error(bones):
    rng = torch.Generator().manual_seed(0)
    known = bones != IGNORE
    prompted = no_prompts((bones > 0) & known)
    answer = prompted.target.clone()
    answer[0, 20:28, 20:28] = False  # one bone was missed
    answer[2, 5:7, 5:7] = True  # one was imagined
    corrected = correct(prompted, answer, known, rng)
    x, y = corrected.points_xy[0, -1].long()
    assert bones[0, y, x] == 2
    assert corrected.labels[:, -1].tolist() == [1, -1, 0]  # nothing was wrong in the second


@pytest.mark.parametrize("seed", range(10))
def test_a_box_surrounds_its_bone(bones, seed):
    boxed = draw_boxes(bones, torch.Generator().manual_seed(seed))
    rows, columns = boxed.target[0].nonzero().unbind(1)
    tight = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) - 0.5
    assert (boxed.boxes_xyxy[0, 0] - tight).abs().max() <= 0.12 * 8 + 1e-4
    assert int(boxed.target[0].sum()) == 64
    assert not boxed.target[2].any()


def test_unknown_pixels_have_no_gradient():
    logits = torch.randn(2, 8, 8, requires_grad=True)
    known = torch.ones(2, 8, 8, dtype=torch.bool)
    known[:, :4] = False
    mask_loss(logits, torch.rand(2, 8, 8) > 0.5, known).backward()
    assert not logits.grad[:, :4].any()
    assert logits.grad[:, 4:].all()


def test_the_right_answer_costs_nothing():
    target = torch.zeros(1, 8, 8, dtype=torch.bool)
    target[:, 2:6] = True
    known = torch.ones_like(target)
    right = torch.where(target, 30.0, -30.0)
    assert mask_loss(right, target, known) < 1e-6
    assert mask_loss(-right, target, known) > 10
    assert intersection_over_union(right, target, known).item() == 1
    assert intersection_over_union(-right, target, known).item() == 0
    assert intersection_over_union(-right.abs(), target & False, known).item() == 1
