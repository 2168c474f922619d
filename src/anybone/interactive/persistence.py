"""A session as a file, and back: answer, paint, accepted bones, prompts, history, and what undo goes back to."""

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
from anybone.interactive.session_file import Arrays, Packer, Unpacker, bone_of
from anybone.version import __version__

if TYPE_CHECKING:
    from anybone.interactive.session import Session

T = TypeVar("T")

SUFFIX = ".safetensors"
MOST_STATES = 200  # of the undo stack that are saved
MOST_LOGITS_BYTES = 64 << 20  # in 16 bits; older states are left out beyond
_KEY = "anybone_session"
_LAYOUT = 1


@dataclass(frozen=True)
class StateSummary:
    """What a saved session says of itself.

    Attributes:
        volume_hash: Of the volume that it belongs to.
        shape_ijk: Of that volume.
        axis: The array axis that slices are stacked along.
        revision: The session's.
        bones: Accepted.
        steps: How many there are in the history that was saved.
        time: When it was saved, ISO 8601 in UTC.
        method: Name of the weights or the method.
        weights_sha256: Of the weights; None for a method without any.
        version: Of anybone.
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
    """Nothing; `path` then holds the session, whole or not at all.

    Raises:
        WriteError: The system refuses.
    """
    from safetensors.numpy import save_file

    path = Path(path)
    history, made = session.snapshot(), session.made
    first, last = _window(history)
    packer = Packer()
    states = [packer.state(state) for state in history.states[first : last + 1]]
    summary = StateSummary(
        volume_hash=session.volume_hash,
        shape_ijk=session.volume.geometry.shape_ijk,
        axis=session.axis,
        revision=history.revision,
        bones=tuple(history.state.bones.values()),
        steps=sum(1 for s in history.states[: history.now + 1] if s.step),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        method=made.method,
        weights_sha256=made.weights_sha256,
        version=__version__,
    )
    content = {
        "layout": _LAYOUT,
        "summary": asdict(summary),
        "options": dict(made.options),
        "now": history.now - first,
        "answers": packer.answers,
        "states": states,
    }
    with whole_file(path, SUFFIX) as part:
        save_file(packer.arrays(), part, metadata={_KEY: json.dumps(content, separators=(",", ":"))})


def read_state(path: str | PathLike[str]) -> StateSummary:
    """What a saved session says of itself; neither the volume nor the arrays are read.

    Raises:
        StateError: No saved session, or a damaged one.
    """
    from safetensors import safe_open

    def read() -> StateSummary:
        with safe_open(path, "np") as file:
            return _summary(_content(file.metadata()))

    return _guarded(Path(path), read)


def restore_session(session: Session, path: str | PathLike[str]) -> None:
    """Nothing; a session in which nothing was done yet then stands where the saved one stood.

    Where the weights or the options differ from those it was made with, masks, paint and bones are as they were; the
    network goes on from the masks.

    Raises:
        StateError: It belongs to another volume or axis, it is damaged, or the session is not new.
    """
    path = Path(path)
    if session.history or session.can_redo:
        raise StateError(f"{path} can be restored into a new session alone. Make one with model.session(volume).")
    summary = read_state(path)
    _check_same(path, summary, session)
    history, same = _guarded(path, lambda: _history(path, session))
    session.resume(history, as_masks=not same)


def _check_same(path: Path, summary: StateSummary, session: Session) -> None:
    shape = session.volume.geometry.shape_ijk
    if summary.shape_ijk != shape or summary.volume_hash != session.volume_hash:
        raise StateError(
            f"{path} is the session of another volume: of shape {summary.shape_ijk} and hash {summary.volume_hash}, "
            f"and this one has shape {shape} and hash {session.volume_hash}. Open the volume that it was made on."
        )
    if summary.axis != session.axis:
        raise StateError(
            f"{path} was made on slices along axis {summary.axis}, and this session cuts along axis {session.axis}. "
            f"Open it with SegmentOptions(axis={summary.axis})."
        )


def _history(path: Path, session: Session) -> tuple[History, bool]:
    """The states, and whether the session has the weights and options that they were made with."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        content = _content(file.metadata())
        arrays: Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
    if arrays["shapes"].size and (arrays["shapes"] != session.slice_shape).any():
        raise ValueError(f"planes of another shape than {session.slice_shape}")
    unpacker = Unpacker(arrays, content["answers"])
    summary, made = _summary(content), session.made
    states = [unpacker.state(told) for told in content["states"]]
    same = (made.method, made.weights_sha256) == (summary.method, summary.weights_sha256)
    return History(states, int(content["now"]), summary.revision), same and _plain(made.options) == content["options"]


def _window(history: History) -> tuple[int, int]:
    """The first and the last of the states to save: backwards from the one that is shown, then forwards."""
    seen: set[int] = set()
    used = 0

    def fits(state: State) -> bool:
        nonlocal used
        new = {id(a): a.logits for a in state.answers.values() if id(a) not in seen and a.logits is not None}
        used += sum(2 * logits.numel() for logits in new.values())
        seen.update(new)
        return used <= MOST_LOGITS_BYTES

    fits(history.state)
    first = last = history.now
    while first > 0 and last - first + 1 < MOST_STATES and fits(history.states[first - 1]):
        first -= 1
    while last + 1 < len(history.states) and last - first + 1 < MOST_STATES and fits(history.states[last + 1]):
        last += 1
    return first, last


def _content(metadata: Any) -> dict[str, Any]:
    content = json.loads(metadata[_KEY])
    if content["layout"] != _LAYOUT:
        raise ValueError(f"layout {content['layout']} is of another version of anybone")
    return dict(content)


def _summary(content: dict[str, Any]) -> StateSummary:
    told = dict(content["summary"])
    told["bones"] = tuple(bone_of(bone) for bone in told["bones"])
    told["shape_ijk"] = tuple(told["shape_ijk"])
    return StateSummary(**told)


def _plain(options: Any) -> Any:
    return json.loads(json.dumps(dict(options)))


def _guarded(path: Path, read: Callable[[], T]) -> T:
    from safetensors import SafetensorError

    try:
        return read()
    except (SafetensorError, PromptError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path} is no saved session that can be read ({error}). Start a new session on the volume."
        ) from error
