"""The images and labels that MONAI Label's clients see: those of the served folder, and those they send."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anybone.core.errors import ReadError, UsageError
from anybone.io import FORMATS, describe, find_inputs
from anybone.io.formats import suffix_of
from anybone.server.files import inside
from anybone.server.problems import Absent, TooLarge
from anybone.server.settings import Settings
from anybone.server.uploads import safe_path, size_of

FINAL, ORIGINAL = "final", "original"  # tags: what a person approved, what the network said
_SUFFIXES = tuple(s for kind in FORMATS.values() if kind.write is not None for s in kind.suffixes)


@dataclass(frozen=True)
class Kept:
    """An image.

    Attributes:
        id: Its path below the folder, without the suffix.
        path: Where it lies.
        suffix: ".nii.gz", ".nrrd" ...
        sent: Whether a client sent it, so that it may be removed again.
    """

    id: str
    path: Path
    suffix: str
    sent: bool


class Datastore:
    """What clients list, fetch and label.

    Args:
        settings: The folder that is served, and where what is sent is kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.folder
        self._limit = settings.limits.disk_bytes
        self._state = settings.state
        self._images, self._labels = settings.state / "monai" / "images", settings.state / "monai" / "labels"
        self._lock = threading.Lock()

    def images(self) -> dict[str, Kept]:
        """All images by id; one that was sent goes before one of the folder."""
        found: dict[str, Kept] = {}
        for folder, sent in ((self._folder, False), (self._images, True)):
            if folder is not None and folder.is_dir():
                top = folder.resolve()
                for path in find_inputs(top):
                    suffix = suffix_of(path, _SUFFIXES)
                    if suffix and not path.name.removesuffix(suffix).endswith("_bones"):
                        name = path.relative_to(top).as_posix()[: -len(suffix)]
                        found[name] = Kept(name, path, suffix, sent)
        return found

    def image(self, image_id: str) -> Kept:
        """The image of that id, with or without its suffix.

        Raises:
            Absent: There is none.
        """
        images = self.images()
        suffix = suffix_of(Path(image_id), _SUFFIXES) if image_id else None
        found = images.get(image_id) or images.get(image_id[: -len(suffix)] if suffix else image_id)
        if found is None:
            raise Absent(f"There is no image {image_id!r}. GET /datastore/?output=all lists what there is.")
        return found

    def labels(self, image_id: str) -> dict[str, Path]:
        """The labels of an image by tag."""
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
        """The id of an image that was sent.

        Raises:
            UsageError: It is no image that can be read.
        """
        suffix = suffix_of(sent, _SUFFIXES)
        if suffix is None:
            raise UsageError(f"{sent.name} is of no format that is kept. Send one of {', '.join(_SUFFIXES)}.")
        _check(sent)
        relative = safe_path(image_id or sent.name[: -len(suffix)])
        name = relative.as_posix()
        name = name.removesuffix(suffix)
        self._put(sent, self._images / f"{name}{suffix}")
        return name

    def add_label(self, image_id: str, tag: str, sent: Path) -> str:
        """The id of the label, which is the image's.

        Raises:
            Absent: There is no such image.
            UsageError: It is no mask that can be read.
        """
        image, suffix = self.image(image_id), suffix_of(sent, _SUFFIXES)
        if suffix is None:
            raise UsageError(f"{sent.name} is of no format that is kept. Send one of {', '.join(_SUFFIXES)}.")
        _check(sent)
        with self._lock:
            for old in [path for t, path in self.labels(image.id).items() if t == _tag(tag)]:
                old.unlink(missing_ok=True)
        self._put(sent, self._labels / _tag(tag) / f"{image.id}{suffix}")
        return image.id

    def label(self, label_id: str, tag: str) -> Path:
        """The file of a label.

        Raises:
            Absent: There is none with that tag.
        """
        suffix = suffix_of(Path(label_id), _SUFFIXES) if label_id else None
        path = self.labels(label_id[: -len(suffix)] if suffix else label_id).get(_tag(tag))
        if path is None:
            raise Absent(f"There is no label {label_id!r} with the tag {tag!r}. GET /datastore/?output=all lists them.")
        return path

    def remove(self, image_id: str, kind: str) -> None:
        """Nothing; removes what a client sent: an image with its labels, labels, or all labels of a tag.

        Raises:
            Absent: There is none.
            UsageError: It is an image of the served folder, which stays.
        """
        if kind == "label_tag":
            shutil.rmtree(self._labels / _tag(image_id), ignore_errors=True)
            return
        if kind == "image":
            image = self.image(image_id)
            if not image.sent:
                raise UsageError(f"{image.id} belongs to the folder that is served, and stays there.")
            image.path.unlink(missing_ok=True)
            image_id = image.id
        for path in self.labels(image_id).values():
            path.unlink(missing_ok=True)

    def facts(self, output: str) -> Any:
        """The store as MONAI Label tells of it: "stats", "train" (images and their labels) or "all"."""
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

    def next_unlabeled(self) -> Kept | None:
        """The first image without an approved label."""
        return next((image for name, image in self.images().items() if FINAL not in self.labels(name)), None)

    def _put(self, sent: Path, target: Path) -> None:
        if size_of(self._state) > self._limit:
            raise TooLarge("What is kept fills this server's disk limit. Remove some sessions, images or labels.")
        target.parent.mkdir(parents=True, exist_ok=True)
        inside(self._state, target.parent.relative_to(self._state).as_posix())
        sent.replace(target)


def _row(image: Kept, labels: Mapping[str, Path]) -> dict[str, Any]:
    """An image and its labels."""
    info = {"ts": int(image.path.stat().st_mtime), "name": image.path.name}
    rows = {
        tag: {"ext": path.name.removeprefix(Path(image.id).name), "info": {"ts": int(path.stat().st_mtime)}}
        for tag, path in labels.items()
    }
    return {"image": {"ext": image.suffix, "info": info}, "labels": rows}


def _tag(tag: str) -> str:
    """A tag as the name of a folder."""
    return safe_path((tag or FINAL).replace("/", "_").replace("\\", "_")).name


def _check(sent: Path) -> None:
    try:
        describe(sent)
    except ReadError as error:
        raise type(error)(str(error).replace(f"{sent.parent}/", "")) from error
