"""NIfTI-1 and NIfTI-2 in one file, plain or gzipped.

nibabel parses the header; the voxels are read in chunks, so that a false header cannot exhaust the memory.
`Volume.data` is i, j, k exactly as stored. The sform is used where its code is above 0, else the qform.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anybone.core.atomic import whole_file
from anybone.core.errors import ReadError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import NiftiForms, Source, Volume
from anybone.io.affines import nearest_rigid
from anybone.io.label_table import KEY, to_json
from anybone.io.limits import MAX_HEADER_BYTES, count_voxels
from anybone.io.padding import fill_lowest
from anybone.io.stream import check_end, check_length, is_gzip, open_maybe_gzip, read_floats
from anybone.io.types import Description, Request
from anybone.io.voxels import check_plain, choose_frame, finish, spatial_and_frames
from anybone.io.writable import stored_array

SUFFIXES = (".nii.gz", ".nii")

_HEADER_BYTES = {348: 1, 540: 2}  # size of the header -> NIfTI version
_MAGIC = {1: (b"n+1\0", 344), 2: (b"n+2\0\r\n\x1a\n", 4)}
_COMMENT = 6  # extension code for plain text
_VECTOR_INTENTS = (1006, 1007)  # displacement field, vector
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}  # metre, micrometre; every other code is taken as mm
_LARGEST_NIFTI1_AXIS = 32767
_SCANNER = 1  # sform and qform code: coordinates of the scanner


@dataclass(frozen=True)
class _Head:
    header: Any  # nibabel's Nifti1Header or Nifti2Header
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    geometry: Geometry
    forms: NiftiForms
    comments: tuple[str, ...]
    notes: tuple[str, ...]


def read(path: Path, request: Request) -> Volume:
    """Read the volume in a NIfTI file.

    Raises:
        ReadError: The file is damaged, holds several volumes and none was chosen, or is no gray image.
        GeometryError: The affine is not invertible.
    """
    with open_maybe_gzip(path) as stream:
        head = _read_head(stream)
        spatial, frames = spatial_and_frames(head.shape)
        frame = choose_frame(frames, request)
        count = count_voxels(head.shape, request.max_voxels)
        packed = is_gzip(path)
        size = path.stat().st_size - (0 if packed else _data_start(head.header))
        check_length(size, "gzip" if packed else "raw", count * head.dtype.itemsize)
        values = read_floats(stream, head.dtype, count)
        if packed:
            check_end(stream)
    data = _scaled(values.reshape((*spatial, frames), order="F")[..., frame], head.header)
    notes = head.notes
    if head.dtype.kind == "i":
        lowest = np.array([-(2.0 ** (8 * head.dtype.itemsize - 1))], dtype=np.float32)
        notes += fill_lowest(data, float(_scaled(lowest, head.header)[0]))
    source = Source(
        path,
        "nifti",
        description=_text(head.header),
        headers=_headers(head),
        notes=notes,
        nifti_forms=head.forms,
    )
    return finish(data, head.geometry, source)


def describe(path: Path) -> list[Description]:
    """Describe a NIfTI file from its header."""
    with open_maybe_gzip(path) as stream:
        head = _read_head(stream)
    return [
        Description(
            path=path,
            format="nifti",
            geometry=head.geometry,
            value_type=str(head.dtype),
            volumes=spatial_and_frames(head.shape)[1],
            text=_text(head.header),
            notes=head.notes,
        )
    ]


def _read_head(stream: BinaryIO) -> _Head:
    header, version = _parse(stream.read(348), stream)
    intent = int(header["intent_code"])
    if intent in _VECTOR_INTENTS:
        raise ReadError("The file holds vectors (a displacement field), not an image. Give the image itself.")
    dims = [int(n) for n in header["dim"]]
    if not 1 <= dims[0] <= 7:
        raise ReadError(f"The NIfTI header says the image has {dims[0]} axes: it is damaged. Re-export the file.")
    shape = tuple(dims[1 : dims[0] + 1])
    spatial, _ = spatial_and_frames(shape)
    count_voxels(shape, max_voxels=2**62)  # an empty axis is an error already here
    affine, forms, notes = _affine(header)
    code = int(header["datatype"])
    dtype = check_plain(_dtype(header), f"NIfTI data type {code}")
    comments = _comments(stream, header, version)
    oriented = forms.qform_code > 0 or forms.sform_code > 0
    return _Head(header, dtype, shape, Geometry(spatial, affine, oriented), forms, comments, notes)


def _parse(first: bytes, stream: BinaryIO) -> tuple[Any, int]:
    import nibabel as nib

    for order in "<>":
        size = struct.unpack(order + "i", first[:4])[0] if len(first) == 348 else 0
        version = _HEADER_BYTES.get(size)
        if version is None:
            continue
        block = first + stream.read(size - len(first))
        magic, at = _MAGIC[version]
        if len(block) == size and block[at : at + len(magic)] == magic:
            kind = nib.Nifti1Header if version == 1 else nib.Nifti2Header
            return kind(binaryblock=block, endianness=order, check=False), version
        if block[at : at + 2] == b"ni":
            raise ReadError("This is a NIfTI header without its voxels (.hdr/.img pair). Save it as one .nii file.")
    raise ReadError("The file does not start with a NIfTI header. Check that its name tells its true format.")


def _dtype(header: Any) -> np.dtype[np.generic] | None:
    from nibabel.spatialimages import HeaderDataError

    try:
        dtype: np.dtype[np.generic] = np.dtype(header.get_data_dtype())
    except HeaderDataError:
        return None
    return dtype


def _data_start(header: Any) -> int:
    """Return the byte offset of the voxels; 0 means right after the header."""
    start = float(header["vox_offset"])
    least = int(header["sizeof_hdr"]) + 4
    if not np.isfinite(start) or start > MAX_HEADER_BYTES or 0 < start < least - 4:
        raise ReadError(f"The NIfTI header puts the voxels at byte {start:g}: it is damaged. Re-export the file.")
    return max(int(start), least)


def _comments(stream: BinaryIO, header: Any, version: int) -> tuple[str, ...]:
    """Read the text extensions between header and voxels, up to the first voxel."""
    size = 348 if version == 1 else 540
    room = stream.read(_data_start(header) - size)
    found = []
    at = 4
    order = header.endianness
    while room[:1] not in (b"", b"\0") and at + 8 <= len(room):
        length, code = struct.unpack_from(order + "ii", room, at)
        if length < 8 or at + length > len(room):
            break  # a damaged extension costs the label names, not the image
        if code == _COMMENT:
            found.append(room[at + 8 : at + length].rstrip(b"\0").decode("utf-8", errors="replace"))
        at += length
    return tuple(found)


def _affine(header: Any) -> tuple[NDArray[np.float64], NiftiForms, tuple[str, ...]]:
    notes: list[str] = []
    if header["pixdim"][0] == 0:
        header["pixdim"][0] = 1  # the standard reads 0 as 1; nibabel refuses it
    sform, sform_code = header.get_sform(coded=True)
    qform, qform_code = header.get_qform(coded=True)
    affine = sform if sform is not None else qform
    if affine is None:
        affine = np.diag([*np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64)), 1.0])
        notes.append(
            "The file states no orientation (qform and sform codes are 0): left, right and planes are unknown."
        )
    affine = np.array(affine, dtype=np.float64)
    scale = _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    affine[:3] *= scale
    if qform is not None:
        qform = np.array(qform, dtype=np.float64)
        qform[:3] *= scale
    if scale != 1:
        notes.append(f"Lengths in the file are in units of {scale:g} mm and were converted.")
    return affine, NiftiForms(int(qform_code), int(sform_code), qform), tuple(notes)


def _scaled(data: NDArray[np.float32], header: Any) -> NDArray[np.float32]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):  # both mean "not scaled" by the standard
        return data
    with np.errstate(all="ignore"):
        scaled: NDArray[np.float32] = (data * slope + (intercept if np.isfinite(intercept) else 0.0)).astype(np.float32)
    return scaled


def _text(header: Any) -> str:
    return bytes(header["descrip"].item()).rstrip(b"\0").decode("latin-1")


def _headers(head: _Head) -> dict[str, str]:
    ours = [c for c in head.comments if c.lstrip().startswith(f'{{"{KEY}"')]
    return {KEY: ours[0]} if ours else {}


def _forms_of(image: Volume | Segmentation) -> NiftiForms:
    """Return the qform and sform to write."""
    affine = image.geometry.affine_ras_mm
    if not image.geometry.is_oriented:
        return NiftiForms(0, 0)
    forms = image.source.nifti_forms if image.source is not None else None
    if forms is None or (forms.qform_code == 0 and forms.sform_code == 0):
        return NiftiForms(_SCANNER, _SCANNER, nearest_rigid(affine))
    if forms.qform_code == 0:
        return NiftiForms(forms.sform_code, forms.sform_code, nearest_rigid(affine))
    return forms


def write(image: Volume | Segmentation, path: Path) -> None:
    """Write the image on exactly its grid.

    The codes of sform and qform are those of a NIfTI source, else 1. The qform is always orthonormal, since ITK refuses
    a file whose only matrix is not: it is the source's own, or the rigid matrix closest to the affine.

    Raises:
        WriteError: The file cannot be written.
    """
    import nibabel as nib

    array = stored_array(image)
    affine = image.geometry.affine_ras_mm
    kind = nib.Nifti1Image if max(array.shape) <= _LARGEST_NIFTI1_AXIS else nib.Nifti2Image
    picture = kind(array, affine)
    picture.header.set_xyzt_units("mm")
    forms = _forms_of(image)
    picture.set_qform(forms.qform_ras_mm, code=forms.qform_code)
    picture.set_sform(affine if forms.sform_code else None, code=forms.sform_code)
    picture.header["pixdim"][1:4] = image.geometry.spacing_mm
    if isinstance(image, Segmentation):
        picture.header["cal_max"] = max(image.names, default=0)
        picture.header.extensions.append(nib.nifti1.Nifti1Extension(_COMMENT, to_json(image).encode("utf-8")))
    ending = ".nii.gz" if path.name.lower().endswith(".gz") else ".nii"
    with whole_file(path, ending) as part:
        nib.save(picture, part)
