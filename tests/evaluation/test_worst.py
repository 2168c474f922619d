from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from anybone.evaluation.worst import FOUND_RGB, TRUTH_RGB, Worst, draw_worst
from limb_phantom import limb_phantom


def near(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).max(axis=2) < 40).sum())


def test_truth_and_answer_are_outlined_where_they_differ_most(tmp_path):
    volume, truth = limb_phantom(0, (64, 64, 4), region="thigh")
    labels = truth.labels.copy()
    labels[..., 2] = 0  # the slice that is wrong
    worst = Worst(0.8, volume, truth, replace(truth, labels=labels))
    draw_worst(worst, tmp_path / "worst.png", 255)
    picture = np.asarray(Image.open(tmp_path / "worst.png"))
    assert max(picture.shape[:2]) == 420
    assert near(picture, TRUTH_RGB) > 50
    assert near(picture, FOUND_RGB) == 0
    draw_worst(replace(worst, truth=worst.found, found=truth), tmp_path / "other.png", 255)
    assert near(np.asarray(Image.open(tmp_path / "other.png")), TRUTH_RGB) == 0
