"""History: the states of a session, undo and redo between them, and what changed from one to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from anybone.core.prompts import Prompt
from anybone.inference.quality import SoftDiceTerms
from anybone.interactive.committed_labels import NamedBone, Planes
from anybone.interactive.masks import SliceAnswer
from anybone.interactive.run_lengths import Runs

KEPT_REVISIONS = 64  # how far back `changes_since` can compare


@dataclass(frozen=True)
class Step:
    """One thing that was done.

    Attributes:
        n: Its number, which no other step of the session has.
        verb: What was called: "add", "paint", "accept".
        text: A sentence for people.
        time: When, ISO 8601 in UTC.
    """

    n: int
    verb: str
    text: str
    time: str


@dataclass(frozen=True, eq=False)
class Edited:
    """A bone that was made the answer again, as it was: what `reset` puts back.

    Attributes:
        bone: Its label and name.
        masks: Slice -> where it was.
        sums: Slice -> what its confidence is reckoned from.
    """

    bone: NamedBone
    masks: Planes
    sums: Mapping[int, SoftDiceTerms]


@dataclass(frozen=True, eq=False)
class State:
    """What undo goes back to. Slices that a step leaves alone are the same objects before and after.

    Attributes:
        step: What led here; None for the start.
        prompts: Since the last accepted bone.
        answers: Slice -> answer to them.
        planes: Slice -> labels of accepted bones.
        bones: Label -> bone.
        sums: Label -> slice -> what the bone's confidence is reckoned from.
        editing: The bone that was made the answer again.
        visited: Slices that a person has prompted or painted.
    """

    step: Step | None = None
    prompts: tuple[Prompt, ...] = ()
    answers: Mapping[int, SliceAnswer] = field(default_factory=dict)
    planes: Planes = field(default_factory=dict)
    bones: Mapping[int, NamedBone] = field(default_factory=dict)
    sums: Mapping[int, Mapping[int, SoftDiceTerms]] = field(default_factory=dict)
    editing: Edited | None = None
    visited: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Changes:
    """The slices that differ between two revisions, as they are now.

    Attributes:
        revision: The one they lead to.
        answer: Slice -> answer, label 1.
        bones: Slice -> labels of accepted bones.
        complete: Whether these are all slices that have anything, and every other one is empty.
    """

    revision: int
    answer: Mapping[int, Runs]
    bones: Mapping[int, Runs]
    complete: bool = False


class History:
    """The states of one session.

    Args:
        states: From the oldest that undo reaches to the newest that redo reaches.
        now: Which of them is shown.
        revision: Of the session; grows with every change of what is shown.
    """

    def __init__(self, states: Sequence[State] = (State(),), now: int = 0, revision: int = 0) -> None:
        self._shown = (tuple(states), now, revision)  # exchanged as one, so that other threads see them together
        self._n = max((s.step.n for s in states if s.step), default=0)
        self._seen = {revision: self.state}

    @property
    def states(self) -> tuple[State, ...]:
        """From the oldest that undo reaches to the newest that redo reaches."""
        return self._shown[0]

    @property
    def now(self) -> int:
        """Which of the states is shown."""
        return self._shown[1]

    @property
    def revision(self) -> int:
        """Grows with every change of what is shown."""
        return self._shown[2]

    @property
    def state(self) -> State:
        """What is shown."""
        states, now, _ = self._shown
        return states[now]

    def copy(self) -> History:
        """The same states, which go their own way from here."""
        return History(*self._shown)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done up to now."""
        states, now, _ = self._shown
        return tuple(s.step for s in states[: now + 1] if s.step)

    def push(self, verb: str, text: str, **changes: Any) -> None:
        """Nothing; the state with these fields changed is then shown, and what could be redone is gone."""
        self._n += 1
        step = Step(self._n, verb, text, datetime.now(UTC).isoformat(timespec="seconds"))
        state = replace(self.state, step=step, **changes)
        self._show((*self.states[: self.now + 1], state), self.now + 1)

    def walk(self, by: int) -> bool:
        """Whether there was a state so many steps away, which is then shown."""
        if not 0 <= self.now + by < len(self.states):
            return False
        self._show(self.states, self.now + by)
        return True

    def changes_since(self, revision: int, shape: tuple[int, int]) -> Changes:
        """What differs from an earlier revision; everything where that is not known any more.

        Args:
            revision: The earlier one.
            shape: Of a slice.
        """
        states, place, current = self._shown
        now, before = states[place], self._seen.get(revision)
        after = {k: answer.runs for k, answer in now.answers.items()}
        if before is None:
            answer = {k: runs for k, runs in after.items() if runs.any()}
            return Changes(current, answer, dict(now.planes), complete=True)
        earlier = {k: answer.runs for k, answer in before.answers.items()}
        return Changes(current, _changed(earlier, after, shape), _changed(before.planes, now.planes, shape))

    def _show(self, states: tuple[State, ...], now: int) -> None:
        seen = {**self._seen, self.revision + 1: states[now]}
        self._seen = dict(list(seen.items())[-KEPT_REVISIONS:])
        self._shown = (states, now, self.revision + 1)


def _changed(before: Planes, after: Planes, shape: tuple[int, int]) -> dict[int, Runs]:
    """The planes of `after` that differ; slices that are the same object are not looked at."""
    empty = Runs.empty(shape)
    return {
        k: new
        for k in sorted({*before, *after})
        if (new := after.get(k, empty)) is not (old := before.get(k, empty)) and new != old
    }
