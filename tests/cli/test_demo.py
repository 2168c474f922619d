from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

import anybone
from anybone.synthetic.example_knee import example_scan
from anybone.synthetic.scanner import Series

Run = Callable[..., Result]

COARSE = Series(pixel_mm=1.6, thickness_mm=20, gap_mm=0, field_t=1.5, filled=1.0, clean=True)


@pytest.fixture(autouse=True)
def coarse_knee(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.synthetic.example_knee.example_scan", partial(example_scan, COARSE))


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.models.registry.DEFAULT_NAME", "absent")


def test_both_methods_run_on_the_same_knee(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("weights", "add", tiny, "--name", "shipped")
    monkeypatch.setattr("anybone.models.registry.DEFAULT_NAME", "shipped")
    result = run("demo")
    assert result.exit_code == 0, result.stderr
    volume = anybone.read("demo/made_knee.nii.gz")
    for method in ("shipped", "classical"):
        mask = anybone.read_segmentation(f"demo/made_knee_{method}_bones.nii.gz")
        assert mask.geometry == volume.geometry
        assert mask.provenance is not None
        assert mask.provenance.method == method
        assert Path(f"demo/made_knee_{method}_bones.png").is_file()
        assert Path(f"demo/made_knee_{method}_bones_statistics.csv").is_file()
        assert f"{method}: Dice" in result.stdout
    told = json.loads(Path("demo/run.json").read_text())
    assert [Path(case["output"]).name for case in told["cases"]] == [
        "made_knee_shipped_bones.nii.gz",
        "made_knee_classical_bones.nii.gz",
    ]


@pytest.mark.usefixtures("without_weights")
def test_the_dice_is_that_of_the_files(run: Run) -> None:
    result = run("demo", "-o", "d")
    assert result.exit_code == 0, result.stderr
    assert "No weights" in result.stderr
    found, truth = (anybone.read_segmentation(f"d/made_knee_{n}.nii.gz").mask for n in ("classical_bones", "truth"))
    dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert json.loads(Path("d/run.json").read_text())["cases"][0]["dice"]["all bone"] == pytest.approx(dice)
    assert f"Dice all bone {dice:.3f}" in result.stdout
    assert "d/made_knee_classical_bones.png" in result.stdout


@pytest.mark.usefixtures("without_weights")
def test_a_file_of_ones_own_is_shown_too_but_not_scored(run: Run, limb: Path) -> None:
    result = run("demo", limb)
    assert result.exit_code == 0, result.stderr
    mask = anybone.read_segmentation("demo/limb_classical_bones.nii.gz")
    assert mask.geometry == anybone.read(limb).geometry
    assert Path("demo/limb_classical_bones.png").is_file()
    knee, own = json.loads(Path("demo/run.json").read_text())["cases"]
    assert knee["dice"]
    assert own["dice"] == {}
    assert own["input"] == str(limb.resolve())
    assert result.stdout.count("Dice") == 1


@pytest.mark.usefixtures("without_weights")
def test_a_file_that_cannot_be_read_shows_before_the_work(run: Run) -> None:
    Path("photo.nii.gz").write_bytes(b"not a volume")
    assert run("demo", "photo.nii.gz").exit_code == 3
    assert not Path("demo/made_knee.nii.gz").exists()
    Path("made_knee.nii.gz").write_bytes(b"mine")
    assert run("demo", "made_knee.nii.gz").exit_code == 2


@pytest.mark.usefixtures("without_weights")
def test_it_can_be_run_again_but_not_over_other_files(run: Run) -> None:
    assert run("demo").exit_code == 0
    assert run("demo").exit_code == 0
    Path("other").mkdir()
    Path("other/notes.txt").touch()
    assert run("demo", "-o", "other").exit_code == 2
    assert [p.name for p in Path("other").iterdir()] == ["notes.txt"]
