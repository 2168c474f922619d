"""Damaged and hostile files: an error of ours, no memory, nothing written, nothing run; never a crash."""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anybone.core.errors import InputError, MissingExtraError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.io import describe, find_inputs, read, read_segmentation, write

PEAK_BYTES = 96 * 2**20  # a few working buffers of 4 MiB and the limit on headers; hostile headers promise far more
SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".classic.dcm", ".enhanced.dcm", ".j2k.dcm", ".zip")
REFUSED = pytest.raises((InputError, MissingExtraError))


@pytest.fixture(scope="session")
def samples(tmp_path_factory, dicom_files) -> dict[str, bytes]:
    """The bytes of one small good file of each kind."""
    folder = tmp_path_factory.mktemp("samples")
    labels = np.zeros((8, 7, 4), dtype=np.uint16)
    labels[2:5, 2:5, 1:3] = 1
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    for suffix in (".nii", ".nii.gz", ".nrrd", ".mha"):
        write(Segmentation(labels, Geometry(labels.shape, affine)), folder / f"a{suffix}")
    dicom_files.write_classic(folder / "series", labels, affine)
    (folder / "series" / "im001.dcm").rename(folder / "a.classic.dcm")
    dicom_files.write_enhanced(folder / "a.enhanced.dcm", labels, affine)
    _write_j2k(folder / "a.j2k.dcm", dicom_files, affine)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("im002.dcm", "im003.dcm"):
            archive.write(folder / "series" / name, name)
    return {suffix: (folder / f"a{suffix}").read_bytes() for suffix in SUFFIXES}


def _write_j2k(path: Path, dicom_files, affine: np.ndarray) -> None:
    pytest.importorskip("openjpeg")
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64, 1)
    ds = dicom_files.classic_slice(dicom_files.Study(), pixels, affine, 0)
    ds.PixelData = pixels[:, :, 0].T.tobytes()
    ds["PixelData"].VR = "OW"
    ds.compress("1.2.840.10008.1.2.4.90", generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)


def try_everything(path: Path) -> None:
    """Reads the file in every way; any error but ours fails the test."""
    for action in (describe, read, read_segmentation, lambda p: read(p, series=1, frame=0)):
        with contextlib.suppress(InputError, MissingExtraError):
            action(path)


def mutated(data: bytes, edits: list[tuple[float, int]], cut: float, repeat: float) -> bytes:
    """`data` with bytes changed (at a share of its length), its end cut off, or a piece of it doubled."""
    out = bytearray(data)
    for at, value in edits:
        out[min(int(at * len(out)), len(out) - 1)] = value
    if repeat < 1:
        at = int(repeat * len(out))
        out[at:at] = out[at : at + 64]
    return bytes(out[: max(int(cut * len(out)), 0)])


share = st.floats(0, 1, exclude_max=True)
# Most of what can go wrong stands in the header, at the start.
place = st.one_of(share, share.map(lambda x: x**4))
edit_lists = st.lists(
    st.tuples(place, st.one_of(st.sampled_from([0, 0x7F, 0x80, 0xFF]), st.integers(0, 255))), max_size=6
)
cuts = st.one_of(st.just(1.0), share)
repeats = st.one_of(st.just(1.0), share)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=70, deadline=None)
@given(edits=edit_lists, cut=cuts, repeat=repeats)
def test_any_damage_is_read_or_refused(samples, suffix, edits, cut, repeat):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(mutated(samples[suffix], edits, cut, repeat))
        try_everything(path)
        assert [p.name for p in Path(folder).iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".nii.gz", ".classic.dcm"])
@settings(max_examples=60, deadline=None)
@given(edits=edit_lists)
def test_damage_under_the_compression(samples, suffix, edits):
    with tempfile.TemporaryDirectory() as folder:
        if suffix == ".nii.gz":
            path = Path(folder, "a.nii.gz")
            path.write_bytes(gzip.compress(mutated(gzip.decompress(samples[suffix]), edits, 1.0, 1.0)))
        else:
            path = Path(folder, "a.zip")
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a.dcm", mutated(samples[suffix], edits, 1.0, 1.0))
        try_everything(path)


words = st.sampled_from(
    ["-1", "0", "99999999999999999999", "1e400", "nan", "inf", "", "x", "(", "(1,2", "none", "3 3 3", "../a", "LIST"]
)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@settings(max_examples=70, deadline=None)
@given(line=st.integers(0, 14), word=words, whole=st.booleans())
def test_any_word_in_a_text_header(samples, suffix, line, word, whole):
    raw = samples[suffix]
    end = raw.index(b"\n\n") if suffix == ".nrrd" else raw.index(b"LOCAL")
    lines = raw[:end].split(b"\n")
    key, mark, value = lines[line % len(lines)].partition(b": " if suffix == ".nrrd" else b" = ")
    changed = [word.encode()] if whole else [word.encode(), *value.split()[1:]]
    lines[line % len(lines)] = key + mark + b" ".join(changed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(b"\n".join(lines) + raw[end:])
        try_everything(path)


@settings(max_examples=80, deadline=None)
@given(
    data=st.binary(max_size=700), suffix=st.sampled_from([*SUFFIXES, ".nhdr", ".mhd", ".seg.nrrd", ".ima", "", ".txt"])
)
def test_any_bytes_under_any_name(data, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(data)
        try_everything(path)
        assert find_inputs(path) == [path]


@pytest.mark.parametrize("suffix", [*SUFFIXES, ""])
def test_empty_files_and_folders_of_that_name(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"")
    (tmp_path / f"folder{suffix}").mkdir()
    for name in ("a", "folder"):
        with REFUSED:
            read(tmp_path / f"{name}{suffix}")


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (self.path, "caught"))


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".npz", ".npy", ".pkl"])
def test_pickles_in_disguise_are_not_opened(tmp_path, suffix):
    trap = tmp_path / "trap"
    stream = io.BytesIO()
    np.save(stream, np.array([Trap(trap)], dtype=object), allow_pickle=True)
    for data in (pickle.dumps(Trap(trap)), stream.getvalue(), gzip.compress(pickle.dumps(Trap(trap)))):
        (tmp_path / f"a{suffix}").write_bytes(data)
        with REFUSED:
            read(tmp_path / f"a{suffix}")
    assert not trap.exists()


def test_a_pickle_in_a_nifti_extension_is_not_opened(tmp_path):
    trap = tmp_path / "trap"
    image = nib.Nifti1Image(np.zeros((3, 3, 3), dtype=np.uint8), np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(16, pickle.dumps(Trap(trap))))
    nib.save(image, tmp_path / "a.nii")
    read_segmentation(tmp_path / "a.nii")
    assert not trap.exists()


@contextlib.contextmanager
def little_memory():
    """A context that fails when more than `PEAK_BYTES` are allocated inside."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < PEAK_BYTES
    finally:
        tracemalloc.stop()


def _nifti_header(dims: tuple[int, ...], offset: float = 352.0, kind: int = 64) -> bytes:
    """A NIfTI-1 header of float64 voxels with an identity sform."""
    raw = bytearray(nib.Nifti1Header().structarr.tobytes())
    struct.pack_into(f"<{len(dims) + 1}h", raw, 40, len(dims), *dims)
    struct.pack_into("<hh", raw, 70, kind, 64)
    struct.pack_into("<f", raw, 108, offset)
    struct.pack_into("<h", raw, 254, 1)
    struct.pack_into("<12f", raw, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    raw[344:348] = b"n+1\0"
    return bytes(raw) + b"\0" * 4


NRRD = "NRRD0004\ntype: double\ndimension: 3\nsizes: {}\nspacings: 1 1 1\nendian: little\nencoding: {}\n\n"
META = (
    "ObjectType = Image\nNDims = 3\nDimSize = {}\nElementType = MET_DOUBLE\n"
    "CompressedData = {}\nElementDataFile = LOCAL\n"
)

LIARS = {
    "slices.nii": _nifti_header((512, 512, 30000)),
    "slices.nii.gz": gzip.compress(_nifti_header((800, 800, 800))),
    "axes.nii": _nifti_header((32767,) * 7),
    "negative.nii": _nifti_header((4, -4, 4)),
    "offset.nii": _nifti_header((4, 4, 4), offset=3e38),
    "offset_nan.nii": _nifti_header((4, 4, 4), offset=float("nan")),
    "offset_far.nii.gz": gzip.compress(_nifti_header((4, 4, 4), offset=2e9) + bytes(2**26)),
    "type.nii": _nifti_header((4, 4, 4), kind=31000) + bytes(512),
    "sizes.nrrd": NRRD.format("512 512 100000", "raw").encode() + bytes(100),
    "packed.nrrd": NRRD.format("800 800 800", "gzip").encode() + gzip.compress(bytes(100)),
    "bzip2.nrrd": NRRD.format("8 8 100000", "bzip2").encode() + b"BZh9" + bytes(100),
    "ascii.nrrd": NRRD.format("512 512 1000", "ascii").encode() + b"1 2 3",
    "line.nrrd": b"NRRD0004\n" + b"x" * 2**25,
    "sizes.mha": META.format("512 512 100000", "False").encode() + bytes(100),
    "packed.mha": META.format("800 800 800", "True").encode() + bytes(100),
    "line.mha": b"a = b" + b"x" * 2**25,
}


@pytest.mark.parametrize("name", LIARS)
def test_headers_that_promise_too_much_take_no_memory(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(LIARS[name])
    with little_memory(), pytest.raises(InputError):
        read(path)


def test_a_gzip_bomb_is_unpacked_only_as_far_as_its_header_says(tmp_path):
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(_nifti_header((16, 16, 16)))
        for _ in range(300):
            file.write(bytes(2**20))
    with little_memory():
        assert read(path).data.shape == (16, 16, 16)


def test_a_dicom_element_that_promises_too_much_takes_no_memory(tmp_path, samples):
    raw = samples[".classic.dcm"]
    at = raw.index(b"\xe0\x7f\x10\x00")  # PixelData
    broken = raw[: at + 8] + (0xFFFFFFF0).to_bytes(4, "little") + raw[at + 12 :]
    (tmp_path / "a.dcm").write_bytes(broken)
    with little_memory():
        try_everything(tmp_path / "a.dcm")
    text = raw.index(b"sag PD") - 8
    (tmp_path / "b.dcm").write_bytes(raw[: text + 4] + b"UN\0\0" + (0xFFFFFFF0).to_bytes(4, "little") + raw[text + 8 :])
    with little_memory():
        try_everything(tmp_path / "b.dcm")


def test_sequences_nested_without_end(tmp_path, samples):
    item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    raw = samples[".classic.dcm"]
    at = raw.index(b"\x08\x00\x60\x00CS")  # Modality
    (tmp_path / "a.dcm").write_bytes(raw[:at] + item * 50_000)
    try_everything(tmp_path / "a.dcm")


def test_pipes_are_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.nii")
    with REFUSED:
        read(tmp_path / "pipe.nii")
    with REFUSED:
        read(tmp_path)
    assert find_inputs(tmp_path) == []
