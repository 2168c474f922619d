"""Every error that anybone raises on purpose.

    AnyboneError                 exit code 1: the work failed
    ├── UsageError               2: an argument or option that cannot be meant
    │   └── PromptError          2: a prompt outside the volume, or empty
    ├── InputError               3: an input that is refused
    │   ├── ReadError            3: a file that cannot be read as an MR volume
    │   │   └── SeriesError      3: several series, and none was chosen; the message lists them
    │   ├── GeometryError        3: slices or affines that do not make one regular grid
    │   ├── CheckpointError      3: weights that are missing, damaged or of another network
    │   └── StateError           3: a saved session that is damaged, or of another volume
    ├── NothingFoundError        4: no bone, or no input, was found
    ├── WriteError               1: the result cannot be written as asked
    └── MissingExtraError        1: an optional dependency is not installed

Each message says what was found, what is expected, and what to do next.
"""

from __future__ import annotations


class AnyboneError(Exception):
    """Base of all errors of this package; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(AnyboneError):
    """An argument or option that cannot be meant."""

    exit_code = 2


class PromptError(UsageError):
    """A prompt is outside the volume, empty, or contradicts its geometry."""


class InputError(AnyboneError):
    """An input that is refused."""

    exit_code = 3


class ReadError(InputError):
    """A file that cannot be read as an MR volume."""


class SeriesError(ReadError):
    """Several series are present and none was chosen; the message lists them."""


class GeometryError(InputError):
    """Slices or affines that do not make one regular, invertible grid."""


class CheckpointError(InputError):
    """Weights that are missing, damaged, or belong to another network."""


class StateError(InputError):
    """A saved session that is damaged, or was made on another volume."""


class NothingFoundError(AnyboneError):
    """Nothing to work on, or nothing in the result."""

    exit_code = 4


class WriteError(AnyboneError):
    """A result that cannot be written as asked."""


class MissingExtraError(AnyboneError):
    """An optional dependency is not installed.

    Args:
        feature: What needs it, in words.
        extra: The name of the extra in `pip install "anybone[extra]"`.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f'{feature} needs an optional dependency. Install it: pip install "anybone[{extra}]"')
