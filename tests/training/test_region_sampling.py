from __future__ import annotations

import pytest
import torch

from anybone.training import region_sampling


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_chosen_bones_are_present_and_as_many_as_asked(bones, rng):
    for count in (1, 2, 5):
        chosen = region_sampling.choose(bones, torch.full((3,), count), rng)
        assert chosen.sum(1).tolist() == [min(count, 2), 1, 0]
        assert not chosen[:, [0, 255]].any()
        assert set(chosen[0].nonzero()[:, 0].tolist()) <= {1, 2}


def test_each_bone_is_chosen_as_often(bones, rng):
    drawn = [region_sampling.choose(bones[:1], torch.tensor([1]), rng)[0, 1].item() for _ in range(200)]
    assert 70 < sum(drawn) < 130


def test_the_pixel_of_highest_score_in_each(bones, rng):
    score = torch.zeros(3, 32, 32)
    score[0, 5, 7] = score[0, 21, 26] = score[1, 3, 2] = 1.0
    points = region_sampling.best_in_each(bones, score)
    assert points[0, 1].tolist() == [7, 5]
    assert points[0, 2].tolist() == [26, 21]
    assert points[1, 1].tolist() == [2, 3]


def test_boxes_are_the_outer_edges_of_pixels(bones):
    found = region_sampling.boxes(bones, torch.tensor([[1, 2], [1, 1], [0, 0]]))
    assert found[0].tolist() == [[3.5, 3.5, 11.5, 11.5], [19.5, 19.5, 27.5, 27.5]]
    assert found[1].tolist() == [[1.5, 1.5, 3.5, 3.5]] * 2


def test_bones_are_repeated_where_there_are_too_few(bones, rng):
    chosen = region_sampling.choose(bones, torch.full((3,), 3), rng)
    numbers = region_sampling.first(chosen, 3, rng)
    assert set(numbers[0].tolist()) == {1, 2}
    assert numbers[1].tolist() == [1, 1, 1]
    assert numbers[2].tolist() == [0, 0, 0]


def test_the_best_pixel_and_whether_there_is_one():
    score = torch.full((2, 4, 5), -1.0)
    score[0, 2, 3] = 0.5
    xy, found = region_sampling.best(score)
    assert xy[0].tolist() == [3, 2]
    assert found.tolist() == [True, False]


def test_values_at_points_beyond_the_border_are_those_at_it():
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, 3, 0] = True
    points = torch.tensor([[[-3.0, 9.0], [0.4, 2.6], [1.0, 3.0]]])
    assert region_sampling.at(mask, points).tolist() == [[True, True, False]]


def test_the_middle_is_innermost():
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[0, 20:36, 30:46] = True
    inner = region_sampling.interior_score(mask)
    (x, y), _ = (v[0] for v in region_sampling.best(inner))
    assert abs(x - 37.5) < 2
    assert abs(y - 27.5) < 2
    assert inner[0, 0, 0] == 0


def test_near_is_around():
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[0, 30:34, 30:34] = True
    around = region_sampling.near(mask)[0] > 0
    assert around[mask[0]].all()
    assert around[32, 24]
    assert around[24, 32]
    assert not around[32, 12]
