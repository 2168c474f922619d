"""Answerer: what a session asks about one slice, with or without prompts, or following on from its neighbor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.errors import PromptError
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.inference.decoding import decode, on_slice
from anybone.inference.embeddings import Embeddings
from anybone.inference.postprocessing import NO_BONE, from_slice, with_adjacent_slices
from anybone.inference.preprocessing import Prepared
from anybone.inference.progress import Clock
from anybone.inference.quality import QualityEstimator
from anybone.inference.slicing import SliceFrame
from anybone.interactive.asked import asked_alone
from anybone.interactive.click_enforcement import beyond_reach, clicks_on, corrected
from anybone.interactive.masks import Look, SliceAnswer, freed
from anybone.interactive.propagation import StopRule, belief_to_keep, next_slice
from anybone.interactive.strokes import polygon
from anybone.models.network import Network

_HALF = 0.5  # share of a decoder's pixel that lies inside a lasso, above which it counts as inside


class Answerer:
    """The network and one volume's slices.

    Args:
        network: What answers.
        prepared: The volume, cut.
        quality_estimator: What the network's answers are worth.
        clock: Counts the seconds of each step.
        spacing_mm: Of the volume's voxels.
    """

    def __init__(
        self,
        network: Network,
        prepared: Prepared,
        quality_estimator: QualityEstimator,
        clock: Clock,
        spacing_mm: tuple[float, float, float],
    ) -> None:
        self.prepared = prepared
        self._network = network
        self._clock = clock
        rows, columns = prepared.frames[0].in_plane
        self.look = Look(prepared, quality_estimator, clock, (spacing_mm[rows], spacing_mm[columns]))
        self.embeddings = Embeddings(network, prepared, clock)

    def found(self, wanted: Sequence[int]) -> Iterator[tuple[int, Float[Tensor, "1 1 h4 w4"]]]:
        """All bone on some slices, in ascending order: each slice with its logits, its neighbors mixed in."""
        batch = self.prepared.options.batch

        def alone() -> Iterator[tuple[int, Tensor]]:
            for done, index in enumerate(wanted):
                if done % batch == 0:
                    self.embeddings.fill(wanted[done : done + batch])
                yield index, self._decode(index, [], None)

        return with_adjacent_slices(alone(), self.prepared.options.adjacent_slice_weight)

    def prompted(
        self, index: int, before: SliceAnswer | None, together: Sequence[Prompt], added: Sequence[Prompt]
    ) -> SliceAnswer:
        """The answer on a slice after prompts were added.

        A click changes what it points at, a lasso what lies inside, a box or a mask all.

        Args:
            index: Of the slice.
            before: What was answered there.
            together: All prompts of the session.
            added: The new ones among them.

        Raises:
            PromptError: A lasso has nothing inside.
        """
        frame = self.prepared.frames[index]
        lassos = [p for p in added if isinstance(p, Lasso) and on_slice(p, frame)]
        others = [p for p in added if not isinstance(p, Lasso) and on_slice(p, frame)]
        known = [p for p in together if not any(p is other for other in others)]
        answer = before
        for lasso in lassos:
            answer = self._inside(index, answer, known, lasso)
        return answer if answer and lassos and not others else self._pointed_at(index, answer, together, others)

    def _pointed_at(
        self, index: int, before: SliceAnswer | None, together: Sequence[Prompt], added: Sequence[Prompt]
    ) -> SliceAnswer:
        frame, options = self.prepared.frames[index], self.prepared.options
        here = [p for p in together if on_slice(p, frame) and not isinstance(p, Lasso)]  # lassos have their answer
        painted = before.painted if before else None
        logits = self.look.logits(index, before)
        by_clicks = not any(isinstance(p, Box | MaskHint) for p in added)
        if before is None or logits is None or not by_clicks or not options.enforce_clicks:
            found = self._decode(index, here, logits)
            if logits is None and options.enforce_clicks:
                found = asked_alone(found, here, frame, options.threshold)
            return self.look.answer(index, found, together, painted)
        after, drawn = logits, before.drawn
        clicks = beyond_reach(before.runs.mask(), clicks_on(added, frame), self.look.spacing_mm)
        if len(clicks):
            after = corrected(logits, self._decode(index, here, logits), clicks, frame, options.threshold)
            drawn = freed(drawn, logits, after, frame)
        return self.look.answer(index, after, together, painted, drawn)

    def _inside(self, index: int, before: SliceAnswer | None, together: Sequence[Prompt], lasso: Lasso) -> SliceAnswer:
        """The answer with the bone inside a lasso; what lies outside stays as it was.

        The network is asked with the lasso's bounding box: with its area as a mask prompt it follows the lasso's
        outline more than the bone's.
        """
        frame = self.prepared.frames[index]
        inside = polygon(np.array(lasso.ijk_list)[:, list(frame.in_plane)], frame.slice_shape)
        taken = from_slice(inside.astype(np.float32), frame) > _HALF
        if not taken.any():
            raise PromptError("Nothing lies inside the lasso: it is too thin. Draw around the whole bone.")
        clicks = [p for p in together if isinstance(p, Point | Scribble) and _all_inside(p, frame, inside)]
        found = self._decode(index, [lasso, *clicks], None)
        logits = self.look.logits(index, before)
        base = torch.full_like(found, NO_BONE) if logits is None else logits
        after = torch.where(taken.to(found.device), found, base)
        drawn = freed(before.drawn, base, after, frame) if before else None
        return self.look.answer(index, after, together, before.painted if before else None, drawn)

    def belief_to_keep(self, index: int, logits: Tensor, stop: StopRule) -> float:
        """The least belief with which a bone is followed from a slice, on which it has these logits."""
        embedding = self.embeddings.get(index)
        with self._clock.step("decode"), torch.inference_mode():
            return belief_to_keep(self._network, embedding, logits, stop)

    def carried(
        self, index: int, previous: Tensor, prompts: Sequence[Prompt], stop: StopRule, least_belief: float
    ) -> SliceAnswer | None:
        """The bone of a neighboring slice on this one; None where it has ended.

        Args:
            index: Of the slice.
            previous: Logits of the neighbor.
            prompts: All of the session.
            stop: When a bone is taken to have ended.
            least_belief: From `belief_to_keep`.
        """
        if not self.prepared.nonempty_slices[index]:
            return None
        embedding = self.embeddings.get(index)
        with self._clock.step("decode"), torch.inference_mode():
            logits = next_slice(self._network, embedding, previous, stop, least_belief)
        return None if logits is None else self.look.answer(index, logits, prompts)

    def _decode(
        self, index: int, prompts: Sequence[Prompt], previous: Float[Tensor, "1 1 h4 w4"] | None
    ) -> Float[Tensor, "1 1 h4 w4"]:
        embedding = self.embeddings.get(index)
        with self._clock.step("decode"), torch.inference_mode():
            return decode(self._network, embedding, self.prepared.frames[index], prompts, previous)[0]


def _all_inside(click: Point | Scribble, frame: SliceFrame, inside: NDArray[np.bool_]) -> bool:
    """Whether a click lies on a slice, inside an area of it."""
    clicks = clicks_on([click], frame)
    return len(clicks) > 0 and bool(inside[tuple(clicks.rows_columns.T)].all())
