"""Files by name: what is called the same belongs together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from anybone.io.formats import FORMATS, suffix_of


def stem(path: Path) -> str:
    """Return a file's name without the suffix of its format: "knee" for knee.nii.gz."""
    suffix = suffix_of(path, tuple(s for kind in FORMATS.values() for s in kind.suffixes))
    return path.name[: -len(suffix)] if suffix else path.name


# When a mask is that of a case, the surest rule first.
_SAME: tuple[Callable[[str, str], bool], ...] = (
    lambda name, mask: mask == name,
    lambda name, mask: mask.startswith(name + "_"),
    lambda name, mask: name.startswith(mask + "_"),
    lambda name, mask: "_" in name and "_" in mask and name.rpartition("_")[0] == mask.rpartition("_")[0],
)


def of_name(name: str, masks: Sequence[Path]) -> list[Path]:
    """Return the masks that belong to a case: NAME, NAME_bones, or, for a case NAME_t1, NAME and NAME_bones.

    There are several where more than one fits equally well.
    """
    return next(filter(None, ([m for m in masks if rule(name, stem(m))] for rule in _SAME)), [])
