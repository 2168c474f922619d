"""`anybone anatomy`: synthetic MRI of real bone shapes, for people; and the label maps that training takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.cases import is_image
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal
from anybone.core.errors import NothingFoundError, UsageError

if TYPE_CHECKING:
    from anybone.synthetic.label_map import LabelMap

    Drawn = dict[str, Callable[[int], LabelMap]]

app = typer.Typer(help="Make MRI with known bones, of any place of the body.", no_args_is_help=True)

Region = Annotated[str, typer.Option("--region", metavar="NAME", help="Which place; see `anybone anatomy regions`.")]
Shapes = Annotated[
    Path | None, typer.Option("--shapes", metavar="DIR", help="The Visible Human's leg, for finer feet and tibiae.")
]
Spacing = Annotated[
    float | None, typer.Option("--spacing", metavar="MM", min=0.3, max=4.0, help="Edge of a voxel of the anatomy.")
]


@app.command("shapes")
@handle_errors
def shapes(as_json: opt.AsJson = False, verbose: opt.Verbose = 0) -> None:
    """List where the shapes of bones come from: source, license, quality, bones."""
    from anybone.synthetic.shapes import SHAPES

    terminal = Terminal(verbose=verbose)
    if as_json:
        facts = [{**asdict(source), "installed": source.installed} for source in SHAPES.values()]
        terminal.result(json.dumps(facts, indent=2))
        return
    for source in SHAPES.values():
        there = "" if source.installed else f"  not installed: {source.install}"
        terminal.result(f"{source.name}  ({source.license}){there}")
        terminal.result(f"  {source.quality}")
        terminal.result(f"  {', '.join(source.bones)}")


@app.command("regions")
@handle_errors
def regions(as_json: opt.AsJson = False, verbose: opt.Verbose = 0) -> None:
    """List the places of the body and what lies in their field of view."""
    from anybone.synthetic.regions import REGIONS

    terminal = Terminal(verbose=verbose)
    if as_json:
        terminal.result(json.dumps({name: region.bones for name, region in REGIONS.items()}, indent=2))
        return
    width = max(map(len, REGIONS))
    for name, region in REGIONS.items():
        terminal.result(f"{name:{width}}  {region.bones}")


@app.command("make", no_args_is_help=True)
@handle_errors
def make(
    region: Region,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for image and mask.")],
    sequence: Annotated[str, typer.Option("--sequence", help="t1, pd-fs, stir, ...; mixture: any contrast.")] = "t1",
    plane: Annotated[str, typer.Option("--plane", help="axial, coronal or sagittal.")] = "sagittal",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number, another person.")] = 0,
    spacing: Spacing = None,
    source: Shapes = None,
    force: Annotated[bool, typer.Option("--force", help="Write over results that exist.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Make a volume with its bones: image, mask with the name of each bone, and picture.

    Examples:

    anybone anatomy make --region knee --sequence pd-fs --plane sagittal --seed 3 -o knee
    """
    from anybone.export import EXPORTERS
    from anybone.io import write
    from anybone.synthetic.drawing import draw
    from anybone.synthetic.scanner import scan

    terminal = Terminal(quiet, verbose)
    image = output / f"{region}_{sequence}_{plane}_{seed}.nii.gz"
    mask, picture = (image.with_name(image.name.replace(".nii.gz", ending)) for ending in ("_bones.nii.gz", ".png"))
    if image.exists() and not force:
        raise UsageError(f"{image} exists already. Choose another folder, or write over it with --force.")
    with terminal.progress(region) as bar:
        anatomy = draw(region, seed, spacing_mm=spacing, shapes=source)
        bar("scan", 1, 2)
        volume, truth = scan(anatomy, sequence, plane, seed)
        write(volume, image)
        write(truth, mask)
        EXPORTERS["preview"](volume, truth, picture)
    terminal.result(f"{image}  {len(truth.names)} bones")
    terminal.note(f"Open the picture: {picture}")


@app.command("corpus", no_args_is_help=True)
@handle_errors
def corpus(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of label maps; goes on there.")],
    count: Annotated[int, typer.Option("--count", min=1, help="How many of each region.")] = 4,
    region: Annotated[
        list[str] | None, typer.Option("--region", metavar="NAME", help="Only these. Repeat.", show_default="all")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the first.")] = 0,
    spacing: Spacing = None,
    source: Shapes = None,
    own: Annotated[
        Path | None,
        typer.Option("--shapes-from", metavar="DIR", help="Masks of named bones: people like those, not regions."),
    ] = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Make the label maps that `anybone train` scans; those that are there stay.

    Examples:

    anybone anatomy corpus --count 20 -o corpus
    anybone anatomy corpus --count 20 --shapes-from my_masks -o corpus
    """
    from anybone.synthetic.label_map import save

    terminal = Terminal(quiet, verbose)
    if own is not None and (region or source):
        raise UsageError("--shapes-from makes people like those of its masks; leave --region and --shapes out.")
    drawn = _places(region, spacing, source) if own is None else _cases(own, spacing)
    wanted = [(name, seed + n) for n in range(count) for name in drawn]
    paths = [output / f"{name}_{number}.safetensors" for name, number in wanted]
    with terminal.progress(output.name) as bar:
        for done, ((name, number), path) in enumerate(zip(wanted, paths, strict=True), 1):
            if not path.is_file():
                save(drawn[name](number), path)
            bar("make", done, len(wanted))
    terminal.result(f"{output}  {len(paths)} label maps")


def _places(
    regions: list[str] | None, spacing: float | None, source: Path | None
) -> dict[str, Callable[[int], LabelMap]]:
    """For each region what makes a label map of it from a seed."""
    from anybone.synthetic.drawing import draw
    from anybone.synthetic.regions import REGIONS

    return {name: partial(draw, name, spacing_mm=spacing, shapes=source) for name in regions or REGIONS}


def _cases(folder: Path, spacing: float | None) -> Drawn:
    """For each mask in a folder what makes somebody like that from a seed."""
    from anybone.io import read_segmentation
    from anybone.synthetic.drawing import OWN_SPACING_MM, draw_like

    masks = sorted(path for path in folder.glob("*") if is_image(path))
    if not masks:
        raise NothingFoundError(f"{folder} holds no mask. Give a folder of label maps of bones: .nii.gz, .nrrd, .mha.")

    def like(path: Path, seed: int) -> LabelMap:
        return draw_like(read_segmentation(path), seed, f"Bones: {path.name}", spacing_mm=spacing or OWN_SPACING_MM)

    return {path.name.split(".")[0]: partial(like, path) for path in masks}
