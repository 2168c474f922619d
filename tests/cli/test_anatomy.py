from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import anybone
from anybone.synthetic.example_knee import example_scan
from anybone.synthetic.label_map import load
from anybone.synthetic.regions import REGIONS
from anybone.synthetic.scanner import Series

Run = Callable[..., Result]


def test_sources_and_regions_are_listed(run: Run) -> None:
    shapes = json.loads(run("anatomy", "shapes", "--json").stdout)
    assert all(source["license"] and source["bones"] for source in shapes)
    assert "femur" in run("anatomy", "shapes").stdout
    assert set(json.loads(run("anatomy", "regions", "--json").stdout)) == set(REGIONS)
    assert "knee" in run("anatomy", "regions").stdout


def test_a_volume_with_its_bones(run: Run) -> None:
    pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")
    words = ("anatomy", "make", "--region", "thigh", "--sequence", "t1", "--plane", "axial", "-o", "made")
    result = run(*words, "--spacing", "2.5", "--seed", "2")
    assert result.exit_code == 0, result.stderr
    volume = anybone.read("made/thigh_t1_axial_2.nii.gz")
    truth = anybone.read_segmentation("made/thigh_t1_axial_2_bones.nii.gz")
    assert truth.geometry.matches(volume.geometry)
    assert any("femur" in name for name in truth.names.values())
    assert np.isfinite(volume.data).all()
    assert Path("made/thigh_t1_axial_2.png").is_file()
    assert run(*words, "--spacing", "2.5", "--seed", "2").exit_code == 2  # it is there already


def test_a_corpus_goes_on(run: Run) -> None:
    pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")
    words = ("anatomy", "corpus", "-o", "corpus", "--region", "thigh", "--spacing", "3")
    assert run(*words, "--count", "1").exit_code == 0
    first = Path("corpus/thigh_0.safetensors")
    before = first.stat().st_mtime_ns
    assert run(*words, "--count", "2").exit_code == 0
    assert first.stat().st_mtime_ns == before
    one, other = load(first), load("corpus/thigh_1.safetensors")
    assert one.region == "thigh"
    assert one.sha256 != other.sha256


def test_people_like_ones_own_cases(run: Run) -> None:
    _, truth = example_scan(Series(pixel_mm=2, thickness_mm=8, gap_mm=0, field_t=1.5, filled=1.0))
    anybone.write(truth, "masks/mine.nii.gz")
    words = ("anatomy", "corpus", "-o", "corpus", "--shapes-from", "masks", "--spacing", "3")
    result = run(*words, "--count", "2")
    assert result.exit_code == 0, result.stderr
    made = load("corpus/mine_1.safetensors")
    assert {name.split()[1] for name in made.names.values()} >= {"femur", "tibia"}
    assert made.credits == ("Bones: mine.nii.gz",)
    assert run(*words, "--region", "knee").exit_code == 2
    Path("empty").mkdir()
    assert run("anatomy", "corpus", "-o", "corpus", "--shapes-from", "empty").exit_code == 4


def test_a_region_that_there_is_not(run: Run) -> None:
    result = run("anatomy", "make", "--region", "tail", "-o", "made")
    assert result.exit_code == 2
    assert "lumbar-spine" in result.stderr
