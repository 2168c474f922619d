"""Arguments and options that commands share, as annotated types: names, help texts and panels."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_FILES, _RUN, _POINT, _TUNE, _TALK = "Files", "Run", "Point at a bone", "Fine tuning", "Messages"


class Device(StrEnum):
    """Where the network runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Preprocessing(StrEnum):
    """Names of the presets of `SegmentOptions`."""

    default = "default"
    published = "published"


class Direction(StrEnum):
    """Which way a bone is followed through the slices."""

    both = "both"
    forwards = "forwards"
    backwards = "backwards"


# --- files ---
Inputs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="INPUT...", help="Files (.nii .nii.gz .nrrd .mha .dcm ...), DICOM folders or zips, or folders of these."
    ),
]
MoreInputs = Annotated[
    list[Path] | None,
    typer.Option("-i", "--input", metavar="INPUT", help="Another way to give an input.", rich_help_panel=_FILES),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|FOLDER",
        help="Mask file for one input, folder for many; the suffix says what: .nii.gz, .nrrd, .mha, .dcm, .stl, .glb.",
        show_default="./NAME_bones.nii.gz",
        rich_help_panel=_FILES,
    ),
]
Series = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which DICOM series, as `anybone info` lists them.", rich_help_panel=_FILES),
]
Frame = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Which volume of a 4-D file, from 0.", rich_help_panel=_FILES),
]
Preview = Annotated[
    bool,
    typer.Option(
        "--preview", help="Write a picture beside the mask: its slices, bones outlined.", rich_help_panel=_FILES
    ),
]
Statistics = Annotated[
    bool,
    typer.Option(
        "--statistics", help="Write volume, extent and parts beside the mask, as JSON and CSV.", rich_help_panel=_FILES
    ),
]
SaveProbabilities = Annotated[
    bool,
    typer.Option(
        "--save-probabilities",
        help="Write the probability of bone in each voxel beside the mask.",
        rich_help_panel=_FILES,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Write over results that exist; inputs never are.", rich_help_panel=_FILES)
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an interrupted run: cases that run.json lists as complete stay.",
        rich_help_panel=_FILES,
    ),
]

# --- run ---
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="Which weights; see `anybone weights list`.",
        show_default="those that ship",
        rich_help_panel=_RUN,
    ),
]
Method = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A classical method instead of weights: classical.", rich_help_panel=_RUN),
]
DeviceName = Annotated[
    Device, typer.Option("--device", help="auto takes a GPU where there is one.", rich_help_panel=_RUN)
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="Look at every second slice and interpolate between: about half the time; "
        "ends of bones and small bones lose detail.",
        rich_help_panel=_RUN,
    ),
]

Bfloat16 = Annotated[
    bool,
    typer.Option(
        "--bfloat16",
        help="Encode in 16 bits: sooner on processors that compute in them, slower on others, and rounder.",
        rich_help_panel=_RUN,
    ),
]

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FOLDER",
        help="Where sessions are kept.",
        show_default="~/.local/state/anybone",
        rich_help_panel=_FILES,
    ),
]

# --- point ---
Points = Annotated[
    list[str] | None,
    typer.Option("--point", metavar="I,J,K", help="A voxel on the bone. Repeat for more.", rich_help_panel=_POINT),
]
NotPoints = Annotated[
    list[str] | None,
    typer.Option("--not", metavar="I,J,K", help="A voxel on something else. Repeat for more.", rich_help_panel=_POINT),
]
Boxes = Annotated[
    list[str] | None,
    typer.Option(
        "--box", metavar="I,J,K,I,J,K", help="Two opposite corners of a box around the bone.", rich_help_panel=_POINT
    ),
]
Scribbles = Annotated[
    list[str] | None,
    typer.Option("--scribble", metavar='"I,J,K I,J,K ..."', help="A line drawn on the bone.", rich_help_panel=_POINT),
]
Masks = Annotated[
    list[Path] | None,
    typer.Option(
        "--mask", metavar="FILE", help="A rough mask on the same grid, to start from.", rich_help_panel=_POINT
    ),
]
PromptsFile = Annotated[
    Path | None,
    typer.Option(
        "--prompts", metavar="FILE", help="A JSON file of prompts, for several bones too.", rich_help_panel=_POINT
    ),
]
World = Annotated[
    bool,
    typer.Option("--world", help="The numbers are millimeters (right, front, head: RAS+).", rich_help_panel=_POINT),
]
BoneName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="What the bone is called in the result.", rich_help_panel=_POINT)
]
Propagate = Annotated[
    bool,
    typer.Option("--propagate", help="Follow the bone through the neighboring slices.", rich_help_panel=_POINT),
]
First = Annotated[
    int | None,
    typer.Option(
        "--from", metavar="K", min=0, help="Lowest slice to follow it to; implies --propagate.", rich_help_panel=_POINT
    ),
]
Last = Annotated[
    int | None,
    typer.Option(
        "--to", metavar="K", min=0, help="Highest slice to follow it to; implies --propagate.", rich_help_panel=_POINT
    ),
]
Way = Annotated[Direction, typer.Option("--direction", help="Which way to follow it.", rich_help_panel=_POINT)]

# --- fine tuning: None leaves it to the preset ---
PreprocessingName = Annotated[
    Preprocessing,
    typer.Option("--preprocessing", help="published repeats the published program.", rich_help_panel=_TUNE),
]
Axis = Annotated[
    int | None,
    typer.Option(
        metavar="0|1|2",
        min=0,
        max=2,
        help="Array axis to cut slices along.",
        show_default="the acquired one",
        rich_help_panel=_TUNE,
    ),
]
Threshold = Annotated[
    float, typer.Option(metavar="X", help="Logit above which a voxel is bone; 0 is even odds.", rich_help_panel=_TUNE)
]
MinSignal = Annotated[
    float | None,
    typer.Option(
        metavar="0..1",
        min=0,
        max=1,
        help="Skip slices whose tissue is dimmer than this share.",
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
        help="Drop smaller pieces.",
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
        help="Say more: timings and notes; -vv with tracebacks.",
        rich_help_panel=_TALK,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=_TALK)]
