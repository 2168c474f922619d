"""Cohesion of the interactive path: the number of engine files that a click runs through, measured by tracing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import anybone
from anybone.core.prompts import Box, Point
from anybone.inference.quality import Calibration, QualityEstimator
from anybone.inference.segmenter import Segmenter
from bright_network import Bright

PACKAGE = Path(anybone.__file__).parent
MAX_FIRST, MAX_LATER = 12, 9
NEAR, FAR, IN_AIR = Point((25, 16, 2)), Point((48, 40, 2)), Point((32, 56, 2))


class BrightWithVolumeBranch(Bright):
    """A network with a 3-D branch, so that every step of the pipeline runs."""

    def __init__(self) -> None:
        super().__init__()
        self.depth_attention = torch.nn.Identity()


def engine_files(run: Callable[[], object]) -> set[str]:
    """Return the files of inference/ and interactive/ in which a function is called while `run` runs."""
    called: set[str] = set()

    def trace(frame: Any, event: str, argument: object) -> None:
        if event == "call":
            called.add(frame.f_code.co_filename)

    sys.setprofile(trace)
    try:
        run()
    finally:
        sys.setprofile(None)
    inside = (Path(name) for name in called if name.startswith(str(PACKAGE)))
    files = {path.relative_to(PACKAGE).as_posix() for path in inside}
    return {name for name in files if name.startswith(("inference/", "interactive/"))}


@pytest.fixture
def model() -> Segmenter:
    quality = QualityEstimator(Calibration(), least_dice=0.8)
    return Segmenter(BrightWithVolumeBranch(), name="bright", quality_estimator=quality)


def test_the_first_click_crosses_few_files(model, volume):
    import anybone.interactive.session  # noqa: F401  # importing is not part of a click

    files = engine_files(lambda: model.session(volume).add(Point((16, 16, 2))))
    assert {"inference/attention.py", "interactive/click_policy.py", "inference/quality.py"} <= files, "steps are seen"
    assert len(files) <= MAX_FIRST, sorted(files)


@pytest.mark.parametrize(
    "click", [NEAR, FAR, IN_AIR, Point((16, 16, 2), positive=False), Box((36, 28, 2), (60, 52, 2))]
)
def test_a_later_click_crosses_few_files(model, volume, click):
    session = model.session(volume).add(Point((16, 16, 2)))
    files = engine_files(lambda: session.add(click))
    assert {"interactive/session.py", "interactive/history.py", "interactive/masks.py"} <= files, "steps are seen"
    assert len(files) <= MAX_LATER, sorted(files)
