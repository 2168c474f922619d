from __future__ import annotations

import numpy as np
import pytest
import torch

from anybone.core.prompts import Box, MaskHint, Point, Scribble
from anybone.inference.slicing import SliceFrame
from anybone.interactive.asked import asked_alone

FRAME = SliceFrame(2, 0, (64, 64), (64, 64), (64, 64))


def grid(*squares: tuple[int, int, int, int]) -> np.ndarray:
    """Squares (rows, then columns) on the decoder's grid of 16 x 16."""
    mask = np.zeros((16, 16), bool)
    for top, bottom, left, right in squares:
        mask[top:bottom, left:right] = True
    return mask


ONE, OTHER = (1, 5, 1, 5), (8, 14, 8, 14)
BOTH = torch.from_numpy(np.where(grid(ONE, OTHER), 5.0, -5.0).astype(np.float32))[None, None]


def at(row: int, column: int, positive: bool = True) -> Point:
    """A click in the middle of a cell of the grid."""
    return Point((4 * row + 1.5, 4 * column + 1.5, 0), positive=positive)


def hint() -> MaskHint:
    mask = np.zeros((64, 64), bool)
    mask[36:44, 36:44] = True
    return MaskHint(mask, 0, 2)


@pytest.mark.parametrize(
    ("prompts", "kept"),
    [
        ([at(2, 2)], [ONE]),
        ([at(10, 10)], [OTHER]),
        ([at(2, 2), at(10, 10)], [ONE, OTHER]),
        ([at(5, 5)], [ONE]),  # a hand's breadth beside it
        ([at(2, 2), at(10, 10, False)], [ONE]),
        ([at(15, 1)], []),  # on nothing: what the click says is heeded later
        ([Scribble(((8, 8, 0), (9, 8, 0)), positive=True)], [ONE]),
        ([Box((30, 30, 0), (58, 58, 0))], [OTHER]),
        ([Box((0, 0, 0), (63, 63, 0))], [ONE, OTHER]),
        ([Box((30, 30, 0), (58, 58, 0)), at(2, 2)], [ONE, OTHER]),
        ([Box((0, 0, 0), (36, 36, 0))], [ONE]),  # a corner of the other is in it
        ([hint()], [OTHER]),
    ],
)
def test_the_pieces_that_prompts_lie_on(prompts, kept):
    found = asked_alone(BOTH, prompts, FRAME, 0.0)
    assert np.array_equal(found[0, 0].numpy() > 0, grid(*kept))
    assert torch.equal(found[BOTH < 0], BOTH[BOTH < 0])


def test_what_is_no_bone_asks_for_nothing():
    assert asked_alone(BOTH, [at(10, 10, False)], FRAME, 0.0) is BOTH
    assert asked_alone(BOTH, [], FRAME, 0.0) is BOTH


def test_what_nobody_asked_for_is_below_any_threshold():
    found = asked_alone(BOTH, [at(2, 2)], FRAME, -1.5)[0, 0].numpy()
    assert found[10, 10] == -2.5


def bridged(sure: float) -> torch.Tensor:
    """Both squares, and between them what is bone too, but not so surely."""
    logits = torch.where(torch.from_numpy(grid(ONE, OTHER)), 5.0, -5.0)
    logits[3:9, 3:5] = logits[8:10, 3:9] = sure
    logits[1:5, 1:5] = 5.0
    return logits[None, None]


@pytest.mark.parametrize(("sure", "joined"), [(1.0, False), (3.0, True)])
def test_a_bone_ends_where_the_network_is_much_less_sure(sure, joined):
    found = asked_alone(bridged(sure), [at(2, 2)], FRAME, 0.0)[0, 0].numpy() > 0
    assert found[1:5, 1:5].all()
    assert found[6, 3]  # the rim is bone still
    assert found[10, 10] == joined


def test_clicks_on_both_ask_for_both():
    found = asked_alone(bridged(1.0), [at(2, 2), at(10, 10)], FRAME, 0.0)[0, 0].numpy() > 0
    assert found[grid(ONE, OTHER)].all()
