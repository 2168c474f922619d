"""What the tutorials point at in the demo's knee is the bone that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anybone.core.segmentation import Segmentation
from anybone.synthetic.example_knee import example_scan

PROMPTS = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "prompts.md"


@pytest.fixture(scope="module")
def truth() -> Segmentation:
    return example_scan()[1]


def at(truth: Segmentation, numbers: str) -> str:
    """The bone of a voxel written as "1, 2, 3"; "" for none."""
    i, j, k = (int(number) for number in numbers.split(","))
    return truth.names.get(int(truth.labels[i, j, k]), "")


def test_points_lie_in_the_bones_they_name(truth: Segmentation) -> None:
    text = PROMPTS.read_text(encoding="utf-8")
    named = re.findall(r"--point ([\d,]+).*? --name (\w+)", text)
    named += re.findall(r'"at": \[([\d, ]+)\], "bone": "(\w+)"', text)
    assert {bone for _, bone in named} == {"tibia", "patella"}
    assert [(numbers, bone) for numbers, bone in named if not at(truth, numbers).endswith(bone)] == []
    first, box = re.findall(r"Point\(\(([\d, ]+)\)\)", text)
    assert (at(truth, first), at(truth, box)) == ("left tibia", "left patella")
    for scribble in re.findall(r'--scribble "([^"]+)"', text):
        assert {at(truth, numbers) for numbers in scribble.split()} == {"left tibia"}


def test_what_is_not_bone_is_none(truth: Segmentation) -> None:
    text = PROMPTS.read_text(encoding="utf-8")
    nots = re.findall(r"--not ([\d,]+)", text) + re.findall(r"Point\(\(([\d, ]+)\), positive=False\)", text)
    assert nots
    assert {at(truth, numbers) for numbers in nots} == {""}


def test_boxes_hold_the_slice_of_the_bone(truth: Segmentation) -> None:
    text = PROMPTS.read_text(encoding="utf-8")
    boxes = [("left tibia", b) for b in re.findall(r"--box ([\d,]+)", text)]
    boxes += [("left patella", f"{a},{b}") for a, b in re.findall(r'"from": \[([\d, ]+)\], "to": \[([\d, ]+)\]', text)]
    assert len(boxes) == 2
    for bone, numbers in boxes:
        label = next(number for number, name in truth.names.items() if name == bone)
        low, high = (tuple(int(n) for n in numbers.split(","))[part] for part in (slice(0, 3), slice(3, 6)))
        for k in range(low[2], high[2] + 1):
            inside = truth.labels[low[0] : high[0] + 1, low[1] : high[1] + 1, k] == label
            whole = (truth.labels[..., k] == label).sum()
            assert inside.sum() > 0.95 * whole > 0
