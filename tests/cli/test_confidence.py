"""What `anybone segment` says of the worth of its results."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import anybone
from anybone.evaluation.out_of_distribution import out_of_distribution
from anybone.models import checkpoint

Run = Callable[..., Result]
ALL_BONE, NO_BONE = ("--threshold", "-99"), ("--threshold", "99")


def calibrated(tiny: Path, least_dice: float) -> Path:
    """The tiny network with a card that says when to doubt it."""
    card = {"calibration": {"scale": 0.5, "shift": 0.0, "least_dice": least_dice}}
    path = tiny.with_name(f"least_{least_dice}.safetensors")
    checkpoint.save(replace(checkpoint.load(tiny), card=card), path)
    return path


def test_confidence_is_told_everywhere(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "--weights", calibrated(tiny, 0.0), *ALL_BONE, "--statistics")
    assert result.exit_code == 0, result.stderr
    (case,) = json.loads(Path("run.json").read_text())["cases"]
    assert 0 < case["confidence"] < 1
    assert case["doubts"] == []
    assert result.stdout.strip().endswith(f"confidence {case['confidence']:.2f}")
    told = json.loads(Path("limb_bones_statistics.json").read_text())
    assert told["confidence"]["dice"] == case["confidence"]
    assert list(told["confidence"]["slices"]) == ["0", "1", "2", "3", "4"]
    rows = list(csv.DictReader(Path("limb_bones_statistics.csv").read_text().splitlines()))
    # all voxels are the mask: Dice = 2 m / (m + 1) of the mean probability m, which is the confidence of the one part
    mean = float(rows[1]["confidence"])
    assert 2 * mean / (mean + 1) == pytest.approx(case["confidence"], abs=2e-3)


def test_without_a_calibration_nothing_is_told(run: Run, limb: Path, tiny: Path) -> None:
    run("segment", limb, "--weights", tiny, *ALL_BONE, "--statistics")
    assert json.loads(Path("run.json").read_text())["cases"][0]["confidence"] is None
    rows = list(csv.DictReader(Path("limb_bones_statistics.csv").read_text().splitlines()))
    assert {row["confidence"] for row in rows} == {""}


def test_a_doubtful_result_is_written_and_has_its_own_code(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "--weights", calibrated(tiny, 1.0), *ALL_BONE)
    assert result.exit_code == 5
    assert result.stderr.count("Do not trust this result") == 1
    assert anybone.read_segmentation("limb_bones.nii.gz").mask.all()
    told = json.loads(Path("run.json").read_text())
    assert (told["exit_code"], told["cases"][0]["exit_code"]) == (5, 5)
    assert "expects a Dice" in told["cases"][0]["doubts"][0]
    again = run("segment", limb, "--weights", calibrated(tiny, 1.0), *ALL_BONE, "--resume")
    assert again.exit_code == 5
    assert "complete already" in again.stderr


def test_ct_is_doubted_whatever_was_found(run: Run, tiny: Path) -> None:
    anybone.write(out_of_distribution("ct"), "ct.nii.gz")
    result = run("segment", "ct.nii.gz", "--weights", tiny, *NO_BONE)
    assert result.exit_code == 5
    assert "as in CT" in result.stderr
    assert not anybone.read_segmentation("ct_bones.nii.gz").mask.any()


def test_a_batch_lists_what_is_doubted(run: Run, limb: Path, tiny: Path) -> None:
    anybone.write(out_of_distribution("noise"), "noise.nii.gz")
    result = run("segment", limb, "noise.nii.gz", "-o", "out", "--weights", tiny, *ALL_BONE)
    assert result.exit_code == 5
    assert "2 cases, 0 failed" in result.stderr
    assert "1 of 2 results should not be trusted: noise.nii.gz" in result.stderr
    Path("bad.nii.gz").write_bytes(b"no image")
    mixed = run("segment", limb, "noise.nii.gz", "bad.nii.gz", "-o", "mixed", "--weights", tiny, *ALL_BONE)
    assert mixed.exit_code == 1


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".seg.nrrd"])
def test_probabilities_lie_beside_the_mask_on_its_grid(run: Run, limb: Path, tiny: Path, suffix: str) -> None:
    words = ("segment", limb, "--weights", calibrated(tiny, 0.0), "-o", f"out/a{suffix}", "--save-probabilities")
    assert run(*words, *NO_BONE).exit_code == 4
    path = Path(f"out/a_probability{suffix.replace('.seg', '')}")
    probability = anybone.read(path)
    assert probability.geometry.matches(anybone.read(limb).geometry)
    assert 0 <= probability.data.min() < probability.data.max() <= 1
    expected = anybone.load(calibrated(tiny, 0.0)).segment(anybone.read(limb)).probability
    assert np.array_equal(probability.data, expected.astype(np.float32))
    assert json.loads(Path("out/run.json").read_text())["cases"][0]["files"]["probability"] == str(path.resolve())


def test_probabilities_are_no_input_of_the_next_run(run: Run, limb: Path, tiny: Path) -> None:
    words = ("segment", ".", "--weights", tiny, "--save-probabilities", *ALL_BONE)
    run(*words)
    assert run(*words, "--resume").exit_code == 0
    assert [case["input"] for case in json.loads(Path("run.json").read_text())["cases"]] == [str(limb)]


def test_probabilities_are_of_all_bone(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "--weights", tiny, "--point", "40,40,2", "--save-probabilities")
    assert result.exit_code == 2
    assert "--save-probabilities" in result.stderr
