from __future__ import annotations

import json
import zlib

import nibabel as nib
import numpy as np
import pytest

from anybone.core.errors import InputError, NothingFoundError, ReadError, UsageError
from anybone.training.cache import IGNORE
from anybone.training.cases import Case
from anybone.training.check import find_faults
from anybone.training.data import held_out_patients, prepare, volume_cases
from anybone.training.layouts import find_cases
from anybone.training.manifest import read_manifest, write_manifest
from anybone.training.split import split_cases


def image(path, value=0):
    rng = np.random.default_rng([zlib.crc32(str(path).encode()), value])  # no two images are the same
    data = rng.random((24, 20, 3)).astype(np.float32)
    return saved(path, data)


def mask(path, labels=(1,), shape=(24, 20, 3), affine=None):
    data = np.zeros(shape, np.uint8)
    for n, label in enumerate(labels):
        data[2 + 8 * n : 9 + 8 * n, 4:14] = label
    return saved(path, data, affine)


def saved(path, data, affine=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(data, np.eye(4) if affine is None else affine).to_filename(path)
    return path


@pytest.fixture
def listed(tmp_path):
    """Six patients of two regions, and a manifest of them."""
    cases = [
        Case(
            image(tmp_path / f"mr/{n}.nii.gz", n),
            mask(tmp_path / f"bones/{n}.nii.gz"),
            f"p{n}",
            "knee" if n < 4 else "hand",
        )
        for n in range(6)
    ]
    write_manifest(cases, tmp_path / "cases.csv")
    return tmp_path / "cases.csv"


@pytest.mark.parametrize("name", ["a.csv", "lists/a.json"])
def test_a_manifest_says_what_it_was_told(listed, tmp_path, name):
    cases = read_manifest(listed)
    write_manifest(split_cases(cases, validation=0.3), tmp_path / name)
    again = read_manifest(tmp_path / name)
    assert [case.image.resolve() for case in again] == [case.image.resolve() for case in cases]
    assert [case.key for case in again] == [f"knee/p{n}" for n in range(4)] + ["hand/p4", "hand/p5"]
    assert {case.split for case in again} == {"training", "validation"}


def test_other_tools_words_are_understood(tmp_path):
    (tmp_path / "m.csv").write_text("image,label,split,age\na.nii.gz,b.nii.gz,val,33\n")
    (case,) = read_manifest(tmp_path / "m.csv")
    assert (case.bones, case.split, case.patient) == (tmp_path / "b.nii.gz", "validation", "a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image\na.nii.gz\n", "image and bones"),
        ("image,bones,split\na.nii,b.nii,some\n", "some"),
        ("image,bones,ignore_label\na.nii,b.nii,x\n", "ignore_label"),
    ],
)
def test_a_bad_row_is_named(tmp_path, text, told):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ReadError, match=r"m\.csv, case 1") as caught:
        read_manifest(tmp_path / "m.csv")
    assert told in str(caught.value)


def test_a_manifest_is_a_table(tmp_path, listed):
    (tmp_path / "m.csv").write_text("image,bones\n")
    with pytest.raises(NothingFoundError):
        read_manifest(tmp_path / "m.csv")
    (tmp_path / "m.json").write_text("3")
    with pytest.raises(ReadError):
        read_manifest(tmp_path / "m.json")
    with pytest.raises(UsageError, match="csv"):
        write_manifest(read_manifest(listed), tmp_path / "m.txt")


@pytest.mark.parametrize("labels", [{"0": "background", "1": "femur", "2": "ignore"}, {"femur": 1, "ignore": 2}])
def test_nnunet(tmp_path, labels):
    for channel in ("0000", "0001"):
        image(tmp_path / f"imagesTr/case_7_{channel}.nii.gz")
    mask(tmp_path / "labelsTr/case_7.nii.gz", (1, 2))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels, "channel_names": {"0": "T1", "1": "T2"}}))
    cases = find_cases(tmp_path)
    assert [(case.patient, case.sequence) for case in cases] == [("case_7", "T1"), ("case_7", "T2")]
    assert cases[0].names[1] == "femur"
    (volume, _) = volume_cases([tmp_path])
    assert sorted(np.unique(volume.labels)) == [0, 1, IGNORE]
    assert volume.patient == f"{tmp_path.name}/case_7"
    assert prepare([tmp_path]).patients == [volume.patient] * 6


def test_bids(tmp_path):
    for subject in ("01", "02"):
        for suffix in ("acq-sag_T1w", "acq-cor_PDw"):
            image(tmp_path / f"sub-{subject}/anat/sub-{subject}_{suffix}.nii.gz")
        (tmp_path / f"sub-{subject}/anat/sub-{subject}_acq-sag_T1w.json").write_text('{"BodyPart": "KNEE"}')
        mask(tmp_path / f"derivatives/hand/sub-{subject}/anat/sub-{subject}_acq-sag_desc-bone_dseg.nii.gz")
    (tmp_path / "derivatives/hand/desc-bone_dseg.tsv").write_text("index\tname\n1\tfemur\n")
    cases = find_cases(tmp_path)
    assert [(case.key, case.sequence, dict(case.names)) for case in cases] == [
        (f"knee/sub-{subject}", "T1w", {1: "femur"}) for subject in ("01", "02")
    ]
    image(tmp_path / "sub-02/anat/sub-02_acq-sag_T2w.nii.gz")
    with pytest.raises(ReadError, match="T2w"):
        find_cases(tmp_path)


def test_what_is_no_layout(tmp_path):
    with pytest.raises(NothingFoundError, match="nnU-Net"):
        find_cases(tmp_path)
    with pytest.raises(ReadError, match="does not exist"):
        find_cases(tmp_path / "nowhere")


def test_splits_decide_who_is_learned_from(listed):
    cases = read_manifest(listed)
    made = split_cases(cases, validation=0.25, test=0.25, seed=4)
    assert made == split_cases(cases, validation=0.25, test=0.25, seed=4)
    knees = [case.split for case in made if case.region == "knee"]
    assert sorted(knees) == ["test", "training", "training", "validation"]
    write_manifest(made, listed)
    held_out = {case.key for case in made if case.split == "validation"}
    assert held_out_patients([listed]) == held_out
    tested = {case.key for case in made if case.split == "test"}
    assert set(prepare([listed]).patients) == {case.key for case in made} - tested


def test_all_cases_of_a_patient_stay_together(listed):
    cases = [*read_manifest(listed), *(Case(c.image, c.bones, c.patient, "foot") for c in read_manifest(listed)[:3])]
    for seed in range(5):
        split = {}
        for case in split_cases(cases, validation=0.4, seed=seed):
            assert split.setdefault(case.patient, case.split) == case.split
    with pytest.raises(UsageError):
        split_cases(cases, validation=1.0)


def test_every_fault_is_named_at_once(tmp_path):
    good = image(tmp_path / "good.nii.gz")
    small = mask(tmp_path / "small.nii.gz", shape=(24, 20, 2))
    moved = mask(tmp_path / "moved.nii.gz", affine=np.diag([2.0, 1, 1, 1]))
    empty = mask(tmp_path / "empty.nii.gz", ())
    strange = mask(tmp_path / "strange.nii.gz", (1, 7))
    fine = mask(tmp_path / "fine.nii.gz")
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    flat = saved(tmp_path / "flat.nii.gz", np.ones((24, 20, 3), np.float32))
    copy = tmp_path / "copy.nii.gz"
    copy.write_bytes(good.read_bytes())
    others = [image(tmp_path / f"{n}.nii.gz", n) for n in range(5)]
    cases = [
        Case(others[0], small, "a"),
        Case(others[1], moved, "b"),
        Case(others[2], empty, "c"),
        Case(others[3], strange, "d", names={1: "femur"}),
        Case(broken, fine, "e"),
        Case(flat, fine, "f"),
        Case(good, fine, "g", split="training"),
        Case(others[4], fine, "g", split="validation"),
        Case(copy, fine, "h"),
        Case(others[4], fine, "P-07"),
        Case(good, small, "g"),
    ]
    faults = find_faults(cases)
    for told in (
        ("small", "24 x 20 x 2"),
        ("moved", "affines differ"),
        ("empty", "no bone"),
        ("strange", "[7]"),
        ("broken", "cannot be read"),
        ("flat", "same everywhere"),
        ("Patient g", "both sides"),
        ("good", "several masks"),
        ("g (", "h (", "same image"),
    ):
        assert any(all(part in fault for part in told) for fault in faults), told
    alike = find_faults([Case(others[0], fine, "P-07"), Case(others[1], fine, "p7")])
    assert len(alike) == 1
    assert "spelling" in alike[0]
    assert find_faults([Case(good, fine, "g"), Case(others[0], fine, "k7"), Case(others[1], fine, "k71")]) == []


def test_faulty_cases_are_not_learned_from(listed, tmp_path):
    mask(tmp_path / "bones/2.nii.gz", ())
    mask(tmp_path / "bones/3.nii.gz", shape=(24, 20, 2))
    with pytest.raises(InputError, match="2 faults in 6 cases") as caught:
        prepare([listed])
    assert all(name in str(caught.value) for name in ("2.nii.gz", "3.nii.gz"))
