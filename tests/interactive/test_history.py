from __future__ import annotations

import numpy as np

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Scribble
from anybone.interactive.history import format_prompts, format_slices


def test_slices():
    assert format_slices([]) == "no slice"
    assert format_slices([4]) == "slice 4"
    assert format_slices([6, 4, 5]) == "slices 4-6"
    assert format_slices([2, 20, 7]) == "3 slices between 2 and 20"


def test_prompts():
    on, off = Point((0, 0, 0)), Point((0, 0, 0), positive=False)
    assert format_prompts([on]) == "A point"
    assert format_prompts([on, on, off]) == "2 points and a background point"
    assert format_prompts([off, off]) == "2 background points"
    box, scribble = Box((0, 0, 0), (1, 1, 1)), Scribble(((0, 0, 0),))
    lasso, mask = Lasso(((0, 0, 0), (1, 0, 0), (0, 1, 0))), MaskHint(np.ones((2, 2), bool), 0)
    assert format_prompts([box, box, scribble, lasso, mask]) == "2 boxes, a scribble, a lasso and a mask"
