from __future__ import annotations

import pytest
import torch

from anybone.training.losses import intersection_over_union, mask_loss

TERMS = [{}, {"focal_gamma": 2.0}, {"boundary_weight": 0.5}, {"focal_gamma": 2.0, "boundary_weight": 0.5}]


@pytest.mark.parametrize("terms", TERMS)
def test_unknown_pixels_have_no_gradient(terms):
    logits = torch.randn(2, 8, 8, requires_grad=True)
    known = torch.ones(2, 8, 8, dtype=torch.bool)
    known[:, :4] = False
    mask_loss(logits, torch.rand(2, 8, 8) > 0.5, known, **terms).backward()
    assert not logits.grad[:, :4].any()
    assert logits.grad[:, 4:].all()


@pytest.mark.parametrize("terms", TERMS)
def test_the_right_answer_costs_nothing(terms):
    target = torch.zeros(1, 8, 8, dtype=torch.bool)
    target[:, 2:6] = True
    known = torch.ones_like(target)
    right = torch.where(target, 30.0, -30.0)
    assert mask_loss(right, target, known, **terms) < 1e-6
    assert mask_loss(-right, target, known, **terms) > 10


def test_overlap_of_what_is_found():
    target = torch.zeros(1, 8, 8, dtype=torch.bool)
    target[:, 2:6] = True
    known = torch.ones_like(target)
    right = torch.where(target, 30.0, -30.0)
    assert intersection_over_union(right, target, known).item() == 1
    assert intersection_over_union(-right, target, known).item() == 0
    assert intersection_over_union(-right.abs(), target & False, known).item() == 1


def test_the_focal_term_plays_down_what_is_nearly_right():
    target = torch.ones(1, 8, 8, dtype=torch.bool)
    logits = torch.full((1, 8, 8), 2.0)
    assert mask_loss(logits, target, target, focal_gamma=2.0) < mask_loss(logits, target, target)


def test_the_boundary_term_counts_errors_at_the_border_only():
    target = torch.zeros(1, 32, 32, dtype=torch.bool)
    target[:, 8:24, 8:24] = True
    known = torch.ones_like(target)
    right = torch.where(target, 9.0, -9.0)
    inside, border = right.clone(), right.clone()
    inside[:, 15:17, 15:17] = -9.0
    border[:, 8:10, 8:10] = -9.0
    plain = [mask_loss(x, target, known) for x in (inside, border)]
    more = [mask_loss(x, target, known, boundary_weight=1.0) for x in (inside, border)]
    assert plain[0] == pytest.approx(float(plain[1]), rel=1e-4)
    assert more[1] - plain[1] > 10 * (more[0] - plain[0])


def test_what_a_click_points_at_counts_more():
    target = torch.zeros(1, 32, 32, dtype=torch.bool)
    known = torch.ones_like(target)
    focus = torch.zeros(1, 32, 32)
    focus[:, :4, :4] = 1
    logits = torch.full((1, 32, 32), -1.0, requires_grad=True)
    plain, clicked = (
        torch.autograd.grad(mask_loss(logits, target, known, click_weight=1.0, focus=f), logits)[0]
        for f in (None, focus)
    )
    assert (clicked[:, :4, :4] > 10 * plain[:, :4, :4]).all()
    assert clicked[:, 4:].equal(plain[:, 4:])
    unknown = torch.zeros_like(target)
    assert (
        mask_loss(logits, target, unknown, click_weight=1.0, focus=focus).item()
        == mask_loss(logits, target, unknown).item()
    )
