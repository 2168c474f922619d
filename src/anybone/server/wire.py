"""The wire schema: every request and response body. OpenAPI and the studio's TypeScript types are generated from it."""

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
Text = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Runs = Annotated[
    list[int],
    Field(description="label, count, label, count, ...; the first in-plane axis varies fastest", max_length=4_000_000),
]
SessionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
BoneSide = Literal["left", "right"]


# --- requests ---


class RequestBody(BaseModel):
    """A request body; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=False)


class OpenImage(RequestBody):
    """Image to open: a path below the served folder, or an upload."""

    path: Text | None = None
    upload: SessionId | None = None
    series: Text | None = None
    resume: bool = Field(False, description="Resume the latest saved session on the same image, if there is one")


class AddPoint(RequestBody):
    """A click."""

    ijk: Ijk
    positive: bool = True


class KeepComponent(RequestBody):
    """A voxel of the connected component to keep."""

    ijk: Ijk


class AddBox(RequestBody):
    """Two opposite corners, both included."""

    min_ijk: Ijk
    max_ijk: Ijk


class AddScribble(RequestBody):
    """A line on bone (positive) or on background."""

    ijk_list: Line
    positive: bool = True


class AddLasso(RequestBody):
    """A closed polygon around bone on one slice."""

    ijk_list: Line


class PointPrompt(AddPoint):
    """A point in a list of prompts."""

    kind: Literal["point"]


class BoxPrompt(AddBox):
    """A box in a list of prompts."""

    kind: Literal["box"]


class ScribblePrompt(AddScribble):
    """A scribble in a list of prompts."""

    kind: Literal["scribble"]


class LassoPrompt(AddLasso):
    """A lasso in a list of prompts."""

    kind: Literal["lasso"]


class MaskPrompt(RequestBody):
    """A rough mask of one slice."""

    kind: Literal["mask"]
    slice: Index
    runs: Runs


AnyPrompt = Annotated[PointPrompt | BoxPrompt | ScribblePrompt | LassoPrompt | MaskPrompt, Field(discriminator="kind")]


class AddPrompts(RequestBody):
    """Prompts that are added as one change."""

    prompts: Annotated[list[AnyPrompt], Field(min_length=1, max_length=1000)]


class Paint(RequestBody):
    """A brush stroke: the run lengths of a slice, or a line and its radius."""

    slice: Index | None = None
    runs: Runs | None = None
    ijk_list: Line | None = None
    radius_mm: Annotated[float, Field(gt=0, le=500)] | None = None
    erase: bool = False


class Automatic(RequestBody):
    """Slices to segment: a list, a range, or all."""

    slices: Annotated[list[Index], Field(max_length=100_000)] | None = None
    first: Index | None = None
    last: Index | None = None


class Propagate(RequestBody):
    """Range and directions of the propagation."""

    first: Index | None = None
    last: Index | None = None
    backwards: bool = True
    forwards: bool = True


class SliceRange(RequestBody):
    """A range of slices; without bounds, all."""

    first: Index | None = None
    last: Index | None = None


class NoOptions(RequestBody):
    """An empty body."""


class CommitBone(RequestBody):
    """Name of a bone: a key of the list of bones, or free text."""

    bone: Name | None = None
    name: Name | None = None
    side: BoneSide | None = None
    color: Color | None = None


class RenameBone(CommitBone):
    """New name of a committed bone."""

    label: Label


class BoneLabel(RequestBody):
    """A committed bone."""

    label: Label


class SplitBone(BoneLabel):
    """A bone to split into its connected components."""

    min_mm3: float = Field(30.0, ge=0, description="Components smaller than this volume in mm3 are removed")


class MergeBones(RequestBody):
    """Bones to merge into one of them."""

    labels: Annotated[list[Label], Field(min_length=1, max_length=1000)]
    into: Label


class PrefetchSlice(RequestBody):
    """The slice on screen."""

    slice: Index


class SaveFiles(RequestBody):
    """Formats to write, and optionally a path below the served folder to copy the files to."""

    path: Text | None = None
    formats: Annotated[list[Name], Field(min_length=1, max_length=20)] = ["nifti"]


# --- responses ---


class ErrorDetail(BaseModel):
    """Reason why a request was refused."""

    kind: str
    message: str


class ErrorResponse(BaseModel):
    """Body of every response with status 400 or above."""

    error: ErrorDetail


CommandResult = Annotated[
    bool | int | list[int] | None,
    Field(description="Return value of the command in Python: a label, labels, slices, or a boolean"),
]


class SliceRuns(BaseModel):
    """Run lengths of one slice."""

    slice: int
    runs: list[int]


class ChangedSlices(BaseModel):
    """Slices that differ from the revision before; if `complete`, all other slices are empty."""

    mask: list[SliceRuns]
    labels: list[SliceRuns]
    complete: bool = False


class BoneRow(BaseModel):
    """A committed bone."""

    label: int
    key: str | None
    name: str
    side: BoneSide | None
    color: str
    voxels: int
    volume_ml: float
    extent_mm: list[float]
    slices: list[int]
    confidence: float | None


class JobStatus(BaseModel):
    """State of a command that runs in the background."""

    id: str
    verb: str
    state: Literal["queued", "running", "done", "cancelled", "failed"]
    step: str
    done: int
    total: int
    position: int
    seconds_left: float | None
    error: str | None
    result: CommandResult


class HistoryStep(BaseModel):
    """A step of the history."""

    n: int
    verb: str
    text: str
    time: str


class PromptRow(BaseModel):
    """A prompt since the last committed bone; a mask without its voxels."""

    kind: Literal["point", "box", "scribble", "lasso", "mask"]
    positive: bool | None = None
    ijk: list[float] | None = None
    min_ijk: list[float] | None = None
    max_ijk: list[float] | None = None
    ijk_list: list[list[float]] | None = None
    slice: int | None = None


class SessionStatus(BaseModel):
    """Everything that a command may change."""

    revision: int
    can_undo: bool
    can_redo: bool
    mask_slices: list[int] = Field(description="Slices of the current mask")
    bones: list[BoneRow]
    flagged: list[int] = Field(description="Slices to check next, the lowest confidence first")
    slice_confidence: dict[int, float]
    prompts: list[PromptRow]
    job: JobStatus | None
    saved: str | None


class SessionChange(SessionStatus):
    """Effect of a command."""

    changed: ChangedSlices
    history_tail: list[HistoryStep]
    result: CommandResult = None


class SessionLayers(BaseModel):
    """Current mask and committed labels, without empty slices."""

    revision: int
    mask: list[SliceRuns]
    labels: list[SliceRuns]


class ImageSource(BaseModel):
    """Origin of the image."""

    path: str
    format: str
    series: str | None
    description: str
    notes: list[str]


class SeriesKey(BaseModel):
    """Another series of the same image."""

    key: str
    description: str


class SessionInfo(SessionStatus):
    """A session, with everything that a page needs to show it."""

    id: str
    name: str
    source: ImageSource
    shape: list[int]
    affine: list[list[float]]
    spacing_mm: list[float]
    axis: int
    slices: int
    input_warnings: list[str]
    history: list[HistoryStep]
    flag_below: float | None = Field(description="Confidence below which slices are flagged")
    other_series: list[SeriesKey]


class SessionRow(BaseModel):
    """A session in a list."""

    id: str
    name: str
    path: str
    changed: str
    bones: list[str]
    patient: str
    study_date: str
    open: bool
    viewers: int


class SeriesRow(BaseModel):
    """A series to choose."""

    key: str
    description: str
    slices: int
    shape: list[int] | None
    default: bool
    spacing_mm: list[float] | None
    plane: str
    problem: str


class SeriesList(BaseModel):
    """Several series of which one has to be chosen."""

    series: list[SeriesRow]


class FolderEntry(BaseModel):
    """A file or folder below the served folder."""

    name: str
    path: str
    kind: Literal["folder", "image", "dicom", "bones"]
    size: int


class FolderListing(BaseModel):
    """Content of a folder below the served folder."""

    path: str
    entries: list[FolderEntry]


class UploadReceipt(BaseModel):
    """Id of an upload."""

    upload: str
    files: int


class SnomedCode(BaseModel):
    """A SNOMED CT code."""

    code: str
    meaning: str


class BoneChoice(BaseModel):
    """An entry of the list of bones."""

    key: str
    name: str
    side: BoneSide | None
    color: str
    snomed: SnomedCode


class FormatLists(BaseModel):
    """File suffixes that can be opened, and format names that can be saved."""

    open: list[str]
    save: list[str]


class ServerInfo(BaseModel):
    """Version, weights, limits and formats of the server."""

    version: str
    method: str
    license: str
    ready: bool
    users: int
    limits: dict[str, float]
    formats: FormatLists
    folder: bool
    open: str | None
    docs: str


class SavedFile(BaseModel):
    """A file that was written."""

    path: str
    bytes: int
    download: str


class SavedFiles(BaseModel):
    """The files that were written."""

    files: list[SavedFile]
    archive: SavedFile = Field(description="All files as one zip")


class AccessToken(BaseModel):
    """Token that a MONAI Label client sends with further requests."""

    access_token: str
    token_type: str
