"""Masks are found by the name of their case."""

from __future__ import annotations

from pathlib import Path

import pytest

from anybone.io.names import of_name


@pytest.mark.parametrize(
    ("name", "masks", "expected"),
    [
        ("knee_bone", ["knee_t1_bones.nii.gz"], ["knee_t1_bones.nii.gz"]),
        ("knee_t1_bone", ["knee_bones.nii.gz"], ["knee_bones.nii.gz"]),
        ("knee_bone", ["knee_t1_bones.nii.gz", "knee_bones.nii.gz"], ["knee_bones.nii.gz"]),
        (
            "knee_bone",
            ["knee_t1_bones.nii.gz", "knee_t2_bones.nii.gz"],
            ["knee_t1_bones.nii.gz", "knee_t2_bones.nii.gz"],
        ),
        ("knee_bone", ["hip_t1_bones.nii.gz"], []),
        ("knee", ["kneecap_bones.nii.gz"], []),
    ],
)
def test_masks_match_cases_without_their_endings(name, masks, expected):
    assert [path.name for path in of_name(name, [Path(m) for m in masks])] == expected
