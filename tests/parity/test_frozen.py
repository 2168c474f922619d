"""A tiny network against values that were frozen when the same code matched the published program's.

This runs everywhere; `test_golden.py` needs the reference material.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

TINY = runpy.run_path(str(Path(__file__).with_name("tiny.py")))


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[float]]:
    return TINY["outputs"]()


@pytest.mark.parametrize(
    "name", ["attend", "attention", "encode", "fuse", "automatic", "quality", "points", "boxes", "both", "mask"]
)
def test_verb(outputs, name):
    frozen = json.loads(TINY["FROZEN"].read_text())[name]
    np.testing.assert_allclose(outputs[name], frozen, atol=2e-3)


def test_prompts_act(outputs):
    for name in ("points", "boxes", "both", "mask"):
        assert np.abs(np.subtract(outputs[name], outputs["automatic"])).max() > 0.01
