"""What requests may hold, and nothing else: half of the types from which the interface's description is made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Index = Annotated[int, Field(ge=0, le=1 << 20)]
Number = Annotated[float, Field(ge=-(1 << 20), le=1 << 20)]
Ijk = Annotated[list[Number], Field(min_length=3, max_length=3, description="Voxel indices i, j, k of the source")]
Line = Annotated[list[Ijk], Field(min_length=1, max_length=100_000)]
Label = Annotated[int, Field(ge=1, le=65535)]
Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Words = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Runs = Annotated[
    list[int],
    Field(description="label, count, label, count, ...; the first in-plane axis varies fastest", max_length=4_000_000),
]
SessionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Body(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=False)


class OpenImage(Body):
    """An image to open: by path below the folder that is served, or one that was uploaded."""

    path: Words | None = None
    upload: SessionId | None = None
    series: Words | None = None
    resume: bool = Field(False, description="Go on with the latest saved session on the same image, if there is one")


class AddPoint(Body):
    """A click."""

    ijk: Ijk
    positive: bool = True


class Keep(Body):
    """A voxel of the piece that is to stay."""

    ijk: Ijk


class AddBox(Body):
    """Two opposite corners, both included."""

    min_ijk: Ijk
    max_ijk: Ijk


class AddScribble(Body):
    """A line on bone, or on something else."""

    ijk_list: Line
    positive: bool = True


class AddLasso(Body):
    """A closed polygon on one slice with bone inside."""

    ijk_list: Line


class PointPrompt(AddPoint):
    """A point among other prompts."""

    kind: Literal["point"]


class BoxPrompt(AddBox):
    """A box among other prompts."""

    kind: Literal["box"]


class ScribblePrompt(AddScribble):
    """A line among other prompts."""

    kind: Literal["scribble"]


class LassoPrompt(AddLasso):
    """A polygon among other prompts."""

    kind: Literal["lasso"]


class MaskPrompt(Body):
    """A rough mask of a slice."""

    kind: Literal["mask"]
    slice: Index
    runs: Runs


Prompt = Annotated[PointPrompt | BoxPrompt | ScribblePrompt | LassoPrompt | MaskPrompt, Field(discriminator="kind")]


class Add(Body):
    """Prompts that are added together, as one change."""

    prompts: Annotated[list[Prompt], Field(min_length=1, max_length=1000)]


class Paint(Body):
    """A brush stroke: voxels as runs of a slice, or a line and its radius."""

    slice: Index | None = None
    runs: Runs | None = None
    ijk_list: Line | None = None
    radius_mm: Annotated[float, Field(gt=0, le=500)] | None = None
    erase: bool = False


class Automatic(Body):
    """Slices to look at: some, a range, or all."""

    slices: Annotated[list[Index], Field(max_length=100_000)] | None = None
    first: Index | None = None
    last: Index | None = None


class Reach(Body):
    """How far to follow the answer."""

    first: Index | None = None
    last: Index | None = None
    backwards: bool = True
    forwards: bool = True


class Range(Body):
    """Slices between which to fill."""

    first: Index | None = None
    last: Index | None = None


class Nothing(Body):
    """No choice."""


class Naming(Body):
    """What a bone is called: a key of the list of bones, or a name of one's own."""

    bone: Name | None = None
    name: Name | None = None
    side: Literal["left", "right"] | None = None
    color: Color | None = None


class Rename(Naming):
    """Another name for an accepted bone."""

    label: Label


class OneBone(Body):
    """An accepted bone."""

    label: Label


class Split(OneBone):
    """A bone to split into its connected components."""

    min_mm3: float = Field(30.0, ge=0, description="Components smaller than this volume in mm3 are removed")


class Merge(Body):
    """Bones that become one of them."""

    labels: Annotated[list[Label], Field(min_length=1, max_length=1000)]
    into: Label


class Look(Body):
    """The slice that a person looks at now."""

    slice: Index


class Save(Body):
    """What to write, and where: beside the session, or also to a folder below the one that is served."""

    path: Words | None = None
    formats: Annotated[list[Name], Field(min_length=1, max_length=20)] = ["nifti"]
