"""Several volumes in one file: they are listed, and the one that is chosen is opened."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np
import pytest

from server.conftest import Start, bars
from server.test_jobs import wait_for

WRITER = Path(__file__).resolve().parents[1] / "io" / "dicom_files.py"


@pytest.fixture(scope="module")
def study(folder: Path) -> str:
    """A folder with two series of DICOM and a localizer of one image."""
    spec = importlib.util.spec_from_file_location("anybone_server_dicom_files", WRITER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    stored, affine = bars().data.astype(np.int16), bars().geometry.affine_ras_mm
    for number, text in ((3, "ax T1"), (5, "ax T2 fs")):
        module.write_classic(folder / "study" / f"s{number}", stored, affine, module.Study(number=number, text=text))
    return "study"


def test_series_are_listed_and_one_is_opened(client: httpx.Client, study: str) -> None:
    answer = client.post("/api/sessions", json={"path": study})
    assert answer.status_code == 300
    rows = answer.json()["series"]
    assert [(row["key"], row["description"], row["slices"]) for row in rows] == [
        ("3", "ax T1", 6),
        ("5", "ax T2 fs", 6),
    ]
    found = client.post("/api/sessions", json={"path": study, "series": "5"}).json()
    assert (found["source"]["series"], found["source"]["format"]) == ("5", "dicom")
    assert found["other_series"] == [{"key": "3", "description": "ax T1"}]
    assert found["name"] == "study ax T2 fs"
    beside = client.get(f"/api/sessions/{found['id']}/image", params={"series": "3"})
    assert nib.Nifti1Image.from_bytes(beside.content).shape == (64, 64, 6)
    assert client.get(f"/api/sessions/{found['id']}/image", params={"series": "9"}).status_code == 404
    wrong = client.post("/api/sessions", json={"path": study, "series": "9"})
    assert (wrong.status_code, wrong.json()["error"]["kind"]) == (400, "SeriesError")


def test_stacks_of_one_series_are_listed_and_opened(client: httpx.Client, study: str, folder: Path) -> None:
    writer = sys.modules["anybone_server_dicom_files"]
    knees = writer.Study(7, "sag PD both knees")
    for n, x in enumerate((-80, 90)):
        writer.write_slices(
            folder / "knees", 6, origin=(x, 0, 0), step=-4.0, iop=writer.SAGITTAL, study=knees, first=1 + 6 * n
        )
    scout = writer.Study(1, "loc")
    for n, iop in enumerate((writer.AXIAL, writer.SAGITTAL, writer.CORONAL)):
        writer.write_slices(folder / "scouted" / "loc", 5, iop=iop, study=scout, first=1 + 5 * n)
    writer.write_slices(folder / "scouted" / "t1", 5, study=writer.Study(2, "ax T1"))
    rows = client.post("/api/sessions", json={"path": "knees"}).json()["series"]
    assert [(row["key"], row["slices"]) for row in rows] == [("7#stack1", 6), ("7#stack2", 6)]
    found = client.post("/api/sessions", json={"path": "knees", "series": "7#stack2"}).json()
    assert found["other_series"] == [{"key": "7#stack1", "description": "sag PD both knees stack1"}]
    alone = client.post("/api/sessions", json={"path": "scouted"}).json()  # a localizer asks for no choice
    assert (alone["source"]["series"], len(alone["other_series"])) == ("2", 3)
    planes = client.post("/api/sessions", json={"path": "scouted/loc"})
    assert planes.status_code == 300


def test_one_series_needs_no_choice_and_is_shown_as_dicom(client: httpx.Client, study: str) -> None:
    found = client.post("/api/sessions", json={"path": f"{study}/s3"}).json()
    assert (found["shape"], found["other_series"]) == ([64, 64, 6], [])
    kinds = {e["name"]: e["kind"] for e in client.get("/api/files", params={"path": study}).json()["entries"]}
    assert kinds == {"s3": "dicom", "s5": "dicom"}


def test_a_dropped_folder_is_a_study_too(client: httpx.Client, study: str, folder: Path) -> None:
    files = [("files", (f"dropped/{p.name}", p.read_bytes())) for p in sorted((folder / study / "s3").iterdir())]
    upload = client.post("/api/uploads", files=files).json()
    assert upload["files"] == 6
    assert client.post("/api/sessions", json={"upload": upload["upload"]}).json()["name"] == "dropped ax T1"


def test_volumes_of_a_4_d_file_are_chosen_and_found_again(start: Start, tmp_path: Path) -> None:
    client = start()
    four = np.stack([bars().data, bars().data[::-1]], axis=-1)
    nib.save(nib.Nifti1Image(four, bars().geometry.affine_ras_mm), tmp_path / "served" / "four.nii.gz")
    rows = client.post("/api/sessions", json={"path": "four.nii.gz"}).json()["series"]
    assert [row["key"] for row in rows] == ["volume 0", "volume 1"]
    session = client.post("/api/sessions", json={"path": "four.nii.gz", "series": "volume 1"}).json()["id"]
    ours = client.post(f"/api/sessions/{session}/add_point", json={"ijk": [47, 16, 2]}).json()
    assert ours["mask_slices"] == [2]
    wait_for(lambda: client.get(f"/api/sessions/{session}").json()["saved"])
    again = start().get(f"/api/sessions/{session}").json()
    assert (again["mask_slices"], again["other_series"]) == ([2], [{"key": "volume 0", "description": "volume 1 of 2"}])


def test_damaged_images_say_so_without_telling_where_they_lie(client: httpx.Client, folder: Path) -> None:
    (folder / "broken.nii.gz").write_bytes((folder / "bars.nii.gz").read_bytes()[:100])
    answer = client.post("/api/sessions", json={"path": "broken.nii.gz"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "ReadError")
    assert "broken.nii.gz" in answer.text
    assert str(folder) not in answer.text
