"""`anybone convert`: convert a volume or a mask to another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.cases import is_writable, read_suffix, write_suffixes
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal
from anybone.core.errors import UsageError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume


@handle_errors
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Volume or mask, DICOM folder or zip.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Output; the suffix selects the format: .nii.gz .nrrd .mha ...")
    ],
    mask: Annotated[bool, typer.Option("--mask", help="Read IN as a mask, even if it has no label names.")] = False,
    series: opt.Series = None,
    frame: opt.Frame = None,
    force: opt.Force = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Convert between formats, keeping grid, values and label names.

    Examples:

    anybone convert thigh.zip thigh_t1.nii.gz --series 3
    anybone convert knee_bones.nii.gz knee_bones.seg.nrrd
    """
    from anybone.saving import write

    terminal = Terminal(quiet, verbose)
    if target.resolve() == source.resolve():
        raise UsageError(f"{target} is the input. Give the output another name.")
    if target.exists() and not force:
        raise UsageError(f"{target} exists already. Choose another name, or overwrite it with --force.")
    if target.is_dir() or not is_writable(target):
        raise UsageError(f"{target} has no suffix that can be written. Use one of {', '.join(write_suffixes())}.")
    with terminal.progress(source.name):
        image = _read(source, series, frame, mask)
    if isinstance(image, Volume):
        if target.name.lower().endswith(".seg.nrrd"):
            raise UsageError(
                f"{source} is an image, and {target} holds masks. Write .nrrd, or give --mask if it is a mask."
            )
        for note in image.source.notes:
            terminal.warn(f"{source.name}: {note}")
    with terminal.progress(target.name):
        write(image, target)
    kind = "mask of " + ", ".join(image.names.values()) if isinstance(image, Segmentation) else "volume"
    terminal.result(f"{target}  {kind}, {' x '.join(str(n) for n in image.geometry.shape_ijk)}")


def _read(path: Path, series: str | None, frame: int | None, mask: bool) -> Volume | Segmentation:
    from anybone.io import read, read_segmentation
    from anybone.io.dicom import holds_seg

    if mask or holds_seg(path):
        return read_segmentation(path)
    volume = read(path, series=series, frame=frame)
    return read_segmentation(path) if _names_labels(path, volume) else volume


def _names_labels(path: Path, volume: Volume) -> bool:
    """Return True if the file or its JSON sidecar names labels, so that it is a mask."""
    from anybone.io.label_table import KEY, read_sidecar, sidecar_path

    headers = volume.source.headers
    if isinstance(headers, dict) and (KEY in headers or "Segment0_Name" in headers):
        return True
    suffix = read_suffix(path)
    return suffix is not None and read_sidecar(sidecar_path(path, suffix)) is not None
