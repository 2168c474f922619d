"""The verbs of a session: what a request's body means to the engine. A new verb is a function and a line in `VERBS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError
from anybone.core.labels import BONES
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.server import bodies
from anybone.server.facts import rgb_of

if TYPE_CHECKING:
    from anybone.core.progress import Progress
    from anybone.interactive.session import Session


@dataclass(frozen=True)
class Verb:
    """Something that a person does.

    Attributes:
        body: What it takes.
        run: Does it, by the engine.
        text: What it gives, for people.
        asks_network: Whether it has to wait for the network to be free.
    """

    body: type[bodies.Body]
    run: Callable[[Session, Any], object]
    text: str
    asks_network: bool = False


@dataclass(frozen=True)
class LongVerb:
    """Something that may take long, and then becomes a job.

    Attributes:
        body: What it takes.
        run: Does it, and tells of its progress and of slices that are done.
        text: What it gives, for people.
        is_short: Whether this is no more than a click.
    """

    body: type[bodies.Body]
    run: Callable[[Session, Any, Progress | None, Callable[..., None] | None], object]
    text: str
    is_short: Callable[[Session, Any], bool] = lambda session, body: False


def _add(session: Session, body: bodies.Body) -> None:
    session.add(prompt_of(session, body))


def _add_all(session: Session, body: bodies.Add) -> None:
    session.add(*(prompt_of(session, prompt) for prompt in body.prompts))


def prompt_of(session: Session, body: bodies.Body) -> Prompt:
    """The prompt that a request describes.

    Raises:
        PromptError: It cannot be meant.
    """
    match body:
        case bodies.AddPoint():
            return Point(_ijk(body.ijk), body.positive)
        case bodies.AddBox():
            return Box(_ijk(body.min_ijk), _ijk(body.max_ijk))
        case bodies.AddScribble():
            return Scribble(tuple(_ijk(p) for p in body.ijk_list), body.positive)
        case bodies.AddLasso():
            return Lasso(tuple(_ijk(p) for p in body.ijk_list))
        case bodies.MaskPrompt():
            return MaskHint(_mask(session, body.runs), body.slice, session.axis)
    raise PromptError("This is no prompt. A prompt is a point, box, scribble, lasso or mask.")


def _mask(session: Session, runs: list[int]) -> NDArray[np.bool_]:
    from anybone.core.run_lengths import RunLengths

    rows, columns = (n for a, n in enumerate(session.volume.geometry.shape_ijk) if a != session.axis)
    return RunLengths.from_list((rows, columns), runs).to_mask()


def _paint(session: Session, body: bodies.Paint) -> None:
    from anybone.interactive.rasterization import brush_mask

    if body.runs is not None and body.slice is not None and body.ijk_list is None:
        index, mask = body.slice, _mask(session, body.runs)
    elif body.ijk_list is not None and body.radius_mm is not None and body.runs is None:
        line = [_ijk(p) for p in body.ijk_list]
        index, mask = brush_mask(session.volume.geometry, session.axis, line, body.radius_mm)
    else:
        raise PromptError("paint takes a slice and its runs, or ijk_list and radius_mm.")
    session.paint(index, mask, erase=body.erase)


def _commit(session: Session, body: bodies.Naming) -> int:
    return session.commit(_name(body), side=body.side, color_rgb=rgb_of(body.color))


def _rename(session: Session, body: bodies.Rename) -> None:
    session.rename(body.label, _name(body), side=body.side, color_rgb=rgb_of(body.color))


def _automatic(session: Session, body: bodies.Automatic, progress: Any, preview: Any) -> None:
    session.automatic(_slices(session, body), progress=progress, preview=preview)


def _propagate(session: Session, body: bodies.Reach, progress: Any, preview: Any) -> list[int]:
    return session.propagate(
        body.first, body.last, backwards=body.backwards, forwards=body.forwards, progress=progress, preview=preview
    )


def result_of(value: object) -> bool | int | list[int] | None:
    """What a verb gave, as far as a client wants to know: a label, labels, slices, yes or no."""
    return value if isinstance(value, (int, list)) else None


def _slices(session: Session, body: bodies.Automatic) -> list[int] | None:
    """The slices that are meant; None for all that hold tissue."""
    if body.slices is not None:
        if not body.slices:
            raise PromptError("The list of slices is empty. Name one, or leave it out for all.")
        return sorted(set(body.slices))
    if body.first is None and body.last is None:
        return None
    last = session.volume.geometry.shape_ijk[session.axis] - 1
    first, last = body.first or 0, last if body.last is None else body.last
    if first > last:
        raise PromptError(f"The range of slices from {first} to {last} is empty. Give the lower one first.")
    if last >= session.volume.geometry.shape_ijk[session.axis]:
        raise PromptError(
            f"There is no slice {last}: they run to {session.volume.geometry.shape_ijk[session.axis] - 1}."
        )
    return list(range(first, last + 1))


def _is_one_slice(session: Session, body: bodies.Automatic) -> bool:
    slices = _slices(session, body)
    return slices is not None and len(slices) == 1


def _name(body: bodies.Naming) -> str | None:
    """The name that is meant; a key of the list of bones goes before a name of one's own."""
    if body.bone is None:
        return body.name
    if body.bone not in BONES:
        raise PromptError(f"There is no bone {body.bone!r} in the list. Search GET /api/bones, or give a name instead.")
    return BONES[body.bone].name


def _ijk(values: list[float]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]


VERBS: dict[str, Verb] = {
    "add_point": Verb(bodies.AddPoint, _add, "A click: on bone, or on what is none.", asks_network=True),
    "add_box": Verb(bodies.AddBox, _add, "A box around one bone.", asks_network=True),
    "add_scribble": Verb(bodies.AddScribble, _add, "A line on bone, or on what is none.", asks_network=True),
    "add_lasso": Verb(bodies.AddLasso, _add, "A polygon around one bone on a slice.", asks_network=True),
    "add": Verb(bodies.Add, _add_all, "Several prompts, as one change.", asks_network=True),
    "paint": Verb(bodies.Paint, _paint, "A brush stroke, which stays whatever the network answers later."),
    "keep": Verb(bodies.Keep, lambda s, b: s.keep(_ijk(b.ijk)), "Of the answer, the piece that holds a voxel."),
    "interpolate": Verb(
        bodies.Range, lambda s, b: s.interpolate(b.first, b.last), "Slices between answered ones, filled by shape."
    ),
    "undo": Verb(bodies.Nothing, lambda s, b: s.undo(), "The state before the last change."),
    "redo": Verb(bodies.Nothing, lambda s, b: s.redo(), "The change that was taken back."),
    "reset": Verb(bodies.Nothing, lambda s, b: s.reset(), "No prompts and no answer; accepted bones stay."),
    "commit": Verb(bodies.Naming, _commit, "Commit the current mask as a bone of that name."),
    "edit": Verb(bodies.OneBone, lambda s, b: s.edit(b.label), "An accepted bone as the answer again, to correct."),
    "rename": Verb(bodies.Rename, _rename, "Another name, side or color for an accepted bone."),
    "remove": Verb(bodies.OneBone, lambda s, b: s.remove(b.label), "No such bone any more."),
    "split": Verb(
        bodies.Split, lambda s, b: s.split(b.label, min_mm3=b.min_mm3), "The components of a bone, as bones."
    ),
    "merge": Verb(bodies.Merge, lambda s, b: s.merge(b.labels, b.into), "Several bones as one of them."),
}
LONG_VERBS: dict[str, LongVerb] = {
    "automatic": LongVerb(
        bodies.Automatic, _automatic, "All bone on some slices, or on all that hold tissue.", _is_one_slice
    ),
    "propagate": LongVerb(bodies.Reach, _propagate, "The answer, followed through the neighboring slices."),
}
