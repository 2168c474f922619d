"""Images -> the volumes they make up, and which of them to read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anybone.core.errors import GeometryError, ReadError, SeriesError
from anybone.io.dicom.images import SPLITS, Found, Image
from anybone.io.dicom.stack import build, is_stack
from anybone.io.dicom.values import hint

LEAST_SLICES = 3  # fewer parallel images than this are taken for a localizer or a key image, unless chosen


@dataclass(frozen=True)
class Series:
    """The images of one volume.

    Attributes:
        name: What `--series` takes: the scanner's number where it tells series apart, else the UID; "8#echo2" where
            one series holds several volumes.
        uid: SeriesInstanceUID, with the same "#echo2".
        text: Series description and the split in words.
        images: In the order of the files.
        notes: What the reader should know.
    """

    name: str
    uid: str
    text: str
    images: tuple[Image, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_volume(self) -> bool:
        """Whether this is a stack of slices, and no localizer, color capture or single projection."""
        return is_stack(self.images, LEAST_SLICES)

    def summary(self, header: Any) -> str:
        """Description, sequence, echo time and patient position in one line."""
        echo = hint(header.get("EchoTime"))
        parts = [
            self.text,
            "/".join(_words(header.get("ScanningSequence"))),
            f"TE {echo:g} ms" if echo else "",
            str(header.get("PatientPosition") or ""),
        ]
        return ", ".join(part for part in parts if part)

    def line(self) -> str:
        """One line of a list: name, description, and the grid or why there is none."""
        try:
            geometry = build(self.images).geometry
        except (GeometryError, ReadError):
            grid = f"{len(self.images)} images, not one volume"
        else:
            shape = " x ".join(str(n) for n in geometry.shape_ijk)
            grid = f"{shape}, {' x '.join(f'{x:.3g}' for x in geometry.spacing_mm)} mm"
        return f"{self.name}: {self.text or 'without description'}, {grid}"


def group(found: Found) -> list[Series]:
    """The volumes among the images, in the order of the scanner's series numbers."""
    by_uid: dict[str, list[Image]] = defaultdict(list)
    for image in found.images:
        by_uid[image.series_uid].append(image)
    uids_of_number = Counter(members[0].series_number for members in by_uid.values())
    result = []
    for uid, members in sorted(by_uid.items(), key=lambda item: (_order(item[1][0]), item[0])):
        number = members[0].series_number
        base = str(number) if number is not None and uids_of_number[number] == 1 else uid
        for split, images in _split(members):
            mark = f"#{split}" if split else ""
            text = " ".join(part for part in (members[0].text, split) if part)
            notes = _modality_note(images[0])
            result.append(Series(f"{base}{mark}", f"{uid}{mark}", text, tuple(images), notes))
    return result


def choose(candidates: Sequence[Series], wanted: str | None) -> tuple[Series, tuple[str, ...]]:
    """The volume to read, and a note where others were left out unasked.

    Args:
        candidates: At least one.
        wanted: Series number, UID, `Series.name`, place in the list (from 1), or a part of the description that only
            one has; None takes the only one that is a volume.

    Raises:
        SeriesError: None fits, or several do; the message lists them.
    """
    if wanted is not None:
        fitting = _fitting(candidates, wanted.strip())
        if len(fitting) == 1:
            return fitting[0], ()
        count = "No series fits" if not fitting else f"{len(fitting)} series fit"
        raise SeriesError(f"{count} {wanted!r}. {_listing(fitting or candidates)}")
    if len(candidates) == 1:
        return candidates[0], ()
    volumes = [c for c in candidates if c.is_volume]
    if len(volumes) == 1:
        others = "; ".join(c.line() for c in candidates if c is not volumes[0])
        return volumes[0], (f"The only series that is a volume was taken ({volumes[0].name}). Left out: {others}.",)
    raise SeriesError(f"There are {len(candidates)} series, {len(volumes)} of them volumes. {_listing(candidates)}")


def _listing(candidates: Sequence[Series]) -> str:
    lines = "".join(f"\n  {place}. {c.line()}" for place, c in enumerate(candidates, start=1))
    return f"Choose one with --series NAME, or read(path, series=NAME); NAME stands before the colon:{lines}"


def named(candidates: Sequence[Series], wanted: str) -> list[Series]:
    """Those of that name or UID; else of that number or whole series; else those with it in their description."""
    exact = [c for c in candidates if wanted in (c.name, c.uid)]
    whole = [c for c in candidates if wanted in (str(c.images[0].series_number), c.images[0].series_uid)]
    return exact or whole or [c for c in candidates if wanted and wanted.casefold() in c.text.casefold()]


def _fitting(candidates: Sequence[Series], wanted: str) -> list[Series]:
    """As `named`; a small number that names none is a place in the list, before it is a part of a description."""
    found = named(candidates, wanted)
    if wanted.isdecimal() and len(wanted) < 7 and 1 <= int(wanted) <= len(candidates):
        by_name = [c for c in found if wanted in (c.name, c.uid, str(c.images[0].series_number))]
        return by_name or [candidates[int(wanted) - 1]]
    return found


def _order(image: Image) -> float:
    return float("inf") if image.series_number is None else image.series_number


def _modality_note(image: Image) -> tuple[str, ...]:
    if image.modality in ("MR", ""):
        return ()
    return (f"The modality is {image.modality}; this program is made for MR.",)


def _split(images: list[Image]) -> list[tuple[str, list[Image]]]:
    """The volumes of one series with a name for each: images at the same place belong to different ones.

    A property splits them when it has no more values than there are images at one place: the echo number of a double
    echo has two, while a trigger time that differs from slice to slice has many and means nothing here.
    """
    depth = _images_at_one_place(images)
    if depth <= 1:
        return [("", images)]
    for name in SPLITS:
        parts: dict[Any, list[Image]] = defaultdict(list)
        for image in images:
            parts[image.splits[name]].append(image)
        if 1 < len(parts) <= depth and max(_images_at_one_place(p) for p in parts.values()) < depth:
            labels = _labels(name, list(parts))
            return [
                (f"{labels[value]}-{deeper}" if deeper else labels[value], members)
                for value, part in sorted(parts.items(), key=lambda item: _sortable(item[0]))
                for deeper, members in _split(part)
            ]
    return [("", images)]


def _images_at_one_place(images: list[Image]) -> int:
    places = Counter(tuple(im.position.round(2)) for im in images if im.position is not None)
    return max(places.values(), default=1)


def _labels(name: str, values: list[Any]) -> dict[Any, str]:
    """A short name for each value: "echo2", or for image types the words in which they differ."""
    lists = [set(v) for v in values if isinstance(v, tuple)]
    shared = set.intersection(*lists) if lists else set()
    labels = {}
    for n, value in enumerate(values, start=1):
        if isinstance(value, tuple):
            labels[value] = "-".join(w.lower() for w in value if w not in shared) or f"{name}{n}"
        else:
            labels[value] = f"{name}{value:g}" if isinstance(value, float) else f"{name}{value or n}"
    return labels


def _sortable(value: Any) -> tuple[str, Any]:
    """A key that orders values of differing type: nothing, numbers, texts, several texts."""
    return ("", 0) if value is None else (type(value).__name__, value)


def _words(value: Any) -> list[str]:
    if value is None or isinstance(value, str):
        return [value] if value else []
    return [str(v) for v in value]
