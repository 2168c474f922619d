"""Session: prompts on one volume, with cached embeddings, undo, propagation and committed labels.

A click runs steps 7 and 8 only, on one slice:

1. `Session.add` finds the slices that the prompts are on.
2. `click_policy.ClickPolicy.apply` decides whether the network is run, and which of its changes are taken.
3. `masks.MaskComposer.compose` composes the mask from network logits, drawn mask, click corrections and paint.
4. `history.History.push` makes the result the current state; undo and redo move between states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError
from anybone.core.labels import Rgb, Side, color_of
from anybone.core.progress import Clock, Progress
from anybone.core.prompts import Ijk, Point, Prompt, check_inside
from anybone.core.run_lengths import RunLengths
from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Volume, volume_hash
from anybone.inference.decoding import SliceDecoder, on_slice
from anybone.inference.input_checks import check_input
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import prepare
from anybone.inference.quality import QualityEstimator, SoftDiceTerms, soft_dice
from anybone.interactive import commands
from anybone.interactive.click_policy import ClickPolicy
from anybone.interactive.committed_labels import BoneStatistics, NamedBone, add_terms, measure
from anybone.interactive.history import Changes, History, State, Step, format_prompts, format_slices
from anybone.interactive.masks import MaskComposer, SliceMask, without_logits
from anybone.interactive.propagation import Propagator, StopRule
from anybone.models.network import Network

Preview = Callable[[int, RunLengths], None]
"""Called with a slice and its mask as soon as they are known."""


class Session:
    """Interactive segmentation of one volume.

    Methods that change the session are called one at a time; other threads may read meanwhile. An exception raised by
    a callback ends the method and leaves the session unchanged.

    Args:
        network: Network that segments.
        volume: The image.
        options: How it is cut and thresholded. Masks of prompts are not cleaned.
        describe: Makes the provenance of a result from the seconds of its steps.
        quality_estimator: Calibration and expected quality of the network's masks.

    Attributes:
        volume: The image.
        axis: Array axis that slices are stacked along.
        slice_shape: Rows and columns of a slice: the in-plane array axes in ascending order.
    """

    def __init__(
        self,
        network: Network,
        volume: Volume,
        options: SegmentOptions,
        describe: Callable[[Clock], Provenance],
        quality_estimator: QualityEstimator | None = None,
    ) -> None:
        self._describe, self._clock = describe, Clock()
        self._prepared = prepare(network, volume, options, self._clock)
        self._quality = quality_estimator or QualityEstimator()
        self._decoder = SliceDecoder(network, self._prepared, self._clock)
        rows, columns = self._prepared.frames[0].in_plane
        spacing_mm = volume.geometry.spacing_mm[rows], volume.geometry.spacing_mm[columns]
        self._composer = MaskComposer(self._prepared, self._quality, self._clock, spacing_mm)
        self._clicks = ClickPolicy(self._decoder, self._composer)
        self._history = History()
        self.volume = volume
        self.axis = self._prepared.axis
        self.slice_shape: tuple[int, int] = (volume.geometry.shape_ijk[rows], volume.geometry.shape_ijk[columns])

    @property
    def _state(self) -> State:
        return self._history.state

    # --- the current mask ---

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """Prompts since the last commit."""
        return self._state.prompts

    @property
    def slices(self) -> list[int]:
        """Slices that have a current mask, which may be empty."""
        return sorted(self._state.masks)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Current mask, bool "i j k"; committed labels are not part of it."""
        mask = np.zeros(self.volume.geometry.shape_ijk, dtype=bool)
        by_slice = np.moveaxis(mask, self.axis, 0)
        for index, current in self._state.masks.items():
            by_slice[index] = current.runs.to_mask()
        return mask

    def slice_mask(self, index: int) -> NDArray[np.bool_]:
        """Return the current mask of one slice, bool "rows columns"."""
        self._check_slices([index])
        current = self._state.masks.get(index)
        return np.zeros(self.slice_shape, dtype=bool) if current is None else current.runs.to_mask()

    def probability(self, index: int) -> NDArray[np.float16]:
        """Return the calibrated probability of bone on one slice, "rows columns"; 0 if it has no mask."""
        self._check_slices([index])
        state = self._state
        if index not in state.masks:
            return np.zeros(self.slice_shape, dtype=np.float16)
        return self._composer.probability(index, state.masks[index], state.prompts)

    def add(self, *prompts: Prompt) -> Session:
        """Add prompts, and update the masks of the slices that they are on.

        Returns:
            This session.

        Raises:
            PromptError: A prompt is outside the volume, or a mask or lasso is along another axis.
        """
        check_inside(prompts, self.volume.geometry)
        slices = sorted({f.index for f in self._prepared.frames for p in prompts if on_slice(p, f)})
        if prompts and not slices:
            raise PromptError(
                f"The mask or lasso is on slices along another axis. This session's slices are along axis {self.axis}."
            )
        together = (*self._state.prompts, *prompts)
        masks = dict(self._state.masks)
        for index in slices:
            masks[index] = self._clicks.apply(index, masks.get(index), together, prompts)
        text = f"{format_prompts(prompts)} on {format_slices(slices)}."
        visited = self._state.visited | set(slices)
        self._history.push("add", text, prompts=together, masks=masks, visited=visited)
        return self

    def paint(self, index: int, mask: NDArray[np.bool_], *, erase: bool = False) -> Session:
        """Paint or erase bone on a slice. Painted pixels keep their label, whatever the network predicts later.

        Args:
            index: Slice index.
            mask: Painted pixels, "rows columns".
            erase: True to erase.

        Returns:
            This session.

        Raises:
            PromptError: No such slice, or a mask that is empty or of another shape.
        """
        self._check_slices([index])
        where = np.asarray(mask) > 0
        if where.shape != self.slice_shape or not where.any():
            raise PromptError(
                f"Painting needs a mask of the slice's shape {self.slice_shape} that is not empty; found shape "
                f"{where.shape}, {int(where.sum())} pixels."
            )
        state = self._state
        painted = self._composer.with_paint(index, state.masks.get(index), state.prompts, where, erase)
        text = f"{'Erased' if erase else 'Painted'} on {format_slices([index])}."
        self._history.push("paint", text, masks={**state.masks, index: painted}, visited=state.visited | {index})
        return self

    def automatic(
        self, slices: Iterable[int] | None = None, progress: Progress | None = None, preview: Preview | None = None
    ) -> Session:
        """Segment all bone on some slices (by default all that contain tissue) as the current mask, to be corrected.

        Returns:
            This session.
        """
        wanted = np.flatnonzero(self._prepared.nonempty_slices).tolist() if slices is None else sorted(set(slices))
        self._check_slices(wanted)
        state = self._state
        masks = dict(state.masks)
        for done, (index, logits) in enumerate(self._decoder.decode_all(wanted), 1):
            paint = masks[index].paint if index in masks else None
            masks[index] = self._composer.compose(index, logits, state.prompts, paint)
            if preview:
                preview(index, masks[index].runs)
            if progress:
                progress("decode", done, len(wanted))
        self._history.push("automatic", f"Segmented all bone on {format_slices(wanted)}.", masks=masks)
        return self

    def propagate(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        backwards: bool = True,
        forwards: bool = True,
        stop: StopRule | None = None,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> list[int]:
        """Propagate the current mask from each slice that has one to adjacent slices that have none.

        The mask of each slice is the mask prompt of the next. Prompted slices are never changed.

        Args:
            first: Lowest slice to reach; None: as far as the stop rule allows.
            last: Highest slice to reach.
            backwards: True to propagate toward lower indices.
            forwards: True to propagate toward higher indices.
            stop: Conditions under which the bone ends.
            progress: Called with ("decode", done, total).
            preview: Called with each slice that is reached.

        Returns:
            The slices that were reached.

        Raises:
            PromptError: There is no mask to propagate, or the range is outside the volume.
        """
        first, last = self._range(first, last)
        state = self._state
        starts = [k for k in self.slices if state.masks[k].runs.any()]
        if not starts:
            raise PromptError("Nothing to propagate: no slice has a mask yet. Add a prompt on bone first.")
        masks, propagator = dict(state.masks), Propagator(self._decoder, self._composer)

        def report(index: int, reached: SliceMask) -> None:
            if preview:
                preview(index, reached.runs)
            if progress:
                progress("decode", len(masks) - len(state.masks), last - first + 1)

        for step in ([-1] if backwards else []) + ([1] if forwards else []):
            for start in starts:
                propagator.run(masks, start, step, (first, last), state.prompts, stop or StopRule(), report)
        reached = sorted(masks.keys() - state.masks.keys())
        in_air = [k for k in starts if not reached and propagator.is_in_air(k, state.masks[k])]
        text = f"Propagated to {format_slices(reached)}." if reached else "Propagation reached no further slice."
        if in_air:
            text += f" The mask on {format_slices(in_air)} is in air: add a point on bone."
        self._history.push("propagate", text, masks=masks)
        return reached

    def interpolate(self, first: int | None = None, last: int | None = None) -> list[int]:
        """Interpolate the shape of the mask on slices without a mask between two slices with bone.

        Slices that have a mask are never changed: segment or correct every n-th slice and interpolate the rest.

        Args:
            first: Lowest slice to look at; None: the first one.
            last: Highest slice to look at.

        Returns:
            The slices that were interpolated.

        Raises:
            PromptError: There is no such slice, or the range is outside the volume.
        """
        first, last = self._range(first, last)
        slices, command = commands.interpolate(self._state, first, last, self._composer.spacing_mm)
        self._push("interpolate", command)
        return slices

    def keep(self, ijk: Ijk) -> Session:
        """Keep only the connected component of the current mask that contains a voxel, and erase the others.

        Components are connected by faces, edges or corners, across slices.

        Args:
            ijk: A voxel of the component.

        Returns:
            This session.

        Raises:
            PromptError: The voxel is outside the volume or outside the mask.
        """
        check_inside([Point(ijk)], self.volume.geometry)
        index, row, column = (round(ijk[a]) for a in (self.axis, *self._prepared.frames[0].in_plane))
        self._push("keep", commands.keep(self._state, self._composer, index, row, column))
        return self

    def reset(self) -> Session:
        """Clear prompts and the current mask; committed labels stay, and an edited bone is restored.

        Returns:
            This session.
        """
        self._push("reset", commands.reset(self._state))
        return self

    # --- committed labels ---

    @property
    def bones(self) -> tuple[NamedBone, ...]:
        """Committed bones, by label."""
        return tuple(bone for _, bone in sorted(self._state.bones.items()))

    def statistics(self) -> list[BoneStatistics]:
        """Measure each committed bone that has a voxel, by label."""
        state, geometry = self._state, self.volume.geometry
        found = (measure(b, state.labels, geometry, self.axis, state.dice_terms.get(b.label, {})) for b in self.bones)
        return [one for one in found if one is not None]

    def commit(self, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None) -> int:
        """Commit the current mask as a bone; prompts and mask are then empty for the next bone.

        Bones that were committed earlier keep their label where both overlap. A mask with the name of a committed bone
        is added to that bone.

        Args:
            name: Name of the bone, in any words; those of `anybone.core.labels` determine side and color. None: the
                name of the bone that is being edited, else "bone".
            side: "left" or "right": "femur" on the left is "left femur".
            color_rgb: Color, 0..255; None: the listed color.

        Returns:
            The label of the bone.

        Raises:
            PromptError: The current mask is empty.
        """
        label, command = commands.commit(self._state, name, side, color_rgb)
        self._push("commit", command)
        return label

    def edit(self, label: int) -> Session:
        """Make a committed bone the current mask again, to correct it; `commit` restores its label and name.

        Returns:
            This session.

        Raises:
            PromptError: No bone has that label, or there is a current mask.
        """
        self._push("edit", commands.edit(self._state, label))
        return self

    def rename(
        self, label: int, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None
    ) -> Session:
        """Change name, side or color of a committed bone.

        Args:
            label: Label of the bone.
            name: New name; None keeps the name.
            side: "left" or "right".
            color_rgb: Color, 0..255; None: the listed color of the new name, or the present one if the name stays.

        Returns:
            This session.

        Raises:
            PromptError: No bone has that label, the name is empty, or another bone has it.
        """
        self._push("rename", commands.rename(self._state, label, name, side, color_rgb))
        return self

    def remove(self, label: int) -> Session:
        """Remove a committed bone.

        Returns:
            This session.

        Raises:
            PromptError: No bone has that label.
        """
        self._push("remove", commands.remove(self._state, label))
        return self

    def split(self, label: int, *, min_mm3: float = commands.MIN_COMPONENT_MM3) -> list[int]:
        """Split a committed bone into its connected components.

        "femur" becomes "femur (1)", "femur (2)" and so on; the largest component keeps the label.

        Args:
            label: Label of the bone.
            min_mm3: Components smaller than this volume are removed.

        Returns:
            The labels of the components, largest first.

        Raises:
            PromptError: No bone has that label, or it has fewer than two or too many components.
        """
        voxel_mm3 = self.volume.geometry.voxel_volume_mm3
        labels, command = commands.split(self._state, label, voxel_mm3, min_mm3)
        self._push("split", command)
        return labels

    def merge(self, labels: Iterable[int], into: int) -> Session:
        """Merge several committed bones into one.

        Args:
            labels: Labels of the bones.
            into: The bone among them whose label and name stay.

        Returns:
            This session.

        Raises:
            PromptError: No bone has one of the labels, or there is only one.
        """
        self._push("merge", commands.merge(self._state, labels, into))
        return self

    def segmentation(self) -> Segmentation:
        """Return the committed labels on the volume's own grid."""
        state = self._state
        labels = np.zeros(self.volume.geometry.shape_ijk, dtype=np.uint16)
        by_slice = np.moveaxis(labels, self.axis, 0)
        for index, runs in state.labels.items():
            by_slice[index] = runs.to_array()
        return Segmentation(
            labels,
            self.volume.geometry,
            names={label: bone.name for label, bone in state.bones.items()},
            provenance=self.provenance,
            colors={k: b.color_rgb for k, b in state.bones.items() if b.color_rgb != color_of(b.name, k)},
            source=self.volume.source,
        )

    # --- history ---

    @property
    def history(self) -> tuple[Step, ...]:
        """Steps up to the current state."""
        return self._history.steps

    @property
    def revision(self) -> int:
        """Number that grows with every change, undo and redo included."""
        return self._history.revision

    @property
    def can_undo(self) -> bool:
        """True if there is a step to undo."""
        return self._history.position > 0

    @property
    def can_redo(self) -> bool:
        """True if there is a step to redo."""
        return self._history.position < len(self._history.states) - 1

    def undo(self) -> bool:
        """Undo the last step, and return whether there was one."""
        return self._history.move(-1)

    def redo(self) -> bool:
        """Redo the step that was undone last, and return whether there was one."""
        return self._history.move(1)

    def changes_since(self, revision: int) -> Changes:
        """Return the slices that differ from an earlier revision, with their current content."""
        return self._history.changes_since(revision, self.slice_shape)

    def layers(self) -> Changes:
        """Return current mask and committed labels of all slices that have any."""
        return self._history.changes_since(-1, self.slice_shape)

    # --- quality ---

    @cached_property
    def input_warnings(self) -> tuple[str, ...]:
        """Warnings of the input checks; usually none."""
        return check_input(self.volume, self._prepared.normalized, self.axis)

    @property
    def slice_confidence(self) -> dict[int, float]:
        """Expected Dice of mask and committed labels on each slice; empty if it is unknown."""
        terms: dict[int, SoftDiceTerms] = {
            k: mask.dice_terms for k, mask in self._state.masks.items() if mask.dice_terms and mask.runs.any()
        }
        for of_bone in self._state.dice_terms.values():
            terms = add_terms(terms, of_bone)
        return {k: round(soft_dice(*terms[k]), 4) for k in sorted(terms)}

    @property
    def flagged(self) -> list[int]:
        """Slices of low confidence to review, lowest first, except those that the user has prompted or painted."""
        least = self._quality.least_dice
        if least is None:
            return []
        low = {k: c for k, c in self.slice_confidence.items() if c < least}
        return sorted(low.keys() - self._state.visited, key=lambda k: (low[k], k))

    @property
    def provenance(self) -> Provenance:
        """Record of how the masks are made: weights, options, seconds so far."""
        return self._describe(self._clock)

    # --- encoding in advance, from any thread ---

    @property
    def encoded_slices(self) -> list[int]:
        """Slices whose embedding is cached: a click there is fast."""
        return self._decoder.embeddings.cached_slices

    def encode(self, index: int) -> bool:
        """Encode a slice in advance, and return whether that was necessary."""
        self._check_slices([index])
        return self._decoder.embeddings.fill([index]) > 0

    # --- saving; interactive/persistence.py writes and reads the file ---

    @cached_property
    def volume_hash(self) -> str:
        """Hash that identifies the volume."""
        return volume_hash(self.volume)

    def snapshot(self) -> History:
        """Return a copy of the history, for saving; later steps do not change it."""
        return self._history.copy()

    def restore(self, history: History, *, keep_logits: bool = True) -> None:
        """Continue from the history of another session on this volume.

        Args:
            history: History of the other session.
            keep_logits: False if its network was another one: this one then refines the masks, not the logits.
        """
        self._history = history
        if not keep_logits:
            masks = {id(m): without_logits(m) for s in history.states for m in s.masks.values()}
            states = [replace(s, masks={k: masks[id(m)] for k, m in s.masks.items()}) for s in history.states]
            self._history = History(states, history.position, history.revision)

    # --- helpers ---

    def _push(self, verb: str, command: commands.Command) -> None:
        self._history.push(verb, command.text, **command.changes)

    def _range(self, first: int | None, last: int | None) -> tuple[int, int]:
        count = self.volume.geometry.shape_ijk[self.axis]
        span = 0 if first is None else first, count - 1 if last is None else last
        self._check_slices(span)
        return span

    def _check_slices(self, indices: Iterable[int]) -> None:
        count = self.volume.geometry.shape_ijk[self.axis]
        outside = [k for k in indices if not 0 <= k < count]
        if outside:
            raise PromptError(f"Slices {outside} do not exist: this volume has slices 0 to {count - 1}.")
