"""The text header of a NRRD file: which axes are space, where they lie, how the voxels are stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.io.affines import complete, compose, flip_lps_ras
from anybone.io.detached import floats, header_lines, integers
from anybone.io.limits import count_voxels
from anybone.io.stream import Coding
from anybone.io.voxels import check_plain

CODINGS: dict[str, Coding] = {
    "raw": "raw",
    "gzip": "gzip",
    "gz": "gzip",
    "bzip2": "bzip2",
    "bz2": "bzip2",
    "ascii": "text",
    "text": "text",
    "txt": "text",
}

_INTEGER_NAMES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
}
_TYPES = {name: code for code, names in _INTEGER_NAMES.items() for name in names} | {"float": "f4", "double": "f8"}

# Sign of each world axis relative to RAS+.
_SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
_SPATIAL_KINDS = ("domain", "space")
_MAX_AXES = 16
_VECTOR = re.compile(r"none|\([^)]*\)")


@dataclass(frozen=True)
class NrrdHeader:
    """Parsed header.

    Attributes:
        sizes: Axis lengths as stored, fastest first.
        spatial: Which of these axes are space, at most three.
        dtype: Type of the stored numbers, with byte order.
        geometry: The grid of the spatial axes.
        fields: The standard fields, lower case.
        keys: The free key/value pairs.
        notes: What the reader should know.
    """

    sizes: tuple[int, ...]
    spatial: tuple[int, ...]
    dtype: np.dtype[np.generic]
    geometry: Geometry
    fields: Mapping[str, str]
    keys: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def coding(self) -> Coding:
        """Return the encoding of the voxels.

        Raises:
            ReadError: An encoding that is not read.
        """
        name = self.fields.get("encoding", "").lower()
        if name not in CODINGS:
            raise ReadError(f"NRRD encoding {name!r} is not read; {', '.join(sorted(CODINGS))} are. Save it again.")
        return CODINGS[name]

    @property
    def frames(self) -> int:
        """Number of volumes along the axes that are not space."""
        return int(np.prod([n for a, n in enumerate(self.sizes) if a not in self.spatial], dtype=object))


def parse(file: BinaryIO) -> NrrdHeader:
    """Parse the header and leave `file` at the first byte after it.

    Raises:
        ReadError: Not a NRRD header, or damaged, or color.
        GeometryError: The axes do not make a grid.
    """
    if file.read(4) != b"NRRD":
        raise ReadError("The file does not start with NRRD. Check that its name tells its true format.")
    fields, keys = _split(header_lines(file, re.compile("^$"), file_may_end=True))
    dimension = integers(_need(fields, "dimension"), "NRRD dimension")
    sizes = tuple(integers(_need(fields, "sizes"), "NRRD sizes"))
    if dimension != [len(sizes)] or not 2 <= len(sizes) <= _MAX_AXES:
        raise ReadError(f"The NRRD header says dimension {dimension}, but gives sizes {sizes}: it is damaged.")
    count_voxels(sizes, max_voxels=2**62)
    dtype = _dtype(fields)
    directions = _directions(fields, len(sizes))
    spatial = _spatial_axes(fields, directions, sizes)
    affine, notes = _affine(fields, directions, spatial)
    shape = tuple(sizes[a] for a in spatial) + (1,) * (3 - len(spatial))
    return NrrdHeader(sizes, spatial, dtype, Geometry(shape, affine), fields, keys, notes)  # type: ignore[arg-type]


def _split(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in lines[1:]:
        if line.startswith("#") or not line:
            continue
        key, mark, value = re.match(r"([^:]*)(:=|:|$)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        if mark == ":=":
            keys[key] = re.sub(r"\\(n|\\)", lambda mark: "\n" if mark[1] == "n" else "\\", value)
        elif mark:
            fields[key.strip().lower()] = value.strip()
    return fields, keys


def _need(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise ReadError(f"The NRRD header lacks {name!r}: it is damaged. Save the file again.")
    return fields[name]


def _dtype(fields: Mapping[str, str]) -> np.dtype[np.generic]:
    name = _need(fields, "type").lower()
    code = _TYPES.get(name)
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    return check_plain(None if code is None else np.dtype(order + code), f"NRRD type {name}")


def _directions(fields: Mapping[str, str], dimension: int) -> list[list[float] | None] | None:
    if "space directions" not in fields:
        return None
    found: list[list[float] | None] = [
        None if word == "none" else floats(word.strip("()").replace(",", " "), "NRRD space directions")
        for word in _VECTOR.findall(fields["space directions"])
    ]
    if len(found) != dimension:
        raise ReadError(f"The NRRD header gives {len(found)} space directions for {dimension} axes: it is damaged.")
    return found


def _spatial_axes(
    fields: Mapping[str, str], directions: list[list[float] | None] | None, sizes: tuple[int, ...]
) -> tuple[int, ...]:
    axes = range(len(sizes))
    kinds = fields.get("kinds", "").lower().split()
    kinds += ["???"] * (len(sizes) - len(kinds))
    for kind, size in zip(kinds, sizes, strict=False):
        if size > 1 and kind.endswith("color"):
            raise ReadError(f"The voxels are colors (NRRD kind {kind}). One gray value a voxel is expected: convert.")
        if size > 1 and kind == "complex":
            raise ReadError("The voxels are complex (NRRD kind complex). Save the magnitude image and read that.")
    if directions is not None:
        spatial = [a for a in axes if directions[a] is not None]
    else:
        spatial = [a for a in axes if kinds[a] in _SPATIAL_KINDS] or list(axes)
    if len(spatial) < 2:
        raise ReadError("The NRRD header has fewer than two spatial axes; an image is expected.")
    return tuple(spatial[:3])


def _affine(
    fields: Mapping[str, str], directions: list[list[float] | None] | None, spatial: tuple[int, ...]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if directions is None:
        return _spacing_only(fields, spatial)
    columns = [directions[a] for a in spatial]
    if any(c is None or len(c) != 3 for c in columns):
        raise GeometryError("The NRRD space directions are not vectors of three numbers: the header is damaged.")
    steps = np.array(columns, dtype=np.float64).T
    notes = []
    if steps.shape[1] == 2:
        steps = complete(steps)
    origin = floats(fields.get("space origin", "(0,0,0)").strip("()").replace(",", " "), "NRRD space origin")
    if len(origin) != 3:
        raise GeometryError(f"The NRRD space origin {origin} is not three numbers: the header is damaged.")
    affine = compose(steps, origin)
    space = fields.get("space", "").lower().removesuffix("-time")
    if space not in _SPACES:
        notes.append(f"The file names its space {space!r}, not how it lies in the patient; taken as LPS.")
        return flip_lps_ras(affine), tuple(notes)
    return np.diag([*_SPACES[space], 1.0]) @ affine, tuple(notes)


def _spacing_only(fields: Mapping[str, str], spatial: tuple[int, ...]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    given = floats(fields.get("spacings", ""), "NRRD spacings")
    spacing = [given[a] if a < len(given) else 1.0 for a in spatial]
    spacing += [1.0] * (3 - len(spacing))
    if not all(x > 0 for x in spacing):
        raise GeometryError(f"The NRRD spacings {spacing} are not all above 0: the header is damaged.")
    known = "only its voxel spacing is known" if given else "its voxel spacing is taken as 1 mm"
    note = f"The file does not say how it lies in the patient: {known}."
    return flip_lps_ras(compose(np.diag(spacing), (0.0, 0.0, 0.0))), (note,)
