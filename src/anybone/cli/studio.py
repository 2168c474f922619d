"""`anybone studio`: segment and correct in a browser, on this machine."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal
from anybone.cli.threads import let_threads_sleep
from anybone.core.errors import UsageError

HOST = "127.0.0.1"


@handle_errors
def studio(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]",
            help="An image to open, or a folder to choose from.",
            show_default="the folder that you are in",
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    weights: opt.Weights = None,
    device: opt.DeviceName = "auto",
    state: opt.State = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Open the studio in a browser: look at a volume, click on a bone, correct, name and save.

    Only this machine can reach it, and only at the printed address. Nothing is fetched from the internet.
    Changes are saved at once; Ctrl-C ends the server.

    Examples:

    anybone studio knee.nii.gz
    anybone studio thigh.zip --no-browser --port 8080
    """
    from anybone.server.optional_packages import require_studio

    require_studio("The studio")
    let_threads_sleep()
    from anybone.server.running import Server, listen, method_of
    from anybone.server.settings import Settings, default_state, kept_token

    terminal = Terminal(quiet, verbose)
    folder, opened = _place(path)
    method = method_of(weights, device)
    listening = listen(HOST, port)
    place = state or default_state()
    settings = Settings(state=place, token=kept_token(place), folder=folder, opened=opened)
    address = f"http://{HOST}:{listening.getsockname()[1]}/#token={settings.token}"

    def started() -> None:
        terminal.result(f"The studio is at {address}")
        terminal.note("Press Ctrl-C to stop; sessions are saved.")
        if browser:
            webbrowser.open(address)

    Server(settings, method, listening, started=started).go()


def _place(path: Path | None) -> tuple[Path, str | None]:
    """Return the folder to serve, and the image in it to open."""
    if path is None:
        return Path.cwd(), None
    if not path.exists():
        raise UsageError(f"{path} does not exist. Check the name.")
    if path.is_dir() and not _is_image(path):
        return path, None
    return path.resolve().parent, path.resolve().name


def _is_image(folder: Path) -> bool:
    """Return True if a folder is one DICOM image: files only, no subfolders."""
    from anybone.io import find_inputs

    return find_inputs(folder) == [folder]
