"""The names of bones in masks of several cases, which have to agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anybone.core.errors import InputError
from anybone.io import read_segmentation
from anybone.training.cache import IGNORE
from anybone.training.pairs import Pair


def read_label_names(pairs: Sequence[Pair]) -> dict[int, str]:
    """Return label -> name of every bone in the masks of some cases, lowest label first.

    Raises:
        InputError: A label has different names in two masks, or there are fewer than two bones to tell apart.
    """
    names: dict[int, str] = {}
    named_by: dict[int, Pair] = {}
    for pair in pairs:
        truth = read_segmentation(pair.mask)
        for label in np.unique(truth.labels).tolist():
            name = truth.names.get(label, f"label {label}")
            if label in (0, IGNORE):
                continue
            if names.setdefault(label, name) != name:
                raise InputError(
                    f"Label {label} is {name!r} in {pair.mask}, and {names[label]!r} in {named_by[label].mask}. "
                    "Give each bone one label in all masks."
                )
            named_by.setdefault(label, pair)
    if len(names) < 2:
        raise InputError(
            f"The masks hold {len(names)} bone to tell apart ({', '.join(names.values())}). "
            "Give each bone a label of its own, or leave --named away."
        )
    return dict(sorted(names.items()))
