from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import anybone

Run = Callable[..., Result]


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_a_volume_keeps_its_values_and_grid(run: Run, limb: Path, suffix: str) -> None:
    result = run("convert", limb, f"out{suffix}")
    assert result.exit_code == 0, result.stderr
    before, after = anybone.read(limb), anybone.read(f"out{suffix}")
    np.testing.assert_array_equal(after.data, before.data)
    assert after.geometry.matches(before.geometry)


@pytest.mark.parametrize("suffix", [".nii", ".seg.nrrd", ".mha"])
def test_a_mask_keeps_its_names(run: Run, limb_files: tuple[Path, Path], suffix: str) -> None:
    result = run("convert", limb_files[1], f"out{suffix}")
    assert result.exit_code == 0, result.stderr
    before, after = anybone.read_segmentation(limb_files[1]), anybone.read_segmentation(f"out{suffix}")
    assert dict(after.names) == dict(before.names)
    np.testing.assert_array_equal(after.labels, before.labels)
    assert "tibia" in result.stdout


def test_a_mask_without_names_is_one_when_told(run: Run, limb_files: tuple[Path, Path]) -> None:
    plain = Path("plain.nrrd")
    truth = anybone.read_segmentation(limb_files[1])
    anybone.write(anybone.Volume(truth.labels.astype(np.float32), truth.geometry), plain)
    assert "volume" in run("convert", plain, "a.mha").stdout
    assert "label 2" in run("convert", plain, "b.mha", "--mask").stdout


def test_an_image_is_no_mask(run: Run, limb: Path) -> None:
    result = run("convert", limb, "out.mha", "--mask")
    assert result.exit_code == 3
    assert "labels" in result.stderr
    assert not Path("out.mha").exists()


def test_nothing_is_written_over(run: Run, limb: Path) -> None:
    before = limb.read_bytes()
    assert run("convert", limb, limb, "--force").exit_code == 2
    assert run("convert", limb, "out.mha").exit_code == 0
    again = run("convert", limb, "out.mha")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run("convert", limb, "out.mha", "--force").exit_code == 0
    assert limb.read_bytes() == before


def test_a_suffix_that_cannot_be_written_is_told_before_reading(run: Run) -> None:
    result = run("convert", "nowhere.nii", "out.png")
    assert result.exit_code == 2
    assert ".nii.gz" in result.stderr


def test_an_image_does_not_become_a_segmentation(run: Run, limb: Path) -> None:
    result = run("convert", limb, "image.seg.nrrd")
    assert result.exit_code == 2
    assert "--mask" in result.stderr
    assert not Path("image.seg.nrrd").exists()
