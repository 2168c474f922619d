"""Writing: exactly the grid that was given, whole files or none, names that travel."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from anybone.core.errors import GeometryError, ReadError, WriteError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io import FORMATS, read, read_segmentation, write

SUFFIXES = [s for kind in FORMATS.values() for s in kind.write_suffixes]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_grid_names_scores_and_provenance_come_back(tmp_path, bones, suffix):
    write(bones, tmp_path / f"knee_bones{suffix}")
    back = read_segmentation(tmp_path / f"knee_bones{suffix}")
    assert np.array_equal(back.labels, bones.labels)
    assert back.geometry.matches(bones.geometry)
    assert dict(back.names) == dict(bones.names)
    assert dict(back.scores) == dict(bones.scores)
    assert back.provenance == bones.provenance
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([f"knee_bones{suffix}", "knee_bones.json"])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ([0, 1, 200], "int16"),
        ([-5, 0, 30000], "int16"),
        ([0, 1, 60000], "uint16"),
        ([-1, 0, 60000], "float32"),
        ([0, 0.5, 1], "float32"),
        ([0, 1, 1e30], "float32"),
    ],
)
def test_volumes_keep_every_value_in_the_smallest_type(tmp_path, affine, suffix, values, stored):
    from anybone.io import describe

    data = np.array(values, dtype=np.float32).reshape(3, 1, 1) * np.ones((1, 2, 2), dtype=np.float32)
    path = tmp_path / f"a{suffix}"
    write(Volume(data, Geometry(data.shape, affine)), path)
    assert np.array_equal(read(path).data, data)
    assert describe(path)[0].value_type == stored
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_smallest_type_that_holds_every_named_label(tmp_path, bones, suffix):
    from anybone.io import describe

    write(bones, tmp_path / f"a{suffix}")
    assert describe(tmp_path / f"a{suffix}")[0].value_type == "uint8"
    many = Segmentation(bones.labels, bones.geometry, {**bones.names, 300: "toe"})
    write(many, tmp_path / f"a{suffix}")
    assert describe(tmp_path / f"a{suffix}")[0].value_type == "uint16"


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_names_travel_in_the_file_itself(tmp_path, bones, suffix):
    write(bones, tmp_path / f"a{suffix}")
    (tmp_path / "a.json").unlink()
    assert dict(read_segmentation(tmp_path / f"a{suffix}").names) == dict(bones.names)


def test_the_json_beside_the_file(tmp_path, bones):
    write(bones, tmp_path / "a.mha")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["anybone"]
    assert content["labels"]["1"]["name"] == "left femur"
    assert content["labels"]["1"]["score"] == 0.75
    assert len(content["labels"]["1"]["color_rgb"]) == 3
    assert content["provenance"]["method"] == "cortex"


def test_labels_without_any_table_get_numbers(tmp_path, bones):
    write(bones, tmp_path / "a.mha")
    (tmp_path / "a.json").unlink()
    assert dict(read_segmentation(tmp_path / "a.mha").names) == {1: "bone", 7: "label 7"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"anybone": 3}', '{"anybone": {"labels": {"x": {}}}}', "[" * 100_000]
)
def test_damaged_tables_cost_names_only(tmp_path, bones, text):
    write(bones, tmp_path / "a.mha")
    (tmp_path / "a.json").write_text(text)
    assert dict(read_segmentation(tmp_path / "a.mha").names)[7] == "label 7"


def test_images_are_no_labels(tmp_path, affine):
    for n, values in enumerate(([0.5, 1], [-1, 1], [0, 70000])):
        data = np.array(values, dtype=np.float32).reshape(2, 1, 1) * np.ones((1, 2, 2), dtype=np.float32)
        write(Volume(data, Geometry(data.shape, affine)), tmp_path / f"{n}.nii")
        with pytest.raises(ReadError, match="not labels"):
            read_segmentation(tmp_path / f"{n}.nii")


@pytest.mark.parametrize("name", ["a", "a.png", "a.dcm", "nii.gz", ".nii", "a.mhd"])
def test_unknown_suffixes_list_the_known(tmp_path, bones, name):
    with pytest.raises(WriteError, match=r"\.nii\.gz, \.nii, .*\.mha"):
        write(bones, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path, bones):
    write(bones, tmp_path / "new" / "folder" / "a.nii.gz")
    assert read(tmp_path / "new" / "folder" / "a.nii.gz").data.sum() == bones.labels.sum()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, bones, monkeypatch):
    for suffix in SUFFIXES:
        path = tmp_path / f"a{suffix}"
        write(bones, path)
        before = path.read_bytes()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full)
            with pytest.raises(WriteError, match="No space left"):
                write(Segmentation(bones.labels * 0, bones.geometry), path)
        assert path.read_bytes() == before
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, "a.json"])
        path.unlink()
        (tmp_path / "a.json").unlink()


def test_places_that_cannot_be_written(tmp_path, bones):
    (tmp_path / "file").write_text("x")
    (tmp_path / "a.nii").mkdir()
    for path in (tmp_path / "file" / "a.nii", tmp_path / "a.nii"):
        with pytest.raises(WriteError, match="cannot be written"):
            write(bones, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nii", "file"]


def test_another_programs_json_is_not_overwritten(tmp_path, bones):
    (tmp_path / "sub_T1w.json").write_text('{"EchoTime": 0.01}')
    with pytest.raises(WriteError, match="was not written by anybone"):
        write(bones, tmp_path / "sub_T1w.nii.gz")
    assert [p.name for p in tmp_path.iterdir()] == ["sub_T1w.json"]


def test_the_rights_of_new_files_are_the_users_own(tmp_path, bones):
    write(bones, tmp_path / "a.nii")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "a.nii").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_broken_grids_cannot_be_made(affine):
    affine[0, 0] = np.nan
    with pytest.raises(GeometryError):
        Geometry((2, 2, 2), affine)


def test_an_image_is_not_taken_for_a_mask(tmp_path):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 1000, (20, 24, 6)).astype(np.float32)
    few = rng.integers(0, 40, (20, 24, 6)).astype(np.float32)
    for name, data in (("image", image), ("few", few)):
        write(Volume(data, Geometry(data.shape, np.diag([1.0, 1.0, 3.0, 1.0]))), tmp_path / f"{name}.nii.gz")
        with pytest.raises(ReadError, match=r"different values \(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\).*not a mask"):
            read_segmentation(tmp_path / f"{name}.nii.gz")
    labels = np.repeat(np.arange(100, dtype=np.float32), 5).reshape(500, 1, 1) * np.ones((1, 4, 3), np.float32)
    write(Volume(labels, Geometry(labels.shape, np.diag([1.0, 1.0, 3.0, 1.0]))), tmp_path / "labels.nii.gz")
    assert read_segmentation(tmp_path / "labels.nii.gz").labels.max() == 99
