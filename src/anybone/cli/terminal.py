"""What a person sees: results on stdout, notes, warnings, errors and a progress bar on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Timer
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE_S = 2.0  # a bar for less is only flicker


@dataclass(frozen=True)
class Terminal:
    """How much is said.

    Attributes:
        quiet: Only errors are.
        verbose: 1 adds notes on every step, 2 adds tracebacks.
    """

    quiet: bool = False
    verbose: int = 0

    def result(self, text: str) -> None:
        """Nothing; prints what the command was asked for."""
        if not self.quiet:
            typer.echo(text)

    def note(self, text: str, *, verbose: int = 0) -> None:
        """Nothing; prints what may help, where at least so much is wanted."""
        if not self.quiet and self.verbose >= verbose:
            typer.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Nothing; prints what a user of the result must know."""
        if not self.quiet:
            self._labelled("warning: ", typer.colors.YELLOW, text)

    def error(self, text: str, label: str = "error: ") -> None:
        """Nothing; prints why something failed."""
        self._labelled(label, typer.colors.RED, text)

    def _labelled(self, label: str, colour: str, text: str) -> None:
        typer.echo(typer.style(label, fg=colour, bold=True) + text if label else text, err=True)

    @contextmanager
    def progress(self, title: str) -> Iterator[Bar]:
        """A bar that appears on stderr once the work inside has taken two seconds; never outside a terminal."""
        from rich.console import Console

        bar = Bar(title, Console(stderr=True), visible=not self.quiet)
        try:
            yield bar
        finally:
            bar.close()


class Bar:
    """A progress bar, called with (step, done, total) as the engine does.

    Args:
        title: What is worked on.
        console: Where it is drawn.
        visible: Whether it ever is; a console that is no terminal shows none either.
    """

    def __init__(self, title: str, console: Console, visible: bool) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._title = title
        self._lock = Lock()
        self._closed = False
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # else a result piped elsewhere would land on stderr
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(title, total=None)
        self._step = ""
        self._timer = Timer(PATIENCE_S, self._show)
        self._timer.daemon = True
        if visible and console.is_terminal:
            self._timer.start()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Nothing; shows how much of a step is done."""
        if step != self._step:
            self._step = step
            self._progress.reset(self._task, total=total, description=f"{self._title}  {step}")
        self._progress.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Nothing; takes the bar off the screen."""
        with self._lock:
            self._closed = True
            self._timer.cancel()
            self._progress.stop()

    def _show(self) -> None:
        with self._lock:
            if not self._closed:
                self._progress.start()
