"""Connected components of a label over several slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.core.run_lengths import RunLengths


@dataclass(frozen=True)
class Components:
    """The connected components of one label; voxels connect by faces, edges and corners.

    Attributes:
        numbers: Component numbers "slice rows columns" in the bounding box of the label, 0 outside it.
        count: Number of components; they are numbered from 1.
        first: First slice of the bounding box.
        rows: Rows of the bounding box.
        columns: Columns of the bounding box.
        shape: Shape of a slice.
    """

    numbers: NDArray[np.int32]
    count: int
    first: int
    rows: slice
    columns: slice
    shape: tuple[int, int]

    @property
    def slices(self) -> range:
        """Slices of the bounding box."""
        return range(self.first, self.first + len(self.numbers))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of voxels of each component, component 1 first."""
        return np.bincount(self.numbers.ravel(), minlength=self.count + 1)[1:]

    def on_slice(self, index: int) -> NDArray[np.int32]:
        """Return the component numbers on a slice of the bounding box, "rows columns"."""
        whole = np.zeros(self.shape, dtype=np.int32)
        whole[self.rows, self.columns] = self.numbers[index - self.first]
        return whole


def connected_components(slices: Mapping[int, RunLengths], label: int) -> Components | None:
    """Return the connected components of a label; None if no slice has it.

    Args:
        slices: Slice -> labels.
        label: Label number.
    """
    from scipy import ndimage

    labeled = {k: runs for k, runs in slices.items() if label in runs.extents}
    if not labeled:
        return None
    low, high = bounding_box(labeled, label)
    rows, columns = (slice(a, b + 1) for a, b in zip(low, high, strict=True))
    first, last = min(labeled), max(labeled)
    block = np.zeros((last - first + 1, rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
    for index, runs in labeled.items():
        block[index - first] = runs.to_array()[rows, columns] == label
    numbers, count = ndimage.label(block, structure=np.ones((3, 3, 3)))
    return Components(numbers, int(count), first, rows, columns, next(iter(labeled.values())).shape)


def bounding_box(slices: Mapping[int, RunLengths], label: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the lowest and highest row and column of a label on slices that all have it."""
    extents = [runs.extents[label] for runs in slices.values()]
    lows = np.array([low for _, low, _ in extents]).min(axis=0)
    highs = np.array([high for *_, high in extents]).max(axis=0)
    return (int(lows[0]), int(lows[1])), (int(highs[0]), int(highs[1]))
