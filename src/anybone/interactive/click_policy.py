"""Click policy: what a prompt changes on a slice, and when the network has to be run.

1. The first prompt on a slice runs the network. Its mask is reduced to the connected components that the prompts
   select (`select_prompted`), because networks often return other bones as well.
2. A later click close to pixels that already have its label does not run the network: the click-correction layer of
   `masks.py` is enough.
3. A later click further away runs the network. Of what it changes, only the connected components that the click
   touches are taken (`merge_at_clicks`), because networks often change distant bones as well.
4. A box or a mask prompt replaces the mask of its slice; a lasso replaces the mask inside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.errors import PromptError
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.inference.decoding import SliceDecoder, box_edges, mask_to_logits, on_slice
from anybone.inference.postprocessing import NO_BONE
from anybone.inference.slicing import MASK_STRIDE, SliceFrame, to_decoder_grid
from anybone.interactive.masks import (
    MAX_RADIUS_MM,
    RADIUS_FRACTION,
    Clicks,
    MaskComposer,
    SliceMask,
    agreement_distance_mm,
    clicks_on,
    release_drawn,
)
from anybone.interactive.rasterization import polygon_mask

SPLIT_FRACTION = 0.4  # fraction of the logits at a click below which a touching bone is cut off
RIM_CELLS = 2  # cells of the decoder's grid around the confident core that belong to the same bone
_BOX_FRACTION = 0.5  # fraction of a component inside a box from which the box selects it
_UNSELECTED_MARGIN = 1.0  # logits below the threshold given to components that no prompt selects
_LASSO_FRACTION = 0.5  # fraction of a decoder's cell inside a lasso from which the cell counts as inside

Mask = NDArray[np.bool_]


class ClickPolicy:
    """Application of prompts to the masks of one volume's slices.

    Args:
        decoder: Decoder of the volume's slices.
        composer: Composer of their masks.
    """

    def __init__(self, decoder: SliceDecoder, composer: MaskComposer) -> None:
        self._decoder, self._composer = decoder, composer
        self._prepared = decoder.prepared

    def apply(
        self, index: int, current: SliceMask | None, prompts: Sequence[Prompt], added: Sequence[Prompt]
    ) -> SliceMask:
        """Return the mask of a slice after prompts were added.

        Args:
            index: Slice index.
            current: Mask before; None if there is none.
            prompts: All prompts of the session, the added ones included.
            added: The new prompts.

        Raises:
            PromptError: A lasso contains no pixel.
        """
        frame = self._prepared.frames[index]
        lassos = [p for p in added if isinstance(p, Lasso) and on_slice(p, frame)]
        others = [p for p in added if not isinstance(p, Lasso) and on_slice(p, frame)]
        earlier = [p for p in prompts if not any(p is other for other in others)]
        mask = current
        for lasso in lassos:
            mask = self._apply_lasso(index, mask, earlier, lasso)
        return mask if mask and lassos and not others else self._apply_prompts(index, mask, prompts, others)

    def _apply_prompts(
        self, index: int, current: SliceMask | None, prompts: Sequence[Prompt], added: Sequence[Prompt]
    ) -> SliceMask:
        """Return the mask after points, scribbles, boxes or masks were added: rules 1 to 4."""
        frame, options = self._prepared.frames[index], self._prepared.options
        here = [p for p in prompts if on_slice(p, frame) and not isinstance(p, Lasso)]  # lassos were applied once
        paint = current.paint if current else None
        logits = self._composer.start_logits(index, current)
        only_clicks = not any(isinstance(p, Box | MaskHint) for p in added)
        if current is None or logits is None or not only_clicks or not options.enforce_clicks:
            decoded = self._decoder.decode(index, here, logits)
            if logits is None and options.enforce_clicks:
                decoded = select_prompted(decoded, here, frame, options.threshold)
            return self._composer.compose(index, decoded, prompts, paint)
        merged, drawn = logits, current.drawn
        distant = distant_clicks(current.runs.to_mask(), clicks_on(added, frame), self._composer.spacing_mm)
        if len(distant):
            decoded = self._decoder.decode(index, here, logits)
            merged = merge_at_clicks(logits, decoded, distant, frame, options.threshold)
            drawn = release_drawn(drawn, logits, merged, frame)
        return self._composer.compose(index, merged, prompts, paint, drawn)

    def _apply_lasso(self, index: int, current: SliceMask | None, prompts: Sequence[Prompt], lasso: Lasso) -> SliceMask:
        """Return the mask with the bone inside a lasso; pixels outside keep their label.

        The network gets the lasso's bounding box: with the lasso's area as a mask prompt it follows the outline of the
        lasso more than that of the bone.
        """
        frame = self._prepared.frames[index]
        inside = polygon_mask(np.array(lasso.ijk_list)[:, list(frame.in_plane)], frame.slice_shape)
        cells = to_decoder_grid(inside.astype(np.float32), frame) > _LASSO_FRACTION
        if not cells.any():
            raise PromptError("The lasso is too thin: it contains no pixel. Draw around the whole bone.")
        clicks = [p for p in prompts if isinstance(p, Point | Scribble) and _is_inside(p, frame, inside)]
        decoded = self._decoder.decode(index, [lasso, *clicks])
        logits = self._composer.start_logits(index, current)
        base = torch.full_like(decoded, NO_BONE) if logits is None else logits
        merged = torch.where(cells.to(decoded.device), decoded, base)
        if current is None:
            return self._composer.compose(index, merged, prompts)
        drawn = release_drawn(current.drawn, base, merged, frame)
        return self._composer.compose(index, merged, prompts, current.paint, drawn)


def _is_inside(click: Point | Scribble, frame: SliceFrame, inside: Mask) -> bool:
    """Return whether a click is on a slice and inside an area of it."""
    clicks = clicks_on([click], frame)
    return len(clicks) > 0 and bool(inside[tuple(clicks.rows_columns.T)].all())


# --- rule 1: the components that prompts select ---


def select_prompted(
    logits: Float[Tensor, "1 1 h4 w4"], prompts: Sequence[Prompt], frame: SliceFrame, threshold: float
) -> Float[Tensor, "1 1 h4 w4"]:
    """Lower the logits of connected components that no prompt selects; no change if all prompts are negative.

    Args:
        logits: Logits on the decoder's grid.
        prompts: Prompts on the slice.
        frame: Frame of the slice.
        threshold: Logit above which a pixel is bone.
    """
    grid = logits[0, 0].float().cpu().numpy()
    bone = grid > threshold
    selected = [_components_of(one, bone, frame) for one in prompts if isinstance(one, Box | MaskHint)]
    for one in prompts:
        clicks = clicks_on([one], frame)
        if clicks.positive.any():
            selected.append(bone_at(grid, click_cells(clicks.rows_columns, frame, bone.shape), threshold))
    if not selected:
        return logits
    kept = torch.from_numpy(np.logical_or.reduce(selected) | ~bone).to(logits.device)
    return torch.where(kept, logits, logits.clamp(max=threshold - _UNSELECTED_MARGIN))


def _components_of(prompt: Box | MaskHint, bone: Mask, frame: SliceFrame) -> Mask:
    """Return the connected components that a mask prompt touches, or that are mostly inside a box."""
    if isinstance(prompt, MaskHint):
        return components_touching(bone, (mask_to_logits(prompt.mask, frame)[0, 0] > 0).numpy())
    from scipy import ndimage

    x_low, y_low, x_high, y_high = (box_edges(prompt, frame) + 0.5) / MASK_STRIDE - 0.5
    rows, columns = (np.arange(n) for n in bone.shape)
    inside = ((rows >= y_low) & (rows <= y_high))[:, None] & (columns >= x_low) & (columns <= x_high)
    components, count = ndimage.label(bone, structure=np.ones((3, 3)))
    fractions = ndimage.mean(inside, components, range(1, count + 1))
    return np.isin(components, 1 + np.flatnonzero(np.asarray(fractions) >= _BOX_FRACTION))


def bone_at(logits: NDArray[np.float32], cells: Mask, threshold: float) -> Mask:
    """Return the bone at some cells, cut off from touching bones where the network is much less confident.

    Args:
        logits: Logits on the decoder's grid.
        cells: Cells of that grid.
        threshold: Logit above which a cell is bone.
    """
    from scipy import ndimage

    bone = logits > threshold
    hit = cells & bone
    if not hit.any():
        return hit
    level = threshold + SPLIT_FRACTION * float((logits[hit] - threshold).mean())
    core = components_touching(logits > level, hit)
    return ndimage.binary_dilation(core, np.ones((3, 3)), RIM_CELLS, mask=bone)  # type: ignore[no-any-return]


def components_touching(mask: Mask, other: Mask) -> Mask:
    """Return the connected components of a mask that overlap another mask; corners connect."""
    from scipy import ndimage

    components, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    return np.isin(components, np.setdiff1d(components[other], 0))


def click_cells(rows_columns: NDArray[np.int64], frame: SliceFrame, shape: tuple[int, int]) -> Mask:
    """Return the cells of the decoder's grid at and around pixels "n 2" of a slice."""
    from scipy import ndimage

    cells = np.zeros(shape, dtype=bool)
    cells[tuple(((frame.pixels(rows_columns) + 0.5) / MASK_STRIDE).astype(int).T)] = True
    return ndimage.binary_dilation(cells, np.ones((3, 3)))  # type: ignore[no-any-return]


# --- rules 2 and 3: clicks close by, and clicks for which the network is run ---


def distant_clicks(mask: Mask, clicks: Clicks, spacing_mm: tuple[float, float]) -> Clicks:
    """Return the clicks that are too far from pixels with their label for the click-correction layer.

    Args:
        mask: Current mask of the slice.
        clicks: Clicks on that slice.
        spacing_mm: Spacing of rows and columns in mm.
    """
    limit = MAX_RADIUS_MM / RADIUS_FRACTION
    far = np.array([agreement_distance_mm(mask, pixel, on, spacing_mm) > limit for pixel, on in clicks])
    return Clicks(clicks.rows_columns[far], clicks.positive[far]) if len(far) else clicks


def merge_at_clicks(
    before: Float[Tensor, "1 1 h4 w4"],
    after: Float[Tensor, "1 1 h4 w4"],
    clicks: Clicks,
    frame: SliceFrame,
    threshold: float,
) -> Float[Tensor, "1 1 h4 w4"]:
    """Return logits before, except in the connected components of the change that a click touches.

    Args:
        before: Logits on the decoder's grid, without the clicks.
        after: Logits with them.
        clicks: The new clicks.
        frame: Frame of their slice.
        threshold: Logit above which a pixel is bone.
    """
    changed = ((before > threshold) != (after > threshold))[0, 0].cpu().numpy()
    taken = components_touching(changed, click_cells(clicks.rows_columns, frame, changed.shape))
    return torch.where(torch.from_numpy(taken).to(after.device), after, before)
