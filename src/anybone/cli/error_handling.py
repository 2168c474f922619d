"""Turn every exception of a command into one message and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from anybone.cli.terminal import Terminal
from anybone.core.errors import AnyboneError

P = ParamSpec("P")

FAILED = 1
LOW_CONFIDENCE = 5  # a result was written, but its expected accuracy is low
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def handle_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that exceptions end it with a message and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        terminal = Terminal(verbose=int(str(kwargs.get("verbose", 0))))
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            terminal.error("Stopped. Finished results are kept.")
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # not faults: typer exits silently, for example on `anybone info scan.nii | head`
        except Exception as error:
            terminal.error(message_of(error))
            show_traceback(error, terminal)
            raise typer.Exit(exit_code_of(error)) from None

    return run


def exit_code_of(error: Exception) -> int:
    """Return the exit code of the program for an error."""
    return error.exit_code if isinstance(error, AnyboneError) else FAILED


def message_of(error: Exception) -> str:
    """Return the message for an error: what was found, what is expected, what to do next."""
    if isinstance(error, AnyboneError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "Not enough memory. Crop the volume, use --device cpu, or use a machine with more memory."
    if isinstance(error, OSError):
        what = f"{error.filename or 'The system'}: {error.strerror or error}"
        return f"{what}. Check the path, its permissions and free space."
    return (
        f"This is a bug in anybone ({type(error).__name__}: {error}). "
        "Please report it with the output of the same command and -vv."
    )


def show_traceback(error: Exception, terminal: Terminal) -> None:
    """Print the traceback of an error if -vv was given."""
    if terminal.verbose >= 2:
        terminal.error("".join(traceback.format_exception(error)).rstrip(), label="")
