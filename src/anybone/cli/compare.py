"""`anybone compare`: whether one method's masks are better than another's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal, aligned
from anybone.core.errors import UsageError

_NONE = "-"


@handle_errors
def compare(
    reports: Annotated[
        list[Path], typer.Argument(metavar="REPORT.json...", help="Of `anybone evaluate --json`, on the same patients.")
    ],
    metric: Annotated[str, typer.Option("--metric", help="Which: dsc, nsd, hd95_mm, assd_mm, f1 ...")] = "dsc",
    label: Annotated[str, typer.Option("--label", help="Which bone.")] = "bone",
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Say whether methods differ on the same patients: mean difference, interval, signed rank test after Holm.

    Each report is compared with the first.

    Examples:

    anybone compare ours.json other.json third.json --metric nsd
    """
    from anybone.evaluation.report_files import read_json
    from anybone.evaluation.statistics import by_patient
    from anybone.evaluation.statistics import compare as compare_values

    terminal = Terminal(quiet, verbose)
    if len(reports) < 2:
        raise UsageError("One report has nothing to be compared with. Give two or more, the one of interest first.")
    names = [path.stem if path.stem != "report" else path.parent.name for path in reports]
    if len(set(names)) < len(names):
        names = [str(path) for path in reports]
    read = {name: read_json(path) for name, path in zip(names, reports, strict=True)}
    values = {name: by_patient(report.of(label), metric) for name, report in read.items()}
    for name, of in values.items():
        if not of:
            known = ", ".join(read[name].metrics)
            raise UsageError(f"{name} has no {metric} of {label}. Its bones: {', '.join(read[name].labels)}; {known}.")
    first, *others = names
    found = compare_values({other: (values[first], values[other]) for other in others})
    rows = [[f"{metric} of {first} less that of", "n", "difference", "p after Holm"]]
    for other, one in found.items():
        interval = "" if one.ci95 is None else f" ({one.ci95[0]:+.4f} to {one.ci95[1]:+.4f})"
        difference = _NONE if one.difference is None else f"{one.difference:+.4f}{interval}"
        rows.append([other, str(one.patients), difference, _NONE if one.p_holm is None else f"{one.p_holm:.3g}"])
    for line in aligned(rows):
        terminal.result(line)
    for other, one in found.items():
        terminal.result(f"{first} and {other}: {one.words}")
        left = len(set(values[first]) ^ set(values[other]))
        if left:
            terminal.warn(f"{left} patients are in one of {first} and {other} alone, and are left out.")
