"""Reading numbers from files whose headers may state a false length."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import ReadError
from anybone.io.limits import MAX_DEFLATE_RATIO

Coding = Literal["raw", "gzip", "zlib", "bzip2", "text"]

_CHUNK_BYTES = 4 * 2**20
_SLACK_BYTES = 2**16  # headers and padding around compressed voxels


class Readable(Protocol):
    """Anything with `read(n) -> at most n bytes, none at the end`."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        ...


class _Zlib:
    """Incremental zlib and gzip decoder that never inflates more than requested."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflate = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)

    def read(self, size: int, /) -> bytes:
        while not self._inflate.eof:
            data = self._inflate.unconsumed_tail or self._source.read(2**16)
            if not data:
                raise EOFError("the compressed voxels end too early")
            out = self._inflate.decompress(data, size)
            if out:
                return out
        return b""


def is_gzip(path: Path) -> bool:
    """Return True if the file starts like a gzip file, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_maybe_gzip(path: Path) -> BinaryIO:
    """Open the file as a stream, decompressed on the fly if it is gzip."""
    return cast(BinaryIO, gzip.open(path, "rb")) if is_gzip(path) else path.open("rb")


def decoded(file: BinaryIO, coding: Coding) -> Readable:
    """Return a stream of the voxels' bytes from a file positioned at their start."""
    match coding:
        case "gzip":
            return gzip.GzipFile(fileobj=file, mode="rb")
        case "zlib":
            return _Zlib(file)
        case "bzip2":
            return bz2.BZ2File(file)
        case _:
            return file


def check_length(stored_bytes: int, coding: Coding, needed_bytes: int) -> None:
    """Raise an error if `stored_bytes` of this encoding cannot hold `needed_bytes`.

    Raises:
        ReadError: They cannot: the file is truncated, or its header is wrong.
    """
    most = stored_bytes
    if coding in ("gzip", "zlib"):
        most = (stored_bytes + _SLACK_BYTES) * MAX_DEFLATE_RATIO
    if coding not in ("bzip2", "text") and needed_bytes > most:
        raise ReadError(
            f"The header promises {needed_bytes} bytes of voxels, but the file holds {stored_bytes} bytes ({coding}): "
            "it is cut off or damaged. Copy or download it again."
        )


def read_floats(stream: Readable, dtype: np.dtype[np.generic], count: int) -> NDArray[np.float32]:
    """Read `count` numbers of type `dtype` as float32, shape (count,), in chunks so that memory follows the data.

    Raises:
        ReadError: The stream ends before.
    """
    values = np.empty(count, dtype=np.float32)
    done = 0
    per_chunk = _CHUNK_BYTES // dtype.itemsize
    while done < count:
        wanted = min(per_chunk, count - done)
        block = _exactly(stream, wanted * dtype.itemsize)
        if len(block) < wanted * dtype.itemsize:
            have = done * dtype.itemsize + len(block)
            raise ReadError(
                f"The voxels end after {have} of {count * dtype.itemsize} bytes: the file is cut off. Copy it again."
            )
        with np.errstate(all="ignore"):  # a float64 beyond float32's range becomes infinity, which is noted later
            values[done : done + wanted] = np.frombuffer(block, dtype=dtype)
        done += wanted
    return values


def read_text_numbers(stream: Readable, stored_bytes: int, count: int) -> NDArray[np.float32]:
    """`count` numbers written as text, as float32 of shape (count,).

    Raises:
        ReadError: The text holds fewer numbers.
    """
    words = _exactly(stream, stored_bytes).split(maxsplit=count)[:count]
    if len(words) < count:
        raise ReadError(f"The file holds {len(words)} of {count} voxels: it is cut off. Copy it again.")
    with np.errstate(all="ignore"):
        return np.array([float(w) for w in words], dtype=np.float64).astype(np.float32)


def check_end(stream: Readable) -> None:
    """Read to the end to verify the checksum of a compressed stream.

    Raises:
        OSError: The checksum is wrong, or what follows is not the end of the stream.
    """
    for _ in range(4):  # a little padding is met in practice; more than this is not read
        if not stream.read(_CHUNK_BYTES):
            return


def _exactly(stream: Readable, size: int) -> bytes:
    parts = io.BytesIO()
    while parts.tell() < size:
        block = stream.read(min(size - parts.tell(), _CHUNK_BYTES))
        if not block:
            break
        parts.write(block)
    return parts.getvalue()
