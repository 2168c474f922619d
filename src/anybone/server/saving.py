"""Saving: the accepted bones as files, beside the session and, where wanted, in the folder that is served."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from anybone.core.atomic import whole_file
from anybone.core.errors import UsageError, WriteError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export import EXPORTERS
from anybone.io import write
from anybone.io.names import stem
from anybone.server.files import inside
from anybone.server.problems import Absent
from anybone.server.uploads import safe_path
from anybone.server.work import Work

FILES = "files"  # folder of a session in which its saved files lie
_ENDING = "_bones"


def _mask(volume: Volume, bones: Segmentation, path: Path) -> None:
    write(bones, path)


def _by(exporter: str) -> Callable[[Volume, Segmentation, Path], None]:
    def run(volume: Volume, bones: Segmentation, path: Path) -> None:
        if exporter not in EXPORTERS:
            raise UsageError(f"This copy of anybone cannot write {exporter}.")
        EXPORTERS[exporter](volume, bones, path)

    return run


FORMATS: dict[str, tuple[str, Callable[[Volume, Segmentation, Path], None]]] = {
    "nifti": (".nii.gz", _mask),  # with its JSON beside it
    "nrrd": (".seg.nrrd", _mask),
    "metaimage": (".mha", _mask),
    "dicom-seg": (".dcm", _by("dicom_seg")),
    "stl": (".stl", _by("stl")),
    "glb": (".glb", _by("glb")),
    "statistics": ("_statistics.csv", _by("statistics")),  # and the same as JSON
    "preview": (".png", _by("preview")),
}


def save_bones(work: Work, formats: list[str], folder: Path | None, path: str | None) -> dict[str, Any]:
    """Write the committed labels; return the files, one or more per format, and a zip of all.

    Args:
        work: Whose accepted bones.
        formats: Keys of `FORMATS`.
        folder: That is served; None: files lie beside the session only.
        path: Below `folder`, with the beginning of the files' names, to put them there too.

    Raises:
        UsageError: An unknown format, or no bone has been accepted.
        WriteError: A file of another origin is there already, or the system refuses.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise UsageError(f"There is no format {unknown[0]!r} to save in. Choose from {', '.join(FORMATS)}.")
    if not work.session.bones:
        raise UsageError(
            "No bone has been accepted yet, so there is nothing to save. Accept the answer as a bone first."
        )
    target = None if path is None else _target(folder, path)
    bones, volume = work.session.segmentation(), work.session.volume
    own = work.folder / FILES
    name = f"{stem(Path(work.about.path if work.about.path != '.' else work.about.name)) or 'image'}{_ENDING}"
    name = safe_path((target.name if target else name).replace("/", "_")).name
    written = []
    for kind in dict.fromkeys(formats):
        suffix, export = FORMATS[kind]
        fresh = own / f".{uuid.uuid4().hex}"
        fresh.mkdir(parents=True)
        try:
            export(volume, bones, fresh / f"{name}{suffix}")
            for file in sorted(fresh.iterdir()):
                if target is not None:
                    _copy(file, target.parent / file.name, own / file.name)
                written.append(file.replace(own / file.name))
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return {
        "files": [_row(work.id, file, None if target is None else path) for file in written],
        "archive": _row(work.id, _zipped(written, own / f"{name}.zip"), None),
    }


def _zipped(files: list[Path], path: Path) -> Path:
    """Write files into one zip and return its path; what is compressed already is stored as it is."""
    with whole_file(path, ".zip") as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            packed = file.suffix in (".gz", ".png", ".glb")
            archive.write(file, file.name, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
    return path


def _row(session: str, file: Path, path: str | None) -> dict[str, Any]:
    """What a client is told of a file."""
    shown = file.name if path is None else (PurePosixPath(path).parent / file.name).as_posix()
    return {"path": shown, "bytes": file.stat().st_size, "download": f"/api/sessions/{session}/files/{file.name}"}


def saved_file(work_folder: Path, name: str) -> Path:
    """A file that was saved.

    Raises:
        Absent: There is none of that name.
    """
    return inside(work_folder / FILES, name) if (work_folder / FILES).is_dir() and "/" not in name else _none(name)


def _none(name: str) -> Path:
    raise Absent(f"No file {name!r} was saved. POST .../save writes files and lists them.")


def _target(folder: Path | None, path: str) -> Path:
    if folder is None:
        raise UsageError("This server serves no folder to save to. Leave the path out, and download the files.")
    relative = safe_path(path)
    parent = _folder(folder, relative.parent)
    if not parent.is_dir():
        raise Absent(f"{relative.parent.as_posix()} is a file. Name another folder.")
    return parent / relative.name


def _folder(top: Path, relative: Path) -> Path:
    """Return a folder below `top`; it is made where it does not exist, but never outside of `top`."""
    found = top.resolve()
    for part in relative.parts:
        if not (found / part).exists() and not (found / part).is_symlink():
            (found / part).mkdir()
        found = inside(top, (found / part).relative_to(top.resolve()).as_posix())
        if not found.is_dir():
            return found
    return found


def _copy(written: Path, target: Path, before: Path) -> None:
    """Puts a file into the served folder; what is there already is replaced only where it is what was saved before."""
    if target.exists() and not (before.is_file() and before.read_bytes() == target.read_bytes()):
        raise WriteError(f"{target.name} is there already and is not of this session. Choose another name.")
    with whole_file(target, target.suffix) as part:
        shutil.copyfile(written, part)
