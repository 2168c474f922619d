"""Which volume of a study is read, and which stacks are refused."""

from __future__ import annotations

import shutil
import struct
import zipfile

import numpy as np
import pytest

from anybone.core.errors import GeometryError, ReadError, SeriesError
from anybone.io import describe, read


@pytest.fixture
def study(tmp_path, array, affine, dicom_files):
    """Write series 3 (T1) and 8 (T2, brighter), and a localizer of three planes as series 1."""
    dicom_files.write_classic(tmp_path / "t1", array, affine, dicom_files.Study(3, "ax T1", "1.2.3"))
    dicom_files.write_classic(tmp_path / "t2", array + 500, affine, dicom_files.Study(8, "ax T2 fs", "1.2.8"))
    _localizer(tmp_path / "loc", array, dicom_files)
    return tmp_path


def _localizer(folder, array, dicom_files):
    scout = dicom_files.Study(1, "scout", "1.2.1")
    for n, axes in enumerate(([0, 1, 2], [1, 2, 0], [2, 0, 1])):
        affine = np.eye(4)
        affine[:3, :3] = np.eye(3)[:, axes] * 5
        dicom_files.write_classic(folder, array[:, :, :2], affine, scout, prefix=f"plane{n}_")


@pytest.mark.parametrize("wanted", [8, "8", "1.2.8", "T2", "t2 FS", "fs"])
def test_a_series_is_chosen_by_number_uid_or_description(study, wanted):
    assert read(study, series=wanted).data.min() == 500


def test_a_place_in_the_list_counts_where_it_is_no_series_number(study):
    assert read(study, series="4").source.series == "1.2.3"
    assert read(study, series="3").source.series == "1.2.3"  # series 3, not the third of the list


def test_several_volumes_are_listed_in_the_order_of_their_numbers(study):
    with pytest.raises(SeriesError) as caught:
        read(study)
    lines = str(caught.value).splitlines()
    assert "--series" in lines[0]
    assert lines[1:] == [
        "  1. 1#stack1: scout stack1, 6 x 5 x 2, 5 x 5 x 5 mm",
        "  2. 1#stack2: scout stack2, 6 x 5 x 2, 5 x 5 x 5 mm",
        "  3. 1#stack3: scout stack3, 6 x 5 x 2, 5 x 5 x 5 mm",
        "  4. 3: ax T1, 6 x 5 x 4, 0.7 x 0.9 x 4 mm",
        "  5. 8: ax T2 fs, 6 x 5 x 4, 0.7 x 0.9 x 4 mm",
    ]


@pytest.mark.parametrize(
    ("wanted", "match"), [("ax", "2 series match 'ax'"), ("PD", "No series matches"), ("99", "No series")]
)
def test_a_choice_that_fits_none_or_several_lists_them(study, wanted, match):
    with pytest.raises(SeriesError, match=match):
        read(study, series=wanted)


def test_the_only_volume_is_taken_with_a_note(study):
    shutil.rmtree(study / "t2")
    volume = read(study)
    assert volume.source.series == "1.2.3"
    assert any("scout" in note for note in volume.source.notes)


def test_planes_of_a_localizer_are_chosen_by_name(study):
    with pytest.raises(SeriesError, match=r"There are 3 series or parts of series, none of them a volume"):
        read(study / "loc")
    assert read(study / "loc", series="1#stack2").geometry.plane(2) == "sagittal"


def test_descriptions_of_each_volume(study):
    *scout, t1, t2 = describe(study)
    assert [s.plane for s in scout] == ["axial", "sagittal", "coronal"]
    assert (t1.name, t1.series_uid, t1.series_number, t1.text, t1.images) == ("3", "1.2.3", 3, "ax T1", 4)
    assert (t1.plane, t1.value_type, t1.problem) == ("axial", "int16", "")
    assert t2.geometry.shape_ijk == (6, 5, 4)


def test_series_without_numbers_go_by_uid(tmp_path, array, affine, dicom_files):
    for n in (1, 2):
        dicom_files.write_classic(tmp_path / str(n), array * n, affine, dicom_files.Study(None, "", f"1.2.{n}"))
    assert [d.name for d in describe(tmp_path)] == ["1.2.1", "1.2.2"]
    assert np.array_equal(read(tmp_path, series="1.2.2").data, array * 2)


def test_echoes_of_one_series_are_volumes_of_their_own(tmp_path, array, affine, dicom_files):
    knee = dicom_files.Study(8, "", "1.2.8")
    for echo in (1, 2):
        dicom_files.write_classic(
            tmp_path, array * echo, affine, knee, prefix=f"e{echo}_", EchoNumbers=echo, EchoTime=6.3 * echo
        )
    with pytest.raises(SeriesError, match=r"8#echo1[\s\S]*8#echo2"):
        read(tmp_path)
    for wanted in ("8#echo2", "1.2.8#echo2", "echo2", "2"):
        volume = read(tmp_path, series=wanted)
        assert np.array_equal(volume.data, array * 2), wanted
        assert volume.source.series == "1.2.8#echo2"


def test_dixon_images_are_told_apart_by_the_words_in_which_they_differ(tmp_path, array, affine, dicom_files):
    for word in ("W", "F"):
        kind = ["DERIVED", "PRIMARY", word]
        dicom_files.write_classic(
            tmp_path, array, affine, dicom_files.Study(2, "dixon", "1.2.2"), prefix=word, ImageType=kind
        )
    assert [d.name for d in describe(tmp_path)] == ["2#f", "2#w"]


def test_a_property_that_differs_from_slice_to_slice_splits_nothing(tmp_path, array, affine, dicom_files):
    for k in range(4):
        ds = dicom_files.classic_slice(
            dicom_files.Study(uid="1.2"), array, affine, k, TriggerTime=k * 10.0, AcquisitionNumber=k
        )
        dicom_files.save(ds, tmp_path / f"{k}.dcm", array[:, :, k].T)
    assert np.array_equal(read(tmp_path).data, array)


def test_echo_and_time_together(tmp_path, array, affine, dicom_files):
    for echo in (1, 2):
        for time in (1, 2, 3):
            dicom_files.write_classic(
                tmp_path,
                array + 10 * echo + time,
                affine,
                dicom_files.Study(4, "", "1.4"),
                prefix=f"{echo}{time}",
                EchoNumbers=echo,
                TemporalPositionIdentifier=time,
            )
    assert len(describe(tmp_path)) == 6
    assert np.array_equal(read(tmp_path, series="4#echo2-time3").data, array + 23)


def test_a_missing_slice_is_refused_by_its_neighbors(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, np.concatenate([array, array], axis=2), affine)
    (tmp_path / "im004.dcm").unlink()
    with pytest.raises(GeometryError, match=r"8 mm between im005\.dcm and im003\.dcm"):
        read(tmp_path)


def test_exact_copies_are_dropped_with_a_note(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    shutil.copy(tmp_path / "im002.dcm", tmp_path / "z_copy.dcm")
    volume = read(tmp_path)
    assert np.array_equal(volume.data, array)
    assert any("z_copy.dcm" in note for note in volume.source.notes)


def test_a_second_image_at_one_place_is_refused_by_name(tmp_path, array, affine, dicom_files):
    study = dicom_files.write_classic(tmp_path, array, affine)
    ds = dicom_files.classic_slice(study, array, affine, 2, InstanceNumber=9)
    dicom_files.save(ds, tmp_path / "again.dcm", array[:, :, 2].T)
    with pytest.raises(GeometryError, match=r"1 image at 3 places; 2 images at 1 place.*again\.dcm, im002\.dcm"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("pixel spacing", {"PixelSpacing": [0.9, 0.71]}),
        ("orientation", {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}),
    ],
)
def test_a_slice_that_differs_is_refused_by_name(tmp_path, array, affine, dicom_files, what, change):
    study = dicom_files.write_classic(tmp_path, array, affine)
    ds = dicom_files.classic_slice(study, array, affine, 1, **change)
    dicom_files.save(ds, tmp_path / "im003.dcm", array[:, :, 1].T)
    with pytest.raises(GeometryError, match=rf"8 mm between im004.*differ in.*{what}.*#stack\d \(im003\.dcm\)"):
        read(tmp_path)


def test_a_slice_of_another_matrix_is_refused_by_name(tmp_path, array, affine, dicom_files):
    study = dicom_files.write_classic(tmp_path, array, affine)
    ds = dicom_files.classic_slice(study, array[:5], affine, 1)
    dicom_files.save(ds, tmp_path / "im003.dcm", array[:5, :, 1].T)
    with pytest.raises(GeometryError, match=r"differ in.*matrix.*#stack\d \(im003\.dcm\)"):
        read(tmp_path)


def test_a_slice_off_the_line_is_refused_by_name(tmp_path, array, affine, dicom_files):
    study = dicom_files.write_classic(tmp_path, array, affine)
    moved = np.array(affine)
    moved[:3, 3] += 1.5 * affine[:3, 0] / 0.7
    ds = dicom_files.classic_slice(study, array, moved, 1)
    dicom_files.save(ds, tmp_path / "im003.dcm", array[:, :, 1].T)
    with pytest.raises(GeometryError, match=r"im003\.dcm is 1\.5 mm off"):
        read(tmp_path)


def test_rounded_positions_are_one_grid(tmp_path, array, affine, dicom_files):
    for k in range(4):
        ds = dicom_files.classic_slice(dicom_files.Study(uid="1.2"), array, affine, k)
        ds.ImagePositionPatient = [round(float(x), 1) for x in ds.ImagePositionPatient]
        dicom_files.save(ds, tmp_path / f"{k}.dcm", array[:, :, k].T)
    volume = read(tmp_path)
    assert any("uneven by up to 0.0" in note for note in volume.source.notes)


def test_other_files_are_left_out_and_counted(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    for name in ("LICENSE", "DICOMDIR", ".DS_Store", "empty"):
        (tmp_path / name).write_bytes(b"" if name == "empty" else b"some text " * 40)
    (tmp_path / "folder.dcm").mkdir()
    volume = read(tmp_path)
    assert np.array_equal(volume.data, array)
    assert "Skipped 4 files that are not DICOM images" in volume.source.notes[-1]


def test_a_damaged_image_is_never_left_out_silently(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    path = tmp_path / "im004.dcm"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ReadError, match=r"im004\.dcm"):
        read(tmp_path)


@pytest.mark.parametrize("group_and_element", [(0x20, 0x0E), (0x20, 0x11), (0x20, 0x32), (0x28, 0x10)])
def test_a_damaged_image_does_not_block_other_series(study, group_and_element):
    path = study / "t1" / "im004.dcm"
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.find(struct.pack("<HH", *group_and_element)) + 9])
    if group_and_element < (0x20, 0x13):  # before the series is known
        with pytest.raises(ReadError, match=r"im004\.dcm"):
            read(study, series="8")
        return
    assert read(study, series="8").data.min() == 500
    with pytest.raises(ReadError, match=r"im004\.dcm"):
        read(study, series="3")


def test_folders_without_images_say_so(tmp_path):
    (tmp_path / "x.nii.gz").mkdir()
    with pytest.raises(ReadError, match="no DICOM image"):
        read(tmp_path / "x.nii.gz")
    (tmp_path / "x.nii.gz" / "a.nii").write_bytes(b"text")
    with pytest.raises(ReadError, match=r"no DICOM image\. Skipped 1 file that is not .*: a\.nii\. Give"):
        read(tmp_path / "x.nii.gz")
    for name in "bcdef":
        (tmp_path / "x.nii.gz" / name).write_bytes(b"text")
    with pytest.raises(ReadError, match=r"no DICOM image\. Skipped 6 files .* b, c, d, e, \.\.\.\. Give"):
        read(tmp_path / "x.nii.gz")


def test_linked_folders_are_not_followed_in_circles(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path / "a", array, affine)
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    assert np.array_equal(read(tmp_path).data, array)


def test_a_zip_is_read_like_its_folder(study, tmp_path_factory):
    packed = tmp_path_factory.mktemp("zip") / "study.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in study.rglob("*.dcm"):
            archive.write(path, path.relative_to(study))
        archive.writestr("LICENSE", "free")
    assert [(d.name, d.geometry, d.problem) for d in describe(packed)] == [
        (d.name, d.geometry, d.problem) for d in describe(study)
    ]
    inside, outside = read(packed, series=8), read(study, series=8)
    assert np.array_equal(inside.data, outside.data)
    assert inside.geometry == outside.geometry
