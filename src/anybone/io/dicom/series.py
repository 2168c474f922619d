"""Group images into series and volumes, and choose the one to read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anybone.core.errors import GeometryError, ReadError, SeriesError
from anybone.io.dicom.images import Found, Image
from anybone.io.dicom.split import LEAST_SLICES, Part, split, without_copies
from anybone.io.dicom.stack import Stack, build, is_stack, names_of
from anybone.io.dicom.values import optional_number, words

_SUFFIXES = (".dcm", ".ima", ".dicom")
_FEW_IMAGES = 3  # parts of a series with at most so many images are named in messages


@dataclass(frozen=True)
class Series:
    """The images of one volume.

    Attributes:
        name: Value for `--series`: the series number if it is unique, else the UID; with "#stack1" or "#echo2" if
            one series holds several volumes.
        uid: SeriesInstanceUID, with the same "#echo2".
        text: Series description and the part in words.
        images: The images, in the order of the files.
        whole: Name of the series that this is a part of.
        localizer: True for planes of a localizer, which are not taken unless chosen.
        notes: Notes for the user.
        siblings: Sentence on the other parts of the series; empty if there are none.
        problem: Reason why it cannot be read; empty if none is known yet.
    """

    name: str
    uid: str
    text: str
    images: tuple[Image, ...]
    whole: str
    localizer: bool = False
    notes: tuple[str, ...] = ()
    siblings: str = ""
    problem: str = ""

    @property
    def is_volume(self) -> bool:
        """True for a stack of slices; False for key images, color captures and single projections."""
        return is_stack(self.images, LEAST_SLICES)

    def stack(self) -> Stack:
        """Return the images in slice order on their grid.

        Raises:
            ReadError: Color images, or an image is known to be missing.
            GeometryError: The images do not make one regular grid.
        """
        if self.problem:
            raise ReadError(self.problem)
        try:
            return build(self.images)
        except GeometryError as error:
            raise GeometryError(" ".join(filter(None, (str(error), self.siblings)))) from error

    def summary(self, header: Any) -> str:
        """Return description, sequence, echo time and patient position in one line."""
        echo = optional_number(header.get("EchoTime"))
        parts = [
            self.text,
            "/".join(words(header.get("ScanningSequence"))),
            f"TE {echo:g} ms" if echo else "",
            str(header.get("PatientPosition") or ""),
        ]
        return ", ".join(part for part in parts if part)

    def line(self) -> str:
        """Return one line of a list: name, description, and the grid or the reason why there is none."""
        try:
            geometry = self.stack().geometry
        except (GeometryError, ReadError) as error:
            reason = re.split(r"[:;.] | \(", str(error), maxsplit=1)[0].removesuffix(".")
            grid = f"{_count(len(self.images))}, not one volume ({reason})"
        else:
            shape = " x ".join(str(n) for n in geometry.shape_ijk)
            grid = f"{shape}, {' x '.join(f'{x:.3g}' for x in geometry.spacing_mm)} mm"
        return f"{self.name}: {self.text or 'without description'}, {grid}"


def group(found: Found) -> list[Series]:
    """Return the volumes among the images, in the order of series numbers.

    A series is what shares SeriesInstanceUID and SeriesNumber: some anonymizers give one UID to all series.
    """
    members: dict[tuple[str, int | None], list[Image]] = defaultdict(list)
    for image in found.images:
        members[image.series_uid, image.series_number].append(image)
    uses_of_uid = Counter(uid for uid, _ in members)
    uses_of_number = Counter(number for _, number in members)
    result: list[Series] = []
    for uid, number in sorted(members, key=lambda key: (_order(key[1]), key[0])):
        unique_uid = uid if uses_of_uid[uid] == 1 else f"{uid}#series{'' if number is None else number}"
        base = str(number) if number is not None and uses_of_number[number] == 1 else unique_uid
        result += _volumes(base, unique_uid, members[uid, number])
    return _with_empty_files(_with_damaged_files(result, found), found.empty)


def _volumes(base: str, uid: str, images: Sequence[Image]) -> list[Series]:
    images, notes = without_copies(images)
    parts = split(images)
    result = []
    for part in parts:
        mark = f"#{part.label}" if part.label else ""
        text = " ".join(filter(None, (images[0].text, part.words)))
        localizer = part.localizer or any(image.localizer for image in part.images)
        own_notes = (*_modality_notes(part.images[0]), *notes, *part.notes)
        siblings = _siblings(base, part, parts)
        result.append(Series(f"{base}{mark}", f"{uid}{mark}", text, part.images, base, localizer, own_notes, siblings))
    return result


def _siblings(base: str, part: Part, parts: Sequence[Part]) -> str:
    """Return a sentence on the parts that are in other stacks than `part`."""
    stack = part.label.split("-")[0]
    others = [p for p in parts if p.label.split("-")[0] != stack] if stack.startswith("stack") else []
    if not others:
        return ""
    shown = ", ".join(f"#{p.label} ({_images_of(p)})" for p in others[:6]) + (", ..." if len(others) > 6 else "")
    return f"Other images of series {base} differ in orientation, matrix, pixel spacing or place: {shown}."


def _images_of(part: Part) -> str:
    return names_of(part.images) if len(part.images) <= _FEW_IMAGES else _count(len(part.images))


def _count(images: int) -> str:
    return "1 image" if images == 1 else f"{images} images"


def _modality_notes(image: Image) -> tuple[str, ...]:
    if image.modality in ("MR", ""):
        return ()
    return (f"The modality is {image.modality}; this program is made for MR.",)


def _order(number: int | None) -> float:
    return float("inf") if number is None else number


def _with_damaged_files(candidates: list[Series], found: Found) -> list[Series]:
    """Mark the series of images with a damaged header, as a slice of it is missing."""
    problems: dict[tuple[str, int | None], str] = {}
    for uid, number, problem in found.damaged:
        problems.setdefault((uid, number), problem)
    keys = [(c.images[0].series_uid, c.images[0].series_number) for c in candidates]
    lost = tuple(f"Skipped a damaged image: {problem}" for key, problem in problems.items() if key not in keys)
    return [
        replace(series, problem=problems.get(key, ""), notes=(*series.notes, *lost))
        for series, key in zip(candidates, keys, strict=True)
    ]


def _with_empty_files(candidates: list[Series], empty: Sequence[str]) -> list[Series]:
    """Mark the series that an empty file belongs to by its name, as a slice of it is missing."""
    for name in empty:
        owners = _series_named_like(name, candidates)
        closer = {c.whole for c in candidates if c.whole in owners and _numbered_around(c.images, name)}
        owners = closer or owners
        text = f"{name} has 0 bytes, and its name is like those of the images"
        advice = "Copy it again, or delete it to read the images without it."
        for place, series in enumerate(candidates):
            if series.whole in owners and len(owners) == 1:
                candidates[place] = replace(
                    series, problem=f"{text} of series {series.whole}: a slice is missing. {advice}"
                )
            elif series.whole in owners:
                candidates[place] = replace(series, notes=(*series.notes, f"{text}: a slice may be missing."))
    return candidates


def _series_named_like(name: str, candidates: Sequence[Series]) -> set[str]:
    """Return the series with files named like `name` up to numbers; for a DICOM suffix, else those in its folder."""
    files = [(c.whole, image.file.name) for c in candidates for image in c.images]
    alike = {whole for whole, other in files if _pattern(other) == _pattern(name)}
    if alike or not name.lower().endswith(_SUFFIXES):
        return alike
    return {whole for whole, other in files if Path(other).parent == Path(name).parent}


def _pattern(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _numbered_around(images: Sequence[Image], name: str) -> bool:
    """Return whether the last number in a file's name is between those of the images' files, or next to them."""
    numbers = [int(found[-1]) for found in (re.findall(r"\d+", image.file.name) for image in images) if found]
    own = re.findall(r"\d+", name)
    return bool(numbers and own) and min(numbers) - 1 <= int(own[-1]) <= max(numbers) + 1


def choose(candidates: Sequence[Series], wanted: str | None) -> tuple[Series, tuple[str, ...]]:
    """Return the volume to read, and a note if others were left out without being asked.

    Args:
        candidates: At least one.
        wanted: Series number, UID, `Series.name`, place in the list (from 1), or a part of the description that only
            one has; None takes the only one that is a volume.

    Raises:
        SeriesError: None matches, or several do; the message lists them.
    """
    fitting = list(candidates) if wanted is None else _fitting(candidates, wanted.strip())
    if len(fitting) == 1:
        return fitting[0], ()
    if wanted is not None and len({c.whole for c in fitting}) != 1:
        count = "No series matches" if not fitting else f"{len(fitting)} series match"
        raise SeriesError(f"{count} {wanted!r}. {_listing(fitting or candidates)}")
    volumes = default_volumes(fitting)
    if len(volumes) == 1:
        others = "; ".join(c.line() for c in fitting if c is not volumes[0])
        return volumes[0], (f"Read {volumes[0].name}, the only volume. Left out: {others}.",)
    what = "series or parts of series" if any("#" in c.name for c in fitting) else "series"
    count = "none of them a volume" if not volumes else f"{len(volumes)} of them volumes"
    raise SeriesError(f"There are {len(fitting)} {what}, {count}. {_listing(fitting)}")


def default_volumes(candidates: Sequence[Series]) -> list[Series]:
    """Return the stacks of slices among the candidates, without localizers if there are others."""
    volumes = [c for c in candidates if c.is_volume]
    return [c for c in volumes if not c.localizer] or volumes


def _listing(candidates: Sequence[Series]) -> str:
    lines = "".join(f"\n  {place}. {c.line()}" for place, c in enumerate(candidates, start=1))
    return f"Choose one with --series NAME, or read(path, series=NAME); NAME is the text before the colon:{lines}"


def matching(candidates: Sequence[Series], wanted: str) -> list[Series]:
    """Return those of that name or UID; else of that number or whole series; else by a part of the description."""
    exact = [c for c in candidates if wanted in (c.name, c.uid)]
    whole = [c for c in candidates if wanted in (str(c.images[0].series_number), c.images[0].series_uid, c.whole)]
    return exact or whole or [c for c in candidates if wanted and wanted.casefold() in c.text.casefold()]


def _fitting(candidates: Sequence[Series], wanted: str) -> list[Series]:
    """Return the matching ones; a small number that is no series number is a place in the list."""
    found = matching(candidates, wanted)
    if wanted.isdecimal() and len(wanted) < 7 and 1 <= int(wanted) <= len(candidates):
        by_name = [c for c in found if wanted in (c.name, c.uid, str(c.images[0].series_number))]
        return by_name or [candidates[int(wanted) - 1]]
    return found
