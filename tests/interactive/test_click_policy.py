from __future__ import annotations

import numpy as np
import pytest
import torch

from anybone.core.prompts import Box, MaskHint, Point, Scribble
from anybone.inference.slicing import SliceFrame
from anybone.interactive.click_policy import distant_clicks, merge_at_clicks, select_prompted
from anybone.interactive.masks import Clicks, clicks_on, correct_at_clicks

MM = (1.0, 1.0)


def clicks(*places: tuple[int, int, bool]) -> Clicks:
    return Clicks(
        np.array([p[:2] for p in places], dtype=np.int64).reshape(-1, 2), np.array([p[2] for p in places], dtype=bool)
    )


@pytest.fixture
def disc() -> np.ndarray:
    """Logits of a disc of radius 10 in the middle of 64 x 48 pixels, one a pixel of distance."""
    rows, columns = np.ogrid[:64, :48]
    return (9.7 - np.hypot(rows - 32, columns - 24)).clip(-8, 8).astype(np.float32)


@pytest.fixture
def even(disc) -> np.ndarray:
    return np.full_like(disc, 0.5)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("threshold", [0.0, -1.5])
def test_every_click_is_obeyed(seed, threshold):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 6, (40, 30)).astype(np.float32)
    unit = rng.random((40, 30)).astype(np.float32)
    count = int(rng.integers(1, 12))
    pixels = rng.choice(40 * 30, count, replace=False)
    asked = Clicks(np.stack(np.unravel_index(pixels, (40, 30)), 1), rng.random(count) < 0.5)
    found = correct_at_clicks(logits, asked, unit, (0.7, 1.1), threshold) > threshold
    assert np.array_equal(found[tuple(asked.rows_columns.T)], asked.positive)


def test_neighbors_that_contradict_each_other_are_both_obeyed(disc, even):
    bent = correct_at_clicks(disc, clicks((32, 40, True), (32, 41, False), (33, 40, False)), even, MM, 0.0)
    assert bent[32, 40] > 0
    assert bent[32, 41] < 0
    assert bent[33, 40] < 0
    assert np.abs(bent).max() < 20


def test_what_is_obeyed_changes_nothing(disc, even):
    assert correct_at_clicks(disc, clicks((32, 24, True), (2, 2, False)), even, MM, 0.0) is disc
    assert correct_at_clicks(disc, clicks(), even, MM, 0.0) is disc


def test_a_click_beside_the_bone_moves_its_border_there_alone(disc, even):
    bent = correct_at_clicks(disc, clicks((32, 37, True)), even, MM, 0.0)
    changed = (bent > 0) != (disc > 0)
    assert changed[32, 35:38].all()
    assert 5 < changed.sum() < 140
    assert not changed[:, :20].any()


def test_a_click_keeps_to_what_is_as_bright(disc, even):
    even[:, 38:] = 1.0
    changed = (correct_at_clicks(disc, clicks((32, 37, True)), even, MM, 0.0) > 0) != (disc > 0)
    assert changed[32, 37]
    assert not changed[:, 38:].any()


def test_a_click_that_is_obeyed_holds_where_another_bends(disc, even):
    alone = correct_at_clicks(disc, clicks((32, 24, False)), even, MM, 0.0)
    held = correct_at_clicks(disc, clicks((32, 24, False), (32, 27, True)), even, MM, 0.0)
    assert alone[32, 27] < 0
    assert held[32, 27] > 0


def test_far_from_everything_a_click_reaches_no_farther_than_the_most(even):
    nothing = np.full_like(even, -4.0)
    bent = correct_at_clicks(nothing, clicks((32, 24, True)), even, MM, 0.0)
    assert bent[32, 24] > 0
    assert (bent > 0).sum() < 64 * 48 / 4


def test_reach_is_in_mm(even):
    edge = np.where(np.arange(48) < 24, 4.0, -4.0)[None].repeat(64, 0).astype(np.float32)
    asked = clicks((32, 27, True))
    square = (correct_at_clicks(edge, asked, even, (1.0, 1.0), 0.0) > 0) != (edge > 0)
    flat = (correct_at_clicks(edge, asked, even, (4.0, 1.0), 0.0) > 0) != (edge > 0)
    assert square.any(axis=1).sum() == pytest.approx(4 * flat.any(axis=1).sum(), rel=0.35)
    fine = np.kron(edge, np.ones((2, 2), np.float32))
    twice = correct_at_clicks(fine, clicks((64, 54, True)), np.kron(even, np.ones((2, 2), np.float32)), (0.5, 0.5), 0.0)
    assert ((twice > 0) != (fine > 0)).sum() == pytest.approx(4 * square.sum(), rel=0.35)


def test_only_what_is_far_from_its_label_is_beyond_reach(disc):
    asked = clicks((32, 36, True), (32, 45, True), (32, 24, False), (2, 2, False))
    far = distant_clicks(disc > 0, asked, MM)
    assert far.rows_columns.tolist() == [[32, 45], [32, 24]]
    assert far.positive.tolist() == [True, False]
    assert len(distant_clicks(disc > 0, asked, (0.1, 0.1))) == 0
    assert len(distant_clicks(disc > 0, clicks(), MM)) == 0


def test_of_what_a_network_changes_only_what_hangs_together_with_the_click_is_taken():
    frame = SliceFrame(2, 0, (32, 32), (128, 128), (128, 128))
    before = torch.full((1, 1, 32, 32), -4.0)
    before[..., 2:8, 2:8] = 4.0
    after = torch.full((1, 1, 32, 32), -3.0)
    after[..., 20:28, 20:28] = 3.0  # a bone where it was clicked; the other one is gone
    found = merge_at_clicks(before, after, clicks((24, 24, True)), frame, 0.0)[0, 0] > 0
    assert found[20:28, 20:28].all()
    assert found[2:8, 2:8].all()
    assert found.sum() == 64 + 36
    assert merge_at_clicks(before, after, clicks((15, 15, True)), frame, 0.0).equal(before)


@pytest.mark.parametrize(("axis", "shape"), [(0, (8, 9)), (1, (7, 9)), (2, (7, 8))])
def test_clicks_of_a_slice(axis, shape):
    frame = SliceFrame(axis, 3, shape, (64, 64), (64, 64))
    inside, beside = [4.2, 5.0, 6.0], [4.0, 5.0, 6.0]
    inside[axis], beside[axis] = 3.0, 2.0
    other = [1.0, 2.0, 2.0]
    other[axis] = 3.0
    box = Box((0, 0, 0), (6, 6, 6))
    scribble = Scribble((tuple(other), tuple(beside)), positive=False)
    found = clicks_on([Point(tuple(inside)), Point(tuple(beside)), box, scribble, Point(tuple(inside), False)], frame)
    rows, columns = frame.in_plane
    assert found.rows_columns.tolist() == [[[4, 5, 6][rows], [4, 5, 6][columns]], [[1, 2, 2][rows], [1, 2, 2][columns]]]
    assert found.positive.tolist() == [False, False]


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
    found = select_prompted(BOTH, prompts, FRAME, 0.0)
    assert np.array_equal(found[0, 0].numpy() > 0, grid(*kept))
    assert torch.equal(found[BOTH < 0], BOTH[BOTH < 0])


def test_what_is_no_bone_asks_for_nothing():
    assert select_prompted(BOTH, [at(10, 10, False)], FRAME, 0.0) is BOTH
    assert select_prompted(BOTH, [], FRAME, 0.0) is BOTH


def test_what_nobody_asked_for_is_below_any_threshold():
    found = select_prompted(BOTH, [at(2, 2)], FRAME, -1.5)[0, 0].numpy()
    assert found[10, 10] == -2.5


def bridged(sure: float) -> torch.Tensor:
    """Both squares, and between them what is bone too, but not so surely."""
    logits = torch.where(torch.from_numpy(grid(ONE, OTHER)), 5.0, -5.0)
    logits[3:9, 3:5] = logits[8:10, 3:9] = sure
    logits[1:5, 1:5] = 5.0
    return logits[None, None]


@pytest.mark.parametrize(("sure", "joined"), [(1.0, False), (3.0, True)])
def test_a_bone_ends_where_the_network_is_much_less_sure(sure, joined):
    found = select_prompted(bridged(sure), [at(2, 2)], FRAME, 0.0)[0, 0].numpy() > 0
    assert found[1:5, 1:5].all()
    assert found[6, 3]  # the rim is bone still
    assert found[10, 10] == joined


def test_clicks_on_both_ask_for_both():
    found = select_prompted(bridged(1.0), [at(2, 2), at(10, 10)], FRAME, 0.0)[0, 0].numpy() > 0
    assert found[grid(ONE, OTHER)].all()
