"""`anybone info`: describe files and what `segment` would do with them, from headers alone and without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import FAILED, exit_code_of, handle_errors, message_of
from anybone.cli.terminal import Terminal
from anybone.core.errors import AnyboneError, CheckpointError, NothingFoundError
from anybone.models.checkpoint import Header, read_header
from anybone.models.registry import locate

if TYPE_CHECKING:
    from anybone.io import Description


@handle_errors
def info(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, DICOM folders or zips, or folders.")],
    weights: opt.Weights = None,
    as_json: opt.AsJson = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Show the grid and series of files, and what `segment` would do with them.

    Examples:

    anybone info knee.nii.gz
    anybone info study.zip --json
    """
    terminal = Terminal(verbose=verbose)
    header = _header(weights)
    found, failures = _describe_all(paths, terminal)
    for error in failures:
        terminal.error(message_of(error))
    if as_json:
        terminal.result(json.dumps([_plain(d, header) for d in found], indent=2))
    else:
        for description in found:
            terminal.result(_text(description, header))
    codes = {exit_code_of(error) for error in failures}
    if codes:
        raise typer.Exit(codes.pop() if len(codes) == 1 else FAILED)


def _describe_all(paths: list[Path], terminal: Terminal) -> tuple[list[Description], list[AnyboneError]]:
    """Return the descriptions of all files, and the errors of those that cannot be read."""
    from anybone.io import describe

    found, failures = [], []
    with terminal.progress("headers") as bar:
        files = [path for given in paths for path in _files(given)]
        for number, path in enumerate(files, 1):
            try:
                found += describe(path)
            except AnyboneError as error:
                failures.append(error)
            bar("read", number, len(files))
    return found, failures


def _files(given: Path) -> list[Path]:
    from anybone.io import find_inputs

    if not given.is_dir():
        return [given]
    files = find_inputs(given)
    if not files:
        raise NothingFoundError(f"{given} holds no image that can be read. Give another folder.")
    return files


def _header(weights: str | None) -> Header | None:
    """Return the header of the weights that would be used; None if none are installed and none were named."""
    try:
        return read_header(locate(weights))
    except CheckpointError:
        if weights is not None:
            raise
        return None


def _plain(description: Description, header: Header | None) -> dict[str, Any]:
    grid = description.geometry
    return {
        "path": str(description.path),
        "format": description.format,
        "series": description.name or None,
        "series_uid": description.series_uid or None,
        "text": description.text.strip(),
        "images": description.images,
        "volumes": description.volumes,
        "value_type": description.value_type,
        "shape_ijk": None if grid is None else list(grid.shape_ijk),
        "spacing_mm": None if grid is None else [round(s, 4) for s in grid.spacing_mm],
        "orientation": None if grid is None else grid.orientation,
        "affine_ras_mm": None if grid is None else grid.affine_ras_mm.tolist(),
        "slice_axis": None if grid is None else grid.slice_axis,
        "slices": None if grid is None else grid.shape_ijk[grid.slice_axis],
        "plane": description.plane or None,
        "default": description.default,
        "problem": description.problem or None,
        "notes": list(description.notes),
        "weights": None if header is None else {"name": header.name, "sha256": header.sha256},
    }


def _text(description: Description, header: Header | None) -> str:
    grid = description.geometry
    series = f"  series {description.name}" if description.name else ""
    lines = [f"{description.path}{series}"]
    if description.text.strip():
        lines.append(f"  says          {description.text.strip()}")
    if grid is not None:
        lines.append(
            f"  grid          {_times(grid.shape_ijk)} voxels of {_times(grid.spacing_mm)} mm, {grid.orientation}"
        )
    stored = f"{description.format}, {description.value_type}"
    stored += f", {description.images} images" if description.images > 1 else ""
    stored += f", {description.volumes} volumes (choose one with --frame)" if description.volumes > 1 else ""
    lines.append(f"  stored as     {stored}")
    lines += [f"  note          {note}" for note in description.notes]
    if description.problem or grid is None:
        lines.append(f"  would refuse  {description.problem or 'its images make no grid'}")
        return "\n".join(lines)
    if not description.default:
        lines.append(f"  note          a localizer or too few slices: read only with --series {description.name}")
    axis = grid.slice_axis
    network = (
        f"weights {header.name}" if header else "weights still to be added (anybone weights add), or --method classical"
    )
    plane = f"{description.plane} slices" if description.plane else "slices of unknown plane"
    cut = f"{grid.shape_ijk[axis]} {plane} along {'ijk'[axis]} (axis {axis})"
    lines.append(f"  would segment {cut}, {network}; slices without signal are skipped")
    return "\n".join(lines)


def _times(numbers: tuple[int, ...] | tuple[float, ...]) -> str:
    return " x ".join(f"{n:.4g}" if isinstance(n, float) else str(n) for n in numbers)
