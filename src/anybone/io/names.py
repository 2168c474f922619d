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


_MASK_ENDINGS = ("_bones", "_bone")  # endings of masks that the name of a case does not have


def _case_name(text: str) -> str:
    """Return the name of a mask's case: "knee_t1" for "knee_t1_bones"."""
    return next((text.removesuffix(ending) for ending in _MASK_ENDINGS if text.endswith(ending)), text)


def of_name(name: str, masks: Sequence[Path]) -> list[Path]:
    """Return the masks that belong to a case: NAME, NAME_bones, or, for a case NAME_t1, NAME and NAME_bones.

    Names that fit only without their endings come last: NAME_t1_bones belongs to NAME_bone. There are several where
    more than one fits equally well.
    """
    found = next(filter(None, ([m for m in masks if rule(name, stem(m))] for rule in _SAME)), [])
    if found or _case_name(name) == name:
        return found
    case = _case_name(name)
    rules = _SAME[:3]  # names of different cases may share all but their last word
    return next(filter(None, ([m for m in masks if rule(case, _case_name(stem(m)))] for rule in rules)), [])
