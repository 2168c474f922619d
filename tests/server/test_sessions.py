"""What a page does: open, click, correct, name, undo, draw, save."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np
import pytest

import anybone
from server.conftest import ON_BONE, ON_OTHER, bars, plane_of
from server.test_jobs import wait_for


def test_a_session_says_what_a_page_needs(client: httpx.Client) -> None:
    answer = client.post("/api/sessions", json={"path": "bars.nii.gz"})
    found = answer.json()
    assert answer.status_code == 201
    assert (found["shape"], found["axis"], found["slices"], found["spacing_mm"]) == ([64, 64, 6], 2, 6, [1, 1, 3])
    assert found["affine"] == np.diag([1, 1, 3, 1]).tolist()
    assert (found["name"], found["source"]["path"], found["revision"]) == ("bars", "bars.nii.gz", 0)
    assert (found["bones"], found["mask_slices"], found["job"], found["can_undo"]) == ([], [], None, False)
    assert client.get(f"/api/sessions/{found['id']}").json() == found


def test_the_image_is_the_volume(client: httpx.Client, session: str) -> None:
    image = nib.Nifti1Image.from_bytes(client.get(f"{session}/image").content)
    assert image.get_data_dtype() == np.int16
    np.testing.assert_array_equal(image.get_fdata(), bars().data)
    np.testing.assert_allclose(image.affine, bars().geometry.affine_ras_mm)


def test_a_click_answers_with_the_bar_and_nothing_else(client: httpx.Client, session: str) -> None:
    change = client.post(f"{session}/add_point", json={"ijk": ON_BONE}).json()
    assert (change["revision"], change["mask_slices"], change["can_undo"]) == (1, [2], True)
    (row,) = change["changed"]["mask"]
    assert row["slice"] == 2
    expected = np.zeros((64, 64))
    expected[8:24, 8:24] = 1
    np.testing.assert_array_equal(plane_of(row["runs"]), expected)
    assert change["prompts"] == [{"kind": "point", "ijk": [16, 16, 2], "positive": True}]
    assert wait_for(lambda: client.get(session).json()["saved"])


def test_accepted_bones_are_told_with_their_sizes(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    change = client.post(f"{session}/commit", json={"bone": "femur_left"}).json()
    (bone,) = change["bones"]
    assert (bone["key"], bone["name"], bone["side"], bone["voxels"]) == ("femur_left", "left femur", "left", 256)
    assert (bone["volume_ml"], bone["extent_mm"], bone["slices"]) == (0.768, [16, 16, 3], [2, 2])
    assert bone["color"] == "#" + bytes(anybone.core.labels.BONES["femur_left"].color_rgb).hex()
    assert [row["slice"] for row in change["changed"]["labels"]] == [2]
    assert plane_of(change["changed"]["mask"][0]["runs"]).max() == 0  # the answer is empty again


def test_undo_and_redo_go_back_and_forth(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    back = client.post(f"{session}/undo", json={}).json()
    assert (back["mask_slices"], back["can_undo"], back["can_redo"], back["revision"]) == ([], False, True, 2)
    forth = client.post(f"{session}/redo", json={}).json()
    assert (forth["mask_slices"], forth["revision"]) == ([2], 3)
    assert client.post(f"{session}/redo", json={}).json()["revision"] == 3  # nothing left to redo


def test_every_verb_of_bones(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/add_box", json={"min_ijk": [0, 0, 2], "max_ijk": [63, 63, 2]})
    client.post(f"{session}/commit", json={"name": "both", "color": "#123456"})
    pieces = client.post(f"{session}/split", json={"label": 1}).json()["bones"]
    assert [bone["name"] for bone in pieces] == ["both (1)", "both (2)"]
    labels = [bone["label"] for bone in pieces]
    merged = client.post(f"{session}/merge", json={"labels": labels, "into": labels[1]}).json()["bones"]
    assert [(bone["label"], bone["voxels"]) for bone in merged] == [(labels[1], 512)]
    named = client.post(f"{session}/rename", json={"label": labels[1], "name": "tibia", "side": "right"}).json()
    assert (named["bones"][0]["key"], named["bones"][0]["side"]) == ("tibia_right", "right")
    edited = client.post(f"{session}/edit", json={"label": labels[1]}).json()
    assert (edited["bones"], edited["mask_slices"]) == ([], [2])
    client.post(f"{session}/commit", json={})
    assert client.post(f"{session}/remove", json={"label": labels[1]}).json()["bones"] == []


def test_brush_lasso_scribble_and_filling_between(client: httpx.Client, session: str) -> None:
    runs = [0, 64 * 10, 1, 5, 0, 64 * 64 - 64 * 10 - 5]
    change = client.post(f"{session}/paint", json={"slice": 0, "runs": runs}).json()
    assert change["changed"]["mask"] == [{"slice": 0, "runs": runs}]
    stroke = {"ijk_list": [[2, 10, 0]], "radius_mm": 0.5, "erase": True}
    assert plane_of(client.post(f"{session}/paint", json=stroke).json()["changed"]["mask"][0]["runs"]).sum() == 4
    client.post(f"{session}/reset", json={})
    client.post(f"{session}/add_scribble", json={"ijk_list": [[16, 16, 0], [16, 20, 0]]})
    lasso = {"ijk_list": [[4, 4, 3], [30, 4, 3], [30, 30, 3], [4, 30, 3]]}
    assert client.post(f"{session}/add_lasso", json=lasso).json()["mask_slices"] == [0, 3]
    assert client.post(f"{session}/interpolate", json={}).json()["mask_slices"] == [0, 1, 2, 3]


def test_one_piece_is_kept(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/automatic", json={"slices": [2]})
    change = client.post(f"{session}/keep", json={"ijk": ON_BONE}).json()
    assert plane_of(change["changed"]["mask"][0]["runs"]).sum() == 256
    assert client.post(f"{session}/keep", json={"ijk": ON_OTHER}).json()["error"]["kind"] == "PromptError"


def test_layers_and_changes_catch_up(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"name": "one"})
    client.post(f"{session}/add_point", json={"ijk": [*ON_OTHER[:2], 3]})
    layers = client.get(f"{session}/layers").json()
    assert layers["revision"] == 3
    assert [row["slice"] for row in layers["mask"]] == [3]
    assert [row["slice"] for row in layers["labels"]] == [2]
    late = client.get(f"{session}/changes", params={"since": 2}).json()["changed"]
    assert ([row["slice"] for row in late["mask"]], late["labels"], late["complete"]) == ([3], [], False)


def test_probability_is_a_byte_a_voxel(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    plane = np.frombuffer(client.get(f"{session}/probability?slice=2").content, np.uint8).reshape(64, 64, order="F")
    assert plane[16, 16] > 200 > 50 > plane[50, 16]
    assert client.get(f"{session}/probability?slice=6").status_code == 400


@pytest.mark.parametrize(
    ("verb", "body", "status", "kind"),
    [
        ("add_point", {"ijk": [99, 0, 0]}, 400, "PromptError"),
        ("add_point", {"ijk": [1, 2]}, 422, "SchemaError"),
        ("add_point", {"ijk": [1, 2, 3], "more": 1}, 422, "SchemaError"),
        ("commit", {"name": "x"}, 400, "PromptError"),
        ("commit", {"bone": "wing"}, 400, "PromptError"),
        ("remove", {"label": 7}, 400, "PromptError"),
        ("paint", {"slice": 0, "runs": [1, 5]}, 400, "PromptError"),
        ("paint", {"slice": 0}, 400, "PromptError"),
        ("automatic", {"first": 4, "last": 2}, 400, "PromptError"),
        ("automatic", {"slices": []}, 400, "PromptError"),
        ("save", {"formats": ["docx"]}, 400, "UsageError"),
        ("save", {}, 400, "UsageError"),
    ],
)
def test_what_cannot_be_meant_is_said(
    client: httpx.Client, session: str, verb: str, body: dict, status: int, kind: str
) -> None:
    answer = client.post(f"{session}/{verb}", json=body)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert client.get(session).json()["revision"] == 0


def test_a_session_is_saved_and_its_files_downloaded(client: httpx.Client, session: str, folder: Path) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"bone": "femur_left"})
    answer = client.post(f"{session}/save", json={"formats": ["nifti", "statistics"], "path": "deeper/mine"}).json()
    names = {row["path"] for row in answer["files"]}
    assert names == {f"deeper/mine{end}" for end in (".nii.gz", ".json", "_statistics.csv", "_statistics.json")}
    mask = anybone.read_segmentation(folder / "deeper" / "mine.nii.gz")
    assert (dict(mask.names), int(mask.mask.sum())) == ({1: "left femur"}, 256)
    for row in answer["files"]:
        assert len(client.get(row["download"]).content) == row["bytes"]
    archive = zipfile.ZipFile(io.BytesIO(client.get(answer["archive"]["download"]).content))
    assert {f"deeper/{name}" for name in archive.namelist()} == names


def test_saving_makes_the_folder_that_is_named(client: httpx.Client, session: str, folder: Path) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"bone": "femur_left"})
    assert client.post(f"{session}/save", json={"path": "results/new/knee_bones"}).status_code == 200
    assert (folder / "results" / "new" / "knee_bones.nii.gz").is_file()
    into_a_file = client.post(f"{session}/save", json={"path": "bars.nii.gz/x"})
    assert (into_a_file.status_code, "bars.nii.gz is a file" in into_a_file.text) == (404, True)
    assert client.post(f"{session}/save", json={"path": "way_out/new/x"}).status_code == 404
    assert not (folder.parent / "new").exists()


def test_slices_are_flagged_below_the_threshold_that_the_session_names(client: httpx.Client, session: str) -> None:
    assert client.get(session).json()["flag_below"] is None  # this network is not calibrated


def test_saving_never_writes_over_what_is_not_its_own(client: httpx.Client, session: str, folder: Path) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"name": "one"})
    before = (folder / "bars.nii.gz").read_bytes()
    answer = client.post(f"{session}/save", json={"path": "bars"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "WriteError")
    assert (folder / "bars.nii.gz").read_bytes() == before
    for _ in range(2):  # its own it may renew
        assert client.post(f"{session}/save", json={"path": "mine"}).status_code == 200
        client.post(f"{session}/rename", json={"label": 1, "name": "two"})


def test_sessions_are_listed_and_forgotten(client: httpx.Client, session: str) -> None:
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"name": "one"})
    (row,) = [row for row in client.get("/api/sessions").json() if session.endswith(row["id"])]
    assert (row["name"], row["path"], row["bones"], row["open"]) == ("bars", "bars.nii.gz", ["one"], True)
    assert client.delete(session).status_code == 204
    assert not [row for row in client.get("/api/sessions").json() if session.endswith(row["id"])]
    assert client.get(session).status_code == 404
