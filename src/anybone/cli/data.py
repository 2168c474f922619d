"""`anybone data`: look at the cases that a training is to learn from: check, split, preview."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal
from anybone.core.errors import UsageError

if TYPE_CHECKING:
    from anybone.training.cases import Case

app = typer.Typer(
    help="Check, split and look at cases with bone references, before a training learns from them.",
    no_args_is_help=True,
)

Data = Annotated[
    list[Path], typer.Argument(metavar="DATA...", help="Folders of cases, nnU-Net, BIDS, or manifests (.csv, .json).")
]


@app.command("check", no_args_is_help=True)
@handle_errors
def check(data: Data, quiet: opt.Quiet = False, verbose: opt.Verbose = 0) -> None:
    """Name everything that is wrong with cases, all at once; the exit code is 3 where something is.

    Examples:

    anybone data check cases/
    """
    from anybone.training.check import require_sound

    terminal = Terminal(quiet, verbose)
    cases = _cases(data)
    with terminal.progress("cases") as bar:
        require_sound(cases, bar)
    terminal.result(f"{len(cases)} cases of {len({case.patient for case in cases})} patients: nothing wrong")
    for line in _table(cases):
        terminal.result(line)


@app.command("split", no_args_is_help=True)
@handle_errors
def split(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.csv", help="The manifest, or a .json.")],
    validation: Annotated[float, typer.Option("--validation", min=0, max=1, help="Share of the patients.")] = 0.2,
    test: Annotated[float, typer.Option("--test", min=0, max=1, help="Share that training never touches.")] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number, another split.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a manifest that exists.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Decide by patient who is trained on and who is validated on, the same share of each region; writes a manifest.

    Examples:

    anybone data split cases/ -o cases.csv --validation 0.2 --test 0.1
    """
    from anybone.training.manifest import write_manifest
    from anybone.training.split import split_cases

    terminal = Terminal(quiet, verbose)
    if output.exists() and not force:
        raise UsageError(f"{output} exists already. Choose another name, or write over it with --force.")
    cases = split_cases(_cases(data), validation=validation, test=test, seed=seed)
    write_manifest(cases, output)
    terminal.result(f"{output}  {len(cases)} cases")
    for line in _table(cases):
        terminal.result(line)
    terminal.note(f'Train on it: cases = "{output}" in the [data] of a recipe')


@app.command("preview", no_args_is_help=True)
@handle_errors
def preview(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the pictures.")],
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Write a picture of each case: its slices, bones outlined.

    Examples:

    anybone data preview cases/ -o pictures
    """
    from anybone.export import EXPORTERS
    from anybone.io import read, read_segmentation

    terminal = Terminal(quiet, verbose)
    cases = _cases(data)
    output.mkdir(parents=True, exist_ok=True)
    with terminal.progress("preview") as bar:
        for number, case in enumerate(cases, 1):
            picture = output / f"{number:04d}_{case.key.replace('/', '_')}.png"
            EXPORTERS["preview"](read(case.image), read_segmentation(case.bones), picture)
            bar("draw", number, len(cases))
    terminal.result(f"{output}  {len(cases)} pictures")


def _cases(data: list[Path]) -> list[Case]:
    from anybone.training.layouts import find_cases

    return [case for path in data for case in find_cases(path)]


def _table(cases: list[Case]) -> list[str]:
    """Patients by region and split."""
    groups: dict[tuple[str, str], set[str]] = {}
    for case in cases:
        groups.setdefault((case.region, case.split), set()).add(case.patient)
    width = max(len(region) for region, _ in groups)
    return [
        f"{region:{width}}  {split + '  ' if split else ''}{len(patients)} patients"
        for (region, split), patients in sorted(groups.items())
    ]
