"""Arguments and options shared by commands, as annotated types and groups."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_FILES, _RUN, _POINT, _TUNE, _TALK = "Files", "Run", "Prompts", "Advanced", "Messages"


class Preprocessing(StrEnum):
    """Presets of `SegmentOptions`."""

    default = "default"
    published = "published"


class Direction(StrEnum):
    """Direction of propagation."""

    both = "both"
    forwards = "forwards"
    backwards = "backwards"


def _check_device(name: str) -> str:
    """Return the name of a device, or raise `typer.BadParameter` if it cannot be one."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise typer.BadParameter(f"{name!r} is not a device. Use auto, cpu, cuda, cuda:0 or mps.")
    return name


def _weights_names() -> list[str]:
    """Return the names of the installed weights for shell completion."""
    from anybone.models.registry import installed

    return [path.stem for path in installed()]


# --- files ---
Inputs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="INPUT...", help="Files (.nii .nii.gz .nrrd .mha .dcm ...), DICOM folders or zips, or folders of these."
    ),
]
MoreInputs = Annotated[
    list[Path] | None,
    typer.Option("-i", "--input", metavar="INPUT", help="Further input.", rich_help_panel=_FILES),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|FOLDER",
        help="Mask file for one input, folder for several; format by suffix: .nii.gz, .nrrd, .mha, .dcm, .stl, .glb.",
        show_default="./NAME_bones.nii.gz",
        rich_help_panel=_FILES,
    ),
]
Series = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="DICOM series, as listed by `anybone info`.", rich_help_panel=_FILES),
]
Frame = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Volume of a 4-D file, counted from 0.", rich_help_panel=_FILES),
]
Preview = Annotated[
    bool,
    typer.Option("--preview", help="Write a picture of the slices with outlined bone.", rich_help_panel=_FILES),
]
Statistics = Annotated[
    bool,
    typer.Option(
        "--statistics",
        help="Write volume and extent of each connected component as JSON and CSV.",
        rich_help_panel=_FILES,
    ),
]
SaveProbabilities = Annotated[
    bool,
    typer.Option(
        "--save-probabilities",
        help="Write the bone probability of each voxel.",
        rich_help_panel=_FILES,
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Overwrite existing results; inputs are never overwritten.", rich_help_panel=_FILES),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Resume an interrupted run: skip cases that run.json lists as complete.",
        rich_help_panel=_FILES,
    ),
]

# --- run ---
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="Weights; see `anybone weights list`.",
        autocompletion=_weights_names,
        show_default="the default weights",
        rich_help_panel=_RUN,
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Method without trained weights: classical.",
        autocompletion=lambda: ["classical"],
        rich_help_panel=_RUN,
    ),
]
DeviceName = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda|cuda:N|mps",
        help="auto uses a GPU if available.",
        callback=_check_device,
        autocompletion=lambda: ["auto", "cpu", "cuda", "mps"],
        rich_help_panel=_RUN,
    ),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="Encode every second slice and interpolate: about half the time; "
        "the ends of bones and small bones lose detail.",
        rich_help_panel=_RUN,
    ),
]

Bfloat16 = Annotated[
    bool,
    typer.Option(
        "--bfloat16",
        help="Encode in bfloat16: faster on processors with native support, slower on others.",
        rich_help_panel=_RUN,
    ),
]

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FOLDER",
        help="Folder for saved sessions.",
        show_default="~/.local/state/anybone",
        rich_help_panel=_FILES,
    ),
]

# --- prompts ---
Points = Annotated[
    list[str] | None,
    typer.Option("--point", metavar="I,J,K", help="Voxel on the bone. May be repeated.", rich_help_panel=_POINT),
]
NotPoints = Annotated[
    list[str] | None,
    typer.Option("--not", metavar="I,J,K", help="Voxel that is not bone. May be repeated.", rich_help_panel=_POINT),
]
Boxes = Annotated[
    list[str] | None,
    typer.Option(
        "--box", metavar="I,J,K,I,J,K", help="Two opposite corners of a box around the bone.", rich_help_panel=_POINT
    ),
]
Scribbles = Annotated[
    list[str] | None,
    typer.Option("--scribble", metavar='"I,J,K I,J,K ..."', help="Scribble along the bone.", rich_help_panel=_POINT),
]
Masks = Annotated[
    list[Path] | None,
    typer.Option("--mask", metavar="FILE", help="Rough mask on the same grid, to start from.", rich_help_panel=_POINT),
]
PromptsFile = Annotated[
    Path | None,
    typer.Option(
        "--prompts", metavar="FILE", help="JSON file of prompts, for one or more bones.", rich_help_panel=_POINT
    ),
]
World = Annotated[
    bool,
    typer.Option("--world", help="Coordinates are mm in RAS+ (to the right, front, head).", rich_help_panel=_POINT),
]
BoneName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Name of the bone in the result.", rich_help_panel=_POINT)
]
Propagate = Annotated[
    bool,
    typer.Option("--propagate", help="Propagate the mask through the adjacent slices.", rich_help_panel=_POINT),
]
First = Annotated[
    int | None,
    typer.Option(
        "--from", metavar="K", min=0, help="Lowest slice to propagate to; implies --propagate.", rich_help_panel=_POINT
    ),
]
Last = Annotated[
    int | None,
    typer.Option(
        "--to", metavar="K", min=0, help="Highest slice to propagate to; implies --propagate.", rich_help_panel=_POINT
    ),
]
Way = Annotated[Direction, typer.Option("--direction", help="Direction of propagation.", rich_help_panel=_POINT)]

# --- advanced: None uses the value of the preset ---
PreprocessingName = Annotated[
    Preprocessing,
    typer.Option("--preprocessing", help="published reproduces the published program.", rich_help_panel=_TUNE),
]
Axis = Annotated[
    int | None,
    typer.Option(
        metavar="0|1|2",
        min=0,
        max=2,
        help="Array axis to cut slices along.",
        show_default="the acquired axis",
        rich_help_panel=_TUNE,
    ),
]
Threshold = Annotated[
    float,
    typer.Option(
        metavar="X", help="Logit above which a voxel is bone; 0 is a probability of 0.5.", rich_help_panel=_TUNE
    ),
]
Smoothing = Annotated[
    float | None,
    typer.Option(
        "--smoothing-mm",
        metavar="MM",
        min=0,
        max=5,
        help="Smooth slices in the plane by a Gaussian of this deviation; 0 leaves grainy scans as they are.",
        show_default="0.5",
        rich_help_panel=_TUNE,
    ),
]
MinSignal = Annotated[
    float | None,
    typer.Option(
        metavar="0..1",
        min=0,
        max=1,
        help="Skip slices whose signal is below this fraction of the volume's.",
        show_default="0.1",
        rich_help_panel=_TUNE,
    ),
]
MinComponent = Annotated[
    float | None,
    typer.Option(
        "--min-component-mm3",
        metavar="MM3",
        min=0,
        help="Remove smaller connected components.",
        show_default="100",
        rich_help_panel=_TUNE,
    ),
]
MaxHole = Annotated[
    float | None,
    typer.Option(
        "--max-hole-mm3",
        metavar="MM3",
        min=0,
        help="Fill smaller closed holes.",
        show_default="500",
        rich_help_panel=_TUNE,
    ),
]

# --- messages ---
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.", rich_help_panel=_TALK)]
Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        show_default=False,
        help="Print timings and notes; -vv also prints tracebacks.",
        rich_help_panel=_TALK,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=_TALK)]
