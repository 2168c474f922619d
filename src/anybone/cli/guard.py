"""The border of the command line: every exception becomes one message and an exit code."""

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
DOUBTED = 5  # a result was written, and should not be trusted
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, ending with a message and an exit code where it would end with an exception."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        terminal = Terminal(verbose=int(str(kwargs.get("verbose", 0))))
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            terminal.error("Stopped. What was finished before is kept.")
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # no faults: typer ends these in silence, the last one from `anybone info scan.nii | head`
        except Exception as error:
            terminal.error(message_of(error))
            show_traceback(error, terminal)
            raise typer.Exit(exit_code_of(error)) from None

    return run


def exit_code_of(error: Exception) -> int:
    """What the program returns to the shell for an error."""
    return error.exit_code if isinstance(error, AnyboneError) else FAILED


def message_of(error: Exception) -> str:
    """What a person reads of an error: what was found, what is expected, what to do next."""
    if isinstance(error, AnyboneError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "There is not enough memory. Crop the volume, or use --device cpu or a larger machine."
    if isinstance(error, OSError):
        return (
            f"{error.filename or 'The system'}: {error.strerror or error}. Check the name, its rights and free space."
        )
    return (
        f"This is a bug in anybone ({type(error).__name__}: {error}). "
        "Please report it with the output of the same command and -vv."
    )


def show_traceback(error: Exception, terminal: Terminal) -> None:
    """Nothing; prints where an error came from for those who asked for it with -vv."""
    if terminal.verbose >= 2:
        terminal.error("".join(traceback.format_exception(error)).rstrip(), label="")
