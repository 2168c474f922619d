"""MetaImage: one file (.mha) or a header with its voxels in another file (.mhd).

Parsed here, not by ITK, for the reasons that `nrrd` gives. `Volume.data` is i, j, k = ITK's x, y, z.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from anybone.core.atomic import whole_file
from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source, Volume
from anybone.io.affines import compose, flip_lps_ras
from anybone.io.detached import floats, header_lines, integers, voxel_file
from anybone.io.limits import MAX_HEADER_BYTES, count_voxels
from anybone.io.stream import Coding, check_end, check_length, decoded, read_floats, read_text_numbers
from anybone.io.types import Description, Request
from anybone.io.voxels import check_plain, choose_frame, finish, spatial_and_frames
from anybone.io.writable import pieces, stored_array

SUFFIXES = (".mha", ".mhd")
WRITE_SUFFIXES = (".mha",)

# MetaIO's own sizes: LONG is 4 bytes, LONG_LONG is 8.
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_TYPE_NAMES = {"uint8": "MET_UCHAR", "uint16": "MET_USHORT", "int16": "MET_SHORT", "float32": "MET_FLOAT"}
_LAST_LINE = re.compile(r"^\s*ElementDataFile\s*=", re.IGNORECASE)
_MAX_AXES = 10


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    geometry: Geometry
    fields: Mapping[str, str]  # keys in lower case
    coding: Coding
    notes: tuple[str, ...]


def read(path: Path, request: Request) -> Volume:
    """Read the volume in a MetaImage file.

    Raises:
        ReadError: The file is damaged, holds several volumes and none was chosen, or is no gray image.
        GeometryError: The axes do not make an invertible grid.
    """
    with path.open("rb") as file:
        header = _parse(file)
        spatial, frames = spatial_and_frames(header.shape)
        frame = choose_frame(frames, request)
        count = count_voxels(header.shape, request.max_voxels)
        name = header.fields["elementdatafile"]
        if name.upper() == "LOCAL":
            values = _voxels(file, path, header, count)
        else:
            data_path = voxel_file(path, name)
            with data_path.open("rb") as data_file:
                values = _voxels(data_file, data_path, header, count)
    data = values.reshape((*spatial, frames), order="F")[..., frame]
    source = Source(path, "metaimage", description=header.fields.get("comment", ""), notes=header.notes)
    return finish(data, header.geometry, source)


def describe(path: Path) -> list[Description]:
    """Describe a MetaImage file from its header."""
    with path.open("rb") as file:
        header = _parse(file)
    return [
        Description(
            path=path,
            format="metaimage",
            geometry=header.geometry,
            value_type=str(header.dtype.newbyteorder("=")),
            volumes=spatial_and_frames(header.shape)[1],
            text=header.fields.get("comment", ""),
            notes=header.notes,
        )
    ]


def _parse(file: BinaryIO) -> _Header:
    if b"=" not in file.read(256):
        raise ReadError("The file does not start like a MetaImage. Check that its name tells its true format.")
    file.seek(0)
    pairs = [line.partition("=") for line in header_lines(file, _LAST_LINE)]
    fields = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if fields.get("objecttype", "Image").lower() != "image":
        raise ReadError(f"The file holds a {fields['objecttype'][:40]!r}; an image is expected.")
    shape = tuple(integers(fields.get("dimsize", ""), "MetaImage DimSize"))
    if fields.get("ndims") != str(len(shape)) or not 2 <= len(shape) <= _MAX_AXES:
        raise ReadError(
            f"The MetaImage header says NDims {fields.get('ndims')}, but DimSize {shape}: it is damaged. Save it again."
        )
    count_voxels(shape, max_voxels=2**62)
    channels = fields.get("elementnumberofchannels", "1")
    if channels != "1":
        raise ReadError(f"The voxels are colors or vectors of {channels} numbers. One gray value is expected: convert.")
    affine, notes = _affine(fields, len(shape))
    spatial, _ = spatial_and_frames(shape)
    return _Header(shape, _dtype(fields), Geometry(spatial, affine), fields, _coding(fields), notes)


def _flag(fields: Mapping[str, str], *names: str) -> bool:
    return any(fields.get(name, "").lower() in ("true", "t", "1") for name in names)


def _coding(fields: Mapping[str, str]) -> Coding:
    if _flag(fields, "compresseddata"):
        return "zlib"
    return "text" if fields.get("binarydata", "").lower() in ("false", "f", "0") else "raw"


def _dtype(fields: Mapping[str, str]) -> np.dtype[np.generic]:
    name = fields.get("elementtype", "").upper()
    order = ">" if _flag(fields, "binarydatabyteordermsb", "elementbyteordermsb") else "<"
    code = _TYPES.get(name)
    return check_plain(None if code is None else np.dtype(order + code), f"MetaImage type {name[:40]!r}")


def _affine(fields: Mapping[str, str], n: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    def numbers(names: tuple[str, ...], size: int) -> list[float] | None:
        text = next((fields[name] for name in names if name in fields), None)
        found = None if text is None else floats(text, f"MetaImage {names[0]}")
        if found is not None and len(found) != size:
            raise GeometryError(f"MetaImage {names[0]} has {len(found)} numbers; {size} are expected: it is damaged.")
        return found

    spacing = numbers(("elementspacing", "elementsize"), n) or [1.0] * n
    if not all(x > 0 for x in spacing):
        raise GeometryError(f"The MetaImage spacing {spacing} is not above 0 everywhere: the header is damaged.")
    matrix = numbers(("transformmatrix", "rotation", "orientation"), n * n)
    offset = numbers(("offset", "position", "origin"), n) or [0.0] * n
    notes = []
    if matrix is None:
        notes.append("The file does not say how it lies in the patient: its axes are taken as left, back, head.")
    # One row of the matrix is the direction of one array axis.
    directions = np.eye(n) if matrix is None else np.array(matrix).reshape(n, n)
    used = min(n, 3)
    steps, origin = np.eye(3), np.zeros(3)
    steps[:used, :used] = (directions * np.array(spacing)[:, None])[:used, :used].T
    origin[:used] = offset[:used]
    return flip_lps_ras(compose(steps, origin)), tuple(notes)


def _voxels(file: BinaryIO, path: Path, header: _Header, count: int) -> NDArray[np.float32]:
    needed = count * header.dtype.itemsize
    skips = integers(header.fields.get("headersize", "0"), "MetaImage HeaderSize")
    if len(skips) != 1 or not -1 <= skips[0] <= MAX_HEADER_BYTES:
        raise ReadError(f"MetaImage HeaderSize is {skips}: the header is damaged. Save the file again.")
    size = path.stat().st_size
    start = max(size - needed, 0) if skips[0] == -1 else file.tell() + skips[0]
    file.seek(start)
    check_length(max(size - start, 0), header.coding, needed)
    if header.coding == "text":
        return read_text_numbers(file, size - start, count)
    stream = decoded(file, header.coding)
    values = read_floats(stream, header.dtype, count)
    if header.coding != "raw":
        check_end(stream)
    return values


def write(image: Volume | Segmentation, path: Path) -> None:
    """Write the image on exactly its grid, compressed.

    Raises:
        WriteError: The file cannot be written.
    """
    array = stored_array(image)
    affine = flip_lps_ras(image.geometry.affine_ras_mm)
    spacing = np.asarray(image.geometry.spacing_mm)
    packer = zlib.compressobj(6)
    packed = b"".join([*(packer.compress(piece) for piece in pieces(array)), packer.flush()])

    def line(values: NDArray[np.float64]) -> str:
        return " ".join(repr(float(x)) for x in values)

    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {len(packed)}",
        f"TransformMatrix = {line((affine[:3, :3] / spacing).T.ravel())}",
        f"Offset = {line(affine[:3, 3])}",
        "CenterOfRotation = 0 0 0",
        f"ElementSpacing = {line(spacing)}",
        f"DimSize = {' '.join(str(n) for n in array.shape)}",
        f"ElementType = {_TYPE_NAMES[array.dtype.name]}",
        "ElementDataFile = LOCAL",
        "",
    ]
    with whole_file(path, ".mha") as part, part.open("wb") as file:
        file.write("\n".join(lines).encode("ascii"))
        file.write(packed)
