"""NRRD: one file (.nrrd, .seg.nrrd) or a header with its voxels in another file (.nhdr).

Parsed here, not by ITK: its readers open any file that a header names, and that of MetaImage hands out unwritten memory
as voxels where a compressed stream is cut off. `Volume.data` is i, j, k = the spatial axes in the order of the header.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from anybone.core.atomic import whole_file
from anybone.core.errors import ReadError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source, Volume
from anybone.io.affines import flip_lps_ras
from anybone.io.detached import integers, voxel_file
from anybone.io.label_table import KEY, slicer_keys, to_json
from anybone.io.limits import MAX_HEADER_BYTES, count_voxels
from anybone.io.nrrd_header import NrrdHeader, parse
from anybone.io.stream import check_end, check_length, decoded, read_floats, read_text_numbers
from anybone.io.types import Description, Request
from anybone.io.voxels import choose_frame, finish
from anybone.io.writable import pieces, stored_array

SUFFIXES = (".seg.nrrd", ".nrrd", ".nhdr")
WRITE_SUFFIXES = (".seg.nrrd", ".nrrd")

_TYPE_NAMES = {"uint8": "uint8", "uint16": "uint16", "int16": "int16", "float32": "float"}


def read(path: Path, request: Request) -> Volume:
    """Read the volume in a NRRD file.

    Raises:
        ReadError: The file is damaged, holds several volumes and none was chosen, or is no gray image.
        GeometryError: The axes do not make an invertible grid.
    """
    with path.open("rb") as file:
        header = parse(file)
        frame = choose_frame(header.frames, request)
        count = count_voxels(header.sizes, request.max_voxels)
        name = header.fields.get("data file", header.fields.get("datafile"))
        if name is None:
            values = _voxels(file, path, header, count)
        else:
            data_path = voxel_file(path, name)
            with data_path.open("rb") as data_file:
                values = _voxels(data_file, data_path, header, count)
    text = header.fields.get("content", "")
    source = Source(path, "nrrd", description=text, headers=dict(header.keys), notes=header.notes)
    return finish(_one_frame(values, header, frame), header.geometry, source)


def describe(path: Path) -> list[Description]:
    """Describe a NRRD file from its header."""
    with path.open("rb") as file:
        header = parse(file)
    return [
        Description(
            path=path,
            format="nrrd",
            geometry=header.geometry,
            value_type=str(header.dtype.newbyteorder("=")),
            volumes=header.frames,
            text=header.fields.get("content", ""),
            notes=header.notes,
        )
    ]


def _voxels(file: BinaryIO, path: Path, header: NrrdHeader, count: int) -> NDArray[np.float32]:
    coding = header.coding
    needed = count * header.dtype.itemsize
    lines, skip = (_skip(header, kind) for kind in ("line", "byte"))
    for _ in range(lines):
        file.readline(MAX_HEADER_BYTES)
    if skip and coding != "raw":
        raise ReadError(f"NRRD byte skip {skip} is read for raw voxels only, not for {coding}. Save the file again.")
    size = path.stat().st_size
    start = max(size - needed, 0) if skip == -1 else file.tell() + skip
    file.seek(start)
    check_length(max(size - start, 0), coding, needed)
    if coding == "text":
        return read_text_numbers(file, size - start, count)
    stream = decoded(file, coding)
    values = read_floats(stream, header.dtype, count)
    if coding != "raw":
        check_end(stream)
    return values


def _skip(header: NrrdHeader, kind: str) -> int:
    text = header.fields.get(f"{kind} skip", header.fields.get(f"{kind}skip", "0"))
    found = integers(text, f"NRRD {kind} skip")
    least = -1 if kind == "byte" else 0
    if len(found) != 1 or not least <= found[0] <= MAX_HEADER_BYTES:
        raise ReadError(f"NRRD {kind} skip is {text[:80]!r}: the header is damaged.")
    return found[0]


def _one_frame(values: NDArray[np.float32], header: NrrdHeader, frame: int) -> NDArray[np.float32]:
    stored = values.reshape(header.sizes, order="F")
    others = [a for a in range(len(header.sizes)) if a not in header.spatial]
    ordered = stored.transpose(*header.spatial, *others)
    return ordered.reshape((*header.geometry.shape_ijk, header.frames), order="F")[..., frame]


def write(image: Volume | Segmentation, path: Path) -> None:
    """Write the image on exactly its grid, gzipped, in LPS as 3D Slicer writes it.

    A segmentation carries the `SegmentN_` keys of 3D Slicer and our own.

    Raises:
        WriteError: The file cannot be written.
    """
    array = stored_array(image)
    affine = flip_lps_ras(image.geometry.affine_ras_mm)
    vectors = [f"({','.join(repr(float(x)) for x in column)})" for column in affine[:3].T]
    lines = [
        "NRRD0005",
        f"type: {_TYPE_NAMES[array.dtype.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(n) for n in array.shape)}",
        f"space directions: {' '.join(vectors[:3])}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {vectors[3]}",
    ]
    if isinstance(image, Segmentation):
        for key, value in (slicer_keys(image) | {KEY: to_json(image)}).items():
            lines.append(f"{key}:={_escaped(value)}")
    with whole_file(path, ".nrrd") as part, part.open("wb") as file:
        file.write("\n".join([*lines, "", ""]).encode("utf-8", errors="replace"))
        packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        for piece in pieces(array):
            file.write(packer.compress(piece))
        file.write(packer.flush())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\r", " ").replace("\n", "\\n")
