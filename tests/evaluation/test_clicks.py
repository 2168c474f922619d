from __future__ import annotations

import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.core.prompts import Point
from anybone.core.volume import Volume
from anybone.evaluation.clicks import USERS, Curve, click_curve, correct, next_clicks
from anybone.inference.segmenter import Segmenter
from anybone.models.network import Network


class Obedient(Network):
    """A network that answers a point with the 16 x 16 pixels around it, added to or taken from what was there."""

    image_size = 64

    def encode(self, images):
        return images[:, :1, ::16, ::16]

    def decode(self, embedding, points_xy=None, point_labels=None, boxes_xyxy=None, mask_logits=None):
        h, w = embedding.shape[2:]
        logits = torch.full((1, 1, 4 * h, 4 * w), -4.0) if mask_logits is None else mask_logits.clone()
        if points_xy is not None:
            x, y = (points_xy[0, -1] / 4).round().long().tolist()
            logits[..., max(y - 2, 0) : y + 2, max(x - 2, 0) : x + 2] = 4.0 if point_labels[0, -1] else -4.0
        return logits.expand(1, 2, -1, -1), torch.ones(1, 2)


def session_of(depth: int = 2):
    data = np.random.default_rng(0).uniform(0.5, 1, (64, 64, depth)).astype(np.float32)
    return Segmenter(Obedient(), name="obedient").session(Volume(data, Geometry(data.shape, np.diag([1, 1, 4.0, 1]))))


def truth_of(depth: int = 2):
    truth = np.zeros((64, 64, depth), bool)
    truth[8:24, 8:24, 0] = True
    truth[40:52, 40:52, 0] = True  # smaller: clicked second
    return truth


def test_the_largest_error_is_clicked_in_its_middle():
    (point,) = next_clicks(session_of(), truth_of())
    assert point.positive
    assert point.ijk[2] == 0
    assert all(abs(x - 15.5) <= 1 for x in point.ijk[:2])


def test_too_much_gets_a_negative_click():
    session = session_of().add(Point((44, 20, 1)))
    clicks = next_clicks(session, np.zeros((64, 64, 2), bool))
    assert [p.positive for p in clicks] == [False]
    assert session.mask[tuple(map(round, clicks[0].ijk))]


def test_nothing_is_clicked_where_nothing_is_wrong_or_known():
    assert next_clicks(session_of(), np.zeros((64, 64, 2), bool)) == []
    assert next_clicks(session_of(), truth_of(), known=np.zeros((64, 64, 2), bool)) == []


def test_each_round_brings_the_mask_nearer():
    truth = truth_of()
    masks = correct(session_of(), truth, clicks=3)
    errors = [int((mask != truth).sum()) for mask in masks]
    assert len(errors) == 3
    assert errors[0] > errors[1] >= errors[2]


@pytest.mark.parametrize("user", list(USERS))
def test_users_click_where_something_is_wrong(user):
    wrong = np.zeros((40, 40), bool)
    wrong[4:14, 6:18] = True
    wrong[30:33, 30:33] = True
    rng = np.random.default_rng(0)
    for _ in range(20):
        meant, hit = USERS[user](wrong, rng)
        assert wrong[tuple(meant)]
        assert meant[0] < 14  # of the larger piece
        assert np.abs(hit - meant).max() <= (8 if user == "noisy" else 0)
    assert USERS[user](np.zeros((9, 9), bool), rng) is None


def test_users_differ():
    wrong = np.zeros((40, 40), bool)
    wrong[4:9, 6:12] = True  # 30 pixels
    rng = np.random.default_rng(0)
    assert USERS["lazy"](wrong, rng) is None
    assert len({tuple(USERS["anywhere"](wrong, rng)[1]) for _ in range(30)}) > 10
    assert any(not wrong[tuple(USERS["noisy"](wrong, rng)[1])] for _ in range(60))
    assert tuple(USERS["center"](wrong, rng)[1]) == (6, 8)


def test_a_curve_of_clicks():
    session, truth = session_of(), truth_of()
    curve = click_curve(session, truth, rounds=4)
    assert curve.dsc[0] == 0  # nothing was asked for yet
    assert list(curve.clicks) == sorted(curve.clicks)
    assert curve.dsc[1] > 0.5
    assert curve.rounds_to(0.5) == 1
    assert curve.rounds_to(1.01) is None
    assert 0 < curve.area < 1
    assert Curve((0.5, 1.0, 1.0), (0, 1, 2)).area == pytest.approx((0.75 + 1) / 2)


def test_a_click_in_the_volume_goes_to_the_largest_error():
    truth = np.zeros((64, 64, 2), bool)
    truth[8:16, 8:16, 0] = True
    truth[30:50, 30:50, 1] = True
    (point,) = next_clicks(session_of(), truth, per="volume")
    assert point.ijk[2] == 1
    assert len(next_clicks(session_of(), truth)) == 2
