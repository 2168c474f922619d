from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import Result

import anybone
from anybone.cli.prompt_input import PromptSpec
from anybone.cli.prompted import PromptRequest, place
from anybone.core.errors import GeometryError, PromptError
from anybone.core.geometry import Geometry
from anybone.core.prompts import Point
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume

Run = Callable[..., Result]
MIDDLE = 2  # of five slices


def center(mask: NDArray[np.bool_], k: int = MIDDLE) -> tuple[int, int, int]:
    i, j = np.argwhere(mask[:, :, k]).mean(axis=0).round().astype(int).tolist()
    return i, j, k


def typed(numbers: object) -> str:
    return ",".join(str(n) for n in np.ravel(numbers).tolist())


def slices_of(mask: NDArray[np.bool_]) -> list[int]:
    return np.flatnonzero(mask.any(axis=(0, 1))).tolist()


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.fixture
def truth(limb_files: tuple[Path, Path]) -> Segmentation:
    return anybone.read_segmentation(limb_files[1])


@pytest.fixture
def tibia(truth: Segmentation) -> NDArray[np.bool_]:
    return truth.labels == 1


@pytest.fixture
def segment(run: Run, limb: Path) -> Run:
    """Segments the limb with the classical method, which answers to prompts as a network does."""
    return lambda *words: run("segment", limb, "-o", "out.nii.gz", "--method", "classical", *words)


def test_a_point_gives_one_bone_on_one_slice(segment: Run, tibia: NDArray[np.bool_]) -> None:
    result = segment("--point", typed(center(tibia)), "--name", "left tibia")
    assert result.exit_code == 0, result.stderr
    found = anybone.read_segmentation("out.nii.gz")
    assert dict(found.names) == {1: "left tibia"}
    assert slices_of(found.mask) == [MIDDLE]
    assert dice(found.mask[:, :, MIDDLE], tibia[:, :, MIDDLE]) > 0.7


def test_world_millimeters_say_the_same(segment: Run, truth: Segmentation, tibia: NDArray[np.bool_]) -> None:
    segment("--point", typed(center(tibia)))
    by_voxel = anybone.read_segmentation("out.nii.gz").labels
    segment("--point", typed(truth.geometry.to_world(center(tibia))), "--world", "--force")
    np.testing.assert_array_equal(anybone.read_segmentation("out.nii.gz").labels, by_voxel)


def test_a_negative_point_takes_away(segment: Run, tibia: NDArray[np.bool_]) -> None:
    result = segment("--not", typed(center(tibia)))
    found = anybone.read_segmentation("out.nii.gz").mask
    assert result.exit_code in (0, 4)
    assert not found[center(tibia)]


def test_propagation_stays_within_its_range(segment: Run, tibia: NDArray[np.bool_]) -> None:
    point = ("--point", typed(center(tibia)))
    segment(*point, "--propagate")
    assert len(slices_of(anybone.read_segmentation("out.nii.gz").mask)) > 1
    segment(*point, "--from", 1, "--to", 3, "--force")
    assert slices_of(anybone.read_segmentation("out.nii.gz").mask) == [1, 2, 3]
    segment(*point, "--from", 1, "--direction", "backwards", "--force")
    assert slices_of(anybone.read_segmentation("out.nii.gz").mask) == [1, 2]


def test_a_range_that_is_never_reached_is_said(segment: Run, tibia: NDArray[np.bool_]) -> None:
    result = segment("--point", typed(center(tibia)), "--from", 4, "--to", 4)
    assert "could not be propagated" in result.stderr


def test_a_lasso_in_a_file(segment: Run, tibia: NDArray[np.bool_]) -> None:
    i, j = (np.flatnonzero(tibia[:, :, MIDDLE].any(axis=a)) for a in (1, 0))
    ends = [(i[0] - 2, j[0] - 2), (i[0] - 2, j[-1] + 2), (i[-1] + 2, j[-1] + 2), (i[-1] + 2, j[0] - 2)]
    around = [[int(row), int(column), MIDDLE] for row, column in ends]
    Path("lasso.json").write_text(json.dumps({"prompts": [{"kind": "lasso", "around": around}]}))
    segment("--prompts", "lasso.json")
    assert dice(anybone.read_segmentation("out.nii.gz").mask[:, :, MIDDLE], tibia[:, :, MIDDLE]) > 0.7


def test_box_and_scribble(segment: Run, tibia: NDArray[np.bool_]) -> None:
    i, j = (np.flatnonzero(tibia[:, :, MIDDLE].any(axis=a)) for a in (1, 0))
    segment("--box", typed((i[0] - 1, j[0] - 1, MIDDLE, i[-1] + 1, j[-1] + 1, MIDDLE)))
    assert dice(anybone.read_segmentation("out.nii.gz").mask[:, :, MIDDLE], tibia[:, :, MIDDLE]) > 0.7
    middle = center(tibia)
    segment("--scribble", f"{typed(middle)} {typed((middle[0] + 1, *middle[1:]))}", "--force")
    assert dice(anybone.read_segmentation("out.nii.gz").mask[:, :, MIDDLE], tibia[:, :, MIDDLE]) > 0.7


def test_a_mask_is_a_start(segment: Run, tibia: NDArray[np.bool_], truth: Segmentation) -> None:
    anybone.write(Segmentation(tibia.astype(np.uint16), truth.geometry), "rough.nii.gz")
    result = segment("--mask", "rough.nii.gz")
    assert result.exit_code == 0, result.stderr
    found = anybone.read_segmentation("out.nii.gz").mask
    assert len(slices_of(found)) >= 3
    assert dice(found, tibia) > 0.5


def test_a_mask_that_is_written_over_is_refused(run: Run, limb: Path, truth: Segmentation) -> None:
    anybone.write(truth, "rough.nii.gz")
    result = run("segment", limb, "--method", "classical", "--mask", "rough.nii.gz", "-o", "rough.nii.gz", "--force")
    assert result.exit_code == 2
    assert anybone.read_segmentation("rough.nii.gz").mask.any()


def test_several_bones_from_a_file(segment: Run, truth: Segmentation) -> None:
    prompts = [
        {"kind": "point", "at": center(truth.labels == 1), "bone": "tibia"},
        {"kind": "point", "at": center(truth.labels == 2), "positive": False, "bone": "tibia"},
        {"kind": "point", "at": center(truth.labels == 2), "bone": "fibula"},
    ]
    Path("prompts.json").write_text(json.dumps({"prompts": prompts}))
    result = segment("--prompts", "prompts.json")
    assert result.exit_code == 0, result.stderr
    found = anybone.read_segmentation("out.nii.gz")
    assert dict(found.names) == {1: "tibia", 2: "fibula"}
    assert found.labels[center(truth.labels == 1)] == 1
    assert found.labels[center(truth.labels == 2)] == 2
    told = json.loads(Path("run.json").read_text())
    assert [spec["bone"] for spec in told["prompts"]["specs"]] == ["tibia", "tibia", "fibula"]
    assert set(told["cases"][0]["bone_ml"]) == {"tibia", "fibula"}


def test_nothing_found_is_written_and_said(run: Run, limb: Path, tiny: Path, tibia: NDArray[np.bool_]) -> None:
    result = run(
        "segment", limb, "--weights", tiny, "--point", typed(center(tibia)), "--name", "x",
        "--threshold", 99, "--preprocessing", "published",
    )  # fmt: skip
    assert result.exit_code == 4
    assert "x" in result.stderr
    found = anybone.read_segmentation("limb_bones.nii.gz")
    assert not found.mask.any()
    assert dict(found.names) == {1: "x"}


def test_mistakes_show_before_the_network_is_built(
    run: Run, limb: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr("anybone.inference.loading.load", never)
    result = run("segment", limb, "--weights", tiny, "--point", "1,2,99")
    assert result.exit_code == 2
    assert "outside" in result.stderr


def test_a_mask_on_another_grid_is_refused(truth: Segmentation, limb: Path, tmp_path: Path) -> None:
    moved = np.array(truth.geometry.affine_ras_mm)
    moved[0, 3] += 5
    geometry = anybone.Geometry(truth.geometry.shape_ijk, moved)
    anybone.write(Segmentation(truth.labels, geometry, truth.names), tmp_path / "moved.nii.gz")
    request = PromptRequest((PromptSpec("mask", file=tmp_path / "moved.nii.gz"),))
    with pytest.raises(GeometryError, match="grid"):
        place(request, anybone.read(limb))


def test_an_empty_mask_is_refused(truth: Segmentation, limb: Path, tmp_path: Path) -> None:
    anybone.write(Segmentation(np.zeros_like(truth.labels), truth.geometry), tmp_path / "empty.nii.gz")
    with pytest.raises(PromptError, match="empty"):
        place(PromptRequest((PromptSpec("mask", file=tmp_path / "empty.nii.gz"),)), anybone.read(limb))


def test_lps_coordinates_are_recognized() -> None:
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] = (30, -90, 5)  # the volume lies to the right of and behind the origin
    volume = Volume(np.zeros((10, 12, 8), np.float32), Geometry((10, 12, 8), affine))
    inside = PromptSpec("point", ((35.0, -85.0, 9.0),), world=True)
    assert place(PromptRequest((inside,)), volume)[0].prompt == Point((5.0, 5.0, 2.0))
    with pytest.raises(PromptError, match=r"\(-35, 85, 9\) mm .* LPS"):
        place(PromptRequest((replace(inside, places=((-35.0, 85.0, 9.0),)),)), volume)
    with pytest.raises(PromptError) as caught:
        place(PromptRequest((replace(inside, places=((0.0, 0.0, 0.0),)),)), volume)
    assert "LPS" not in str(caught.value)
