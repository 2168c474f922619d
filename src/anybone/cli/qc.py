"""`anybone qc`: one page over a folder of results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anybone.cli import options as opt
from anybone.cli.cases import PROBABILITY_ENDING, RESULT_ENDING
from anybone.cli.error_handling import handle_errors
from anybone.cli.run_record import FILE_NAME
from anybone.cli.terminal import Terminal
from anybone.core.errors import AnyboneError, NothingFoundError, ReadError, UsageError

if TYPE_CHECKING:
    from PIL import Image

    from anybone.core.segmentation import Segmentation
    from anybone.evaluation.cohort import Result

PAGE, LIST = "qc.html", "qc.csv"
_THUMBNAIL_PX = 160


@handle_errors
def qc(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Results, as anybone segment leaves them.")],
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="The images.", show_default="where the results say they are"),
    ] = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Review a folder of results: pictures, volumes, confidence, and outliers.

    Writes qc.html, and qc.csv with a decision for each case: redo where something was flagged, else keep. Change them
    on the page and save it over qc.csv; a decision that is there already is kept when the command is run again.

    Examples:

    anybone qc results/
    """
    from anybone.core.atomic import write_whole
    from anybone.evaluation.cohort import LEAST_CASES, flags
    from anybone.evaluation.cohort_page import COLUMNS, cohort_page
    from anybone.io.tables import write_csv

    terminal = Terminal(quiet, verbose)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Give the folder that anybone segment wrote into.")
    results, pictures, notes = _look(folder, images, terminal)
    found = flags(results)
    decisions = _decisions(folder / LIST, found)
    if len(results) < LEAST_CASES:
        notes.append(f"Fewer than {LEAST_CASES} results: nothing can be unlike the rest.")
    write_whole(folder / PAGE, cohort_page(folder.resolve().name, results, found, decisions, pictures, notes))
    rows = [(name, decisions[name], " ".join(sentences)) for name, sentences in found.items()]
    write_csv(folder / LIST, [dict(zip(COLUMNS, row, strict=True)) for row in rows], COLUMNS)
    for text in notes:
        terminal.warn(text)
    for name, sentences in found.items():
        if sentences:
            terminal.result(f"{name}: {' '.join(sentences)}")
    flagged = sum(map(bool, found.values()))
    terminal.result(f"{folder / PAGE}  {len(results)} results, {flagged} flagged")


def _look(
    folder: Path, images: Path | None, terminal: Terminal
) -> tuple[list[Result], dict[str, Image.Image], list[str]]:
    """Every result with its picture, and what could not be read or shown."""
    from anybone.evaluation.cohort import Result, facts_of
    from anybone.io import find_inputs, read_segmentation
    from anybone.io.names import stem

    masks = [path for path in find_inputs(folder) if not stem(path).endswith(PROBABILITY_ENDING)]
    masks = [path for path in masks if stem(path).endswith(RESULT_ENDING)] or masks
    if not masks:
        raise NothingFoundError(f"{folder} holds no masks. Give the folder that anybone segment wrote into.")
    recorded = _recorded_cases(folder / FILE_NAME)
    results, pictures, notes, unseen = [], {}, [], 0
    with terminal.progress("qc") as bar:
        for number, path in enumerate(masks, 1):
            name = path.relative_to(folder).as_posix()
            try:
                segmentation = read_segmentation(path)
            except AnyboneError as error:
                notes.append(f"{name} cannot be read and is left out: {error}")
                continue
            case = recorded.get(path.name, {})
            doubts = tuple(case.get("doubts", ()))
            slices = {int(index): dice for index, dice in case.get("slice_confidence", {}).items()}
            results.append(Result(name, facts_of(segmentation), case.get("confidence"), doubts, slices))
            picture, seen = _picture(path, segmentation, images, case.get("input"))
            pictures[name] = picture
            unseen += not seen
            bar("look", number, len(masks))
    if unseen:
        notes.append(
            f"The images of {unseen} results were not found, their pictures show the mask alone: say --images."
        )
    return results, pictures, notes


def _recorded_cases(path: Path) -> dict[str, dict[str, Any]]:
    """Return the cases of run.json by the file name of their mask."""
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
        return {Path(case["output"]).name: case for case in cases}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _picture(
    mask: Path, segmentation: Segmentation, images: Path | None, source: str | None
) -> tuple[Image.Image, bool]:
    """Return a picture of the slice with most bone, and True if the image was found (else it shows the mask)."""
    import numpy as np

    from anybone.core.volume import Volume
    from anybone.export.slice_picture import thumbnail
    from anybone.io import read

    for path in _images(mask, images, source):
        try:
            volume = read(path)
        except (AnyboneError, OSError):
            continue
        if volume.geometry.matches(segmentation.geometry):
            return thumbnail(volume, segmentation, _THUMBNAIL_PX), True
    blank = Volume(segmentation.mask.astype(np.float32) * 0.5, segmentation.geometry)
    return thumbnail(blank, segmentation, _THUMBNAIL_PX), False


def _images(mask: Path, images: Path | None, source: str | None) -> list[Path]:
    from anybone.io import find_inputs
    from anybone.io.names import stem

    if images is None:
        return [Path(source)] if source else []
    name = stem(mask).removesuffix(RESULT_ENDING)
    return [path for path in find_inputs(images) if stem(path) == name]


def _decisions(path: Path, found: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return earlier decisions, else redo for flagged cases and keep for the others."""
    from anybone.evaluation.cohort_page import DECISIONS, KEEP, REDO
    from anybone.io.tables import read_rows

    earlier = {}
    if path.is_file():
        for row in read_rows(path):
            if row.get("decision") not in DECISIONS or "case" not in row:
                raise ReadError(f"{path} has a row without a case, or whose decision is not {' or '.join(DECISIONS)}.")
            earlier[str(row["case"])] = str(row["decision"])
    return {name: earlier.get(name, REDO if sentences else KEEP) for name, sentences in found.items()}
