"""Terminal output: results on stdout; notes, warnings, errors and a progress bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Timer
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

PROGRESS_DELAY_S = 2.0  # a bar for shorter work would only flicker


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, each column as wide as its widest cell."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


@dataclass(frozen=True)
class Terminal:
    """Output at a chosen verbosity.

    Attributes:
        quiet: Print errors only.
        verbose: 1 adds notes on every step, 2 adds tracebacks.
    """

    quiet: bool = False
    verbose: int = 0

    def result(self, text: str) -> None:
        """Print the result of the command."""
        if not self.quiet:
            typer.echo(text)

    def note(self, text: str, *, verbose: int = 0) -> None:
        """Print a note if the verbosity is at least `verbose`."""
        if not self.quiet and self.verbose >= verbose:
            typer.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Print a warning about the result."""
        if not self.quiet:
            self._labeled("warning: ", typer.colors.YELLOW, text)

    def error(self, text: str, label: str = "error: ") -> None:
        """Print an error message."""
        self._labeled(label, typer.colors.RED, text)

    def _labeled(self, label: str, color: str, text: str) -> None:
        typer.echo(typer.style(label, fg=color, bold=True) + text if label else text, err=True)

    @contextmanager
    def progress(self, title: str) -> Iterator[Bar]:
        """Show a progress bar on stderr after two seconds of work; only in a terminal."""
        bar = Bar(title, visible=not self.quiet and sys.stderr.isatty())
        try:
            yield bar
        finally:
            bar.close()


class Bar:
    """Progress bar that is called with (step, done, total).

    Args:
        title: Name of the case in progress.
        visible: False never shows the bar.
    """

    def __init__(self, title: str, visible: bool) -> None:
        self._title = title
        self._at: tuple[str, int, int | None, str] = ("", 0, None, "")
        self._lock = Lock()
        self._shown: Progress | None = None
        self._timer = Timer(PROGRESS_DELAY_S, self._show)
        self._timer.daemon = True
        if visible:
            self._timer.start()

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        """Update the bar with the progress of a step and a note."""
        with self._lock:
            new = step != self._at[0]
            self._at = (step, done, total, note)
            if self._shown is not None:
                self._draw(self._shown, new)

    def close(self) -> None:
        """Remove the bar from the screen."""
        self._timer.cancel()
        if self._timer.ident is not None:
            self._timer.join()  # it may be drawing just now
        if self._shown is not None:
            self._shown.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        with self._lock:
            self._shown = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,  # else a result that is piped elsewhere would land on stderr
                redirect_stderr=False,
            )
            self._shown.add_task(self._title, total=None, note="")
            self._draw(self._shown, new=True)
            self._shown.start()

    def _draw(self, bar: Progress, new: bool) -> None:
        step, done, total, note = self._at
        if new:  # the remaining time is estimated from the speed of this step alone
            bar.reset(bar.task_ids[0], total=total, description=f"{self._title}  {step}".rstrip())
        bar.update(bar.task_ids[0], completed=done, total=total, note=note)
