"""PLY surfaces: binary, little-endian, vertices first, faces as triangles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anybone.core.errors import ReadError
from anybone.synthetic.scene import Mesh

_TYPES = {
    "char": "<i1",
    "uchar": "<u1",
    "short": "<i2",
    "ushort": "<u2",
    "int": "<i4",
    "uint": "<u4",
    "float": "<f4",
    "double": "<f8",
}
_END = b"end_header\n"


def read_ply(path: Path) -> Mesh:
    """Read the surface in a PLY file, in the file's own units and axes.

    Raises:
        ReadError: It is not a binary little-endian PLY file of triangles.
    """
    content = path.read_bytes()
    end = content.find(_END)
    if not content.startswith(b"ply") or b"format binary_little_endian" not in content[:100] or end < 0:
        raise ReadError(f"{path} is not a binary little-endian PLY file. Save it as one.")
    header = content[:end].decode("ascii", "replace").splitlines()
    vertex, face = _element(header, "vertex"), _element(header, "face")
    start = end + len(_END)
    try:
        vertices = np.frombuffer(content, vertex[1], vertex[0], start)
        faces = np.frombuffer(content, face[1], face[0], start + vertices.nbytes)
    except (ValueError, KeyError) as problem:
        raise ReadError(f"{path} ends before its surface does: {problem}. Get the file again.") from problem
    if (faces["count"] != 3).any():
        raise ReadError(f"{path} has faces that are not triangles. Triangulate it first.")
    return Mesh(np.stack([vertices[axis] for axis in "xyz"], axis=1).astype(np.float64), faces["corners"])


def _element(header: list[str], name: str) -> tuple[int, np.dtype[np.void]]:
    """Return the count and the layout of an element."""
    rows = [line.split() for line in header]
    first = next((n for n, row in enumerate(rows) if row[:2] == ["element", name]), None)
    if first is None:
        raise ReadError(f"A surface needs an element {name!r}; the PLY header has none. Save the file again.")
    columns: list[tuple[str, str] | tuple[str, str, int]] = []
    for row in rows[first + 1 :]:
        if row[0] == "property" and row[1] == "list":
            columns += [("count", _TYPES[row[2]]), ("corners", _TYPES[row[3]], 3)]
        elif row[0] == "property":
            columns.append((row[2], _TYPES[row[1]]))
        elif row[0] == "element":
            break
    return int(rows[first][2]), np.dtype(columns)
