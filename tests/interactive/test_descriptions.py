from __future__ import annotations

import numpy as np

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Scribble
from anybone.interactive.descriptions import prompts_in_words, slices_in_words


def test_slices():
    assert slices_in_words([]) == "no slice"
    assert slices_in_words([4]) == "slice 4"
    assert slices_in_words([6, 4, 5]) == "slices 4 to 6"
    assert slices_in_words([2, 20, 7]) == "3 slices from 2 to 20"


def test_prompts():
    on, off = Point((0, 0, 0)), Point((0, 0, 0), positive=False)
    assert prompts_in_words([on]) == "A point"
    assert prompts_in_words([on, on, off]) == "2 points and a point off bone"
    assert prompts_in_words([off, off]) == "2 points off bone"
    box, scribble = Box((0, 0, 0), (1, 1, 1)), Scribble(((0, 0, 0),))
    lasso, mask = Lasso(((0, 0, 0), (1, 0, 0), (0, 1, 0))), MaskHint(np.ones((2, 2), bool), 0)
    assert prompts_in_words([box, box, scribble, lasso, mask]) == "2 boxes, a scribble, a lasso and a mask"
