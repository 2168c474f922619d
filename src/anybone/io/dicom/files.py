"""The files of a folder, of a zip (read in place, never unpacked to disk), or a single file."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from anybone.core.errors import ReadError
from anybone.io.limits import MAX_ENTRY_BYTES, MAX_FILES, MAX_ZIP_BYTES, MAX_ZIP_RATIO, ZIP_BYTES_OF_ANY_RATIO

PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_ENCRYPTED = 0x1
_FIRST_GROUPS = (0x0002, 0x0008)  # a file without preamble begins with one of these


@dataclass(frozen=True)
class File:
    """One file to look into.

    Attributes:
        name: Path relative to what the user gave; for messages only, never opened.
        size: In bytes, unpacked.
        open: Opens it for reading.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def stream(self) -> BinaryIO:
        """The file's bytes; asking for more than there are allocates no more than there are."""
        return cast(BinaryIO, _Clamped(self.open(), self.size))


class _Clamped(io.RawIOBase):
    """A stream that never asks its source for more than the file holds: lengths in headers may lie."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source, self._size = source, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._source.tell(), 0)
        return self._source.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def close(self) -> None:
        self._source.close()
        super().close()


@contextmanager
def open_files(path: Path) -> Iterator[list[File]]:
    """The files of `path`, sorted by name; they can be opened while the context lasts.

    Raises:
        ReadError: Too many files, or a zip that is damaged, encrypted or unpacks to more than the limits.
    """
    if path.is_dir():
        yield _walk(path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield _entries(archive, path)
    elif path.name.lower().endswith(".zip"):
        raise ReadError(f"{path} is no zip, or is cut off. Copy or download it again.")
    else:
        yield [_file(path, path.name)]


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that starts with these bytes (132 or more) can be DICOM, with or without a preamble."""
    if head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == _MAGIC:
        return True
    little, big = (int.from_bytes(head[:2], order) for order in ("little", "big"))
    element = int.from_bytes(head[2:4], "little" if little in _FIRST_GROUPS else "big")
    return len(head) >= 8 and (little in _FIRST_GROUPS or big in _FIRST_GROUPS) and element <= 0x0018


def _file(path: Path, name: str) -> File:
    return File(name, path.stat().st_size, lambda: path.open("rb"))


def _walk(folder: Path) -> list[File]:
    """Regular files below the folder. Linked folders are not entered, so that a loop ends."""
    found: list[File] = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file():  # no pipes or devices, whose reading may never end
                found.append(_file(path, str(path.relative_to(folder))))
            if len(found) > MAX_FILES:
                raise ReadError(f"{folder} holds more than {MAX_FILES} files. Give the folder of one examination.")
    return found


def _entries(archive: zipfile.ZipFile, path: Path) -> list[File]:
    infos = sorted((i for i in archive.infolist() if not i.is_dir()), key=lambda i: i.filename)
    if len(infos) > MAX_FILES:
        raise ReadError(f"{path} holds {len(infos)} files; at most {MAX_FILES} are read. Pack one examination.")
    total = sum(i.file_size for i in infos)
    packed = max(sum(i.compress_size for i in infos), 1)
    too_tight = total > ZIP_BYTES_OF_ANY_RATIO and total > packed * MAX_ZIP_RATIO
    if total > MAX_ZIP_BYTES or too_tight or any(i.file_size > MAX_ENTRY_BYTES for i in infos):
        raise ReadError(
            f"{path} would unpack to {total} bytes, {total // packed} times its size: this is no zip of MR images. "
            "Unpack it yourself if you trust it, and give the folder."
        )
    if any(i.flag_bits & _ENCRYPTED for i in infos):
        raise ReadError(f"{path} is encrypted. Unpack it with its password and give the folder.")
    return [File(i.filename, i.file_size, _opener(archive, i)) for i in infos]


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        return io.BufferedReader(cast(io.RawIOBase, archive.open(info)), 2**16)

    return opened
