from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import anybone
from anybone.training.manifest import read_manifest
from limb_phantom import limb_phantom

Run = Callable[..., Result]


@pytest.fixture
def cases() -> None:
    for number in range(3):
        volume, truth = limb_phantom(number, (48, 48, 3), region="thigh")
        anybone.write(volume, f"cases/images/{number}.nii.gz")
        anybone.write(truth, f"cases/masks/{number}.nii.gz")


def test_sound_cases_are_counted(run: Run, cases: None) -> None:
    result = run("data", "check", "cases")
    assert result.exit_code == 0, result.stderr
    assert "3 cases of 3 patients" in result.stdout


def test_faults_are_named_with_their_files(run: Run, cases: None) -> None:
    Path("cases/images/1.nii.gz").write_bytes(b"nothing")
    Path("cases/images/2.nii.gz").write_bytes(Path("cases/images/0.nii.gz").read_bytes())
    result = run("data", "check", "cases")
    assert result.exit_code == 3
    assert "cases/images/1.nii.gz cannot be read" in result.stderr
    assert "same image" in result.stderr


def test_a_split_becomes_a_manifest(run: Run, cases: None) -> None:
    words = ("data", "split", "cases", "-o", "lists/cases.csv", "--validation", "0.4")
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    assert sorted(case.split for case in read_manifest(Path("lists/cases.csv"))) == ["training"] * 2 + ["validation"]
    assert run("data", "check", "lists/cases.csv").exit_code == 0
    assert run(*words).exit_code == 2


def test_every_case_has_a_picture(run: Run, cases: None) -> None:
    assert run("data", "preview", "cases", "-o", "pictures").exit_code == 0
    pictures = sorted(Path("pictures").glob("*.png"))
    assert [path.name for path in pictures] == [f"{n + 1:04d}_cases_{n}.png" for n in range(3)]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
