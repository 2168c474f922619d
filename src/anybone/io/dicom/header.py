"""Headers of DICOM files: the few elements that are needed, parsed without pixels.

pydicom builds an object for each element of a file, including nested ones, which dominates the time of listing a
folder. Most files are plain: little endian, one image, no functional groups. `_scan` walks the bytes of these and
keeps only the wanted elements. Everything else (big endian, multi-frame, damaged files) goes through pydicom.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from anybone.core.errors import ReadError
from anybone.io.dicom.files import PREAMBLE_BYTES, File, looks_like_dicom

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

_DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT = "1.2.840.10008.1.2"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"

_CHARACTER_SET = 0x00080005
_NUMBER_OF_FRAMES = 0x00280008
_POSITION = 0x00200032
_META_CLASS, _META_SYNTAX = 0x00020002, 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF

_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_BINARIES = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}

_EXPLICIT = struct.Struct("<HH2sH")
_IMPLICIT_ELEMENT = struct.Struct("<HHI")

_FIRST_READ = 2**15  # bytes; holds all elements that are needed of most images
_LARGEST_READ = 2**24  # headers that need more than this go through pydicom


class _NotPlainError(Exception):
    """The bytes are not those of a plain header."""


class PlainHeader:
    """The wanted elements of a single image, with the part of a pydicom `Dataset` that readers of headers use.

    Args:
        elements: Tag -> VR (empty for implicit VR) and bytes.
    """

    def __init__(self, elements: dict[int, tuple[bytes, bytes]]) -> None:
        """Keep the elements as bytes; values are converted when they are asked for."""
        self._elements = elements

    def __contains__(self, keyword: str) -> bool:
        """Return whether the header has an element."""
        return _tag(keyword)[0] in self._elements

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of an element: numbers, text, or a list of these; broken numbers stay text."""
        tag, usual = _tag(keyword)
        found = self._elements.get(tag)
        if found is None:
            return default
        vr = found[0].decode("ascii") if found[0] not in (b"", b"UN") else usual
        return self._value(vr, usual, found[1])

    def _value(self, vr: str, usual: str, raw: bytes) -> Any:
        code = _BINARIES.get(vr)
        if code is not None:
            count = len(raw) // struct.calcsize(code)
            numbers = struct.unpack_from(f"<{count}{code}", raw)
            return numbers[0] if count == 1 else list(numbers) or None
        text = (raw.decode("ascii") if raw.isascii() else self._decoded(raw)).strip(" \0")
        numeric = usual == "DS" or usual == "IS"
        if "\\" not in text:
            return _number(text, usual) if numeric else text
        return [_number(p.strip(), usual) if numeric else p.strip() for p in text.split("\\")]

    def _decoded(self, raw: bytes) -> str:
        from pydicom.charset import convert_encodings, decode_bytes

        names = self._elements.get(_CHARACTER_SET, (b"", b""))[1].decode("ascii", "replace")
        encodings = convert_encodings([name.strip(" \0") for name in names.split("\\")])
        return decode_bytes(raw, encodings, set())


def read_header(file: File, keywords: Iterable[str]) -> tuple[PlainHeader | Dataset | None, str]:
    """Return the header of a DICOM image, and the SOP class name of a DICOM object that is no image.

    Args:
        file: The file to read.
        keywords: The elements that are needed; others may be missing from the result.

    Returns:
        (header, "") for an image, (None, name of the SOP class) for another DICOM object such as a report or a
        DICOMDIR, and (None, "") for a file that is not DICOM.

    Raises:
        ReadError: A deflated image, which could unpack to any size.
    """
    wanted = tuple(keywords)
    with file.open() as source:
        head = source.read(_FIRST_READ)
        if not looks_like_dicom(head):
            return None, ""
        meta, at = _meta(head)
        kind = _no_image(meta.get(_META_CLASS, ""))
        if kind:
            return None, kind
        if meta.get(_META_SYNTAX) == _DEFLATED:
            raise ReadError(f"{file.name} is a deflated DICOM file, which is not read. Save it uncompressed.")
        plain = _plain(source, head, at, meta.get(_META_SYNTAX, ""), _tags(wanted)) if at else None
    if plain is not None:
        kind = _no_image(str(plain.get("SOPClassUID") or ""))
        return (None, kind) if kind else (plain, "")
    kind = _no_image(class_of(file))
    return (None, kind) if kind else (_by_pydicom(file, wanted), "")


def read_dataset(file: File) -> FileDataset | None:
    """Return the whole DICOM dataset of a file, with its pixels; None if it is not DICOM.

    Raises:
        ReadError: The file is deflated, which could unpack to any size.
    """
    import pydicom

    with file.stream() as stream:
        head = stream.read(_FIRST_READ)
        if not looks_like_dicom(head):
            return None
        if _meta(head)[0].get(_META_SYNTAX) == _DEFLATED:
            raise ReadError(f"{file.name} is a deflated DICOM file, which is not read. Save it uncompressed.")
        stream.seek(0)
        return pydicom.dcmread(stream, force=True)


def is_uih_grid(file: File) -> bool:
    """Return whether a United Imaging file tiles several slices into one image."""
    import pydicom

    with file.stream() as stream:
        return 0x00651050 in pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=[0x00651050])


def _by_pydicom(file: File, keywords: tuple[str, ...]) -> Dataset:
    import pydicom

    with file.stream() as stream:
        return pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=list(keywords))


def class_of(file: File) -> str:
    """Return the SOP class UID of a file; empty if it is not DICOM."""
    with file.stream() as stream:
        head = stream.read(_FIRST_READ)
    if not looks_like_dicom(head):
        return ""
    meta, _ = _meta(head)
    if meta.get(_META_SYNTAX) == _DEFLATED:
        return meta.get(_META_CLASS, "")
    return str(read_start(file, "SOPClassUID").get("SOPClassUID", ""))


def read_start(file: File, keyword: str) -> Dataset:
    """Return the elements of a DICOM file up to that of `keyword`, without reading further."""
    from pydicom.filereader import read_partial

    last, _ = _tag(keyword)
    with file.stream() as stream:
        return read_partial(stream, stop_when=lambda tag, _vr, _length: tag > last, force=True)


@lru_cache(maxsize=256)
def _no_image(uid: str) -> str:
    """Return the name of a SOP class that holds no image of measured values; empty for images and unknown classes."""
    from pydicom.uid import UID

    if not uid:
        return ""
    if uid in _NEWER_CLASSES:
        return _NEWER_CLASSES[uid]
    name = UID(uid).name
    if name == uid or "Image Storage" in name or name == "Parametric Map Storage":
        return ""
    return name.removesuffix(" Storage")


_NEWER_CLASSES = {  # not in every pydicom's dictionary
    "1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation",
    "1.2.840.10008.5.1.4.1.1.66.8": "Height Map Segmentation",
}


@lru_cache(maxsize=256)
def _tag(keyword: str) -> tuple[int, str]:
    """Return the tag of a keyword and its VR in the dictionary."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    assert tag is not None
    return int(tag), str(dictionary_VR(tag))


@lru_cache(maxsize=8)
def _tags(keywords: tuple[str, ...]) -> frozenset[int]:
    return frozenset((_CHARACTER_SET, *(_tag(keyword)[0] for keyword in keywords)))


def _number(text: str, vr: str) -> Any:
    """Return a decimal or integer string as a number; the text itself if it is none."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if vr == "IS" and value.is_integer() else value


def _meta(head: bytes) -> tuple[dict[int, str], int]:
    """Return the texts of the file meta header and where the dataset starts; 0 if there is no such header."""
    at = PREAMBLE_BYTES + 4
    if head[PREAMBLE_BYTES:at] != b"DICM":
        return {}, 0
    found: dict[int, str] = {}
    while at + 8 <= len(head) and head[at : at + 2] == b"\x02\x00":
        vr = head[at + 4 : at + 6]
        tag = 0x00020000 | int.from_bytes(head[at + 2 : at + 4], "little")
        start = at + (12 if vr in _LONG_VRS else 8)
        at = start + int.from_bytes(head[start - 4 : start] if vr in _LONG_VRS else head[start - 2 : start], "little")
        if vr == b"UI":
            found[tag] = head[start:at].decode("ascii", "replace").strip(" \0")
    return found, at


def _plain(source: IO[bytes], head: bytes, at: int, syntax: str, wanted: frozenset[int]) -> PlainHeader | None:
    """Return the wanted elements of a plain header; None if it is not plain.

    Args:
        source: The open file, of which `head` was read.
        head: Its first bytes.
        at: Where the dataset starts.
        syntax: Transfer syntax UID.
        wanted: Tags to keep.
    """
    if syntax in ("", _BIG_ENDIAN):
        return None
    last = max(tag for tag in wanted if tag < 0x7FE00010 and tag >> 16 < 0x5200)
    try:
        while True:
            found = _scan(head, at, syntax != _IMPLICIT, wanted, last)
            if found is not None:
                break
            more = source.read(min(4 * len(head), _LARGEST_READ))
            if not more or len(head) > _LARGEST_READ:
                return None
            head += more
    except (_NotPlainError, struct.error):
        return None
    if _NUMBER_OF_FRAMES in found or (_POSITION in wanted and _POSITION not in found):
        return None  # functional groups may hold the rest
    return PlainHeader(found)


def _scan(
    data: bytes, at: int, explicit: bool, wanted: frozenset[int], last: int
) -> dict[int, tuple[bytes, bytes]] | None:
    """Return the wanted top-level elements up to the tag `last`; None if `data` ends before.

    Raises:
        _NotPlainError: The bytes do not follow the encoding.
    """
    found: dict[int, tuple[bytes, bytes]] = {}
    end = len(data) - 12
    unpack = _EXPLICIT.unpack_from if explicit else _IMPLICIT_ELEMENT.unpack_from
    vr = b""
    while at <= end:
        if explicit:
            group, element, vr, length = unpack(data, at)
            start = at + 8
            if vr not in _SHORT_VRS:
                if vr not in _LONG_VRS:
                    raise _NotPlainError
                length = int.from_bytes(data[start : start + 4], "little")
                start += 4
        else:
            group, element, length = unpack(data, at)
            start = at + 8
        tag = group << 16 | element
        if tag > last:
            return found
        if length == _UNDEFINED:
            if vr == b"UN":
                raise _NotPlainError  # its items are of implicit VR
            skipped = _after_sequence(data, start, explicit)
            if skipped is None:
                return None
            at = skipped
            continue
        at = start + length
        if tag in wanted:
            found[tag] = (vr, data[start:at])
    return None


def _element(data: bytes, at: int, explicit: bool) -> tuple[int, bytes, int, int]:
    """Return tag, VR, length and where the value starts."""
    tag = (data[at] << 16) | (data[at + 1] << 24) | data[at + 2] | (data[at + 3] << 8)
    if not explicit or tag >> 16 == 0xFFFE:
        return tag, b"", int.from_bytes(data[at + 4 : at + 8], "little"), at + 8
    vr = data[at + 4 : at + 6]
    if vr in _SHORT_VRS:
        return tag, vr, data[at + 6] | (data[at + 7] << 8), at + 8
    if vr in _LONG_VRS:
        return tag, vr, int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
    raise _NotPlainError


def _after_sequence(data: bytes, at: int, explicit: bool) -> int | None:
    """Return where a sequence of undefined length ends; None if `data` ends before."""
    open_parts = ["sequence"]
    while open_parts:
        if at + 12 > len(data):
            return None
        tag, _, length, start = _element(data, at, explicit)
        inside = open_parts[-1]
        if tag == (_SEQUENCE_END if inside == "sequence" else _ITEM_END):
            open_parts.pop()
            at = start
        elif inside == "sequence" and tag != _ITEM:
            raise _NotPlainError
        elif length == _UNDEFINED:
            open_parts.append("item" if inside == "sequence" else "sequence")
            at = start
        else:
            at = start + length
    return at
