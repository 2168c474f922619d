"""Commands of a session: what each request body means to the engine. A new command is a function and a dict entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError
from anybone.core.labels import BONES
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.server import wire
from anybone.server.serialization import rgb_of

if TYPE_CHECKING:
    from anybone.core.progress import Progress
    from anybone.interactive.session import Session


@dataclass(frozen=True)
class SessionCommand:
    """A command that is answered at once.

    Attributes:
        body: Type of the request body.
        run: Function that calls the engine.
        text: Description for the interface's documentation.
        uses_network: True if it waits until the network is free.
    """

    body: type[wire.RequestBody]
    run: Callable[[Session, Any], object]
    text: str
    uses_network: bool = False


@dataclass(frozen=True)
class LongCommand:
    """A command that becomes a job unless it is short.

    Attributes:
        body: Type of the request body.
        run: Function that calls the engine, with callbacks for progress and for finished slices.
        text: Description for the interface's documentation.
        is_short: Function that says whether it takes no longer than a click.
    """

    body: type[wire.RequestBody]
    run: Callable[[Session, Any, Progress | None, Callable[..., None] | None], object]
    text: str
    is_short: Callable[[Session, Any], bool] = lambda session, body: False

    def without_job(self) -> SessionCommand:
        """Return the command as one that is answered at once."""
        return SessionCommand(self.body, lambda s, b: self.run(s, b, None, None), self.text, uses_network=True)


def _add(session: Session, body: wire.RequestBody) -> None:
    session.add(prompt_of(session, body))


def _add_all(session: Session, body: wire.AddPrompts) -> None:
    session.add(*(prompt_of(session, prompt) for prompt in body.prompts))


def prompt_of(session: Session, body: wire.RequestBody) -> Prompt:
    """Return the prompt of a request body.

    Raises:
        PromptError: The body is no prompt.
    """
    match body:
        case wire.AddPoint():
            return Point(_ijk(body.ijk), body.positive)
        case wire.AddBox():
            return Box(_ijk(body.min_ijk), _ijk(body.max_ijk))
        case wire.AddScribble():
            return Scribble(tuple(_ijk(p) for p in body.ijk_list), body.positive)
        case wire.AddLasso():
            return Lasso(tuple(_ijk(p) for p in body.ijk_list))
        case wire.MaskPrompt():
            return MaskHint(_mask(session, body.runs), body.slice, session.axis)
    raise PromptError("Unknown kind of prompt. Send a point, box, scribble, lasso or mask.")


def _mask(session: Session, runs: list[int]) -> NDArray[np.bool_]:
    from anybone.core.run_lengths import RunLengths

    rows, columns = (n for a, n in enumerate(session.volume.geometry.shape_ijk) if a != session.axis)
    return RunLengths.from_list((rows, columns), runs).to_mask()


def _paint(session: Session, body: wire.Paint) -> None:
    from anybone.interactive.rasterization import brush_mask

    if body.runs is not None and body.slice is not None and body.ijk_list is None:
        index, mask = body.slice, _mask(session, body.runs)
    elif body.ijk_list is not None and body.radius_mm is not None and body.runs is None:
        line = [_ijk(p) for p in body.ijk_list]
        index, mask = brush_mask(session.volume.geometry, session.axis, line, body.radius_mm)
    else:
        raise PromptError("A brush stroke needs either slice and runs, or ijk_list and radius_mm.")
    session.paint(index, mask, erase=body.erase)


def _commit(session: Session, body: wire.CommitBone) -> int:
    return session.commit(_name(body), side=body.side, color_rgb=rgb_of(body.color))


def _rename(session: Session, body: wire.RenameBone) -> None:
    session.rename(body.label, _name(body), side=body.side, color_rgb=rgb_of(body.color))


def _automatic(session: Session, body: wire.Automatic, progress: Any, preview: Any) -> None:
    session.automatic(_slices(session, body), progress=progress, preview=preview)


def _propagate(session: Session, body: wire.Propagate, progress: Any, preview: Any) -> list[int]:
    return session.propagate(
        body.first, body.last, backwards=body.backwards, forwards=body.forwards, progress=progress, preview=preview
    )


def result_of(value: object) -> bool | int | list[int] | None:
    """Return the part of a command's return value that clients get: a label, labels, slices, or a boolean."""
    return value if isinstance(value, (int, list)) else None


def _slices(session: Session, body: wire.Automatic) -> list[int] | None:
    """Return the slices to segment; None for all slices with tissue."""
    if body.slices is not None:
        if not body.slices:
            raise PromptError("The list of slices is empty. Give at least one slice, or leave the list out for all.")
        return sorted(set(body.slices))
    if body.first is None and body.last is None:
        return None
    last = session.volume.geometry.shape_ijk[session.axis] - 1
    first, last = body.first or 0, last if body.last is None else body.last
    if first > last:
        raise PromptError(f"The range of slices from {first} to {last} is empty. Give the lower one first.")
    if last >= session.volume.geometry.shape_ijk[session.axis]:
        raise PromptError(
            f"Slice {last} does not exist. The last one is {session.volume.geometry.shape_ijk[session.axis] - 1}."
        )
    return list(range(first, last + 1))


def _is_one_slice(session: Session, body: wire.Automatic) -> bool:
    slices = _slices(session, body)
    return slices is not None and len(slices) == 1


def _name(body: wire.CommitBone) -> str | None:
    """Return the name of a bone; a key of the list of bones takes precedence over free text."""
    if body.bone is None:
        return body.name
    if body.bone not in BONES:
        raise PromptError(f"The list of bones has no key {body.bone!r}. Search the list, or give a name instead.")
    return BONES[body.bone].name


def _ijk(values: list[float]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]


VERBS: dict[str, SessionCommand] = {
    "add_point": SessionCommand(wire.AddPoint, _add, "Add a click on bone or on background.", uses_network=True),
    "add_box": SessionCommand(wire.AddBox, _add, "Add a box around one bone.", uses_network=True),
    "add_scribble": SessionCommand(wire.AddScribble, _add, "Add a line on bone or on background.", uses_network=True),
    "add_lasso": SessionCommand(wire.AddLasso, _add, "Add a polygon around one bone on a slice.", uses_network=True),
    "add": SessionCommand(wire.AddPrompts, _add_all, "Add several prompts as one change.", uses_network=True),
    "paint": SessionCommand(wire.Paint, _paint, "Paint or erase; later predictions do not change these voxels."),
    "keep": SessionCommand(
        wire.KeepComponent,
        lambda s, b: s.keep(_ijk(b.ijk)),
        "Keep only the connected component of the current mask that contains a voxel.",
    ),
    "interpolate": SessionCommand(
        wire.SliceRange,
        lambda s, b: s.interpolate(b.first, b.last),
        "Fill slices between slices with a mask by shape interpolation.",
    ),
    "undo": SessionCommand(wire.NoOptions, lambda s, b: s.undo(), "Undo the last change."),
    "redo": SessionCommand(wire.NoOptions, lambda s, b: s.redo(), "Redo the last undone change."),
    "reset": SessionCommand(
        wire.NoOptions, lambda s, b: s.reset(), "Remove all prompts and the current mask; committed bones stay."
    ),
    "commit": SessionCommand(wire.CommitBone, _commit, "Commit the current mask as a bone and start the next one."),
    "edit": SessionCommand(
        wire.BoneLabel, lambda s, b: s.edit(b.label), "Make a committed bone the current mask again, to correct it."
    ),
    "rename": SessionCommand(wire.RenameBone, _rename, "Change the name, side or color of a committed bone."),
    "remove": SessionCommand(wire.BoneLabel, lambda s, b: s.remove(b.label), "Remove a committed bone."),
    "split": SessionCommand(
        wire.SplitBone,
        lambda s, b: s.split(b.label, min_mm3=b.min_mm3),
        "Make each connected component of a bone a bone of its own.",
    ),
    "merge": SessionCommand(wire.MergeBones, lambda s, b: s.merge(b.labels, b.into), "Merge bones into one of them."),
}
LONG_VERBS: dict[str, LongCommand] = {
    "automatic": LongCommand(
        wire.Automatic, _automatic, "Find all bone on some slices, or on all slices with tissue.", _is_one_slice
    ),
    "propagate": LongCommand(wire.Propagate, _propagate, "Propagate the current mask to neighboring slices."),
}
