"""SessionCore: a session's states, the way back between them, and what they tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError
from anybone.core.prompts import Prompt
from anybone.core.volume import Volume
from anybone.inference.quality import SoftDiceTerms, dice_of
from anybone.interactive.history import Changes, History, State, Step
from anybone.interactive.run_lengths import Runs
from anybone.interactive.volume_hash import volume_hash


class SessionCore:
    """The states of one person's work on one volume, to be read.

    Args:
        volume: The image.
        axis: The array axis that slices are stacked along.
        least_dice: Expected Dice below which a slice is flagged; None: none is.
    """

    def __init__(self, volume: Volume, axis: int, least_dice: float | None) -> None:
        self.volume = volume
        self.axis = axis
        self._least_dice = least_dice
        self._history = History()
        rows, columns = (a for a in range(3) if a != axis)
        self.slice_shape: tuple[int, int] = (volume.geometry.shape_ijk[rows], volume.geometry.shape_ijk[columns])

    @property
    def _state(self) -> State:
        return self._history.state

    # --- the answer ---

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts since the last accepted bone."""
        return self._state.prompts

    @property
    def slices(self) -> list[int]:
        """The slices that have an answer now."""
        return sorted(self._state.answers)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The answer to the prompts so far, bool "i j k"; accepted bones are not part of it."""
        mask = np.zeros(self.volume.geometry.shape_ijk, dtype=bool)
        by_slice = np.moveaxis(mask, self.axis, 0)
        for index, answer in self._state.answers.items():
            by_slice[index] = answer.runs.mask()
        return mask

    def slice_mask(self, index: int) -> NDArray[np.bool_]:
        """The answer on one slice, bool, the slice's in-plane array axes in ascending order."""
        self._check_slices([index])
        answer = self._state.answers.get(index)
        return np.zeros(self.slice_shape, dtype=bool) if answer is None else answer.runs.mask()

    # --- the way back ---

    @property
    def history(self) -> tuple[Step, ...]:
        """What was done up to now."""
        return self._history.steps

    @property
    def revision(self) -> int:
        """A number that grows with every change, undo and redo included."""
        return self._history.revision

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return self._history.now > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to bring back."""
        return self._history.now < len(self._history.states) - 1

    def undo(self) -> bool:
        """Whether there was a change to take back."""
        return self._history.walk(-1)

    def redo(self) -> bool:
        """Whether there was a change to bring back."""
        return self._history.walk(1)

    def changes_since(self, revision: int) -> Changes:
        """The slices that differ from an earlier revision, as they are now."""
        return self._history.changes_since(revision, self.slice_shape)

    def answer_runs(self, index: int) -> Runs:
        """The answer on one slice, label 1."""
        answer = self._state.answers.get(index)
        return Runs.empty(self.slice_shape) if answer is None else answer.runs

    def bone_runs(self, index: int) -> Runs:
        """The labels of accepted bones on one slice."""
        return self._state.planes.get(index) or Runs.empty(self.slice_shape)

    def layers(self) -> Changes:
        """All slices that have anything."""
        return self._history.changes_since(-1, self.slice_shape)

    def snapshot(self) -> History:
        """The states as they are now, for saving; what happens later does not change it."""
        return self._history.copy()

    @cached_property
    def volume_hash(self) -> str:
        """What tells this volume from others."""
        return volume_hash(self.volume)

    # --- what is known ---

    @property
    def slice_confidence(self) -> dict[int, float]:
        """The Dice that the network expects of answer and bones on each slice; empty where it does not know."""
        sums: dict[int, SoftDiceTerms] = {k: a.sums for k, a in self._state.answers.items() if a.sums and a.runs.any()}
        for of_bone in self._state.sums.values():
            sums = added(sums, of_bone)
        return {k: round(dice_of(*sums[k]), 4) for k in sorted(sums)}

    @property
    def flagged(self) -> list[int]:
        """Slices to visit, least sure first; none that a person has prompted or painted on."""
        if self._least_dice is None:
            return []
        unsure = {k: c for k, c in self.slice_confidence.items() if c < self._least_dice}
        return sorted(unsure.keys() - self._state.visited, key=lambda k: (unsure[k], k))

    # --- for the verbs ---

    def _range(self, first: int | None, last: int | None) -> tuple[int, int]:
        found = 0 if first is None else first, self._count - 1 if last is None else last
        self._check_slices(found)
        return found

    def _check_slices(self, indices: Iterable[int]) -> None:
        count = self._count
        outside = [k for k in indices if not 0 <= k < count]
        if outside:
            raise PromptError(f"Slices {outside} do not exist: this volume has slices 0 to {count - 1}.")

    @property
    def _count(self) -> int:
        return self.volume.geometry.shape_ijk[self.axis]


def added(first: Mapping[int, SoftDiceTerms], second: Mapping[int, SoftDiceTerms]) -> dict[int, SoftDiceTerms]:
    """What two confidences are reckoned from, together."""
    both = dict(first)
    for k, (inside, anywhere, taken) in second.items():
        a, b, c = both.get(k, (0.0, 0.0, 0.0))
        both[k] = (a + inside, b + anywhere, c + taken)
    return both
