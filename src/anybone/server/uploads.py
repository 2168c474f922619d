"""Uploads: files that a person drops on the page, written to disk as they arrive."""

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
from anybone.server.problems import TooLarge, Unsupported

_DEEPEST = 16  # folders in a path
_LONGEST = 200  # characters of a name
_FIELD_BYTES = 1 << 20  # of a part that is no file
_HEADER_BYTES = 8192
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


def safe_path(name: str) -> Path:
    """A relative path that a file of a foreign name may be written to; what could lead elsewhere is taken out.

    Raises:
        UsageError: Nothing of the name is left.
    """
    parts = [_FORBIDDEN.sub("_", p).strip() for p in PurePosixPath(name.replace("\\", "/")).parts]
    kept = [p[-_LONGEST:].lstrip(".") for p in parts if p not in ("/", ".", "..", "")]
    kept = [p for p in kept if p][-_DEEPEST:]
    if not kept:
        raise UsageError("A file of the upload has no name. Send each file with its name, or its path in its folder.")
    return Path(*kept)


class Incoming:
    """A multipart body that is written to a folder while it arrives.

    Args:
        folder: Where files go, each by its own name.
        content_type: Of the request.
        max_files: How many files are taken.

    Attributes:
        files: Name of the part and the file's path below the folder, in the order of arrival.
        fields: Parts that are no files.

    Raises:
        Unsupported: The body is no multipart form.
    """

    def __init__(self, folder: Path, content_type: str, max_files: int) -> None:
        kind, parameters = parse_options_header(content_type)
        boundary = parameters.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise Unsupported("An upload is multipart/form-data with a boundary. Send files as a form does.")
        self.files: list[tuple[str, Path]] = []
        self.fields: dict[str, str] = {}
        self._folder, self._max_files = folder, max_files
        self._header, self._value = bytearray(), bytearray()
        self._disposition = ""
        self._file: BinaryIO | None = None
        self._field: tuple[str, bytearray] | None = None
        self._done = False
        try:
            self._parser = MultipartParser(
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
            raise Unsupported(f"The boundary of the form cannot be used: {error}.") from error

    async def receive(self, body: AsyncIterator[bytes]) -> None:
        """Nothing; the files then lie in the folder.

        Raises:
            UsageError: The body ends early or is no form.
            TooLarge: There are too many files.
        """
        try:
            async for chunk in body:
                await run_in_threadpool(self._parser.write, chunk)
        except FormParserError as error:
            raise UsageError("The form is damaged. Send the files again.") from error
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
        """A path that no file of this upload has yet."""
        path = self._folder / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:  # a file of the upload has the name of this one's folder
            path = self._folder / uuid.uuid4().hex / relative.name
            path.parent.mkdir(parents=True)
        return path if not path.exists() else path.with_name(f"{uuid.uuid4().hex}_{path.name[-_LONGEST:]}")

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
    """A parameter of a Content-Disposition; folders in a file's name are kept."""
    found = re.search(rf'[;\s]{name}="((?:[^"\\]|\\.)*)"|[;\s]{name}=([^";\s]+)', disposition)
    if found is None:
        return None
    quoted, bare = found.groups()
    text = bare if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted)
    return str(text).replace("%22", '"')


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def remove(folder: Path) -> None:
    """Nothing; the folder is gone."""
    shutil.rmtree(folder, ignore_errors=True)
