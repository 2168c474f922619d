"""BIDS: images in sub-X/[ses-Y/]anat, masks *_dseg with the same entities in derivatives."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from anybone.core.errors import NothingFoundError, ReadError
from anybone.io.names import stem
from anybone.training.cases import Case
from anybone.training.pairs import REGION

_OF_MASKS = {"desc", "space", "res", "den", "label", "seg", "atlas", "hemi"}  # entities that an image lacks


def looks_like_bids(folder: Path) -> bool:
    """Return whether there are subjects, and masks among the derivatives."""
    return any(folder.glob("sub-*")) and any((folder / "derivatives").glob("**/*_dseg.*"))


def find_bids(folder: Path) -> list[Case]:
    """Every mask `_dseg` below `derivatives` with the image whose entities it has.

    Raises:
        NothingFoundError: A mask has no image.
        ReadError: A mask has several.
    """
    images = [path for path in sorted(folder.glob("sub-*/**/anat/*.nii*")) if not path.name.startswith(".")]
    entities_of = {path: _entities(path) for path in images}
    cases = []
    for mask in _masks(folder / "derivatives"):
        wanted, _ = _entities(mask)
        fitting = [path for path, (entities, _) in entities_of.items() if entities == _without(wanted)]
        if not fitting:
            raise NothingFoundError(
                f"{mask} has no image with its entities {_entity_text(_without(wanted))} in {folder}."
            )
        if len(fitting) > 1:
            names = ", ".join(path.name for path in fitting)
            raise ReadError(f"{mask} may belong to {names}. Give it the entities of one, or use a manifest.")
        (image,) = fitting
        region, names_of = _region(image), _names(mask, folder)
        cases.append(Case(image, mask, f"sub-{wanted['sub']}", region, entities_of[image][1], names=names_of))
    return cases


def _masks(folder: Path) -> Iterator[Path]:
    yield from (p for p in sorted(folder.glob("**/*_dseg.nii*")) if not p.name.startswith("."))


def _entities(path: Path) -> tuple[dict[str, str], str]:
    """sub-01_acq-sag_T1w as ({"sub": "01", "acq": "sag"}, "T1w")."""
    *parts, suffix = stem(path).split("_")
    return {key: value for key, _, value in (part.partition("-") for part in parts)}, suffix


def _without(entities: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in entities.items() if key not in _OF_MASKS}


def _entity_text(entities: dict[str, str]) -> str:
    return "_".join(f"{key}-{value}" for key, value in entities.items())


def _region(image: Path) -> str:
    """Return the body part named in the image's sidecar."""
    try:
        facts = json.loads((image.parent / f"{stem(image)}.json").read_text(encoding="utf-8"))
        return str(facts.get("BodyPart") or facts.get("BodyPartExamined") or REGION).lower()
    except (OSError, ValueError, AttributeError):
        return REGION


def _names(mask: Path, folder: Path) -> dict[int, str]:
    """Names of labels from the table beside a mask, or from one above that is meant for all."""
    own = mask.parent / f"{stem(mask)}.tsv"
    above = [p for parent in mask.parents if folder in parent.parents for p in sorted(parent.glob("*dseg.tsv"))]
    common = [p for p in above if not p.name.startswith("sub-")]
    for table in (own, *common):
        if table.is_file():
            rows = csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t")
            return {int(row["index"]): str(row["name"]) for row in rows if str(row.get("index", "")).isdigit()}
    return {}
