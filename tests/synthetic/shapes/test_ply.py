from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from anybone.core.errors import ReadError
from anybone.synthetic.shapes.ply import read_ply

HEADER = (
    "ply\nformat binary_little_endian 1.0\ncomment by hand\nelement vertex 3\nproperty float x\nproperty float y\n"
    "property float z\nelement face 1\nproperty list uchar int vertex_indices\n{extra}end_header\n"
)
VERTICES = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 2, 0)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "a.ply"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("extra", "tail"), [("", b""), ("property ushort stl\n", b"\x00\x00")])
def test_vertices_and_faces_are_read(tmp_path: Path, extra: str, tail: bytes) -> None:
    content = HEADER.format(extra=extra).encode() + VERTICES + struct.pack("<B3i", 3, 0, 1, 2) + tail
    mesh = read_ply(written(tmp_path, content))
    assert np.array_equal(mesh.vertices_mm, [[0, 0, 0], [1, 0, 0], [0, 2, 0]])
    assert np.array_equal(mesh.faces, [[0, 1, 2]])


def test_what_is_no_such_surface_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="not a binary"):
        read_ply(written(tmp_path, b"solid cube"))
    with pytest.raises(ReadError, match="ends before"):
        read_ply(written(tmp_path, HEADER.format(extra="").encode() + VERTICES[:10]))
    with pytest.raises(ReadError, match="not triangles"):
        read_ply(written(tmp_path, HEADER.format(extra="").encode() + VERTICES + struct.pack("<B3i", 4, 0, 1, 2)))
    with pytest.raises(ReadError, match="'face'"):
        read_ply(written(tmp_path, HEADER.partition("element face")[0].encode() + b"end_header\n" + VERTICES))
