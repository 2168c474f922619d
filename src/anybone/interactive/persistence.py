"""Saving and restoring of sessions: masks, paint, committed labels, prompts and the history."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from anybone.core.atomic import whole_file
from anybone.core.errors import PromptError, StateError
from anybone.interactive.committed_labels import NamedBone
from anybone.interactive.history import History, State
from anybone.interactive.session_file import LAYOUT, Arrays, StateDecoder, StateEncoder, decode_bone
from anybone.version import __version__

if TYPE_CHECKING:
    from anybone.interactive.session import Session

T = TypeVar("T")

SUFFIX = ".safetensors"
MAX_STATES = 200  # number of states of the history that are saved
MAX_LOGITS_BYTES = 64 << 20  # size of the saved logits in 16 bits; older states are dropped beyond it
_KEY = "anybone_session"


@dataclass(frozen=True)
class SessionSummary:
    """Summary of a saved session.

    Attributes:
        volume_hash: Hash of its volume.
        shape_ijk: Shape of that volume.
        axis: Array axis that slices are stacked along.
        revision: Revision of the session.
        bones: Committed bones.
        steps: Number of steps in the history when it was saved.
        time: ISO 8601 time of saving.
        method: Name of the weights or the method.
        weights_sha256: Hash of the weights; None for a method without weights.
        version: Version of anybone.
    """

    volume_hash: str
    shape_ijk: tuple[int, int, int]
    axis: int
    revision: int
    bones: tuple[NamedBone, ...]
    steps: int
    time: str
    method: str
    weights_sha256: str | None
    version: str


def save_session(session: Session, path: str | PathLike[str]) -> None:
    """Save a session as a file, completely or not at all.

    Raises:
        WriteError: The file cannot be written.
    """
    from safetensors.numpy import save_file

    path = Path(path)
    history, provenance = session.snapshot(), session.provenance
    first, last = _states_to_save(history)
    encoder = StateEncoder()
    states = [encoder.encode(state) for state in history.states[first : last + 1]]
    summary = SessionSummary(
        volume_hash=session.volume_hash,
        shape_ijk=session.volume.geometry.shape_ijk,
        axis=session.axis,
        revision=history.revision,
        bones=tuple(history.state.bones.values()),
        steps=len(history.steps),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        method=provenance.method,
        weights_sha256=provenance.weights_sha256,
        version=__version__,
    )
    content = {
        "layout": LAYOUT,
        "summary": asdict(summary),
        "options": dict(provenance.options),
        "position": history.position - first,
        "masks": encoder.masks,
        "states": states,
    }
    with whole_file(path, SUFFIX) as part:
        save_file(encoder.arrays(), part, metadata={_KEY: json.dumps(content, separators=(",", ":"))})


def read_summary(path: str | PathLike[str]) -> SessionSummary:
    """Read the summary of a saved session, without its arrays and its volume.

    Raises:
        StateError: The file is not a saved session, is damaged or has another layout.
    """
    from safetensors import safe_open

    def read() -> SessionSummary:
        with safe_open(path, "np") as file:
            return _summary(_content(path, file.metadata()))

    return _guarded(Path(path), read)


def restore_session(session: Session, path: str | PathLike[str]) -> None:
    """Restore a saved session into a new one on the same volume.

    If the weights or options differ from those of the saved session, masks, paint and bones are the same, and the
    network refines the masks instead of its own logits.

    Raises:
        StateError: The file belongs to another volume or axis or is damaged, or the session is not new.
    """
    path = Path(path)
    if session.history or session.can_redo:
        raise StateError(f"{path} can be restored into a new session only. Make one with model.session(volume).")
    _check_same_volume(path, read_summary(path), session)
    history, same_network = _guarded(path, lambda: _read_history(path, session))
    session.restore(history, keep_logits=same_network)


def _check_same_volume(path: Path, summary: SessionSummary, session: Session) -> None:
    shape = session.volume.geometry.shape_ijk
    if summary.shape_ijk != shape or summary.volume_hash != session.volume_hash:
        raise StateError(
            f"{path} is the session of another volume, of shape {summary.shape_ijk} and hash {summary.volume_hash}; "
            f"this one has shape {shape} and hash {session.volume_hash}. Open the volume that it was made on."
        )
    if summary.axis != session.axis:
        raise StateError(
            f"{path} was made on slices along axis {summary.axis}, and this session cuts along axis {session.axis}. "
            f"Open it with SegmentOptions(axis={summary.axis})."
        )


def _read_history(path: Path, session: Session) -> tuple[History, bool]:
    """Read the history, and return whether the session has the same weights and options."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        content = _content(path, file.metadata())
        arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    if arrays["shapes"].size and (arrays["shapes"] != session.slice_shape).any():
        raise ValueError(f"slices of another shape than {session.slice_shape}")
    decoder = StateDecoder(arrays, content["masks"])
    summary, provenance = _summary(content), session.provenance
    states = [decoder.decode(values) for values in content["states"]]
    same_weights = (provenance.method, provenance.weights_sha256) == (summary.method, summary.weights_sha256)
    same_options = json.loads(json.dumps(dict(provenance.options))) == content["options"]
    return History(states, int(content["position"]), summary.revision), same_weights and same_options


def _states_to_save(history: History) -> tuple[int, int]:
    """Return the first and last state to save: backwards from the current one, then forwards."""
    seen: set[int] = set()
    used = 0

    def fits(state: State) -> bool:
        nonlocal used
        new = {id(m): m.logits for m in state.masks.values() if id(m) not in seen and m.logits is not None}
        used += sum(2 * logits.numel() for logits in new.values())
        seen.update(new)
        return used <= MAX_LOGITS_BYTES

    fits(history.state)
    first = last = history.position
    while first > 0 and last - first + 1 < MAX_STATES and fits(history.states[first - 1]):
        first -= 1
    while last + 1 < len(history.states) and last - first + 1 < MAX_STATES and fits(history.states[last + 1]):
        last += 1
    return first, last


def _content(path: str | PathLike[str], metadata: Any) -> dict[str, Any]:
    content = json.loads(metadata[_KEY])
    if content["layout"] != LAYOUT:
        raise StateError(
            f"{path} was saved by another version of anybone: its layout is {content['layout']}, and this version "
            f"reads layout {LAYOUT}. Open it with the version that saved it, or start a new session on the volume."
        )
    return dict(content)


def _summary(content: dict[str, Any]) -> SessionSummary:
    values = dict(content["summary"])
    values["bones"] = tuple(decode_bone(bone) for bone in values["bones"])
    values["shape_ijk"] = tuple(values["shape_ijk"])
    return SessionSummary(**values)


def _guarded(path: Path, read: Callable[[], T]) -> T:
    from safetensors import SafetensorError

    try:
        return read()
    except (SafetensorError, PromptError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path} cannot be read as a saved session ({error}). Start a new session on the volume."
        ) from error
