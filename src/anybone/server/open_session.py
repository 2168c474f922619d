"""A session in memory, with what the server knows about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anybone.interactive.session import Session
    from anybone.server.scheduler import Job

BYTES_PER_VOXEL = 12  # the image, its normalized copy, and temporary arrays
_EMBEDDING_BYTES = 64 << 20  # typical size of a session's embeddings


@dataclass(frozen=True)
class SessionRecord:
    """Facts of a session that are stored next to the engine's own state.

    Attributes:
        id: 32 hexadecimal digits.
        name: Display name.
        path: Path of the image below the served folder or below the upload.
        upload: Id of the upload; None for the served folder.
        series: DICOM series, as `anybone.read` takes it.
        frame: Volume of a 4-D file.
        other_series: Other volumes of the same image, with "key" and "description".
        started: Time of creation, ISO.
        patient: Patient name or ID from the image's header; empty if it has none.
        study_date: Date of the study, ISO; empty if the header has none.
    """

    id: str
    name: str
    path: str
    upload: str | None = None
    series: str | None = None
    frame: int | None = None
    other_series: tuple[dict[str, str], ...] = ()
    started: str = ""
    patient: str = ""
    study_date: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SessionRecord:
        """Return the record of a saved file.

        Raises:
            TypeError: A key is missing or unknown.
            KeyError: A key is missing.
        """
        return cls(**{**values, "other_series": tuple(values["other_series"])})


@dataclass(eq=False)
class OpenSession:
    """A session in memory.

    Attributes:
        record: Origin of the session.
        session: The engine's session. Its commands are called by one thread at a time, which the scheduler admits.
        folder: Folder of its files.
        job: Job that runs or waits; no other command is accepted meanwhile.
        saved: Time of the last save, ISO.
        written_ns: Modification time of the file after the last save; None without a file.
        used: Time of the last request, on the monotonic clock.
        closed: True once it is out of memory; the store restores it from disk on request.
        flag_below: Confidence below which slices are flagged; None if the weights are not calibrated.
    """

    record: SessionRecord
    session: Session
    folder: Path
    job: Job | None = None
    saved: str | None = None
    written_ns: int | None = None
    used: float = field(default_factory=monotonic)
    closed: bool = False
    flag_below: float | None = None

    @property
    def id(self) -> str:
        """Id of the session."""
        return self.record.id

    @property
    def memory_bytes(self) -> int:
        """Approximate memory use."""
        return BYTES_PER_VOXEL * self.session.volume.data.size + _EMBEDDING_BYTES

    @property
    def slice_count(self) -> int:
        """Number of slices along the session's axis."""
        return self.session.volume.geometry.shape_ijk[self.session.axis]
