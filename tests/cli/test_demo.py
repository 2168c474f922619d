from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

import anybone
from anybone.anatomy import limb_phantom

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def small_limb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.anatomy.limb_phantom", partial(limb_phantom, shape_ijk=(96, 96, 4)))


def test_both_methods_run_on_the_same_limb(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("weights", "add", tiny, "--name", "shipped")
    monkeypatch.setattr("anybone.model.catalogue.DEFAULT_NAME", "shipped")
    result = run("demo")
    assert result.exit_code == 0, result.stderr
    volume = anybone.read("demo/limb.nii.gz")
    for method in ("shipped", "cortex"):
        mask = anybone.read_segmentation(f"demo/limb_{method}_bones.nii.gz")
        assert mask.geometry == volume.geometry
        assert mask.provenance is not None
        assert mask.provenance.method == method
        assert Path(f"demo/limb_{method}_bones.png").is_file()
        assert Path(f"demo/limb_{method}_bones_statistics.csv").is_file()
        assert f"{method}: Dice" in result.stdout
    told = json.loads(Path("demo/run.json").read_text())
    assert [Path(case["output"]).name for case in told["cases"]] == [
        "limb_shipped_bones.nii.gz",
        "limb_cortex_bones.nii.gz",
    ]


def test_the_dice_is_that_of_the_files(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.model.catalogue.DEFAULT_NAME", "absent")
    result = run("demo", "-o", "d")
    assert result.exit_code == 0, result.stderr
    assert "no weights" in result.stderr
    found, truth = (anybone.read_segmentation(f"d/limb_{n}.nii.gz").mask for n in ("cortex_bones", "truth"))
    dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert json.loads(Path("d/run.json").read_text())["cases"][0]["dice"]["all bone"] == pytest.approx(dice)
    assert f"Dice all bone {dice:.3f}" in result.stdout
    assert "d/limb_cortex_bones.png" in result.stdout


def test_it_can_be_run_again_but_not_over_other_files(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.model.catalogue.DEFAULT_NAME", "absent")
    assert run("demo").exit_code == 0
    assert run("demo").exit_code == 0
    Path("other").mkdir()
    Path("other/notes.txt").touch()
    assert run("demo", "-o", "other").exit_code == 2
    assert [p.name for p in Path("other").iterdir()] == ["notes.txt"]
