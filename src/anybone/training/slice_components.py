"""Connected components of bone in a slice, on any device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Int
from anybone.training.cache import IGNORE

CELL_PX = 4  # pieces are joined on a grid this coarse: bridges and gaps that are thinner do not count
MAX_ROUNDS = 64
MAX_COMPONENTS = IGNORE - 1


def label_components(bones: Int[Tensor, "b h w"]) -> Int[Tensor, "b h w"]:
    """Label the connected components of bone: two condyles that do not touch in a slice become two.

    A click asks for the piece that it lies on, since no more can be seen in a slice. Pieces of one bone that
    lie less than `CELL_PX` pixels apart may stay together; pieces of different bones never join. Background and IGNORE
    stay.

    Args:
        bones: 0 background, 1.. what a bone is, IGNORE not known; sides are multiples of `CELL_PX`.
    """
    real = (bones > 0) & (bones != IGNORE)
    cells = bones[:, CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]
    pieces = _joined(torch.where(cells == IGNORE, 0, cells))
    here = torch.zeros_like(bones)
    for shift in _SHIFTS:  # thin bone may miss the middle of its cell: then a neighboring cell of the same bone counts
        same = _enlarged(_shifted(cells, shift)) == bones
        found = _enlarged(_shifted(pieces, shift))
        here = torch.where(real & same & (here == 0), found, here)
    stray = pieces.shape[1] * pieces.shape[2] + bones  # and what has none is one piece for each bone
    return torch.where(real, _counted(torch.where(here > 0, here, stray), real), bones)


_SHIFTS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]


def _joined(cells: Int[Tensor, "b h w"]) -> Int[Tensor, "b h w"]:
    """Return one common number for all connected cells of bone: 1 + a cell's index."""
    b, h, w = cells.shape
    number = torch.where(cells > 0, torch.arange(1, h * w + 1, device=cells.device).view(1, h, w), 0)
    for _ in range(MAX_ROUNDS):
        before = number
        for shift in _SHIFTS[1:5]:
            same = (_shifted(cells, shift) == cells) & (cells > 0)
            number = torch.where(same, torch.maximum(number, _shifted(number, shift)), number)
        own = number.view(b, -1)
        jumped = own.gather(1, (own - 1).clamp(min=0))  # what the cell that gave the number has by now
        number = torch.where(cells > 0, jumped.view(b, h, w), 0)
        if torch.equal(number, before):
            break
    return number


def _shifted(x: Int[Tensor, "b h w"], shift: tuple[int, int]) -> Int[Tensor, "b h w"]:
    """Return each cell's neighbor down and right of it by `shift`; 0 beyond the edge."""
    down, right = shift
    padded = F.pad(x, (1, 1, 1, 1))
    return padded[:, 1 + down : 1 + down + x.shape[1], 1 + right : 1 + right + x.shape[2]]


def _enlarged(x: Int[Tensor, "b h w"]) -> Int[Tensor, "b h2 w2"]:
    return x.repeat_interleave(CELL_PX, 1).repeat_interleave(CELL_PX, 2)


def _counted(number: Int[Tensor, "b h w"], real: Bool[Tensor, "b h w"]) -> Int[Tensor, "b h w"]:
    """Renumber as 1, 2 ... in each image; components beyond `MAX_COMPONENTS` share the last number."""
    image = torch.arange(len(number), device=number.device).view(-1, 1, 1)
    step = number.max() + 1
    keys = torch.where(real, number, 0) + image * step
    unique, index = torch.unique(keys, return_inverse=True)
    first = torch.searchsorted(unique, image * step)
    has_background = (~real).flatten(1).any(1).view(-1, 1, 1)
    return (index - first + (~has_background).long()).clamp(max=MAX_COMPONENTS)  # type: ignore[no-any-return]
