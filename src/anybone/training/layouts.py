"""Layouts of training cases: folders recognized by their contents, and manifests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from anybone.core.errors import NothingFoundError, ReadError
from anybone.io.names import stem
from anybone.io.tables import SUFFIXES
from anybone.training.bids import find_bids, looks_like_bids
from anybone.training.cache import IGNORE
from anybone.training.cases import Case
from anybone.training.manifest import read_manifest
from anybone.training.pairs import find_pairs

IMAGES, MASKS = "images", "masks"


@dataclass(frozen=True)
class Layout:
    """A way in which cases are kept.

    Attributes:
        fits: Whether a file or folder is kept so.
        find: The cases there.
    """

    fits: Callable[[Path], bool]
    find: Callable[[Path], list[Case]]


def find_cases(path: Path) -> list[Case]:
    """Return the cases in a folder, by the first layout that fits it, or those listed in a manifest.

    Raises:
        NothingFoundError: No layout fits, or there are no cases.
        ReadError: There is no such file or folder, or it is not as its layout wants it.
    """
    if not path.exists():
        raise ReadError(f"{path} does not exist. Give a folder of cases, or a manifest.")
    layout = next((layout for layout in LAYOUTS.values() if layout.fits(path)), None)
    if layout is None:
        raise NothingFoundError(
            f"No training cases in {path}. Expected is {', or '.join(LAYOUTS)}; docs/how-to/train.md shows each."
        )
    found = layout.find(path)
    if not found:
        raise NothingFoundError(f"{path} holds no case with a mask. docs/how-to/train.md shows how masks are named.")
    return found


def _find_folders(folder: Path) -> list[Case]:
    return [Case(pair.image, pair.mask, pair.name) for pair in find_pairs(folder / IMAGES, folder / MASKS)]


def _find_nnunet(folder: Path) -> list[Case]:
    """Every channel NAME_0000, NAME_0001 ... in `imagesTr` with NAME in `labelsTr`."""
    try:
        facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        names = {int(n): str(name) for name, n in _by_name(facts.get("labels", {})).items()}
        channels = {int(n): str(name) for n, name in facts.get("channel_names", facts.get("modality", {})).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ReadError(f"{folder / 'dataset.json'} is not as nnU-Net writes it: {error}.") from error
    ignored = next((number for number, name in names.items() if name == "ignore"), IGNORE)
    masks = {stem(path): path for path in sorted((folder / "labelsTr").glob("[!.]*"))}
    cases = []
    for image in sorted((folder / "imagesTr").glob("[!.]*")):
        name, _, channel = stem(image).rpartition("_")
        if name not in masks:
            raise NothingFoundError(f"{image} has no mask in {folder / 'labelsTr'}; expected one called {name}.")
        sequence = channels.get(int(channel), "") if channel.isdigit() else ""
        region = str(facts.get("name") or folder.name)
        cases.append(Case(image, masks[name], name, region, sequence, names=names, ignore_label=ignored))
    return cases


def _by_name(labels: Mapping[str, object]) -> dict[str, int]:
    """Labels of either version of nnU-Net, {"1": "femur"} or {"femur": 1}, by name."""
    if all(str(key).isdigit() for key in labels):
        return {str(name): int(number) for number, name in labels.items()}
    return {name: number for name, number in labels.items() if isinstance(number, int)}


# In this order: the first that fits is taken.
LAYOUTS: Mapping[str, Layout] = {
    "a manifest (.csv, .json)": Layout(lambda path: path.is_file() and path.suffix in SUFFIXES, read_manifest),
    "nnU-Net's imagesTr, labelsTr and dataset.json": Layout(lambda path: (path / "imagesTr").is_dir(), _find_nnunet),
    "BIDS with masks *_dseg in derivatives": Layout(looks_like_bids, find_bids),
    "the folders images and masks": Layout(lambda path: (path / IMAGES).is_dir(), _find_folders),
}
