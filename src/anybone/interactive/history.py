"""The states of a session, undo and redo between them, and the texts of the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, assert_never

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.core.run_lengths import RunLengths
from anybone.inference.quality import SoftDiceTerms
from anybone.interactive.committed_labels import NamedBone, SliceLabels
from anybone.interactive.masks import SliceMask

KEPT_REVISIONS = 64  # number of revisions that `changes_since` can compare with


@dataclass(frozen=True)
class Step:
    """One step of the history.

    Attributes:
        n: Number, unique in the session.
        verb: Name of the method: "add", "paint", "commit".
        text: Sentence for the user.
        time: ISO 8601 time in UTC.
    """

    n: int
    verb: str
    text: str
    time: str


@dataclass(frozen=True, eq=False)
class EditedBone:
    """A committed bone before it became the current mask again; `reset` restores it.

    Attributes:
        bone: Label and name.
        masks: Slice -> mask.
        dice_terms: Slice -> terms of the expected Dice.
    """

    bone: NamedBone
    masks: SliceLabels
    dice_terms: Mapping[int, SoftDiceTerms]


@dataclass(frozen=True, eq=False)
class State:
    """An immutable state of the session. Slices that a step does not change are the same objects before and after.

    Attributes:
        step: Step that led here; None for the start.
        prompts: Prompts since the last commit.
        masks: Slice -> current mask.
        labels: Slice -> committed labels.
        bones: Label -> committed bone.
        dice_terms: Label -> slice -> terms of the expected Dice.
        editing: The committed bone that is the current mask again; None if there is none.
        visited: Slices that the user has prompted or painted.
    """

    step: Step | None = None
    prompts: tuple[Prompt, ...] = ()
    masks: Mapping[int, SliceMask] = field(default_factory=dict)
    labels: SliceLabels = field(default_factory=dict)
    bones: Mapping[int, NamedBone] = field(default_factory=dict)
    dice_terms: Mapping[int, Mapping[int, SoftDiceTerms]] = field(default_factory=dict)
    editing: EditedBone | None = None
    visited: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Changes:
    """The slices that differ between two revisions, with their current content.

    Attributes:
        revision: The later revision.
        mask: Slice -> current mask, label 1.
        labels: Slice -> committed labels.
        complete: True if these are all slices with content, and every other slice is empty.
    """

    revision: int
    mask: Mapping[int, RunLengths]
    labels: Mapping[int, RunLengths]
    complete: bool = False


class History:
    """The states of one session.

    Args:
        states: From the oldest state that undo reaches to the newest that redo reaches.
        position: Index of the current state.
        revision: Number that grows with every change of the current state.
    """

    def __init__(self, states: Sequence[State] = (State(),), position: int = 0, revision: int = 0) -> None:
        self._current = (tuple(states), position, revision)  # replaced as one: other threads see a consistent triple
        self._n = max((s.step.n for s in states if s.step), default=0)
        self._revisions = {revision: self.state}

    @property
    def states(self) -> tuple[State, ...]:
        """From the oldest state that undo reaches to the newest that redo reaches."""
        return self._current[0]

    @property
    def position(self) -> int:
        """Index of the current state."""
        return self._current[1]

    @property
    def revision(self) -> int:
        """Number that grows with every change of the current state."""
        return self._current[2]

    @property
    def state(self) -> State:
        """The current state."""
        states, position, _ = self._current
        return states[position]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Steps up to the current state."""
        states, position, _ = self._current
        return tuple(s.step for s in states[: position + 1] if s.step)

    def copy(self) -> History:
        """Return an independent history with the same states."""
        return History(*self._current)

    def push(self, verb: str, text: str, **changes: Any) -> None:
        """Append the current state with some fields changed, and drop the states that redo could reach."""
        self._n += 1
        step = Step(self._n, verb, text, datetime.now(UTC).isoformat(timespec="seconds"))
        state = replace(self.state, step=step, **changes)
        self._set((*self.states[: self.position + 1], state), self.position + 1)

    def move(self, by: int) -> bool:
        """Move the current position by some states, and return whether there was such a state."""
        if not 0 <= self.position + by < len(self.states):
            return False
        self._set(self.states, self.position + by)
        return True

    def changes_since(self, revision: int, shape: tuple[int, int]) -> Changes:
        """Return what differs from an earlier revision; everything if that revision was dropped.

        Args:
            revision: The earlier revision.
            shape: Shape of a slice.
        """
        states, position, current = self._current
        now, before = states[position], self._revisions.get(revision)
        after = {k: mask.runs for k, mask in now.masks.items()}
        if before is None:
            masks = {k: runs for k, runs in after.items() if runs.any()}
            return Changes(current, masks, dict(now.labels), complete=True)
        earlier = {k: mask.runs for k, mask in before.masks.items()}
        return Changes(current, _changed(earlier, after, shape), _changed(before.labels, now.labels, shape))

    def _set(self, states: tuple[State, ...], position: int) -> None:
        revisions = {**self._revisions, self.revision + 1: states[position]}
        self._revisions = dict(list(revisions.items())[-KEPT_REVISIONS:])
        self._current = (states, position, self.revision + 1)


def _changed(before: SliceLabels, after: SliceLabels, shape: tuple[int, int]) -> dict[int, RunLengths]:
    """Return the slices of `after` that differ; slices that are the same object are not compared."""
    empty = RunLengths.empty(shape)
    return {
        k: new
        for k in sorted({*before, *after})
        if (new := after.get(k, empty)) is not (old := before.get(k, empty)) and new != old
    }


# --- texts of steps ---


def format_slices(indices: Iterable[int]) -> str:
    """Return "slice 4", "slices 4-9", "7 slices between 2 and 20", or "no slice"."""
    found = sorted(indices)
    if not found:
        return "no slice"
    first, last = found[0], found[-1]
    if len(found) == 1:
        return f"slice {first}"
    if last - first + 1 == len(found):
        return f"slices {first}-{last}"
    return f"{len(found)} slices between {first} and {last}"


def format_prompts(prompts: Sequence[Prompt]) -> str:
    """Return "Point", "2 background points and a box" and the like, capitalized."""
    counts: dict[str, int] = {}
    for prompt in prompts:
        counts[_kind(prompt)] = counts.get(_kind(prompt), 0) + 1
    items = [_counted(kind, n) for kind, n in counts.items()] or ["no prompt"]
    text = " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
    return text[0].upper() + text[1:]


def _counted(kind: str, count: int) -> str:
    if count == 1:
        return f"a {kind}"
    return f"{count} {kind}{'es' if kind.endswith('x') else 's'}"


def _kind(prompt: Prompt) -> str:
    match prompt:
        case Point():
            return "point" if prompt.positive else "background point"
        case Scribble():
            return "scribble" if prompt.positive else "background scribble"
        case Box():
            return "box"
        case MaskHint():
            return "mask"
        case Lasso():
            return "lasso"
        case _:
            assert_never(prompt)
