from __future__ import annotations

import numpy as np
import pytest
import torch

from anybone.interactive.propagation import StopRule, _continues, _inner_points, confidence, min_confidence, next_slice
from bright_network import Bright


def square(low: int, high: int) -> np.ndarray:
    mask = np.zeros((32, 32), bool)
    mask[low:high, low:high] = True
    return mask


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (square(4, 12), square(5, 12), True),
        (square(4, 12), square(20, 28), False),  # jumped aside
        (square(4, 12), square(0, 32), False),  # leaked
        (square(0, 32), square(4, 12), False),  # collapsed
        (square(4, 12), np.zeros((32, 32), bool), False),  # ended
    ],
)
def test_stop_rule(before, after, expected):
    assert _continues(before, after, StopRule()) is expected


def test_one_inner_point_a_piece():
    points = _inner_points(square(0, 8) | square(16, 25))
    assert len(points) == 2
    assert points[1].tolist() == [(20 + 0.5) * 4 - 0.5] * 2


class FixedQuality(Bright):
    """Follows any mask, expects an overlap of it, and takes alone for bone what an embedding says."""

    def __init__(self, quality: float = 0.8) -> None:
        super().__init__()
        self.quality = quality

    def decode(self, embedding, points_xy=None, point_labels=None, boxes_xyxy=None, mask_logits=None):
        answer = embedding if mask_logits is None else mask_logits
        return answer.expand(-1, 2, -1, -1), torch.full((1, 2), self.quality)


def logits(mask: np.ndarray, sure: float = 20.0) -> torch.Tensor:
    return torch.from_numpy(np.where(mask, sure, -sure).astype(np.float32))[None, None]


def test_pieces_that_do_not_touch_are_left_out():
    class Twice(FixedQuality):
        def decode(self, embedding, **prompts):
            return super().decode(logits(square(4, 8) | square(16, 20)))

    found = next_slice(Twice(), logits(square(4, 8)), logits(square(5, 9)), StopRule())
    assert np.array_equal(found[0, 0] > 0, square(4, 8))


def test_belief_is_half_what_is_expected_and_half_what_is_seen():
    alone = square(0, 16).astype(np.float32)
    assert confidence(square(0, 8), alone, 0.8) == pytest.approx(0.9)
    assert confidence(square(16, 32), alone, 0.8) == pytest.approx(0.4)
    assert confidence(np.zeros((32, 32), bool), alone, 0.8) == 0


def test_of_two_bones_each_ends_where_it_ends():
    both = logits(square(2, 10) | square(16, 24))
    found = next_slice(FixedQuality(), logits(square(0, 12)), both, StopRule(), 0.5)
    assert np.array_equal(found[0, 0] > 0, square(2, 10))


def test_a_bone_is_not_followed_into_what_the_network_takes_for_none():
    bone, stop = logits(square(4, 12)), StopRule(min_confidence=0.5)
    least = min_confidence(FixedQuality(), bone, bone, stop)
    assert least == 0.5
    assert next_slice(FixedQuality(), bone, bone, stop, least) is not None
    assert next_slice(FixedQuality(), logits(square(20, 28)), bone, stop, least) is None
    assert next_slice(FixedQuality(), logits(square(20, 28)), bone, stop) is not None


def test_a_bone_that_was_never_believed_in_is_followed_all_the_same():
    bone, nothing, stop = logits(square(4, 12)), logits(square(20, 28)), StopRule(min_confidence=0.5)
    least = min_confidence(FixedQuality(), nothing, bone, stop)
    assert least == pytest.approx(0.7 * 0.4, abs=1e-6)
    assert next_slice(FixedQuality(), nothing, bone, stop, least) is not None
    assert next_slice(FixedQuality(0.4), nothing, bone, stop, least) is None


def test_a_bone_that_another_touches_is_followed_alone():
    answer = logits(square(4, 12), 8.0)
    answer[0, 0, 8, 11:20] = answer[0, 0, 4:12, 19:27] = 1.0  # bone too, but not what was asked for

    class Touching(FixedQuality):
        def decode(self, embedding, **prompts):
            return super().decode(answer)

    found = next_slice(Touching(), answer, logits(square(4, 12)), StopRule())[0, 0] > 0
    assert found[4:12, 4:12].all()
    assert not found[4:12, 20:].any()
