from __future__ import annotations

import pytest

from anybone.io.dicom.codestream import declared_size


def _jpeg(marker: int, before: bytes = b"") -> bytes:
    frame = bytes([0xFF, marker, 0, 11, 8]) + (300).to_bytes(2, "big") + (400).to_bytes(2, "big") + b"\1\1\x11\0"
    return b"\xff\xd8" + before + frame


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC3, 0xF7])
def test_jpeg_and_jpeg_ls(marker):
    assert declared_size(_jpeg(marker)) == (300, 400)
    tables = b"\xff\xe0\x00\x04ab" + b"\xff" + b"\xff\xc4\x00\x05xyz"
    assert declared_size(_jpeg(marker, tables)) == (300, 400)


def test_jpeg_2000_with_and_without_its_file_box():
    size = b"".join(n.to_bytes(4, "big") for n in (410, 320, 10, 20))
    stream = b"\xff\x4f\xff\x51\x00\x29\x00\x00" + size
    assert declared_size(stream) == (300, 400)
    assert declared_size(b"\0\0\0\x0cjP  \r\n\x87\n" + b"other boxes" + stream) == (300, 400)


@pytest.mark.parametrize("stream", [b"", b"\xff\xd8", _jpeg(0xC0)[:6], b"\xff\x4f\xff\x51\0", b"RLE or anything"])
def test_what_is_none_of_these_or_cut_off(stream):
    assert declared_size(stream) is None


def test_a_jpeg_of_markers_without_length_ends():
    assert declared_size(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000) is None
