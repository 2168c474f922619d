"""List the files of a folder, of a zip (read in place, never unpacked to disk), or a single file."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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
    """One file of the input.

    Attributes:
        name: Path relative to the path that the user gave; for messages only, never opened.
        size: Size in bytes, unpacked.
        open: Function that opens the file for reading.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def stream(self) -> BinaryIO:
        """Open the file as a stream that never allocates more bytes than the file has."""
        return cast(BinaryIO, _Clamped(self.open(), self.size))


class _Clamped(io.RawIOBase):
    """A stream that never asks its source for more bytes than the file has: lengths in headers can be wrong."""

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


@dataclass(frozen=True)
class Listing:
    """The files below a path, sorted by name.

    Attributes:
        files: Regular files.
        linked_folders: Links to folders, which are not followed; paths relative to the input.
    """

    files: tuple[File, ...]
    linked_folders: tuple[str, ...] = ()


@contextmanager
def open_files(path: Path) -> Iterator[Listing]:
    """List the files of `path`; they can be opened while the context lasts.

    Raises:
        ReadError: Too many files, or a zip that is damaged, encrypted or unpacks to more than the limits.
    """
    if path.is_dir():
        yield _walk(path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield Listing(_entries(archive, path))
    elif path.name.lower().endswith(".zip"):
        raise ReadError(f"{path} is no zip, or is cut off. Copy or download it again.")
    else:
        yield Listing((File(path.name, path.stat().st_size, partial(_open, str(path))),))


def looks_like_dicom(head: bytes) -> bool:
    """Return whether a file that starts with these bytes (136 or more) can be DICOM, with or without a preamble."""
    if head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == _MAGIC:
        return True
    little, big = (int.from_bytes(head[:2], order) for order in ("little", "big"))
    element = int.from_bytes(head[2:4], "little" if little in _FIRST_GROUPS else "big")
    return len(head) >= 8 and (little in _FIRST_GROUPS or big in _FIRST_GROUPS) and element <= 0x0018


def _open(path: str) -> IO[bytes]:
    return open(path, "rb")  # a folder holds thousands, and Path objects take as long as the reading


def _walk(folder: Path) -> Listing:
    """List regular files below the folder, without pipes and devices; links to folders are not followed."""
    top = str(folder)
    found: list[File] = []
    linked: list[str] = []
    for parent, folders, names in os.walk(top):
        folders.sort()
        linked += [os.path.relpath(f, top) for f in (os.path.join(parent, n) for n in folders) if os.path.islink(f)]
        for name in sorted(names):
            path = os.path.join(parent, name)
            status = _status(path)
            if status is not None and stat.S_ISREG(status.st_mode):
                found.append(File(path[len(top) :].lstrip(os.sep), status.st_size, partial(_open, path)))
            if len(found) > MAX_FILES:
                raise ReadError(f"{folder} holds more than {MAX_FILES} files. Give the folder of one examination.")
    return Listing(tuple(found), tuple(linked))


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:  # a broken link
        return None


def _entries(archive: zipfile.ZipFile, path: Path) -> tuple[File, ...]:
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
    return tuple(File(i.filename, i.file_size, _opener(archive, i)) for i in infos)


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        return io.BufferedReader(cast(io.RawIOBase, archive.open(info)), 2**16)

    return opened
