from __future__ import annotations

import numpy as np
import torch

from anybone.engine.segmenter import Segmenter
from anybone.evaluation.clicks import correct, next_clicks
from anybone.geometry import Geometry
from anybone.prompts import Point
from anybone.volume import Volume


class Obedient:
    """A network that answers a point with the 16 x 16 pixels around it, added to or taken from what was there."""

    image_size = 64
    uses_volume = False

    def encode(self, images):
        return images[:, :1, ::16, ::16]

    def attend(self, volumes):
        return torch.ones_like(volumes)

    def fuse(self, embedding, attention):
        return embedding

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
