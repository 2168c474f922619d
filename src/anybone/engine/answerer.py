"""Answerer: what a session asks about one slice, with or without prompts, or following on from its neighbour."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anybone.engine.confidence import Judge
from anybone.engine.decode import decode, on_slice
from anybone.engine.embeddings import Embeddings
from anybone.engine.heed import beyond_reach, clicks_on, corrected
from anybone.engine.network import Network
from anybone.engine.prepare import Prepared
from anybone.engine.progress import Clock
from anybone.engine.propagation import StopRule, next_slice
from anybone.engine.slice_answer import Look, SliceAnswer, freed
from anybone.prompts import Box, Lasso, MaskHint, Prompt
from anybone.shapes import Float


class Answerer:
    """The network and one volume's slices.

    Args:
        network: What answers.
        prepared: The volume, cut.
        judge: What the network's answers are worth.
        clock: Counts the seconds of each step.
        spacing_mm: Of the volume's voxels.
    """

    def __init__(
        self,
        network: Network,
        prepared: Prepared,
        judge: Judge,
        clock: Clock,
        spacing_mm: tuple[float, float, float],
    ) -> None:
        self.prepared = prepared
        self._network = network
        self._clock = clock
        rows, columns = prepared.frames[0].in_plane
        self.look = Look(prepared, judge, clock, (spacing_mm[rows], spacing_mm[columns]))
        self.embeddings = Embeddings(network, prepared, clock)

    def found(self, index: int, before: SliceAnswer | None, prompts: Sequence[Prompt]) -> SliceAnswer:
        """All bone on a slice, but where a person has painted or clicked.

        Args:
            index: Of the slice.
            before: What was answered there.
            prompts: All of the session.
        """
        return self.look.answer(index, self._decode(index, [], None), prompts, before.painted if before else None)

    def prompted(
        self, index: int, before: SliceAnswer | None, together: Sequence[Prompt], added: Sequence[Prompt]
    ) -> SliceAnswer:
        """The answer on a slice after prompts were added: clicks change what they point at, others all.

        Args:
            index: Of the slice.
            before: What was answered there.
            together: All prompts of the session.
            added: The new ones among them.
        """
        frame, options = self.prepared.frames[index], self.prepared.options
        here = [p for p in together if on_slice(p, frame)]
        painted = before.painted if before else None
        logits = before.logits if before else None
        by_clicks = not any(on_slice(p, frame) for p in added if isinstance(p, Box | MaskHint | Lasso))
        if before is None or logits is None or not by_clicks or not options.heed_clicks:
            return self.look.answer(index, self._decode(index, here, logits), together, painted)
        after, drawn = logits, before.drawn
        clicks = beyond_reach(before.runs.mask(), clicks_on(added, frame), self.look.spacing_mm)
        if len(clicks):
            after = corrected(logits, self._decode(index, here, logits), clicks, frame, options.threshold)
            drawn = freed(drawn, logits, after, frame)
        return self.look.answer(index, after, together, painted, drawn)

    def carried(self, index: int, previous: Tensor, prompts: Sequence[Prompt], stop: StopRule) -> SliceAnswer | None:
        """The bone of a neighbouring slice on this one; None where it has ended.

        Args:
            index: Of the slice.
            previous: Logits of the neighbour.
            prompts: All of the session.
            stop: When a bone is taken to have ended.
        """
        if not self.prepared.alive[index]:
            return None
        embedding = self.embeddings.get(index)
        with self._clock.step("decode"), torch.inference_mode():
            logits = next_slice(self._network, embedding, previous, stop)
        return None if logits is None else self.look.answer(index, logits, prompts)

    def _decode(
        self, index: int, prompts: Sequence[Prompt], previous: Float[Tensor, "1 1 h4 w4"] | None
    ) -> Float[Tensor, "1 1 h4 w4"]:
        embedding = self.embeddings.get(index)
        with self._clock.step("decode"), torch.inference_mode():
            return decode(self._network, embedding, self.prepared.frames[index], prompts, previous)[0]
