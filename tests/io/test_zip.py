"""Zips that want to harm, and the limits that stop them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from anybone.core.errors import ReadError
from anybone.io import limits, read
from anybone.io.dicom import files


@pytest.fixture
def packed(tmp_path, array, affine, dicom_files) -> Path:
    """A zip of one good series."""
    dicom_files.write_classic(tmp_path / "d", array, affine)
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (tmp_path / "d").iterdir():
            archive.write(file, file.name)
    return path


def _add(path: Path, name: str | zipfile.ZipInfo, data: bytes) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


def test_names_that_leave_the_folder_write_nothing(packed, array, tmp_path):
    image = (tmp_path / "d" / "im001.dcm").read_bytes()
    work = tmp_path / "work"
    work.mkdir()
    moved = packed.rename(work / "study.zip")
    with zipfile.ZipFile(moved, "w") as archive:
        for file in (tmp_path / "d").iterdir():
            if file.name != "im001.dcm":
                archive.write(file, file.name)
        archive.writestr("../../escaped.dcm", image)
        archive.writestr("/etc/escaped.txt", "x")
    before = sorted(tmp_path.rglob("*"))
    assert np.array_equal(read(moved).data, array)
    assert sorted(tmp_path.rglob("*")) == before


def test_links_in_a_zip_are_not_followed(packed, array):
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = 0o120777 << 16
    _add(packed, link, b"/etc/passwd")
    volume = read(packed)
    assert np.array_equal(volume.data, array)
    assert "link.dcm" in volume.source.notes[-1]


def test_a_bomb_is_refused_before_it_is_unpacked(packed):
    with (
        zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb", "w", force_zip64=True) as file,
    ):
        for _ in range(300):
            file.write(bytes(2**20))
    with pytest.raises(ReadError, match="times its size"):
        read(packed)


@pytest.mark.parametrize(
    ("limit", "value"),
    [("MAX_FILES", 3), ("MAX_ZIP_BYTES", 100), ("MAX_ENTRY_BYTES", 100), ("ZIP_BYTES_OF_ANY_RATIO", 0)],
)
def test_every_limit_is_held(packed, monkeypatch, limit, value):
    monkeypatch.setattr(files, limit, value)
    if limit == "ZIP_BYTES_OF_ANY_RATIO":
        monkeypatch.setattr(files, "MAX_ZIP_RATIO", 1)
    with pytest.raises(ReadError, match=r"unpack to|files; at most"):
        read(packed)


def test_folders_have_a_limit_of_files_too(packed, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILES", 3)
    with pytest.raises(ReadError, match="more than 3 files"):
        read(packed.parent / "d")


def test_a_zip_inside_a_zip_is_left_out(packed, array):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.dcm", b"x")
    _add(packed, "inner.zip", inner.getvalue())
    assert np.array_equal(read(packed).data, array)


def test_entries_that_lie_about_their_size(packed):
    raw = bytearray(packed.read_bytes())
    at = raw.find(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (50).to_bytes(4, "little")  # uncompressed size in the directory
    packed.write_bytes(raw)
    with pytest.raises(ReadError):
        read(packed)


def test_encrypted_damaged_and_empty_zips(packed, tmp_path):
    raw = bytearray(packed.read_bytes())
    raw[raw.find(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(raw)
    with pytest.raises(ReadError, match="encrypted"):
        read(tmp_path / "locked.zip")
    (tmp_path / "half.zip").write_bytes(packed.read_bytes()[:700])
    with pytest.raises(ReadError, match="no zip, or is cut off"):
        read(tmp_path / "half.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(ReadError, match="no DICOM image"):
        read(tmp_path / "empty.zip")


def test_the_limits_leave_room_for_real_studies():
    assert limits.MAX_VOXELS >= 512 * 512 * 1000
    assert limits.MAX_ENTRY_BYTES <= 2**31
    with pytest.raises(ReadError, match="max_voxels"):
        limits.count_voxels((2**20, 2**20, 2**20))
    with pytest.raises(ReadError, match="empty"):
        limits.count_voxels((4, 0, 4))
