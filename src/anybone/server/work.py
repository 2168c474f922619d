"""Work: one open session, with what the server has to know about it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anybone.interactive.session import Session
    from anybone.server.jobs import Run

BYTES_PER_VOXEL = 12  # the image, its copy in 0..1, and what is made of both on the way
_EMBEDDING_BYTES = 64 << 20  # of a session that was worked on for a while


@dataclass(frozen=True)
class About:
    """What is kept of a session beside the engine's own state.

    Attributes:
        id: 32 hexadecimal digits.
        name: For people.
        path: The image, below the folder that is served or below an upload.
        upload: Of which upload; None for the served folder.
        series: Which series of it, as `anybone.read` takes it.
        frame: Which volume of a 4-D file.
        other_series: Further volumes of the same image, "key" and "description".
        started: When, ISO.
        patient: Patient name or ID from the image's header; empty where it has none.
        study_date: Date of the study, ISO; empty where the header has none.
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
        """What `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> About:
        """The facts in a saved file; raises TypeError or KeyError where they are none."""
        return cls(**{**values, "other_series": tuple(values["other_series"])})


@dataclass(eq=False)
class Work:
    """A session that is open.

    Attributes:
        about: Where it came from.
        session: The engine's; its verbs are called under `lock`, its properties without.
        folder: Where it is kept.
        lock: Of the verbs.
        job: What runs or waits to; while there is one, no other verb is taken.
        saved: When it was last kept on disk, ISO.
        written_ns: The file's time of change then; None where there is none yet.
        used: When it was last asked for, by the monotonic clock.
        closed: Whether it is no longer the one in memory; whoever holds it asks the store again.
        flag_below: Confidence below which slices are flagged; None if the weights are not calibrated.
    """

    about: About
    session: Session
    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    job: Run | None = None
    saved: str | None = None
    written_ns: int | None = None
    used: float = field(default_factory=monotonic)
    closed: bool = False
    flag_below: float | None = None

    @property
    def id(self) -> str:
        """Of the session."""
        return self.about.id

    @property
    def memory_bytes(self) -> int:
        """About how much memory it takes."""
        return BYTES_PER_VOXEL * self.session.volume.data.size + _EMBEDDING_BYTES
