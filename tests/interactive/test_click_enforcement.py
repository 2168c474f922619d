from __future__ import annotations

import numpy as np
import pytest
import torch

from anybone.core.prompts import Box, Point, Scribble
from anybone.inference.slicing import SliceFrame
from anybone.interactive.click_enforcement import Clicks, beyond_reach, clicks_on, corrected, heed

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
    found = heed(logits, asked, unit, (0.7, 1.1), threshold) > threshold
    assert np.array_equal(found[tuple(asked.rows_columns.T)], asked.positive)


def test_neighbors_that_contradict_each_other_are_both_obeyed(disc, even):
    bent = heed(disc, clicks((32, 40, True), (32, 41, False), (33, 40, False)), even, MM, 0.0)
    assert bent[32, 40] > 0
    assert bent[32, 41] < 0
    assert bent[33, 40] < 0
    assert np.abs(bent).max() < 20


def test_what_is_obeyed_changes_nothing(disc, even):
    assert heed(disc, clicks((32, 24, True), (2, 2, False)), even, MM, 0.0) is disc
    assert heed(disc, clicks(), even, MM, 0.0) is disc


def test_a_click_beside_the_bone_moves_its_border_there_alone(disc, even):
    bent = heed(disc, clicks((32, 37, True)), even, MM, 0.0)
    changed = (bent > 0) != (disc > 0)
    assert changed[32, 35:38].all()
    assert 5 < changed.sum() < 140
    assert not changed[:, :20].any()


def test_a_click_keeps_to_what_is_as_bright(disc, even):
    even[:, 38:] = 1.0
    changed = (heed(disc, clicks((32, 37, True)), even, MM, 0.0) > 0) != (disc > 0)
    assert changed[32, 37]
    assert not changed[:, 38:].any()


def test_a_click_that_is_obeyed_holds_where_another_bends(disc, even):
    alone = heed(disc, clicks((32, 24, False)), even, MM, 0.0)
    held = heed(disc, clicks((32, 24, False), (32, 27, True)), even, MM, 0.0)
    assert alone[32, 27] < 0
    assert held[32, 27] > 0


def test_far_from_everything_a_click_reaches_no_farther_than_the_most(even):
    nothing = np.full_like(even, -4.0)
    bent = heed(nothing, clicks((32, 24, True)), even, MM, 0.0)
    assert bent[32, 24] > 0
    assert (bent > 0).sum() < 64 * 48 / 4


def test_reach_is_in_mm(even):
    edge = np.where(np.arange(48) < 24, 4.0, -4.0)[None].repeat(64, 0).astype(np.float32)
    asked = clicks((32, 27, True))
    square = (heed(edge, asked, even, (1.0, 1.0), 0.0) > 0) != (edge > 0)
    flat = (heed(edge, asked, even, (4.0, 1.0), 0.0) > 0) != (edge > 0)
    assert square.any(axis=1).sum() == pytest.approx(4 * flat.any(axis=1).sum(), rel=0.35)
    fine = np.kron(edge, np.ones((2, 2), np.float32))
    twice = heed(fine, clicks((64, 54, True)), np.kron(even, np.ones((2, 2), np.float32)), (0.5, 0.5), 0.0)
    assert ((twice > 0) != (fine > 0)).sum() == pytest.approx(4 * square.sum(), rel=0.35)


def test_only_what_is_far_from_its_label_is_beyond_reach(disc):
    asked = clicks((32, 36, True), (32, 45, True), (32, 24, False), (2, 2, False))
    far = beyond_reach(disc > 0, asked, MM)
    assert far.rows_columns.tolist() == [[32, 45], [32, 24]]
    assert far.positive.tolist() == [True, False]
    assert len(beyond_reach(disc > 0, asked, (0.1, 0.1))) == 0
    assert len(beyond_reach(disc > 0, clicks(), MM)) == 0


def test_of_what_a_network_changes_only_what_hangs_together_with_the_click_is_taken():
    frame = SliceFrame(2, 0, (32, 32), (128, 128), (128, 128))
    before = torch.full((1, 1, 32, 32), -4.0)
    before[..., 2:8, 2:8] = 4.0
    after = torch.full((1, 1, 32, 32), -3.0)
    after[..., 20:28, 20:28] = 3.0  # a bone where it was clicked; the other one is gone
    found = corrected(before, after, clicks((24, 24, True)), frame, 0.0)[0, 0] > 0
    assert found[20:28, 20:28].all()
    assert found[2:8, 2:8].all()
    assert found.sum() == 64 + 36
    assert corrected(before, after, clicks((15, 15, True)), frame, 0.0).equal(before)


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
