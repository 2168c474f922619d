"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anybone.core.errors import WriteError


@contextmanager
def whole_file(path: Path, ending: str) -> Iterator[Path]:
    """Yield a temporary path in the same folder and give the file its final name when the block succeeds.

    Args:
        path: Where the file belongs; missing folders are made.
        ending: Kept on the intermediate name, because libraries choose by it.

    Raises:
        WriteError: The file cannot be written.
    """
    part = path.with_name(f".{uuid.uuid4().hex}{ending}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written: {error.strerror or error}. Check the folder, its rights and the free space."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Raises:
        WriteError: The file cannot be written.
    """
    with whole_file(path, path.suffix) as part:
        part.write_text(text, encoding="utf-8", newline="")
