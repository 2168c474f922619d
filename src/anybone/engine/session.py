"""Session: prompts on one volume, with cached embeddings, undo, propagation and accepted bones.

A click runs steps 7 and 8 only. Every change makes a new state; undo and redo walk between states.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.engine.decode import decode, on_slice
from anybone.engine.heed import beyond_reach, clicks_on, corrected, heed
from anybone.engine.network import Network
from anybone.engine.options import SegmentOptions
from anybone.engine.prepare import embed, prepare
from anybone.engine.progress import Clock, Progress
from anybone.engine.propagation import StopRule, next_slice
from anybone.engine.stitch import from_slice, to_slice
from anybone.errors import PromptError
from anybone.prompts import Box, MaskHint, Prompt, check_inside
from anybone.segmentation import Provenance, Segmentation
from anybone.volume import Volume

CACHE_BYTES = 512 << 20  # embeddings kept; a 1024-pixel network's take 4 MiB a slice


@dataclass(frozen=True)
class _State:
    """What undo goes back to: prompts and answers in progress, and the bones accepted so far."""

    prompts: tuple[Prompt, ...] = ()
    logits: Mapping[int, Tensor] = field(default_factory=dict)  # slice -> "1 1 h4 w4"
    labels: NDArray[np.uint16] | None = None
    names: Mapping[int, str] = field(default_factory=dict)


class Session:
    """One person's work on one volume.

    Args:
        network: What answers.
        volume: The image.
        options: How it is cut and thresholded. Masks of prompts are not cleaned: what was pointed at stays.
        describe: How a result was made, from the seconds that its steps took.
    """

    def __init__(
        self, network: Network, volume: Volume, options: SegmentOptions, describe: Callable[[Clock], Provenance]
    ) -> None:
        self.volume = volume
        self._network = network
        self._describe = describe
        self._clock = Clock()
        self._prepared = prepare(self._network, volume, options, self._clock)
        self._embeddings: OrderedDict[int, Tensor] = OrderedDict()
        self._states = [_State()]
        self._now = 0

    @property
    def axis(self) -> int:
        """The array axis that slices are stacked along."""
        return self._prepared.axis

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts since the last accepted bone."""
        return self._state.prompts

    @property
    def slices(self) -> list[int]:
        """The slices that have an answer now."""
        return sorted(self._state.logits)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The answer to the prompts so far, bool "i j k"; accepted bones are not part of it."""
        mask = np.zeros(self.volume.geometry.shape_ijk, dtype=bool)
        by_slice = np.moveaxis(mask, self.axis, 0)
        for index in self._state.logits:
            by_slice[index] = self.slice_mask(index)
        return mask

    def slice_mask(self, index: int) -> NDArray[np.bool_]:
        """The answer on one slice, bool, the slice's in-plane array axes in ascending order."""
        frame = self._prepared.frames[index]
        if index not in self._state.logits:
            return np.zeros(frame.slice_shape, dtype=bool)
        return self._answer(index)[1] > self._prepared.options.threshold

    def add(self, *prompts: Prompt) -> Session:
        """This session, with prompts added and the slices that they touch answered anew.

        Raises:
            PromptError: A prompt lies outside the volume, or a mask was cut along another axis.
        """
        check_inside(prompts, self.volume.geometry)
        touched = {f.index for f in self._prepared.frames for p in prompts if on_slice(p, f)}
        if prompts and not touched:
            raise PromptError(f"The mask was cut along another axis than this session's, which is {self.axis}.")
        together = (*self._state.prompts, *prompts)
        logits = dict(self._state.logits)
        for index in sorted(touched):
            logits[index] = self._answered(index, together, prompts)
        self._push(replace(self._state, prompts=together, logits=logits))
        return self

    def automatic(self, slices: Iterable[int] | None = None, progress: Progress | None = None) -> Session:
        """This session, with all bone found on the given slices (all that hold tissue) as an answer to correct."""
        wanted = np.flatnonzero(self._prepared.alive).tolist() if slices is None else sorted(set(slices))
        self._check_slices(wanted)
        logits = dict(self._state.logits)
        for done, index in enumerate(wanted, 1):
            logits[index] = self._decode(index, [], None)
            if progress:
                progress("decode", done, len(wanted))
        self._push(replace(self._state, logits=logits))
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
    ) -> list[int]:
        """The slices that the answer was carried to, from each answered slice towards its unanswered neighbours.

        Each slice's mask becomes the next one's mask prompt. Slices that a person prompted are never changed.

        Args:
            first: Lowest slice to reach; None goes as far as the stop rule lets.
            last: Highest slice to reach.
            backwards: Whether to go towards lower indices.
            forwards: Whether to go towards higher ones.
            stop: When the bone is taken to have ended.
            progress: Called with ("decode", done, total).

        Raises:
            PromptError: Nothing to start from, or a range outside the volume.
        """
        count = len(self._prepared.frames)
        first, last = first if first is not None else 0, last if last is not None else count - 1
        self._check_slices((first, last))
        starts = [k for k in self.slices if self.slice_mask(k).any()]
        if not starts:
            raise PromptError("Nothing to propagate: no slice has a mask yet. Add a prompt on bone first.")
        logits, reached = dict(self._state.logits), []
        directions = ([-1] if backwards else []) + ([1] if forwards else [])
        for step in directions:
            for start in starts:
                previous, index = self._shown(start), start + step
                while first <= index <= last and index not in self._state.logits and index not in reached:
                    answer = self._carry(previous, index, stop or StopRule())
                    if answer is None:
                        break
                    previous = logits[index] = answer
                    reached.append(index)
                    index += step
                    if progress:
                        progress("decode", len(reached), last - first + 1)
        self._push(replace(self._state, logits=logits))
        return sorted(reached)

    def accept(self, name: str = "bone") -> int:
        """The label that the answer got; prompts and answer then start afresh for the next bone.

        Bone that was accepted earlier keeps its label where the new one overlaps it.

        Raises:
            PromptError: There is nothing to accept.
        """
        mask = self.mask
        if not mask.any():
            raise PromptError("Nothing to accept: the mask is empty. Add a positive point on bone first.")
        known = {v: k for k, v in self._state.names.items()}
        label = known.get(name, max(self._state.names, default=0) + 1)
        before = self._state.labels
        labels = np.zeros(mask.shape, dtype=np.uint16) if before is None else before.copy()
        labels[mask & (labels == 0)] = label
        self._push(_State(labels=labels, names={**self._state.names, label: name}))
        return label

    def segmentation(self) -> Segmentation:
        """The accepted bones on the volume's own grid."""
        labels = self._state.labels
        if labels is None:
            labels = np.zeros(self.volume.geometry.shape_ijk, dtype=np.uint16)
        provenance = self._describe(self._clock)
        return Segmentation(labels, self.volume.geometry, names=self._state.names, provenance=provenance)

    def undo(self) -> bool:
        """Whether there was a change to take back."""
        before = self._now
        self._now = max(self._now - 1, 0)
        return self._now < before

    def redo(self) -> bool:
        """Whether there was a change to bring back."""
        before = self._now
        self._now = min(self._now + 1, len(self._states) - 1)
        return self._now > before

    def reset(self) -> Session:
        """This session without prompts and answer; accepted bones stay, and `undo` brings all back."""
        self._push(_State(labels=self._state.labels, names=self._state.names))
        return self

    @property
    def _spacing_mm(self) -> tuple[float, float]:
        """Of a slice's rows and columns."""
        rows, columns = self._prepared.frames[0].in_plane
        spacing = self.volume.geometry.spacing_mm
        return spacing[rows], spacing[columns]

    @property
    def _state(self) -> _State:
        return self._states[self._now]

    def _push(self, state: _State) -> None:
        self._states[self._now + 1 :] = [state]
        self._now += 1

    def _check_slices(self, indices: Iterable[int]) -> None:
        count = len(self._prepared.frames)
        outside = [k for k in indices if not 0 <= k < count]
        if outside:
            raise PromptError(f"Slices {outside} do not exist: this volume has slices 0 to {count - 1}.")

    def _answered(self, index: int, together: Sequence[Prompt], added: Sequence[Prompt]) -> Tensor:
        """The network's answer on a slice after prompts were added: clicks change what they point at, others all."""
        frame, options = self._prepared.frames[index], self._prepared.options
        here = [p for p in together if on_slice(p, frame)]
        before = self._state.logits.get(index)
        by_clicks = not any(on_slice(p, frame) for p in added if isinstance(p, Box | MaskHint))
        if before is None or not by_clicks or not options.heed_clicks:
            return self._decode(index, here, before)
        clicks = beyond_reach(self.slice_mask(index), clicks_on(added, frame), self._spacing_mm)
        if not len(clicks):
            return before
        return corrected(before, self._decode(index, here, before), clicks, frame, options.threshold)

    def _answer(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network's logits on a slice's own voxels, and the same with clicks heeded."""
        frame, options = self._prepared.frames[index], self._prepared.options
        with self._clock.step("stitch"):
            logits = to_slice(self._state.logits[index], frame, options.upsampling)
            if not options.heed_clicks:
                return logits, logits
            grey = self._prepared.unit.select(self.axis, index).numpy()
            clicks = clicks_on(self._state.prompts, frame)
            return logits, heed(logits, clicks, grey, self._spacing_mm, options.threshold)

    def _shown(self, index: int) -> Tensor:
        """The answer on a slice as it is seen, on the decoder's grid."""
        plain, heeded = self._answer(index)
        change = from_slice(heeded - plain, self._prepared.frames[index])
        return self._state.logits[index] + change.to(self._state.logits[index].device)

    def _decode(self, index: int, prompts: list[Prompt], previous: Tensor | None) -> Tensor:
        embedding = self._embedding(index)
        with self._clock.step("decode"), torch.inference_mode():
            return decode(self._network, embedding, self._prepared.frames[index], prompts, previous)[0]

    def _carry(self, previous: Tensor, index: int, stop: StopRule) -> Tensor | None:
        if not self._prepared.alive[index]:
            return None
        embedding = self._embedding(index)
        with self._clock.step("decode"), torch.inference_mode():
            return next_slice(self._network, embedding, previous, stop)

    def _embedding(self, index: int) -> Tensor:
        if index not in self._embeddings:
            self._embeddings[index] = embed(self._network, self._prepared, [index], self._clock)
        self._embeddings.move_to_end(index)
        used = sum(e.nbytes for e in self._embeddings.values())
        while used > CACHE_BYTES and len(self._embeddings) > 1:
            used -= self._embeddings.popitem(last=False)[1].nbytes
        return self._embeddings[index]
