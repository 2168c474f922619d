"""Asked: prompts on a slice without an answer ask for the pieces of bone that they lie on, and for no others.

A network is taught so (decision 5), but answers with other bone beside what was asked, the more of it the surer it is
that this is bone, and less sure of it than of what was asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.prompts import Box, MaskHint, Prompt
from anybone.inference.decoding import box_edges, mask_logits
from anybone.inference.slicing import MASK_STRIDE, SliceFrame
from anybone.interactive.click_enforcement import around, clicks_on, grid_pixels, touching

_WITHIN = 0.5  # share of a piece that lies in a box, above which the box asks for it
_BELOW = 1.0  # logits below the threshold that a piece is put at which nobody asked for

Mask = NDArray[np.bool_]


def asked_alone(
    logits: Float[Tensor, "1 1 h4 w4"], prompts: Sequence[Prompt], frame: SliceFrame, threshold: float
) -> Float[Tensor, "1 1 h4 w4"]:
    """An answer without the pieces of bone that no prompt asks for; as it is where prompts only say what is no bone.

    Args:
        logits: On the decoder's grid.
        prompts: Those on the slice.
        frame: Of the slice.
        threshold: What is above is bone.
    """
    grid = logits[0, 0].float().cpu().numpy()
    bone = grid > threshold
    taken = [_asked_by(one, bone, frame) for one in prompts if isinstance(one, Box | MaskHint)]
    for one in prompts:
        clicks = clicks_on([one], frame)
        if clicks.positive.any():
            taken.append(around(grid, grid_pixels(clicks.rows_columns, frame, bone.shape), threshold))
    if not taken:
        return logits
    kept = torch.from_numpy(np.logical_or.reduce(taken) | ~bone).to(logits.device)
    return torch.where(kept, logits, logits.clamp(max=threshold - _BELOW))


def _asked_by(prompt: Box | MaskHint, bone: Mask, frame: SliceFrame) -> Mask:
    """The pieces that a mask touches, or that lie in a box for the most part."""
    if isinstance(prompt, MaskHint):
        return touching(bone, (mask_logits(prompt.mask, frame)[0, 0] > 0).numpy())
    from scipy import ndimage

    x_low, y_low, x_high, y_high = (box_edges(prompt, frame) + 0.5) / MASK_STRIDE - 0.5
    rows, columns = (np.arange(n) for n in bone.shape)
    within = ((rows >= y_low) & (rows <= y_high))[:, None] & (columns >= x_low) & (columns <= x_high)
    pieces, count = ndimage.label(bone, structure=np.ones((3, 3)))
    share = ndimage.mean(within, pieces, range(1, count + 1))
    return np.isin(pieces, 1 + np.flatnonzero(np.asarray(share) >= _WITHIN))
