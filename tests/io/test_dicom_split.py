"""Series that hold several stacks or several volumes: each is a choice with its right voxels."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import EncapsulatedPDFStorage, SecondaryCaptureImageStorage

from anybone.core.errors import GeometryError, ReadError, SeriesError
from anybone.io import describe, find_inputs, read


def _names(folder):
    return [d.name for d in describe(folder)]


# --- several stacks


def test_axial_lumbar_blocks_at_disc_angles(tmp_path, dicom_files):
    study = dicom_files.Study(3, "ax T2 discs", "1.2.3")
    blocks = []
    for n, angle in enumerate((-20, -10, 0, 10)):

        def edit(ds, _k, stack=n + 1):
            ds.StackID = str(stack)

        blocks.append(
            dicom_files.write_slices(
                tmp_path,
                4,
                origin=(-10, -12, 30.0 + 30 * n),
                iop=dicom_files.tilted(angle),
                study=study,
                first=1 + 4 * n,
                level=100 * n,
                edit=edit,
            )
        )
    assert _names(tmp_path) == ["3#stack1", "3#stack2", "3#stack3", "3#stack4"]
    with pytest.raises(SeriesError, match=r"4 of them volumes[\s\S]*3#stack1: ax T2 discs stack1, 24 x 20 x 4"):
        read(tmp_path)
    with pytest.raises(SeriesError, match=r"3#stack4"):
        read(tmp_path, series="3")
    for n, block in enumerate(blocks):
        volume = read(tmp_path, series=f"3#stack{n + 1}")
        assert np.array_equal(volume.data, block)
        assert volume.geometry.spacing_mm == pytest.approx((0.7, 0.8, 4.0), abs=1e-6)
        assert volume.source.series == f"1.2.3#stack{n + 1}"


def test_blocks_at_disc_angles_without_stack_id(tmp_path, dicom_files):
    study = dicom_files.Study(3)
    for n, angle in enumerate((10, 0, 10)):  # the first and third are parallel
        iop = dicom_files.tilted(angle)
        dicom_files.write_slices(
            tmp_path, 5, origin=(0, 0, 40.0 * n), iop=iop, study=study, first=1 + 5 * n, level=100 * n
        )
    assert _names(tmp_path) == ["3#stack1", "3#stack2", "3#stack3"]
    assert [read(tmp_path, series=f"3#stack{n}").data.min() for n in (1, 2, 3)] == [0, 100, 200]


@pytest.mark.parametrize("gap", [130.0, 128.0, 40.0])
def test_both_knees_as_parallel_sagittal_blocks(tmp_path, dicom_files, gap):
    study = dicom_files.Study(5, "sag PD both knees")
    right = dicom_files.write_slices(tmp_path, 10, origin=(-80, 0, 0), iop=dicom_files.SAGITTAL, study=study, step=-4.0)
    start = -80 + 9 * 4 + gap
    left = dicom_files.write_slices(
        tmp_path, 10, origin=(start, 0, 0), iop=dicom_files.SAGITTAL, study=study, step=-4.0, first=11, level=500
    )
    assert _names(tmp_path) == ["5#stack1", "5#stack2"]
    assert np.array_equal(read(tmp_path, series="5#stack1").data, right[:, :, ::-1])
    assert np.array_equal(read(tmp_path, series="5#stack2").data, left[:, :, ::-1])


def test_two_stations_in_plane(tmp_path, dicom_files):
    study = dicom_files.Study(6, "cor T1 legs")
    upper = dicom_files.write_slices(tmp_path, 8, origin=(0, 0, 250), iop=dicom_files.CORONAL, study=study)
    lower = dicom_files.write_slices(
        tmp_path, 8, origin=(0, 0, 0), iop=dicom_files.CORONAL, study=study, first=9, level=300
    )
    assert _names(tmp_path) == ["6#stack1", "6#stack2"]
    assert np.array_equal(read(tmp_path, series="6#stack1").data, upper)
    assert np.array_equal(read(tmp_path, series="6#stack2").data, lower)


def test_stations_whose_slices_interleave(tmp_path, dicom_files):
    study = dicom_files.Study(6)
    dicom_files.write_slices(tmp_path, 8, origin=(0, 0, 250), iop=dicom_files.CORONAL, study=study)
    lower = dicom_files.write_slices(
        tmp_path, 8, origin=(3, 1.3, 0), iop=dicom_files.CORONAL, study=study, first=9, level=300
    )
    assert np.array_equal(read(tmp_path, series="6#stack2").data, lower)


def test_three_plane_localizer_beside_a_volume(tmp_path, dicom_files):
    scout = dicom_files.Study(1, "loc")
    for n, iop in enumerate((dicom_files.AXIAL, dicom_files.SAGITTAL, dicom_files.CORONAL)):
        dicom_files.write_slices(tmp_path / "loc", 7, iop=iop, study=scout, first=1 + 7 * n, level=100 * n)
    assert [(d.name, d.plane) for d in describe(tmp_path / "loc")] == [
        ("1#stack1", "axial"),
        ("1#stack2", "sagittal"),
        ("1#stack3", "coronal"),
    ]
    assert read(tmp_path / "loc", series="1#stack3").data.min() == 200
    knee = dicom_files.write_slices(tmp_path / "knee", 6, study=dicom_files.Study(2, "ax PD"), level=7)
    volume = read(tmp_path)  # a localizer is not taken unasked
    assert np.array_equal(volume.data, knee)
    assert "1#stack1" in volume.source.notes[0]


def test_two_matrices_in_one_series(tmp_path, dicom_files):
    study = dicom_files.Study(4)
    dicom_files.write_slices(tmp_path, 5, study=study)
    wide = dicom_files.write_slices(tmp_path, 5, study=study, shape=(30, 36), first=6, origin=(0, 0, 90), level=50)
    assert _names(tmp_path) == ["4#stack1", "4#stack2"]
    assert np.array_equal(read(tmp_path, series="4#stack2").data, wide)


def test_two_pixel_spacings_at_the_same_places(tmp_path, dicom_files):
    study = dicom_files.Study(4)
    dicom_files.write_slices(tmp_path, 5, study=study)

    def edit(ds, _k):
        ds.PixelSpacing = [0.4, 0.35]

    fine = dicom_files.write_slices(tmp_path, 5, study=study, first=6, level=50, edit=edit)
    volume = read(tmp_path, series="4#stack2")
    assert np.array_equal(volume.data, fine)
    assert volume.geometry.spacing_mm == pytest.approx((0.35, 0.4, 4.0))


def test_two_slice_distances_on_one_line(tmp_path, dicom_files):
    study = dicom_files.Study(4)
    dicom_files.write_slices(tmp_path, 6, study=study, origin=(0, 0, 0))
    coarse = dicom_files.write_slices(tmp_path, 6, study=study, origin=(0, 0, 28), step=8.0, first=7, level=50)
    assert [d.geometry.spacing_mm[2] for d in describe(tmp_path)] == pytest.approx([4.0, 8.0])
    assert np.array_equal(read(tmp_path, series="4#stack2").data, coarse)


@pytest.mark.parametrize("choice", [None, "4"])
def test_one_odd_image_does_not_block_the_volume(tmp_path, dicom_files, choice):
    study = dicom_files.Study(4, "sag T1")
    good = dicom_files.write_slices(tmp_path, 6, study=study)

    def color(ds, _k):
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 3, "RGB"

    dicom_files.write_slices(tmp_path, 1, study=study, first=7, iop=dicom_files.SAGITTAL)
    dicom_files.write_slices(tmp_path, 1, study=study, first=8, edit=color)
    volume = read(tmp_path, series=choice)
    assert np.array_equal(volume.data, good)
    assert "4#stack2" in volume.source.notes[0]


def test_an_odd_image_inside_the_stack_leaves_a_hole_that_is_refused(tmp_path, dicom_files):
    study = dicom_files.Study(4)

    def turn(ds, k):
        if k == 2:
            ds.ImageOrientationPatient = dicom_files.SAGITTAL

    dicom_files.write_slices(tmp_path, 6, study=study, edit=turn)
    with pytest.raises(GeometryError, match=r"8 mm between im0002.dcm and im0004.dcm.*#stack2 \(im0003.dcm\)"):
        read(tmp_path)


@pytest.mark.parametrize("lost", [1, 2, 5])
@pytest.mark.parametrize("numbers", ["in order", "interleaved", "none"])
def test_missing_slices_do_not_make_two_stacks(tmp_path, dicom_files, lost, numbers):
    def edit(ds, k):
        if numbers == "interleaved":
            ds.InstanceNumber = 1 + k // 2 + 7 * (k % 2)
        elif numbers == "none":
            del ds.InstanceNumber

    dicom_files.write_slices(tmp_path, 14, edit=edit)
    for n in range(lost):
        (tmp_path / f"im{3 + n:04d}.dcm").unlink()
    with pytest.raises(GeometryError, match=rf"{4 + 4 * lost} mm between im0002\.dcm"):
        read(tmp_path)


def test_a_missing_slice_of_one_knee_does_not_block_the_other(tmp_path, dicom_files):
    study = dicom_files.Study(5)
    dicom_files.write_slices(tmp_path, 10, origin=(-80, 0, 0), iop=dicom_files.SAGITTAL, study=study, step=-4.0)
    left = dicom_files.write_slices(
        tmp_path, 10, origin=(90, 0, 0), iop=dicom_files.SAGITTAL, study=study, step=-4.0, first=11, level=500
    )
    (tmp_path / "im0005.dcm").unlink()
    assert np.array_equal(read(tmp_path, series="5#stack2").data, left[:, :, ::-1])
    with pytest.raises(GeometryError, match="A slice is missing"):
        read(tmp_path, series="5#stack1")


def test_stack_ids_on_one_regular_line_are_one_volume(tmp_path, dicom_files):
    def edit(ds, k):
        ds.StackID = str(1 + k // 4)

    voxels = dicom_files.write_slices(tmp_path, 8, edit=edit)
    assert np.array_equal(read(tmp_path).data, voxels)


def test_echoes_of_two_stacks(tmp_path, dicom_files):
    study = dicom_files.Study(9)
    n = 1
    for stack, origin in enumerate(((0, 0, 0), (0, 0, 200)), 1):
        for echo in (1, 2):

            def edit(ds, _k, echo=echo):
                ds.EchoNumbers = echo

            dicom_files.write_slices(
                tmp_path, 5, study=study, origin=origin, first=n, level=100 * stack + 10 * echo, edit=edit
            )
            n += 5
    assert _names(tmp_path) == ["9#stack1-echo1", "9#stack1-echo2", "9#stack2-echo1", "9#stack2-echo2"]
    assert read(tmp_path, series="9#stack2-echo1").data.min() == 210


# --- several volumes on one stack


@pytest.mark.parametrize("by_slice", [False, True])
def test_time_points_without_a_telling_header_go_by_instance_number(tmp_path, dicom_files, by_slice):
    study = dicom_files.Study(7, "DCE")
    times = []
    for time in range(3):

        def edit(ds, k, time=time):
            ds.AcquisitionTime = f"1200{time:02d}.{k}"
            ds.InstanceNumber = 3 * k + time + 1 if by_slice else 5 * time + k + 1

        times.append(
            dicom_files.write_slices(tmp_path, 5, study=study, prefix=f"t{time}_", level=100 * time, edit=edit)
        )
    assert _names(tmp_path) == ["7#1", "7#2", "7#3"]
    with pytest.raises(SeriesError, match=r"7#2: DCE volume 2 of 3"):
        read(tmp_path)
    for n, voxels in enumerate(times, 1):
        assert np.array_equal(read(tmp_path, series=f"7#{n}").data, voxels)


def test_directions_of_one_b_value(tmp_path, dicom_files):
    study = dicom_files.Study(8)
    volumes = {}
    for n, b in enumerate((0, 500, 500, 500)):

        def edit(ds, _k, b=b):
            ds.DiffusionBValue = float(b)

        volumes[n] = dicom_files.write_slices(
            tmp_path, 4, study=study, prefix=f"d{n}_", first=1 + 4 * n, level=10 * n, edit=edit
        )
    assert _names(tmp_path) == ["8#b0", "8#b500-1", "8#b500-2", "8#b500-3"]
    assert np.array_equal(read(tmp_path, series="8#b500-2").data, volumes[2])
    assert np.array_equal(read(tmp_path, series="b0").data, volumes[0])


def test_magnitude_and_phase_of_a_field_map(tmp_path, dicom_files):
    study = dicom_files.Study(8)
    for n, component in enumerate(("MAGNITUDE", "PHASE")):

        def edit(ds, _k, component=component):
            ds.ComplexImageComponent = component

        dicom_files.write_slices(tmp_path, 4, study=study, prefix=component, first=1 + 4 * n, level=9 * n, edit=edit)
    assert _names(tmp_path) == ["8#magnitude", "8#phase"]
    assert read(tmp_path, series="8#phase").data.min() == 9


def test_frames_of_an_enhanced_file_go_by_their_order(tmp_path, array, affine, dicom_files):
    dicom_files.write_enhanced(tmp_path / "a.dcm", array, affine, echoes=(10.0, 10.0, 10.0))
    assert _names(tmp_path) == ["1#1", "1#2", "1#3"]
    assert np.array_equal(read(tmp_path, series="1#3").data, 3 * array)


def test_places_with_unequal_numbers_of_images_are_refused_with_their_counts(tmp_path, dicom_files):
    study = dicom_files.Study(7)
    dicom_files.write_slices(tmp_path, 5, study=study)
    dicom_files.write_slices(tmp_path, 3, study=study, first=6)
    with pytest.raises(GeometryError, match="1 image at 2 places; 2 images at 3 places"):
        read(tmp_path)


def test_acquisition_numbers_that_alternate_by_slice_do_not_split(tmp_path, dicom_files):
    study = dicom_files.Study(7)
    for volume in range(2):

        def edit(ds, k, volume=volume):
            ds.AcquisitionNumber = 1 + (k + volume) % 2

        dicom_files.write_slices(
            tmp_path, 6, study=study, prefix=f"v{volume}_", first=1 + 6 * volume, level=100 * volume, edit=edit
        )
    # Acquisition 1 and 2 cover the same places here, each with slices of both volumes in turn.
    assert len(_names(tmp_path)) == 2
    half = dicom_files.Study(9)

    def interleaved(ds, k):
        ds.AcquisitionNumber = 1 + k % 2

    voxels = dicom_files.write_slices(tmp_path / "half", 6, study=half, edit=interleaved)
    dicom_files.write_slices(tmp_path / "half", 6, study=half, first=7, level=50, edit=interleaved)
    assert _names(tmp_path / "half") == ["9#1", "9#2"]
    assert np.array_equal(read(tmp_path / "half", series="9#1").data, voxels)


def test_an_aborted_time_point_is_offered_with_a_note(tmp_path, dicom_files):
    study = dicom_files.Study(7)
    for time, count in enumerate((6, 6, 4)):

        def edit(ds, _k, time=time):
            ds.TemporalPositionIdentifier = time + 1

        dicom_files.write_slices(tmp_path, count, study=study, prefix=f"t{time}_", first=1 + 6 * time, edit=edit)
    first, second, third = describe(tmp_path)
    assert [d.name for d in (first, second, third)] == ["7#time1", "7#time2", "7#time3"]
    assert not first.notes
    assert "images at 4 of the 6 places" in third.notes[0]


def test_two_series_numbers_under_one_uid_are_two_series(tmp_path, dicom_files):
    one = dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(2, "T1", "1.9"), prefix="a")
    two = dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(3, "T2", "1.9"), prefix="b", level=60)
    assert _names(tmp_path) == ["2", "3"]
    assert np.array_equal(read(tmp_path, series="2").data, one)
    assert np.array_equal(read(tmp_path, series="3").data, two)
    with pytest.raises(SeriesError, match="2 series match"):
        read(tmp_path, series="1.9")


# --- objects that are not images


def test_objects_that_are_not_images_are_skipped_by_class(tmp_path, dicom_files):
    voxels = dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(2))
    kinds = {
        "1.2.840.10008.1.3.10": "Media Storage Directory",
        "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
        "1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation",
        "1.2.840.10008.5.1.4.1.1.66.4": "Segmentation",
        "1.2.840.10008.5.1.4.1.1.4.2": "MR Spectroscopy",
    }
    for uid in kinds:
        study = dicom_files.Study(90, extra={"SOPClassUID": uid})
        dicom_files.write_slices(tmp_path, 1, study=study, prefix=f"x{uid[-5:]}_")
    volume = read(tmp_path)
    assert np.array_equal(volume.data, voxels)
    (note,) = [n for n in volume.source.notes if n.startswith("Skipped 5 files")]
    assert all(f"({kind})" in note for kind in kinds.values())
    assert _names(tmp_path) == ["2"]


@pytest.mark.parametrize("cut", [330, 420, 700])
def test_a_report_that_is_cut_off_does_not_block_the_folder(tmp_path, dicom_files, cut):
    from pydicom.dataset import Dataset

    voxels = dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(2))

    def report(ds, _k):
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
        item = Dataset()
        item.TextValue = "x" * 400
        item.is_undefined_length_sequence_item = True
        ds.ContentSequence = [item]
        ds["ContentSequence"].is_undefined_length = True

    dicom_files.write_slices(tmp_path / "sr", 1, study=dicom_files.Study(99), edit=report)
    (path,) = (tmp_path / "sr").iterdir()
    path.write_bytes(path.read_bytes()[:cut])
    assert np.array_equal(read(tmp_path).data, voxels)
    assert np.array_equal(read(tmp_path, series="2").data, voxels)


def test_a_deflated_report_does_not_block_the_folder(tmp_path, dicom_files):
    voxels = dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(2))

    def report(ds, _k):
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage

    study = dicom_files.Study(99, syntax="1.2.840.10008.1.2.1.99")
    dicom_files.write_slices(tmp_path / "sr", 1, study=study, edit=report)
    volume = read(tmp_path)
    assert np.array_equal(volume.data, voxels)
    assert any("(Encapsulated PDF)" in note for note in volume.source.notes)


def test_linked_folders_are_named(tmp_path, dicom_files, caplog):
    dicom_files.write_slices(tmp_path / "data", 5)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "here").symlink_to(tmp_path / "data", target_is_directory=True)
    with pytest.raises(ReadError, match=r"1 link to a folder, which is not followed: here\. Give"):
        read(tmp_path / "study")
    assert find_inputs(tmp_path / "study") == []
    assert "Skipped 1 folder given as a link" in caplog.text


def test_an_empty_file_among_the_slices_is_a_missing_slice(tmp_path, dicom_files):
    dicom_files.write_slices(tmp_path / "a", 5, study=dicom_files.Study(2, "T1"))
    whole = dicom_files.write_slices(tmp_path / "b", 5, study=dicom_files.Study(3, "T2"))
    (tmp_path / "a" / "im0005.dcm").write_bytes(b"")
    with pytest.raises(ReadError, match=r"im0005\.dcm has 0 bytes.*series 2: a slice is missing"):
        read(tmp_path, series="2")
    assert np.array_equal(read(tmp_path, series="3").data, whole)
    assert [bool(d.problem) for d in describe(tmp_path)] == [True, False]


def test_an_empty_file_of_another_name_in_the_folder_of_one_series(tmp_path, dicom_files):
    dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(2, "T1"))
    (tmp_path / "last.dcm").write_bytes(b"")
    with pytest.raises(ReadError, match=r"last\.dcm has 0 bytes"):
        read(tmp_path)


def test_an_empty_file_that_fits_several_series_is_noted_in_each(tmp_path, dicom_files):
    dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(2), first=1)
    dicom_files.write_slices(tmp_path, 5, study=dicom_files.Study(3), first=7)
    (tmp_path / "im0006.dcm").write_bytes(b"")
    assert all("a slice may be missing" in d.notes[0] for d in describe(tmp_path))


def test_series_that_are_no_volumes_say_why(tmp_path, dicom_files):
    def mosaic(ds, _k):
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]

    for n in (1, 2):
        dicom_files.write_slices(tmp_path, 1, study=dicom_files.Study(n), prefix=f"m{n}_", edit=mosaic)
    with pytest.raises(SeriesError, match=r"2 series, none of them a volume[\s\S]*Siemens mosaic of many slices"):
        read(tmp_path)


def test_uih_grids_are_named(tmp_path, dicom_files):
    def grid(ds, _k):
        ds.Manufacturer = "UIH"
        del ds.ImagePositionPatient
        block = ds.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x50, "DS", "25")

    dicom_files.write_slices(tmp_path, 1, edit=grid)
    with pytest.raises(GeometryError, match=r"United Imaging grid of many slices.*dcm2niix"):
        read(tmp_path)


def test_a_screenshot_without_position_is_no_grid(tmp_path, dicom_files):
    def capture(ds, _k):
        ds.SOPClassUID = SecondaryCaptureImageStorage
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            delattr(ds, keyword)

    dicom_files.write_slices(tmp_path, 1, edit=capture)
    with pytest.raises(GeometryError, match="without position"):
        read(tmp_path)
