from __future__ import annotations

import pytest
import torch

from anybone.training import simulate_prompts as sim
from anybone.training.cache import IGNORE
from anybone.training.region_sampling import at


@pytest.fixture(autouse=True)
def steady_hand(monkeypatch):
    monkeypatch.setattr(sim, "JITTER_PX", 0.0)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", ["points", "scribbles", "mixed"])
def test_points_lie_where_they_say(bones, kind, seed):
    prompted = sim.PROMPTS[kind](bones, seeded(seed))
    hit = at(prompted.target, prompted.points_xy)
    assert hit[prompted.labels == 1].all()
    assert not hit[prompted.labels == 0].any()
    beside = prompted.points_xy[prompted.labels >= 0].long()
    assert not (bones[0, beside[:, 1], beside[:, 0]] == IGNORE).all()
    assert not prompted.target[2].any()
    assert not (prompted.labels[2] == 1).any()


@pytest.mark.parametrize("kind", sim.PROMPTS)
def test_only_whole_bones_are_asked_for(bones, kind):
    sizes = {int(sim.PROMPTS[kind](bones, seeded(seed)).target[0].sum()) for seed in range(20)}
    assert sizes <= {64, 128}
    assert 64 in sizes


@pytest.mark.parametrize("kind", sim.PROMPTS)
def test_the_seed_decides(bones, kind):
    first, second = (sim.PROMPTS[kind](bones, seeded(3)) for _ in range(2))
    assert first.points_xy.equal(second.points_xy)
    assert first.target.equal(second.target)


@pytest.mark.parametrize("seed", range(10))
def test_a_box_surrounds_its_bone(bones, seed):
    prompted = sim.draw_boxes(bones, seeded(seed))
    tight = torch.tensor([[3.5, 3.5, 11.5, 11.5], [19.5, 19.5, 27.5, 27.5]])
    for box in prompted.boxes_xyxy[0]:
        assert (tight - box).abs().max(1).values.min() <= sim.BOX_SLACK * 8 + 1e-4
    assert ((prompted.boxes_xyxy >= -0.5) & (prompted.boxes_xyxy <= 31.5)).all()
    assert (prompted.boxes_xyxy[..., 2:] >= prompted.boxes_xyxy[..., :2]).all()


def test_a_rough_mask_overlaps_what_it_asks_for(bones):
    large = bones[:1].repeat_interleave(4, 1).repeat_interleave(4, 2)
    for seed in range(10):
        prompted = sim.draw_mask(large, seeded(seed))
        mask = prompted.mask_logits[0, 0] > 0
        truth = prompted.target[0, ::4, ::4]
        assert prompted.mask_logits.shape == (1, 1, 32, 32)
        assert (mask & truth).sum() > 0.3 * (mask | truth).sum()


def test_a_correction_lies_in_the_error(bones):
    known = bones != IGNORE
    prompted = sim.no_prompts((bones > 0) & known)
    answer = prompted.target.clone()
    answer[0, 20:28, 20:28] = False  # one bone was missed
    answer[2, 5:7, 5:7] = True  # one was imagined
    for seed in range(6):
        corrected = sim.correct(prompted, answer, known, seeded(seed))
        x, y = corrected.points_xy[0, -1].long()
        assert bones[0, y, x] == 2
        assert corrected.labels[:, -1].tolist() == [1, -1, 0]  # nothing was wrong in the second


def test_a_correction_is_often_in_the_middle_of_the_largest_error(bones):
    known = torch.ones_like(bones, dtype=torch.bool)
    prompted = sim.no_prompts(bones == 2)
    answer = torch.zeros_like(known)
    points = [sim.correct(prompted, answer, known, seeded(n)).points_xy[0, -1] for n in range(20)]
    middle = [(p - 23.5).abs().max() < 2 for p in points]
    assert sum(middle) > 5


def test_the_focus_is_around_the_click(bones):
    known = torch.ones_like(bones, dtype=torch.bool)
    prompted = sim.no_prompts(bones > 0)
    answer = prompted.target.clone()
    answer[0, 20:28, 20:28] = False
    corrected = sim.correct(prompted, answer, known, seeded(0))
    focus = sim.around_click(corrected)
    x, y = corrected.points_xy[0, -1].long()
    assert focus[0, y, x] == 1 == focus[0].max()
    assert focus[0, 0, 0] < 0.5 < focus[0, 20, 20]
    assert not focus[1:].any()  # nothing was wrong: no click was given
