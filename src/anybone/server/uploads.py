"""Uploads: multipart forms whose files are written to disk as they arrive."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from anybone.core.errors import UsageError
from anybone.server.http_errors import TooLarge, UnsupportedMedia
from anybone.server.settings import Settings

_MAX_DEPTH = 16  # folders in a path
_MAX_NAME = 200  # characters
_MAX_BOUNDARY = 256
_FIELD_BYTES = 1 << 20  # of a part without file name
_HEADER_BYTES = 8192
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


def safe_path(name: str) -> Path:
    """Return a safe relative path for a file name from a client: without parents, roots and reserved characters.

    Raises:
        UsageError: The name is empty.
    """
    parts = [_FORBIDDEN.sub("_", p).strip() for p in PurePosixPath(name.replace("\\", "/")).parts]
    kept = [p[-_MAX_NAME:].lstrip(".") for p in parts if p not in ("/", ".", "..", "")]
    kept = [p for p in kept if p][-_MAX_DEPTH:]
    if not kept:
        raise UsageError("A file of the upload has no name. Send each file with its name or relative path.")
    return Path(*kept)


class Incoming:
    """Receive a multipart form and write its files to a folder while they arrive.

    Args:
        folder: Folder for the files.
        content_type: Content type of the request.
        max_files: Maximum number of files.

    Attributes:
        files: Part names and file paths below the folder, in order of arrival.
        fields: Parts without file name.

    Raises:
        UnsupportedMedia: The body is not a multipart form.
    """

    def __init__(self, folder: Path, content_type: str, max_files: int) -> None:
        kind, parameters = parse_options_header(content_type)
        boundary = parameters.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise UnsupportedMedia("An upload has to be multipart/form-data with a boundary. Send the files as a form.")
        self.files: list[tuple[str, Path]] = []
        self.fields: dict[str, str] = {}
        self._folder, self._max_files = folder, max_files
        self._header, self._value = bytearray(), bytearray()
        self._disposition = ""
        self._file: BinaryIO | None = None
        self._field: tuple[str, bytearray] | None = None
        self._done = False
        self._parser: MultipartParser | None = None
        self._boundary, self._start = boundary, bytearray()
        self._new_parser(boundary)

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._grow(self._header, data[start:end]),
                    "on_header_value": lambda data, start, end: self._grow(self._value, data[start:end]),
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._open,
                    "on_part_data": lambda data, start, end: self._write(data[start:end]),
                    "on_part_end": self._close,
                    "on_end": self._finish,
                },
            )
        except FormParserError as error:
            raise UnsupportedMedia(f"The boundary of the form is invalid: {error}.") from error

    def _parse(self, chunk: bytes) -> None:
        """Parse a chunk; the first line decides which boundary is used.

        MONAI Label's client repeats the content type of its first form, so its later ones declare a stale boundary.
        """
        if self._parser is None:
            self._start += chunk
            line, end, _ = bytes(self._start).partition(b"\r\n")
            if not end and len(self._start) <= _MAX_BOUNDARY:
                return
            found = line[2:].rstrip() if end and line.startswith(b"--") else b""
            self._parser = self._new_parser(found if 0 < len(found) <= _MAX_BOUNDARY else self._boundary)
            chunk = bytes(self._start)
        self._parser.write(chunk)

    async def receive(self, body: AsyncIterator[bytes]) -> None:
        """Write the files of the form into the folder.

        Raises:
            UsageError: The body ends early or is not a form.
            TooLarge: There are too many files.
        """
        try:
            async for chunk in body:
                await run_in_threadpool(self._parse, chunk)
        except FormParserError as error:
            raise UsageError("The form is invalid. Send the files again.") from error
        finally:
            self._close()
        if not self._done:
            raise UsageError("The form ends before its last boundary. Send the files again.")

    def _begin(self) -> None:
        self._disposition = ""
        self._header.clear()
        self._value.clear()

    def _grow(self, part: bytearray, data: bytes) -> None:
        part += data
        if len(part) > _HEADER_BYTES:
            raise UsageError("A header of the form is too long. Send the files again.")

    def _header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value).decode("utf-8", "replace")
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        name = _parameter(self._disposition, "name")
        file_name = _parameter(self._disposition, "filename")
        if file_name is None:
            if len(self.fields) >= self._max_files:
                raise TooLarge("The form has too many fields.")
            self._field = (name or "", bytearray())
            return
        if len(self.files) >= self._max_files:
            raise TooLarge(f"An upload holds at most {self._max_files} files. Send fewer at once, or a zip.")
        path = self._free(safe_path(file_name))
        self._file = path.open("xb")
        self.files.append((name or "", path.relative_to(self._folder)))

    def _free(self, relative: Path) -> Path:
        """Return a path that no file of this upload has yet."""
        path = self._folder / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:  # another file of the upload has the name of the folder
            path = self._folder / uuid.uuid4().hex / relative.name
            path.parent.mkdir(parents=True)
        return path if not path.exists() else path.with_name(f"{uuid.uuid4().hex}_{path.name[-_MAX_NAME:]}")

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
        elif self._field is not None:
            self._field[1].extend(data)
            if len(self._field[1]) > _FIELD_BYTES:
                raise TooLarge("A field of the form is too long.")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._field is not None:
            self.fields[self._field[0]] = self._field[1].decode("utf-8", "replace")
            self._field = None

    def _finish(self) -> None:
        self._done = True


def _parameter(disposition: str, name: str) -> str | None:
    """Return a parameter of a Content-Disposition header; folders in a file name are kept."""
    found = re.search(rf'[;\s]{name}="((?:[^"\\]|\\.)*)"|[;\s]{name}=([^";\s]+)', disposition)
    if found is None:
        return None
    quoted, bare = found.groups()
    text = bare if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted)
    return str(text).replace("%22", '"')


def size_of(folder: Path) -> int:
    """Return the size in bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check_disk(settings: Settings) -> None:
    """Check that there is room for another upload.

    Raises:
        TooLarge: Sessions and uploads reach the disk limit.
    """
    limit = settings.limits.disk_bytes
    if size_of(settings.state) > limit:
        raise TooLarge(f"Sessions and uploads reach this server's limit of {limit >> 30} GiB. Delete some sessions.")


def remove(folder: Path) -> None:
    """Remove a folder, if it exists."""
    shutil.rmtree(folder, ignore_errors=True)
