"""`anybone evaluate`: how good masks are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal, aligned
from anybone.core.errors import UsageError

if TYPE_CHECKING:
    from anybone.evaluation.report import Report

_SHOWN = ("dsc", "nsd", "hd95_mm", "assd_mm")
_EMPTY = "What is empty or not known"


class Missing(StrEnum):
    """Handling of a reference without a prediction."""

    refuse = "refuse"
    empty = "empty"


class BothEmpty(StrEnum):
    """Score of a case in which both masks are empty."""

    exclude = "exclude"
    perfect = "perfect"


class OneEmpty(StrEnum):
    """Distances of a case in which one mask is empty."""

    exclude = "exclude"
    diagonal = "diagonal"


Predictions = Annotated[Path, typer.Argument(metavar="PREDICTION", help="A mask, or a folder of masks.")]
Truths = Annotated[
    Path, typer.Argument(metavar="TRUTH", help="Its reference, a folder of them, or a manifest (.csv, .json).")
]
Folder = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder for report.json, cases.csv, report.html.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The report as JSON.")]
Tolerances = Annotated[
    list[float] | None,
    typer.Option("--tolerance", metavar="MM", help="Of the NSD; may be repeated.", show_default="2 and 1"),
]
Overlaps = Annotated[
    list[float] | None,
    typer.Option("--overlap", help="IoU from which a piece is found; may be repeated.", show_default="0.5"),
]
Slices = Annotated[bool, typer.Option("--slices", help="Dice of each slice as well.")]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Break down by a column of the manifest; may be repeated.",
        show_default="region, sequence, plane, vendor ... where they differ",
    ),
]
Resample = Annotated[bool, typer.Option("--resample", help="Masks on other grids: take the nearest voxels.")]
Ignore = Annotated[
    list[int] | None,
    typer.Option("--ignore", metavar="LABEL", help="Where the truth has it, it is not known.", rich_help_panel=_EMPTY),
]
NothingFound = Annotated[
    BothEmpty, typer.Option("--both-empty", help="How nothing against nothing counts.", rich_help_panel=_EMPTY)
]
NothingThere = Annotated[
    OneEmpty, typer.Option("--one-empty", help="Distances where one mask is empty.", rich_help_panel=_EMPTY)
]
MissingOption = Annotated[
    Missing, typer.Option("--missing", help="Handling of a reference without a prediction.", rich_help_panel=_EMPTY)
]


@handle_errors
def evaluate(
    prediction: Predictions,
    truth: Truths,
    output: Folder = None,
    json_file: JsonFile = None,
    tolerance: Tolerances = None,
    overlap: Overlaps = None,
    slices: Slices = False,
    by: By = None,
    resample: Resample = False,
    ignore: Ignore = None,
    both_empty: NothingFound = BothEmpty.exclude,
    one_empty: NothingThere = OneEmpty.exclude,
    missing: MissingOption = Missing.refuse,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Evaluate masks against references: Dice, surface distances, components; by patient, with intervals.

    Files are matched by name; a manifest adds patients, regions, sequences and more.

    Examples:

    anybone evaluate knee_bones.nii.gz knee_truth.nii.gz

    anybone evaluate results/ truths/ -o report

    anybone evaluate results/ cases.csv --ignore 255 --json report.json
    """
    from anybone.evaluation.matching import match
    from anybone.evaluation.report import evaluate_cases
    from anybone.evaluation.scores import Measures
    from anybone.evaluation.text import empties

    terminal = Terminal(quiet, verbose)
    measures = Measures(
        tolerances_mm=tuple(tolerance or Measures.tolerances_mm),
        overlaps=tuple(overlap or Measures.overlaps),
        ignore=frozenset(ignore or ()),
        both_empty=both_empty.value,
        one_empty=one_empty.value,
        slices=slices,
    )
    matches = match(prediction, truth, missing_is_empty=missing is Missing.empty)
    with terminal.progress("evaluate") as bar:
        report = evaluate_cases(matches.cases, measures, by=by or None, resample=resample, progress=bar)
    for text in (*report.notes, *empties(report)):
        terminal.warn(text)
    if matches.unmatched:
        names = ", ".join(path.name for path in matches.unmatched[:5])
        terminal.warn(f"{len(matches.unmatched)} predictions have no truth and were left out: {names}")
    for line in _summary(report):
        terminal.result(line)
    for path in _write(report, output, json_file, f"{prediction.name} against {truth.name}"):
        terminal.result(f"{path}")


def _write(report: Report, folder: Path | None, json_file: Path | None, title: str) -> list[Path]:
    from anybone.evaluation.page import write_page
    from anybone.evaluation.report_files import write_csv, write_json

    written = []
    if json_file is not None:
        write_json(report, json_file)
        written.append(json_file)
    if folder is not None:
        if folder.is_file():
            raise UsageError(f"{folder} is a file. Give a folder: -o REPORT, or one file: --json REPORT.json.")
        write_json(report, folder / "report.json")
        write_csv(report, folder / "cases.csv")
        write_page(report, folder / "report.html", title)
        written.append(folder / "report.html")
    return written


def _summary(report: Report) -> list[str]:
    """Lines of a table for the terminal: all bone, each label, each stratum."""
    from anybone.evaluation.plots import groups
    from anybone.evaluation.statistics import caution, summarize
    from anybone.evaluation.text import format_mean, metric_name

    metrics = [metric for metric in _SHOWN if metric in report.metrics]
    rows = [["", "n", *(metric_name(metric, report.measures) for metric in metrics)]]
    for name, scores in groups(report):
        patients = len({one.patient for one in scores})
        rows.append([name, str(patients), *(format_mean(summarize(scores, metric)) for metric in metrics)])
    lines = aligned(rows)
    patients = len({one.patient for one in report.scores})
    unit = "case" if all(one.patient == one.name for one in report.scores) else "patient"
    few = caution(patients) if patients > 1 else None
    return [*lines, f"n: {unit}s; mean with its 95 % interval over {unit}s", *([few] if few else [])]
