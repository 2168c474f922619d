"""Runs: the labels of one slice as run lengths, the form in which slices are kept, compared, saved and sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import PromptError

_LARGEST = int(np.iinfo(np.uint16).max)


class Runs:
    """Labels of a plane "rows columns", rows varying fastest, which is the order that NIfTI stores. Never changes.

    A slice with a bone or two takes some kilobytes as runs, a hundredth of its pixels.

    Args:
        shape: Rows and columns.
        labels: uint16, of each run.
        counts: int64, how many pixels each run has; at least 1.
    """

    def __init__(self, shape: tuple[int, int], labels: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
        self.shape = shape
        self.labels, self.counts = labels, counts
        for array in (labels, counts):
            array.flags.writeable = False

    @classmethod
    def of(cls, plane: NDArray[Any]) -> Runs:
        """The runs of a plane of labels, or of a mask."""
        flat = np.asarray(plane).ravel(order="F")
        starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        counts = np.diff(np.append(starts, flat.size))
        return cls((plane.shape[0], plane.shape[1]), flat[starts].astype(np.uint16), counts.astype(np.int64))

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Runs:
        """A plane of background."""
        return cls(shape, np.zeros(1, np.uint16), np.array([shape[0] * shape[1]], np.int64))

    @classmethod
    def joined(cls, shape: tuple[int, int], labels: NDArray[np.uint16], counts: NDArray[np.int64]) -> Runs:
        """The same runs, those of one label that follow one another made one."""
        new = np.concatenate([[True], labels[1:] != labels[:-1]])
        return cls(shape, labels[new], np.add.reduceat(counts, np.flatnonzero(new)))

    @classmethod
    def from_list(cls, shape: tuple[int, int], values: Sequence[Any] | NDArray[Any]) -> Runs:
        """The runs in a list `[label, count, label, count, ...]`.

        Raises:
            PromptError: They do not fill the plane, or hold other numbers than labels.
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
        return cls.joined(shape, labels.astype(np.uint16), counts)

    def to_list(self) -> list[int]:
        """What `from_list` reads."""
        return np.column_stack([self.labels, self.counts]).ravel().tolist()

    def plane(self) -> NDArray[np.uint16]:
        """The labels, uint16 "rows columns"."""
        return np.repeat(self.labels, self.counts).reshape(self.shape, order="F")

    def mask(self) -> NDArray[np.bool_]:
        """Where there is any label, bool "rows columns"."""
        return np.repeat(self.labels > 0, self.counts).reshape(self.shape, order="F")

    def any(self) -> bool:
        """Whether there is any label."""
        return bool(self.labels.any())

    @cached_property
    def extents(self) -> dict[int, Extent]:
        """How many pixels each label has and which rows and columns it reaches; found once."""
        return {int(label): self._extent(self.labels == label) for label in np.unique(self.labels) if label}

    def _extent(self, chosen: NDArray[np.bool_]) -> Extent:
        rows = self.shape[0]
        ends = np.cumsum(self.counts)[chosen]
        firsts, lasts = ends - self.counts[chosen], ends - 1
        wraps = firsts // rows != lasts // rows  # such a run holds a column's last row and the next one's first
        low, high = np.where(wraps, 0, firsts % rows), np.where(wraps, rows - 1, lasts % rows)
        return (
            int(self.counts[chosen].sum()),
            (int(low.min()), int(firsts[0] // rows)),
            (int(high.max()), int(lasts[-1] // rows)),
        )

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Runs):
            return NotImplemented
        return self is other or (
            self.shape == other.shape
            and np.array_equal(self.labels, other.labels)
            and np.array_equal(self.counts, other.counts)
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.labels.tobytes(), self.counts.tobytes()))

    def __repr__(self) -> str:
        return f"Runs({self.shape[0]} x {self.shape[1]}, {len(self.labels)} runs)"


Extent = tuple[int, tuple[int, int], tuple[int, int]]
"""Pixels, lowest row and column, highest row and column."""
