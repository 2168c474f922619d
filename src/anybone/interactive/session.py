"""Session: prompts on one volume, with cached embeddings, undo, propagation and accepted bones.

A click runs steps 7 and 8 only, on one slice. Every change makes a new state; undo and redo walk between states. What
needs no network (accepted bones, history, what changed) is in `interactive/session_bones.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError
from anybone.core.labels import color_of
from anybone.core.prompts import Ijk, Point, Prompt, check_inside
from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Volume
from anybone.inference.decoding import on_slice
from anybone.inference.input_checks import doubts_about
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import prepare
from anybone.inference.progress import Clock, Progress
from anybone.inference.quality import QualityEstimator
from anybone.interactive.click_policy import Answerer
from anybone.interactive.committed_labels import mask_of
from anybone.interactive.components import pieces_of
from anybone.interactive.descriptions import prompts_in_words, slices_in_words
from anybone.interactive.history import Edited, History
from anybone.interactive.interpolation import fill_by_shape
from anybone.interactive.propagation import StopRule
from anybone.interactive.run_lengths import Runs
from anybone.interactive.session_bones import SessionBones
from anybone.models.network import Network

Preview = Callable[[int, Runs], None]
"""Called with a slice and its answer as soon as that is known."""


class Session(SessionBones):
    """One person's work on one volume.

    Verbs are called one at a time; what is read may be read from other threads meanwhile. What a callback raises ends
    a verb, and leaves the session as it was.

    Args:
        network: What answers.
        volume: The image.
        options: How it is cut and thresholded. Masks of prompts are not cleaned: what was pointed at stays.
        describe: How a result was made, from the seconds that its steps took.
        quality_estimator: What the network's answers are worth.
    """

    def __init__(
        self,
        network: Network,
        volume: Volume,
        options: SegmentOptions,
        describe: Callable[[Clock], Provenance],
        quality_estimator: QualityEstimator | None = None,
    ) -> None:
        self._describe = describe
        self._clock = Clock()
        self._prepared = prepare(network, volume, options, self._clock)
        quality_estimator = quality_estimator or QualityEstimator()
        super().__init__(volume, self._prepared.axis, quality_estimator.least_dice)
        self._answerer = Answerer(network, self._prepared, quality_estimator, self._clock, volume.geometry.spacing_mm)
        self._look = self._answerer.look

    def probability(self, index: int) -> NDArray[np.float16]:
        """The calibrated probability of bone on one slice, "rows columns"; 0 where there is no answer."""
        self._check_slices([index])
        state = self._state
        if index not in state.answers:
            return np.zeros(self.slice_shape, dtype=np.float16)
        return self._look.probability(index, state.answers[index], state.prompts)

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Why the image does not look like MRI of a body; mostly nothing."""
        return doubts_about(self.volume, self._prepared.normalized, self.axis)

    # --- verbs ---

    def add(self, *prompts: Prompt) -> Session:
        """This session, with prompts added and the slices that they touch answered anew.

        Raises:
            PromptError: A prompt lies outside the volume, or a mask or lasso lies along another axis.
        """
        check_inside(prompts, self.volume.geometry)
        touched = sorted({f.index for f in self._prepared.frames for p in prompts if on_slice(p, f)})
        if prompts and not touched:
            raise PromptError(
                f"The mask or lasso lies along another axis than this session's slices, which is {self.axis}."
            )
        together = (*self._state.prompts, *prompts)
        answers = dict(self._state.answers)
        for index in touched:
            answers[index] = self._answerer.prompted(index, answers.get(index), together, prompts)
        self._history.push(
            "add",
            f"{prompts_in_words(prompts)} on {slices_in_words(touched)}.",
            prompts=together,
            answers=answers,
            visited=self._state.visited | set(touched),
        )
        return self

    def paint(self, index: int, mask: NDArray[np.bool_], *, erase: bool = False) -> Session:
        """This session, with bone painted on a slice, or erased; so it stays there, whatever the network answers later.

        Args:
            index: Of the slice, which counts as answered from then on.
            mask: What was painted, "rows columns".
            erase: Whether it is no bone.

        Raises:
            PromptError: No such slice, or a mask of another shape or with nothing in it.
        """
        self._check_slices([index])
        where = np.asarray(mask) > 0
        if where.shape != self.slice_shape or not where.any():
            raise PromptError(
                f"What is painted is a mask of the slice's shape {self.slice_shape} with something in it; found shape "
                f"{where.shape}, {int(where.sum())} pixels."
            )
        state = self._state
        answer = self._look.painted(index, state.answers.get(index), state.prompts, where, erase)
        text = f"{'Erased' if erase else 'Painted'} on {slices_in_words([index])}."
        answers = {**state.answers, index: answer}
        self._history.push("paint", text, answers=answers, visited=state.visited | {index})
        return self

    def automatic(
        self, slices: Iterable[int] | None = None, progress: Progress | None = None, preview: Preview | None = None
    ) -> Session:
        """This session, with all bone found on the given slices (all that hold tissue) as an answer to correct."""
        wanted = np.flatnonzero(self._prepared.nonempty_slices).tolist() if slices is None else sorted(set(slices))
        self._check_slices(wanted)
        state = self._state
        answers = dict(state.answers)
        for done, (index, logits) in enumerate(self._answerer.found(wanted), 1):
            painted = answers[index].painted if index in answers else None
            answers[index] = self._answerer.look.answer(index, logits, state.prompts, painted)
            if preview:
                preview(index, answers[index].runs)
            if progress:
                progress("decode", done, len(wanted))
        text = f"All bone found on {slices_in_words(wanted)}."
        self._history.push("automatic", text, answers=answers)
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
        """The slices that the answer was carried to, from each answered slice toward its unanswered neighbors.

        Each slice's mask becomes the next one's mask prompt. Slices that a person prompted are never changed.

        Args:
            first: Lowest slice to reach; None goes as far as the stop rule lets.
            last: Highest slice to reach.
            backwards: Whether to go toward lower indices.
            forwards: Whether to go toward higher ones.
            stop: When the bone is taken to have ended.
            progress: Called with ("decode", done, total).
            preview: Called with each slice that is reached.

        Raises:
            PromptError: Nothing to start from, or a range outside the volume.
        """
        first, last = self._range(first, last)
        state = self._state
        starts = [k for k in self.slices if state.answers[k].runs.any()]
        if not starts:
            raise PromptError("Nothing to propagate: no slice has a mask yet. Add a prompt on bone first.")
        answers, rule = dict(state.answers), stop or StopRule()
        for step in ([-1] if backwards else []) + ([1] if forwards else []):
            for start in starts:
                previous, index = self._look.shown(start, state.answers[start], state.prompts), start + step
                if not first <= index <= last or index in answers:
                    continue
                least = self._answerer.belief_to_keep(start, previous, rule)
                while first <= index <= last and index not in answers:
                    answer = self._answerer.carried(index, previous, state.prompts, rule, least)
                    if answer is None or answer.logits is None:
                        break
                    previous, answers[index] = answer.logits, answer
                    if preview:
                        preview(index, answer.runs)
                    index += step
                    if progress:
                        progress("decode", len(answers) - len(state.answers), last - first + 1)
        reached = sorted(answers.keys() - state.answers.keys())
        text = f"Followed to {slices_in_words(reached)}." if reached else "Followed no further."
        self._history.push("propagate", text, answers=answers)
        return reached

    def interpolate(self, first: int | None = None, last: int | None = None) -> list[int]:
        """The slices that were filled: those without an answer, between two whose answer holds bone, by shape alone.

        Slices that have an answer are never changed, so answer (correct) every n-th one and fill those between.

        Args:
            first: Lowest slice to look at; None: the first one.
            last: Highest slice to look at.

        Raises:
            PromptError: There is no such slice, or a range outside the volume.
        """
        first, last = self._range(first, last)
        answers = self._state.answers
        ends = {k: a.runs.mask() for k, a in answers.items() if first <= k <= last}
        shapes = fill_by_shape(ends, self._look.spacing_mm)
        if not shapes:
            raise PromptError(
                "Nothing to fill: no slice without an answer lies between two that hold bone. "
                "Answer two slices that are some way apart first."
            )
        drawn = {k: self._look.drawn(Runs.of(mask)) for k, mask in shapes.items()}
        text = f"Filled {slices_in_words(drawn)} by shape."
        self._history.push("interpolate", text, answers={**answers, **drawn})
        return sorted(drawn)

    def keep(self, ijk: Ijk) -> Session:
        """This session, with no more of the answer than the piece that holds a voxel; the rest is erased.

        Pieces are connected by faces, edges or corners, over all slices that have an answer.

        Args:
            ijk: A voxel of the piece.

        Raises:
            PromptError: It lies outside the volume, or there is no answer.
        """
        check_inside([Point(ijk)], self.volume.geometry)
        state = self._state
        index, row, column = (round(ijk[a]) for a in (self.axis, *self._prepared.frames[0].in_plane))
        pieces = pieces_of({k: answer.runs for k, answer in state.answers.items()}, 1)
        kept = pieces.plane(index)[row, column] if pieces is not None and index in pieces.slices else 0
        if pieces is None or not kept:
            raise PromptError(f"The answer does not hold the voxel {ijk}. Point at the piece that is to stay.")
        others = {k: (plane > 0) & (plane != kept) for k in pieces.slices for plane in [pieces.plane(k)]}
        erased = {
            k: self._look.painted(k, state.answers[k], state.prompts, mask, erase=True)
            for k, mask in others.items()
            if mask.any()
        }
        gone = f", others erased on {slices_in_words(erased)}." if erased else "; there was no other."
        text = f"One piece kept{gone}"
        self._history.push("keep", text, answers={**state.answers, **erased})
        return self

    def edit(self, label: int) -> Session:
        """This session, with an accepted bone as the answer again, to correct; `accept` gives its label and name back.

        Raises:
            PromptError: There is none of that label, or another answer is in progress.
        """
        bone, state = self._bone(label), self._state
        if state.answers:
            raise PromptError(f"Accept or reset the answer in progress before {bone.name} is edited.")
        masks, sums = mask_of(state.planes, label), state.sums.get(label, {})
        answers = {k: self._look.drawn(mask, sums.get(k)) for k, mask in masks.items()}
        edited = Edited(bone, masks, sums)
        changes = {**self._without(label), "prompts": (), "answers": answers, "editing": edited}
        self._history.push("edit", f"{bone.name} is edited.", **changes)
        return self

    def segmentation(self) -> Segmentation:
        """The accepted bones on the volume's own grid."""
        state = self._state
        labels = np.zeros(self.volume.geometry.shape_ijk, dtype=np.uint16)
        by_slice = np.moveaxis(labels, self.axis, 0)
        for index, runs in state.planes.items():
            by_slice[index] = runs.plane()
        return Segmentation(
            labels,
            self.volume.geometry,
            names={label: bone.name for label, bone in state.bones.items()},
            provenance=self.made,
            colors={k: b.color_rgb for k, b in state.bones.items() if b.color_rgb != color_of(b.name, k)},
            source=self.volume.source,
        )

    # --- encoding ahead ---

    @property
    def encoded(self) -> list[int]:
        """The slices whose embedding is known now: a click there is answered at once."""
        return self._answerer.embeddings.known

    def encode(self, index: int) -> bool:
        """Whether a slice had to be encoded; a click on it is then answered at once. From any thread."""
        self._check_slices([index])
        return self._answerer.embeddings.fill([index]) > 0

    # --- saving; interactive/persistence.py writes and reads the file ---

    @property
    def made(self) -> Provenance:
        """How the answers are made: weights, options, seconds so far."""
        return self._describe(self._clock)

    def resume(self, history: History, *, as_masks: bool = False) -> None:
        """Nothing; the session then stands where another one on this volume stood.

        Args:
            history: Of the other one.
            as_masks: Whether the network is another one, which goes on from the masks and not from the logits.
        """
        self._history = history
        if as_masks:
            known = {id(a): self._look.redrawn(a) for s in history.states for a in s.answers.values()}
            states = [replace(s, answers={k: known[id(a)] for k, a in s.answers.items()}) for s in history.states]
            self._history = History(states, history.now, history.revision)
