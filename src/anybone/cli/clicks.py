"""`anybone clicks`: what corrective clicks are worth, by simulated users."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.method import choose_method
from anybone.cli.terminal import Terminal, aligned
from anybone.core.errors import UsageError


class User(StrEnum):
    """Names of `evaluation.clicks.USERS`."""

    middle = "center"
    anywhere = "anywhere"
    noisy = "noisy"
    lazy = "lazy"


class Per(StrEnum):
    """Unit of a round of clicks."""

    slice = "slice"
    volume = "volume"


Images = Annotated[Path, typer.Argument(metavar="IMAGES", help="A volume, or a folder of them.")]
Truth = Annotated[Path, typer.Argument(metavar="TRUTH", help="Its reference, a folder of them, or a manifest.")]
Folder = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder for clicks.json and clicks.html.")
]
Users = Annotated[list[User] | None, typer.Option("--user", help="Who clicks; may be repeated.", show_default="center")]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Of clicks, at most.")]
PerWhat = Annotated[Per, typer.Option("--per", help="A round is a click on each slice, or one in the volume.")]
Reach = Annotated[float, typer.Option("--reach", min=0, max=1, help="The Dice that users want.")]
Ignore = Annotated[
    list[int] | None, typer.Option("--ignore", metavar="LABEL", help="Where the truth has it, it is not known.")
]


@handle_errors
def clicks(
    images: Images,
    truth: Truth,
    output: Folder = None,
    user: Users = None,
    rounds: Rounds = 10,
    per: PerWhat = Per.slice,
    reach: Reach = 0.9,
    ignore: Ignore = None,
    weights: opt.Weights = None,
    method: opt.Method = None,
    device: opt.DeviceName = "auto",
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Measure what corrective clicks are worth: Dice as simulated users correct the automatic answer.

    Users: center clicks the middle of the largest error, anywhere any voxel of it, noisy two pixels beside the middle,
    lazy only where at least 40 pixels are wrong.

    Examples:

    anybone clicks images/ truths/ --user center --user noisy -o clicks
    """
    from anybone.evaluation.clicks_page import summary_rows, write_clicks_page
    from anybone.evaluation.interactive import click_cases, write_clicked
    from anybone.evaluation.matching import match
    from anybone.evaluation.statistics import caution

    terminal = Terminal(quiet, verbose)
    if output is not None and output.is_file():
        raise UsageError(f"{output} is a file. Give a folder: -o CLICKS.")
    cases = match(images, truth).cases
    segmenter = choose_method(weights, method, device).segmenter
    users = [one.value for one in dict.fromkeys(user or [User.middle])]
    with terminal.progress("clicks") as bar:
        clicked = click_cases(
            segmenter,
            cases,
            users,
            rounds=rounds,
            per=per.value,
            reach=reach,
            ignore=frozenset(ignore or ()),
            progress=bar,
        )
    for line in aligned(summary_rows(clicked)):
        terminal.result(line)
    few = caution(len({one.patient for one in clicked.curves}))
    if few:
        terminal.result(few)
    if output is not None:
        write_clicked(clicked, output / "clicks.json")
        write_clicks_page(clicked, output / "clicks.html")
        terminal.result(f"{output / 'clicks.html'}")
