"""Pieces: what hangs together over slices, by faces, edges or corners of voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.interactive.run_lengths import Runs


@dataclass(frozen=True)
class Pieces:
    """The separate pieces of one label.

    Attributes:
        numbers: "slice rows columns", 0 where the label is not, over the smallest block that holds it.
        count: How many pieces there are, numbered from 1.
        first: The block's first slice.
        rows: Of the slice, that the block covers.
        columns: Of the slice, that the block covers.
        shape: Of a slice.
    """

    numbers: NDArray[np.int32]
    count: int
    first: int
    rows: slice
    columns: slice
    shape: tuple[int, int]

    @property
    def slices(self) -> range:
        """The slices that the block covers."""
        return range(self.first, self.first + len(self.numbers))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Voxels of each piece, piece 1 first."""
        return np.bincount(self.numbers.ravel(), minlength=self.count + 1)[1:]

    def plane(self, index: int) -> NDArray[np.int32]:
        """The numbers on a slice that the block covers, "rows columns"."""
        whole = np.zeros(self.shape, dtype=np.int32)
        whole[self.rows, self.columns] = self.numbers[index - self.first]
        return whole


def pieces_of(planes: Mapping[int, Runs], label: int) -> Pieces | None:
    """The separate pieces of a label; None where no slice has it.

    Args:
        planes: Slice -> labels there.
        label: Which.
    """
    from scipy import ndimage

    having = {k: runs for k, runs in planes.items() if label in runs.extents}
    if not having:
        return None
    low, high = reach(having, label)
    rows, columns = (slice(a, b + 1) for a, b in zip(low, high, strict=True))
    first, last = min(having), max(having)
    block = np.zeros((last - first + 1, rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
    for index, runs in having.items():
        block[index - first] = runs.plane()[rows, columns] == label
    numbers, count = ndimage.label(block, structure=np.ones((3, 3, 3)))
    return Pieces(numbers, int(count), first, rows, columns, next(iter(having.values())).shape)


def reach(planes: Mapping[int, Runs], label: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Lowest and highest row and column that a label reaches on slices that all have it."""
    extents = [runs.extents[label] for runs in planes.values()]
    lows = np.array([low for _, low, _ in extents]).min(axis=0)
    highs = np.array([high for *_, high in extents]).max(axis=0)
    return (int(lows[0]), int(lows[1])), (int(highs[0]), int(highs[1]))
