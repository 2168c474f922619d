"""Images and labels of MONAI Label clients: those of the served folder, and those that clients send."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anybone.core.errors import GeometryError, ReadError, UsageError
from anybone.core.geometry import Geometry
from anybone.io import FORMATS, describe, find_inputs, read_segmentation
from anybone.io.formats import suffix_of
from anybone.server.http_errors import NotFound, TooLarge
from anybone.server.served_folder import inside
from anybone.server.settings import Settings
from anybone.server.uploads import safe_path, size_of

FINAL = "final"  # tag of labels that a user approved
_SUFFIXES = tuple(s for kind in FORMATS.values() if kind.write is not None for s in kind.suffixes)


@dataclass(frozen=True)
class StoredImage:
    """An image.

    Attributes:
        id: Path below its folder, without suffix.
        path: Path of the file.
        suffix: ".nii.gz", ".nrrd" ...
        sent: True if a client sent it, so that clients can remove it.
    """

    id: str
    path: Path
    suffix: str
    sent: bool


class Datastore:
    """Datastore of images and labels.

    Args:
        settings: Served folder and state folder.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.folder
        self._limit = settings.limits.disk_bytes
        self._state = settings.state
        self._images, self._labels = settings.state / "monai" / "images", settings.state / "monai" / "labels"
        self._lock = threading.Lock()

    def images(self) -> dict[str, StoredImage]:
        """Return all images by id; sent ones take precedence over those of the served folder."""
        found: dict[str, StoredImage] = {}
        for folder, sent in ((self._folder, False), (self._images, True)):
            if folder is not None and folder.is_dir():
                top = folder.resolve()
                for path in find_inputs(top):
                    suffix = suffix_of(path, _SUFFIXES)
                    if suffix and not path.name.removesuffix(suffix).endswith("_bones"):
                        name = path.relative_to(top).as_posix()[: -len(suffix)]
                        found[name] = StoredImage(name, path, suffix, sent)
        return found

    def image(self, image_id: str) -> StoredImage:
        """Return an image by its id, with or without suffix.

        Raises:
            NotFound: There is none.
        """
        images = self.images()
        suffix = suffix_of(Path(image_id), _SUFFIXES) if image_id else None
        found = images.get(image_id) or images.get(image_id[: -len(suffix)] if suffix else image_id)
        if found is None:
            raise NotFound(f"Image {image_id!r} was not found. Choose one from the list of the datastore.")
        return found

    def labels(self, image_id: str) -> dict[str, Path]:
        """Return the labels of an image by tag."""
        if not self._labels.is_dir():
            return {}
        found = {}
        for tag in sorted(p for p in self._labels.iterdir() if p.is_dir()):
            for path in tag.rglob("*"):
                suffix = suffix_of(path, _SUFFIXES)
                if suffix and path.relative_to(tag).as_posix()[: -len(suffix)] == image_id:
                    found[tag.name] = path
        return found

    def add_image(self, image_id: str | None, sent: Path) -> str:
        """Store an image that was sent, and return its id.

        Raises:
            UsageError: The format is not supported.
            ReadError: The image cannot be read.
        """
        suffix = suffix_of(sent, _SUFFIXES)
        if suffix is None:
            raise UsageError(f"The format of {sent.name} is not supported. Send one of {', '.join(_SUFFIXES)}.")
        _check(sent)
        relative = safe_path(image_id or sent.name[: -len(suffix)])
        name = relative.as_posix()
        name = name.removesuffix(suffix)
        self._put(sent, self._images / f"{name}{suffix}")
        return name

    def add_label(self, image_id: str, tag: str, sent: Path) -> str:
        """Store a label that was sent for an image, and return its id, which is the image's.

        Raises:
            NotFound: There is no such image.
            UsageError: The format is not supported.
            ReadError: It is not a readable mask.
            GeometryError: It has another grid than the image.
        """
        image, suffix = self.image(image_id), suffix_of(sent, _SUFFIXES)
        if suffix is None:
            raise UsageError(f"The format of {sent.name} is not supported. Send one of {', '.join(_SUFFIXES)}.")
        _check_label(sent, image)
        with self._lock:
            for old in [path for t, path in self.labels(image.id).items() if t == _tag(tag)]:
                old.unlink(missing_ok=True)
        self._put(sent, self._labels / _tag(tag) / f"{image.id}{suffix}")
        return image.id

    def label(self, label_id: str, tag: str) -> Path:
        """Return the file of a label.

        Raises:
            NotFound: There is none with this tag.
        """
        suffix = suffix_of(Path(label_id), _SUFFIXES) if label_id else None
        path = self.labels(label_id[: -len(suffix)] if suffix else label_id).get(_tag(tag))
        if path is None:
            raise NotFound(
                f"Label {label_id!r} with tag {tag!r} was not found. Choose one from the list of the datastore."
            )
        return path

    def remove(self, image_id: str, kind: str) -> None:
        """Remove an image that a client sent with its labels, the labels of an image, or all labels of a tag.

        Raises:
            NotFound: There is none.
            UsageError: The image belongs to the served folder.
        """
        if kind == "label_tag":
            shutil.rmtree(self._labels / _tag(image_id), ignore_errors=True)
            return
        if kind == "image":
            image = self.image(image_id)
            if not image.sent:
                raise UsageError(f"{image.id} belongs to the served folder and cannot be removed by clients.")
            image.path.unlink(missing_ok=True)
            image_id = image.id
        for path in self.labels(image_id).values():
            path.unlink(missing_ok=True)

    def summary(self, output: str) -> Any:
        """Return the datastore as MONAI Label describes it: "stats", "train" (images with labels) or "all"."""
        images = self.images()
        labels = {name: self.labels(name) for name in images}
        if output == "train":
            return [{"image": name, "label": name} for name in images if FINAL in labels[name]]
        if output == "all":
            return {"name": "anybone", "description": "", "objects": {n: _row(i, labels[n]) for n, i in images.items()}}
        tags: dict[str, int] = {}
        for by_tag in labels.values():
            for tag in by_tag:
                tags[tag] = tags.get(tag, 0) + 1
        return {"total": len(images), "completed": tags.get(FINAL, 0), "label_tags": tags, "train": []}

    def next_unlabeled(self) -> StoredImage | None:
        """Return the first image without an approved label."""
        return next((image for name, image in self.images().items() if FINAL not in self.labels(name)), None)

    def _put(self, sent: Path, target: Path) -> None:
        if size_of(self._state) > self._limit:
            raise TooLarge("The server's disk limit is reached. Remove some sessions, images or labels.")
        target.parent.mkdir(parents=True, exist_ok=True)
        inside(self._state, target.parent.relative_to(self._state).as_posix())
        sent.replace(target)


def _row(image: StoredImage, labels: Mapping[str, Path]) -> dict[str, Any]:
    """Return an image and its labels as MONAI Label describes them."""
    info = {"ts": int(image.path.stat().st_mtime), "name": image.path.name}
    rows = {
        tag: {"ext": path.name.removeprefix(Path(image.id).name), "info": {"ts": int(path.stat().st_mtime)}}
        for tag, path in labels.items()
    }
    return {"image": {"ext": image.suffix, "info": info}, "labels": rows}


def _tag(tag: str) -> str:
    """Return a tag as a folder name."""
    return safe_path((tag or FINAL).replace("/", "_").replace("\\", "_")).name


def _check(sent: Path) -> list[Geometry]:
    """Return the grids in an image file.

    Raises:
        ReadError: It cannot be read.
    """
    try:
        return [found.geometry for found in describe(sent) if found.geometry is not None]
    except ReadError as error:
        raise type(error)(str(error).replace(f"{sent.parent}/", "")) from error


def _check_label(sent: Path, image: StoredImage) -> None:
    """Check that a file is a mask on the grid of an image.

    Raises:
        ReadError: It is not a readable mask.
        GeometryError: It has another grid.
    """
    try:
        found = read_segmentation(sent).geometry
    except ReadError as error:
        raise type(error)(str(error).replace(f"{sent.parent}/", "")) from error
    grids = _check(image.path)
    if grids and not any(found.matches(grid) for grid in grids):
        raise GeometryError(f"The label has another grid than {image.id}: {_difference(found, grids[0])}")


def _difference(found: Geometry, expected: Geometry) -> str:
    """Return the first difference of two grids, and what to do."""
    for what, ours, theirs in (
        ("shape", found.shape_ijk, expected.shape_ijk),
        ("spacing", found.spacing_mm, expected.spacing_mm),
        ("orientation", found.orientation, expected.orientation),
        ("origin", tuple(found.affine_ras_mm[:3, 3]), tuple(expected.affine_ras_mm[:3, 3])),
    ):
        if _text(ours) != _text(theirs):
            return f"{what} {_text(ours)} instead of {_text(theirs)}. Resample it onto the image and send it again."
    return "directions differ. Resample it onto the image and send it again."


def _text(value: object) -> str:
    """Return a tuple of numbers as text, rounded to 0.001."""
    return str(tuple(round(float(x), 3) for x in value)) if isinstance(value, tuple) else str(value)
