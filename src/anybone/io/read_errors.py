"""The border at which errors of foreign parsers become ours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anybone.core.errors import AnyboneError, GeometryError, ReadError


@contextmanager
def refusing(path: Path | str) -> Iterator[None]:
    """Convert every failure to read `path` into an `AnyboneError` that names it.

    Parsers raise almost anything on damaged bytes (ValueError, KeyError, zlib.error, RecursionError ...), so all of
    it is caught, here and nowhere else. Their warnings on odd headers are silenced: what matters becomes a note.
    """
    name = Path(path).name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except GeometryError as error:
        if name in str(error):
            raise
        raise GeometryError(f"{path}: {error}") from error
    except ReadError as error:
        if name in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error
    except (AnyboneError, ImportError, NameError):  # the latter two are faults of the program, never of a file
        raise
    except MemoryError as error:
        raise ReadError(f"{path} needs more memory than there is. Crop it, or use a larger machine.") from error
    except FileNotFoundError as error:
        raise ReadError(f"{path} does not exist. Check the name.") from error
    except OSError as error:
        if error.errno is None:  # raised by a parser, not by the system
            raise ReadError(f"{path} is damaged or cut off ({error}). Copy or export it again.") from error
        raise ReadError(f"{path} cannot be read: {error.strerror}. Check the file and its permissions.") from error
    except Exception as error:
        raise ReadError(
            f"{path} is damaged or not what its name says ({type(error).__name__}: {error}). Re-export it."
        ) from error
