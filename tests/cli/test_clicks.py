"""`anybone clicks` as it is typed, with the method that needs no weights."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import anybone
from anybone.cli.main import app
from limb_phantom import limb_phantom


@pytest.fixture
def cases(tmp_path):
    """A limb and its bones, under two names of one patient."""
    volume, truth = limb_phantom(shape_ijk=(96, 96, 4))
    for name in ("a", "b"):
        anybone.write(volume, tmp_path / "images" / f"{name}_t1.nii.gz")
        anybone.write(truth, tmp_path / "truths" / f"{name}.nii.gz")
    (tmp_path / "cases.csv").write_text("truth,patient\ntruths/a.nii.gz,p\ntruths/b.nii.gz,p\n")
    return tmp_path


def run(*words) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["clicks", *(str(word) for word in words), "--method", "classical"])
    return result.exit_code, result.output


def test_curves_by_user(cases):
    code, said = run(
        *(cases / "images", cases / "cases.csv", "-o", cases / "out"),
        *("--rounds", 2, "--user", "center", "--user", "lazy", "--reach", 0.5),
    )
    assert code == 0, said
    assert "1 patient: nothing can be said about others" in said
    content = json.loads((cases / "out" / "clicks.json").read_text())
    assert [(one["name"], one["user"]) for one in content["curves"]] == [
        ("a", "center"), ("a", "lazy"), ("b", "center"), ("b", "lazy"),
    ]  # fmt: skip
    first, _, second, _ = content["curves"]
    assert first["dsc"] == second["dsc"]  # every user begins afresh
    assert len(first["dsc"]) == 3
    assert first["dsc"][1] != first["dsc"][0]  # a click acts; it may lose, since this method can leak
    summary = content["summary"]["center"]
    assert summary["dsc_after_rounds"]["0"]["patients"] == 1
    assert summary["dsc_after_rounds"]["0"]["cases"] == 2
    assert "<svg" in (cases / "out" / "clicks.html").read_text()


def test_what_does_not_fit_is_refused(cases):
    (cases / "images" / "b_t1.nii.gz").unlink()
    assert run(cases / "images", cases / "truths")[0] == 4
    volume, _ = limb_phantom(shape_ijk=(64, 96, 4))
    anybone.write(volume, cases / "images" / "b_t1.nii.gz")
    code, said = run(cases / "images", cases / "truths")
    assert (code, "does not lie on" in said) == (3, True)
