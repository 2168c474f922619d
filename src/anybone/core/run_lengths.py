"""Run-length encoded labels of one slice: the form in which slices are kept, compared, saved and sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError

_LARGEST = int(np.iinfo(np.uint16).max)

Extent = tuple[int, tuple[int, int], tuple[int, int]]
"""Number of pixels, lowest row and column, highest row and column."""


class RunLengths:
    """Immutable labels of a slice "rows columns" as run lengths; rows vary fastest, the order that NIfTI stores.

    A slice with a bone or two takes a few kilobytes as run lengths, a hundredth of its pixels.

    Args:
        shape: Rows and columns.
        labels: Label of each run, uint16.
        counts: Number of pixels of each run, int64, at least 1.
    """

    def __init__(self, shape: tuple[int, int], labels: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
        self.shape = shape
        self.labels, self.counts = labels, counts
        for array in (labels, counts):
            array.flags.writeable = False

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> RunLengths:
        """Encode an array of labels, or a mask, "rows columns"."""
        flat = np.asarray(array).ravel(order="F")
        starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        counts = np.diff(np.append(starts, flat.size))
        return cls((array.shape[0], array.shape[1]), flat[starts].astype(np.uint16), counts.astype(np.int64))

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> RunLengths:
        """Return a slice of background."""
        return cls(shape, np.zeros(1, np.uint16), np.array([shape[0] * shape[1]], np.int64))

    @classmethod
    def merged(cls, shape: tuple[int, int], labels: NDArray[np.uint16], counts: NDArray[np.int64]) -> RunLengths:
        """Return the runs with successive runs of the same label merged into one."""
        new = np.concatenate([[True], labels[1:] != labels[:-1]])
        return cls(shape, labels[new], np.add.reduceat(counts, np.flatnonzero(new)))

    @classmethod
    def from_list(cls, shape: tuple[int, int], values: Sequence[Any] | NDArray[Any]) -> RunLengths:
        """Parse a list `[label, count, label, count, ...]`.

        Raises:
            PromptError: The runs do not fill the slice, or a label is not an integer from 0 to 65535.
        """
        pairs = np.asarray(values)
        if pairs.ndim != 1 or pairs.size % 2 or (pairs.size and pairs.dtype.kind not in "iu"):
            raise PromptError("Runs are a list of whole numbers: label, count, label, count, and so on.")
        labels, counts = pairs[::2].astype(np.int64), pairs[1::2].astype(np.int64)
        size = shape[0] * shape[1]
        if not pairs.size or counts.min() < 1 or counts.max() > size or int(counts.sum()) != size:
            raise PromptError(
                f"Runs of {int(counts.sum())} pixels do not fill a slice of {shape[0]} x {shape[1]} = {size} pixels; "
                "every count is at least 1."
            )
        if labels.min() < 0 or labels.max() > _LARGEST:
            raise PromptError(f"Labels run from 0 to {_LARGEST}; found {labels.min()} to {labels.max()}.")
        return cls.merged(shape, labels.astype(np.uint16), counts)

    def to_list(self) -> list[int]:
        """Return the list that `from_list` parses."""
        return np.column_stack([self.labels, self.counts]).ravel().tolist()

    def to_array(self) -> NDArray[np.uint16]:
        """Decode the labels, uint16 "rows columns"."""
        return np.repeat(self.labels, self.counts).reshape(self.shape, order="F")

    def to_mask(self) -> NDArray[np.bool_]:
        """Decode the mask of all labels above 0, bool "rows columns"."""
        return np.repeat(self.labels > 0, self.counts).reshape(self.shape, order="F")

    def any(self) -> bool:
        """Return whether any pixel has a label above 0."""
        return bool(self.labels.any())

    @cached_property
    def extents(self) -> dict[int, Extent]:
        """Pixel count and bounding rows and columns of each label above 0."""
        return {int(label): self._extent_of(self.labels == label) for label in np.unique(self.labels) if label}

    def _extent_of(self, chosen: NDArray[np.bool_]) -> Extent:
        rows = self.shape[0]
        ends = np.cumsum(self.counts)[chosen]
        firsts, lasts = ends - self.counts[chosen], ends - 1
        wraps = firsts // rows != lasts // rows  # the run continues in the next column
        low, high = np.where(wraps, 0, firsts % rows), np.where(wraps, rows - 1, lasts % rows)
        return (
            int(self.counts[chosen].sum()),
            (int(low.min()), int(firsts[0] // rows)),
            (int(high.max()), int(lasts[-1] // rows)),
        )

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, RunLengths):
            return NotImplemented
        return self is other or (
            self.shape == other.shape
            and np.array_equal(self.labels, other.labels)
            and np.array_equal(self.counts, other.counts)
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.labels.tobytes(), self.counts.tobytes()))

    def __repr__(self) -> str:
        return f"RunLengths({self.shape[0]} x {self.shape[1]}, {len(self.labels)} runs)"
