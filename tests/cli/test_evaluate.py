"""`anybone evaluate` and `anybone compare` as they are typed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import anybone
from anybone.cli.main import app
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation


def run(*words) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


@pytest.fixture
def cohort(tmp_path):
    """Eight truths, what one method found, and what a worse one did."""
    for number in range(8):
        truth = np.zeros((16, 16, 4), dtype=np.uint16)
        truth[3:10, 4:10] = 1
        for folder, shift in (("truth", 0), ("good", number == 7), ("bad", 2 if number < 7 else 3)):
            geometry = Geometry(truth.shape, np.diag([1, 1, 2, 1]))
            path = tmp_path / folder / f"{number}.nii.gz"
            anybone.write(Segmentation(np.roll(truth, shift, 0), geometry), path)
    return tmp_path


def test_two_files(cohort):
    code, said = run(
        "evaluate", cohort / "bad" / "0.nii.gz", cohort / "truth" / "1.nii.gz", "--json", cohort / "r.json"
    )
    assert code == 0
    assert "0.714" in said  # 5 of 7 layers in common
    (case,) = json.loads((cohort / "r.json").read_text())["cases"]
    assert case["dsc"] == pytest.approx(5 / 7, abs=1e-6)
    assert case["hd95_mm"] == pytest.approx(2)


def test_two_folders_and_two_methods(cohort):
    for method in ("good", "bad"):
        code, said = run("evaluate", cohort / method, cohort / "truth", "-o", cohort / "reports" / method)
        assert code == 0
        assert "8 patients: the interval is likely too narrow" in said
        written = {path.name for path in (cohort / "reports" / method).iterdir()}
        assert written == {"report.json", "cases.csv", "report.html"}
    code, said = run("compare", *(cohort / "reports" / m / "report.json" for m in ("good", "bad")))
    assert code == 0
    assert "good and bad: A difference (p = 0.0" in said
    code, said = run("compare", cohort / "reports" / "good" / "report.json")
    assert (code, "nothing to be compared with" in said) == (2, True)
    code, said = run("compare", *[cohort / "reports" / m / "report.json" for m in ("good", "bad")], "--metric", "speed")
    assert (code, "has no speed of bone" in said) == (2, True)


def test_what_is_missing_is_said(cohort):
    (cohort / "good" / "3.nii.gz").unlink()
    (cohort / "good" / "stray.nii.gz").write_bytes((cohort / "good" / "4.nii.gz").read_bytes())
    code, said = run("evaluate", cohort / "good", cohort / "truth")
    assert (code, "--missing empty" in said) == (4, True)
    code, said = run("evaluate", cohort / "good", cohort / "truth", "--missing", "empty")
    assert code == 0
    assert "1 cases had no prediction and count as empty: 3." in said
    assert "Only the truth has bone in 1 of 8 cases" in said
    assert "stray.nii.gz" in said
