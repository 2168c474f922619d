"""`anybone qc` as it is typed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import anybone
from anybone.cli.main import app
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.io.tables import read_rows


def run(*words) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["qc", *(str(word) for word in words)])
    return result.exit_code, result.output


@pytest.fixture
def results(tmp_path):
    """Six masks of blocks, the last three times as long; images of three of them."""
    folder, geometry = tmp_path / "results", Geometry((40, 12, 6), np.diag([1, 1, 3, 1]))
    for number, length in enumerate((10, 10, 11, 9, 10, 32)):
        labels = np.zeros(geometry.shape_ijk, dtype=np.uint16)
        labels[2 : 2 + length, 3:9, 1:5] = 1
        anybone.write(Segmentation(labels, geometry), folder / f"c{number}_bones.nii.gz")
        if number < 3:
            image = anybone.Volume(labels * 100 + np.float32(20), geometry)
            anybone.write(image, tmp_path / "images" / f"c{number}.nii.gz")
    return folder


def test_the_page_the_list_and_what_a_person_decided(results):
    code, said = run(results)
    assert code == 0
    assert "c5_bones.nii.gz: All bone: volume" in said
    assert "6 results, 1 flagged" in said
    assert "The images of 6 results were not found" in said
    decided = {row["case"]: row["decision"] for row in read_rows(results / "qc.csv")}
    assert decided == {f"c{n}_bones.nii.gz": "redo" if n == 5 else "keep" for n in range(6)}
    text = (results / "qc.html").read_text()
    assert text.count("data:image/jpeg;base64,") == 6
    assert text.index('data-case="c5_bones.nii.gz"') < text.index('data-case="c0_bones.nii.gz"')  # flagged first

    (results / "qc.csv").write_text("case,decision,flags\nc5_bones.nii.gz,keep,a long bone\nc1_bones.nii.gz,redo,\n")
    code, said = run(results, "--images", results.parent / "images")
    assert "The images of 3 results were not found" in said
    decided = {row["case"]: row["decision"] for row in read_rows(results / "qc.csv")}
    assert [name for name, what in decided.items() if what == "redo"] == ["c1_bones.nii.gz"]


def test_what_is_no_list_of_decisions_is_left_alone(results):
    (results / "qc.csv").write_text("case,decision\nc0_bones.nii.gz,maybe\n")
    code, said = run(results)
    assert (code, "keep or redo" in said) == (3, True)
    assert "maybe" in (results / "qc.csv").read_text()


def test_a_damaged_mask_is_named_and_the_rest_is_shown(results):
    (results / "c2_bones.nii.gz").write_bytes(b"damaged")
    code, said = run(results)
    assert code == 0
    assert "c2_bones.nii.gz cannot be read and is left out" in said
    assert "5 results" in said


def test_folders_without_masks(tmp_path):
    assert run(tmp_path)[0] == 4
    assert run(tmp_path / "none")[0] == 2


def test_a_slice_of_low_confidence_in_run_json_is_flagged(results):
    case = {"output": str(results / "c1_bones.nii.gz"), "confidence": 0.9, "slice_confidence": {"2": 0.03}}
    (results / "run.json").write_text(json.dumps({"cases": [case]}))
    assert "c1_bones.nii.gz: 1 slice of low confidence, lowest 0.03 in slice 2." in run(results)[1]
