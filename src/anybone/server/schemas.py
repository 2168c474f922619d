"""What answers look like: the other half of the types from which the interface's description is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class Fault(BaseModel):
    """Why a request was refused."""

    kind: str
    message: str


class Problem(BaseModel):
    """Every answer of 400 and above."""

    error: Fault


Result = Annotated[
    bool | int | list[int] | None,
    Field(description="What the verb gives in Python: a label, labels, slices, yes or no"),
]


class SliceRuns(BaseModel):
    """The labels of one slice."""

    slice: int
    runs: list[int]


class Changed(BaseModel):
    """Slices that differ from the revision before; where `complete`, all others are empty."""

    answer: list[SliceRuns]
    bones: list[SliceRuns]
    complete: bool = False


class BoneRow(BaseModel):
    """An accepted bone."""

    label: int
    key: str | None
    name: str
    side: str | None
    color: str
    voxels: int
    volume_ml: float
    extent_mm: list[float]
    slices: list[int]
    confidence: float | None


class Job(BaseModel):
    """Work that takes longer than a click."""

    id: str
    verb: str
    state: Literal["queued", "running", "done", "cancelled", "failed"]
    step: str
    done: int
    total: int
    position: int
    seconds_left: float | None
    error: str | None
    result: Result


class Step(BaseModel):
    """Something that was done."""

    n: int
    verb: str
    text: str
    time: str


class State(BaseModel):
    """What every change may change."""

    revision: int
    can_undo: bool
    can_redo: bool
    answered: list[int]
    bones: list[BoneRow]
    flagged: list[int]
    slice_confidence: dict[int, float]
    prompts: list[dict[str, Any]]
    job: Job | None
    saved: str | None


class Change(State):
    """What a verb did."""

    changed: Changed
    history_tail: list[Step]
    result: Result = None


class Layers(BaseModel):
    """All that there is to draw."""

    class Slices(BaseModel):
        """Those that are not empty."""

        slices: list[SliceRuns]

    revision: int
    answer: Slices
    bones: Slices


class SourceFacts(BaseModel):
    """Where the image came from."""

    path: str
    format: str
    series: str | None
    description: str
    notes: list[str]


class Session(State):
    """A session as a page needs it to begin."""

    id: str
    name: str
    source: SourceFacts
    shape: list[int]
    affine: list[list[float]]
    spacing_mm: list[float]
    axis: int
    slices: int
    doubts: list[str]
    history: list[Step]
    flag_below: float | None = Field(description="Confidence below which slices are flagged")
    other_series: list[dict[str, Any]]


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
    watched: int


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
    """Several series, none chosen."""

    series: list[SeriesRow]


class Entry(BaseModel):
    """What a folder holds."""

    name: str
    path: str
    kind: Literal["folder", "image", "dicom", "bones"]
    size: int


class Folder(BaseModel):
    """A folder below the one that is served."""

    path: str
    entries: list[Entry]


class Upload(BaseModel):
    """What was uploaded."""

    upload: str
    files: int


class BoneChoice(BaseModel):
    """A bone that can be named."""

    key: str
    name: str
    side: str | None
    color: str
    snomed: dict[str, str]


class Info(BaseModel):
    """What this server is."""

    version: str
    method: str
    license: str
    ready: bool
    users: int
    limits: dict[str, float]
    formats: dict[str, list[str]]
    folder: bool
    open: str | None
    docs: str


class Saved(BaseModel):
    """A file that was written."""

    path: str
    bytes: int
    download: str


class SavedFiles(BaseModel):
    """All that were."""

    files: list[Saved]
    archive: Saved = Field(description="All of them as one zip")
